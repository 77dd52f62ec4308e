"""Break the sources in many ways; each has to be caught by a check that is wanted anyway.

`make mutants` works in copies of the tree, two at a time, which share the recordings and what the
last build left. tests/mutants.toml lists the mutants: what replaces what in a file, and which
check should see it: tests, or `recipe NAME`, a run of the recipe whose outputs are then compared
with the documented ones. In a chapter or page, `english` is what changes in the translation along
with it: the catalog stays complete, so that "untranslated" does not count.

`python -m tests.mutants KIND` takes those of a kind, `quick` those whose tests need no build.
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIST = Path(__file__).with_suffix(".toml")
LINKED = (".venv", ".venv-tfjs", ".venv-clients", "node_modules")
COMPILED = ("android-jvm", "android-screen")  # a copy compiles its own sources anew
AT_A_TIME = 2
SECONDS = 300  # for one check
QUICK = "tests/test_bound.py"  # needs neither a build nor TensorFlow
RECIPE = """
import sys
from pathlib import Path
from recordings.documented import Documented
from recordings.engine.recorder import Recorder, shown
from recordings.engine.site import Site
from recordings.promises import holds

root, name = Path.cwd(), sys.argv[1]
recorder, documented = Recorder(Site(root)), Documented(root)
recipe = next(recipe for recipe in recorder.recipes() if recipe.name == name)
recording = recorder.find(recipe, runs=True)
for output, how in recording.facts["outputs"].items():
    printed = shown(recording, output, how).splitlines()
    if not holds(documented.promised(output), printed):
        sys.exit(f"FAILED documented output {output}")
"""


WARM = """
import contextlib, importlib, os, sys
import pytest

for name in ("yaml", "babel.messages.pofile", "bs4", "docutils.core", "numpy",
    "sphinx.addnodes", "sphinx_gallery.py_source_parser", "hypothesis", "playwright.sync_api"):
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
options = ["-n", "0", "-x", "-q", "-p", "no:cacheprovider"]
for line in sys.stdin:
    if (child := os.fork()) == 0:
        said = os.open("build/said", os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
        os.dup2(said, 1)
        os.dup2(said, 2)
        code = pytest.main([*options, *line.split()])
        sys.stdout.flush()
        os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class Mutant:
    """A change of the sources that some check has to see."""

    kind: str
    file: str
    old: str
    new: str
    check: str
    english: tuple[str, str] = ("", "")

    @property
    def name(self) -> str:
        """What the report calls it."""
        return f"{self.kind}: {self.file}: {self.old!r} → {self.new!r}"

    @property
    def catalog(self) -> str:
        """The file with the translation of the one that changes, "" if it has none."""
        place = re.fullmatch(r"(?:docs/(?!_)|(?=gallery/))(.+)\.(?:md|py)", self.file)
        return f"locale/en/LC_MESSAGES/{place[1]}.po" if place else ""

    def changes(self, root: Path) -> dict[Path, str]:
        """Return the changed text of each file.

        Raises:
            ValueError: if the mutant does not apply.
        """
        edits = {self.file: [(self.old, self.new)]}
        if self.catalog:
            in_catalog = [(po(self.old), po(self.new))]
            edits[self.catalog] = in_catalog + [tuple(map(po, self.english))] * any(self.english)  # type: ignore[list-item]
        changed = {}
        for name, pairs in edits.items():
            text = unwrapped((root / name).read_text(encoding="utf-8"), name)
            for old, new in pairs:
                if old not in text and (name, old) != (self.catalog, po(self.english[0])):
                    raise ValueError(f"{self.name}: {name} does not hold {old!r}")
                text = text.replace(old, new) if name == self.catalog else text.replace(old, new, 1)
            changed[root / name] = text
        return changed


def po(text: str) -> str:
    """Return a text as a catalog writes it."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def unwrapped(text: str, name: str) -> str:
    """Return a catalog with each message on a line of its own."""
    return (
        re.sub(r'(?<!\\)"\n"(?!Content|Language|Plural)', "", text)
        if name.endswith(".po")
        else text
    )


def listed(kind: str = "") -> list[Mutant]:
    """Return the mutants of the list: of a kind, or `quick` ones, or all."""
    rows = tomllib.loads(LIST.read_text(encoding="utf-8"))["mutant"]
    mutants = [Mutant(**{**r, "english": tuple(r.get("english", ("", "")))}) for r in rows]
    if kind == "quick":
        return [m for m in mutants if QUICK in m.check]
    return [m for m in mutants if m.kind.startswith(kind)]


def copied(folder: Path) -> Path:
    """Return a copy of the tree; recordings are hard links, installed and built things links."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    for name in LINKED:
        if (ROOT / name).exists() and not (folder / name).exists():
            (folder / name).symlink_to((ROOT / name).resolve())
    (folder / "build").mkdir()
    for path in (ROOT / "build").iterdir() if (ROOT / "build").exists() else ():
        if path.name == "store":
            shutil.copytree(path.resolve(), folder / "build" / "store", copy_function=os.link)
        elif not path.name.startswith(("lock", "runs", "mutants-", *COMPILED)):
            (folder / "build" / path.name).symlink_to(path)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run(["git", "add", "--all"], cwd=folder, check=True, capture_output=True)
    return folder


class Copy:
    """A copy of the tree, and a process that has imported what tests need, to be forked."""

    def __init__(self, folder: Path) -> None:
        """Copy the tree into `folder`."""
        self.folder = copied(folder)
        self.python = str(self.folder / ".venv" / "bin" / "python")
        environment = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(folder), "CI": ""}
        self.environment = {**os.environ, **environment}
        self.warm = subprocess.Popen(
            [self.python, "-c", WARM],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def caught(self, mutant: Mutant) -> str:
        """Return which check sees a mutant, or nothing."""
        changed = mutant.changes(self.folder)
        before = {path: path.read_bytes() for path in changed}
        try:
            for path, text in changed.items():
                path.write_text(text, encoding="utf-8")
            return self.failure(mutant.check)
        finally:
            for path, content in before.items():
                path.write_bytes(content)

    def failure(self, check: str) -> str:
        """Return what fails of a check, or nothing."""
        if check.startswith("recipe "):
            code, said = self.recorded(check.removeprefix("recipe "))
        else:
            assert self.warm.stdin
            assert self.warm.stdout
            print(check, file=self.warm.stdin, flush=True)
            code = int(self.warm.stdout.readline())
            said = (self.folder / "build" / "said").read_text(encoding="utf-8", errors="replace")
        if code == 0:
            return ""
        found = re.search(r"(?m)^(?:FAILED|ERROR) (?!not found)(.*)$|^\S*(RunError: .*)$", said)
        # a mistake in the list, say a test that is not there, is no catch
        return (found[1] or found[2])[:110] if found else f"!{said[-600:]}"

    def recorded(self, recipe: str) -> tuple[int, str]:
        """Run a recipe and compare its outputs; return exit code and what was printed."""
        done = subprocess.run(
            [self.python, "-c", RECIPE, recipe],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return done.returncode, done.stdout


def results(mutants: list[Mutant]) -> Iterator[tuple[Mutant, str, float]]:
    """Yield for each mutant what caught it, and after how many seconds."""
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "build", prefix="mutants-") as folder:
        copies: queue.Queue[Copy] = queue.Queue()
        for i in range(AT_A_TIME):
            copies.put(Copy(Path(folder, str(i)).absolute()))
        sound: dict[str, str] = {}  # what fails of a check without a mutant: nothing, it is hoped

        def tried(mutant: Mutant) -> tuple[Mutant, str, float]:
            copy, started = copies.get(), time.monotonic()
            try:
                found = copy.caught(mutant)
                if found and mutant.check not in sound:  # what fails by itself catches nothing
                    sound[mutant.check] = copy.failure(mutant.check)
                wrong = sound.get(mutant.check, "")
                found = f"!fails without a mutant, too: {wrong}" if wrong else found
                return mutant, found, time.monotonic() - started
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(AT_A_TIME) as pool:
            yield from pool.map(tried, mutants)
        while not copies.empty():
            copies.get().warm.communicate()


def main(arguments: list[str]) -> None:
    """Report what catches each mutant; end with exit code 1 if one survives."""
    mutants = listed(*arguments)
    survived = 0
    for mutant, by, seconds in results(mutants):
        if not by or by.startswith("!"):
            survived += 1
        print(f"{mutant.name}\n  {by or 'SURVIVED'} ({seconds:.0f} s)", flush=True)
    print(f"{len(mutants) - survived} of {len(mutants)} mutants caught")
    sys.exit(bool(survived))


if __name__ == "__main__":
    main(sys.argv[1:])
