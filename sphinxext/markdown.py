"""Each page as Markdown, at its address with .md behind; llms.txt and llms-full.txt of a language.

markdownify knows Markdown; what is decided here is what a page of this site means in it. llms.txt
(https://llmstxt.org) lists the pages, llms-full.txt holds them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bs4 import BeautifulSoup
from bs4.element import Tag
from docutils import nodes
from markdownify import ATX, MarkdownConverter
from sphinx import addnodes
from sphinx.application import Sphinx

from sphinxext.description import first_words
from sphinxext.errors import chapters

SUFFIX = ".html.md"
# What only works on a page, and what only leads around on it.
LEFT_OUT = (
    "a.headerlink, button, form, svg, script, noscript, .digit-demo, .toctree-wrapper,"
    " .sphx-glr-download-link-note, .sphx-glr-footer, .sphx-glr-thumbnails"
)
LANGUAGES = {"default": "python", "none": ""}  # Sphinx's names that are none elsewhere


class Converter(MarkdownConverter):  # type: ignore[misc]  # markdownify's types are not read
    """Turns a piece of a page into Markdown; `address` says where a link leads, or None."""

    def __init__(self, address: Callable[[str], str | None]) -> None:
        """Take what turns an address of the page into one for the reader."""
        super().__init__(heading_style=ATX, bullets="-", code_language_callback=language_of)
        self.address = address

    def convert_soup(self, soup: BeautifulSoup) -> str:
        """Return a piece without what is left out."""
        for element in soup.select(LEFT_OUT):
            element.decompose()
        for link in soup.select("a[href]"):
            address = self.address(str(link["href"]))
            if address is None:
                del link["href"]
            else:
                link["href"] = address
        for image in soup.select("img[src]"):
            address = self.address(str(image["src"]))
            if address is None:
                image.replace_with(str(image.get("alt", "")))
            else:
                image["src"] = address
        return str(super().convert_soup(soup)).strip() + "\n"

    def convert_div(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Return an admonition as a quotation."""
        if "admonition" in (el.get("class") or []):
            return str(self.convert_blockquote(el, text, parent_tags))
        return str(super().convert_div(el, text, parent_tags))

    def convert_dd(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Return what is said of a term; common Markdown has no lists of definitions."""
        return f"\n\n{text.strip()}\n\n"

    def bold(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Return a term, the label of a tab, or what folds a block, as a line of its own."""
        text = " ".join(text.split())
        return f"\n\n**{text}**\n\n" if text else ""

    convert_dt = convert_summary = convert_label = bold

    def convert_td(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Return a cell; a bar in it would end it."""
        return str(super().convert_td(el, text.replace("|", "\\|"), parent_tags))


def language_of(pre: Tag) -> str:
    """Return the language of a block of code."""
    for parent in pre.parents:
        for name in parent.get("class") or []:
            if str(name).startswith("highlight-"):
                name = str(name).removeprefix("highlight-").lower()
                return LANGUAGES.get(name, name)
    return ""


def beside(address: str) -> str | None:
    """Return where a link of a page leads in Markdown; None within the page."""
    parts = urlsplit(address)
    if not parts.path and not parts.netloc:
        return None
    if parts.netloc or not parts.path.endswith(".html"):
        return address
    return parts._replace(path=f"{parts.path}.md").geturl()


def write_page(
    app: Sphinx, page: str, template: str, context: dict[str, Any], tree: nodes.document | None
) -> None:
    """Write a page beside itself (event html-page-context)."""
    if tree is None or page not in app.env.found_docs or app.builder.name != "html":
        return
    context["markdown"] = f"{page.rpartition('/')[2]}{SUFFIX}"
    text = Converter(beside).convert(context["body"])
    path = Path(app.outdir, page + SUFFIX)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def contents(app: Sphinx) -> Iterator[tuple[str, list[str]]]:
    """Yield the parts of the site, each with its pages in their order."""
    for tree in app.env.tocs[app.config.root_doc].findall(addnodes.toctree):
        names: list[str] = []
        for _title, name in tree["entries"]:
            names += chapters(app.env, name)
        yield tree["caption"], names


def write_lists(app: Sphinx, error: Exception | None) -> None:
    """Write llms.txt and llms-full.txt (event build-finished)."""
    if error is not None or app.builder.name != "html":
        return

    def entry(name: str) -> str:
        words = first_words(app.env.get_doctree(name))
        title = app.env.titles[name].astext()
        return f"- [{title}]({base_of(app)}{name}{SUFFIX})" + (f": {words}" if words else "")

    home = app.config.root_doc
    lines = [f"# {app.config.html_title}", "", f"> {first_words(app.env.get_doctree(home))}", ""]
    lines += [entry(home)]
    for caption, names in contents(app):
        lines += ["", f"## {caption}", "", *map(entry, names)]
    Path(app.outdir, "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    pages = (Path(app.outdir, name + SUFFIX) for name in chapters(app.env))
    text = "\n".join(path.read_text(encoding="utf-8") for path in pages)
    Path(app.outdir, "llms-full.txt").write_text(text, encoding="utf-8")


def base_of(app: Sphinx) -> str:
    """Return what stands before an address where the site's own is known."""
    base = app.config.html_baseurl.rstrip("/")
    return f"{base}/" if base else ""


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("html-page-context", write_page)
    app.connect("build-finished", write_lists)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
