"""The rule by which a documented output stands for what a program prints.

- A number with decimals or an exponent stands for all that round to it, half a unit of its last
  digit to either side, and for nothing else: 0.99 for 0.985 to 0.995, 1e-06 for 5e-07 to 1.5e-06.
- Anything else stands for itself: whole numbers, versions and addresses of three parts or more,
  names, commands. (A version of two parts cannot be told from a number with decimals.)
- `…` stands for any text within a line, and alone on a line for any number of lines, but never
  for a whole output. Digits that touch it are text: `99.…%`.
- Two spaces or more stand for two or more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from difflib import SequenceMatcher
from itertools import pairwise

NUMBER = re.compile(
    r"(?<![\w.…])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?(?:[eE][-+]?\d{1,3}(?!\w))?"
    r"(?!\.?\d|[eE][-+]?[\d…]|[\d.,]*…)"  # or it is a piece of a version, or touches an ellipsis
)
_WHOLE = re.compile(r"[-+]?[\d,]+\.?")


class Number(str):
    """A number in a documented line, as it is written there."""

    def stands_for(self, found: str) -> bool:
        """Return whether `found` is this number or, if this is no whole one, rounds to it.

        So does a value just half a unit away: programs round the binary fraction behind the
        digits, and print 0.985 as 0.98 or as 0.99.
        """
        if found == self or _WHOLE.fullmatch(self):
            return found == self
        promised, actual = (Decimal(text.replace(",", "")) for text in (self, found))
        half_a_unit = Decimal((0, (5,), int(promised.as_tuple().exponent) - 1))
        return abs(actual - promised) <= half_a_unit

    def rounded(self, found: str) -> str:
        """Return the number `found` with as many decimals as this one."""
        if _WHOLE.fullmatch(self):
            return found
        digits, exponent, _ = self.lower().partition("e")
        places = len(digits.partition(".")[2])
        comma = "," if "," in found else ""
        return format(Decimal(found.replace(",", "")), f"{comma}.{places}{exponent or 'f'}")


def line_holds(promised: str, actual: str) -> bool:
    """Return whether the line `actual` is what the line `promised` stands for."""
    return _found(promised, actual, Number.stands_for) is not None


def holds(promised: list[str], actual: list[str]) -> bool:
    """Return whether the lines `actual` are what the lines `promised` stand for."""

    def end_of(line: str, start: int) -> int | None:
        fits = start < len(actual) and line_holds(line, actual[start])
        return start + 1 if fits else None

    return _ends(promised, len(actual), end_of) is not None


def flaw(promised: list[str]) -> str:
    """Return what makes these lines no promise, whatever is printed; or nothing."""
    if not promised or not re.match(r"\$ .*\w", promised[0]):
        return "does not begin with its command"
    if ("…", "…") in pairwise(promised) or any("……" in line for line in promised):
        return "has an ellipsis behind an ellipsis"
    if any("…" in line for line in promised[1:]) and not any(map(_says, promised[1:])):
        return "promises nothing: an ellipsis cannot stand for a whole output"
    return ""


def accepted(promised: list[str], actual: list[str]) -> list[str]:
    """Return the lines to document: `actual`, with the ellipses and the precision of `promised`.

    Where an ellipsis has lost the lines around it, all is written out.
    """
    if holds(promised, actual) and not flaw(promised):
        return promised
    lines = _merged(promised, actual, line_holds, _of_the_same_shape)
    return lines if holds(lines, actual) and not flaw(lines) else actual


def _merged(
    old: list[str],
    new: list[str],
    same: Callable[[str, str], bool],
    otherwise: Callable[[list[str], list[str]], list[str]],
) -> list[str]:
    """Return `new`, each line like the line of `old` that is the same; `otherwise` for the rest."""

    def key(line: str) -> str:
        return next((known for known in old if known != "…" and same(known, line)), line)

    keys = [key(line) for line in old], [key(line) for line in new]
    lines: list[str] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, *keys, False).get_opcodes():
        merge = _all_like if tag == "equal" else otherwise
        lines += merge(old[i1:i2], new[j1:j2])
    return lines


def _of_the_same_shape(old: list[str], new: list[str]) -> list[str]:
    """Return `new`, each line like the line of `old` that differs in its numbers only."""

    def same(known: str, line: str) -> bool:
        return _found(known, line, _any) is not None

    return _merged(old, new, same, _keeping_ellipsis)


def _all_like(old: list[str], new: list[str]) -> list[str]:
    return [_like(*pair) for pair in zip(old, new, strict=True)]


def _found(line: str, actual: str, fits: Callable[[Number, str], bool]) -> list[str] | None:
    """Return what `actual` has for each part of a documented line, if it has each."""
    text = _one_gap(actual)

    def end_of(part: str, start: int) -> int | None:
        if isinstance(part, Number):
            number = NUMBER.match(text, start)
            return number.end() if number and fits(part, number[0]) else None
        return start + len(_one_gap(part)) if text.startswith(_one_gap(part), start) else None

    ends = _ends(_parts(line), len(text), end_of)
    return None if ends is None else [text[i:j] for i, j in pairwise([0, *ends])]


def _parts(line: str) -> list[str]:
    """Return the texts, numbers and ellipses of a documented line. A command has no numbers."""
    if line.startswith("$ "):
        return re.split("(…)", line)
    pieces = re.split(f"(…|{NUMBER.pattern})", line)
    return [Number(p) if i % 2 and p != "…" else p for i, p in enumerate(pieces)]


def _one_gap(text: str) -> str:
    return re.sub("  +", "  ", text)


def _any(promised: Number, found: str) -> bool:
    return True


def _ends(
    parts: Sequence[str], length: int, end_of: Callable[[str, int], int | None]
) -> list[int] | None:
    """Return where each part ends if, one behind the other, they lead from 0 to `length`.

    `end_of` says where a part that begins at a place ends, if it can begin there. An ellipsis
    ends anywhere.
    """
    ways: dict[int, list[int]] = {0: []}
    for part in parts:
        if part == "…":
            first = min(ways, default=length + 1)
            ways = {end: [*ways[first], end] for end in range(first, length + 1)}
        else:
            ends = {start: end_of(part, start) for start in ways}
            ways = {end: [*ways[start], end] for start, end in ends.items() if end is not None}
    return ways.get(length)


def _says(line: str) -> bool:
    """Return whether a line has a word; beside an ellipsis, two of more than one letter."""
    words = re.findall(r"\w+", line)
    return sum(len(word) > 1 for word in words) > 1 if "…" in line else bool(words)


def _like(old: str, new: str) -> str:
    """Return the line `new` with the ellipses and the precision of `old`, a line of its shape."""
    found = _found(old, new, _any)
    if found is None or line_holds(old, new):
        return new if found is None else old
    pairs = zip(_parts(old), found, strict=True)
    return "".join(part.rounded(text) if isinstance(part, Number) else part for part, text in pairs)


def _keeping_ellipsis(old: list[str], new: list[str]) -> list[str]:
    """Return the lines `new`, but `…` for those where `old` has it, the only one."""
    if old.count("…") != 1 or len(new) < len(old) - 1:
        return new
    before, after = old.index("…"), len(old) - 1 - old.index("…")
    return [*new[:before], "…", *new[len(new) - after :]]
