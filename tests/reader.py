"""Follow the chapters as a reader does: each command of the built pages, in the order of the page.

    python -m tests.reader [--fresh] [--digits] [--keep FOLDER] [CHAPTER ...]

The folder begins empty but for programs.zip, and goes on as the first chapter left it with each of
the others. What a command prints has to be what is documented (`recordings/promises.py`). Prints
how long each chapter takes, and what stopped the reader; the exit code is 1 if something did.

`--fresh` makes an environment with nothing in it, as the first page says; without it, the packages
are those of the build.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from bs4 import BeautifulSoup
from bs4.element import Tag
from docutils.nodes import make_id

from recordings.commands import CHAPTERS, FIRST, INSTALLS, WITH_SERVER, Block
from recordings.documented import Documented
from recordings.engine.transcript import clean
from recordings.promises import holds, line_holds

ROOT = Path(__file__).parents[1]
HTML = ROOT / "build" / "html"
PLAIN = {  # a terminal without color, and npm without remarks on the configuration of this machine
    **{"COLUMNS": "80", "NO_COLOR": "1", "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"},
    "npm_config_loglevel": "error",
}
READY = "Entering the event loop"  # where the page shows nothing of what a server says
SECONDS = 600


class OnDigits(Documented):
    """The documented outputs on the embedded digits, whatever the last build used."""

    @property
    def dataset(self) -> str:
        """The name of the dataset."""
        return "digits"


def blocks(page: str) -> Iterator[Block]:
    """Yield the blocks of a page that a reader on Unix copies."""
    soup = BeautifulSoup((HTML / f"{page}.html").read_bytes(), "html.parser")
    for element in soup.select("div.highlight-console"):
        classes = [str(name) for name in element.get("class") or []]
        block = Block.of(page, element.get_text(), classes)
        if block.commands and not _for_windows(element):
            yield block


def _for_windows(element: Tag) -> bool:
    tab = element.find_parent("div", class_="sd-tab-content")
    label = tab.find_previous_sibling("label") if tab else None
    return label is not None and label.get("data-sync-id") == "windows"


@dataclass
class Reader:
    """Someone with a folder, an environment and two terminals."""

    folder: Path
    path: str
    fresh: bool
    documented: Documented
    stopped: list[str] = field(default_factory=list)
    second: subprocess.Popen[str] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a terminal."""
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("PYTHON", "VIRTUAL"))}
        if self.documented.dataset == "digits":
            kept["MNIST_DATA"] = "digits"
        return {**kept, "PATH": self.path, **PLAIN}

    def follow(self, pages: list[str]) -> None:
        """Do what the pages say, in their order; then close both terminals."""
        for page in pages:
            for block in blocks(page):
                if block.executed:
                    self.copy(block)
                elif self.fresh and any(map(INSTALLS.search, block.commands)):
                    self.run("\n".join(block.commands))
        self.stop()

    def copy(self, block: Block) -> None:
        """Copy a block, run it, and look whether it does what the page shows."""
        for command in block.commands:
            if not block.can_run(command):
                continue
            if block.terminal:
                self.stop()
                self.second = self.start(command)
                said = self.wait_for(block.shown)
            else:
                said = self.check(block.output, command)
            if said:
                self.stopped.append(f"{block.page}: $ {command}\n{said}")
                print(self.stopped[-1], flush=True)

    def check(self, output: str, command: str) -> str:
        """Run a command; return what is not as documented."""
        return self.compare(output, command, self.run(command))

    def compare(self, output: str, command: str, said: str) -> str:
        """Return what a command has printed if it is not as documented."""
        name = next((n for n in self.documented.names() if make_id(n) == output), output)
        promised = self.documented.promised(name)
        printed = [f"$ {command}", *self.cleaned(said).splitlines()]
        return "" if holds(promised, printed) else "\n".join(printed[1:])[-2000:]

    def run(self, command: str) -> str:
        """Run a command in the first terminal; return all that it prints."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
            check=False,
        )
        return done.stdout.decode(errors="replace").replace("bash: line 1: ", "")

    def start(self, command: str) -> subprocess.Popen[str]:
        """Start a command in the second terminal."""
        log = (self.folder / ".second_terminal").open("w")
        return subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )

    def wait_for(self, shown: list[str]) -> str:
        """Wait until the second terminal has printed the last line that the page shows."""
        assert self.second
        wanted = ([READY] + [line for line in shown if line not in ("", "…")])[-1]
        deadline = time.monotonic() + 120
        ended = False
        while not ended and time.monotonic() < deadline:
            ended = self.second.poll() is not None  # what it said at last is read after this
            log = self.cleaned((self.folder / ".second_terminal").read_text(), log=True)
            if any(line_holds(wanted, line) or wanted in line for line in log.splitlines()):
                return ""
            time.sleep(0.2)
        return f"the second terminal never said {wanted!r}:\n{log[-2000:]}"

    def stop(self) -> None:
        """Press Ctrl+C in the second terminal."""
        if self.second is not None:
            os.killpg(self.second.pid, signal.SIGINT)
            try:
                self.second.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.second.pid, signal.SIGKILL)
                self.second.wait()
            self.second = None

    def cleaned(self, printed: str, *, log: bool = False) -> str:
        """Return what a page would show of it."""
        scripts = self.path.split(os.pathsep)
        places = {
            f"{self.folder}/": "",
            str(self.folder): ".",
            sysconfig.get_path("purelib"): "site-packages",
            **{f"{path}/": "" for path in scripts if str(ROOT) in path or str(self.folder) in path},
            str(Path.home()): "~",
        }
        return clean(printed, places, log=log)


def prepared(folder: Path, *, fresh: bool) -> str:
    """Put the downloads into an empty folder; return the PATH of a terminal there."""
    with zipfile.ZipFile(ROOT / "docs" / "gallery" / "programs.zip") as archive:
        archive.extractall(folder)
    if fresh:
        return os.pathsep.join([str(folder / ".venv" / "bin"), os.environ["PATH"]])
    (folder / "tfjs-env").symlink_to(ROOT / ".venv-tfjs")
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    return os.pathsep.join([str(ROOT / ".venv" / "bin"), os.environ["PATH"]])


def followed(
    chapters: list[str], folder: Path, documented: Documented, *, fresh: bool
) -> list[str]:
    """Follow the chapters, each in a copy of what the first one left; return what stopped us.

    Two at a time, but for those that start a server: they use the same ports.
    """
    first = folder / FIRST
    first.mkdir(parents=True)
    path = prepared(first, fresh=fresh)

    def follow(name: str) -> list[str]:
        own, started = folder / name, time.monotonic()
        if name != FIRST:
            shutil.copytree(first, own, symlinks=True)
        reader = Reader(own, path.replace(str(first), str(own)), fresh, documented)
        try:
            reader.follow(["index", FIRST] if name == FIRST else CHAPTERS[name])
        finally:
            reader.stop()
        seconds = time.monotonic() - started
        print(f"{name}: {seconds:.0f} s, stopped {len(reader.stopped)} times", flush=True)
        return reader.stopped

    def follow_all(names: list[str]) -> list[str]:
        return list(chain.from_iterable(map(follow, names)))

    stopped = follow(FIRST)
    with ThreadPoolExecutor() as pool:
        servers = [name for name in chapters if name in WITH_SERVER]
        others = [name for name in chapters if name not in WITH_SERVER]
        return stopped + list(chain.from_iterable(pool.map(follow_all, (servers, others))))


def main() -> None:
    """Follow all chapters, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER", help=shlex.join(CHAPTERS))
    parser.add_argument("--fresh", action="store_true", help="install what the pages say")
    parser.add_argument("--digits", action="store_true", help="with the embedded digits")
    parser.add_argument("--keep", metavar="FOLDER", help="an empty folder to work in and keep")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.keep or temporary).resolve()
        documented = (OnDigits if options.digits else Documented)(ROOT)
        chapters = options.chapters or list(CHAPTERS)
        stopped = followed(chapters, folder, documented, fresh=options.fresh)
    sys.exit(1 if stopped else 0)


if __name__ == "__main__":
    main()
