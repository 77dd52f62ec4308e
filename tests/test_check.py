"""The check of any model: what crashes, hangs or lacks, made inputs, comparing, exit codes."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import check_causes
import check_deployment
import check_inputs
import check_targets
import check_zoo
import numpy as np
import pytest
import tfjs_convert
from artifacts import ProgramError
from check_deployment import Job, Worker
from check_inputs import Spec
from docutils.nodes import make_id
from hypothesis import given
from hypothesis import strategies as st

from recordings.engine.site import Site
from tests import forked
from tests.minisite import ROOT

# Stands for check_targets.py: does at once what the name of the target says.
TOY = """
import json, os, signal, sys, time
jobs, rows = sys.argv[1:3]
with open(rows, "a") as file:
    for number, (folder, target) in enumerate(json.load(open(jobs))):
        print(json.dumps({"begun": number}), file=file, flush=True)
        if target == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if target == "abort in the converter":
            open(f"{folder}/open_int8.failed", "w").write("crashed in the converter to int8")
            os.abort()
        if target == "exit":
            sys.exit(3)
        if target == "hang":
            time.sleep(60)
        row = {"status": "works", "process": os.getpid()}
        print(json.dumps({"done": number, "row": row}), file=file, flush=True)
"""


def silent(text: str) -> None:
    """Tell nobody."""


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Worker:
    """Return a worker with the toy, and two seconds for each job."""
    toy = tmp_path / "toy.py"
    toy.write_text(TOY)
    monkeypatch.setattr(check_deployment, "beside", lambda name: toy)
    return Worker(tmp_path, 2, silent, threading.Event())


def rows_of(worker: Worker, *targets: str) -> dict[str, dict[str, Any]]:
    job = Job(Path("m.keras"), targets, folder=worker.folder)
    worker.run([(job, target) for target in targets])
    return job.rows


# Processes


def test_a_crash_is_a_row_and_the_rest_goes_on_in_another_process(worker: Worker) -> None:
    rows = rows_of(worker, "one", "two", "crash", "three")
    assert [row["status"] for row in rows.values()] == ["works", "works", "crashed", "works"]
    assert rows["crash"]["message"] == "crashed: SIGSEGV"
    assert rows["one"]["process"] == rows["two"]["process"] != rows["three"]["process"]


def test_the_last_job_may_crash_and_the_first_too(worker: Worker) -> None:
    assert rows_of(worker, "crash")["crash"]["status"] == "crashed"
    assert rows_of(worker, "one", "exit")["exit"]["message"] == "crashed: exit code 3"


def test_a_crash_of_the_converter_is_told_as_such_and_kept(worker: Worker) -> None:
    row = rows_of(worker, "abort in the converter")["abort in the converter"]
    assert row["message"] == "crashed in the converter to int8: SIGABRT"
    assert row["entry"] == check_zoo.NOT_CALIBRATED
    assert (worker.folder / "open_int8.failed").read_text() == row["message"]


def test_what_takes_too_long_is_a_row_and_the_rest_goes_on(worker: Worker) -> None:
    start = time.monotonic()
    rows = rows_of(worker, "hang", "one")
    assert rows["hang"]["status"] == "too slow"
    assert "within 2 s" in rows["hang"]["message"]
    assert rows["one"]["status"] == "works"
    assert time.monotonic() - start < 12


def test_a_worker_that_cannot_start_is_no_row(
    worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_deployment, "beside", lambda name: tmp_path / "nowhere.py")
    with pytest.raises(ProgramError, match="nothing can be tried"):
        rows_of(worker, "one")


def test_a_worker_can_be_stopped(worker: Worker) -> None:
    worker.limit = 60
    threading.Timer(0.5, worker.stop.set).start()
    with pytest.raises(ProgramError, match="stopped"):
        rows_of(worker, "hang")


@pytest.mark.skipif(os.name == "nt", reason="process groups are Unix's")
def test_a_process_ends_with_what_it_started(tmp_path: Path) -> None:
    child = tmp_path / "child"
    code = (
        "import subprocess, sys, time; p = subprocess.Popen(['sleep', '60']); "
        f"open({str(child)!r}, 'w').write(str(p.pid)); time.sleep(60)"
    )
    with check_deployment.process([sys.executable, "-c", code], tmp_path / "log"):
        while not (child.exists() and child.read_text()):
            time.sleep(0.01)
    for _ in range(100):
        status = Path(f"/proc/{child.read_text()}/status")
        if not status.exists() or "State:\tZ" in status.read_text():
            return
        time.sleep(0.05)
    os.kill(int(child.read_text()), signal.SIGKILL)
    pytest.fail("it runs on")


# What is not there


def attempt(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, native: str = ""
) -> dict[str, Any]:
    """Return the row of a target that raises, behind what native code logs."""
    log = folder / "log"

    def fails(case: check_targets.Case) -> dict[str, Any]:
        log.write_text(native)
        raise error

    monkeypatch.setitem(check_targets.TARGETS, "toy", fails)
    return check_targets.attempt(check_targets.Case(folder), "toy", log)


def test_a_missing_package_is_named_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = ModuleNotFoundError("no", name="tflite_micro")
    row = attempt(tmp_path, monkeypatch, error)
    message = "pip install -r requirements-embedded.txt"
    assert row == {"status": "not installed", "message": message}


def test_a_missing_converter_is_named_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> str:
        raise ProgramError("no tensorflowjs_converter here")

    monkeypatch.setattr(tfjs_convert, "find_converter", none)
    row = check_targets.attempt(check_targets.Case(tmp_path), "tfjs", tmp_path / "log")
    assert row == {"status": "not installed", "message": "python tfjs_env.py"}


def test_what_native_code_says_is_looked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    native = "Didn't find op for builtin opcode 'CONV_3D'\n"
    row = attempt(tmp_path, monkeypatch, RuntimeError("TFLM failed"), native)
    assert row["message"] == native.strip()
    assert row["entry"] == check_zoo.NOT_IN_MICRO


# Causes


@pytest.mark.parametrize(
    ("text", "message", "entry"),
    [
        (
            "/x/y.py:12:0: error: 'tf.TensorListReserve' op requires element_shape to be static\n.",
            "'tf.TensorListReserve' op requires element_shape to be static",
            "tf-tensorlistreserve-op-requires-element-shape-to-be",
        ),
        (
            '<unknown>:0: error: loc(f["a", "b"])): \'tf.MatMul\' op is neither a custom op nor a '
            "flex op\nsee: tensor<1x4xf64>",
            "'tf.MatMul' op is neither a custom op nor a flex op",
            check_zoo.NO_DOUBLE,
        ),
        (
            "'tf.StringLower' op is neither a custom op nor a flex op\nsee: tensor<1xf32>",
            "'tf.StringLower' op is neither a custom op nor a flex op",
            check_zoo.NO_OPERATOR,
        ),
        ("Graph execution error:\n\nDetected at node x\nindices[0] = 9", "indices[0] = 9", None),
        ("", "no reason given", None),
    ],
)
def test_a_message_is_its_line_that_says_something(
    text: str, message: str, entry: str | None
) -> None:
    row = check_causes.row(text)
    assert row["message"] == message
    assert row.get("entry") == entry


def test_each_cause_has_its_entry_on_a_page() -> None:
    terms = re.compile(r"^`+ ?(.+?) ?`+.*\n: ", re.MULTILINE)
    pages = [page.read_text() for page in (ROOT / "docs").rglob("*.md")]
    names = {
        "-".join(make_id(term).split("-")[:8]) for page in pages for term in terms.findall(page)
    }
    named = {cause.entry for cause in check_causes.CAUSES} - {""}
    assert named <= names, named - names


# Inputs

SHAPES = st.lists(st.one_of(st.none(), st.integers(1, 5)), max_size=3)
DTYPES = st.sampled_from(
    ["float32", "float64", "int32", "int64", "uint8", "int8", "bool", "string"]
)
BELOW = st.one_of(st.none(), st.integers(1, 400))


@given(
    st.dictionaries(st.text("ab", min_size=1), st.tuples(DTYPES, SHAPES, BELOW), min_size=1),
    st.one_of(st.none(), st.integers(1, 7)),
    st.integers(1, 9),
)
def test_made_inputs_are_what_the_signature_says(
    ends: dict[str, tuple[str, list[int | None], int | None]], batch: int | None, size: int
) -> None:
    specs = {
        name: Spec(dtype, [batch, *shape], below) for name, (dtype, shape, below) in ends.items()
    }
    arrays = check_inputs.make(specs, size)
    assert len({len(array) for array in arrays.values()}) == 1
    for name, spec in specs.items():
        array = arrays[name]
        assert len(array) % (batch or 1) == 0
        for actual, dim in zip(array.shape[1:], spec.shape[1:], strict=True):
            assert actual == (size if dim is None else dim)
        if spec.dtype == "string":
            assert set(array.ravel()) <= {*spec.words, "something"}
            continue
        assert array.dtype == spec.dtype
        if array.size and spec.dtype != "bool":
            whole = array.dtype.kind in "iu" or spec.below
            limit = spec.below or (check_inputs.UPPER if whole else 1)
            assert 0 <= array.min() <= array.max() < limit
            assert not whole or (array == array.round()).all()


def test_inputs_of_different_kinds_have_no_batch() -> None:
    specs = {"picture": Spec("float32", [None, 4]), "threshold": Spec("float32", [])}
    assert check_inputs.batch_of(specs) is None
    assert {k: a.shape for k, a in check_inputs.make(specs, 3).items()} == {
        "picture": (3, 4),
        "threshold": (),
    }


def test_a_refused_number_narrows_the_next_try() -> None:
    specs = {"words": Spec("int32", [None, 3]), "x": Spec("float32", [None, 3])}

    def call(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        if inputs["words"].max() >= 7:
            raise ValueError("Graph execution error\nindices[0,1] = 99 is not in [0, 7)")
        return inputs

    arrays, _, _ = check_targets.made_inputs(specs, call)
    assert arrays["words"].max() < 7
    assert specs["x"].below is None


def test_a_size_that_the_model_refuses_is_followed_by_another() -> None:
    tried = []

    def call(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        tried.append(inputs["x"].shape[1])
        if tried[-1] < 100:
            raise ValueError("too small")
        return inputs

    _, _, size = check_targets.made_inputs({"x": Spec("float32", [None, None, 2])}, call)
    assert size == tried[-1] == 224


# Comparing


def test_outputs_are_compared_by_name_or_by_order() -> None:
    its = {f"output_{i}": np.full((2, 1), float(i)) for i in range(12)}
    mine = {f"call_{i}": values for i, values in enumerate(its.values())}
    assert check_targets.compare(mine, its, None)["largest_difference"] == 0


def test_differences_nan_and_classes() -> None:
    its = {"y": np.array([[0.1, 0.9], [0.6, 0.4], [np.nan, 1]])}
    mine = {"y": np.array([[0.2, 0.8], [0.4, 0.6], [np.nan, 1]])}
    figures = check_targets.compare(mine, its, np.array([1, 1, 0]))
    assert figures["largest_difference"] == pytest.approx(0.2)
    assert figures["same"] == pytest.approx(2 / 3)
    assert figures["accuracy"] == pytest.approx(1)
    lost = {"y": np.array([[0.1, 0.9], [0.6, np.nan], [np.nan, 1]])}
    assert check_targets.compare(lost, its, None)["largest_difference"] == np.inf


def test_fewer_samples_are_compared_with_the_first_and_other_shapes_are_refused() -> None:
    its = {"y": np.arange(6.0).reshape(3, 2)}
    assert check_targets.compare({"y": its["y"][:2]}, its, None)["largest_difference"] == 0
    with pytest.raises(ProgramError, match="differs from"):
        check_targets.compare({"y": its["y"].T}, its, None)
    with pytest.raises(ProgramError, match="2 outputs"):
        check_targets.compare({"a": its["y"], "b": its["y"]}, its, None)


def test_texts_are_the_same_or_not() -> None:
    its = {"word": np.array(["a", "b"])}
    assert check_targets.compare({"word": np.array(["a", "c"])}, its, None)["same"] == 0.5


@pytest.mark.parametrize(
    ("kind", "off", "good"),
    [("float32", 1e-5, True), ("float32", 0.1, False), ("int8", 0.1, True), ("int8", 0.5, False)],
)
def test_how_far_an_answer_may_be(tmp_path: Path, kind: str, off: float, good: bool) -> None:
    case = check_targets.Case(tmp_path)
    np.savez(tmp_path / "reference.npz", y=np.linspace(0, 1, 10)[:, None])
    outputs = {"y": np.linspace(0, 1, 10)[:, None] + off}
    if good:
        check_targets.judged(case, outputs, kind)
    else:
        with pytest.raises(check_targets.Differs, match="differs from the model"):
            check_targets.judged(case, outputs, kind)


# The program


def options_of(text: str) -> tuple[str, ...]:
    return check_deployment.chosen_targets(text)


def test_a_kind_stands_for_all_its_targets() -> None:
    assert options_of("serving,savedmodel") == ("savedmodel", "serving_rest", "serving_grpc")
    assert len(options_of("tflite")) == 4
    with pytest.raises(Exception, match="no target ios"):
        options_of("tflite,ios")


@pytest.mark.parametrize(
    ("options", "statuses", "code"),
    [
        ("", ["works", "fails"], 0),
        ("", ["fails", "not installed"], 1),
        ("--targets savedmodel,tfjs", ["works", "works"], 0),
        ("--targets savedmodel,tfjs", ["works", "not installed"], 1),
        ("--targets savedmodel,tfjs", ["works", "crashed"], 1),
    ],
)
def test_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: str, statuses: list[str], code: int
) -> None:
    facts = {
        "inputs": {"x": {"dtype": "float32", "shape": [None, 4]}},
        "outputs": {"y": {"dtype": "float32", "shape": [3, 1]}},
        **{"samples": 3, "size": None, "milliseconds": 1.0},
    }

    def check(jobs: list[Job], folder: Path, *rest: Any) -> None:
        (folder / "facts.json").write_text(json.dumps(facts))
        jobs[0].folder = folder
        jobs[0].rows["prepare"] = {"status": "works"}
        for target, status in zip(("savedmodel", "tfjs"), statuses, strict=True):
            jobs[0].rows[target] = {"status": status, "message": "said"}

    (tmp_path / "m.keras").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(check_deployment, "check", check)
    monkeypatch.setattr(sys, "argv", ["x", "m.keras", "--json", "out.json", *options.split()])
    ended: int | str | None = 0
    try:
        check_deployment.main()
    except SystemExit as error:
        ended = error.code
    assert ended == code
    written = json.loads(Path("out.json").read_text())
    assert [row["status"] for row in written["targets"].values()] == statuses
    assert written["samples"] == 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the programs and two models."""
    import keras

    folder = tmp_path_factory.mktemp("check")
    for name, path in Site(ROOT).programs().items():
        if path.suffix == ".py":
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(path.read_bytes())
    layers = [keras.Input((4,), name="x"), keras.layers.Dense(2, "softmax")]
    keras.Sequential(layers).save(folder / "small.keras")
    (folder / "broken.keras").write_bytes(b"no model")
    return folder


def test_a_small_model_goes_all_the_way(folder: Path) -> None:
    targets = "savedmodel,tflite_float32,litertjs"
    done = forked.run(
        folder, "check_deployment.py", *f"small.keras --targets {targets} --json out.json".split()
    )
    assert done.returncode == 0, done.stderr
    assert re.search(
        r"^tflite_float32 +yes +[\d,]+ +\de-?\+?\d\d +100\.00% +\S+$", done.stdout, re.M
    )
    written = json.loads((folder / "out.json").read_text())
    assert list(written["targets"]) == targets.split(",")
    assert all(row["largest_difference"] < 1e-5 for row in written["targets"].values())
    assert written["inputs"]["x"]["shape"] == [None, 4]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("broken.keras", "not a whole .keras file"),
        ("nowhere.keras", "is not here"),
        ("small.keras --samples nowhere.npz", "is not here"),
    ],
)
def test_a_model_that_cannot_be_read_is_one_line(folder: Path, arguments: str, words: str) -> None:
    done = forked.run(folder, "check_deployment.py", *arguments.split())
    assert done.returncode == 1
    assert done.stderr.count("check_deployment.py: error: ") == 1
    assert words in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


# The zoo


def test_the_zoo_is_large_and_knows_its_targets() -> None:
    assert len(check_zoo.ZOO) >= 20
    for _, expected in check_zoo.ZOO.values():
        assert expected.keys() <= set(check_deployment.TARGETS)
        assert expected.keys() >= set(check_zoo.USUAL)


def test_a_result_that_is_not_expected_is_a_surprise() -> None:
    expected = check_zoo.ZOO["embedding"][1]
    assert not list(check_zoo.surprises({"embedding": expected}))
    assert not list(check_zoo.surprises({"embedding": {"micro": "not installed"}}))
    for wrong in ({"micro": "works"}, {"tflite_int8": check_zoo.FIXED}):
        assert len(list(check_zoo.surprises({"embedding": wrong}))) == 1
