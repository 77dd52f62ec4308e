"""Cards of the gallery in the page's language, with a picture for light pages and one for dark.

sphinx-gallery writes title and tooltip of a card as raw HTML, which nothing translates, beside a
reference to the page, which is translated. The reference stays, with the first sentence of the page
below it. The picture is the first plot of the page; that for dark pages stands beside it.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

THUMBNAIL = "_thumb"
SENTENCE = re.compile(r"(?<=[。？！])|(?<=[.?!])\s")  # its end


def make_cards(app: Sphinx, doctree: nodes.document) -> None:
    """Take titles and tooltips out of the cards, add dark pictures (event doctree-read).

    On the pages themselves, the hint at their end goes: it is one key away.
    """
    for note in [*doctree.findall(nodes.note)]:
        if "sphx-glr-download-link-note" in note["classes"]:
            note.parent.remove(note)
    for raw in doctree.findall(nodes.raw):
        if "sphx-glr-thumbcontainer" in raw.astext():
            raw.children = [nodes.Text('<div class="sphx-glr-thumbcontainer">')]
        elif "sphx-glr-thumbnail-title" in raw.astext():
            raw.children = [nodes.Text("</div>")]
    for image in [*doctree.findall(nodes.image)]:
        path = PurePosixPath(image["uri"])
        if path.stem.endswith(THUMBNAIL) and path.suffix == ".svg":
            page = path.stem.removesuffix(THUMBNAIL)
            image.replace_self(
                [
                    nodes.image(
                        uri=str(path.parents[1] / f"{page}_001{mark}.svg"),
                        alt="",
                        loading="lazy",
                        classes=[f"only-{scheme}"],
                    )
                    for scheme, mark in (("light", ""), ("dark", "_dark"))
                ]
            )


def describe(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Put the first sentence of its page into each card (event doctree-resolved)."""
    if page != "gallery/index":
        return
    for reference in [*doctree.findall(nodes.reference)]:
        shown = f"gallery/{PurePosixPath(reference['refuri']).stem}"
        if shown.startswith("gallery/plot_"):
            first = next(app.env.get_doctree(shown).findall(nodes.paragraph))
            sentence = SENTENCE.split(first.astext(), maxsplit=1)[0]
            title, card = reference.parent, reference.parent.parent
            says = nodes.paragraph("", sentence, classes=["card-says"])
            card.insert(card.index(title) + 1, says)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("doctree-read", make_cards, priority=100)  # before Sphinx collects the images
    app.connect("doctree-resolved", describe)
    return {"env_version": 2, "parallel_read_safe": True, "parallel_write_safe": True}
