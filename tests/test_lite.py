"""Conversion to TensorFlow Lite and the emulation of Android: with models of other kinds."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import artifacts
import convert
import inspect_tflite
import interpret
import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from recordings.engine.site import Site
from tests import forked
from tests.minisite import ROOT

PROGRAMS = Site(ROOT).programs()
USED = (
    *("artifacts.py", "samples.py", "load_models.py"),
    *("convert.py", "inspect_tflite.py", "interpret.py"),
)


def call(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    return forked.run(folder, *command.split())


def succeeds(folder: Path, command: str) -> list[str]:
    """Run a program and return the lines on its standard output."""
    done = call(folder, command)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def fails_with(folder: Path, command: str, *words: str) -> None:
    """Assert that a program fails with one line that holds `words`."""
    done = call(folder, command)
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert last.startswith(f"{Path(command.split()[0]).name}: error: "), done.stderr
    for word in words:
        assert word in last


def save(folder: Path, name: str, model: keras.Model, **arrays: Any) -> None:
    """Save a model and samples of it, as a reader would."""
    model.save(folder / f"{name}.keras")
    np.savez(folder / f"{name}_samples.npz", **arrays)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the programs and three models of other kinds, not trained."""
    folder = tmp_path_factory.mktemp("own")
    for name in USED:
        (folder / name).write_bytes(PROGRAMS[name].read_bytes())
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    color = keras.Input((12, 8, 3), name="patch")
    kind = layers.Dense(5, activation="softmax", name="kind")
    body = layers.Flatten()(layers.Conv2D(4, 3, activation="relu")(color))
    patches = random.random((30, 12, 8, 3), "float32")
    save(
        folder,
        "color",
        keras.Model(color, kind(body)),
        patch=patches,
        labels=random.integers(0, 5, 30),
    )
    (folder / "color_labels.txt").write_text("red\ngreen\nblue\nblack\nwhite\n")
    extra = keras.Input((4,), name="extra")
    both = layers.Concatenate()([body, extra])
    save(
        folder,
        "two",
        # built with the inputs in another order than that of their names
        keras.Model([color, extra], [kind(both[:, : body.shape[1]]), layers.Dense(1)(both)]),
        patch=patches,
        extra=random.random((30, 4), "float32"),
    )
    save(
        folder,
        "named",
        keras.Model(
            {"patch": color, "extra": extra}, {"z": layers.Dense(1)(both), "a": kind(body)}
        ),
        patch=patches,
        extra=random.random((30, 4), "float32"),
        labels=random.integers(0, 5, (30, 1)),
    )
    wide = layers.Dense(2, kernel_initializer=keras.initializers.Constant([[1, -1], [1e-4, 0]]))
    save(
        folder,
        "table",
        keras.Sequential([keras.Input((2,), name="columns"), wide]),
        columns=random.normal(size=(50, 2)).astype("float32") * np.array([0.01, 1e4], "float32"),
    )
    sequence = keras.Input((None, 3), name="sequence")
    save(
        folder,
        "lstm",
        keras.Model(sequence, layers.Dense(2)(layers.LSTM(4)(sequence))),
        sequence=random.random((6, 7, 3), "float32"),
    )
    return folder


@pytest.fixture(scope="module")
def converted(folder: Path) -> Path:
    """Return the folder once the color model is converted, beside a file of another model."""
    (folder / "mnist_cnn.tflite").write_bytes(b"another model")
    succeeds(folder, "convert.py color.keras")
    return folder


@pytest.mark.parametrize("name", ["convert.py", "inspect_tflite.py", "interpret.py"])
def test_help_needs_no_package(folder: Path, name: str) -> None:
    said = subprocess.run(
        [sys.executable, "-S", name, "--help"], cwd=folder, capture_output=True, text=True
    )
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(f"usage: {name}")


# Conversion


def test_files_are_named_after_the_model(converted: Path) -> None:
    assert {path.name for path in converted.glob("color*")} == {
        *("color.keras", "color_samples.npz", "color_labels.txt", "color_convert.json"),
        *("color.tflite", "color_float16.tflite", "color_dynamic.tflite", "color_int8.tflite"),
    }
    assert (converted / "mnist_cnn.tflite").read_bytes() == b"another model"


def test_what_is_compared(converted: Path) -> None:
    figures = json.loads((converted / "color_convert.json").read_text())
    assert list(figures) == ["float32", "float16", "dynamic", "int8"]
    for precision, numbers in figures.items():
        suffix = "" if precision == "float32" else f"_{precision}"
        assert numbers["bytes"] == (converted / f"color{suffix}.tflite").stat().st_size
        assert 0 <= numbers["accuracy"] <= 1
    assert figures["float32"]["same_label"] == 1
    assert figures["float32"]["largest_difference"] < 1e-6
    assert figures["int8"]["largest_difference"] < 0.1


def test_several_inputs_and_outputs(folder: Path) -> None:
    said = succeeds(folder, "convert.py two.keras")
    assert "accuracy" not in said[0], "there are no labels"
    figures = json.loads((folder / "two_convert.json").read_text())
    assert figures["float32"]["same_label"] == 1
    assert figures["float32"]["largest_difference"] < 1e-5


def test_inputs_and_outputs_by_name(folder: Path) -> None:
    header, *_ = succeeds(folder, "convert.py named.keras")
    assert "accuracy" in header, "the output with classes is found, though it is the second"
    figures = json.loads((folder / "named_convert.json").read_text())
    assert figures["float32"]["same_label"] == 1
    assert figures["float32"]["largest_difference"] < 1e-5
    said = succeeds(folder, "load_models.py named.keras --samples named_samples.npz")
    assert "a (30, 5), sample 0 is class" in said[0]


def test_columns_that_one_scale_cannot_serve_are_told(folder: Path, converted: Path) -> None:
    *_, last = succeeds(folder, "convert.py table.keras")
    assert last.startswith("int8 differs much")
    assert not any("int8 differs" in line for line in succeeds(converted, "convert.py color.keras"))


def test_a_layer_of_ones_own_is_named(folder: Path) -> None:
    @keras.saving.register_keras_serializable()
    class Doubled(layers.Layer):
        def call(self, inputs: tf.Tensor) -> tf.Tensor:
            return 2 * inputs

    keras.Sequential([keras.Input((2,)), Doubled()]).save(folder / "own.keras")
    double = layers.Lambda(lambda inputs: 2 * inputs)
    keras.Sequential([keras.Input((2,)), double]).save(folder / "lambda.keras")
    for name, layer in {"own": "Doubled", "lambda": "Lambda"}.items():
        command = f"convert.py {name}.keras --samples table_samples.npz"
        fails_with(folder, command, f"a layer of your own, {layer}", "model.export(")


def test_a_saved_model_without_the_usual_signature(folder: Path) -> None:
    module = tf.Module()
    module.double = tf.function(
        lambda columns: 2 * columns, input_signature=[tf.TensorSpec((None, 2), tf.float32)]
    )
    tf.saved_model.save(module, folder / "double" / "1", signatures={"double": module.double})
    command = "convert.py double/1 --samples table_samples.npz"
    fails_with(folder, command, "no signature serving_default; it has: double")


def test_a_model_of_another_kind_is_to_be_converted(folder: Path) -> None:
    for program in ("inspect_tflite.py", "interpret.py --model"):
        fails_with(folder, f"{program} color.keras", "run `python convert.py color.keras` first")


def test_ctrl_c_leaves_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["a/train.py"])

    def stopped() -> None:
        with artifacts.whole(tmp_path / "model.keras") as path:
            path.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(SystemExit, match=r"^train\.py: error: stopped$"):
        artifacts.run(stopped)
    assert not list(tmp_path.iterdir())


def test_another_name(folder: Path) -> None:
    before = (folder / "color.keras").read_bytes()
    succeeds(folder, "convert.py color.keras --name elsewhere")
    assert (folder / "elsewhere_int8.tflite").exists()
    assert (folder / "elsewhere_convert.json").exists()
    assert (folder / "color.keras").read_bytes() == before


def test_nothing_stays_of_an_earlier_run(folder: Path) -> None:
    (folder / "lstm_int8.tflite").write_bytes(b"an earlier model")
    fails_with(folder, "convert.py lstm.keras --batch 1", "to int8")
    assert not (folder / "lstm_int8.tflite").exists()
    assert list(json.loads((folder / "lstm_convert.json").read_text())) == [
        *("float32", "float16", "dynamic")
    ]


def test_a_batch_needs_as_many_samples(folder: Path) -> None:
    fails_with(folder, "convert.py two.keras --batch 31", "has 30 samples, fewer than --batch 31")


def test_a_saved_model_converts_to_the_same(converted: Path, tmp_path: Path) -> None:
    keras.models.load_model(converted / "color.keras").export(tmp_path / "patches/1", verbose=False)
    samples = converted / "color_samples.npz"
    program = converted / "convert.py"
    succeeds(tmp_path, f"{program} patches/1 --samples {samples}")
    assert (tmp_path / "patches.tflite").exists(), "the version is no name"
    with np.load(samples) as file:
        inputs = {"patch": file["patch"]}
    contents = (tmp_path / "patches.tflite", converted / "color.tflite")
    one, two = (convert.predict(path.read_bytes(), inputs) for path in contents)
    assert np.abs(one["output_0"] - two["output_0"]).max() < 1e-6


def test_samples_that_do_not_fit_stop_it_before_it_writes(folder: Path, tmp_path: Path) -> None:
    program, model = folder / "convert.py", folder / "color.keras"
    for option in ("--samples", "--calibration"):
        others = {"--samples": folder / "color_samples.npz", option: folder / "lstm_samples.npz"}
        options = " ".join(f"{name} {path}" for name, path in others.items())
        fails_with(
            tmp_path, f"{program} {model} {options}", "patch (12, 8, 3)", "has sequence (7, 3)"
        )
    fails_with(tmp_path, f"{program} {model}", "color_samples.npz is not here", "--samples")
    assert not any(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_noticed_first(folder: Path) -> None:
    command = f"{folder / 'convert.py'} {folder / 'color.keras'} --samples nothing.npz"
    fails_with(Path("/proc"), command, "cannot write here")


def test_a_recurrent_model(folder: Path) -> None:
    fails_with(folder, "convert.py lstm.keras", "with --batch 1")
    assert not (folder / "lstm.tflite").exists()
    fails_with(folder, "convert.py lstm.keras --batch 1", "to int8", "unroll=True")
    assert (folder / "lstm_dynamic.tflite").exists()
    content = (folder / "lstm.tflite").read_bytes()
    lines = [*inspect_tflite.describe(inspect_tflite.parse(content))]
    assert "input 0: float32 [1, -1, 3]" in lines


def test_a_fixed_batch_of_several(folder: Path) -> None:
    succeeds(folder, "convert.py two.keras --batch 4")
    with np.load(folder / "two_samples.npz") as file:
        outputs = convert.predict((folder / "two.tflite").read_bytes(), dict(file))
    assert {len(output) for output in outputs.values()} == {28}, "whole batches"


def test_an_operator_that_is_not_there_is_named() -> None:
    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, name="png_bytes")])
    def read(png_bytes: tf.Tensor) -> tf.Tensor:
        return tf.io.decode_png(png_bytes[0])

    module = tf.Module()
    module.read = read
    functions = [read.get_concrete_function()]
    converter = tf.lite.TFLiteConverter.from_concrete_functions(functions, module)

    def attempt() -> None:
        with convert.converting(Path("png"), "float32"):
            converter.convert()

    with pytest.raises(artifacts.ProgramError, match="TensorFlow Lite has no DecodePng"):
        attempt()


@pytest.mark.parametrize(
    ("path", "name"), [("my.keras", "my"), ("a/b.h5", "b"), ("c/1", "c"), ("d", "d"), (".", "here")]
)
def test_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, name: str) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    if not Path(path).suffix:
        Path(path).mkdir(parents=True, exist_ok=True)
    assert artifacts.name_of(path) == name


@given(
    scale=st.floats(1e-6, 1e3),
    zero=st.integers(-128, 127),
    steps=st.lists(st.floats(-128, 127), min_size=1),
)
def test_quantizing_is_off_by_half_a_step_at_most(
    scale: float, zero: int, steps: list[float]
) -> None:
    tensor = {"dtype": np.int8, "quantization": (scale, zero)}
    values = ((np.array(steps) - zero) * scale).astype("float32")
    stored = convert.quantize(values, tensor)
    assert stored.dtype == np.int8
    assert np.abs(convert.dequantize(stored, tensor) - values).max() <= scale * (0.5 + 1e-3)


def test_quantizing_stops_at_the_ends_and_leaves_floats_alone() -> None:
    tensor = {"dtype": np.int8, "quantization": (0.5, 3)}
    values = np.array([-1e9, 1e9], "float32")
    assert convert.quantize(values, tensor).tolist() == [-128, 127]
    floats = {"dtype": np.float32, "quantization": (0.0, 0)}
    assert convert.quantize(values, floats).tolist() == values.tolist()
    assert convert.dequantize(values, floats) is values


# What is in a file


def test_inside_a_model(converted: Path) -> None:
    said = succeeds(converted, "inspect_tflite.py color.tflite")
    assert said[0] == f"color.tflite: {(converted / 'color.tflite').stat().st_size:,} bytes"
    assert "signature serving_default: patch -> output_0" in said
    assert "input 0: float32 [-1, 12, 8, 3]" in said
    said = succeeds(converted, "inspect_tflite.py color_int8.tflite")
    assert any(line.startswith("input 0: int8 [-1, 12, 8, 3], scale 0.0039") for line in said)


def test_a_file_with_select_operators_is_not_called_damaged(folder: Path) -> None:
    model = keras.models.load_model(folder / "lstm.keras")
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    ops = tf.lite.OpsSet
    converter.target_spec.supported_ops = [ops.TFLITE_BUILTINS, ops.SELECT_TF_OPS]
    converter._experimental_lower_tensor_list_ops = False
    (folder / "select.tflite").write_bytes(converter.convert())
    said = succeeds(folder, "inspect_tflite.py select.tflite")
    assert "cannot run it" in said[-1]
    assert "FlexTensorListReserve" in said[-1]
    fails_with(folder, "interpret.py --model select.tflite", "cannot run here", "Select TensorFlow")


# The emulation


def answer(lines: list[str]) -> list[float]:
    """Return the probabilities that interpret.py printed."""
    return [float(found[1]) for line in lines if (found := re.search(r"prob is (\S+)", line))]


def test_color_pictures_are_read_as_keras_reads_them(converted: Path) -> None:
    said = succeeds(converted, "interpret.py --model color.tflite --sample 3")
    with np.load(converted / "color_samples.npz") as samples:
        picture, label = np.round(samples["patch"][3:4] * 255), samples["labels"][3]
    model = keras.models.load_model(converted / "color.keras")
    expected = model.predict((picture / 255).astype("float32"), verbose=0)[0]
    assert np.abs(np.array(answer(said)) - expected).max() < 1e-6
    names = ["red", "green", "blue", "black", "white"]
    assert said[0] == f"sample 3 is {names[label]}"
    assert said[-1] == f"top label: {names[expected.argmax()]}"
    quantized = answer(succeeds(converted, "interpret.py --model color_int8.tflite --sample 3"))
    assert np.abs(np.array(quantized) - expected).max() < 0.05


def test_a_picture_of_the_readers_own(converted: Path) -> None:
    with np.load(converted / "color_samples.npz") as samples:
        np.save(converted / "own.npy", np.round(samples["patch"][3] * 255).astype(np.uint8))
    own = succeeds(converted, "interpret.py --model color.tflite --picture own.npy")
    assert own[-6:] == succeeds(converted, "interpret.py --model color.tflite --sample 3")[-6:]


def test_a_model_that_divides_by_itself(converted: Path) -> None:
    with np.load(converted / "color_samples.npz") as samples:
        np.savez(converted / "bytes.npz", patch=np.round(samples["patch"] * 255))
    said = succeeds(converted, "interpret.py --model color.tflite --samples bytes.npz")
    with np.load(converted / "bytes.npz") as samples:
        model = keras.models.load_model(converted / "color.keras")
        expected = model.predict(samples["patch"][:1], verbose=0)[0]
    assert np.abs(np.array(answer(said)) - expected).max() < 1e-5


def test_what_is_no_picture_of_the_model(converted: Path) -> None:
    program = "interpret.py --model color.tflite"
    np.save(converted / "gray.npy", np.zeros((12, 8), np.uint8))
    np.save(converted / "float.npy", np.zeros((12, 8, 3)))
    np.save(converted / "objects.npy", np.array([{}]), allow_pickle=True)
    (converted / "empty.npy").touch()
    fails_with(converted, f"{program} --picture gray.npy", "uint8 (12, 8, 1)", "uint8 (12, 8, 3)")
    fails_with(converted, f"{program} --picture float.npy", "float64 (12, 8, 3)")
    for name in ("objects.npy", "empty.npy", "color.tflite"):
        fails_with(converted, f"{program} --picture {name}", f"{name} cannot be read as an .npy")
    fails_with(converted, f"{program} --picture nowhere.npy", "nowhere.npy is not here")
    fails_with(converted, f"{program} --sample 30", "--sample goes from 0 to 29")
    fails_with(converted, f"{program} --samples lstm_samples.npz", "(12, 8, 3)", "(7, 3)")
    (converted / "three.txt").write_text("one\ntwo\nthree\n")
    fails_with(converted, f"{program} --labels three.txt", "3 lines", "5 numbers")


def test_a_model_that_takes_no_picture(folder: Path) -> None:
    succeeds(folder, "convert.py two.keras")
    fails_with(folder, "interpret.py --model two.tflite", "takes more than a picture")


@pytest.fixture(scope="module")
def tiny() -> bytes:
    """Return a small model: (1, 14, 14, 1) to (1, 10)."""
    parts = [keras.Input((14, 14, 1), batch_size=1), layers.Flatten(), layers.Dense(10)]
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Sequential(parts))
    content: bytes = converter.convert()
    return content


@pytest.fixture(scope="module")
def readers(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[bytes], Iterator[Callable[[], object]]]:
    path = tmp_path_factory.mktemp("read") / "model.tflite"

    def of(content: bytes) -> Iterator[Callable[[], object]]:
        path.write_bytes(content)
        yield lambda: interpret.Interpreter(interpret.load_model_file(str(path)))
        yield lambda: inspect_tflite.read(str(path))

    return of


@given(part=st.floats(0, 1))
@settings(deadline=None)
def test_a_model_cut_anywhere_is_an_error_or_still_whole(
    tiny: bytes, readers: Callable[[bytes], Iterator[Callable[[], object]]], part: float
) -> None:
    for reader in readers(tiny[: int(part * len(tiny))]):
        said = ""
        try:
            reader()
        except artifacts.ProgramError as error:
            said = str(error)
        assert "\n" not in said
        assert said or part > 0.99, "nothing but padding may be missing"


def test_what_is_no_model(folder: Path, tiny: bytes) -> None:
    (folder / "cut.tflite").write_bytes(tiny[: len(tiny) // 2])
    (folder / "empty.tflite").touch()
    (folder / "other.tflite").write_bytes(bytes(100))
    (folder / "folder").mkdir(exist_ok=True)
    fails_with(folder, "interpret.py --model cut.tflite", "the model is damaged")
    fails_with(folder, "inspect_tflite.py cut.tflite", "cut.tflite is damaged")
    fails_with(folder, "interpret.py --model empty.tflite", "empty.tflite is empty")
    fails_with(folder, "inspect_tflite.py empty.tflite", "not a TensorFlow Lite model")
    fails_with(folder, "interpret.py --model other.tflite", "not a TensorFlow Lite model")
    fails_with(folder, "inspect_tflite.py other.tflite", "not a TensorFlow Lite model")
    fails_with(folder, "interpret.py --model folder", "folder is no .tflite file")
    fails_with(folder, "inspect_tflite.py folder", "folder is no .tflite file")


def test_a_buffer_of_another_size_is_told_as_android_tells_it(tiny: bytes, tmp_path: Path) -> None:
    (tmp_path / "tiny.tflite").write_bytes(tiny)
    interpreter = interpret.Interpreter(interpret.load_model_file(str(tmp_path / "tiny.tflite")))
    tensor = interpreter.get_input_tensor()
    assert (tensor.shape, tensor.dtype, tensor.num_bytes()) == ([1, 14, 14, 1], "float32", 784)
    result = [[0.0] * 10]
    interpreter.run(interpret.DirectBuffer(784), result)
    words = r"Cannot copy to a TensorFlowLite tensor .* with 784 bytes from a Java Buffer with 3136"
    with pytest.raises(artifacts.ProgramError, match=words):
        interpreter.run(interpret.DirectBuffer(3136), result)
    with pytest.raises(ValueError, match="zip"):
        interpreter.run(interpret.DirectBuffer(784), result * 2)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_java_floats_keep_their_value(value: float) -> None:
    text = interpret.java_float(value)
    assert np.float32(text) == np.float32(value)
    assert "." in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1.0"), (0, "0.0"), (0.5, "0.5"), (1e-3, "0.001"), (1e-4, "1.0E-4"), (1e7, "1.0E7")],
)
def test_java_floats_are_written_as_java_writes_them(value: float, text: str) -> None:
    assert interpret.java_float(value) == text


@given(st.integers(0, 255))
def test_a_gray_pixel_has_its_own_gray_value(gray: int) -> None:
    (pixel,) = interpret.get_pixels(np.full((1, 1, 1), gray, np.uint8))
    assert pixel < 0, "opaque, as a signed integer"
    assert interpret.channel_values(pixel, 1) == [pytest.approx(gray)]


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_the_channels_of_a_pixel(color: tuple[int, int, int]) -> None:
    (pixel,) = interpret.get_pixels(np.array([[color]], np.uint8))
    assert interpret.channel_values(pixel, 3) == [*color]
    (gray,) = interpret.channel_values(pixel, 1)
    assert min(color) - 1e-9 <= gray <= max(color) + 1e-9


def test_a_black_pixel_is_the_number_that_the_chapter_gives() -> None:
    assert interpret.get_pixels(np.zeros((1, 1, 1), np.uint8)) == [-16777216]


def test_the_buffer_is_in_native_order() -> None:
    buffer = interpret.DirectBuffer(8)
    buffer.put_float(1.5)
    assert np.frombuffer(buffer.bytes, np.float32)[0] == 1.5
    buffer.rewind()
    buffer.put_float(2.5)
    assert np.frombuffer(buffer.bytes, np.float32)[:2].tolist() == [2.5, 0]
    buffer.rewind()
    for number in (-128, -1, 0, 127):
        buffer.put(number)
    assert np.frombuffer(buffer.bytes, np.int8)[:4].tolist() == [-128, -1, 0, 127]


def test_the_weights_of_gray_are_those_of_the_app() -> None:
    """BT.601, as Picture.java has them."""
    grays = [interpret.channel_values(0xFF << shift, 1)[0] for shift in (16, 8, 0)]
    assert grays == pytest.approx([0.299 * 255, 0.587 * 255, 0.114 * 255])


def test_a_picture_fills_the_buffer_from_0_to_1_or_in_steps() -> None:
    def filled(dtype: str, scale: float, zero: int) -> np.ndarray:
        tensor = interpret.Tensor("image", [1, 1, 2, 1], dtype, scale, zero)
        buffer = interpret.DirectBuffer(tensor.num_bytes())
        interpret.fill_input(buffer, interpret.get_pixels(np.array([[[0], [255]]], "u1")), tensor)
        return np.frombuffer(buffer.bytes, dtype)

    assert filled("float32", 0, 0) == pytest.approx([0, 1])
    assert filled("int8", 1 / 255, -128).tolist() == [-128, 127]
    assert filled("uint8", 1 / 255, 0).tolist() == [0, 255]


def test_java_stores_the_nearest_step_and_stops_at_the_ends() -> None:
    tensor = interpret.Tensor("image", [1], "int8", 0.5, 3)
    stored = [interpret.quantize(value, tensor) for value in (0.4, 0.2, -0.4, 1e9, -1e9)]
    assert stored == [4, 3, 2, 127, -128]
