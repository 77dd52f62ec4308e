"""Anchors that say something: the words of the English title, the same in all languages.

The ids that Sphinx itself would give (`id3`) stay behind them, so that old links lead there, too.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

CATALOG = "locale/en/LC_MESSAGES"
WORDS = 8  # of a title make its anchor


@cache
def read(path: Path, changed: int) -> Catalog:
    """Return a catalog as it was when it was changed last."""
    with path.open("rb") as file:
        return read_po(file)


def anchor(english: str) -> str:
    """Return the anchor for a title."""
    return "-".join(nodes.make_id(english).split("-")[:WORDS])


class Anchors(SphinxTransform):
    """Puts the English anchor of each section before its other ids."""

    default_priority = 30  # behind the translation, before anything refers to a section

    def apply(self, **options: Any) -> None:
        """Go through the sections of a page that was read."""
        path = Path(self.app.confdir, CATALOG, f"{self.env.docname}.po")
        catalog = Catalog()
        if path.exists():  # a dependency that is not there makes the page be read each time
            self.env.note_dependency(str(path))
            catalog = read(path, path.stat().st_mtime_ns)
        taken: set[str] = set()
        renamed: dict[str, str] = {}
        for section in self.document.findall(nodes.section):
            message = catalog.get(section[0].rawsource)
            name = anchor(str(message.string) if message else section[0].astext())
            if not name:
                continue  # the title is not translated yet
            number, unique = 1, name
            while unique in taken:
                number += 1
                unique = f"{name}-{number}"
            taken.add(unique)
            renamed[section["ids"][0]] = unique
            section["ids"] = [unique, *(old for old in section["ids"] if old != unique)]
            self.document.ids[unique] = section
        self.follow(renamed)

    def follow(self, renamed: dict[str, str]) -> None:
        """Let links to headings, which MyST has noted by their first ids, lead to the anchors."""
        noted = self.env.metadata[self.env.docname].get("myst_slugs", {})
        for slug, (line, name, title) in list(noted.items()):
            noted[slug] = (line, renamed.get(name, name), title)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_transform(Anchors)
    return {"env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
