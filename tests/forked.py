"""Run programs that have TensorFlow at once: a fork of a process that imported it, and no import.

Python's own fork server does so once for each pytest process. What runs here is a process of its
own with its own folder, arguments, environment, output and exit code. That the programs start from
nothing as well, the build shows: it runs them by their commands.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import runpy
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.forkserver import ensure_running
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
APIS = "tensorflow_serving.apis"
PRELOADED = [
    "tests.forked",
    *("tensorflow", "keras", "ai_edge_litert.interpreter", "sklearn.datasets", "scipy.ndimage"),
    *("grpc", "requests", "orjson", f"{APIS}.prediction_service_pb2_grpc"),
    *(f"{APIS}.model_service_pb2_grpc", f"{APIS}.prediction_log_pb2"),
]
# What TensorFlow reads when it is imported; the second is what the model server sets.
ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}


@functools.cache
def _fork_server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        ensure_running()
    return context


class Program:
    """What the tests use of subprocess.Popen.

    `command` begins with the file of the program, or with -m and a module in the folder.
    """

    def __init__(
        self, folder: Path, *command: str, environment: dict[str, str], merged: bool = False
    ) -> None:
        context = _fork_server()
        read_out, write_out = context.Pipe(duplex=False)
        read_err, write_err = context.Pipe(duplex=False)
        err = write_out if merged else write_err
        self._process = context.Process(
            target=_become,
            args=(str(folder), command, environment, write_out, err),
            daemon=True,  # ends with the tests
        )
        self._process.start()
        write_out.close()
        write_err.close()
        self.stdout, self.stderr = (
            os.fdopen(os.dup(end.fileno()), errors="replace") for end in (read_out, read_err)
        )
        self.pid = self._process.pid
        self.kill, self.terminate = self._process.kill, self._process.terminate

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        assert self._process.exitcode is not None, f"still running after {timeout} s"
        return self._process.exitcode


def _become(
    folder: str,
    command: tuple[str, ...],
    environment: dict[str, str],
    out: Connection,
    err: Connection,
) -> None:
    """Make this process what `python command` in the folder would be.

    Python and TensorFlow have read what they read from the environment already.
    """
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    out.close()
    err.close()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[:] = command
    others = [path for path in sys.path if not Path(path).is_relative_to(ROOT / "docs")]
    if command[0] == "-m":
        sys.argv[:] = command[1:]
        sys.path[:] = [folder, *others]
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        sys.path[:] = [str(Path(command[0]).absolute().parent), *others]
        runpy.run_path(command[0], run_name="__main__")


def run(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, as subprocess.run does; `environment` is added to this one."""
    program = Program(folder, *command, environment={**os.environ, **environment})
    with ThreadPoolExecutor() as pool, program.stdout, program.stderr:
        out, err = pool.map(lambda end: end.read(), (program.stdout, program.stderr))
    return subprocess.CompletedProcess(command, program.wait(), out, err)
