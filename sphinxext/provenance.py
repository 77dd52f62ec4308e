"""Where the results on a page come from: in its footer, and in build/html/provenance.json.

A page shows the recordings whose outputs or files it has read, a page of the gallery those of its
recipes. One JSON file holds the pages of all languages by their names: one execution serves them.
A result that is older than the sources it belongs to is a warning, and so makes the build red.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from recordings.documented import Documented
from recordings.engine.recorder import hash_of_sources
from recordings.engine.site import Site
from sphinxext.outputs import dataset_of

logger = logging.getLogger(__name__)

# What is told of a recording: the name of it here, in the parts of the recording.
SOFTWARE = {
    "python": "Python",
    "tensorflow": "version of tensorflow",
    "keras": "version of keras",
    "litert": "version of ai-edge-litert",
}
SERVER = re.compile(r"name='([^']*)', version='([^']*)'")  # of recordings.server.Choice


class Provenance:
    """The recordings that the last build has shown, and which page shows what of them."""

    def __init__(self, app: Sphinx) -> None:
        """Read what the build has written down of its recordings."""
        self.site, self.env = Site(Path(app.confdir)), app.env
        facts = json.loads(self.site.made.read_text()) if self.site.made.exists() else {}
        self.sources = facts.pop("sources", "")
        self.recordings: dict[str, dict[str, Any]] = facts

    @cached_property
    def writers(self) -> dict[Path, str]:
        """The recipe behind each file that a page can show."""
        found: dict[Path, str] = {}
        for recipe, facts in self.recordings.items():
            found |= {self.site.outputs / f"{name}.txt": recipe for name in facts["outputs"]}
            files = [name.removeprefix("files/") for name in facts["content"]]
            found |= {self.site.workspace / name: recipe for name in files}
        return found

    @cached_property
    def compared(self) -> dict[str, str]:
        """Each output's state: `as documented`, `other than documented`, `not run`."""
        documented = Documented(self.site.root)
        found = {}
        for name in documented.names() if dataset_of(self.site) else []:
            wrong = "other than documented" if documented.problem(name) else "as documented"
            found[name] = "not run" if documented.not_run(name) else wrong
        return found

    def of_page(self, page: str) -> dict[str, Any]:
        """Return what is told of a page; lists, because it may show several recordings."""
        files = [(self.site.root / "docs" / n).resolve() for n in self.env.dependencies[page]]
        shown = {file: self.writers[file] for file in files if file in self.writers}
        stem = page.removeprefix("gallery/")
        own = {file: name for file, name in self.writers.items() if name.split(".")[0] == stem}
        shown |= own if page.startswith("gallery/") else {}
        names = sorted({*shown.values()})
        facts = {name: self.recordings[name] for name in names}
        outputs = [file.stem for file in shown if file.parent == self.site.outputs]
        states = [self.compared.get(name, "not documented") for name in outputs]
        return {
            "dataset": dataset_of(self.site),
            "made": distinct(f["made"] for f in facts.values()),
            "seconds": round(sum(f["seconds"] for f in facts.values()), 1),
            "processor": distinct(f.get("processor", "") for f in facts.values()),
            **{
                key: distinct(f["parts"].get(part, "") for f in facts.values())
                for key, part in SOFTWARE.items()
            },
            "server": distinct(server(f["parts"]) for f in facts.values()),
            "outputs": {state: states.count(state) for state in sorted({*states})},
            "recordings": {name: f["key"] for name, f in facts.items()},
            "older": {name: f["older"] for name, f in facts.items() if f["older"]},
        }


def distinct(values: Iterable[str]) -> list[str]:
    """Return values without the empty ones, each once."""
    return sorted({value for value in values if value})


def server(parts: Mapping[str, str]) -> str:
    """Return name and version of the model server that a recording was made with."""
    found = SERVER.search(parts.get("the model server", ""))
    return " ".join(found.groups()).strip() if found else ""


def gather(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Find out what each page shows; return those whose footer changes (event env-updated)."""
    if app.builder.format != "html":
        return []
    provenance = Provenance(app)
    pages = {page: provenance.of_page(page) for page in sorted(env.found_docs)}
    last = getattr(env, "provenance", {})
    env.provenance = pages  # type: ignore[attr-defined]  # pickled with env
    complete = app.config.gallery_run in ("stale", "none")
    if complete and provenance.sources not in ("", hash_of_sources(provenance.site)):
        logger.warning("programs or recipes are newer than the results: build the Chinese half")
    for page, facts in pages.items():
        for recipe, why in facts["older"].items() if complete else ():
            logger.warning(f"shows a result of {recipe} older than itself: {why}", location=page)
    return [page for page, facts in pages.items() if last.get(page) != facts]


def tell(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: object) -> None:
    """Hand what is told of a page to its template (event html-page-context)."""
    context["provenance"] = getattr(app.env, "provenance", {}).get(page)


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the file for machines (event build-finished)."""
    if error is None and app.builder.name == "html" and app.config.language == "zh_CN":
        text = json.dumps(getattr(app.env, "provenance", {}), ensure_ascii=False, indent=1)
        Path(app.outdir, "provenance.json").write_text(text + "\n", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("env-updated", gather)
    app.connect("html-page-context", tell)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
