"""The recorder: looks a recording up by its key, makes it if it is not there, hands it out."""

from __future__ import annotations

import datetime
import hashlib
import itertools
import json
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

from recordings.engine import dataset, sources, versions
from recordings.engine.recipe import Recipe, read
from recordings.engine.run import Run, RunError
from recordings.engine.site import Site
from recordings.engine.store import Recording, Store, hash_of
from recordings.engine.transcript import clean

FORMAT = "1"  # of recordings; a new one makes all of them anew
# How plots look and what they say; their pages are executed again when one of these has changed.
LOOK = ("sphinxext/plots.*", "locale/*/LC_MESSAGES/plots.po")
AT_A_TIME = 2  # recipes that run: most programs keep one processor busy


class Missing(Exception):
    """A recording is not in the store, and nothing was to be run."""


class Recorder:
    """A site, its recipes and its store; hands itself on to whoever needs one of them."""

    def __init__(self, site: Site) -> None:
        """Read the recipes."""
        self.site = site
        self.store = Store(site.store)
        self.programs = site.programs()
        self.pages = {file.stem: read(file) for file in sorted(site.recipes.glob("plot_*.py"))}
        self._found: dict[str, Recording] = {}

    # Keys

    def parts(self, recipe: Recipe, *, runs: bool = False) -> dict[str, str]:
        """Return what a recording is made from, by label; hashes, versions.

        Args:
            recipe: what is recorded.
            runs: whether upstream recordings that are not in the store are made.

        Raises:
            Missing: if one is not in the store, and `runs` is false.
        """
        # What is upstream first: it may run for minutes, in which an author saves a program.
        parts = {n: digest(str(self._upstream_content(recipe, n, runs))) for n in recipe.reads}
        parts |= {"format": FORMAT, **versions.of_machine(), **self._own_code(recipe)}
        code = sources.code_of(self.programs, recipe.uses)
        parts |= {name: digest(text) for name, text in code.items()}
        parts |= {name: digest(text) for name, text in self._other_files(recipe)}
        stages = {self.site.stage(self.programs[name]) for name in code}
        found = versions.of_stages(self.site, stages)
        for tool in recipe.tools:
            found |= versions.of_tool(self.site, tool)
        parts |= {f"version of {label}": version for label, version in found.items()}
        parts |= recipe.also()
        if recipe.dataset:
            source = dataset.choose(self.site) if runs else dataset.named(self.site)
            if not source:
                raise Missing("the dataset is not chosen yet")
            parts["dataset"] = dataset.identity(source)
        return parts

    def _own_code(self, recipe: Recipe) -> dict[str, str]:
        """Return what the recipe itself consists of, with what it imports beside the engine."""
        local = {
            path.relative_to(recipe.source.parents[1]).as_posix(): path
            for path in recipe.source.parent.glob("*.py")
        }
        name = f"{recipe.source.parent.name}/{recipe.source.name}"
        code = sources.python_code(local, [(name, recipe.function.__name__)])
        return {f"recipe in {file}": digest(text) for file, text in code.items()}

    def _other_files(self, recipe: Recipe) -> Iterator[tuple[str, str]]:
        for name in recipe.files:
            path = self.site.root / name
            files = sources.files_below(path) if path.is_dir() else {path.name: path}
            for inner, file in files.items():
                yield f"{name}: {inner}", sources.without_comments(file)

    def _upstream_content(self, recipe: Recipe, name: str, runs: bool) -> list[tuple[str, str]]:
        recording = self.find(self.writer(name, recipe), runs=runs)
        return [(n, h) for n, h in recording.artifacts().items() if f"{n}/".startswith(f"{name}/")]

    def writer(self, artifact: str, reader: Recipe) -> Recipe:
        """Return the recipe that writes an artifact, for one that reads it."""
        for recipe in self.recipes():
            if artifact in recipe.writes:
                return recipe
        raise RunError(f"no recipe writes {artifact}, which {reader.name} reads")

    def recipes(self) -> Iterator[Recipe]:
        """Yield all recipes."""
        for recipes in self.pages.values():
            yield from recipes

    # Recordings

    def find(self, recipe: Recipe, *, runs: bool = False) -> Recording:
        """Return the recording of a recipe as everything is now.

        Args:
            recipe: what is recorded.
            runs: whether it is run if its recording is not in the store.

        Raises:
            Missing: if it is not in the store and `runs` is false.
        """
        if recipe.name not in self._found:
            parts = self.parts(recipe, runs=runs)
            key = digest(json.dumps(parts, sort_keys=True) + recipe.name)
            recording = self.store.get(key)
            if recording is None and runs:
                self._record(recipe, key, parts)
                recording = self.store.get(key)
            if recording is None:
                raise Missing(self.why(recipe.name, parts))
            self._found[recipe.name] = recording
        return self._found[recipe.name]

    def record(self, recipes: Iterable[Recipe]) -> None:
        """Make what is missing of the recordings, some at a time, each when it finds what it reads.

        Raises:
            Exception: the first that a recipe raised; those that were under way end before.
        """
        ordered = list(self.upstream(recipes))
        awaited_by = Counter(other.name for recipe in ordered for other in self.upstream([recipe]))
        slots, stop = Slots(AT_A_TIME), threading.Event()
        made: dict[str, Future[Recording]] = {}

        def make(recipe: Recipe, rests_on: list[Future[Recording]]) -> Recording:
            for other in rests_on:
                other.result()
            with slots.taken(alone=recipe.alone, awaited_by=awaited_by[recipe.name]):
                if stop.is_set():
                    raise CancelledError
                return self.find(recipe, runs=True)

        with ThreadPoolExecutor(len(ordered) or 1) as pool:
            for recipe in ordered:
                writers = {self.writer(artifact, recipe).name for artifact in recipe.reads}
                made[recipe.name] = pool.submit(make, recipe, [made[name] for name in writers])
            try:
                done, _ = wait(made.values(), return_when=FIRST_EXCEPTION)
            finally:
                stop.set()
        for future in done:
            future.result()

    def why(self, name: str, parts: Mapping[str, str]) -> str:
        """Return how the last recording of a recipe or page differs from what would be made now."""
        for recording in self.store.recordings():
            if recording.facts["recipe"] == name:
                before = recording.facts["parts"]
                changed = [n for n in parts.keys() | before.keys() if parts.get(n) != before.get(n)]
                return f"{', '.join(sorted(changed)[:3])} changed" if changed else "it was damaged"
        return "it has not been run"

    def _record(self, recipe: Recipe, key: str, parts: Mapping[str, str]) -> None:
        folder = self.site.build / "runs" / recipe.name  # bundlers write names that depend on it
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        source = dataset.choose(self.site) if recipe.dataset else ""
        run = Run(recipe, self.site, folder, source)
        run.show(f"runs: {self.why(recipe.name, parts)}\n")
        try:
            self._fill(folder, recipe)
            recipe.function(run)
            self._keep(run, key, parts)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _keep(self, run: Run, key: str, parts: Mapping[str, str]) -> None:
        facts = {
            "recipe": run.recipe.name,
            "parts": dict(parts),
            "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - run.started, 1),
            "processor": versions.processor(),  # no part of the key: results do not depend on it
            "outputs": run.outputs,
        }
        with self.store.add(key, facts) as entry:
            (entry / "outputs").mkdir()
            for output, printed in run.printed.items():
                (entry / "outputs" / output).write_bytes(printed.encode())
            for artifact in run.recipe.writes:
                _copy(run.folder, entry / "files", artifact, f"{run.recipe.name} did not write")

    def _fill(self, folder: Path, recipe: Recipe) -> None:
        """Put what a recipe declares into the folder in which it runs."""
        for name in sources.code_of(self.programs, recipe.uses):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.programs[name], folder / name)
        for artifact in recipe.reads:
            writer = self.writer(artifact, recipe)
            files = self.find(writer, runs=True).folder / "files"
            _copy(files, folder, artifact, f"{writer.name} did not write")

    # The workspace

    def take(self, page: str) -> None:
        """Put the recordings of a page, and those that they rest on, into the workspace."""
        recipes = list(self.upstream(self.pages.get(page, [])))
        self.publish([self.find(recipe, runs=True) for recipe in recipes])
        _rewrite(self.site.notes / f"{page}.json", json.dumps(self.made_from(page)))

    def made_from(self, page: str) -> dict[str, str]:
        """Return what an execution of a page shows: recordings, programs, versions, the look.

        Raises:
            Missing: if one of its recordings is not in the store.
        """
        recipes = self.pages.get(page, [])
        parts = {f"recording of {recipe.name}": self.find(recipe).key for recipe in recipes}
        script = self.site.pages / f"{page}.py"
        code = sources.code_of({**self.programs, script.name: script}, [script.name])
        parts |= {name: digest(text) for name, text in code.items() if name != script.name}
        parts["its text"] = hash_of(script)
        parts["conf.py"] = digest(sources.without_comments(self.site.root / "conf.py"))
        look = [path for pattern in LOOK for path in sorted(self.site.root.glob(pattern))]
        parts |= {path.relative_to(self.site.root).as_posix(): hash_of(path) for path in look}
        parts |= versions.closure(["sphinx-gallery", "matplotlib"])
        return parts | versions.of_stages(self.site, [])

    def upstream(self, recipes: Iterable[Recipe]) -> Iterator[Recipe]:
        """Yield recipes behind those whose artifacts they read."""
        seen: set[str] = set()

        def walk(recipe: Recipe) -> Iterator[Recipe]:
            if recipe.name not in seen:
                seen.add(recipe.name)
                for artifact in recipe.reads:
                    yield from walk(self.writer(artifact, recipe))
                yield recipe

        for recipe in recipes:
            yield from walk(recipe)

    def publish(self, recordings: Iterable[Recording]) -> None:
        """Write artifacts and outputs of recordings where pages and chapters read them."""
        for recording in recordings:
            for name in recording.artifacts():
                _renew(recording.folder / "files" / name, self.site.workspace / name)
            for name, how in recording.facts["outputs"].items():
                _rewrite(self.site.outputs / f"{name}.txt", shown(recording, name, how))

    def state(self, pages: Iterable[str]) -> None:
        """Write down what is known of the recordings that the last build has shown.

        Where one does not fit the sources any more, the last one stands, with the reason.
        """
        before = json.loads(self.site.made.read_text()) if self.site.made.exists() else {}
        made: dict[str, object] = {"sources": hash_of_sources(self.site)}
        for recipe in (recipe for page in pages for recipe in self.pages.get(page, [])):
            try:
                recording = self.find(recipe)
                made[recipe.name] = recording.facts | {"key": recording.key, "older": ""}
            except Missing as missing:
                if recipe.name in before:
                    made[recipe.name] = before[recipe.name] | {"older": str(missing)}
        _rewrite(self.site.made, json.dumps(made))

    def publish_programs(self) -> None:
        """Put programs and pages into the workspace, as a reader has them."""
        for name in self._programs_shown():
            _renew(self.programs[name], self.site.workspace / name)
        pages = {path.name for path in self.site.pages.glob("*.*")}
        for old in self.site.workspace.glob("plot_*.py"):
            if old.name not in pages:
                old.unlink()
        for name in pages:
            link = self.site.workspace / name
            target = os.path.relpath(self.site.pages / name, self.site.workspace)
            if not (link.is_symlink() and os.readlink(link) == target):
                link.unlink(missing_ok=True)
                link.symlink_to(target)

    def _programs_shown(self) -> list[str]:
        """Return what goes to the workspace: a README would make a section of the gallery."""
        return [name for name in self.programs if not name.endswith("README.md")]

    def tidy(self, recordings: Iterable[Recording]) -> None:
        """Delete what the workspace holds beside programs, pages and these recordings.

        Raises:
            RunError: if two of them have an output of the same name.
        """
        recordings = list(recordings)
        outputs = Counter(name for r in recordings for name in r.facts["outputs"])
        if twice := sorted(name for name, count in outputs.items() if count > 1):
            raise RunError(f"more than one recipe keeps {', '.join(twice)}")
        artifacts = {name for r in recordings for name in r.artifacts()}
        pages = {path.name for path in self.site.pages.glob("*.*")}
        _keep_only(self.site.workspace, artifacts | {*self._programs_shown()} | pages)
        _keep_only(self.site.outputs, {f"{name}.txt" for name in outputs})
        self.store.trim()


class Slots:
    """Room for some recipes at a time, or for one that is alone.

    One that is alone begins when all slots are free, so that none of them is kept empty for it;
    of the others, that begins first on which most of the rest waits.
    """

    def __init__(self, count: int) -> None:
        """Begin with `count` free slots."""
        self._count = self._free = count
        self._waiting: list[tuple[bool, int, int]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()

    def _next(self) -> tuple[bool, int, int] | None:
        """Return who may begin now, if anybody may."""
        alone = self._free == self._count and any(waits[0] for waits in self._waiting)
        ready = [waits for waits in self._waiting if waits[0] == alone] if self._free else []
        return min(ready, default=None)

    @contextmanager
    def taken(self, *, alone: bool, awaited_by: int = 0) -> Iterator[None]:
        """Wait for a slot, or for all of them, and hold them; `awaited_by` others wait for this."""
        wanted = self._count if alone else 1
        with self._changed:
            own = (alone, -awaited_by, next(self._numbers))
            self._waiting.append(own)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._next() == own)
            self._waiting.remove(own)
            self._free -= wanted
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += wanted
                self._changed.notify_all()


def shown(recording: Recording, name: str, how: Mapping[str, object]) -> str:
    """Return an output as pages show it: the command, then what stays of what it printed."""
    printed = (recording.folder / "outputs" / name).read_bytes().decode()
    places, log = how["places"], bool(how["log"])
    assert isinstance(places, dict)
    return f"$ {how['command']}\n{clean(printed, places, log=log)}"


def hash_of_sources(site: Site) -> str:
    """Return a hash of all programs and recipes, comments included: quickly found."""
    files = [*site.programs().values(), *sorted(site.recipes.glob("**/*.*"))]
    names = [path for path in files if path.is_file() and "__pycache__" not in path.parts]
    return digest("".join(hash_of(path) for path in names))


def digest(text: str) -> str:
    """Return a short hash of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _copy(source: Path, target: Path, name: str, complaint: str) -> None:
    path, copy = source / name, target / name
    copy.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, copy, dirs_exist_ok=True)
    elif path.exists():
        shutil.copy2(path, copy)
    else:
        raise RunError(f"{complaint} {name}")


def _renew(source: Path, target: Path) -> None:
    """Copy a file, unless the copy has its size and time; whole or not at all."""
    before, after = source.stat(), target.stat() if target.exists() else None
    if after and (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".partial-{target.name}")
    shutil.copy2(source, partial)
    partial.replace(target)


def _rewrite(path: Path, text: str) -> None:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _keep_only(folder: Path, names: Iterable[str]) -> None:
    kept = {folder / name for name in names}
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_symlink() or path.is_file():
            if path not in kept:
                path.unlink()
        elif not any(path.iterdir()):
            path.rmdir()
