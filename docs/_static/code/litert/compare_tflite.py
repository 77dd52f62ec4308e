"""Compare .tflite files with the model they come from, and both ways to run them.

Reads a Keras file or a SavedModel, samples of what it takes, and .tflite files made of it. Prints
the table of convert.py for them; then how far LiteRT's CompiledModel is from its Interpreter on
the first samples, and its time beside that of the Interpreter, measured in turns. Writes
NAME_compare.json with the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import convert
import samples
from artifacts import (
    ProgramError,
    add_name,
    at_least,
    check_writable,
    existing_tflite,
    name_of,
    reading,
    run,
    whole,
)
from load_models import keras_model, saved_model

if TYPE_CHECKING:  # each function imports what it needs, so that --help needs nothing
    import numpy as np

    Arrays = dict[str, np.ndarray]  # inputs or outputs by name, each (n, ...)

COLUMNS = {**convert.COLUMNS, "largest_difference": "12.1g"}  # names of files take more room
HEADS = {"same_label": "same label", "largest_difference": "difference"}
OPEN = "the batch is open"


def hush() -> None:
    """Keep the library's reports on itself, lines of INFO, off the standard error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


@contextmanager
def quiet() -> Iterator[None]:
    """Do so for a while."""
    kept = os.dup(2)
    try:
        hush()
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def compiled(content: bytes, runner: Any) -> Callable[[Arrays], Arrays]:
    """Return a function from the model's input arrays to its output arrays, with CompiledModel.

    Args:
        content: a .tflite in which all sizes are fixed.
        runner: the Interpreter's signature runner of the same, which knows shapes and types.
    """
    from ai_edge_litert.compiled_model import CompiledModel

    model = CompiledModel.from_buffer(content)
    key = next(iter(model.get_signature_list()))
    details = runner.get_output_details()
    inputs = {n: model.create_input_buffer_by_name(key, n) for n in runner.get_input_details()}
    outputs = {n: model.create_output_buffer_by_name(key, n) for n in details}

    def predict(values: Arrays) -> Arrays:
        for name, array in values.items():
            inputs[name].write(array)
        model.run_by_name(key, inputs, outputs)
        return {
            name: outputs[name]
            .read(int(tensor["shape"].prod()), tensor["dtype"])
            .reshape(tensor["shape"])
            for name, tensor in details.items()
        }

    return predict


def both_ways(content: bytes, inputs: Arrays, first: int) -> dict[str, float]:
    """Return how far the two are apart, and the ratio of their times; nothing for an open batch."""
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_content=content, num_threads=1).get_signature_runner()
    sources, targets = runner.get_input_details(), runner.get_output_details()
    if any((tensor["shape_signature"] < 0).any() for tensor in sources.values()):
        return {}
    predict = compiled(content, runner)
    batch = max(int(tensor["shape"][0]) for tensor in sources.values())
    largest, ratios = 0.0, []
    for part in convert.batches({n: a[:first] for n, a in inputs.items()}, batch):
        numbers = {name: convert.quantize(part[name], sources[name]) for name in sources}
        times = [time.perf_counter()]
        wanted = runner(**numbers)
        times.append(time.perf_counter())
        found = predict(numbers)
        times.append(time.perf_counter())
        ratios.append((times[2] - times[1]) / (times[1] - times[0]))
        for name, target in targets.items():
            ours, theirs = (convert.dequantize(a[name], target) for a in (found, wanted))
            largest = max(largest, float(abs(ours - theirs).max()))
    if not ratios:
        raise ProgramError(f"fewer samples than a batch of {batch}")
    return {"apart": largest, "times": statistics.median(ratios)}


def named_as(reference: Arrays, outputs: Arrays, path: Path) -> Arrays:
    """Return outputs by the names of the model's; a single one may have any name."""
    if len(outputs) == len(reference) == 1:
        return dict(zip(reference, outputs.values(), strict=True))
    if outputs.keys() != reference.keys():
        raise ProgramError(f"{path} has outputs {', '.join(outputs)}, not {', '.join(reference)}")
    return outputs


def read_tflite(path: Path) -> tuple[bytes, dict[str, samples.Shape]]:
    """Return a .tflite, and the shape of a sample by the name of the input."""
    content = existing_tflite(path).read_bytes()
    with reading(path, "a TensorFlow Lite model"):
        from ai_edge_litert.interpreter import Interpreter

        runner = Interpreter(model_content=content).get_signature_runner()
        tensors = runner.get_input_details().items()
        return content, {name: tensor["shape_signature"][1:].tolist() for name, tensor in tensors}


def figures_of(
    path: Path, file: str, reference: Arrays, labels: np.ndarray | None, first: int
) -> dict[str, Any]:
    """Return the figures of a .tflite on the samples in `file`."""
    content, shapes = read_tflite(path)
    inputs, _ = samples.for_model(file, shapes)
    outputs = named_as(reference, convert.predict(content, inputs), path)
    found = convert.compare(outputs, reference, labels)
    with quiet():
        return {"bytes": len(content), **found, **both_ways(content, inputs, first)}


def report(figures: dict[str, dict[str, Any]]) -> None:
    """Print both tables."""
    width = max(map(len, figures)) + 1
    columns = {key: form for key, form in COLUMNS.items() if key in next(iter(figures.values()))}
    cells = {n: {k: format(row[k], columns[k]) for k in columns} for n, row in figures.items()}
    first = next(iter(cells.values()))
    heads = {key: f"{HEADS.get(key, key):>{len(cell)}}" for key, cell in first.items()}
    for name, row in {"": heads, **cells}.items():
        print(f"{name:{width}}{''.join(row.values())}")
    print(f"\nCompiledModel beside Interpreter\n{'':{width}}  difference  time")
    for name, found in figures.items():
        text = f"{found['apart']:12.1g}{found['times']:5.1f} x" if "times" in found else f"  {OPEN}"
        print(f"{name:{width}}{text}")


def main() -> None:
    """Compare, print, write the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="a .keras or .h5 file, or a SavedModel")
    parser.add_argument("tflite", type=Path, nargs="+", help="made of this model")
    parser.add_argument("--samples", metavar="FILE", help="default: NAME_samples.npz")
    parser.add_argument(
        "--first", type=at_least(1), default=500, help="samples for both ways (default: 500)"
    )
    add_name(parser)
    options = parser.parse_args()
    check_writable()
    path = options.model
    name = name_of(path)
    file = options.samples or f"{name}_samples.npz"
    for tflite in options.tflite:
        existing_tflite(tflite)
    model = saved_model(path) if path.is_dir() else keras_model(path)[1]
    inputs, labels = samples.for_model(file, model.inputs)
    reference = model.predict(inputs)
    figures = {
        tflite.stem: figures_of(tflite, file, reference, labels, options.first)
        for tflite in options.tflite
    }
    report(figures)
    with whole(f"{options.name or name}_compare.json") as target:
        target.write_text(json.dumps(figures))
    hush()  # nothing but reports can follow: on what is taken down as the process ends


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    run(main)
