"""Run a program in the workspace as a reader would, and keep what it printed.

Pages call `run`; chapters and pages show what it kept through the directives of `outputs`.
"""

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
from collections.abc import Iterable
from pathlib import Path

from sphinxext.layout import Site

# Left out of the outputs on purpose: what a reader's machine prints differently or not at all,
# and what says nothing about the tutorial. Everything else reaches the page.
NOISE = [
    # TensorFlow's native log, level INFO (time, thread, file and line of its source)
    r"^I\d{4} [\d:.]+ +\d+ .*",
    r"^WARNING: All log messages before absl::InitializeLog\(\) .*",
    r"^To enable the following instructions: .*",
    # no GPU here
    r"^[EW]\d{4} [\d:.]+ +\d+ cuda_\w+\.cc:\d+\] .*",
    # the converter's notes to its own developers
    r"^W\d{4} [\d:.]+ +\d+ tf_tfl_flatbuffer_helpers\.cc:\d+\] Ignored .*",
    r"^W\d{4} [\d:.]+ +\d+ flatbuffer_export\.cc:\d+\] Skipping runtime version metadata.*",
    r"^INFO: Created TensorFlow Lite XNNPACK delegate for CPU\.",
    r"^fully_quantize: \d+, inference_type: .*",  # from C++
    # what TensorFlow finds deprecated in itself
    r"^(WARNING:tensorflow:|W\d{4} .*deprecation\.py:\d+\] )From site-packages/.*",
    r"^Instructions for updating:$",
    r"^Use `tf\.saved_model\.load` instead\.$",
]
_NOISE = re.compile("|".join(NOISE))
_DEPRECATED = re.compile(r"deprecat|legacy", re.IGNORECASE)

site = Site(Path.cwd())  # set by `gallery` in a build
made: list[Path] = []  # outputs and artifacts of the page that is running
position = ""  # of that page, for the terminal: "2/5 plot_convert"
stand_ins: dict[str, str] = {}  # what outputs show, and what is there: a port that was free
started = time.monotonic()
_last_progress = 0.0


LOG_SECONDS = 10  # between lines of progress where the terminal is a file


class RunError(Exception):
    """A program did not do what its page says."""


def run(
    name: str,
    command: str,
    *,
    writes: Iterable[str] = (),
    status: int = 0,
    deprecated: str = "",
) -> str:
    """Run `command` in the workspace and keep its output as `name`; return the output.

    Args:
        name: names the output for the directives and for tests/expected/.
        command: as a reader types it: `python mnist_cnn.py --epochs 1`.
        writes: the artifacts that it makes there; they must exist afterwards.
        status: the exit code that the page promises.
        deprecated: a pattern of the deprecation that this page is about; any other one that the
            program prints fails the build.

    Raises:
        RunError: if exit code, artifacts or deprecations are not as said.
    """
    copy_programs()
    code, printed = _execute(command)
    text = scrub(printed)
    if code != status:
        raise RunError(f"`{command}` ended with exit code {code}, not {status}:\n{text}")
    for artifact in writes:
        if not (site.workspace / artifact).exists():
            raise RunError(f"`{command}` did not write {artifact}:\n{text}")
        made.append(site.workspace / artifact)
    for line in text.splitlines():
        if _DEPRECATED.search(line) and not (deprecated and re.search(deprecated, line)):
            raise RunError(f"`{command}` uses something deprecated: {line}")
    made.append(keep(name, command, text))
    return text


def provoke(name: str, command: str, *, broken: str | bytes = "", status: int = 1) -> str:
    """Run a command that has to fail, and keep what it says.

    Args:
        name, command, status: as for `run`.
        broken: what the file in `command` called `broken.` is made from for this run: bytes, or
            the name of an artifact, of which the first half is taken.
    """
    match = re.search(r"broken\.\w+", command)
    path = site.workspace / match[0] if match else None
    try:
        if path:
            source = (site.workspace / broken).read_bytes() if isinstance(broken, str) else broken
            path.write_bytes(source[: len(source) // 2])
        return run(name, command, status=status)
    finally:
        if path:
            path.unlink()


def copy_programs() -> None:
    """Put the programs into the workspace, side by side, as a reader has them."""
    site.workspace.mkdir(parents=True, exist_ok=True)
    for program, path in site.programs().items():
        _copy_if_changed(path, site.workspace / program)


def keep(name: str, command: str, text: str) -> Path:
    """Write the output `name`: the command on the first line, what it printed behind it."""
    path = site.outputs / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(f"$ {command}\n{text}", encoding="utf-8")
    partial.replace(path)
    return path


def scrub(text: str) -> str:
    """Leave out the paths of this machine, and the noise."""
    for shown, actual in stand_ins.items():
        text = re.sub(rf"(?<![\w.]){re.escape(actual)}(?!\w)", shown, text)
    places = {
        f"{site.workspace}/": "",
        str(site.workspace): ".",
        sysconfig.get_path("purelib"): "site-packages",
        f"{sysconfig.get_path('scripts')}/": "",
        f"{site.converter}/": "",
        str(Path.home()): "~",
    }
    for place, shown in places.items():
        text = text.replace(place, shown)
    text = re.sub(r"/tmp/tmp\w+", "/tmp/…", text)
    lines = [line.rstrip() for line in text.splitlines() if not _NOISE.match(line)]
    return "\n".join(lines).strip("\n") + "\n" if any(lines) else ""


def environment() -> dict[str, str]:
    """Return the environment of a program: this interpreter first, plain output."""
    own = ["__main__", *(Path(name).stem for name in site.programs())]
    classes = ["DeprecationWarning", "PendingDeprecationWarning", "FutureWarning"]
    return {
        **os.environ,
        "PATH": os.pathsep.join(
            [sysconfig.get_path("scripts"), str(site.converter), os.environ["PATH"]]
        ),
        "PYTHONWARNINGS": ",".join(f"error::{c}:{module}" for c in classes for module in own),
        "PYTHONUNBUFFERED": "1",  # keeps stdout and stderr in their order
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "COLUMNS": "80",
        "NO_COLOR": "1",
        "MPLBACKEND": "agg",
    }


def actual_words(command: str) -> list[str]:
    """Return the words of a command, with this folder, and what stands for another thing."""
    for shown, actual in stand_ins.items():
        command = re.sub(rf"(?<![\w.]){re.escape(shown)}(?!\w)", actual, command)
    return [word.replace("$PWD", str(site.workspace)) for word in shlex.split(command)]


def _execute(command: str) -> tuple[int, str]:
    """Run `command`; show it on the terminal; return exit code and what stays of its output."""
    words = actual_words(command)
    executable = shutil.which(words[0], path=environment()["PATH"])
    _terminal(f"{command}\n")
    if executable is None:
        return 127, f"{words[0]}: command not found\n"
    process = subprocess.Popen(
        [executable, *words[1:]],
        cwd=site.workspace,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # An orphan of a killed build keeps the lock of that build until it ends.
        close_fds=False,
    )
    assert process.stdout
    kept, line = "", ""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while block := os.read(process.stdout.fileno(), 1 << 16):
        line += decoder.decode(block)
        *complete, line = re.split(r"(?<=[\r\n])", line.replace("\r\n", "\n"))
        for part in complete:
            if part.endswith("\n"):
                kept += part
            elif part.strip():  # overwritten on a terminal, so it never reaches a page
                _terminal(part)
    return process.wait(), kept + line


def _terminal(text: str) -> None:
    """Show progress: which page of how many, the time so far, what is going on."""
    global _last_progress
    stream = sys.__stderr__
    if stream is None:
        return
    now = time.monotonic()
    passing = not text.endswith("\n")  # to be overwritten on a terminal
    if passing and not stream.isatty() and now - _last_progress < LOG_SECONDS:
        return
    _last_progress = now
    seconds = int(now - started)
    text = f"[{position} {seconds // 60}:{seconds % 60:02}] {text.strip()}"
    stream.write(text.ljust(79) + "\r" if passing and stream.isatty() else text + "\n")
    stream.flush()


def _copy_if_changed(source: Path, target: Path) -> None:
    if not target.exists() or source.read_bytes() != target.read_bytes():
        shutil.copyfile(source, target)
