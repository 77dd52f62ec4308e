"""Which model server a build uses, and that it ends with the build (sphinxext.server)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from recordings.documented import Documented
from sphinxext import runner, server
from sphinxext.layout import Site
from sphinxext.runner import RunError

ROOT = Path(__file__).parents[1]
COMMAND = "python model_server.py --rest_api_port=8501 --port=8500 --model_name=m"

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
os.execv(sys.executable, [sys.executable, "model_server.py", *sys.argv[sys.argv.index(IMAGE) + 1:]])
"""


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site with the fake as its emulation, an empty PATH and no server named."""
    code = tmp_path / "docs" / "_static" / "code" / "serving"
    code.mkdir(parents=True)
    (code / "model_server.py").write_text(FAKE)
    (code / "serving_compose.yaml").write_text("    image: tensorflow/serving:2.19.1 # amd64\n")
    (tmp_path / "build").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "sphinxext").symlink_to(ROOT / "sphinxext")
    monkeypatch.setattr(runner, "site", Site(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for name in server.ADDRESSES:
        monkeypatch.delenv(name, raising=False)
    server.choice.cache_clear()
    server.startable.cache_clear()
    yield runner.site
    server.choice.cache_clear()
    server.startable.cache_clear()
    runner.made.clear()


def install(site: Site, name: str, source: str) -> None:
    file = site.root / "bin" / name
    file.write_text(f"#!{sys.executable}\n{source}")
    file.chmod(0o755)


def output(site: Site) -> str:
    return (site.outputs / "log.txt").read_text(encoding="utf-8")


def answer() -> str:
    done = subprocess.run(
        [sys.executable, "-c", READ, f"{os.environ['TF_SERVING_REST_URL']}/v1/models/m"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


READ = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read())"


def test_the_emulation_is_the_last_resort(site: Site) -> None:
    with server.serving("log", COMMAND, named=True):
        assert "AVAILABLE" in answer()
        assert runner.actual_words("curl localhost:8501")[1] in os.environ["TF_SERVING_REST_URL"]
    text = output(site)
    assert text.startswith(f"$ {COMMAND}\n")
    assert '"rest_api_port": "8501", "port": "8500"' in text
    assert "03:04:05" not in text
    assert "noise" not in text
    assert json.loads((site.workspace / server.STATED).read_text())["name"] == "model_server.py"
    assert not any(name in os.environ for name in server.ADDRESSES)
    assert not runner.stand_ins


def test_a_binary_on_the_path_comes_before_it(site: Site) -> None:
    without = server.inputs()
    install(site, "tensorflow_model_server", FAKE)
    server.choice.cache_clear()
    server.startable.cache_clear()
    assert server.inputs() != without
    with server.serving("log", f'{COMMAND} --model_base_path="$PWD/models"', named=True):
        assert "AVAILABLE" in answer()
    assert output(site).startswith("$ tensorflow_model_server --rest_api_port=8501 ")
    assert '"model_base_path": "/…/models"' in output(site)
    stated = json.loads((site.workspace / server.STATED).read_text())
    assert stated == {"name": "tensorflow_model_server", "version": "2.19.1-rw"}


def test_a_container_comes_before_the_emulation(site: Site) -> None:
    install(site, "docker", DOCKER.replace("IMAGE", "'tensorflow/serving:2.19.1'"))
    with server.serving("log", COMMAND, named=True):
        assert "AVAILABLE" in answer()
    text = output(site)
    assert "--publish=127.0.0.1:8501:8501 --publish=127.0.0.1:8500:8500" in text
    assert "--volume=/…:/… --entrypoint=tensorflow_model_server tensorflow/serving:2.19.1" in text


def test_without_an_engine_there_is_no_container(site: Site) -> None:
    install(site, "docker", "raise SystemExit(1)")
    assert server.choice().name == "model_server.py"


def test_a_named_server_comes_first(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_SERVING_REST_URL", "http://example.org:80/")
    with server.serving("log", COMMAND, named=True):
        assert os.environ["TF_SERVING_REST_URL"] == "http://example.org:80"
        assert os.environ["TF_SERVING_GRPC_URL"] == "example.org:8500"
    with server.serving("log", COMMAND):
        assert "AVAILABLE" in answer()


def test_a_server_that_ends_is_reported(site: Site) -> None:
    with (
        pytest.raises(RunError, match='"model_name": "gone"'),
        server.serving("log", COMMAND.replace("=m", "=gone")),
    ):
        pass


def test_a_fault_is_waited_for_in_the_log(site: Site) -> None:
    with (
        server.serving("log", COMMAND),
        server.serving("other", COMMAND.replace("8500", "8510"), until="in use"),
    ):
        pass
    other = (site.outputs / "other.txt").read_text(encoding="utf-8")
    assert "Address already in use" in other
    assert '"rest_api_port": "8501", "port": "8510"' in other


KILLED = """
import os, signal
from pathlib import Path
from sphinxext import runner, server
from sphinxext.layout import Site

runner.site = Site(Path.cwd())
with server.serving("log", {command!r}):
    print(os.environ["TF_SERVING_REST_URL"], flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_server_ends_with_a_killed_build(site: Site) -> None:
    source = textwrap.dedent(KILLED).format(command=COMMAND)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    read, write = os.pipe()  # the server and its supervisor have the end for writing, too
    killed = subprocess.run(
        [sys.executable, "-c", source],
        cwd=site.root,
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


def test_without_curl_the_page_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "site", Site(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    server.ask("status", "curl --silent http://localhost:8501/v1/models/mnist")
    assert Documented(tmp_path).not_run("status") == "no curl here; install it"
    assert server.inputs()["curl"] == "False"
