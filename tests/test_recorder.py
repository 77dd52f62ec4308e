"""Which recipes begin when: room for some, or for one alone, and who goes first."""

from __future__ import annotations

import threading

import pytest

from recordings.engine.recorder import Slots


class Line:
    """Threads that ask for slots; each holds its slot until it is told to go."""

    def __init__(self, slots: Slots) -> None:
        """Begin with nobody."""
        self.slots = slots
        self.begun: list[str] = []
        self.changed = threading.Condition()
        self.leave: dict[str, threading.Event] = {}
        self.threads: list[threading.Thread] = []

    def ask(self, name: str, *, alone: bool = False, awaited_by: int = 0) -> None:
        """Let somebody ask, and return when they wait or have begun."""
        before = len(self.slots._waiting) + len(self.begun)
        self.leave[name] = threading.Event()
        thread = threading.Thread(target=self._hold, args=(name, alone, awaited_by), daemon=True)
        self.threads.append(thread)
        thread.start()
        with self.slots._changed:
            asked = lambda: len(self.slots._waiting) + len(self.begun) > before  # noqa: E731
            assert self.slots._changed.wait_for(asked, timeout=10)

    def _hold(self, name: str, alone: bool, awaited_by: int) -> None:
        with self.slots.taken(alone=alone, awaited_by=awaited_by):
            with self.changed:
                self.begun.append(name)
                self.changed.notify_all()
            with self.slots._changed:
                self.slots._changed.notify_all()
            self.leave[name].wait(10)

    def has_begun(self, *names: str) -> None:
        """Wait until exactly these have begun, in this order."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.begun) >= len(names), timeout=10)
            assert self.begun == list(names)


@pytest.fixture
def line() -> Line:
    return Line(Slots(2))


def test_no_slot_is_kept_empty_for_one_that_is_alone(line: Line) -> None:
    line.ask("a")
    line.has_begun("a")
    line.ask("alone", alone=True)
    line.ask("b")
    line.has_begun("a", "b")
    line.leave["a"].set()
    line.leave["b"].set()
    line.has_begun("a", "b", "alone")
    line.ask("c")
    line.has_begun("a", "b", "alone")
    line.leave["alone"].set()
    line.has_begun("a", "b", "alone", "c")
    line.leave["c"].set()


def test_what_most_of_the_rest_waits_for_begins_first(line: Line) -> None:
    for name in ("a", "b"):
        line.ask(name)
        line.has_begun(*"ab"[: "ab".index(name) + 1])
    line.ask("last", awaited_by=1)
    line.ask("first", awaited_by=5)
    line.leave["a"].set()
    line.has_begun("a", "b", "first")
    line.leave["b"].set()
    line.has_begun("a", "b", "first", "last")
    line.leave["first"].set()
    line.leave["last"].set()
