"""The search: what it looks through, in the site's `search_sections.js`; search.js does the rest.

A page is searched by its sections, an error entry is one of its own. npm's MiniSearch ranks them in
the browser, where nothing but the page of results loads it. The sections come as a script, because
a page that was opened from the disk may not fetch anything else.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sphinx.search
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.errors import ExtensionError

LIBRARY = "node_modules/minisearch/dist/umd/index.js"
STEMMERS = ("base-stemmer.js", "english-stemmer.js")  # come with Sphinx
HIDDEN = nodes.raw | nodes.comment | nodes.title | nodes.system_message | addnodes.toctree
FOUND_BY = "found_by"  # an attribute of raw HTML: the words in it
WORD = re.compile(r"[A-Za-z_][\w.-]*\w|[\u3400-\u9fff]+")


class Html(StandaloneHTMLBuilder):
    """Sphinx's own builder without its search, as its builders of help files are."""

    search = False


def page_of_results(app: Sphinx) -> list[tuple[str, dict[str, Any], str]]:
    """Return the page that shows what was found (event html-collect-pages)."""
    if not isinstance(app.builder, Html):
        return []
    return [("search", {}, "search.html")]


def is_entry(node: nodes.Node) -> bool:
    """Return whether a node is an entry of the page of errors."""
    return isinstance(node, nodes.definition_list_item) and bool(node[0]["ids"])


def is_code(node: nodes.Element) -> bool:
    """Return whether a block is found by its words, and never shown."""
    return isinstance(node, nodes.literal_block) or FOUND_BY in node


def content(node: nodes.Element) -> Iterator[nodes.Element]:
    """Yield blocks of text and of code, without those of sections and entries inside."""
    for child in node.children:
        if isinstance(child, nodes.Element) and FOUND_BY in child:
            yield child
        elif isinstance(child, nodes.section | HIDDEN) or is_entry(child):
            continue
        elif isinstance(child, nodes.TextElement):
            yield child
        elif isinstance(child, nodes.Element):
            yield from content(child)


def plain(blocks: list[nodes.Element]) -> str:
    """Return what text says, without the signs that link to it."""
    said = []
    for block in blocks:
        copy = block.deepcopy()
        for link in list(copy.findall(nodes.reference)):
            if "headerlink" in link["classes"]:
                link.parent.remove(link)
        said.append(" ".join(copy.astext().split()))
    return " ".join(said)


def record(kind: str, title: nodes.Element, anchor: str, body: nodes.Element) -> list[str]:
    """Return kind, anchor, title, text, and the words of the code, each once; it is not shown."""
    blocks = list(content(body))
    text = [block for block in blocks if not is_code(block)]
    code = " ".join(block.get(FOUND_BY) or block.astext() for block in blocks if is_code(block))
    words = " ".join(dict.fromkeys(WORD.findall(code)))
    return [kind, anchor, plain([title]), plain(text), words]


def sections(document: nodes.document) -> Iterator[list[str]]:
    """Yield what is searched of a page; its beginning has no anchor."""
    for number, section in enumerate(document.findall(nodes.section)):
        kind, anchor = ("section", section["ids"][0]) if number else ("page", "")
        yield record(kind, section[0], anchor, section)
    for item in document.findall(is_entry):
        yield record("error", item[0], item[0]["ids"][0], item[1])


def write(app: Sphinx, error: Exception | None) -> None:
    """Write what is searched, and copy what searches (event build-finished)."""
    if error is not None or not isinstance(app.builder, Html):
        return
    library = Path(app.confdir, LIBRARY)
    if not library.exists():
        raise ExtensionError(f"{LIBRARY} is not there: run `make packages`")
    static = Path(app.outdir, "_static")
    shutil.copyfile(library, static / "minisearch.js")
    for name in STEMMERS:
        shutil.copyfile(Path(sphinx.search.__file__).parent / "minified-js" / name, static / name)
    pages = [
        {
            "url": app.builder.get_target_uri(name),
            "title": app.env.titles[name].astext(),
            "sections": list(sections(app.env.get_doctree(name))),
        }
        for name in sorted(app.env.found_docs)
    ]
    text = json.dumps(pages, ensure_ascii=False, separators=(",", ":"))
    (static / "search_sections.js").write_text(f"siteSearch.learn({text});\n", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_builder(Html, override=True)
    app.connect("html-collect-pages", page_of_results)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
