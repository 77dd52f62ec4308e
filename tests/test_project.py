"""The project around the site: commands, README, locked requirements, workflows, skips in CI."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import in_ci

ROOT = Path(__file__).parent.parent
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
GUIDES = [*READMES, ROOT / "CONTRIBUTING.md"]
INSTALLED = (".venv", ".venv-tfjs", "node_modules")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def call(
    *command: str, folder: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder without the variables that make leaves to its children."""
    inherited = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS")}
    return subprocess.run(
        command,
        cwd=folder,
        env={**inherited, "MAKELEVEL": "0", **environment},
        capture_output=True,
        text=True,
    )


def committed() -> list[Path]:
    """Return the files that git knows, or would if it were told (ignored ones left out)."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    names = [name for name in listed.stdout.split("\0") if name]
    assert len(names) > 30
    return [ROOT / name for name in names if (ROOT / name).is_file()]


# Commands


def targets() -> set[str]:
    phony = re.search(r"(?m)^\.PHONY:((?:.*\\\n)*.*)$", (ROOT / "Makefile").read_text())
    assert phony
    return set(phony[1].replace("\\\n", " ").split())


def test_make_alone_prints_every_target() -> None:
    result = call("make")
    assert result.returncode == 0, result.stderr
    printed = dict(re.findall(r"(?m)^make (\S+)\s+(\S.*)$", result.stdout))
    assert printed.keys() == targets()


def fenced(path: Path, language: str) -> list[str]:
    """Return the lines of the code blocks in a language."""
    blocks = re.findall(rf"(?ms)^```{language}\n(.*?)^```$", path.read_text(encoding="utf-8"))
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def commands(path: Path) -> Iterator[list[str]]:
    """Yield the shell commands of a guide: its `sh` blocks, and `make ...` in its text."""
    text = path.read_text(encoding="utf-8")
    for line in fenced(path, "sh") + re.findall(r"`(make [^`\n]*)`", text):
        yield shlex.split(line, comments=True)


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_the_commands_of_a_guide_exist(path: Path) -> None:
    found = list(commands(path))
    assert found
    for command in found:
        assert command[0] in ("make", "git"), command
        if command[0] == "make" and len(command) > 1:
            assert command[1] in targets(), command
            if any("=plot_" in word and "NAME" not in word for word in command):
                page = command[-1].partition("=")[2]
                assert (ROOT / "gallery" / f"{page}.py").exists(), command
            dry = call("make", "--dry-run", *command[1:])
            assert dry.returncode == 0, f"{command}: {dry.stderr}"


def test_both_readmes_tell_the_same() -> None:
    english, chinese = (sorted(map(str, commands(path))) for path in READMES)
    assert english == chinese
    pictures = [re.findall(r"!\[[^\]]*\]\(([^)]*)\)", path.read_text("utf-8")) for path in READMES]
    assert pictures[0] == pictures[1]
    assert pictures[0], "no picture of the site"
    headings = [re.findall(r"(?m)^#+ ", path.read_text(encoding="utf-8")) for path in READMES]
    assert headings[0] == headings[1]


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_the_files_that_a_guide_links_exist(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).is_file(), target


def states(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow  # see tests/conftest.py
def test_make_html_of_an_unchanged_tree_runs_nothing(tmp_path: Path) -> None:
    """Run the README's first command on a copy of the tree as the last build left it.

    Its Chinese half: the other one never runs a program.
    """
    assert (ROOT / "build" / "html" / "en" / "index.html").exists(), "run `make html` first"
    copy = tmp_path / "site"
    scratch = shutil.ignore_patterns(*INSTALLED, ".git", "*_cache", "__pycache__", "linkcheck")
    shutil.copytree(ROOT, copy, ignore=scratch, symlinks=True)
    for name in INSTALLED:
        (copy / name).symlink_to(ROOT / name)
    made = {name: states(copy / "build" / name) for name in ("workspace", "outputs", "records")}
    result = call("make", "html", "TRANSLATIONS=", folder=copy)
    said = result.stdout + result.stderr
    assert result.returncode == 0, said
    assert not re.findall(r"(?m)^\S+ runs: .*$", said), said
    for name, before in made.items():
        assert states(copy / "build" / name) == before


# Requirements


LOCKS = ["requirements.txt", "requirements-tfjs.txt"]


def locked(file: str = LOCKS[0]) -> dict[str, str]:
    """Return version specifiers by name; each block of a lock must have a hash."""
    text = (ROOT / file).read_text()
    lock: dict[str, str] = {}
    for block in re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"(?m)^\s*#.*\n", "", text)):
        requirement = block.partition("\\")[0].strip()
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), f"{requirement} has no hash"
        parsed = Requirement(requirement)
        assert str(parsed.specifier).startswith("=="), f"{requirement} is not pinned"
        lock[canonicalize_name(parsed.name)] = str(parsed.specifier)[2:]
    return lock


@pytest.mark.parametrize("file", LOCKS)
def test_every_requirement_is_pinned_with_hashes_and_no_address(file: str) -> None:
    assert len(locked(file)) > 30
    text = (ROOT / file).read_text()
    assert not re.findall(r"(?m)^\s*--?(?:i|f|e|index-url|extra-index-url|find-links)\b.*", text)
    assert not re.findall(r"\S*://\S*", text)


def test_what_both_environments_need_has_one_version() -> None:
    """What the first one has in that version is not installed a second time."""
    first, converter = map(locked, LOCKS)
    assert converter.keys() - first.keys() <= {
        *("tensorflowjs", "jax", "jaxlib", "opt-einsum", "tensorflow-hub", "tf-keras"),
    }
    assert {name: first.get(name, version) for name, version in converter.items()} == converter


def test_direct_requirements_have_a_reason_and_are_in_the_lock() -> None:
    lock = locked()
    lines = (ROOT / "requirements.in").read_text().splitlines()
    direct = [line for line in lines if line.strip() and not line.startswith("#")]
    for line in direct:
        requirement, _, reason = line.partition("#")
        assert reason.strip(), f"{requirement.strip()}: why is it needed?"
        parsed = Requirement(requirement.strip())
        assert parsed.specifier.contains(lock[canonicalize_name(parsed.name)]), line


def imported(source: Path) -> set[str]:
    """Return the modules that a program imports, by their first name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def brought_by(names: set[str]) -> set[str]:
    """Return packages and all that they depend on, without their extras."""
    found, queue = set[str](), [canonicalize_name(name) for name in names]
    while queue:
        if (name := queue.pop()) in found:
            continue
        found.add(name)
        for line in importlib.metadata.requires(name) or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                queue.append(canonicalize_name(needed.name))
    return found


def test_the_readers_requirements_are_enough_and_agree_with_the_lock() -> None:
    code = ROOT / "docs" / "_static" / "code"
    lock = locked()
    needed = {
        parsed.name: parsed
        for file in sorted(code.glob("*/requirements*.txt"))
        if not file.is_symlink()  # that is a lock
        for parsed in map(Requirement, file.read_text().split())
    }
    assert needed
    for name, parsed in needed.items():
        assert parsed.specifier.contains(lock[canonicalize_name(name)]), name
    available, owners = brought_by(set(needed)), importlib.metadata.packages_distributions()
    packages = {path.parent for path in code.glob("*/*/__init__.py")}
    programs = sorted(
        [*code.glob("*/*.py"), *(p for folder in packages for p in folder.glob("*.py"))]
    )
    own = {path.stem for path in programs} | set(sys.stdlib_module_names)
    own |= {folder.name for folder in packages}
    for program in programs:
        for module in imported(program) - own:
            assert module in owners, f"{program.name} imports {module}, which nobody brings"
            distributions = {canonicalize_name(name) for name in owners[module]}
            assert distributions & available, f"{program.name}: {module} is not in requirements"


# What is committed

# Put together here, so that this file does not hold them.
REGISTRIES = ["pypi" + ".org", "python" + "hosted", "registry." + "npm", "npm" + "js.org"]
REGISTRIES += [
    "repo1." + "maven",
    "repo.maven" + ".apache",
    "deb." + "debian",
    "proxy.golang" + ".org",
]


def test_no_committed_file_names_a_registry_or_a_path_of_this_machine() -> None:
    here = {str(ROOT), str(Path.home()), sys.prefix, sys.base_prefix} - {"/", "/usr"}
    paths = "|".join(re.escape(path) + r"(?![\w-])" for path in sorted(here))
    forbidden = re.compile("|".join(map(re.escape, REGISTRIES)) + f"|{paths}|/home/\\w+/")
    wrong = []
    for path in committed():
        content = path.read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf-8").splitlines(), 1):
            wrong += [
                f"{path.relative_to(ROOT)}:{number}: {found}" for found in forbidden.findall(line)
            ]
    assert not wrong, "\n".join(wrong)


# Workflows, and skips in CI


def actionlint(*files: Path) -> subprocess.CompletedProcess[str]:
    beside = Path(sys.executable).parent / "actionlint"
    program = str(beside) if beside.exists() else shutil.which("actionlint")
    assert program, "actionlint is not installed: it comes with requirements.txt"
    return call(program, "-no-color", *map(str, files))


def test_workflows_pass_actionlint() -> None:
    assert WORKFLOWS
    result = actionlint(*WORKFLOWS)
    assert result.returncode == 0, result.stdout + result.stderr


def test_actionlint_finds_faults(tmp_path: Path) -> None:
    """A linter that finds nothing must not be one that looks at nothing."""
    text = (ROOT / ".github" / "workflows" / "site.yml").read_text()
    broken = tmp_path / "broken.yml"
    broken.write_text(text.replace("steps.deployment.", "steps.nothing.").replace("path:", "pth:"))
    result = actionlint(broken)
    assert result.returncode == 1
    assert '"nothing"' in result.stdout
    assert '"pth"' in result.stdout


# The jobs that may write, and what. None of them runs what the project builds or installs.
WRITERS = {
    ("site.yml", "publish"): {"pages", "id-token"},
    ("site.yml", "notebooks"): {"contents"},
    ("newest.yml", "issue"): {"issues"},
}


def test_workflows_have_few_rights_and_pinned_actions() -> None:
    for path in WORKFLOWS:
        workflow: dict[Any, Any] = yaml.safe_load(path.read_text())
        assert workflow["permissions"] == {"contents": "read"}
        for name, job in workflow["jobs"].items():
            rights = {key for key, value in job.get("permissions", {}).items() if value == "write"}
            assert rights <= WRITERS.get((path.name, name), set()), name
            assert job["timeout-minutes"] <= 60
            for step in job["steps"]:
                if "uses" in step:
                    assert re.fullmatch(r"actions/[\w/-]+@v\d+", step["uses"]), step


SKIPPING = """
import pytest

def test_runs():
    pass

@pytest.mark.skip(reason="no such thing here")
def test_marked():
    pass

@pytest.fixture
def thing():
    pytest.skip("nothing to give")

def test_of_fixture(thing):
    pass
"""
MODULE = "import pytest\n\npytest.importorskip('no_such_module')\n"


@pytest.mark.parametrize(
    ("ci", "code", "counts"),
    [("true", 1, "1 passed, 3 errors"), ("", 0, "1 passed, 3 skipped")],
)
def test_in_ci_a_skip_is_a_failure(ci: str, code: int, counts: str, tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(SKIPPING)
    (tmp_path / "test_module.py").write_text(MODULE)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "tests.conftest"]
    command += ["--continue-on-collection-errors", "--rootdir", str(tmp_path), str(tmp_path)]
    result = call(*command, folder=tmp_path, CI=ci, PYTHONPATH=str(ROOT))
    assert result.returncode == code, result.stdout
    assert counts in result.stdout
    if ci == "true":
        assert "CI allows no skip: Skipped: no such thing here" in result.stdout
        assert "CI allows no skip: Skipped: nothing to give" in result.stdout
        assert "CI allows no skip: Skipped: could not import 'no_such_module'" in result.stdout


@pytest.mark.parametrize(
    ("value", "expected"),
    [("true", True), ("1", True), ("", False), ("0", False), ("False", False)],
)
def test_what_counts_as_ci(value: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", value)
    assert in_ci() == expected
