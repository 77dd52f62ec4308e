"""Put the answers of other machines into one table with those of check_deployment.py.

Reads what `check_deployment.py MODEL --samples FILE --json CHECK --answers ANSWERS` has written,
and OTHERS, JSON objects with an entry for each further runtime: `file`, its answers to the first of
the same samples, float32 (n, classes) without a header; `kind`, float32, float16, dynamic, uint8 or
int8; `bytes`, what is shipped; `milliseconds`, the time of one sample, or null.
Prints the table and writes it to MATRIX, with the samples that the runtimes disagree about. Ends
with exit code 1 if one of them is farther from the model than its kind explains.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import samples
from artifacts import ProgramError, check_writable, existing, reading, run, whole

if TYPE_CHECKING:  # each function imports what it needs, so that --help needs nothing
    import numpy as np

MODEL = "model"  # what check_deployment.py calls the model itself
# For each kind, how far an answer may be off, and how many classes have to be the model's.
LIMITS = {
    "float32": (1e-4, 1.0),
    "float16": (0.02, 0.999),
    "dynamic": (0.1, 0.99),
    "uint8": (0.2, 0.99),
    "int8": (0.2, 0.99),
}


def kind_of(target: str) -> str:
    """Return the kind of numbers that a target of check_deployment.py computes with."""
    ending = target.rpartition("_")[2]
    return "int8" if target == "micro" else ending if ending in LIMITS else "float32"


def checked(check: str, answers: str) -> tuple[dict[str, Any], dict[str, np.ndarray], float]:
    """Return rows and answers (n, classes) of the targets that answered, and the model's time."""
    import numpy as np

    existing(check, "python check_deployment.py … --json")
    existing(answers, "python check_deployment.py … --answers")
    with reading(check, "what --json writes"):
        found = json.loads(Path(check).read_text(encoding="utf-8"))
    with reading(answers, "what --answers writes"), np.load(answers) as file:
        arrays = {name: file[name] for name in file.files}
    own = {n.partition("/")[2]: a for n, a in arrays.items() if n.startswith(f"{MODEL}/")}
    output = samples.class_output(own)
    if not output:
        raise ProgramError(f"{answers} has no output with a number for each class")
    classes = {n.partition("/")[0]: a for n, a in arrays.items() if n.endswith(f"/{output}")}
    rows = {n: row | {"kind": kind_of(n)} for n, row in found["targets"].items() if n in classes}
    return rows, classes, found["milliseconds"]


def others(path: str, classes: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the rows of the other runtimes, and their answers (n, classes)."""
    import numpy as np

    existing(path, "a JSON object of your own")
    with reading(path, "a JSON object"):
        rows = dict(json.loads(Path(path).read_text(encoding="utf-8")))
    arrays = {}
    for name, row in rows.items():
        existing(row["file"], f"what runs {name}")
        numbers = np.fromfile(row["file"], "float32")
        if numbers.size == 0 or numbers.size % classes:
            raise ProgramError(f"{row['file']} has {numbers.size} numbers, {classes} a sample")
        arrays[name] = numbers.reshape(-1, classes)
    return rows, arrays


def compared(found: np.ndarray, model: np.ndarray, labels: np.ndarray | None) -> dict[str, Any]:
    """Return how far answers (n, classes) are from the model's, and how many are right."""
    import numpy as np

    same = found.argmax(1) == model.argmax(1)
    right = None if labels is None else float(np.mean(found.argmax(1) == labels))
    return {
        "samples": len(found),
        "accuracy": right,
        "same": float(np.mean(same)),
        "largest_difference": float(np.abs(found.astype("float64") - model).max()),
    }


def disagreements(
    arrays: dict[str, np.ndarray], labels: np.ndarray | None, count: int
) -> list[dict[str, Any]]:
    """Return the samples whose class is not the same everywhere, with who says what."""
    told = {name: array[:count].argmax(1) for name, array in arrays.items()}
    found = []
    for index in range(count):
        said: dict[str, list[str]] = {}
        for name, classes in told.items():
            said.setdefault(str(classes[index]), []).append(name)
        if len(said) > 1:
            label = None if labels is None else int(labels[index])
            found.append({"index": index, "label": label, "said": said})
    return found


def lines(rows: dict[str, dict[str, Any]], count: int) -> list[str]:
    """Return the table as text."""
    titles = f"{'bytes':>11} {'right':>8} {'same':>8} {'off by':>7} {'time':>6}"
    shown = [f"{f'{count:,} samples':24} {titles}"]
    for name, row in rows.items():
        right = "" if row["accuracy"] is None else f"{row['accuracy']:.2%}"
        time = "" if row["ratio"] is None else f"{row['ratio']:.2g}"
        size = f"{row['bytes']:,}" if row["bytes"] else ""
        off = f"{row['largest_difference']:.0e}"
        shown.append(
            f"{name:24} {size:>11} {right:>8} {row['same']:>8.2%} {off:>7} {time:>6}".rstrip()
        )
    return shown


def too_far(rows: dict[str, dict[str, Any]]) -> list[str]:
    """Return the runtimes that are farther from the model than their kind explains."""
    return [
        name
        for name, row in rows.items()
        if row["largest_difference"] > LIMITS[row["kind"]][0]
        or row["same"] < LIMITS[row["kind"]][1]
    ]


def main() -> None:
    """Join, print, write, judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("check", metavar="CHECK")
    parser.add_argument("answers", metavar="ANSWERS")
    parser.add_argument("others", metavar="OTHERS", nargs="*")
    parser.add_argument("--matrix", default="matrix.json", help="default: %(default)s")
    samples.add_argument(parser)
    options = parser.parse_args()
    check_writable()
    rows, arrays, milliseconds = checked(options.check, options.answers)
    for path in options.others:
        more, further = others(path, arrays[MODEL].shape[1])
        rows, arrays = {**rows, **more}, {**arrays, **further}
    count = min(map(len, arrays.values()))
    _, labels = samples.read(options.samples)
    labels = None if labels is None else labels[:count]
    model = arrays[MODEL]
    table = {}
    for name, row in rows.items():
        time = row.get("milliseconds")
        table[name] = {
            "kind": row["kind"],
            "bytes": row["bytes"],
            "ratio": time / milliseconds if time else None,
            **compared(arrays[name][:count], model[:count], labels),
        }
    differ = disagreements(arrays, labels, count)
    found = {"samples": count, "rows": table, "disagreements": differ}
    with whole(options.matrix) as file:
        file.write_text(json.dumps(found, indent=1))
    print("\n".join(lines(table, count)))
    print(f"{len(differ)} samples with more than one answer")
    if wrong := too_far(table):
        raise ProgramError(f"too far from the model: {', '.join(wrong)}")


if __name__ == "__main__":
    run(main)
