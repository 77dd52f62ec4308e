"""The C program of embedded Linux: with models of other kinds, and under AddressSanitizer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from recordings.engine.site import Site
from tests import forked
from tests.minisite import ROOT

PROGRAMS = Site(ROOT).programs()
USED = (
    *("classify.c", "litert.h", "Makefile", "samples_for_c.py", "compare_outputs.py"),
    *("artifacts.py", "samples.py", "load_models.py", "convert.py", "inspect_tflite.py"),
)
SCRIPTS = ROOT / ".venv" / "bin"
pytestmark = pytest.mark.skipif(
    not (shutil.which("cc") and shutil.which("make")), reason="no C compiler"
)
SANITIZER = {"ASAN_OPTIONS": "detect_leaks=1:halt_on_error=1"}


def call(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=folder, capture_output=True, text=True, env={**os.environ, **environment}
    )


def fails_with(folder: Path, *words: str, says: str) -> None:
    done = call(folder, *words)
    assert done.returncode == 1, done.stderr
    assert says in done.stderr.splitlines()[-1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the compiled programs and a model of table rows, not trained."""
    folder = tmp_path_factory.mktemp("linux")
    for name in USED:
        (folder / name).write_bytes(PROGRAMS[name].read_bytes())
    keras.utils.set_random_seed(0)
    row = keras.Input((6,), name="row")
    model = keras.Model(row, layers.Dense(3, activation="softmax")(layers.Dense(8)(row)))
    model.save(folder / "row.keras")
    np.savez(folder / "row_samples.npz", row=np.random.default_rng(0).random((20, 6), "float32"))
    converted = forked.run(folder, "convert.py", "row.keras", "--batch", "1")
    assert converted.returncode == 0, converted.stderr
    for model_file in ("row.tflite", "row_int8.tflite"):
        written = forked.run(folder, "samples_for_c.py", model_file, "--samples", "row_samples.npz")
        assert written.returncode == 0, written.stderr
    python = shutil.which("python", path=str(SCRIPTS)) or "python3"
    for target in ("classify", "asan"):
        made = call(folder, "make", target, f"PYTHON={python}")
        assert made.returncode == 0, made.stderr
        assert "warning" not in made.stderr
    return folder


@pytest.mark.parametrize("name", ["row", "row_int8"])
@pytest.mark.parametrize("program", ["./classify", "./classify-asan"])
def test_it_says_what_python_says_and_leaves_no_memory(
    folder: Path, program: str, name: str
) -> None:
    done = call(folder, program, f"{name}.tflite", f"{name}_samples.bin", "out.bin", **SANITIZER)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("prob is") == 3
    assert done.stdout.endswith("20 samples\n")
    assert "Sanitizer" not in done.stderr
    compared = forked.run(folder, "compare_outputs.py", f"{name}.tflite", "out.bin")
    assert compared.returncode == 0, compared.stderr
    (row,) = json.loads((folder / f"{name}_agreement.json").read_text()).values()
    step = 1 / 256  # of an int8 softmax
    assert row["largest_difference"] <= (step if name.endswith("int8") else 1e-6)
    first = np.fromfile(folder / "out.bin", "float32")[:3]
    assert f"top label: {first.argmax()}\n" in done.stdout


def test_threads_change_nothing(folder: Path) -> None:
    runs = [
        call(folder, "./classify", *options, "row.tflite", "row_samples.bin").stdout
        for options in ([], ["--threads", "1"], ["--threads", "3"])
    ]
    assert runs[0]
    assert len(set(runs)) == 1


def test_another_answer_is_an_error(folder: Path) -> None:
    call(folder, "./classify", "row.tflite", "row_samples.bin", "out.bin")
    outputs = np.fromfile(folder / "out.bin", "float32")
    outputs[4] += 1e-5
    outputs.tofile(folder / "other.bin")
    compared = forked.run(folder, "compare_outputs.py", "row.tflite", "other.bin")
    assert compared.returncode == 1
    assert "other.bin differs from what Python says" in compared.stderr
    outputs[:5].tofile(folder / "short.bin")
    compared = forked.run(folder, "compare_outputs.py", "row.tflite", "short.bin")
    assert "short.bin has 5 numbers, Python 60" in compared.stderr


def test_mistakes_are_named_in_one_line(folder: Path) -> None:
    (folder / "empty.bin").write_bytes(b"")
    (folder / "part.bin").write_bytes(b"\0" * 30)
    run = ("./classify", "row.tflite")
    fails_with(folder, *run, "nothing.bin", says="nothing.bin: No such file or directory")
    fails_with(folder, *run, "empty.bin", says="empty.bin: empty")
    fails_with(folder, *run, "part.bin", says="not a whole number of this model's samples")
    fails_with(folder, *run, "row_samples.bin", "no/out.bin", says="No such file or directory")
    fails_with(folder, *run, "row_samples.bin", "/dev/full", says="No space left on device")
    fails_with(folder, "./classify", "classify.c", "part.bin", says="not a .tflite model")
    fails_with(folder, "./classify", "--threads", "x", says="a whole number from 1 to 1024")
    usage = call(folder, "./classify")
    assert usage.returncode == 2
    assert usage.stderr.startswith("usage: classify")


def test_an_open_batch_is_named(folder: Path) -> None:
    converted = forked.run(folder, "convert.py", "row.keras", "--name", "open")
    assert converted.returncode == 0, converted.stderr
    fails_with(folder, "./classify", "open.tflite", "row_samples.bin", says="the batch is open")


def test_swapped_bytes_are_suspected_and_right_ones_are_not(folder: Path) -> None:
    values = np.fromfile(folder / "row_samples.bin", "float32")
    values.astype(">f4").tofile(folder / "swapped.bin")
    assert "byte order" in call(folder, "./classify", "row.tflite", "swapped.bin").stderr
    assert "byte order" not in call(folder, "./classify", "row.tflite", "row_samples.bin").stderr


@pytest.mark.parametrize("program", ["samples_for_c.py", "compare_outputs.py"])
def test_help_needs_no_package(folder: Path, program: str) -> None:
    said = call(folder, "python3", "-S", program, "--help")
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(f"usage: {program}")
