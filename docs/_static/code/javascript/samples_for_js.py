"""Write samples, and what Keras says of them, for programs in JavaScript.

Reads MODEL.keras and an .npz of samples; writes MODEL_js.json, the names, shapes and types of
inputs and outputs with the labels, and MODEL_js.bin, their numbers: 32 bits each, one input or
output after the other.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING

try:
    import samples
    from artifacts import ProgramError, add_name, at_least, check_writable, name_of, run, whole
    from load_models import keras_model
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name}.py is not beside this program; both are in programs.zip")

if TYPE_CHECKING:  # each function imports what it needs, so that --help needs nothing
    import numpy as np


def numbers(name: str, array: np.ndarray) -> np.ndarray:
    """Return `array` as float32 or int32, the types that TensorFlow.js has.

    Raises:
        ProgramError: if it holds something else.
    """
    if array.dtype.kind not in "fiu":
        raise ProgramError(f"{name} has the type {array.dtype}; TensorFlow.js takes numbers only")
    return array.astype("float32" if array.dtype.kind == "f" else "int32")


def described(arrays: dict[str, np.ndarray]) -> dict[str, dict[str, object]]:
    """Return the shape of one sample and the type of each array."""
    return {
        name: {"shape": array.shape[1:], "dtype": str(array.dtype)}
        for name, array in arrays.items()
    }


def main() -> None:
    """Predict, write both files and print what is in them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", nargs="?", default="mnist_cnn.keras", help="default: %(default)s")
    samples.add_argument(parser)
    add_name(parser)
    parser.add_argument("--count", type=at_least(1), default=1000, help="default: %(default)s")
    options = parser.parse_args()
    check_writable()
    _, model = keras_model(options.model)
    inputs, labels = samples.for_model(options.samples, model.inputs)
    inputs = {name: numbers(name, array[: options.count]) for name, array in inputs.items()}
    outputs = {name: numbers(name, array) for name, array in model.predict(inputs).items()}
    count = len(next(iter(inputs.values())))
    about = {
        "count": count,
        "inputs": described(inputs),
        "outputs": described(outputs),
        "labels": None if labels is None else labels[:count].tolist(),
    }
    stem = options.name or name_of(options.model)
    with whole(f"{stem}_js.bin") as path:
        path.write_bytes(b"".join(a.tobytes() for a in (*inputs.values(), *outputs.values())))
    with whole(f"{stem}_js.json") as path:
        path.write_text(json.dumps(about))
    shown = [f"{name} {array.shape[1:]}" for name, array in (*inputs.items(), *outputs.items())]
    print(f"{stem}_js: {count:,} samples of {', '.join(shown)}")


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    run(main)
