"""Where everything lies."""

from __future__ import annotations

from pathlib import Path


class Site:
    """The folders of a site, derived from the one that holds conf.py."""

    def __init__(self, root: Path) -> None:
        """Take the folder that holds conf.py."""
        self.root = root
        self.code = root / "docs" / "_static" / "code"  # the programs, one folder a stage
        self.pages = root / "gallery"  # as their authors write them
        self.recipes = root / "recordings"  # one file a page
        self.generated = root / "docs" / "gallery"  # the pages as sphinx-gallery writes them
        self.build = root / "build"  # everything else that is generated
        self.workspace = self.build / "workspace"  # what a reader's folder holds in the end
        self.outputs = self.build / "outputs"  # what commands printed, as pages show it
        self.made = self.build / "made.json"  # the facts of the recordings that pages show
        self.store = self.build / "store"  # the recordings by key
        self.notes = self.build / "notes"  # what pages that are being executed are made from
        self.converter = root / ".venv-tfjs"  # the environment of TensorFlow.js's converter

    def programs(self) -> dict[str, Path]:
        """Return programs and their data by their names in a reader's folder.

        Packages and deploy/ keep their folders; everything else is flat, and unique over all
        stages.
        """
        flat = {path.name: path for path in sorted(self.code.glob("*/*")) if path.is_file()}
        packages = {path.parent for path in self.code.glob("*/*/__init__.py")}
        return flat | {
            path.relative_to(folder.parent).as_posix(): path
            for folder in sorted(packages | {*self.code.glob("*/deploy")})
            for path in sorted(folder.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }

    def stage(self, program: Path) -> Path:
        """Return the folder of the stage that a program belongs to."""
        return self.code / program.relative_to(self.code).parts[0]
