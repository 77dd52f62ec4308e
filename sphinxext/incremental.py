"""Make an incremental build equal a full one where Sphinx itself does not.

Titles and the table of contents stand in the sidebar of every page and the dataset in its footer,
so a changed one makes all pages be written again; and the page of a document that is gone goes too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.environment import BuildEnvironment

from recordings.engine.site import Site
from sphinxext.outputs import dataset_of


def pages_to_write(app: Sphinx, env: BuildEnvironment) -> Iterable[str]:
    """Return all pages if what each of them shows has changed (event env-updated)."""
    titles = {name: title.astext() for name, title in env.titles.items()}
    trees = (tree for toc in env.tocs.values() for tree in toc.findall(addnodes.toctree))
    menu = [(tree.get("caption"), tree["entries"]) for tree in trees]
    shown = titles, menu, dataset_of(Site(Path(app.confdir)))
    last = getattr(env, "shown_by_last_build", shown)
    env.shown_by_last_build = shown  # type: ignore[attr-defined]  # pickled with env
    return [] if shown == last else titles


def delete_pages(
    app: Sphinx,
    env: BuildEnvironment,
    added: Collection[str],
    changed: Collection[str],
    removed: Collection[str],
) -> list[str]:
    """Delete what was built of documents that are gone (event env-get-outdated)."""
    for name in removed:
        (Path(app.doctreedir) / f"{name}.doctree").unlink(missing_ok=True)
        if isinstance(app.builder, StandaloneHTMLBuilder):
            page = Path(app.builder.get_output_path(name))
            for path in (page, Path(f"{page}.md"), page.with_suffix(".ipynb")):
                path.unlink(missing_ok=True)
    return []


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("env-updated", pages_to_write)
    app.connect("env-get-outdated", delete_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
