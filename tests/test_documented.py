"""The outputs of the last build are the documented ones, and the comparison can tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import documented
from tests.documented import accepted, holds, line_holds, rounds_to


@pytest.mark.parametrize("name", sorted(documented.names()))
def test_output_is_the_documented_one(name: str) -> None:
    if reason := documented.not_run(name):
        pytest.skip(reason)
    problem = documented.check(name, documented.dataset())
    if problem:
        pytest.fail(problem, pytrace=False)


def test_there_are_outputs() -> None:
    assert len(documented.names()) > 20


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("accuracy: 0.99", "accuracy: 0.9921"),
        ("accuracy: 0.99", "accuracy: 0.9999"),
        ("off by 1e-06", "off by 1.2e-06"),
        ("index 3 prob is 0.00", "index 3 prob is 4.2E-9"),
        ("int8  1,210,816", "int8    1,210,816"),
        ("reading … from site-packages", "reading a.py:12 from site-packages"),
        ("$ python a.py --epochs 3", "$ python a.py --epochs 3"),
        ("(100, 10)", "(100, 10)"),
        ("[-1, 28]", "[-1, 28]"),
    ],
)
def test_line_holds(expected: str, actual: str) -> None:
    assert line_holds(expected, actual)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("accuracy: 0.99", "accuracy: 0.9750"),
        ("accuracy: 0.992", "accuracy: 0.9890"),
        ("top label: 7", "top label: 1"),
        ("int8  1,210,816", "int8  1,210,817"),
        ("index 3 prob is 0.00", "index 3 prob is 0.5"),
        ("off by 1e-06", "off by 1e-03"),
        ("[-1, 28]", "[1, 28]"),
        ("input image", "input images"),
        ("a.b", "aXb"),
    ],
)
def test_line_does_not_hold(expected: str, actual: str) -> None:
    assert not line_holds(expected, actual)


def test_an_ellipsis_stands_for_lines() -> None:
    assert holds(["a", "…", "d"], ["a", "b", "c", "d"])
    assert holds(["a", "…", "d"], ["a", "d"])
    assert not holds(["a", "…", "d"], ["a", "b"])
    assert not holds(["a"], ["a", "b"])
    assert not holds(["a", "b"], ["a"])


@given(st.floats(-1e6, 1e6), st.integers(1, 6))
def test_a_number_holds_for_what_it_was_rounded_from(value: float, places: int) -> None:
    assert rounds_to(f"{value:.10f}", f"{value:.{places}f}")


@given(st.floats(-1e3, 1e3), st.integers(1, 6))
def test_a_number_does_not_hold_two_digits_off(value: float, places: int) -> None:
    assert not rounds_to(f"{value + 2.5 * 10**-places:.10f}", f"{value:.{places}f}")


@given(st.text(st.characters(exclude_characters="…\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029\0")))
def test_any_line_holds_for_itself(line: str) -> None:
    assert line_holds(line, line)


def test_accepting_keeps_the_promised_precision() -> None:
    old = ["accuracy: 0.99", "top label: 7", "time …"]
    new = ["accuracy: 0.9734", "top label: 1", "time 12 s"]
    assert accepted(old, new) == ["accuracy: 0.97", "top label: 1", "time 12 s"]
    assert accepted(old, ["accuracy: 0.9911", *new[1:]])[0] == "accuracy: 0.99"
