"""What needs the address of the site: the map of it, and previews."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from docutils import nodes
from sphinx.application import Sphinx

from sphinxext import address

LANGUAGES = {
    "zh_CN": {"tag": "zh-CN", "folder": ""},
    "en": {"tag": "en", "folder": "en/"},
}


def app(outdir: Path, site_url: str) -> Sphinx:
    """Return what the extension uses of Sphinx."""
    config = SimpleNamespace(
        site_url=site_url,
        html_baseurl=site_url,
        languages=LANGUAGES,
        language="zh_CN",
        repository="",
    )
    fake = SimpleNamespace(
        config=config,
        outdir=str(outdir),
        srcdir=str(outdir),
        env=SimpleNamespace(found_docs={"index", "lite/convert"}),
        builder=SimpleNamespace(name="html"),
    )
    return cast(Sphinx, fake)


def test_the_map_names_each_page_in_each_language(tmp_path: Path) -> None:
    address.write_sitemap(app(tmp_path, "https://site.example/tutorial/"), None)
    tree = ET.parse(tmp_path / "sitemap.xml")
    space = {"s": address.SITEMAP, "x": address.XHTML}
    places = [place.text for place in tree.findall("s:url/s:loc", space)]
    home = "https://site.example/tutorial/"
    assert places == [
        *(home + "index.html", home + "en/index.html"),
        *(home + "lite/convert.html", home + "en/lite/convert.html"),
    ]
    links = tree.findall("s:url/x:link", space)
    assert {link.get("hreflang") for link in links} == {"zh-CN", "en"}
    assert len(links) == 2 * len(places)


def test_without_an_address_there_is_no_map(tmp_path: Path) -> None:
    address.write_sitemap(app(tmp_path, ""), None)
    assert not list(tmp_path.iterdir())


def test_a_page_without_plots_shows_that_of_the_page_it_links_to(tmp_path: Path) -> None:
    images = tmp_path / "gallery" / "images"
    images.mkdir(parents=True)
    for ending in (".png", ".zh_CN.png"):
        (images / f"sphx_glr_plot_convert_card{ending}").write_text(ending)
    tree = nodes.document(cast(Any, None), cast(Any, None))
    tree += nodes.reference(refuri="android.html")
    tree += nodes.reference(refuri="../gallery/plot_convert.html#sizes")
    context: dict[str, Any] = {}
    address.preview(app(tmp_path, "https://site.example/"), "lite/convert", "", context, tree)
    name = "sphx_glr_plot_convert_card.zh_CN.png"
    assert context.pop("preview") == f"https://site.example/_images/{name}"
    assert (tmp_path / "_images" / name).read_text() == ".zh_CN.png"
    address.preview(app(tmp_path, "https://site.example/"), "index", "", context, None)
    assert "preview" not in context
    address.preview(app(tmp_path, ""), "gallery/plot_convert", "", context, None)
    assert "preview" not in context
