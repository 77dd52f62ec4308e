"""Which versions go together: the short way with each TensorFlow on each Python that is here.

`make compatibility` installs each minor version since 2.16 (its newest patch) beside the readers'
other requirements into an environment that is deleted again, about 2 GB at a time, and goes the
short way (tests/short_way.py) on the embedded digits. docs/compatibility.json says what came of it;
it is committed, and a chapter shows it. `make compatibility ONLY=2.18` replaces one version's rows.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from packaging.version import Version

from recordings.engine.site import Site
from sphinxext.compatibility import TABLE, programs_now
from tests.short_way import CODE, COMMANDS

ROOT = Path(__file__).parents[1]
OLDEST = Version("2.16")  # the first one that has Keras 3
PYTHONS = ["python3.10", "python3.11", "python3.12", "python3.13", "python3.14"]
REQUIREMENTS = CODE / "modelsave" / "requirements.txt"
MINUTES = 20  # for one command


def call(*command: str, folder: Path, **environment: str) -> tuple[int, str]:
    """Run a command; return its exit code and what it printed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=MINUTES * 60,
        check=False,
    )
    return done.returncode, done.stdout


def is_here(python: str) -> bool:
    """Return whether a Python can be run; its name alone may be a version manager's."""
    return bool(shutil.which(python)) and not call(python, "-c", "", folder=ROOT)[0]


def available() -> list[str]:
    """Return the newest patch of each minor version of TensorFlow, as pip lists them."""
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    _, said = call(*pip, "index", "versions", "tensorflow", folder=ROOT)
    listed = re.search(r"Available versions: (.*)", said)
    newest: dict[tuple[int, ...], Version] = {}
    for version in sorted(map(Version, listed[1].split(", "))) if listed else []:
        if version >= OLDEST:
            newest[version.release[:2]] = version
    if not newest:
        sys.exit(f"pip lists no TensorFlow: {said}")
    return [str(version) for version in newest.values()]


def first_line(said: str) -> str:
    """Return the line that says what went wrong: pip's or Python's, else the last one."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    wrong = [line for line in lines if re.match(r"ERROR: |error: |[\w.]*(Error|Exception)\b", line)]
    if wrong and wrong[0].startswith("ERROR: "):
        return wrong[0]
    return (wrong or lines or ["it said nothing"])[-1]


def requirements(tensorflow: str) -> list[str]:
    """Return what a reader would install, with another TensorFlow."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").split()
    return [re.sub(r"^tensorflow==.*", f"tensorflow=={tensorflow}", line) for line in lines]


def tried(python: str, tensorflow: str, folder: Path) -> dict[str, str]:
    """Install and go the short way; return the row of the table."""
    version = call(python, "-c", "import platform; print(platform.python_version())", folder=folder)
    row = {"python": version[1].strip(), "tensorflow": tensorflow, "keras": "", "litert": ""}
    row |= {"date": str(datetime.date.today()), "programs": programs_now(Site(ROOT))}
    for step in steps(python, tensorflow, folder, row):
        code, said = call(*step, folder=folder, MNIST_DATA="digits", TF_CPP_MIN_LOG_LEVEL="2")
        if code:
            shown = " ".join(Path(word).name if i == 0 else word for i, word in enumerate(step))
            where = re.sub(r"^python (-m (?=pip ))?", "", shown)
            return row | {"step": where, "wrong": first_line(said).replace(f"{folder}/", "")}
    return row | {"step": "", "wrong": ""}


def steps(python: str, tensorflow: str, folder: Path, row: dict[str, str]) -> Iterator[list[str]]:
    """Yield the commands, one after the other; note in the row what was installed."""
    own = str(folder / "venv" / "bin" / "python")
    yield [python, "-m", "venv", "venv"]
    pip = [own, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-cache-dir"]
    yield [*pip, *requirements(tensorflow)]
    for key, package in (("keras", "keras"), ("litert", "ai-edge-litert")):
        get = f"import importlib.metadata as m; print(m.version({package!r}))"
        row[key] = call(own, "-c", get, folder=folder)[1].strip()
    for path in CODE.glob("*/*.*"):
        shutil.copy(path, folder)
    for command in COMMANDS:
        yield [own, *command.split()]


def main(only: list[str]) -> None:
    """Fill the table; a row is kept as soon as it is there."""
    table = ROOT / TABLE
    rows = json.loads(table.read_text(encoding="utf-8")) if table.exists() else []
    chosen = [v for v in available() if not only or any(v.startswith(o) for o in only)]
    for python in filter(is_here, PYTHONS):
        for tensorflow in chosen:
            with tempfile.TemporaryDirectory() as folder:
                row = tried(python, tensorflow, Path(folder))
            print(f"{python} tensorflow {tensorflow}: {row['wrong'] or 'works'}", flush=True)
            minor = tensorflow.rpartition(".")[0] + "."
            same = {"python": row["python"].rpartition(".")[0] + ".", "tensorflow": minor}
            rows = [r for r in rows if not all(r[k].startswith(v) for k, v in same.items())]
            rows = sorted([*rows, row], key=lambda r: (Version(r["tensorflow"]), r["python"]))
            text = json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
            table.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
