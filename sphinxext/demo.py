"""The demo in a chapter: the directive `digit-demo`, and the bundled page in _static/digit/.

A page with the demo loads none of its scripts; the button's handler does. The English pages load
it from the Chinese site, in whose folder theirs lies.
"""

from __future__ import annotations

import filecmp
import html
import shutil
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from recordings.engine.site import Site

FOLDER = "_static/digit"
TEXTS = {
    "zh_CN": {
        "open": "打开演示",
        "failed": "演示没有载入。请检查网络后再按一次；直接从磁盘打开的网页（file://）不能载入它，"
        "请通过 HTTP 打开。",
        "noscript": "这个演示需要 JavaScript。",
    },
    "en": {
        "open": "Open the demo",
        "failed": "The demo did not load. Check the network and press again; a page opened from "
        "the disk (file://) cannot load it, so open it over HTTP.",
        "noscript": "This demo needs JavaScript.",
    },
}
# The loader waits for the button to be pressed; here it is loaded by the press, so press again.
HANDLER = (
    "const first = this.onclick; this.onclick = null; import('{loader}')"
    ".then(() => this.click(), () => {{ this.onclick = first;"
    " this.parentNode.querySelector('.digit-failed').hidden = false; }})"
)
HTML = """<div class="digit-demo">
<button type="button" class="digit-open" onclick="{handler}">{open}</button>
<p class="digit-failed" role="alert" hidden>{failed}</p>
<noscript><p>{noscript}</p></noscript>
</div>"""


class DigitDemo(SphinxDirective):
    """Show the button that opens the demo."""

    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        """Return the button as HTML; without the bundled page, which html must have, an error."""
        loader = bundled(self.env.app) / "digit_loader.js"
        self.env.note_dependency(str(loader))
        if not loader.exists() and self.env.app.builder.format == "html":
            raise self.error("no page of this build bundled the demo")
        language = self.config.language
        up = self.env.docname.count("/") + (language != "zh_CN")
        handler = HANDLER.format(loader=f"{'../' * up or './'}{FOLDER}/{loader.name}")
        texts = {key: html.escape(text) for key, text in TEXTS[language].items()}
        return [
            nodes.raw("", HTML.format(handler=html.escape(handler), **texts), format="html"),
        ]


def bundled(app: Sphinx) -> Path:
    """Return the folder that bundle.mjs writes."""
    return Site(Path(app.confdir)).workspace / "page"


def publish(app: Sphinx, error: Exception | None) -> None:
    """Copy the bundled page into the site (event build-finished), without what only nginx reads."""
    if error or app.builder.format != "html" or app.config.language != "zh_CN":
        return
    source, target = bundled(app), Path(app.outdir) / FOLDER
    files = {
        path.relative_to(source)
        for path in source.rglob("*")
        if path.is_file() and path.suffix != ".br"
    }
    for path in target.rglob("*"):
        if path.is_file() and path.relative_to(target) not in files:
            path.unlink()
    for name in files:
        copy = target / name
        if not copy.exists() or not filecmp.cmp(source / name, copy):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, copy)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_directive("digit-demo", DigitDemo)
    app.connect("build-finished", publish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
