"""Let sphinx-gallery execute a page again when what it shows has changed.

sphinx-gallery goes by the hash of a page's file alone. Here what it wrote for a page is kept in the
store, too, by all that the page shows: it is written again from there, or the page is executed.

Pages are linked into the workspace, so that sphinx-gallery executes them in a reader's folder.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError
from sphinx.util import logging

from recordings.engine import dataset
from recordings.engine.recorder import Missing, Recorder, digest, hash_of_sources
from recordings.engine.site import Site
from recordings.engine.store import Recording, hash_of

logger = logging.getLogger(__name__)


class Gallery:
    """The pages of one build: which are executed, and what they were made from."""

    def __init__(self, site: Site, lock: TextIO) -> None:
        """Hold the lock of the build until the process ends."""
        self.site, self.lock = site, lock
        self.recorder = Recorder(site)
        self.stale: list[str] = []
        self.mode = "none"
        self.looked = ""  # a hash of all that the pages are made from

    def choose(self, app: Sphinx) -> None:
        """Decide which pages are executed (before sphinx-gallery starts)."""
        site, recorder, conf = self.site, self.recorder, app.config.sphinx_gallery_conf
        for folder in (site.workspace, site.generated):
            folder.mkdir(parents=True, exist_ok=True)
        if unordered := {p.stem for p in site.pages.glob("*.py")} - {*app.config.gallery_pages}:
            raise ConfigError(f"not in gallery_pages of conf.py: {', '.join(sorted(unordered))}")
        recorder.publish_programs()
        self.forget_pages_that_are_gone()
        mode = self.mode = self.mode_of(app)
        allowed = [page for page in app.config.gallery_pages if self.may_run(page, mode)]
        for page in allowed:
            if self.is_recorded(page):
                recorder.publish(self.recordings(page))
            if page != mode and (executed := self.executed(page)):
                restore(executed, page, site.generated)
            else:
                reason = "it was asked for" if page == mode else self.why(page)
                logger.info(f"{page} is executed: {reason}")
                self.stale.append(page)
                forget(page, site.generated)
        if self.stale:
            os.environ[dataset.VARIABLE] = dataset.choose(site)  # for the code of the pages
            recorder.record(r for page in self.stale for r in recorder.pages.get(page, []))
        conf["plot_gallery"] = bool(allowed)
        conf["filename_pattern"] = rf"/({'|'.join(allowed)})\.py$"

    def mode_of(self, app: Sphinx) -> str:
        """Return the mode of this build: none if `stored` finds all as the last build left it.

        An author who saves a chapter waits for that chapter, not for a look at every recording.
        """
        mode: str = app.config.gallery_run if app.builder.format == "html" else "none"
        pages = [*sorted(self.site.pages.glob("*.py")), self.site.root / "conf.py"]
        self.looked = digest("".join([hash_of_sources(self.site), *map(hash_of, pages)]))
        last = self.site.build / "looked"
        seen = last.read_text() if last.exists() else ""
        return "none" if mode == "stored" and seen == self.looked else mode

    def may_run(self, page: str, mode: str) -> bool:
        """Return whether the configuration value gallery_run lets a page be executed.

        It is `stale`, `none`, the name of the only page, or `stored`: no program may run.
        """
        return mode in ("stale", page) or (mode == "stored" and self.is_recorded(page))

    def is_recorded(self, page: str) -> bool:
        """Return whether all recordings of a page are in the store."""
        try:
            return self.recordings(page) is not None
        except Missing:
            return False

    def recordings(self, page: str) -> list[Recording]:
        """Return the recordings of a page; raise Missing if one is not in the store."""
        return [self.recorder.find(recipe) for recipe in self.recorder.pages.get(page, [])]

    def executed(self, page: str) -> Recording | None:
        """Return the execution of a page with all that it shows as it is now."""
        try:
            return self.recorder.store.get(key_of(page, self.recorder.made_from(page)))
        except Missing:
            return None

    def why(self, page: str) -> str:
        """Return why a page is executed."""
        try:
            return self.recorder.why(page, self.recorder.made_from(page))
        except Missing as missing:
            return str(missing)

    def forget_pages_that_are_gone(self) -> None:
        """Delete what sphinx-gallery wrote for pages that there are no more."""
        for script in self.site.generated.glob("plot_*.py"):
            if not (self.site.pages / script.name).exists():
                forget(script.stem, self.site.generated)

    def keep(self, app: Sphinx) -> None:
        """Keep what sphinx-gallery wrote for pages that it has just executed, and tidy up."""
        for note in self.site.notes.glob("*.json"):
            page, parts = note.stem, json.loads(note.read_text())
            key = key_of(page, parts)
            if not self.recorder.store.get(key):
                with self.recorder.store.add(key, {"recipe": page, "parts": parts}) as entry:
                    for path in written_for(page, self.site.generated):
                        copy = entry / "files" / path.relative_to(self.site.generated)
                        copy.parent.mkdir(parents=True, exist_ok=True)
                        shutil.copy2(path, copy)
            note.unlink()
        if self.mode == "none":
            return
        pages = app.config.gallery_pages
        if self.stale:
            self.recorder = Recorder(self.site)  # has the recordings that were made meanwhile
        self.recorder.state(pages)
        (self.site.build / "looked").write_text(self.looked)
        if app.config.gallery_run == "stale":
            with suppress(Missing):  # an author has saved a program meanwhile: another time
                self.recorder.tidy(r for page in pages for r in self.recordings(page))


def key_of(page: str, parts: dict[str, str]) -> str:
    """Return the key under which an execution of a page is kept."""
    return digest(json.dumps(parts, sort_keys=True) + page)


def written_for(page: str, generated: Path) -> list[Path]:
    """Return what sphinx-gallery wrote for a page."""
    return [*generated.glob(f"{page}.*"), *generated.glob(f"images/**/sphx_glr_{page}_*")]


def forget(page: str, generated: Path, but: Collection[Path] = ()) -> None:
    """Delete what sphinx-gallery wrote for a page: it would take an old picture for a new one."""
    for path in {*written_for(page, generated)}.difference(but):
        path.unlink()


def restore(executed: Recording, page: str, generated: Path) -> None:
    """Write again what an execution wrote, where it is not there; with a time that Sphinx sees."""
    forget(page, generated, but={generated / name for name in executed.artifacts()})
    for name, sha256 in executed.artifacts().items():
        target = generated / name
        if not target.exists() or hash_of(target) != sha256:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(executed.folder / "files" / name, target)


def prepare(app: Sphinx, config: Config) -> None:
    """Wait for other builds; forget what a killed one half wrote."""
    site = Site(Path(app.confdir))
    site.build.mkdir(exist_ok=True)
    gallery = Gallery(site, wait_for_other_builds(site.build / "lock"))
    shutil.rmtree(site.build / "runs", ignore_errors=True)
    unfinished = unfinished_mark(app)
    if unfinished.exists():
        logger.info("the last build did not finish: reading and writing everything again")
        shutil.rmtree(app.doctreedir, ignore_errors=True)
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    unfinished.touch()
    app.connect("builder-inited", gallery.choose, priority=100)  # sphinx-gallery's own is at 500
    app.connect("builder-inited", gallery.keep, priority=600)


def wait_for_other_builds(path: Path) -> TextIO:
    """Return `path`, opened and locked, when no other build holds it any more."""
    file = path.open("a+")
    # Programs inherit the lock: the next build does not run beside the orphan of a killed one.
    os.set_inheritable(file.fileno(), True)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        print(f"another build is running (process {file.read()}); waiting for it", flush=True)
        fcntl.flock(file, fcntl.LOCK_EX)
    file.seek(0)
    file.truncate()
    file.write(str(os.getpid()))
    file.flush()
    return file


def unfinished_mark(app: Sphinx) -> Path:
    """Return the file that stands beside the doctrees while a build goes on."""
    return Path(app.doctreedir).with_name(Path(app.doctreedir).name + ".unfinished")


def finish(app: Sphinx, error: Exception | None) -> None:
    """Remember that this build is whole."""
    if error is None:
        unfinished_mark(app).unlink(missing_ok=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_config_value("gallery_pages", [], "env")
    app.add_config_value("gallery_run", "stale", "")
    app.connect("config-inited", prepare, priority=1)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
