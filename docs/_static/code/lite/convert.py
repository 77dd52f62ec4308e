"""Convert a trained model to TensorFlow Lite in four precisions and measure each.

Reads mnist_cnn.h5 (or the .keras file or SavedModel named on the command line); writes
mnist_cnn.tflite (float32), mnist_cnn_float16.tflite, mnist_cnn_dynamic.tflite,
mnist_cnn_int8.tflite and, with the figures, convert.json.
"""

from __future__ import annotations

import argparse
import io
import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import keras
import mnist_data
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from artifacts import existing, reading, run, whole


def make_converter(model: str) -> tf.lite.TFLiteConverter:
    """Return a converter for a SavedModel folder or for a .keras or .h5 file."""
    path = existing(model, "python mnist_cnn.py")
    with reading(path, "a model"):
        if path.is_dir():
            return tf.lite.TFLiteConverter.from_saved_model(str(path))
        return tf.lite.TFLiteConverter.from_keras_model(
            keras.models.load_model(path, compile=False)
        )


def float32(converter: tf.lite.TFLiteConverter, images: np.ndarray) -> None:
    """Leave everything in float32."""


def float16(converter: tf.lite.TFLiteConverter, images: np.ndarray) -> None:
    """Store the weights as float16; compute in float32."""
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


def dynamic(converter: tf.lite.TFLiteConverter, images: np.ndarray) -> None:
    """Store the weights as int8; quantise activations while running."""
    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def int8(converter: tf.lite.TFLiteConverter, images: np.ndarray) -> None:
    """Compute in int8 throughout, with int8 in and out; `images` show the ranges that occur."""

    def representative() -> Iterator[list[np.ndarray]]:
        for image in images:
            yield [image[np.newaxis]]

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8


def convert_quietly(converter: tf.lite.TFLiteConverter) -> bytes:
    """Return the .tflite, without the converter's reports on its intermediate steps."""
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Statistics for quantized inputs")
        content: bytes = converter.convert()
    return content


def predict(path: Path, images: np.ndarray, batch: int = 100) -> np.ndarray:
    """Run a .tflite over float images (n, 28, 28, 1) and return probabilities (n, 10)."""
    interpreter = Interpreter(str(path))
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    answers = []
    for start in range(0, len(images), batch):
        part = images[start : start + batch]
        if len(part) != interpreter.get_input_details()[0]["shape"][0]:
            interpreter.resize_tensor_input(source["index"], part.shape)
            interpreter.allocate_tensors()
        interpreter.set_tensor(source["index"], quantise(part, source))
        interpreter.invoke()
        answers.append(dequantise(interpreter.get_tensor(target["index"]), target))
    return np.concatenate(answers)


def quantise(values: np.ndarray, tensor: dict[str, Any]) -> np.ndarray:
    """Bring real values to the type of `tensor`: q = value / scale + zero point, rounded."""
    scale, zero = tensor["quantization"]
    if not scale:
        return values.astype(tensor["dtype"])
    limits = np.iinfo(tensor["dtype"])
    return np.clip(np.round(values / scale + zero), limits.min, limits.max).astype(tensor["dtype"])


def dequantise(values: np.ndarray, tensor: dict[str, Any]) -> np.ndarray:
    """Bring values of `tensor` back to real ones: value = (q - zero point) * scale."""
    scale, zero = tensor["quantization"]
    return (values.astype("float32") - zero) * scale if scale else values


def main() -> None:
    """Convert, measure on the test digits, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("model", nargs="?", default="mnist_cnn.h5", help="default: %(default)s")
    mnist_data.add_argument(parser)
    options = parser.parse_args()
    make_converter(options.model)  # complain before the table begins
    keras_model = existing("mnist_cnn.keras", "python mnist_cnn.py")
    data = mnist_data.load(options.data)
    images = (data.x_test[..., np.newaxis] / 255).astype("float32")
    samples = (data.x_train[:200, ..., np.newaxis] / 255).astype("float32")
    with reading(keras_model, "a model"):
        reference = keras.models.load_model(keras_model, compile=False).predict(images, verbose=0)

    precisions: list[Callable[[tf.lite.TFLiteConverter, np.ndarray], None]] = [
        float32,
        float16,
        dynamic,
        int8,
    ]
    figures: dict[str, dict[str, Any]] = {}
    print(f"{'':8}  {'bytes':>9}  accuracy  same label  largest difference")
    for precision in precisions:
        name = precision.__name__
        path = Path("mnist_cnn.tflite" if name == "float32" else f"mnist_cnn_{name}.tflite")
        converter = make_converter(options.model)
        precision(converter, samples)
        with reading(options.model, "a model to convert"):
            content = convert_quietly(converter)
        with whole(path) as partial:
            partial.write_bytes(content)
        probabilities = predict(path, images)
        labels = probabilities.argmax(axis=1)
        figures[name] = {
            "file": str(path),
            "bytes": path.stat().st_size,
            "accuracy": float(np.mean(labels == data.y_test)),
            "same_label": float(np.mean(labels == reference.argmax(axis=1))),
            "largest_difference": float(np.abs(probabilities - reference).max()),
        }
        print(
            "{name:8}  {bytes:>9,}  {accuracy:8.2%}  {same_label:10.2%}"
            "  {largest_difference:18.1g}".format(name=name, **figures[name]),
            flush=True,
        )
    with whole("convert.json") as path:
        path.write_text(json.dumps(figures))


if __name__ == "__main__":
    run(main)
