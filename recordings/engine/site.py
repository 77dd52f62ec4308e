"""Where everything lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Site:
    """The folders of a site, derived from the one that holds conf.py."""

    root: Path

    @property
    def code(self) -> Path:
        """The programs, one folder a stage."""
        return self.root / "docs" / "_static" / "code"

    @property
    def pages(self) -> Path:
        """The pages as their authors write them."""
        return self.root / "gallery"

    @property
    def recipes(self) -> Path:
        """The recipes, one file a page."""
        return self.root / "recordings"

    @property
    def generated(self) -> Path:
        """The pages as sphinx-gallery writes them."""
        return self.root / "docs" / "gallery"

    @property
    def build(self) -> Path:
        """Everything else that is generated."""
        return self.root / "build"

    @property
    def workspace(self) -> Path:
        """What a reader's folder holds in the end: programs, pages and all artifacts."""
        return self.build / "workspace"

    @property
    def outputs(self) -> Path:
        """What each command printed, as pages show it: one file a command."""
        return self.build / "outputs"

    @property
    def store(self) -> Path:
        """The recordings by key."""
        return self.build / "store"

    @property
    def converter(self) -> Path:
        """The environment of the converter of TensorFlow.js."""
        return self.root / ".venv-tfjs"

    def programs(self) -> dict[str, Path]:
        """Return programs and their data by their names in a reader's folder.

        A package keeps its folder; everything else is flat, and unique over all stages.
        """
        flat = {path.name: path for path in sorted(self.code.glob("*/*")) if path.is_file()}
        packages = [path.parent for path in sorted(self.code.glob("*/*/__init__.py"))]
        return flat | {
            path.relative_to(package.parent).as_posix(): path
            for package in packages
            for path in sorted(package.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }
