"""The documented outputs: what a page shows, with the precision that it promises.

`tests/expected/NAME.txt` documents `build/outputs/NAME.txt`; where the embedded digits give
another output than MNIST, `tests/expected/digits/NAME.txt` does for them. `promises` has the rule.

`python -m recordings.documented check` prints where the last build differs, and `changes` what
`accept` would change, as Markdown; both end with exit code 1 if there is something. `accept`
makes the last build's outputs the documented ones. It keeps what still holds, and the ellipses
and the precision of a line that changed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import NamedTuple

from recordings.promises import accepted, flaw, holds


class Problem(NamedTuple):
    """What is wrong with an output: in words, and as the change that `accept` would make."""

    words: str
    change: str

    def plain(self) -> str:
        """Return it for a terminal."""
        return f"{self.words}\n{self.change}"

    def markdown(self) -> str:
        """Return it as a section of Markdown."""
        return f"### {self.words}\n\n````diff\n{self.change}\n````\n"


@dataclass(frozen=True)
class Documented:
    """The documented outputs of the project in the folder `root`, and those of its last build."""

    root: Path

    @property
    def expected(self) -> Path:
        """The folder of what is documented."""
        return self.root / "tests" / "expected"

    @property
    def outputs(self) -> Path:
        """The folder of what the last build printed."""
        return self.root / "build" / "outputs"

    @property
    def dataset(self) -> str:
        """The name of the dataset that made the last build."""
        figures = json.loads((self.root / "build" / "workspace" / "mnist_cnn.json").read_text())
        return str(figures["dataset"])

    def names(self) -> list[str]:
        """Return the names of all outputs, documented or made by the last build."""
        files = [*self.files(), *self.outputs.glob("*.txt")]
        return sorted({path.stem for path in files})

    def files(self) -> list[Path]:
        """Return all files that document an output, on any dataset."""
        return sorted(self.expected.rglob("*.txt"))

    def file(self, name: str) -> Path:
        """Return the file that documents the output `name` on the dataset of the last build."""
        own = self.expected / "digits" / f"{name}.txt"
        return own if self.dataset == "digits" and own.exists() else self.expected / f"{name}.txt"

    def promised(self, name: str) -> list[str]:
        """Return the lines that document the output `name`, none if nothing does."""
        return _lines(self.file(name))

    def printed(self, name: str) -> list[str]:
        """Return the lines of the output `name`, none if the last build has not made it."""
        return _lines(self.outputs / f"{name}.txt")

    def not_run(self, name: str) -> str:
        """Return why this machine could not run what makes the output `name`, or nothing."""
        said = "\n".join(self.printed(name)[1:])
        return said.removeprefix("not run: ").strip() if said.startswith("not run: ") else ""

    def problem(self, name: str) -> Problem | None:
        """Return what is wrong with the output `name`, if this machine could run what makes it."""
        promised, printed = self.promised(name), self.printed(name)
        if self.not_run(name) or (not flaw(promised) and holds(promised, printed)):
            return None
        if not printed:
            words = "is documented, but nothing in the build runs it any more"
        elif not promised:
            words = "is not documented; read it, then `make accept`"
        else:
            words = "is not what is documented"
        change = unified_diff(
            promised, accepted(promised, printed), "documented", "printed", "", "", 2, ""
        )
        return Problem(f"`{name}` {words}", "\n".join(change))

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the outputs of the last build."""
        return filter(None, map(self.problem, self.names()))

    def flaws(self) -> Iterator[str]:
        """Yield what makes a documented output, on any dataset, no promise at all."""
        for path in self.files():
            if wrong := flaw(_lines(path)):
                yield f"{path.relative_to(self.root)} {wrong}"

    def accept(self) -> Iterator[str]:
        """Make the outputs of the last build the documented ones; yield what changes."""
        for name in [name for name in self.names() if self.problem(name)]:
            path, promised, printed = self.file(name), self.promised(name), self.printed(name)
            own = self.expected / "digits" / f"{name}.txt"
            if not printed:
                for old in (self.expected / f"{name}.txt", own):
                    old.unlink(missing_ok=True)
                yield f"dropped  {name}"
                continue
            if self.dataset == "digits" and promised:  # MNIST's does not hold for them
                path = own
            path.parent.mkdir(parents=True, exist_ok=True)
            text = "\n".join(accepted(promised, printed)) + "\n"
            path.write_text(text, encoding="utf-8")
            yield f"accepted {path.relative_to(self.root)}"


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def report(documented: Documented, task: str) -> Iterator[str]:
    """Do one of the tasks of this module; yield what there is to say."""
    if task == "accept":
        yield from documented.accept()
    elif task == "changes":
        yield from (problem.markdown() for problem in documented.problems())
    else:
        yield from (problem.plain() for problem in documented.problems())
        yield from documented.flaws()


def main(arguments: list[str]) -> int | str:
    """Do a task in the current folder; return the exit code, or why there is none."""
    documented = Documented(Path.cwd())
    if arguments not in (["accept"], ["check"], ["changes"]):
        return str(__doc__)
    if not documented.printed("mnist_cnn"):
        return "there is no build here; run `make html`"
    for name in documented.names():
        if reason := documented.not_run(name):
            print(f"`{name}` is not checked: {reason}", file=sys.stderr)
    said = [*report(documented, arguments[0])]
    print(*said, sep="\n", end="\n" if said else "")
    return 1 if said and arguments != ["accept"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
