"""The description of a page for search engines: its first paragraph."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

LENGTH = 160


def first_words(tree: nodes.document | None) -> str:
    """Return how a page begins."""
    paragraphs = tree.findall(nodes.paragraph) if tree else []
    # sphinx-gallery's note about the download is no beginning
    own = (p for p in paragraphs if not isinstance(p.parent, nodes.note))
    words = (paragraph.astext().split() for paragraph in own)
    text = " ".join(next(filter(None, words), []))
    return text if len(text) <= LENGTH else f"{text[: LENGTH - 1]}…"


def describe(
    app: Sphinx, page: str, template: str, context: dict[str, Any], tree: nodes.document | None
) -> None:
    """Tell the template how a page begins (event html-page-context)."""
    context["description"] = first_words(tree)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("html-page-context", describe)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
