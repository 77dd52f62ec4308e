"""Recordings by key, like a compiler's cache: whole or not there, and bounded in size."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

LIMIT_BYTES = 2 * 10**9
ABANDONED_SECONDS = 3600  # since then nobody fills it any more: its build was killed
_FACTS = "recording.json"


@dataclass(frozen=True)
class Recording:
    """What a recipe printed (`outputs/`) and wrote (`files/`), and the facts of its run."""

    folder: Path

    @property
    def key(self) -> str:
        """The key under which it is kept."""
        return self.folder.name

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What `Store.add` was given, and `content`: size and hash of each file."""
        facts: dict[str, Any] = json.loads((self.folder / _FACTS).read_text())
        return facts

    def artifacts(self) -> dict[str, str]:
        """Return the hashes of what was written, by path."""
        return {
            name.removeprefix("files/"): sha256
            for name, sha256 in self.facts["content"].items()
            if name.startswith("files/")
        }

    def is_whole(self) -> bool:
        """Return whether all of it is there as it was kept."""
        try:
            return bool(content(self.folder) == self.facts["content"])
        except (OSError, ValueError, KeyError):
            return False


def content(folder: Path) -> dict[str, str]:
    """Return the hashes of the files below `folder`, but for that of the facts."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != _FACTS)
    return {path.relative_to(folder).as_posix(): hash_of(path) for path in files}


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Store:
    """A folder with one folder a recording."""

    def __init__(self, folder: Path, limit: int = LIMIT_BYTES) -> None:
        """Keep recordings in `folder`, of `limit` bytes together."""
        self.folder, self.limit = folder, limit

    def get(self, key: str) -> Recording | None:
        """Return the recording under a key; a damaged one is thrown away."""
        recording = Recording(self.folder / key)
        if not recording.folder.exists():
            return None
        if not recording.is_whole():
            shutil.rmtree(recording.folder)
            return None
        os.utime(recording.folder)  # it was used now
        return recording

    @contextmanager
    def add(self, key: str, facts: dict[str, Any]) -> Iterator[Path]:
        """Yield a folder to be filled; when the block ends, it is the recording under `key`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".partial-") as name:
            partial = Path(name, key)
            partial.mkdir()
            yield partial
            whole = {**facts, "content": content(partial)}
            (partial / _FACTS).write_text(json.dumps(whole, ensure_ascii=False, indent=1))
            try:
                partial.rename(self.folder / key)
            except OSError:  # another build of another tree was faster; what it kept is as good
                if not (self.folder / key).exists():
                    raise

    def recordings(self) -> list[Recording]:
        """Return all recordings, the one that was used last first."""
        folders = [path for path in self.folder.glob("[!.]*") if (path / _FACTS).exists()]
        return [Recording(path) for path in sorted(folders, key=_last_use, reverse=True)]

    def trim(self) -> None:
        """Throw away what killed builds left, and what was not used for longest until all fits."""
        for partial in self.folder.glob(".partial-*"):
            if _last_use(partial) < time.time() - ABANDONED_SECONDS:
                shutil.rmtree(partial)
        size = 0
        for recording in self.recordings():
            size += sum(path.stat().st_size for path in recording.folder.rglob("*"))
            if size > self.limit:
                shutil.rmtree(recording.folder)


def _last_use(folder: Path) -> float:
    return folder.stat().st_mtime
