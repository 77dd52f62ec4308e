"""The directives `result-table` and `result-picture`: JSON files of the build, shown.

    ```{result-table} matrix.html
    :files: matrix.json mnist_cnn_all.json
    ```

The argument is a template of docs/_templates; it gets the files' contents by their stems. A table
of the class `sortable` is sorted by npm's sortable-tablesort, a form of the class `table-filter`
hides rows; both scripts are loaded on pages with such a table only. A picture needs none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.util.docutils import SphinxDirective

from recordings.engine.site import Site

SCRIPTS = ("sortable.min.js", "table_filter.js")
MARK = "results"  # in the metadata of a page with such a table


class ResultTable(SphinxDirective):
    """Show what a template makes of files in the workspace."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"files": directives.unchanged_required}
    needs_scripts = True

    def run(self) -> list[nodes.Node]:
        """Return the table as HTML; other formats cannot sort or search."""
        builder = self.env.app.builder
        if not isinstance(builder, StandaloneHTMLBuilder):
            return []
        if self.needs_scripts:
            self.env.metadata[self.env.docname][MARK] = True
        workspace = Site(Path(self.env.app.confdir)).workspace
        contents = {}
        for name in self.options["files"].split():
            path = workspace / name
            self.env.note_dependency(str(path))
            if not path.exists():
                raise self.error(f"no page of this build wrote {name}")
            contents[path.stem] = json.loads(path.read_text(encoding="utf-8"))
        contents["on_the_site"] = builder.name == "html"  # not in a book, which cannot sort
        html = builder.templates.render(self.arguments[0], contents)
        return [nodes.raw("", html, format="html", found_by=" ".join(texts(contents)))]


class ResultPicture(ResultTable):
    """Show a drawing that a template makes of files in the workspace."""

    needs_scripts = False

    def run(self) -> list[nodes.Node]:
        """Return the drawing as HTML; Sphinx does not tell EPUB readers of drawings in pages."""
        return [] if self.env.app.builder.name == "epub" else super().run()


def texts(value: Any) -> Iterator[str]:
    """Yield the texts in a JSON value, for the search."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts(part)


def load_scripts(
    app: Sphinx, page: str, template: str, context: dict[str, Any], tree: nodes.document | None
) -> None:
    """Load the scripts on pages with such a table (event html-page-context)."""
    if MARK in app.env.metadata.get(page, {}):
        for script in SCRIPTS:
            app.add_js_file(script, loading_method="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_directive("result-table", ResultTable)
    app.add_directive("result-picture", ResultPicture)
    app.connect("html-page-context", load_scripts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
