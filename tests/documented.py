"""The documented outputs: what a page shows, with the precision that it promises.

`tests/expected/NAME.txt` documents `build/outputs/NAME.txt`; where the embedded digits give
another output than MNIST, `tests/expected/digits/NAME.txt` does for them. In these files

- a number stands for all that round to it: 0.99 for 0.9921, 1e-06 for 1.2e-06;
- `…` stands for any text within a line, and alone on a line for any number of lines.

`python -m tests.documented accept` makes the last build's outputs the documented ones. It keeps
each documented line that still holds, and the precision of the numbers in a line that changed.
"""

from __future__ import annotations

import difflib
import json
import re
import sys
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXPECTED = ROOT / "tests" / "expected"
OUTPUTS = ROOT / "build" / "outputs"
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?")


def line_holds(expected: str, actual: str) -> bool:
    """Return whether `actual` is what a documented line promises."""
    pieces = [NUMBER.sub(_number_pattern, re.sub(r"  +", "  ", p)) for p in expected.split("…")]
    pattern = ".*".join(_escape_outside_groups(piece) for piece in pieces)
    match = re.fullmatch(pattern, re.sub(r"  +", "  ", actual))
    promised = [number for piece in expected.split("…") for number in NUMBER.findall(piece)]
    return match is not None and all(
        rounds_to(found, number) for found, number in zip(match.groups(), promised, strict=True)
    )


_GROUP = "\0number\0"


def _number_pattern(match: re.Match[str]) -> str:
    return _GROUP


def _escape_outside_groups(text: str) -> str:
    return re.escape(text).replace(re.escape(_GROUP), f"({NUMBER.pattern})")


def rounds_to(found: str, promised: str) -> bool:
    """Return whether the number `found` is `promised` to within its last written digit.

    A whole number without an exponent promises itself.
    """
    actual, wanted = (Decimal(text.replace(",", "")) for text in (found, promised))
    exponent = wanted.as_tuple().exponent
    if not isinstance(exponent, int):
        return actual == wanted
    if exponent == 0 and "e" not in promised.lower():
        return actual == wanted
    return abs(actual - wanted) <= Decimal(1).scaleb(exponent)


def holds(expected: list[str], actual: list[str]) -> bool:
    """Return whether the lines `actual` are what the lines `expected` promise."""
    if not expected:
        return not actual
    if expected[0] == "…":
        return any(holds(expected[1:], actual[i:]) for i in range(len(actual) + 1))
    return bool(actual) and line_holds(expected[0], actual[0]) and holds(expected[1:], actual[1:])


def difference(name: str, expected: list[str], actual: list[str]) -> str:
    """Return what the page says against what happened; lines that hold count as equal."""
    shown = list(actual)
    matcher = difflib.SequenceMatcher(None, expected, actual, autojunk=False)
    for _, i1, i2, j1, j2 in matcher.get_opcodes():
        for i, j in zip(range(i1, i2), range(j1, j2), strict=False):
            if line_holds(expected[i], actual[j]):
                shown[j] = expected[i]
    lines = difflib.unified_diff(
        expected, shown, f"{name}: what the page says", f"{name}: what happened", "", "", 2, ""
    )
    return "\n".join(lines)


def dataset() -> str:
    """Return the name of the dataset that made the last build."""
    name: str = json.loads((ROOT / "build" / "workspace" / "mnist_cnn.json").read_text())["dataset"]
    return name


def documented(name: str, data: str) -> Path:
    """Return the file that documents the output `name` on the dataset `data`."""
    own = EXPECTED / "digits" / f"{name}.txt"
    return own if data == "digits" and own.exists() else EXPECTED / f"{name}.txt"


def names() -> set[str]:
    """Return the names of all outputs, documented or made by the last build."""
    return {path.stem for folder in (EXPECTED, OUTPUTS) for path in folder.glob("*.txt")}


def not_run(name: str) -> str:
    """Return why this machine could not run what makes the output `name`, or nothing."""
    path = OUTPUTS / f"{name}.txt"
    text = path.read_text().partition("\n")[2] if path.exists() else ""
    return text.removeprefix("not run: ").strip() if text.startswith("not run: ") else ""


def check(name: str, data: str) -> str:
    """Return what is wrong with the output `name`, or nothing."""
    expected, actual = documented(name, data), OUTPUTS / f"{name}.txt"
    if not actual.exists():
        return f"{name} is documented, but nothing in the build runs it any more"
    if not expected.exists():
        return f"{name} is not documented; read it, then `make accept`"
    promised, happened = (path.read_text().splitlines() for path in (expected, actual))
    return "" if holds(promised, happened) else difference(name, promised, happened)


def accepted(expected: list[str], actual: list[str]) -> list[str]:
    """Return `actual` with the precision of `expected` wherever there is one to keep."""
    lines = list(actual)
    matcher = difflib.SequenceMatcher(
        None, [_shape(line) for line in expected], [_shape(line) for line in actual], False
    )
    for tag, i1, i2, j1, _ in matcher.get_opcodes():
        for offset in range(i2 - i1 if tag == "equal" else 0):
            old, new = expected[i1 + offset], actual[j1 + offset]
            lines[j1 + offset] = old if line_holds(old, new) else _rounded_like(new, old)
    return lines


def _shape(line: str) -> str:
    return NUMBER.sub("0", re.sub(r"  +", "  ", line))


def _rounded_like(new: str, old: str) -> str:
    """Return `new` with its decimals cut to those of the numbers of `old`."""
    olds = iter(NUMBER.findall(old))

    def cut(match: re.Match[str]) -> str:
        places = next(olds).partition(".")[2]
        if not places.isdigit() or not re.fullmatch(r"-?\d+\.\d+", match[0]):
            return match[0]
        return f"{Decimal(match[0]):.{len(places)}f}"

    return NUMBER.sub(cut, new)


def accept() -> None:
    """Rewrite the documented outputs from the last build, and say which changed."""
    data = dataset()
    for name in sorted(names()):
        actual, expected = OUTPUTS / f"{name}.txt", documented(name, data)
        if not actual.exists():
            for path in (EXPECTED / f"{name}.txt", EXPECTED / "digits" / f"{name}.txt"):
                path.unlink(missing_ok=True)
            print(f"dropped  {name}")
        elif not not_run(name) and check(name, data):
            old = expected.read_text().splitlines() if expected.exists() else []
            # The digits get a file of their own only where MNIST's does not hold for them.
            own = data == "digits" and expected.exists()
            target = EXPECTED / "digits" / f"{name}.txt" if own else EXPECTED / f"{name}.txt"
            target.parent.mkdir(parents=True, exist_ok=True)
            text = "\n".join(accepted(old, actual.read_text().splitlines()))
            target.write_text(text + "\n")
            print(f"accepted {target.relative_to(ROOT)}")


if __name__ == "__main__":
    if sys.argv[1:] == ["accept"]:
        accept()
    else:
        sys.exit(__doc__)
