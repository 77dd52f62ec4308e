"""The files around the project are what the tools that read them take them for."""

from __future__ import annotations

import configparser
import json
import os
import platform
import re
import shlex
import shutil
import sys
from datetime import date
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.test_project import ROOT, WORKFLOWS, call, committed

GITHUB = ROOT / ".github"
TEMPLATES = sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml"))
FORMS = [path for path in TEMPLATES if path.name != "config.yml"]
RENOVATE: dict[str, Any] = json.loads((GITHUB / "renovate.json").read_text(encoding="utf-8"))
PACKAGES = ROOT / ".ci" / "packages.txt"
INSTALL = ROOT / ".ci" / "install-packages"
REPORT = ROOT / ".ci" / "report-upgrade"

# Schemas

SCHEMAS = {
    "vendor.renovate": [GITHUB / "renovate.json"],
    "vendor.github-workflows": WORKFLOWS,
    "custom.github-workflows-require-timeout": WORKFLOWS,
    "vendor.github-issue-forms": FORMS,
    "vendor.github-issue-config": [GITHUB / "ISSUE_TEMPLATE" / "config.yml"],
    "vendor.citation-file-format": [ROOT / "CITATION.cff"],
}
# One fault for each: what is replaced in the first of its files, and by what.
FAULTS = {
    "vendor.renovate": ('"enabledManagers": [', '"enabledManagers": ["pip-compiler",'),
    "vendor.github-workflows": ("runs-on:", "runs-in:"),
    "custom.github-workflows-require-timeout": ("timeout-minutes:", "# timeout-minutes:"),
    "vendor.github-issue-forms": ("type: textarea", "type: text"),
    "vendor.github-issue-config": ("blank_issues_enabled: true", "blank_issues_enabled: maybe"),
    "vendor.citation-file-format": ("license: Apache-2.0", "license: Apache-2"),
}


def faults(schema: str, *files: Path) -> str:
    """Return what a schema that comes with check-jsonschema finds wrong with files, or ""."""
    command = (sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema)
    done = call(*command, *map(str, files))
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_fit_their_schema(schema: str) -> None:
    assert SCHEMAS[schema]
    assert faults(schema, *SCHEMAS[schema]) == ""


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_schema_finds_a_fault(schema: str, tmp_path: Path) -> None:
    source = SCHEMAS[schema][0]
    sound = source.read_text(encoding="utf-8")
    broken = sound.replace(*FAULTS[schema], 1)
    assert broken != sound
    (tmp_path / source.name).write_text(broken, encoding="utf-8")
    assert "Schema validation errors" in faults(schema, tmp_path / source.name)


def test_the_form_for_outputs_asks_what_an_output_depends_on() -> None:
    form = yaml.safe_load((GITHUB / "ISSUE_TEMPLATE" / "output.yml").read_text(encoding="utf-8"))
    asked = {field["id"]: field for field in form["body"] if "id" in field}
    assert {"page", "dataset", "versions", "processor", "output"} <= asked.keys()
    line = re.search(r"`python -c \"(.*)\"`", asked["versions"]["attributes"]["description"])
    assert line
    done = call(sys.executable, "-c", line[1])
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Python {platform.python_version()} TensorFlow 2.")


# Renovate


def test_renovate_looks_at_every_file_that_pins_something() -> None:
    names = ("pom.xml", "package.json", "libs.versions.toml", "gradle-wrapper.properties")
    pinning = {
        path.relative_to(ROOT).as_posix()
        for path in committed()
        if not path.is_symlink()  # the same pins at another place
        and (path.name in names or fnmatch(path.name, "requirements*.txt"))
    }
    assert len(pinning) >= 8
    assert any(path.endswith("pom.xml") for path in pinning)
    # "**/" matches no folder, too
    patterns = [f"/{pattern}" for pattern in RENOVATE["ignorePaths"]]
    patterns += [pattern.replace("/**/", "/", 1) for pattern in patterns]
    for path in pinning:
        assert not any(fnmatch(f"/{path}", pattern) for pattern in patterns), path


def locks() -> list[Path]:
    """Return the files that Renovate compiles again."""
    (pattern,) = RENOVATE["pip-compile"]["managerFilePatterns"]
    found = [path for path in committed() if re.search(pattern[1:-1], str(path.relative_to(ROOT)))]
    assert found
    return found


def unreadable(header: str) -> list[str]:
    """Return the words of a lock's command that Renovate would not understand.

    An option's value has to follow after "=": Renovate takes a word of its own for a source.
    """
    flags = ("--universal", "--generate-hashes")
    words = shlex.split(header.removeprefix("#"))
    assert words[:3] == ["uv", "pip", "compile"]
    return [
        word
        for word in words[3:]
        if not (word in flags or re.fullmatch(r"--[\w-]+=.+", word) or (ROOT / word).is_file())
    ]


def test_renovate_can_run_the_command_of_each_lock_again() -> None:
    for path in locks():
        header = path.read_text(encoding="utf-8").splitlines()[1]
        assert unreadable(header) == [], f"{path.name}: write --option=value in the Makefile"
        assert f"--output-file={path.name}" in header
    before = "#    uv pip compile --universal --python-version 3.11 requirements.in -o some.txt"
    assert unreadable(before) == ["--python-version", "3.11", "-o", "some.txt"]


# Hooks, editors, git, changelog

UNTIDY = 'import os\nx=1\ndef f() -> int:\n    return "text"\n'


def hooks() -> list[dict[str, Any]]:
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    return [hook for repository in yaml.safe_load(text)["repos"] for hook in repository["hooks"]]


@pytest.mark.parametrize("hook", hooks(), ids=lambda hook: str(hook["id"]))
def test_a_hook_refuses_an_untidy_file(hook: dict[str, Any], tmp_path: Path) -> None:
    assert hook["language"] == "system"  # what is there, rather than a copy of its own
    assert hook["pass_filenames"] is False
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "pyproject.toml").write_text('[tool.mypy]\nfiles = ["untidy.py"]\nstrict = true\n')
    untidy = tmp_path / "untidy.py"
    untidy.write_text(UNTIDY)
    done = call(*shlex.split(hook["entry"]), folder=tmp_path)
    said = done.stdout + done.stderr
    assert "untidy.py" in said or "1 file reformatted" in said, said
    # pre-commit takes a file that a hook has changed for a fault, too
    assert done.returncode == 1 or untidy.read_text() != UNTIDY


def test_editorconfig_is_understood() -> None:
    settings = configparser.ConfigParser(interpolation=None)
    settings.read_string("[top]\n" + (ROOT / ".editorconfig").read_text(encoding="utf-8"))
    allowed = {
        "root": "true",
        "charset": "utf-8",
        "end_of_line": "lf",
        "insert_final_newline": "true|unset",
        "trim_trailing_whitespace": "true|unset",
        "indent_style": "space|tab",
        "indent_size": r"\d|unset",
        "max_line_length": r"\d+",
    }
    assert settings.get("top", "root") == "true"
    for section in settings.sections():
        for key, value in settings[section].items():
            assert re.fullmatch(allowed[key], value), f"[{section}] {key} = {value}"


def test_git_keeps_text_with_plain_line_ends_and_locks_folded() -> None:
    files = call("git", "ls-files", "--eol").stdout.splitlines()
    assert files
    assert not [line for line in files if re.match(r"i/(crlf|mixed)", line)]
    names = ["requirements.txt", "package-lock.json", "requirements.in", "tests/expected/x.txt"]
    told = call("git", "check-attr", "linguist-generated", "--", *names).stdout.splitlines()
    assert [line.rpartition(": ")[2] for line in told] == ["set", "set", "unspecified", "unset"]


def test_changelog_has_the_newest_first_and_known_headings() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    first, *days = re.findall(r"(?m)^## (.*)$", text)
    assert first == "Unreleased"
    dates = [date.fromisoformat(day) for day in days]
    assert dates == sorted(set(dates), reverse=True)
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"(?m)^### (.*)$", text)) <= kinds


# Debian packages and the container


def listed() -> dict[str, str]:
    """Return the reasons of .ci/packages.txt by package."""
    lines = PACKAGES.read_text(encoding="utf-8").splitlines()
    rows = [line.partition("#") for line in lines if line.strip() and not line.startswith("#")]
    found = {words.split()[0]: reason.strip() for words, _, reason in rows}
    assert len(found) == len(rows), "a package is listed twice"
    return found


def test_each_debian_package_has_a_name_and_a_reason() -> None:
    assert len(listed()) > 10
    for name, reason in listed().items():
        assert re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", name), name
        assert reason, f"{name}: why is it needed?"


def installed_or_known(name: str) -> bool:
    state = call("dpkg-query", "-W", "-f", "${db:Status-Status}", name).stdout
    return state == "installed" or call("apt-cache", "show", name).returncode == 0


def test_debian_has_each_package() -> None:
    """Ask Debian 12; elsewhere, ask for what is not there already, which in CI is nothing."""
    names = list(listed())
    try:
        system = platform.freedesktop_os_release()
    except OSError:
        system = {}
    if (system.get("ID"), system.get("VERSION_ID")) != ("debian", "12"):
        names = call(str(INSTALL), "--missing").stdout.split()
        if names:
            pytest.skip("this is not Debian 12, and something of the list is missing")
    elif call("apt-cache", "show", "bash").returncode:
        names = call(str(INSTALL), "--missing").stdout.split()
        if names:
            pytest.skip("apt has no lists here: run `apt-get update`")
    assert [name for name in names if not installed_or_known(name)] == []


def bare(folder: Path, **programs: str) -> str:
    """Return a PATH with a few tools and with `programs`, shell scripts by their names."""
    folder.mkdir()
    for tool in ("awk", "bash", "cat", "dirname", "env", "sed"):
        found = shutil.which(tool)
        assert found
        (folder / tool).symlink_to(found)
    for name, script in programs.items():
        path = folder / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    return str(folder)


@pytest.mark.parametrize("user", ["0", "1000"])
def test_what_is_missing_is_installed_and_nothing_else(user: str, tmp_path: Path) -> None:
    everything = "echo installed"
    some = '[ "$4" != git ] && [ "$4" != maven ] && echo installed'
    log = tmp_path / "log"
    path = bare(
        tmp_path / "bin",
        id=f"echo {user}",
        sudo=f'echo sudo >> {log}; exec "$@"',
        apt_get=f'echo "$*" >> {log}',
        dpkg_query=some,
    )
    assert call(str(INSTALL), "--missing", PATH=path).stdout.split() == ["git", "maven"]
    assert not log.exists()
    done = call(str(INSTALL), PATH=path)
    assert done.returncode == 0, done.stderr
    *update, install = [line for line in log.read_text().splitlines() if line != "sudo"]
    assert update == ["update -qq"]
    assert install.endswith(" git maven")
    assert ("sudo" in log.read_text()) == (user != "0")
    # a command stands for its package; a variable for a command
    (tmp_path / "bin" / "mvn").symlink_to("env")
    assert call(str(INSTALL), "--missing", PATH=path).stdout.split() == ["git"]
    (tmp_path / "bin" / "dpkg-query").write_text(f"#!/bin/sh\n{everything}\n")
    log.unlink()
    assert call(str(INSTALL), PATH=path).returncode == 0
    assert not log.exists(), "nothing was missing, and yet apt-get was asked"


@pytest.mark.parametrize("browser", ["", "/bin/sh", "/nowhere/chromium"])
def test_the_named_browser_stands_for_chromium(browser: str, tmp_path: Path) -> None:
    path = bare(tmp_path / "bin", dpkg_query='[ "$4" != chromium ] && echo installed')
    missing = call(str(INSTALL), "--missing", PATH=path, BROWSER_PATH=browser).stdout.split()
    assert missing == ([] if browser == "/bin/sh" else ["chromium"])


def test_the_container_sets_up_what_make_html_needs() -> None:
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    settings = json.loads(re.sub(r"(?m)^\s*//.*$", "", text))
    assert re.fullmatch(r"[\w./-]+/python:\d+-3\.1[123]-bookworm", settings["image"])
    commands = [shlex.split(part) for part in settings["postCreateCommand"].split("&&")]
    assert [str(INSTALL.relative_to(ROOT))] in commands
    for program, *words in commands:
        if program == "make":
            done = call("make", "--dry-run", *words)
            assert done.returncode == 0, done.stderr
        else:
            assert os.access(ROOT / program, os.X_OK), program


# The issue on the newest versions


@pytest.mark.parametrize(
    ("report", "number", "action"),
    [
        (None, "", None),
        (None, "7", "issue close 7"),
        ("", "7", "issue close 7"),
        ("| page | output |\n", "", "issue create"),
        ("| page | output |\n", "7", "issue edit 7"),
        ("部署" * 9 + "\n", "7", "issue edit 7"),
        ("一行\n" * 30_000, "7", "issue edit 7"),
    ],
)
def test_one_issue_is_kept(
    report: str | None, number: str, action: str | None, tmp_path: Path
) -> None:
    log, body, file = tmp_path / "log", tmp_path / "body", tmp_path / "upgrade.md"
    gh = f"""
        echo "$*" >> {log}
        case "$*" in
          "issue list"*) echo {number} ;;
          *"--body-file -"*) cat > {body} ;;
        esac
    """
    if report is not None:
        file.write_text(report, encoding="utf-8")
    path = bare(tmp_path / "bin", gh=gh)
    done = call(str(REPORT), str(file), PATH=path, RUN="https://run.invalid/1")
    assert done.returncode == 0, done.stderr
    asked = log.read_text().splitlines()
    assert [line.split()[:2] for line in asked[:2]] == [["label", "create"], ["issue", "list"]]
    assert [line[: len(action or "")] for line in asked[2:]] == ([action] if action else [])
    assert body.exists() == bool(report)
    if report:
        text = body.read_text(encoding="utf-8")
        assert "https://run.invalid/1" in text
        assert len(text) < 65_536
        assert report[:60] in text
