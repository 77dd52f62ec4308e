"""The mutants of `make mutants` apply, and a quick sample of them is caught."""

from __future__ import annotations

from collections import Counter

from tests.mutants import QUICK, ROOT, listed, results

KINDS = {
    *("program", "java", "c", "javascript", "configuration", "prose", "changes", "translation"),
    *("output", "noise", "link", "readme"),
}


def test_every_mutant_applies() -> None:
    mutants = listed()
    for mutant in mutants:
        assert mutant.changes(ROOT)
        assert mutant.old != mutant.new, mutant.name
    assert len({mutant.name for mutant in mutants}) == len(mutants) >= 60
    assert Counter(mutant.kind for mutant in mutants).keys() == KINDS


def test_a_sample_is_caught() -> None:
    """One of each kind that needs no build."""
    sample = {mutant.kind: mutant for mutant in listed("quick")}
    assert len(sample) >= 5
    for mutant, by, _ in results(list(sample.values())):
        assert by.startswith(QUICK), f"{mutant.name} survived: {by}"
