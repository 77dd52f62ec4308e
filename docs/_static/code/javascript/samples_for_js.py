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
from pathlib import Path
from typing import TYPE_CHECKING, Any

try:
    import samples
    from artifacts import ProgramError, at_least, check_writable, load_keras, run, whole
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name}.py is not beside this program; both are in programs.zip")

if TYPE_CHECKING:  # each function imports what it needs, so that --help needs nothing
    import numpy as np


def by_name(outputs: Any) -> dict[str, np.ndarray]:
    """Return what a model predicts by the names that `model.export` gives its outputs."""
    if isinstance(outputs, dict):
        return outputs
    listed = outputs if isinstance(outputs, list) else [outputs]
    return {f"output_{i}": output for i, output in enumerate(listed)}


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
    parser.add_argument("--count", type=at_least(1), default=1000, help="default: %(default)s")
    options = parser.parse_args()
    check_writable()
    model = load_keras(options.model)
    shapes = {tensor.name: tensor.shape[1:] for tensor in model.inputs}
    inputs, labels = samples.for_model(options.samples, shapes)
    inputs = {name: numbers(name, array[: options.count]) for name, array in inputs.items()}
    fed = inputs if len(inputs) > 1 else next(iter(inputs.values()))
    outputs = by_name(model.predict(fed, verbose=0))
    outputs = {name: numbers(name, array) for name, array in outputs.items()}
    count = len(next(iter(inputs.values())))
    about = {
        "count": count,
        "inputs": described(inputs),
        "outputs": described(outputs),
        "labels": None if labels is None else labels[:count].tolist(),
    }
    stem = Path(options.model).stem
    with whole(f"{stem}_js.bin") as path:
        path.write_bytes(b"".join(a.tobytes() for a in (*inputs.values(), *outputs.values())))
    with whole(f"{stem}_js.json") as path:
        path.write_text(json.dumps(about))
    shown = [f"{name} {array.shape[1:]}" for name, array in (*inputs.items(), *outputs.items())]
    print(f"{stem}_js: {count:,} samples of {', '.join(shown)}")


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    run(main)
