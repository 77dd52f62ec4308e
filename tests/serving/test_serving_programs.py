"""The programs of the serving chapter, in a reader's flat folder, against a server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from serving_support import CODE, SERVING, WORKSPACE, Server, free_port, serve_folder

from tests import forked

# Where mnist_data.py and artifacts.py are, should this stage stand alone.
MODELSAVE = Path(os.environ.get("TUTORIAL_MODELSAVE", CODE / "modelsave"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's folder: the programs, side by side, and saved_model/1."""
    if not (WORKSPACE / "saved_model" / "1").is_dir():
        pytest.skip(f"no saved_model/1 in {WORKSPACE}: build the workspace first")
    folder = tmp_path_factory.mktemp("reader")
    for source in (MODELSAVE, SERVING):
        for file in source.iterdir():
            if file.is_file():
                shutil.copy(file, folder)
    shutil.copytree(WORKSPACE / "saved_model" / "1", folder / "saved_model" / "1")
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    flags = ("--file_system_poll_wait_seconds=0.1",)
    with serve_folder("mnist", folder / "saved_model", *flags) as started:
        yield started.ready()


def run(folder: Path, server: Server | None, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a program in the folder; without a server its addresses are of nobody."""
    rest = server.rest if server else f"http://127.0.0.1:{free_port()}"
    target = server.grpc if server else f"127.0.0.1:{free_port()}"
    environment = {
        "TF_SERVING_REST_URL": rest,
        "TF_SERVING_GRPC_URL": target,
        "MNIST_DATA": "digits",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    if command[0].endswith(".py"):
        return forked.run(folder, *command, **environment)
    environment = os.environ | environment
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def output(folder: Path, server: Server, *command: str) -> str:
    done = run(folder, server, *command)
    assert done.returncode == 0, done.stderr
    return done.stdout


def found(text: str) -> list[str]:
    """Return the labels that a client printed."""
    return [line.split("found ")[1].split()[0] for line in text.splitlines() if "found " in line]


def test_every_client_finds_the_same(folder: Path, server: Server) -> None:
    rest = output(folder, server, "rest_client.py", "--status")
    assert "version 1: AVAILABLE\n" in rest
    assert "serving_default: image DT_FLOAT (-1, 28, 28, 1) -> " in rest
    labels = found(rest)
    assert len(labels) == 3
    assert found(output(folder, server, "rest_client.py", "--columns", "--version=1")) == labels
    grpc = output(folder, server, "grpc_client.py")
    assert "answered by version 1, signature serving_default" in grpc
    assert found(grpc) == labels
    assert "digits.json: labels [" in output(folder, server, "digits_json.py")
    script = output(folder, server, "node", "rest_client.mjs", "digits.json")
    assert found(script) == labels
    curl = output(folder, server, "sh", "serving_curl.sh")
    assert '"state": "AVAILABLE"' in curl
    assert '"predictions": [[' in curl
    assert "gzip: 200, " in curl


def test_warm_up_is_written_and_replayed(folder: Path, server: Server) -> None:
    text = output(folder, server, "write_warmup.py", "--batches", "1", "4")
    assert "tf_serving_warmup_requests: 2 requests" in text
    with serve_folder("mnist", folder / "saved_model") as warmed:
        warmed.ready()
    shutil.rmtree(folder / "saved_model" / "1" / "assets.extra")


def test_a_version_comes_and_goes_without_a_failed_request(folder: Path, server: Server) -> None:
    text = output(folder, server, "roll_version.py", "--back")
    assert "1: END, 2: AVAILABLE\n" in text
    assert text.endswith("no request failed meanwhile\n")
    assert "1: AVAILABLE, 2: END\n" in text
    again = run(folder, server, "roll_version.py", "--to", "1")
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)


def test_models_and_labels_are_reloaded(folder: Path, server: Server) -> None:
    output(folder, server, "model_config.py", "--labels", "stable=1")
    assert "serving now: mnist" in output(folder, server, "reload_config.py")
    assert len(found(output(folder, server, "rest_client.py", "--label", "stable"))) == 3
    output(folder, server, "model_config.py", "--labels", "stable=1", "canary=9")
    failed = run(folder, server, "reload_config.py")
    assert failed.returncode == 1
    assert "not currently available for inference" in failed.stderr


def test_interfaces_are_compared(folder: Path, server: Server) -> None:
    text = output(folder, server, "compare_interfaces.py", "--seconds", "0.1")
    rows = json.loads((folder / "interfaces.json").read_text())
    assert [row["images"] for row in rows] == [1, 32, 256]
    assert len(text.splitlines()) == 4
    for row in rows:
        assert row["rest"]["sent"] > row["grpc"]["sent"] > row["images"] * 784 * 4


@pytest.mark.parametrize(
    "command",
    [
        ("rest_client.py",),
        ("grpc_client.py",),
        ("roll_version.py",),
        ("compare_interfaces.py", "--seconds", "0.1"),
        ("node", "rest_client.mjs", "digits.json"),
        ("rest_client.py", "--model", "nope"),
        ("grpc_client.py", "--signature", "nope"),
        ("node", "rest_client.mjs", "none.json"),
        ("reload_config.py", "none.config"),
        ("model_config.py", "--labels", "stable"),
    ],
)
def test_errors_are_one_line(folder: Path, server: Server, command: tuple[str, ...]) -> None:
    alone = len(command) == 1 or "--seconds" in command or "digits.json" in command
    done = run(folder, None if alone else server, *command)
    assert done.returncode != 0
    name = next(part for part in command if part.endswith((".py", ".mjs")))
    lines = [line for line in done.stderr.splitlines() if not line.startswith(("I0", "W0", "WARN"))]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith(f"{name}: error: ")
