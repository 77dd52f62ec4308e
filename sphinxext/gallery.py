"""Let sphinx-gallery run a page again exactly when something that it was made from has changed.

sphinx-gallery itself goes by the hash of a page's file: prose runs it again, a changed program
does not. So it is given *staged* pages: code without comments, and a marker in place of
prose. Prose and code are put back when Sphinx reads what sphinx-gallery made of them. A page
whose record (see `needs`) no longer holds loses sphinx-gallery's hash, and runs.

sphinx-gallery runs a page where it lies, so staged code first changes to the workspace.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import sys
import warnings
from pathlib import Path
from typing import Any, TextIO

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx_gallery.py_source_parser import remove_ignore_blocks

from sphinxext import dataset, runner
from sphinxext.layout import Site
from sphinxext.needs import Needs, blocks_of, digest, hash_of, without_comments

logger = logging.getLogger(__name__)
PROSE, CODE = "@prose {}@", "@code {}@"  # the markers
ENTER = "__import__('os').chdir('../workspace')"
lock: TextIO  # held until the process ends
needs: Needs
needed: dict[str, str]  # what the page that is running is made from
stale: list[str] = []  # the pages that this build runs


def page_order(file_name: str) -> int:
    """Sort pages as `gallery_pages` lists them (sphinx-gallery's within_subsection_order)."""
    return needs.order.index(Path(file_name).stem)


def prepare(app: Sphinx, config: Config) -> None:
    """Wait for other builds; forget what a killed one half wrote."""
    global lock
    site = runner.site = Site(Path(app.confdir))
    site.build.mkdir(exist_ok=True)
    lock = wait_for_other_builds(site.build / "lock")
    unfinished = unfinished_mark(app)
    if unfinished.exists():
        logger.info("the last build did not finish: reading and writing everything again")
        shutil.rmtree(app.doctreedir, ignore_errors=True)
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    unfinished.touch()


def wait_for_other_builds(path: Path) -> TextIO:
    """Return `path`, opened and locked, when no other build holds it any more."""
    file = path.open("a+")
    # Programs inherit the lock: the orphan of a killed build would write into the workspace.
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


def stage(app: Sphinx) -> None:
    """Stage all pages, and decide which of them run (before sphinx-gallery starts)."""
    global needs
    site, config = runner.site, app.config
    executes = app.builder.format == "html"
    config.sphinx_gallery_conf["plot_gallery"] = executes
    run = config.gallery_run if executes else "none"
    needs = Needs(site, config.gallery_pages, dataset.identity(site))
    for folder in (site.workspace, site.staged):
        folder.mkdir(parents=True, exist_ok=True)
    stale.clear()
    for stem in needs.order:
        staged = staged_source(site.pages / f"{stem}.py")
        if not wanted(stem, run):
            # Keep what the last build made of it: its source then is the source of that build.
            previous = site.generated / f"{stem}.py"
            staged = previous.read_text() if previous.exists() else staged
        elif reason := why_stale(site, stem) or (stem == run and "it was asked for"):
            stale.append(stem)
            forget(site, stem)
            logger.info(f"{stem} runs: {reason}")
        (site.staged / f"{stem}.py").write_text(staged, encoding="utf-8")
    shutil.copy(site.pages / "index.rst", site.staged)
    config.sphinx_gallery_conf["filename_pattern"] = rf"/({'|'.join(stale)})\.py$"
    if stale:
        needs.dataset = dataset.choose(site)


def wanted(stem: str, run: str) -> bool:
    """Return whether the configuration value gallery_run lets a page run if it is stale."""
    if run in ("stale", "none"):
        return run == "stale"
    return stem == run or stem in needs.upstream(run)


def why_stale(site: Site, stem: str) -> str:
    """Return why a page must run, or nothing if what the last build made of it still holds."""
    upstream = [page for page in needs.upstream(stem) if page in stale]
    if upstream:
        return f"{upstream[0]} runs"
    try:
        record = json.loads((site.records / f"{stem}.json").read_text())
    except (OSError, ValueError):
        return "it has not been run"
    now = now_needed(site, stem)
    for label in now.keys() | record["needs"].keys():
        if now.get(label) != record["needs"].get(label):
            return f"{label} changed"
    for name, sha256 in record["makes"].items():
        if hash_of(site.root / name) != sha256:
            return f"{name} was changed or deleted"
    return ""


def now_needed(site: Site, stem: str) -> dict[str, str]:
    """Return what a run of a page would be made from now."""
    staged = staged_source(site.pages / f"{stem}.py")
    return needs.of(stem) | {"its staged code": digest(staged)}


def forget(site: Site, stem: str) -> None:
    """Delete what says that a page is fresh."""
    (site.records / f"{stem}.json").unlink(missing_ok=True)
    (site.generated / f"{stem}.py.md5").unlink(missing_ok=True)


def segments(page: Path) -> list[tuple[str, str]]:
    """Return a page as pairs of prose and the code behind it; the last has no code."""
    pairs, prose = [], ""
    for block in blocks_of(page):
        if block.type == "text":
            prose += block.content.strip("\n") + "\n\n"
        else:
            pairs.append((prose, block.content))
            prose = ""
    return [*pairs, (prose, "")]


def staged_source(page: Path) -> str:
    """Return a page with markers for its prose, and code without comments."""
    parts = [f'"""\n{page.stem}\n{"=" * len(page.stem)}\n\n{PROSE.format(0)}\n"""']
    for number, (_, code) in enumerate(segments(page)[:-1]):
        parts.append(f"{ENTER}\n{without_comments(code)}\n# {CODE.format(number)}")
        parts.append(f"# %%\n# {PROSE.format(number + 1)}")
    return "\n\n".join(parts) + "\n"


def around_page(conf: dict[str, Any], file_name: str | None, when: str) -> None:
    """Set a page up before it runs and record it afterwards (sphinx-gallery's reset_modules)."""
    global needed
    site, stem = runner.site, Path(str(file_name)).stem
    if when == "before":
        runner.made.clear()
        needed = now_needed(site, stem)  # now, as an author may save a program while it runs
        warnings.filterwarnings("error", category=DeprecationWarning, module="__main__")
        if str(site.workspace) not in sys.path:
            sys.path.insert(0, str(site.workspace))  # a page imports the programs as a reader does
        runner.position = f"{stale.index(stem) + 1}/{len(stale)} {stem}" if stem in stale else stem
    elif (site.generated / f"{stem}.py.md5").exists():  # it ran to its end
        images = site.generated.glob(f"images/**/sphx_glr_{stem}_*")
        makes = [site.generated / f"{stem}.rst", *images, *runner.made]
        record = {
            "needs": needed,
            "makes": {str(path.relative_to(site.root)): hash_of(path) for path in sorted(makes)},
        }
        site.records.mkdir(parents=True, exist_ok=True)
        partial = site.records / f"{stem}.partial"
        partial.write_text(json.dumps(record, indent=1))
        partial.replace(site.records / f"{stem}.json")


def restore(app: Sphinx, docname: str, content: list[str]) -> None:
    """Put prose and code back into what sphinx-gallery generated (event source-read)."""
    stem = docname.removeprefix("gallery/")
    if stem == docname or stem not in needs.order:
        return
    page = runner.site.pages / f"{stem}.py"
    app.env.note_dependency(str(page), docname=docname)
    if app.builder.format != "html":  # links and messages are in prose and code alone
        content[0] = restored(None, page)
        return
    if app.config.gallery_run == "stale":
        content[0] = restored(content[0], page)
        return
    try:  # while an author is at work, prose and outputs may be of different versions
        content[0] = restored(content[0], page)
    except ExtensionError as error:
        logger.warning(str(error), type="gallery")


def restored(generated: str | None, page: Path) -> str:
    """Return the page: its own prose and code, and the outputs in `generated` if there is one."""

    def skip_to(marker: str) -> None:
        nonlocal generated
        if generated is None:
            return
        _, found, generated = generated.partition(marker + "\n")
        if not found:
            raise ExtensionError(f"{page.name}: its code is not that of the last run")

    if generated is not None:
        generated = generated.split("\n.. _sphx_glr_download_")[0] + "\n"
    parts = [f".. _page-{page.stem}:\n"]
    for number, (prose, code) in enumerate(segments(page)):
        skip_to(PROSE.format(number))
        parts.append(prose)
        if not code:
            break
        skip_to(CODE.format(number))
        shown = remove_ignore_blocks(code).strip("\n")
        if shown.strip():
            parts.append(".. code-block:: python\n\n" + re.sub(r"(?m)^(?=.)", "    ", shown))
        output = re.split(r"(?m)^\.\. GENERATED FROM PYTHON SOURCE", generated or "")[0]
        parts.append(output.strip("\n"))
    return "\n\n".join(parts) + "\n"


def finish(app: Sphinx, error: Exception | None) -> None:
    """Remember that this build is whole."""
    if error is None:
        unfinished_mark(app).unlink(missing_ok=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_config_value("gallery_pages", [], "env")
    app.add_config_value("gallery_run", "stale", "")
    app.connect("config-inited", prepare, priority=1)
    app.connect("builder-inited", stage, priority=100)  # sphinx-gallery's own is at 500
    app.connect("source-read", restore)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
