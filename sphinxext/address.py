"""Addresses: moved pages, the page for those that are not there, the map of the site, previews.

What needs the address of the site is left out where a build does not know it: SITE_URL.
sphinx-sitemap wants a folder for each language; ours has none for Chinese.
"""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from docutils import nodes
from sphinx.application import Sphinx

SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
XHTML = "http://www.w3.org/1999/xhtml"


def folder_of(app: Sphinx) -> str:
    """Return the folder that the pages of this language lie in: empty, or with a slash."""
    folder: str = app.config.languages[app.config.language]["folder"]
    return folder


def extra_pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield the page of errors and those at old addresses (event html-collect-pages)."""
    if app.builder.name != "html":  # a book has none
        return
    home = urlsplit(app.config.site_url).path or "/"
    yield "404", {"root": home + folder_of(app)}, "404.html"
    for old, new in app.config.moved.items():
        yield old, {"target": app.builder.get_relative_uri(old, new)}, "moved.html"


def preview(
    app: Sphinx, page: str, template: str, context: dict[str, Any], tree: nodes.document | None
) -> None:
    """Tell the template which plot stands for a page (event html-page-context).

    Its own, or that of the first gallery page that it links to.
    """
    if not app.config.html_baseurl:
        return
    linked = [r.get("refuri", "") for r in tree.findall(nodes.reference)] if tree else []
    pages = [page, *(link.partition("#")[0].removesuffix(".html") for link in linked)]
    stems = (Path(name).name for name in pages if Path(name).name.startswith("plot_"))
    card = next(filter(None, (card_of(app, stem) for stem in stems)), None)
    if card:
        target = Path(app.outdir, "_images", card.name)
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(card, target)
        context["preview"] = urljoin(app.config.html_baseurl, f"_images/{card.name}")


def card_of(app: Sphinx, stem: str) -> Path | None:
    """Return the picture of a gallery page for previews: see sphinxext/plots.py."""
    folder = Path(app.srcdir, "gallery", "images")
    for ending in (f".{app.config.language}.png", ".png"):
        if (file := folder / f"sphx_glr_{stem}_card{ending}").exists():
            return file
    return None


def source(
    app: Sphinx, page: str, template: str, context: dict[str, Any], tree: nodes.document | None
) -> None:
    """Link pages of the gallery to the programs that they are made from (html-page-context)."""
    if app.config.repository and page.startswith("gallery/plot_"):
        at = f"https://github.com/{app.config.repository}/edit/main"
        context["theme_source_edit_link"] = f"{at}/{page}.py"


def write_sitemap(app: Sphinx, error: Exception | None) -> None:
    """Write sitemap.xml: each page in each language, with the others (event build-finished)."""
    base, languages = app.config.site_url, app.config.languages
    if error or not base or app.builder.name != "html" or app.config.language != "zh_CN":
        return
    ET.register_namespace("", SITEMAP)
    ET.register_namespace("xhtml", XHTML)
    sitemap = ET.Element(f"{{{SITEMAP}}}urlset")
    for page in sorted(app.env.found_docs):
        addresses = {
            x["tag"]: urljoin(base, f"{x['folder']}{page}.html") for x in languages.values()
        }
        for address in addresses.values():
            url = ET.SubElement(sitemap, f"{{{SITEMAP}}}url")
            ET.SubElement(url, f"{{{SITEMAP}}}loc").text = address
            for tag, other in addresses.items():
                link = {"rel": "alternate", "hreflang": tag, "href": other}
                ET.SubElement(url, f"{{{XHTML}}}link", link)
    ET.ElementTree(sitemap).write(
        Path(app.outdir) / "sitemap.xml", encoding="utf-8", xml_declaration=True
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_config_value("site_url", "", "env")
    app.add_config_value("repository", "", "html")
    app.add_config_value("moved", {}, "env")
    app.connect("html-collect-pages", extra_pages)
    app.connect("html-page-context", preview)
    app.connect("html-page-context", source)
    app.connect("build-finished", write_sitemap)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
