"""Write samples for the C program: the values of the input, one after the other, nothing else.

Reads MODEL.tflite, which says type and shape, and an .npz of samples; writes MODEL_samples.bin. For
an int8 model the values are quantized as the model asks.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import samples
from artifacts import ProgramError, at_least, check_writable, existing, reading, run, whole
from convert import quantize

if TYPE_CHECKING:  # each function imports what it needs, so that --help needs nothing
    import numpy as np


def open_model(path: str) -> Any:
    """Return an interpreter of a model with one input and a batch of one, float32 or int8.

    Raises:
        ProgramError: if the model is another one.
    """
    existing(path, "python convert.py board.keras --batch 1")
    from ai_edge_litert.interpreter import Interpreter

    with reading(path, "a model"):
        interpreter = Interpreter(path)
        interpreter.allocate_tensors()
    inputs = interpreter.get_input_details()
    if len(inputs) != 1 or len(interpreter.get_output_details()) != 1:
        raise ProgramError(f"{path} has more than one input or output")
    if list(inputs[0]["shape_signature"])[:1] != [1]:
        raise ProgramError(f"the batch of {path} is open; convert the model with --batch 1")
    if inputs[0]["dtype"].__name__ not in ("float32", "int8"):
        raise ProgramError(f"{path} takes {inputs[0]['dtype'].__name__}, not float32 or int8")
    return interpreter


def values(interpreter: Any, path: str, count: int | None = None) -> np.ndarray:
    """Return samples in the type of the model's input: (n, ...)."""
    tensor = interpreter.get_input_details()[0]
    arrays, _ = samples.for_model(path, {tensor["name"]: [int(n) for n in tensor["shape"][1:]]})
    return quantize(arrays[tensor["name"]][:count], tensor)


def main() -> None:
    """Write the file and print what is in it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", nargs="?", default="board.tflite", help="default: %(default)s")
    samples.add_argument(parser)
    parser.add_argument("--count", type=at_least(1), metavar="N", help="the first N; default: all")
    options = parser.parse_args()
    check_writable()
    array = values(open_model(options.model), options.samples, options.count)
    target = f"{Path(options.model).stem}_samples.bin"
    with whole(target) as path:
        path.write_bytes(array.tobytes())
    shape = "×".join(map(str, array.shape[1:]))
    print(f"{target}: {len(array):,} samples, {shape} {array.dtype}, {array.nbytes:,} bytes")


if __name__ == "__main__":
    run(main)
