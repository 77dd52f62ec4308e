"""The demo in a chapter: the directive `digit-demo`, and the bundled page in _static/digit/.

A page with the demo loads none of its scripts; the button's handler does. The other languages'
pages load it from the Chinese site, in whose folder theirs lie.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.util.docutils import SphinxDirective

from recordings.engine.site import Site

FOLDER = "_static/digit"


class DigitDemo(SphinxDirective):
    """Show the button that opens the demo."""

    def run(self) -> list[nodes.Node]:
        """Return the button as HTML; without the bundled page, which html must have, an error."""
        builder = self.env.app.builder
        if not isinstance(builder, StandaloneHTMLBuilder) or builder.name != "html":
            return []
        loader = bundled(self.env.app) / "digit_loader.js"
        self.env.note_dependency(str(loader))
        if not loader.exists():
            raise self.error("no page of this build bundled the demo")
        folder = self.config.languages[self.config.language]["folder"]
        up = "../" * (self.env.docname.count("/") + folder.count("/"))
        html = builder.templates.render(
            "demo.html", {"loader": f"{up or './'}{FOLDER}/{loader.name}"}
        )
        return [nodes.raw("", html, format="html")]


def bundled(app: Sphinx) -> Path:
    """Return the folder that bundle.mjs writes."""
    return Site(Path(app.confdir)).workspace / "page"


def publish(app: Sphinx, error: Exception | None) -> None:
    """Copy the bundled page into the site (event build-finished), without what only nginx reads."""
    if error is None and app.builder.name == "html" and app.config.language == "zh_CN":
        target = Path(app.outdir) / FOLDER
        shutil.rmtree(target, ignore_errors=True)
        if bundled(app).exists():
            shutil.copytree(bundled(app), target, ignore=shutil.ignore_patterns("*.br"))
            worker = Site(Path(app.confdir)).code / "javascript" / "sw.js"
            shutil.copyfile(worker, Path(app.outdir) / worker.name)  # it serves what lies below it


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_config_value("languages", {}, "env")
    app.add_directive("digit-demo", DigitDemo)
    app.connect("build-finished", publish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
