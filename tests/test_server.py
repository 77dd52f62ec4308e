"""Which model server a build uses, and that it ends with the build (recordings.server)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from recordings import server
from recordings.engine import recipe
from recordings.engine.run import Run, RunError
from recordings.engine.site import Site
from recordings.engine.transcript import clean
from recordings.server import ask, serving

ROOT = Path(__file__).parents[1]
COMMAND = "python -m model_server --rest_api_port=8501 --port=8500 --model_name=m"

# Stands for all servers: it answers the status, and logs its flags and two lines as the real one.
FAKE = """
import http.server, json, sys
if "--version" in sys.argv:
    sys.exit("TensorFlow ModelServer: 2.19.1-rw")
flags = dict(word.removeprefix("--").split("=") for word in sys.argv[1:] if "=" in word)
print("2026-01-02 03:04:05.678901: I tensorflow_serving/server.cc:1] " + json.dumps(flags))
print("2026-01-02 03:04:05.678901: I tensorflow/core/noise.cc:1] noise", flush=True)
if flags["model_name"] == "gone":
    sys.exit(3)

class Status(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"state": "AVAILABLE"}')

http.server.HTTPServer(("", int(flags["rest_api_port"])), Status).serve_forever()
"""
DOCKER = """
import os, sys
if sys.argv[1] != "run":
    sys.exit(sys.argv[1] == "image")  # the image has to be fetched
print("docker", *sys.argv[1:])
flags = sys.argv[sys.argv.index(IMAGE) + 1:]
os.execv(sys.executable, [sys.executable, "-m", "model_server", *flags])
"""


@recipe(tools=["curl"])
def nothing(run: Run) -> None:
    """Stand for any recipe."""


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """A run with the fake as its emulation, an empty PATH and no server named."""
    folder = tmp_path / "run"
    for path in (folder, tmp_path / "bin"):
        path.mkdir()
    (folder / "model_server.py").write_text(FAKE)
    compose = tmp_path / "compose.yaml"
    compose.write_text("    image: tensorflow/serving:2.19.1 # amd64\n")
    monkeypatch.setattr(server, "COMPOSE", compose)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for name in server.ADDRESSES:
        monkeypatch.delenv(name, raising=False)
    forget()
    yield Run(nothing, Site(tmp_path), folder)
    forget()


def forget() -> None:
    server.choice.cache_clear()
    server.startable.cache_clear()


def install(run: Run, name: str, source: str) -> None:
    file = run.folder.parent / "bin" / name
    file.write_text(f"#!{sys.executable}\n{source}")
    file.chmod(0o755)


def output(run: Run, name: str = "log") -> str:
    """Return an output as a page shows it."""
    how = run.outputs[name]
    return f"$ {how['command']}\n" + clean(
        run.printed[name], cast(dict[str, str], how["places"]), log=bool(how["log"])
    )


def answer(run: Run) -> str:
    done = subprocess.run(
        [sys.executable, "-c", READ, f"{run.environment['TF_SERVING_REST_URL']}/v1/models/m"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


READ = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read())"


def test_the_emulation_is_the_last_resort(run: Run) -> None:
    with serving(run, "log", COMMAND, named=True):
        assert "AVAILABLE" in answer(run)
        assert run.words("curl localhost:8501")[1] in run.environment["TF_SERVING_REST_URL"]
    text = output(run)
    assert text.startswith(f"$ {COMMAND}\n")
    assert '"rest_api_port": "8501", "port": "8500"' in text
    assert "03:04:05" not in text
    assert "noise" not in text
    assert json.loads((run.folder / server.STATED).read_text())["name"] == "model_server"
    assert not run.environment
    assert not run.places


def test_a_binary_on_the_path_comes_before_it(run: Run) -> None:
    without = server.identity()
    install(run, "tensorflow_model_server", FAKE)
    forget()
    assert server.identity() != without
    with serving(run, "log", f'{COMMAND} --model_base_path="$PWD/models"', named=True):
        assert "AVAILABLE" in answer(run)
    assert output(run).startswith("$ tensorflow_model_server --rest_api_port=8501 ")
    assert '"model_base_path": "/…/models"' in output(run)
    stated = json.loads((run.folder / server.STATED).read_text())
    assert stated == {"name": "tensorflow_model_server", "version": "2.19.1-rw"}


def test_a_container_comes_before_the_emulation(run: Run) -> None:
    install(run, "docker", DOCKER.replace("IMAGE", "'tensorflow/serving:2.19.1'"))
    with serving(run, "log", COMMAND, named=True):
        assert "AVAILABLE" in answer(run)
    text = output(run)
    assert "--publish=127.0.0.1:8501:8501 --publish=127.0.0.1:8500:8500" in text
    assert "--volume=/…:/… --entrypoint=tensorflow_model_server tensorflow/serving:2.19.1" in text


def test_without_an_engine_there_is_no_container(run: Run) -> None:
    install(run, "docker", "raise SystemExit(1)")
    assert server.choice().name == "model_server"


def test_a_named_server_comes_first(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_SERVING_REST_URL", "http://example.org:80/")
    with serving(run, "log", COMMAND, named=True):
        assert run.environment["TF_SERVING_REST_URL"] == "http://example.org:80"
        assert run.environment["TF_SERVING_GRPC_URL"] == "example.org:8500"
    with serving(run, "other", COMMAND):
        assert "AVAILABLE" in answer(run)


def test_a_server_that_ends_is_reported(run: Run) -> None:
    with (
        pytest.raises(RunError, match='"model_name": "gone"'),
        serving(run, "log", COMMAND.replace("=m", "=gone")),
    ):
        pass


def test_a_fault_is_waited_for_in_the_log(run: Run) -> None:
    with (
        serving(run, "log", COMMAND),
        serving(run, "other", COMMAND.replace("8500", "8510"), until="in use"),
    ):
        pass
    other = output(run, "other")
    assert "Address already in use" in other
    assert '"rest_api_port": "8501", "port": "8510"' in other


KILLED = """
import os, signal
from pathlib import Path
from recordings.engine.run import Run
from recordings.server import serving
from recordings.engine.site import Site
from tests.test_server import nothing

run = Run(nothing, Site(Path.cwd()), Path.cwd() / "run")
with serving(run, "log", {command!r}):
    print(run.environment["TF_SERVING_REST_URL"], flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_server_ends_with_a_killed_build(run: Run) -> None:
    source = textwrap.dedent(KILLED).format(command=COMMAND)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    read, write = os.pipe()  # the server and its supervisor have the end for writing, too
    killed = subprocess.run(
        [sys.executable, "-c", source],
        cwd=run.folder.parent,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        pass_fds=[write],
        check=False,
    )
    os.close(write)
    assert killed.stdout.startswith("http://localhost:")
    assert os.read(read, 1) == b"", "end of file: nobody holds the other end any more"
    os.close(read)


def test_without_curl_the_page_says_so(run: Run) -> None:
    ask(run, "status", "curl --silent http://localhost:8501/v1/models/mnist")
    assert output(run, "status").endswith("\nnot run: no curl here; install it\n")
