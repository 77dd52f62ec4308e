"""Convert the model for LiteRT.js: a .tflite with a fixed batch of one picture.

LiteRT.js cannot run a model whose batch is left open, which is what Keras and a plain SavedModel
give. Reads mnist_cnn.keras; writes mnist_cnn_web.tflite (float32), mnist_cnn_web_int8.tflite
(weights in int8) and, with the figures, tflite_web.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from ai_edge_litert.interpreter import Interpreter
from artifacts import ProgramError, existing, run, whole

SHAPE = (1, 28, 28, 1)


def converter(folder: str, int8: bool) -> Any:
    """Return a converter for the SavedModel in `folder`, with int8 weights if asked for."""
    import tensorflow as tf

    made = tf.lite.TFLiteConverter.from_saved_model(folder)
    if int8:  # the weights only: input and output stay float32, LiteRT.js takes no int8 there
        made.optimizations = [tf.lite.Optimize.DEFAULT]
    return made


def input_shape(path: Path) -> tuple[int, ...]:
    """Return the input shape that the .tflite at `path` declares; an open dimension is -1."""
    return tuple(Interpreter(str(path)).get_input_details()[0]["shape_signature"].tolist())


def main() -> None:
    """Convert twice and print what came out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    source = existing("mnist_cnn.keras", "python mnist_cnn.py")
    import keras  # takes seconds: neither for --help nor for a missing file

    try:
        model = keras.models.load_model(source, compile=False)
    except (OSError, ValueError) as error:
        raise ProgramError(f"{source} cannot be read as a model: {error}") from error
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        signature = [keras.InputSpec(shape=SHAPE, dtype="float32")]
        model.export(folder, input_signature=signature, verbose=False)
        for name in ("mnist_cnn_web.tflite", "mnist_cnn_web_int8.tflite"):
            with whole(name) as path:
                path.write_bytes(converter(folder, int8="int8" in name).convert())
                if input_shape(path) != SHAPE:
                    raise ProgramError(f"{name} has the input {input_shape(path)}, not {SHAPE}")
            figures[name] = {"bytes": Path(name).stat().st_size}
    for name, figure in figures.items():
        print(f"{name:25}  {figure['bytes']:>9,} bytes, input {SHAPE}")
    with whole("tflite_web.json") as path:
        path.write_text(json.dumps(figures))


if __name__ == "__main__":
    run(main)
