"""Convert a Keras model for LiteRT.js: .tflite files with a fixed batch of one.

LiteRT.js cannot run a model whose batch is left open, which is what Keras and a plain SavedModel
give. Reads MODEL.keras; writes MODEL_web.tflite (float32), MODEL_web_int8.tflite (weights in
int8) and, with their bytes, MODEL_web.json.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

try:
    from artifacts import ProgramError, add_name, check_writable, load_keras, run, whole
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name}.py is not beside this program; both are in programs.zip")

if TYPE_CHECKING:  # each function imports what it needs, so that --help needs nothing
    import keras


def one_sample(model: keras.Model) -> Any:
    """Return the model's inputs, in their structure, for a batch of one.

    Raises:
        ProgramError: if another dimension is open too.
    """
    import keras

    def fixed(tensor: Any) -> keras.InputSpec:
        if None in tensor.shape[1:]:
            raise ProgramError(
                f"input {tensor.name} has the shape {tensor.shape}; LiteRT.js needs fixed sizes: "
                "build the model with them, only the first one may be None"
            )
        return keras.InputSpec(shape=(1, *tensor.shape[1:]), dtype=tensor.dtype, name=tensor.name)

    single = len(model.inputs) == 1
    return keras.tree.map_structure(fixed, model.inputs[0] if single else model.input)


def convert(model: keras.Model, inputs: Any, target: str, **options: Any) -> int:
    """Write the .tflite and return its bytes.

    Raises:
        ProgramError: if the model has an operation that the converter does not know.
    """
    with whole(target) as path:
        try:
            model.export(path, format="litert", input_signature=[inputs], verbose=False, **options)
        except (RuntimeError, ValueError) as error:
            reason = str(error).strip().split("\n")[0]
            raise ProgramError(f"the model cannot be converted: {reason}") from error
    return Path(target).stat().st_size


def main() -> None:
    """Convert twice and print what came out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", nargs="?", default="mnist_cnn.keras", help="default: %(default)s")
    add_name(parser)
    options = parser.parse_args()
    stem = options.name or Path(options.model).stem
    check_writable()
    model = load_keras(options.model)
    inputs = one_sample(model)
    import tensorflow as tf

    # The weights only: inputs and outputs stay float32, LiteRT.js takes no int8 there.
    int8 = {"optimizations": [tf.lite.Optimize.DEFAULT]}
    figures = {}
    for name, settings in (("web", {}), ("web_int8", int8)):
        file = f"{stem}_{name}.tflite"
        figures[name] = {"bytes": convert(model, inputs, file, **settings)}
        print(f"{file:25}  {figures[name]['bytes']:>9,} bytes")
    with whole(f"{stem}_web.json") as path:
        path.write_text(json.dumps(figures))


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    run(main)
