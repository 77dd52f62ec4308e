"""The run of a recipe: programs, run as a reader would, in a folder of their own."""

from __future__ import annotations

import codecs
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from recordings.engine.dataset import VARIABLE
from recordings.engine.recipe import Recipe
from recordings.engine.site import Site
from recordings.engine.transcript import clean

_DEPRECATED = re.compile(r"deprecat|legacy", re.IGNORECASE)
_SHELL = {"python", "sh", "cat", "cp"}  # what a recipe may call without declaring it
LOG_SECONDS = 10  # between lines of progress where the terminal is a file


class RunError(Exception):
    """A program did not do what its recipe says."""


@dataclass
class Run:
    """What a recipe gets: a folder with the declared files, and a way to run programs in it.

    Attributes:
        recipe: what is run.
        site: where everything lies.
        folder: holds the declared programs and artifacts, and nothing else.
        dataset: the file of the dataset, or `digits`; "" if the recipe declares none.
        printed: what each command printed, as it was, by the name of the output.
        outputs: the command on the page, and how its output is read, by the name of the output.
        places: what stands for something else on a page: a port, a path.
    """

    recipe: Recipe
    site: Site
    folder: Path
    dataset: str = ""
    printed: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, dict[str, object]] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    _shown_at: float = 0.0

    def __call__(self, name: str, command: str, *, status: int = 0, deprecated: str = "") -> str:
        """Run a command and keep what it prints as the output `name`; return what a page shows.

        Args:
            name: names the output for the directives and for tests/expected/.
            command: as a reader types it: `python mnist_cnn.py --epochs 1`.
            status: the exit code that the page promises.
            deprecated: a pattern of the deprecation that this page is about; any other one that
                the program prints fails the build.

        Raises:
            RunError: if exit code or deprecations are not as said.
        """
        code, printed = self.execute(command)
        text = self.keep(name, command, printed)
        if code != status:
            raise RunError(f"`{command}` ended with exit code {code}, not {status}:\n{text}")
        for line in text.splitlines():
            if _DEPRECATED.search(line) and not (deprecated and re.search(deprecated, line)):
                raise RunError(f"`{command}` uses something deprecated: {line}")
        return text

    def fails(self, name: str, command: str, *, broken: str = "", status: int = 1) -> str:
        """Run a command that has to fail, and keep what it says.

        Args:
            name, command, status: as above.
            broken: the artifact whose first half is what `command` calls `broken.`.
        """
        if broken:
            content = (self.folder / broken).read_bytes()
            target = re.search(r"broken\.\w+", command)
            assert target
            (self.folder / target[0]).write_bytes(content[: len(content) // 2])
        return self(name, command, status=status)

    def keep(self, name: str, command: str, printed: str, *, log: bool = False) -> str:
        """Keep what a command printed as the output `name`; return what a page shows of it."""
        paths = {path: shown for path, shown in self._paths().items() if path not in self.places}
        places = {**self.places, **paths}
        if name in self.printed:
            raise RunError(f"{self.recipe.name} keeps {name} twice")
        self.printed[name] = printed
        self.outputs[name] = {"command": command, "places": places, "log": log}
        return clean(printed, places, log=log)

    def _paths(self) -> dict[str, str]:
        """Return the paths of this machine, longest first where one holds another."""
        converter = self.site.converter / "bin"
        return {
            f"{self.folder}/": "",
            str(self.folder): ".",
            sysconfig.get_path("purelib"): "site-packages",
            f"{sysconfig.get_path('scripts')}/": "",
            f"{converter}/": "",
            f"{self.site.root}/": "",
            str(Path.home()): "~",
        }

    def execute(self, command: str) -> tuple[int, str]:
        """Run a command; show it on the terminal; return exit code and all that it printed."""
        words = self.words(command)
        executable = shutil.which(words[0], path=self.environ()["PATH"])
        if executable and words[0] not in {*_SHELL, *self.recipe.tools}:
            raise RunError(f"{self.recipe.name} calls {words[0]} without declaring it in `tools`")
        self.show(f"{command}\n")
        if executable is None:
            return 127, f"{words[0]}: command not found\n"
        process = subprocess.Popen(
            [executable, *words[1:]],
            cwd=self.folder,
            env=self.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            close_fds=False,  # an orphan of a killed build keeps the lock of that build
        )
        assert process.stdout
        printed = ""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while block := os.read(process.stdout.fileno(), 1 << 16):
            printed += decoder.decode(block)
            *passing, _ = printed.rpartition("\n")[2].split("\r")
            if passing:
                self.show(passing[-1])
        return process.wait(), printed

    def words(self, command: str) -> list[str]:
        """Return the words of a command, with this folder, and what stands for another thing."""
        for actual, shown in self.places.items():
            command = re.sub(rf"(?<![\w.]){re.escape(shown)}(?!\w)", actual, command)
        return [word.replace("$PWD", str(self.folder)) for word in shlex.split(command)]

    def environ(self) -> Mapping[str, str]:
        """Return the environment of a program: this interpreter first, plain output."""
        own = ["__main__", *(path.stem for path in self.folder.glob("*.py"))]
        classes = ["DeprecationWarning", "PendingDeprecationWarning", "FutureWarning"]
        path = [sysconfig.get_path("scripts"), str(self.site.converter / "bin")]
        return {
            **os.environ,
            "PATH": os.pathsep.join([*path, os.environ["PATH"]]),
            VARIABLE: self.dataset or f"{self.recipe.name} declares no dataset",
            "PYTHONWARNINGS": ",".join(f"error::{c}:{module}" for c in classes for module in own),
            "PYTHONUNBUFFERED": "1",  # keeps stdout and stderr in their order
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "COLUMNS": "80",
            "NO_COLOR": "1",
            "MPLBACKEND": "agg",
            **self.environment,
        }

    def show(self, text: str) -> None:
        """Show progress: the recipe, the time so far, what is going on."""
        stream = sys.__stderr__
        if stream is None:
            return
        now = time.monotonic()
        passing = not text.endswith("\n")  # to be overwritten on a terminal
        if passing and not stream.isatty() and now - self._shown_at < LOG_SECONDS:
            return
        self._shown_at = now
        seconds = int(now - self.started)
        text = f"[{self.recipe.name} {seconds // 60}:{seconds % 60:02}] {text.strip()}"
        stream.write(text.ljust(79) + "\r" if passing and stream.isatty() else text + "\n")
        stream.flush()
