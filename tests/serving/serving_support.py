"""Real server processes and small models for the tests of the serving stage."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests import forked

REPO = Path(__file__).parents[2]
CODE = REPO / "docs" / "_static" / "code"
SERVING = CODE / "serving"
DEPLOY = SERVING / "deploy"
WORKSPACE = Path(os.environ.get("TUTORIAL_WORKSPACE", REPO / "build" / "workspace"))
START_SECONDS = 120
sys.path.insert(0, str(SERVING))  # the programs import each other by name


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A model server in a process of its own; its log is read as it comes.

    It is forked with TensorFlow in it, or started from nothing as a reader does.
    """

    def __init__(
        self, *flags: str, rest: int | None = None, port: int | None = None, fork: bool = True
    ) -> None:
        self.rest_port = free_port() if rest is None else rest
        self.grpc_port = free_port() if port is None else port
        self.rest = f"http://127.0.0.1:{self.rest_port}"
        self.grpc = f"127.0.0.1:{self.grpc_port}"
        self.lines: list[str] = []
        self._news = threading.Condition()
        command = [
            "-m",
            "model_server",
            f"--port={self.grpc_port}",
            f"--rest_api_port={self.rest_port}",
            *flags,
        ]
        self.process: forked.Program | subprocess.Popen[str]
        if fork:
            self.process = forked.Program(
                SERVING, *command, environment=dict(os.environ), merged=True
            )
        else:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                cwd=SERVING,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line)
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    @property
    def log(self) -> str:
        return "".join(self.lines)

    def wait_for(self, text: str, times: int = 1, seconds: float = START_SECONDS) -> None:
        """Wait until the log has a line with `text`; fail if the server ends before."""
        with self._news:
            found = self._news.wait_for(
                lambda: sum(text in x for x in self.lines) >= times or not self._reader.is_alive(),
                seconds,
            )
        assert found, self.log
        assert sum(text in line for line in self.lines) >= times, self.log

    def ready(self) -> Server:
        self.wait_for("Entering the event loop")
        return self

    def exit_code(self, seconds: float = START_SECONDS) -> int:
        code = self.process.wait(seconds)
        self._reader.join(5)
        return code

    def stop(self) -> int:
        self.process.terminate()
        return self.exit_code(30)

    def ask(
        self, path: str, body: Any = None, method: str | None = None, **headers: str
    ) -> tuple[int, str]:
        """Return status and text of an answer; a body that is not bytes is sent as JSON."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.rest + path, data, names, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode(errors="surrogateescape")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="surrogateescape")

    def error(self, path: str, body: Any = None, method: str | None = None) -> tuple[int, str]:
        status, text = self.ask(path, body, method)
        return status, json.loads(text)["error"]

    def rss_kib(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", status)
        assert found is not None
        return int(found[1])


@contextlib.contextmanager
def serving(*flags: str, **options: Any) -> Iterator[Server]:
    server = Server(*flags, **options)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
        server.exit_code()


def serve_folder(name: str, folder: Path, *flags: str, **options: Any) -> Any:
    return serving(f"--model_name={name}", f"--model_base_path={folder}", *flags, **options)


def eventually(check: Any, seconds: float = 60) -> None:
    """Call `check` until it is true; it asks a server, so the pause is only politeness."""
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


# --- models --------------------------------------------------------------------------------------


def export(folder: Path, build: str, *args: str) -> None:
    """Build a model in a process of its own: TensorFlow's global state stays out of the tests."""
    program = Path(__file__).with_name("serving_models.py")
    with tempfile.TemporaryDirectory() as log:
        done = forked.run(Path(log), str(program), build, str(folder), *args)
    assert done.returncode == 0, done.stderr
