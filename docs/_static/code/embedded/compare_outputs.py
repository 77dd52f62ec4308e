"""Compare what the C program computed with what Python says of the same samples.

Reads MODEL.tflite, MODEL_samples.bin and one or more files that classify wrote; prints, for each,
how many labels are the same and how far the outputs are apart. Ends with exit code 1 if a label
differs, or a float32 output by more than 1e-6. Writes MODEL_agreement.json.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts import ProgramError, check_writable, existing, run, whole
from convert import dequantize
from samples_for_c import open_model

if TYPE_CHECKING:  # each function imports what it needs, so that --help needs nothing
    import numpy as np

LIMIT = 1e-6  # of float32: processors round sums in another order


def python_outputs(interpreter: Any, path: str) -> np.ndarray:
    """Return the real-valued outputs of the samples in a file, float32 (n, ...)."""
    import numpy as np

    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    model_samples = np.fromfile(path, source["dtype"]).reshape(-1, *source["shape"])
    answers = []
    for sample in model_samples:
        interpreter.set_tensor(source["index"], sample)
        interpreter.invoke()
        answers.append(dequantize(interpreter.get_tensor(target["index"])[0], target))
    return np.array(answers, "float32")


def compare(outputs: Path, reference: np.ndarray) -> dict[str, float]:
    """Return the share of the same labels and the largest difference.

    Raises:
        ProgramError: if there are more or fewer numbers than Python's.
    """
    import numpy as np

    existing(outputs, f"./classify … {outputs}")
    found = np.fromfile(outputs, "float32")
    if found.size != reference.size:
        raise ProgramError(f"{outputs} has {found.size:,} numbers, Python {reference.size:,}")
    found = found.reshape(reference.shape)
    return {
        "same_label": float(np.mean(found.argmax(-1) == reference.argmax(-1))),
        "largest_difference": float(np.abs(found - reference).max()),
    }


def main() -> None:
    """Compare, print a table, write the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="the .tflite file")
    parser.add_argument("outputs", nargs="+", type=Path, help="what classify wrote")
    options = parser.parse_args()
    check_writable()
    interpreter = open_model(options.model)
    stem = Path(options.model).stem
    given = existing(f"{stem}_samples.bin", f"python samples_for_c.py {options.model}")
    reference = python_outputs(interpreter, str(given))
    exact = interpreter.get_input_details()[0]["dtype"].__name__ == "float32"

    print(f"{f'{len(reference):,} samples':24}{'same label':>12}{'largest difference':>20}")
    figures = {path.name: compare(path, reference) for path in options.outputs}
    for name, row in figures.items():
        print(f"{name:24}{row['same_label']:12.2%}{row['largest_difference']:20.1g}")
    with whole(f"{stem}_agreement.json") as path:
        path.write_text(json.dumps(figures))
    for name, row in figures.items():
        if row["same_label"] < 1 or (exact and row["largest_difference"] > LIMIT):
            raise ProgramError(f"{name} differs from what Python says")


if __name__ == "__main__":
    run(main)
