"""Convert a trained model to TensorFlow Lite in four precisions and compare each with it.

Reads a .keras or .h5 file or a SavedModel, NAME, and samples of what it takes; writes
NAME.tflite (float32), NAME_float16.tflite, NAME_dynamic.tflite, NAME_int8.tflite and, with the
figures, NAME_convert.json, all into the current folder, in the place of those of an earlier run.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import inspect_tflite
import samples
from artifacts import (
    ProgramError,
    add_name,
    at_least,
    check_writable,
    existing,
    name_of,
    run,
    whole,
)
from load_models import Model, as_built, keras_model, saved_model

if TYPE_CHECKING:  # each function imports what it needs, so that --help needs nothing
    import numpy as np
    import tensorflow as tf

    Arrays = dict[str, np.ndarray]  # inputs or outputs by name, each (n, ...)

PRECISIONS = ("float32", "float16", "dynamic", "int8")
CALIBRATION = 200  # samples are enough to see the ranges
BATCH = 100
LOW = 0.9  # of the labels the same: below, something is wrong with the ranges
COLUMNS = {
    "bytes": "12,",
    "accuracy": "10.2%",
    "same_label": "12.2%",
    "largest_difference": "20.1g",
}


@dataclass
class Source:
    """A model to convert.

    Attributes:
        model: the shapes of its inputs, and how it predicts.
        converter: returns a new converter for it.
    """

    model: Model
    converter: Callable[[], tf.lite.TFLiteConverter]


def open_keras(path: Path, batch: int | None) -> Source:
    """Open a .keras or .h5 file; `batch` fixes the first dimension of all inputs."""
    network, model = keras_model(path)
    import keras
    import tensorflow as tf

    by_name = not isinstance(network, keras.Sequential) and isinstance(network.input, dict)
    if batch or by_name:  # the converter takes no dict
        inputs = [
            keras.Input(batch_shape=(batch, *i.shape[1:]), dtype=i.dtype, name=i.name)
            for i in network.inputs
        ]
        network = keras.Model(inputs, network(as_built(network, inputs)))
    return Source(model, lambda: tf.lite.TFLiteConverter.from_keras_model(network))


def open_saved_model(path: Path) -> Source:
    """Open a SavedModel, of which the signature `serving_default` is converted."""
    model = saved_model(path)
    import tensorflow as tf

    return Source(model, lambda: tf.lite.TFLiteConverter.from_saved_model(str(path)))


def set_precision(
    converter: tf.lite.TFLiteConverter, precision: str, calibration: Arrays, batch: int
) -> None:
    """Say how numbers are stored; for float32 there is nothing to say."""
    import tensorflow as tf

    if precision == "float32":
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]  # alone: weights as int8, `dynamic`
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if precision == "int8":
        converter.representative_dataset = lambda: batches(calibration, batch)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8


def batches(inputs: Arrays, size: int, *, rest: bool = False) -> Iterator[Arrays]:
    """Yield samples in batches of a size, and with `rest` those that fill none."""
    count = min(map(len, inputs.values()))
    for start in range(0, count if rest else count - size + 1, size):
        yield {name: array[start : start + size] for name, array in inputs.items()}


@contextmanager
def converting(model: Path, precision: str) -> Iterator[None]:
    """Leave out the converter's reports on its steps; report what it cannot convert in one line.

    Raises:
        ProgramError: with what the model uses that TensorFlow Lite does not have.
    """
    try:
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():
            for message in ("Statistics for quantized inputs", r"\s*Warning: tf.lite.Interpreter"):
                warnings.filterwarnings("ignore", message=message)
            yield
    except Exception as error:  # the converter raises classes of its own, and plain ones
        text = str(error)
        lacking = re.search(r"TF Select ops: (.*)", text)
        if "TensorListReserve" in text:
            reason = "a recurrent layer with an open batch; convert the .keras file with --batch 1"
        elif lacking:
            reason = f"TensorFlow Lite has no {lacking[1]}; leave that out of the model"
        else:
            reason = text.strip().split("\n")[0] or type(error).__name__
        raise ProgramError(f"{model} cannot be converted to {precision}: {reason}") from error


def predict(content: bytes, inputs: Arrays) -> Arrays:
    """Run a .tflite over real-valued inputs and return its real-valued outputs."""
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_content=content).get_signature_runner()
    sources, targets = runner.get_input_details(), runner.get_output_details()
    fixed = max(int(source["shape_signature"][0]) for source in sources.values())  # -1: open
    answers: dict[str, list[np.ndarray]] = {name: [] for name in targets}
    for part in batches(inputs, BATCH if fixed < 0 else fixed, rest=fixed < 0):
        outputs = runner(**{name: quantize(part[name], sources[name]) for name in sources})
        for name, values in outputs.items():
            answers[name].append(dequantize(values, targets[name]))
    return {name: np.concatenate(parts) for name, parts in answers.items()}


def quantize(values: np.ndarray, tensor: dict[str, Any]) -> np.ndarray:
    """Bring real values to the type of `tensor`: q = value / scale + zero point, rounded."""
    import numpy as np

    scale, zero = tensor["quantization"]
    if not scale:
        return values.astype(tensor["dtype"])
    limits = np.iinfo(tensor["dtype"])
    return np.clip(np.round(values / scale + zero), limits.min, limits.max).astype(tensor["dtype"])


def dequantize(values: np.ndarray, tensor: dict[str, Any]) -> np.ndarray:
    """Bring values of `tensor` back to real ones: value = (q - zero point) * scale."""
    scale, zero = tensor["quantization"]
    return (values.astype("float32") - zero) * scale if scale else values


def compare(outputs: Arrays, reference: Arrays, labels: np.ndarray | None) -> dict[str, float]:
    """Return how far outputs are from those of the model, and how many labels are right.

    Labels are those of the first output, by name, that has a number for each class.
    """
    import numpy as np

    figures = {}
    if name := samples.class_output(reference):
        found, wanted = outputs[name], reference[name][: len(outputs[name])]
        if labels is not None:
            figures["accuracy"] = float(np.mean(found.argmax(1) == labels[: len(found)]))
        figures["same_label"] = float(np.mean(found.argmax(1) == wanted.argmax(1)))
    figures["largest_difference"] = max(
        float(np.abs(values - reference[name][: len(values)]).max())
        for name, values in outputs.items()
    )
    return figures


def print_row(name: str, figures: dict[str, Any], *, header: bool) -> None:
    """Print the figures of a precision, below their names if this is the first."""
    cells = {key: format(figures[key], COLUMNS[key]) for key in COLUMNS if key in figures}
    if header:
        print(" " * 8 + "".join(f"{key.replace('_', ' '):>{len(cells[key])}}" for key in cells))
    print(f"{name:8}" + "".join(cells.values()), flush=True)


def convert(source: Source, precision: str, calibration: Arrays, batch: int) -> bytes:
    """Return the .tflite of a model in a precision."""
    converter = source.converter()
    set_precision(converter, precision, calibration, batch)
    content: bytes = converter.convert()
    return content


def check_loops(content: bytes) -> None:
    """Raise a ProgramError if there is a loop in a .tflite: calibration crashes on it."""
    names = inspect_tflite.operators(inspect_tflite.parse(content))
    if any(name.startswith("WHILE ") for name in names):
        raise ProgramError(
            "the loop of a recurrent layer crashes TensorFlow's calibration; build the model "
            "with unroll=True and a fixed length, and give it the trained one's weights"
        )


def parse_options() -> argparse.Namespace:
    """Return the options of the command line, the files of samples by their default names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "model", nargs="?", type=Path, default="mnist_cnn.keras", help="default: %(default)s"
    )
    parser.add_argument("--samples", metavar="FILE", help="default: NAME_samples.npz")
    parser.add_argument(
        "--calibration",
        metavar="FILE",
        help="default: NAME_calibration.npz, or the samples where there is none",
    )
    add_name(parser)
    parser.add_argument("--batch", type=at_least(1), help="fix the batch to this size")
    options = parser.parse_args()
    existing(options.model, "python mnist_cnn.py")
    if options.batch and options.model.is_dir():
        raise ProgramError("--batch takes a .keras or .h5 file, not a SavedModel")
    name = name_of(options.model)
    options.name = options.name or name
    options.samples = options.samples or f"{name}_samples.npz"
    if not options.calibration:
        file = f"{name}_calibration.npz"
        options.calibration = file if Path(file).exists() else options.samples
    return options


def open_samples(options: argparse.Namespace, model: Model) -> tuple[Arrays, Any, Arrays]:
    """Return the samples, their labels and the calibration data.

    Raises:
        ProgramError: if there are none, or they do not fit the model.
    """
    if not Path(options.samples).exists():
        raise ProgramError(
            f"{options.samples} is not here; save samples of {options.model} there with "
            "numpy.savez, or name a file with --samples"
        )
    inputs, labels = samples.for_model(options.samples, model.inputs)
    calibration, _ = samples.for_model(options.calibration, model.inputs, "--calibration")
    for file, arrays in ((options.samples, inputs), (options.calibration, calibration)):
        if (count := len(next(iter(arrays.values())))) < (options.batch or 1):
            raise ProgramError(f"{file} has {count} samples, fewer than --batch {options.batch}")
    size = max(CALIBRATION, options.batch or 1)
    return inputs, labels, {name: array[:size] for name, array in calibration.items()}


def main() -> None:
    """Convert, compare with the model on the samples, print a table."""
    options = parse_options()
    check_writable()
    path = options.model
    source = open_saved_model(path) if path.is_dir() else open_keras(path, options.batch)
    inputs, labels, calibration = open_samples(options, source.model)
    reference = source.model.predict(inputs)

    files = {
        precision: Path(f"{options.name}{'' if precision == 'float32' else f'_{precision}'}.tflite")
        for precision in PRECISIONS
    }
    for file in files.values():
        file.unlink(missing_ok=True)  # none of an earlier run stays beside the new ones
    figures: dict[str, dict[str, Any]] = {}
    content = b""
    for precision, target in files.items():
        with converting(path, precision):
            if precision == "int8":
                check_loops(content)
            content = convert(source, precision, calibration, options.batch or 1)
        with whole(target) as file:
            file.write_bytes(content)
        compared = compare(predict(content, inputs), reference, labels)
        figures[precision] = {"bytes": len(content), **compared}
        print_row(precision, figures[precision], header=precision == PRECISIONS[0])
        with whole(f"{options.name}_convert.json") as file:
            file.write_text(json.dumps(figures))
    if figures["int8"].get("same_label", 1) < LOW:
        print(
            "int8 differs much: is the calibration data prepared as for training? All numbers of "
            "an input share one scale, so columns of different ranges must be scaled before it"
        )


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    run(main)
