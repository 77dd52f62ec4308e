"""Write all pages again when a title has changed: each of them shows it in its sidebar."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment


def pages_to_write(app: Sphinx, env: BuildEnvironment) -> Iterable[str]:
    """Return all pages if the titles are not those of the last build (event env-updated)."""
    titles = {name: title.astext() for name, title in env.titles.items()}
    last = getattr(env, "titles_of_last_build", titles)
    env.titles_of_last_build = titles  # type: ignore[attr-defined]  # pickled with env
    return [] if titles == last else titles


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("env-updated", pages_to_write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
