"""A recipe: a function that runs programs as a reader would, and what it declares."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recordings.engine.run import Run


@dataclass(frozen=True)
class Recipe:
    """What one function in recordings/PAGE.py does, and in which folder it may do it.

    Attributes:
        page: the page that asks for it.
        function: is called with the run.
        uses: the programs and data files that it runs or reads; what these import is followed.
        reads: artifacts of other recipes.
        writes: the artifacts that it makes: files or folders.
        tools: the commands besides Python that it or its programs call.
        files: other files and folders of the project that it depends on.
        dataset: whether it reads the dataset.
        alone: whether no other may run at the same time, because it measures how long something
            takes, uses ports that its page names, or keeps all processors busy for minutes.
        also: returns what else it depends on, by label.
    """

    page: str
    function: Callable[[Run], None]
    uses: tuple[str, ...]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    tools: tuple[str, ...]
    files: tuple[str, ...]
    dataset: bool
    alone: bool
    also: Callable[[], dict[str, str]]

    @property
    def name(self) -> str:
        """Its page, and which of the page's recipes it is."""
        return f"{self.page}.{self.function.__name__}"

    @property
    def source(self) -> Path:
        """The file that it stands in."""
        return Path(inspect.getsourcefile(self.function) or "")


def recipe(
    *,
    uses: Iterable[str] = (),
    reads: Iterable[str] = (),
    writes: Iterable[str] = (),
    tools: Iterable[str] = (),
    files: Iterable[str] = (),
    dataset: bool = False,
    alone: bool = False,
    also: Callable[[], dict[str, str]] = dict,
) -> Callable[[Callable[[Run], None]], Recipe]:
    """Turn a function into a recipe; the arguments are the attributes of `Recipe`."""

    def declared(function: Callable[[Run], None]) -> Recipe:
        page = Path(inspect.getsourcefile(function) or "").stem
        return Recipe(
            page,
            function,
            uses=tuple(uses),
            reads=tuple(reads),
            writes=tuple(writes),
            tools=tuple(tools),
            files=tuple(files),
            dataset=dataset,
            alone=alone,
            also=also,
        )

    return declared


def read(file: Path) -> list[Recipe]:
    """Return the recipes in a file, in its order."""
    spec = importlib.util.spec_from_file_location(f"recordings.{file.stem}", file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return [value for value in vars(module).values() if isinstance(value, Recipe)]
