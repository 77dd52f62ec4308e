"""The programs of the serving chapters, in a reader's flat folder, against a server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from serving_support import (
    CODE,
    SERVING,
    WORKSPACE,
    Server,
    export,
    free_port,
    serve_folder,
    serving,
)

from tests import forked

# Where samples.py and artifacts.py are, should this stage stand alone.
MODELSAVE = Path(os.environ.get("TUTORIAL_MODELSAVE", CODE / "modelsave"))
OWN = ("--model=pair", "--samples=pair_samples.npz")
PROGRAMS = sorted(
    path.name for path in SERVING.glob("*.py") if 'if __name__ == "__main__":' in path.read_text()
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's folder: the programs, side by side, the tutorial's model and one of their own.

    The own model has two inputs, one of them of whole numbers, two outputs, and no image.
    """
    if not (WORKSPACE / "saved_model" / "1").is_dir():
        pytest.skip(f"no saved_model/1 in {WORKSPACE}: build the workspace first")
    folder = tmp_path_factory.mktemp("reader")
    for source in (MODELSAVE, SERVING):
        for file in source.iterdir():
            if file.is_file():
                shutil.copy(file, folder)
    shutil.copytree(WORKSPACE / "saved_model" / "1", folder / "saved_model" / "1")
    shutil.copy(WORKSPACE / "mnist_cnn_samples.npz", folder)
    export(folder / "pair" / "1", "pair")
    numbers, words = np.array([[1.0, 2.0], [5.0, 0.0]]), np.array([[3, 0, 0], [0, 0, 4]])
    np.savez(folder / "pair_samples.npz", words=words, numbers=numbers, labels=[1, 2])
    np.savez(folder / "one_input.npz", numbers=numbers)
    np.savez(folder / "fractions.npz", numbers=numbers, words=words + 0.5)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """A server with both models."""
    config = folder / "both.config"
    config.write_text(
        "model_config_list {"
        + "".join(
            f'config {{name: "{name}" base_path: "{folder / path}" model_platform: "tensorflow"}}'
            for name, path in (("mnist", "saved_model"), ("pair", "pair"))
        )
        + "}"
    )
    flags = (f"--model_config_file={config}", "--file_system_poll_wait_seconds=0.1")
    with serving(*flags) as started:
        yield started.ready()


def run(folder: Path, server: Server | None, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a program in the folder; without a server its addresses are of nobody."""
    rest = server.rest if server else f"http://127.0.0.1:{free_port()}"
    target = server.grpc if server else f"127.0.0.1:{free_port()}"
    environment = {
        "TF_SERVING_REST_URL": rest,
        "TF_SERVING_GRPC_URL": target,
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


def refused(folder: Path, server: Server | None, *command: str) -> str:
    """Return the one line that a program ends with."""
    done = run(folder, server, *command)
    assert done.returncode != 0, done.stdout
    name = next(part for part in command if part.endswith((".py", ".mjs")))
    lines = [line for line in done.stderr.splitlines() if not line.startswith(("I0", "W0", "WARN"))]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith(f"{name}: error: ")
    return lines[0]


def classes(text: str) -> list[str]:
    """Return the classes that a client printed."""
    return [line.split("class ")[1].split()[0] for line in text.splitlines() if "class " in line]


# The tutorial's model


def test_every_client_gets_the_same(folder: Path, server: Server) -> None:
    predict = f"{server.rest}/v1/models/mnist:predict"
    rest = output(folder, server, "rest_client.py", "--version=1")
    assert len(classes(rest)) == 3
    assert rest.splitlines()[0].endswith(", right")
    grpc = output(folder, server, "grpc_client.py")
    assert "answered by version 1\n" in grpc
    assert classes(grpc) == classes(rest)
    assert "request.json: 3 samples" in output(folder, server, "request_json.py", "--count=3")
    assert classes(output(folder, server, "node", "rest_client.mjs", "request.json")) == classes(
        rest
    )
    assert output(folder, server, "plain_rest.py", predict).split() == classes(rest)[:1]
    assert output(folder, server, "plain_grpc.py", server.grpc).split() == classes(rest)[:1]
    assert output(folder, server, "node", "plain_rest.mjs", predict).split() == classes(rest)


def test_a_wrong_answer_is_named(folder: Path, server: Server) -> None:
    samples = dict(np.load(folder / "mnist_cnn_samples.npz"))
    image, label = samples["image"][:1], int(samples["labels"][0])
    np.savez(folder / "mislabeled.npz", image=image, labels=[(label + 1) % 10])
    text = output(folder, server, "rest_client.py", "--samples=mislabeled.npz")
    assert text.endswith(f", wrong: it is {(label + 1) % 10}\n")


def test_pictures_are_what_a_custom_signature_takes(folder: Path, server: Server) -> None:
    output(folder, server, "plain_pictures.py")
    with np.load(folder / "pictures.npz") as file:
        assert (file["pictures"].dtype, file["pictures"].shape[1:]) == (np.uint8, (28, 28))
    assert (folder / "digit.png").read_bytes().startswith(b"\x89PNG")


# A reader's model


def test_the_clients_take_any_model(folder: Path, server: Server) -> None:
    expected = [
        "sample 0: sum 6, weights class 1 (2.0000), label 1",
        "sample 1: sum 9, weights class 0 (5.0000), label 2",
    ]
    assert output(folder, server, "rest_client.py", *OWN).splitlines() == expected
    grpc = output(folder, server, "grpc_client.py", *OWN)
    assert grpc.splitlines()[-2:] == expected
    output(folder, server, "request_json.py", OWN[1], "--count=2")
    request = json.loads((folder / "request.json").read_text())
    assert request["instances"][1] == {"words": [0, 0, 4], "numbers": [5.0, 0.0]}
    script = output(folder, server, "node", "rest_client.mjs", "request.json", server.rest, "pair")
    lines = script.splitlines()
    assert json.loads(lines[0].removeprefix("sample 0: ")) == {"sum": 6, "weights": [1, 2]}
    assert len(lines) == 2


def test_interfaces_are_compared(folder: Path, server: Server) -> None:
    text = output(
        folder, server, "compare_interfaces.py", *OWN, "--saved_model=pair/1", "--seconds=0.1"
    )
    rows = json.loads((folder / "interfaces.json").read_text())
    assert [row["samples"] for row in rows] == [1, 32, 256]
    assert len(text.splitlines()) == 4
    for row in rows:
        assert row["rest"]["sent"] > row["samples"] * 5 * 2
        assert row["grpc"]["sent"] > row["samples"] * 5 * 4


@pytest.mark.parametrize("client", ["rest_client.py", "grpc_client.py"])
@pytest.mark.parametrize(
    ("samples", "words"),
    [
        ("mnist_cnn_samples.npz", "the model takes numbers (2,), "),
        ("one_input.npz", "the model takes words (3,), one_input.npz has numbers (2,)"),
        ("fractions.npz", "takes words as int32, fractions.npz has it as float64"),
    ],
)
def test_samples_of_another_model_are_not_sent(
    folder: Path, server: Server, client: str, samples: str, words: str
) -> None:
    assert words in refused(folder, server, client, OWN[0], f"--samples={samples}")


# Versions


def test_warm_up_is_written_and_replayed(folder: Path, server: Server) -> None:
    for name, own in (("saved_model", ()), ("pair", OWN)):
        version = folder / name / "1"
        command = ("write_warmup.py", *own, f"--saved_model={version}", "--batches", "1", "4")
        assert "tf_serving_warmup_requests: 2 requests" in output(folder, server, *command)
        with serve_folder(name, folder / name) as warmed:
            warmed.ready()
        shutil.rmtree(version / "assets.extra")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--samples=mnist_cnn_samples.npz",), "the model takes "),
        (("--samples=pair_samples.npz", "--signature=nope"), "no signature nope; it has "),
        (("--samples=fractions.npz",), "as int32"),
        (("--samples=none.npz",), "none.npz is not here"),
        (("--samples=pair_samples.npz", "--batches", "3"), "has batches of 2 only, not of 3"),
    ],
)
def test_a_warm_up_that_would_fail_is_not_written(
    folder: Path, options: tuple[str, ...], words: str
) -> None:
    """What a server cannot run keeps the version from ever serving."""
    if "3" in options:  # a model whose batch is fixed
        export(folder / "fixed" / "1", "pair", "2")
    version = "fixed/1" if "3" in options else "pair/1"
    assert words in refused(folder, None, "write_warmup.py", f"--saved_model={version}", *options)
    assert not (folder / version / "assets.extra").exists()


def test_a_version_comes_and_goes_without_a_failed_request(folder: Path, server: Server) -> None:
    command = ("roll_version.py", *OWN, "--base_path=pair", "--source=pair/1", "--to=3", "--back")
    for _ in range(2):
        text = output(folder, server, *command)
        assert "1: END, 3: AVAILABLE\n" in text
        assert "1: AVAILABLE, 3: END\n" in text
        assert text.endswith("no request failed meanwhile\n")
        assert sorted(path.name for path in (folder / "pair").iterdir()) == ["1"]
        record = json.loads((folder / "roll_version.json").read_text())
        versions = [version for _, _, version in record["answers"]]
        assert list(dict.fromkeys(versions)) == [1, 3]
        assert versions[-1] == 1


def test_a_version_is_not_written_over(folder: Path, server: Server) -> None:
    before = (folder / "pair" / "1" / "saved_model.pb").stat()
    roll = ("roll_version.py", *OWN, "--base_path=pair", "--source=pair/1")
    assert "already there" in refused(folder, server, *roll, "--to=1")
    assert "version 1 is served" in refused(folder, server, *roll, "--to=0")
    assert (folder / "pair" / "1" / "saved_model.pb").stat() == before
    assert sorted(path.name for path in (folder / "pair").iterdir()) == ["1"]


def test_models_and_labels_are_reloaded(folder: Path, server: Server) -> None:
    both = ("mnist=saved_model", "pair=pair")
    output(folder, server, "model_config.py", *both, "--labels", "stable=1")
    assert "serving now: mnist, pair" in output(folder, server, "reload_config.py")
    for client in ("rest_client.py", "grpc_client.py"):
        assert len(classes(output(folder, server, client, "--label=stable"))) == 3
    said = refused(folder, server, "model_config.py", *both, "--labels", "canary=9")
    assert "saved_model has no version 9, only 1" in said
    config = (folder / "models.config").read_text()
    assert "no version folder" in refused(folder, server, "model_config.py", "mnist=nowhere")
    assert (folder / "models.config").read_text() == config
    (folder / "models.config").write_text(config.replace("value: 1", "value: 9"))
    said = refused(folder, server, "reload_config.py")
    assert "not currently available for inference" in said


# What is wrong


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("rest_client.py",), "is the server up, and is this its"),
        (("grpc_client.py",), "is the server up, and is this its"),
        (("roll_version.py",), "is the server up, and is this its"),
        (("compare_interfaces.py",), "is the server up, and is this its"),
        (("node", "rest_client.mjs"), "is the server up, and is this its"),
        (("node", "rest_client.mjs", "none.json"), "run `python request_json.py` first"),
        (("reload_config.py", "none.config"), "none.config is not here"),
        (("write_warmup.py", "--saved_model=none"), "none is not here"),
    ],
)
def test_without_a_server_or_a_file(folder: Path, command: tuple[str, ...], words: str) -> None:
    run(folder, None, "request_json.py")
    assert words in refused(folder, None, *command)


@pytest.mark.parametrize("client", ["rest_client.py", "grpc_client.py"])
@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--model=nope", "Servable not found for request: Latest(nope)"),
        ("--version=99", "Servable not found for request: Specific(mnist, 99)"),
        ("--label=nope", "Unrecognized servable version label: nope"),
        ("--signature=nope", "no signature nope; it has serve, serving_default"),
    ],
)
def test_what_the_server_does_not_have(
    folder: Path, server: Server, client: str, option: str, words: str
) -> None:
    assert words in refused(folder, server, client, option)


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_needs_no_package(folder: Path, name: str) -> None:
    """Nothing is there but Python: `-S` leaves out what is installed."""
    done = subprocess.run(
        [sys.executable, "-S", name, "--help"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: {name}")


@pytest.mark.parametrize("name", ["rest_client.py", "grpc_client.py", "write_warmup.py"])
def test_a_missing_package_is_named(folder: Path, name: str) -> None:
    options = ["--saved_model=pair/1"] if name == "write_warmup.py" else []
    done = subprocess.run(
        [sys.executable, "-S", name, *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "pip install -r requirements" in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
