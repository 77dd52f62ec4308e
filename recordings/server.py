"""Run a model server for a recipe, and say which one it is.

The first of these that there is: a server that the author names (TF_SERVING_REST_URL,
TF_SERVING_GRPC_URL), tensorflow_model_server on the PATH, its container image where a Docker
engine answers, the emulation. A recipe writes the emulation's command with the tutorial's ports;
the server gets free ones, and outputs show the tutorial's.
"""

from __future__ import annotations

import functools
import importlib.metadata
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from recordings.engine.run import Run, RunError

EMULATION = ("python", "-m", "model_server")
PROGRAM = "model_server/__main__.py"  # what a recipe declares that uses it
BINARY = "tensorflow_model_server"
COMPOSE = Path(__file__).parents[1] / "docs/_static/code/serving/deploy/compose.yaml"
GRPC_PORT = "8500"  # where a server listens that is told nothing else
ADDRESSES = ("TF_SERVING_REST_URL", "TF_SERVING_GRPC_URL")
READY_SECONDS = 120
SUPERVISE = Path(__file__).with_name("supervise.py")
STATED = "model_server.json"


@dataclass(frozen=True)
class Choice:
    """A server that can answer."""

    name: str
    version: str = ""
    command: tuple[str, ...] = ()  # without its flags
    rest: str = ""
    grpc: str = ""

    @property
    def shown(self) -> str:
        """Return how a reader starts it: what is in the image, too, has the binary's name."""
        return " ".join(EMULATION) if self.command == EMULATION else BINARY


def identity() -> dict[str, str]:
    """Return what a recording depends on that was made with the help of a server."""
    return {"the model server": str(choice())}


@functools.cache
def choice() -> Choice:
    """Choose the server for the client programs."""
    rest, grpc = (os.environ.get(name, "").rstrip("/") for name in ADDRESSES)
    if not rest:
        return startable()
    return replace(startable(), name=rest, version="", rest=rest, grpc=grpc or _grpc_beside(rest))


@functools.cache
def startable() -> Choice:
    """Choose among the servers that this build can start."""
    if path := shutil.which(BINARY):
        return Choice(BINARY, _version(path), (path,))
    return _container() or Choice(
        EMULATION[-1], importlib.metadata.version("tensorflow"), EMULATION
    )


def _grpc_beside(rest: str) -> str:
    return f"{urlsplit(rest).hostname}:{GRPC_PORT}"


def _version(path: str) -> str:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"TensorFlow ModelServer: (\S+)", said.stdout + said.stderr)
    return found[1] if found else ""


def _container() -> Choice | None:
    """Return the image that the compose file names, if there is an engine that can run it."""
    docker = shutil.which("docker")
    found = re.search(r"image: (\S+:(\S+))", COMPOSE.read_text(encoding="utf-8"))
    if docker is None or found is None or not _succeeds(docker, "version"):
        return None
    image, version = found.groups()
    if not (_succeeds(docker, "image", "inspect", image) or _succeeds(docker, "pull", image)):
        return None
    return Choice(image, version, (docker, "run", "--rm", "--init", image))


def _succeeds(*command: str) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, timeout=600, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


@contextmanager
def serving(
    run: Run, name: str, command: str, *, named: bool = False, until: str = ""
) -> Iterator[None]:
    """Run a model server while the block runs, and keep its log as the output `name`.

    Args:
        run: whose folder the server serves.
        name: names the output.
        command: as a reader starts the emulation; its ports stand for free ones.
        named: whether the client programs may ask a server that the author names; the run then
            states in model_server.json which one answered.
        until: a pattern of the log; without it, wait until a version of the model is available.
            A server that is waited for like this shows a fault, and is always the emulation.

    Raises:
        RunError: if the server ends, or is not ready in time.
    """
    chosen = Choice(EMULATION[-1], "", EMULATION) if until else choice() if named else startable()
    taken = {shown: actual for actual, shown in run.places.items()}
    ports = {port: taken.get(port) or free_port() for port in _ports(command)}
    rest_port, grpc_port = (_flag(flag, command) for flag in ("rest_api_port", "port"))
    rest, grpc = f"http://localhost:{ports[rest_port]}", f"localhost:{ports[grpc_port]}"
    addresses = dict(zip(ADDRESSES, (chosen.rest or rest, chosen.grpc or grpc), strict=True))
    before = run.places, run.environment
    run.places = {**run.places, **{port: shown for shown, port in ports.items()}}
    run.places[str(run.folder)] = "/…"
    run.environment = {**run.environment, **({} if until else addresses)}
    log = run.folder / f"{name}.log"
    try:
        with _process(run, _words(run, chosen, command), log) as process:
            _wait(process, log, until, f"{rest}/v1/models/{_flag('model_name', command)}")
            if named:
                stated = {"name": chosen.name, "version": chosen.version or "?"}
                (run.folder / STATED).write_text(json.dumps(stated) + "\n")
            yield
    finally:
        shown = re.sub("^" + " ".join(EMULATION), chosen.shown, command)
        run.keep(name, shown, log.read_text(errors="replace"), log=True)
        run.places, run.environment = before


def ask(run: Run, name: str, command: str) -> None:
    """Run a command that needs curl, and keep its output; without curl, keep that it lacks."""
    if shutil.which("curl"):
        run(name, command)
    else:
        run.keep(name, command, "not run: no curl here; install it\n")


def refuse(run: Run, name: str, command: str) -> None:
    """Run an emulation that has to end by itself, and keep its log as the output `name`."""
    before = run.places
    run.places = {**run.places, str(run.folder): "/…"}
    status, printed = run.execute(command)
    text = run.keep(name, command, printed, log=True)
    run.places = before
    if status != 1:
        raise RunError(f"`{command}` ended with exit code {status}, not 1:\n{text}")


def free_port() -> str:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return str(probe.getsockname()[1])


def _ports(command: str) -> list[str]:
    return re.findall(r"port=(\d+)", command)


def _flag(name: str, command: str) -> str:
    found = re.search(rf"--{name}=(\w+)", command)
    if found is None:
        raise RunError(f"`{command}` says no --{name}")
    return found[1]


def _words(run: Run, chosen: Choice, command: str) -> list[str]:
    """Return the command that runs: the chosen server's, with this build's ports and folder."""
    flags = run.words(command)[len(EMULATION) :]
    if chosen.command == EMULATION:
        return [sys.executable, *EMULATION[1:], *flags]
    *before, last = chosen.command
    if not before:
        return [last, *flags]
    published = [f"--publish=127.0.0.1:{port}:{port}" for port in _ports(" ".join(flags))]
    mounted = [f"--volume={run.folder}:{run.folder}", f"--entrypoint={BINARY}"]
    return [*before, *published, *mounted, last, *flags]


@contextmanager
def _process(run: Run, words: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server below supervise.py, which ends it with its input: also in a killed build."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, SUPERVISE, *words],
            cwd=run.folder,
            env=dict(run.environ()),
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            close_fds=False,  # as for programs: the server keeps the lock of the build
        )
    assert process.stdin
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait()


def _wait(process: subprocess.Popen[bytes], log: Path, until: str, url: str) -> None:
    """Return when the server is ready."""
    end = time.monotonic() + READY_SECONDS
    while True:
        text = log.read_text(errors="replace")
        if re.search(until, text) if until else _available(url):
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
        if process.poll() is not None or time.monotonic() > end:
            raise RunError(f"the model server ended or was not ready:\n{text}")


def _available(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return b'"AVAILABLE"' in answer.read()
    except OSError:
        return False
