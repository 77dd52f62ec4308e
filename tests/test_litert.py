"""The programs of LiteRT's new interface: models of any kind, what does not fit, help."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import compare_tflite
import convert
import numpy as np
import pytest

CODE = Path(__file__).parents[1] / "docs" / "_static" / "code"
PROGRAMS = ("compare_tflite.py", "qat.py")


def program(name: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program as a reader has it, beside all the others."""
    return subprocess.run(
        [sys.executable, next(CODE.glob(f"*/{name}")), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={"PATH": "", "PYTHONPATH": ":".join(map(str, CODE.glob("*/")))},
        check=False,
    )


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a model of two inputs and outputs: batch open, of one, of four."""
    import keras

    folder = tmp_path_factory.mktemp("two")
    keras.utils.set_random_seed(0)
    wide, narrow = keras.Input((5,), name="wide"), keras.Input((2,), name="narrow")
    both = keras.layers.Concatenate()([wide, narrow])
    kind = keras.layers.Dense(3, activation="softmax")(both)
    model = keras.Model([wide, narrow], [kind, keras.layers.Dense(1)(both)])
    model.save(folder / "two.keras")
    random = np.random.default_rng(0)
    values = {
        "wide": random.random((12, 5), "float32"),
        "narrow": random.random((12, 2), "float32"),
    }
    np.savez(folder / "two_samples.npz", **values)  # type: ignore[arg-type]
    for name, batch in (("open", None), ("one", 1), ("four", 4)):
        specs = [
            keras.InputSpec("float32", (batch, *i.shape[1:]), name=i.name) for i in (wide, narrow)
        ]
        model.export(
            folder / f"{name}.tflite", format="litert", input_signature=[specs], verbose=False
        )
    source = convert.open_keras(folder / "two.keras", 1)
    (folder / "int8.tflite").write_bytes(convert.convert(source, "int8", values, 1))
    return folder


def test_several_inputs_and_a_batch_of_any_fixed_size(two: Path) -> None:
    files = ("one.tflite", "four.tflite", "int8.tflite")
    done = program("compare_tflite.py", "two.keras", *files, folder=two)
    assert done.returncode == 0, done.stderr
    figures = json.loads((two / "two_compare.json").read_text())
    assert figures.keys() == {"one", "four", "int8"}
    for name in ("one", "four"):
        assert figures[name]["same_label"] == 1
        assert figures[name]["largest_difference"] < 1e-5
    for row in figures.values():
        assert row["apart"] < 1e-6
        assert row["times"] > 0
    assert "INFO: [" not in done.stderr


def test_an_open_batch_is_reported_and_the_rest_goes_on(two: Path) -> None:
    done = program("compare_tflite.py", "two.keras", "open.tflite", "one.tflite", folder=two)
    assert done.returncode == 0, done.stderr
    rows = done.stdout.partition("CompiledModel")[2].splitlines()
    assert compare_tflite.OPEN in rows[2]
    assert compare_tflite.OPEN not in rows[3]


def test_floats_do_not_fit_the_buffer_of_int8(two: Path) -> None:
    """What the chapter shows of the tutorial's model holds for others, too."""
    from ai_edge_litert.compiled_model import CompiledModel

    model = CompiledModel.from_file(str(two / "int8.tflite"))
    buffer = model.create_input_buffer_by_name("serving_default", "wide")
    with pytest.raises(RuntimeError, match="source buffer is larger than the tensor buffer"):
        buffer.write(np.zeros((1, 5), "float32"))
    buffer.write(np.zeros((1, 5), "int8"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("two.keras", "none.tflite"), "none.tflite is not here"),
        (("two.keras", "two.keras"), "two.keras is no .tflite file"),
        (("two.keras", "cut.tflite"), "cut.tflite"),
        (("two.keras", "one.tflite", "--samples", "other.npz"), "the model takes wide (5,)"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(
    two: Path, arguments: tuple[str, ...], said: str
) -> None:
    (two / "cut.tflite").write_bytes((two / "one.tflite").read_bytes()[:100])
    np.savez(two / "other.npz", wide=np.zeros((3, 4)), narrow=np.zeros((3, 2)))
    done = program("compare_tflite.py", *arguments, folder=two)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("compare_tflite.py: error: ")
    assert said in last


def test_training_aware_of_quantization_takes_a_model_of_ones_own(tmp_path: Path) -> None:
    import keras

    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((6,), name="sensor"),
        keras.layers.Dense(8, activation="relu"),
        keras.layers.Dense(3, activation="softmax"),
    ]
    keras.Sequential(layers).save(tmp_path / "own.keras")
    values = np.random.default_rng(0).random((640, 6), "float32")
    np.savez(tmp_path / "own_training.npz", sensor=values, labels=values[:, :3].argmax(1))
    np.savez(tmp_path / "own_samples.npz", sensor=values[:50])
    done = program("qat.py", "own.keras", "--training", "own_training.npz", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    content = (tmp_path / "own_qat_int8.tflite").read_bytes()
    assert list(convert.predict(content, {"sensor": values[:5]})) == ["output_0"]


def test_training_aware_of_quantization_refuses_what_is_no_sequential(two: Path) -> None:
    done = program("qat.py", "two.keras", folder=two)
    assert done.returncode == 1
    assert "qat.py: error: this program takes a Sequential model" in done.stderr


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_needs_no_packages(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-S", next(CODE.glob(f"*/{name}")), "--help"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(map(str, CODE.glob("*/")))},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout
