"""The directive `compatibility`: the table that `make compatibility` has written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import set_source_info

from recordings.engine.recorder import digest
from recordings.engine.site import Site
from recordings.engine.sources import code_of

TABLE = "docs/compatibility.json"
PROGRAMS = ["mnist_cnn.py", "load_models.py", "named_signature.py", "convert.py", "interpret.py"]
PROGRAMS += ["plain_load.py", "inspect_tflite.py", "patches.py"]  # as tests/short_way.py runs them


def programs_now(site: Site) -> str:
    """Return a hash of the programs that the table is about; comments do not count."""
    return digest(json.dumps(code_of(site.programs(), PROGRAMS), sort_keys=True))


class Compatibility(SphinxDirective):
    """A row for each TensorFlow on each Python: works, or what went wrong, and the day."""

    def run(self) -> list[nodes.Node]:
        """Return the table; a row of other programs than today's has an asterisk."""
        site = Site(Path(self.env.app.confdir))
        path = site.root / TABLE
        self.env.note_dependency(str(path))
        for name in PROGRAMS:
            self.env.note_dependency(str(site.programs()[name]))
        now = programs_now(site)
        body = nodes.tbody()
        for row in json.loads(path.read_text(encoding="utf-8")):
            result: list[nodes.Node] = [nodes.paragraph("", "✓")]
            if row["wrong"]:
                step, wrong = (nodes.literal(row[k], row[k]) for k in ("step", "wrong"))
                result = [nodes.paragraph("", "", step), nodes.paragraph("", "", wrong)]
            older = "" if row["programs"] == now else " *"  # the chapter explains both signs
            day = [nodes.paragraph("", row["date"] + older)]
            plain = [nodes.paragraph("", row[key] or "–") for key in KEYS]
            body += self.row([*([p] for p in plain), result, day])
        head = nodes.thead("", self.row([[self.word(title)] for title in (*KEYS.values(), *LAST)]))
        columns = [nodes.colspec(colwidth=1) for _ in (*KEYS, *LAST)]
        group = nodes.tgroup("", *columns, head, body, cols=len(columns))
        return [nodes.table("", group, classes=["compatibility"])]

    def word(self, text: str) -> nodes.paragraph:
        """Return a word that the catalog translates."""
        paragraph = nodes.paragraph(text, text)
        set_source_info(self, paragraph)
        return paragraph

    def row(self, cells: list[list[nodes.Node]]) -> nodes.row:
        """Return a row of a table."""
        return nodes.row("", *(nodes.entry("", *cell) for cell in cells))


KEYS = {"tensorflow": "TensorFlow", "python": "Python", "keras": "Keras", "litert": "LiteRT"}
LAST = ("结果", "运行日期")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_directive("compatibility", Compatibility)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
