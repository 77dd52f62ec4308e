"""Run a model server for a page, and say which one it is.

The first of these that there is: a server that the author names (TF_SERVING_REST_URL,
TF_SERVING_GRPC_URL), tensorflow_model_server on the PATH, its container image where a Docker
engine answers, the emulation. A page writes the emulation's command with the tutorial's ports;
the server gets free ones, and outputs show the tutorial's.
"""

from __future__ import annotations

import functools
import importlib.metadata
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from sphinxext import runner
from sphinxext.runner import RunError

EMULATION = ("python", "model_server.py")
BINARY = "tensorflow_model_server"
GRPC_PORT = "8500"  # where a server listens that is told nothing else
ADDRESSES = ("TF_SERVING_REST_URL", "TF_SERVING_GRPC_URL")
READY_SECONDS, STOP_SECONDS = 120, 20
STATED = "model_server.json"


@dataclass(frozen=True)
class Choice:
    """A server that can answer; a page is stale when the choice has changed."""

    name: str
    version: str = ""
    command: tuple[str, ...] = ()  # without its flags
    rest: str = ""
    grpc: str = ""

    @property
    def shown(self) -> str:
        """Return how a reader starts it: what is in the image, too, has the binary's name."""
        return " ".join(EMULATION) if self.command == EMULATION else BINARY


def inputs() -> dict[str, str]:
    """Return what a page that runs a server depends on, beside files of the site."""
    return {"model server": str(choice()), "curl": str(bool(shutil.which("curl")))}


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
    return _container() or Choice(EMULATION[1], importlib.metadata.version("tensorflow"), EMULATION)


def _grpc_beside(rest: str) -> str:
    return f"{urlsplit(rest).hostname}:{GRPC_PORT}"


def _version(path: str) -> str:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"TensorFlow ModelServer: (\S+)", said.stdout + said.stderr)
    return found[1] if found else ""


def _container() -> Choice | None:
    """Return the image that the compose file names, if there is an engine that can run it."""
    docker, compose = shutil.which("docker"), runner.site.programs().get("serving_compose.yaml")
    if docker is None or compose is None or not _succeeds(docker, "version"):
        return None
    found = re.search(r"image: (\S+:(\S+))", compose.read_text(encoding="utf-8"))
    if found is None:
        return None
    image, version = found.groups()
    if not (_succeeds(docker, "image", "inspect", image) or _succeeds(docker, "pull", image)):
        return None
    return Choice(image, version, (docker, "run", "--rm", "--init", image))


def _succeeds(*command: str) -> bool:
    try:
        return (
            subprocess.run(command, capture_output=True, timeout=600, check=False).returncode == 0
        )
    except subprocess.TimeoutExpired:
        return False


@contextmanager
def serving(name: str, command: str, *, named: bool = False, until: str = "") -> Iterator[None]:
    """Run a model server while the block runs, and keep its log as the output `name`.

    Args:
        name: names the output.
        command: as a reader starts the emulation; its ports stand for free ones.
        named: whether the client programs may ask a server that the author names; the page then
            states in model_server.json which one answered.
        until: a pattern of the log; without it, wait until a version of the model is available.
            A server that is waited for like this shows a fault, and is always the emulation.

    Raises:
        RunError: if the server ends, or is not ready in time.
    """
    runner.copy_programs()
    chosen = Choice(EMULATION[1], "", EMULATION) if until else choice() if named else startable()
    ports = {port: runner.stand_ins.get(port) or free_port() for port in _ports(command)}
    rest_port, grpc_port = (_flag(name, command) for name in ("rest_api_port", "port"))
    rest, grpc = f"http://localhost:{ports[rest_port]}", f"localhost:{ports[grpc_port]}"
    addresses = dict(zip(ADDRESSES, (chosen.rest or rest, chosen.grpc or grpc), strict=True))
    log = runner.site.build / f"{name}.log"
    stand_ins = {**ports, "/…": str(runner.site.workspace)}
    with _set(runner.stand_ins, stand_ins), _set(os.environ, {} if until else addresses):
        try:
            with _process(_words(chosen, command), log) as process:
                _wait(process, log, until, f"{rest}/v1/models/{_flag('model_name', command)}")
                if named:
                    _state(chosen)
                yield
        finally:
            shown = re.sub("^" + " ".join(EMULATION), chosen.shown, command)
            runner.made.append(runner.keep(name, shown, _scrub(log)))
            log.unlink()


def ask(name: str, command: str) -> None:
    """Run a command that needs curl, and keep its output; without curl, keep that it lacks."""
    if shutil.which("curl"):
        runner.run(name, command)
    else:
        runner.made.append(runner.keep(name, command, "not run: no curl here; install it\n"))


def refuse(name: str, command: str) -> None:
    """Run an emulation that has to end by itself, and keep its log as the output `name`."""
    with _set(runner.stand_ins, {"/…": str(runner.site.workspace)}):
        text = runner.provoke(name, command)
        runner.keep(name, command, _without_times(text))


@contextmanager
def _set(target: MutableMapping[str, str], values: Mapping[str, str]) -> Iterator[None]:
    before = dict(target)
    target.update(values)
    try:
        yield
    finally:
        for key in values:
            del target[key]
        target.update({key: before[key] for key in values if key in before})


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


def _words(chosen: Choice, command: str) -> list[str]:
    """Return the command that runs: the chosen server's, with this build's ports and folder."""
    flags = runner.actual_words(command)[len(EMULATION) :]
    if chosen.command == EMULATION:
        return [sys.executable, *EMULATION[1:], *flags]
    *before, last = chosen.command
    if not before:
        return [last, *flags]
    folder = runner.site.workspace
    published = [f"--publish=127.0.0.1:{port}:{port}" for port in _ports(" ".join(flags))]
    mounted = [f"--volume={folder}:{folder}", f"--entrypoint={BINARY}"]
    return [*before, *published, *mounted, last, *flags]


@contextmanager
def _process(words: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server below `supervise`, which ends it when its input does: also in a killed build."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, *words],
            cwd=runner.site.workspace,
            env={**runner.environment(), "PYTHONPATH": str(runner.site.root)},
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


def supervise(words: list[str]) -> int:
    """Run a server until it ends, or until standard input does; return its exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the build ends the server
    server = subprocess.Popen(words, stdin=subprocess.DEVNULL, close_fds=False)

    def stop_with_input() -> None:
        sys.stdin.buffer.read()
        server.terminate()
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()

    threading.Thread(target=stop_with_input, daemon=True).start()
    return server.wait()


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


def _state(chosen: Choice) -> None:
    """Write which server answers, for {measured}."""
    path = runner.site.workspace / STATED
    path.write_text(json.dumps({"name": chosen.name, "version": chosen.version or "?"}) + "\n")
    runner.made.append(path)


def _scrub(log: Path) -> str:
    """Return a server's log without times, and of the real one's only its own lines."""
    lines = _without_times(log.read_text(errors="replace")).splitlines()
    kept = (line for line in lines if not re.match(r"[IWE] (?:external|tensorflow)/", line))
    return runner.scrub("\n".join(kept))


def _without_times(text: str) -> str:
    return re.sub(r"(?m)^\d{4}-\d\d-\d\d [\d:.,]+: ", "", text)


if __name__ == "__main__":
    sys.exit(supervise(sys.argv[1:]))
