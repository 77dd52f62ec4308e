"""Versions: hot reload under load, roll-back, policies, labels, warm-up, batching, bad input."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import requests
import tensorflow as tf
from google.protobuf import text_format
from model_server import flags
from model_server import server as emulation
from model_server.manager import ManagerOptions, ModelManager, State
from model_server.protocol import ModelAddress
from serving_support import Server, eventually, export, free_port, serve_folder, serving
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

PREDICT = "/v1/models/m:predict"
ONE = {"instances": [1.0]}
LOADED = cast(Any, SimpleNamespace(close=lambda: None))
OLD, NEW = [2.5], [4.0]  # what the models with factor 0.5 and 2 answer


@pytest.fixture(scope="session")
def new_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new") / "model"
    export(folder, "many", "2.0")
    return folder


@pytest.fixture
def base(many_model: Path, tmp_path: Path) -> Path:
    """A base path of this test's own, with version 1."""
    shutil.copytree(many_model / "1", tmp_path / "models" / "1")
    return tmp_path / "models"


def bring(source: Path, base: Path, version: int) -> None:
    """Copy aside and rename."""
    shutil.copytree(source, base / f"aside-{version}")
    (base / f"aside-{version}").rename(base / str(version))


def states(server: Server) -> dict[str, str]:
    status, text = server.ask("/v1/models/m")
    assert status == 200
    return {v["version"]: v["state"] for v in json.loads(text)["model_version_status"]}


def predictions(server: Server, path: str = PREDICT) -> Any:
    status, text = server.ask(path, ONE)
    assert status == 200, text
    return json.loads(text)["predictions"]


@pytest.fixture
def start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Return a function that runs the server's main with flags that must end it: code and error."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(os, "environ", dict(os.environ))

    def run(*flags: str) -> tuple[int, str]:
        code = emulation.main([f"--port={free_port()}", *flags])
        return code, capsys.readouterr().err

    return run


class Load:
    """Clients that ask all the time; each answer is counted."""

    def __init__(self, server: Server, clients: int) -> None:
        self.seen: Counter[str] = Counter()
        self._server = server
        self._done = threading.Event()
        self._pool = ThreadPoolExecutor(clients)
        self._jobs = [self._pool.submit(self._ask) for _ in range(clients)]

    def _ask(self) -> Counter[str]:
        seen: Counter[str] = Counter()
        with requests.Session() as session:
            while not self._done.is_set():
                answer = session.post(self._server.rest + PREDICT, json=ONE, timeout=60)
                seen[answer.text] += 1
        return seen

    def finish(self) -> Counter[str]:
        self._done.set()
        for job in self._jobs:
            self.seen += job.result()
        return self.seen


def test_hot_reload_and_roll_back_lose_no_request(base: Path, new_model: Path) -> None:
    with serve_folder("m", base, "--file_system_poll_wait_seconds=0.1") as server:
        server.ready()
        load = Load(server, 8)
        bring(new_model, base, 2)
        eventually(lambda: states(server) == {"1": "END", "2": "AVAILABLE"})
        assert predictions(server) == NEW
        (base / "2").rename(base / "withdrawn")
        eventually(lambda: states(server) == {"1": "AVAILABLE", "2": "END"})
        assert predictions(server) == OLD
        texts = {json.loads(text)["predictions"][0] for text in load.finish()}
        assert texts == {OLD[0], NEW[0]}
        loaded = server.log.index("Successfully loaded servable version {name: m version: 2}")
        assert loaded < server.log.index("Done unloading servable version {name: m version: 1}")


def test_a_request_in_flight_keeps_its_version(base: Path, new_model: Path) -> None:
    with serve_folder("m", base, "--file_system_poll_wait_seconds=0.1") as server:
        server.ready()
        slow = {"signature_name": "slow", "instances": [1.0]}
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(server.ask, PREDICT, slow)
            bring(new_model, base, 2)
            eventually(lambda: states(server).get("2") == "AVAILABLE")
            status, text = answer.result()
        assert status == 200, text
        eventually(lambda: states(server) == {"1": "END", "2": "AVAILABLE"})


def config(base: Path, policy: str = "", **labels: int) -> str:
    entries = "".join(f'version_labels {{ key: "{k}" value: {v} }}' for k, v in labels.items())
    return (
        f'model_config_list {{ config {{ name: "m" base_path: "{base}" model_platform: "tensorflow"'
        f" {policy} {entries} }} }}"
    )


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("", {"3"}),
        ("model_version_policy { latest { num_versions: 2 } }", {"2", "3"}),
        ("model_version_policy { all {} }", {"1", "2", "3"}),
        ("model_version_policy { specific { versions: 1 versions: 3 } }", {"1", "3"}),
    ],
)
def test_policies(tmp_path: Path, policy: str, expected: set[str]) -> None:
    for number in ("1", "2", "3", "aside", "4.5", "-5", "99999999999999999999"):
        (tmp_path / number).mkdir()
    manager = ModelManager(lambda *_: LOADED, ManagerOptions())
    manager.apply(text_format.Parse(config(tmp_path, policy), ModelServerConfig()))
    found = manager.status(ModelAddress("m"))
    assert {str(status.version) for status in found} == expected
    assert {status.state for status in found} == {State.AVAILABLE}


def test_labels_and_a_polled_config_file(base: Path, new_model: Path, tmp_path: Path) -> None:
    bring(new_model, base, 2)
    both = "model_version_policy { specific { versions: 1 versions: 2 } }"
    file = tmp_path / "models.config"
    file.write_text(config(base, both, stable=1, canary=2))
    with serving(f"--model_config_file={file}") as server:  # nothing is loaded yet
        assert server.exit_code() == 1
        assert "of model m, which is not currently available for inference" in server.log
    with serving(
        f"--model_config_file={file}",
        "--model_config_file_poll_wait_seconds=1",
        "--allow_version_labels_for_unavailable_models",
    ) as server:
        server.ready()
        stable, canary = (f"/v1/models/m/labels/{label}:predict" for label in ("stable", "canary"))
        assert (predictions(server, stable), predictions(server, canary)) == (OLD, NEW)
        file.write_text("nonsense {")
        server.wait_for("failed: INVALID_ARGUMENT: Invalid protobuf file")
        assert predictions(server, stable) == OLD
        file.write_text(config(base, both, stable=2))
        eventually(lambda: predictions(server, stable) == NEW)
        assert server.error(canary, ONE) == (400, "Unrecognized servable version label: canary")


def test_a_broken_new_version_leaves_the_old_one(base: Path, new_model: Path) -> None:
    flags = ("--file_system_poll_wait_seconds=0.1", "--max_num_load_retries=0")
    with serve_folder("m", base, *flags) as server:
        server.ready()
        half = base / "2"  # half-copied: no variables
        half.mkdir()
        shutil.copy(new_model / "saved_model.pb", half)
        server.wait_for("Loading servable: {name: m version: 2} failed: ")
        (base / "3").mkdir()
        server.wait_for(
            "{name: m version: 3} failed: NOT_FOUND: Could not find SavedModel .pb or .pbtxt at"
            f" supplied export directory path: {base / '3'}"
        )
        (base / "aside").mkdir()
        (base / "aside" / "saved_model.pb").write_bytes(b"not a model")
        (base / "aside").rename(base / "4")
        server.wait_for("{name: m version: 4} failed: DATA_LOSS: Can't parse")
        assert predictions(server) == OLD
        found = states(server)
        assert found == {"1": "AVAILABLE", "4": "END"} | {k: "END" for k in found if k in "23"}
        bring(new_model, base, 5)
        eventually(lambda: predictions(server) == NEW)


def test_the_base_path_vanishes_and_the_model_stays(base: Path) -> None:
    with serve_folder("m", base, "--file_system_poll_wait_seconds=0.1") as server:
        server.ready()
        base.rename(base.with_name("gone"))
        server.wait_for(f"Could not find base path {base} for servable m with error NOT_FOUND")
        assert predictions(server) == OLD


@pytest.mark.parametrize("missing", ["folder", "version"])
def test_the_server_waits_for_its_first_version(
    tmp_path: Path, many_model: Path, missing: str
) -> None:
    base = tmp_path / "later"
    text = f"Could not find base path {base} for servable m with error NOT_FOUND: {base} not found"
    if missing == "version":
        (base / "v1").mkdir(parents=True)
        text = (
            f"No versions of servable m found under base path {base}. Did you forget to name your"
            " leaf directory as a number (eg. '/1/')?"
        )
    with serve_folder("m", base, "--file_system_poll_wait_seconds=0.1") as server:
        server.wait_for(text)
        base.mkdir(exist_ok=True)
        bring(many_model / "1", base, 7)
        server.ready()
        assert predictions(server, "/v1/models/m/versions/7:predict") == OLD


def test_a_model_that_cannot_be_loaded_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    with serve_folder("m", tmp_path, "--max_num_load_retries=0") as server:
        assert server.exit_code() != 0
    assert (
        "Failed to start server. Error: UNKNOWN: 1 servable(s) did not become available:"
        " {{{name: m version: 1} due to error: NOT_FOUND: Could not find SavedModel" in server.log
    )
    assert "Traceback" not in server.log


def test_a_failed_load_is_tried_again(tmp_path: Path, many_model: Path) -> None:
    (tmp_path / "1").mkdir()
    flags = ("--max_num_load_retries=1000", "--load_retry_interval_micros=1000")
    with serve_folder("m", tmp_path, *flags, "--file_system_poll_wait_seconds=0.1") as server:
        server.wait_for("{name: m version: 1} failed", times=2)
        shutil.copytree(many_model / "1", tmp_path / "1", dirs_exist_ok=True)
        server.ready()


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ([], "Both server_options.model_base_path and server_options.model_config_file are empty!"),
        (["--model_base_path=models"],
         "Expected model default to have an absolute path or URI; got base_path()=models"),
        (["--model_config_file=/nowhere/models.config"],
         "NOT_FOUND: /nowhere/models.config; No such file or directory"),
        (["--model_base_path=/m", "--batching_parameters_file=b"],
         "server_options.batching_parameters_file is set without setting"),
        (["--model_base_path=/nowhere", "--fail_if_no_model_versions_found"],
         "Unable to find a numerical version path for servable default at: /nowhere"),
        (["--model_base_path=/m", "--port=0"], "server_options.grpc_port is not set."),
    ],
)  # fmt: skip
def test_flags_that_end_the_start(
    start: Callable[..., tuple[int, str]], flags: list[str], text: str
) -> None:
    code, error = start(*flags)
    assert code == 1
    assert error.startswith("Failed to start server. Error: ")
    assert text in error


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"nonsense {", "Invalid protobuf file: "),
        (b"\xff\xfe", "Cannot read "),
        (b'model_config_list { config { name: "m" base_path: "/m" } }',
         "Illegal setting neither ModelServerConfig::model_type (deprecated) nor"
         " ModelServerConfig::model_platform, model name is m"),
        (b'model_config_list { config { name: "m" base_path: "/m" model_platform: "tensorflow" }'
         b' config { name: "m" base_path: "/m" model_platform: "tensorflow" } }',
         "Illegal to list model m multiple times in config list"),
        (b'model_config_list { config { name: "m" base_path: "/m" model_platform: "torch" } }',
         "Invalid platform: torch"),
    ],
)  # fmt: skip
def test_config_files_that_end_the_start(
    start: Callable[..., tuple[int, str]], tmp_path: Path, content: bytes, text: str
) -> None:
    file = tmp_path / "models.config"
    file.write_bytes(content)
    code, error = start(f"--model_config_file={file}")
    assert code == 1
    assert text in error


def test_ports_in_use(many_model: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        flags = ("--model_name=m", f"--model_base_path={many_model}")
        with serving(*flags, port=port) as server:
            assert server.exit_code() != 0
        assert f"Failed to BuildAndStart gRPC server: port {port}" in server.log
        assert "Traceback" not in server.log
        with serving(*flags, rest=port) as server:  # the real one, too, goes on with gRPC alone
            server.ready()
            assert f"Failed to start HTTP Server at localhost:{port}" in server.log


def test_unknown_flags(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        flags.parse_args(["--no_such_flag"])
    assert caught.value.code != 0
    assert "--no_such_flag" in capsys.readouterr().err


@pytest.fixture
def heard() -> Iterator[None]:
    """A shell starts its background jobs deaf to SIGINT, and what they start is so as well."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
@pytest.mark.usefixtures("heard")
def test_signals_end_it_well(base: Path, name: str) -> None:
    with serve_folder("m", base, fork=False) as server:  # how Python itself ends matters here
        server.ready()
        os.kill(server.process.pid, getattr(signal, name))
        assert server.exit_code() == 0
    assert "Done unloading servable version {name: m version: 1}" in server.log
    assert "Traceback" not in server.log


# --- warm-up and batching ------------------------------------------------------------------------


def warmup(base: Path, *records: bytes) -> Path:
    file = base / "1" / "assets.extra" / "tf_serving_warmup_requests"
    file.parent.mkdir()
    with tf.io.TFRecordWriter(str(file)) as writer:
        for record in records:
            writer.write(record)
    return file


def predict_record(signature: str = "serving_default") -> bytes:
    request = predict_pb2.PredictRequest()
    request.model_spec.signature_name = signature
    request.inputs["x"].CopyFrom(tf.make_tensor_proto([1.0]))
    log = prediction_log_pb2.PredictionLog(
        predict_log=prediction_log_pb2.PredictLog(request=request)
    )
    return bytes(log.SerializeToString())


def test_warm_up_is_replayed(base: Path, tmp_path: Path) -> None:
    warmup(base, predict_record(), predict_record())
    monitoring = tmp_path / "monitoring.config"
    monitoring.write_text("prometheus_config { enable: true }")
    with serve_folder("m", base, f"--monitoring_config_file={monitoring}") as server:
        server.ready()
        page = server.ask("/monitoring/prometheus/metrics")[1]
    label = f'model_path="{base}/1",status="OK"'
    assert f":tensorflow:serving:model_warmup_latency_count{{{label}}} 1" in page


@pytest.mark.parametrize(
    ("records", "text"),
    [
        ([b"\xff\xff"], "INVALID_ARGUMENT: Failed to parse warmup record"),
        ([predict_record("nope")], 'FAILED_PRECONDITION: Serving signature key "nope" not found.'),
        ([prediction_log_pb2.PredictionLog().SerializeToString()],
         "UNIMPLEMENTED: Unsupported log_type for warmup"),
        ([predict_record()] * 1001, "Number of warmup records exceeds the maximum (1000)"),
    ],
)  # fmt: skip
def test_bad_warm_up_keeps_the_version_out(
    start: Callable[..., tuple[int, str]], base: Path, records: list[bytes], text: str
) -> None:
    warmup(base, *records)
    code, error = start(f"--model_base_path={base}", "--max_num_load_retries=0")
    assert code == 1
    assert text in error


def test_warm_up_can_be_left_out(base: Path) -> None:
    warmup(base, b"\xff\xff")
    with serve_folder("m", base, "--enable_model_warmup=false") as server:
        server.ready()


def test_corrupt_warm_up(start: Callable[..., tuple[int, str]], base: Path) -> None:
    warmup(base, predict_record()).write_bytes(b"no records here, just text, more than 12 bytes")
    code, error = start(f"--model_base_path={base}", "--max_num_load_retries=0")
    assert (code, "DATA_LOSS" in error) == (1, True)


def test_batching(base: Path, tmp_path: Path) -> None:
    batching, monitoring = tmp_path / "batching.config", tmp_path / "monitoring.config"
    batching.write_text(
        "max_batch_size { value: 8 } batch_timeout_micros { value: 200000 }"
        " num_batch_threads { value: 1 } allowed_batch_sizes: 4 allowed_batch_sizes: 8"
    )
    monitoring.write_text("prometheus_config { enable: true }")
    flags = ("--enable_batching", f"--batching_parameters_file={batching}")
    with serve_folder("m", base, *flags, f"--monitoring_config_file={monitoring}") as server:
        server.ready()
        with ThreadPoolExecutor(8) as pool:
            bodies = [{"instances": [float(n)]} for n in range(8)]
            answers = list(pool.map(lambda body: server.ask(PREDICT, body), bodies))
        found = [json.loads(text)["predictions"] for _, text in answers]
        assert found == [[n * 0.5 + 2] for n in range(8)]
        page = server.ask("/monitoring/prometheus/metrics")[1]
        name = ":tensorflow:serving:batching_session:processed_batch_size"
        assert f'{name}_sum{{model_name="m"}} 8' in page
        assert f'{name}_count{{model_name="m"}} 8' not in page  # some were joined
        assert server.error(PREDICT, {"instances": [1.0] * 9}) == (
            400,
            "Task size 9 is larger than maximum input batch size 8",
        )
        body = {"signature_name": "two", "inputs": {"a": [1], "b": [1, 2]}}
        assert server.error(PREDICT, body)[1].startswith("Batching session Run() input tensors")


def test_batching_parameters_that_contradict(
    start: Callable[..., tuple[int, str]], base: Path, tmp_path: Path
) -> None:
    file = tmp_path / "batching.config"
    file.write_text("max_batch_size { value: 8 } allowed_batch_sizes: 4")
    flags = ("--enable_batching", f"--batching_parameters_file={file}")
    code, error = start(f"--model_base_path={base}", *flags)
    assert (code, "last entry was 4; expected 8" in error) == (1, True)
