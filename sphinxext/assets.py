"""What a page loads: files of the site alone, by a strict policy, and only those that it uses.

Extensions load their scripts and styles on every page. Here a page keeps them if it has what they
are for. Never used is above all Sphinx's translations.js, which evaluates a string.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

# The theme's script in each page, which chooses dark or light before anything is drawn. When it
# changes, browsers say so on the console, and tests/test_browser.py hears it.
THEME = "'sha256-ySvT2PEZeueHGC1y2crNuNTfphBynFPP7i+U21fEgX0='"
POLICY = "; ".join(
    [
        "default-src 'none'",
        f"script-src 'self' 'wasm-unsafe-eval' {THEME}",
        "style-src 'self' 'unsafe-inline'",  # the theme's colors, the widths of columns
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "base-uri 'self'",
        "form-action 'self'",
    ]
)


def has_class(start: str) -> Callable[[str, nodes.document | None], bool]:
    """Return what tells whether a page has an element with a class that begins so."""

    def found(page: str, tree: nodes.document | None) -> bool:
        elements = tree.findall(nodes.Element) if tree else []
        return any(name.startswith(start) for element in elements for name in element["classes"])

    return found


def in_gallery(page: str, tree: nodes.document | None) -> bool:
    """Tell whether sphinx-gallery made a page."""
    return page.startswith("gallery/")


def never(page: str, tree: nodes.document | None) -> bool:
    """Tell that no page uses it."""
    return False


# Which pages use what extensions load, by the beginning of the file's name.
USED_BY = {
    "translations.js": never,
    "doctools.js": never,
    "sphinx_highlight.js": never,
    "sg-tags.js": never,
    "sg_gallery": in_gallery,
    "design-tabs.js": has_class("sd-tab-set"),
    "sphinx-design": has_class("sd-"),
}


def is_used(file: Any, page: str, tree: nodes.document | None) -> bool:
    """Return whether a page uses a script or style sheet of its context."""
    name = str(file.filename).rpartition("/")[2]
    rules = [used for start, used in USED_BY.items() if name.startswith(start)]
    return all(used(page, tree) for used in rules)


def choose(
    app: Sphinx, page: str, template: str, context: dict[str, Any], tree: nodes.document | None
) -> None:
    """Hand the policy to the template, and the files that the page uses (html-page-context)."""
    context["policy"] = POLICY
    for kind in ("script_files", "css_files"):
        context[kind] = [file for file in context[kind] if is_used(file, page, tree)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("html-page-context", choose, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
