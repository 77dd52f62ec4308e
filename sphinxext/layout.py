"""Where everything lies. One site a process: Sphinx sets it up, pages and tests read it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Site:
    """The folders of a site, derived from the one that holds conf.py."""

    root: Path

    @property
    def docs(self) -> Path:
        """The chapters, the source directory of Sphinx."""
        return self.root / "docs"

    @property
    def code(self) -> Path:
        """The programs, one folder a stage."""
        return self.docs / "_static" / "code"

    @property
    def pages(self) -> Path:
        """The pages as their authors write them."""
        return self.root / "gallery"

    @property
    def generated(self) -> Path:
        """The pages as sphinx-gallery writes them."""
        return self.docs / "gallery"

    @property
    def build(self) -> Path:
        """Everything else that is generated."""
        return self.root / "build"

    @property
    def workspace(self) -> Path:
        """Where the programs run; holds what a reader's folder would hold."""
        return self.build / "workspace"

    @property
    def converter(self) -> Path:
        """The commands of the converter of TensorFlow.js, which needs an environment of its own."""
        return self.root / ".venv-tfjs" / "bin"

    @property
    def staged(self) -> Path:
        """The pages as sphinx-gallery gets them."""
        return self.build / "pages"

    @property
    def outputs(self) -> Path:
        """What each run printed, one file a run."""
        return self.build / "outputs"

    @property
    def records(self) -> Path:
        """What each page was made from and what it made, one file a page."""
        return self.build / "records"

    def programs(self) -> dict[str, Path]:
        """Return programs and their data by file name; names are unique over all stages."""
        return {path.name: path for path in sorted(self.code.glob("*/*")) if path.is_file()}
