"""Let sphinx-gallery execute a page again when what it shows has changed.

sphinx-gallery goes by the hash of a page's file alone. A page whose recordings, programs or
pictures are not those of its last execution loses that hash, and is executed.

Pages are linked into the workspace, so that sphinx-gallery executes them in a reader's folder.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging

from recordings.engine import dataset
from recordings.engine.recorder import Missing, Recorder
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

    def choose(self, app: Sphinx) -> None:
        """Decide which pages are executed (before sphinx-gallery starts)."""
        site, recorder, conf = self.site, self.recorder, app.config.sphinx_gallery_conf
        for folder in (site.workspace, site.generated):
            folder.mkdir(parents=True, exist_ok=True)
        recorder.publish_programs()
        self.forget_pages_that_are_gone()
        mode = app.config.gallery_run if app.builder.format == "html" else "none"
        allowed = [page for page in app.config.gallery_pages if self.may_run(page, mode)]
        for page in allowed:
            if reason := self.why_stale(page) or (page == mode and "it was asked for"):
                logger.info(f"{page} is executed: {reason}")
                self.stale.append(page)
                (site.generated / f"{page}.py.md5").unlink(missing_ok=True)
            if self.is_recorded(page):
                recorder.publish(self.recordings(page))
        if self.stale:
            os.environ[dataset.VARIABLE] = dataset.choose(site)  # for the code of the pages
        conf["plot_gallery"] = bool(allowed)
        conf["filename_pattern"] = rf"/({'|'.join(allowed)})\.py$"

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

    def why_stale(self, page: str) -> str:
        """Return why a page is to be executed, or "" if what was generated still holds."""
        try:
            now = self.recorder.made_from(page)
            last = json.loads(self.site.state(page).read_text())
        except Missing as missing:
            return str(missing)
        except (OSError, ValueError):
            return "it has not been executed"
        before = last["from"]
        if changed := [name for name in now.keys() | before if now.get(name) != before.get(name)]:
            return f"{min(changed)} changed"
        same = last.get("made") == self.made(page)
        return "" if same else "what was generated is not what it was"

    def made(self, page: str) -> dict[str, str]:
        """Return the hashes of what sphinx-gallery wrote for a page."""
        folder = self.site.generated
        files = [folder / f"{page}.rst", *sorted(folder.glob(f"images/**/sphx_glr_{page}_*"))]
        return {path.name: hash_of(path) for path in files if path.exists()}

    def forget_pages_that_are_gone(self) -> None:
        """Delete what sphinx-gallery wrote for pages that there are no more."""
        for script in self.site.generated.glob("plot_*.py"):
            if not (self.site.pages / script.name).exists():
                for path in self.site.generated.rglob(f"*{script.stem}[._]*"):
                    path.unlink()

    def keep_state(self, app: Sphinx) -> None:
        """Complete what pages noted of their execution (after sphinx-gallery), and tidy up."""
        for file in self.site.build.glob("pages/*.json"):
            state = json.loads(file.read_text())
            if "made" not in state:  # executed just now, for our reasons or for a changed sentence
                file.write_text(json.dumps(state | {"made": self.made(file.stem)}))
        if app.builder.format == "html" and app.config.gallery_run == "stale":
            if self.stale:
                self.recorder = Recorder(self.site)  # has the recordings that were made meanwhile
            pages = app.config.gallery_pages
            with suppress(Missing):  # an author has saved a program meanwhile: another time
                self.recorder.tidy(r for page in pages for r in self.recordings(page))


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
    app.connect("builder-inited", gallery.keep_state, priority=600)


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
