"""Cards of the gallery in the page's language.

sphinx-gallery writes title and tooltip of a card as raw HTML, which nothing translates, beside a
reference to the page, which is translated. The reference stays.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


def leave_references(app: Sphinx, doctree: nodes.document) -> None:
    """Take titles and tooltips out of the cards (event doctree-read)."""
    for raw in doctree.findall(nodes.raw):
        if "sphx-glr-thumbcontainer" in raw.astext():
            raw.children = [nodes.Text('<div class="sphx-glr-thumbcontainer">')]
        elif "sphx-glr-thumbnail-title" in raw.astext():
            raw.children = [nodes.Text("</div>")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("doctree-read", leave_references)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
