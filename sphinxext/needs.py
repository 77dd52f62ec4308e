"""What a page depends on, read from its code and from that of the programs it uses.

A page needs a program, or a data file beside the programs, when its code names the file or
imports it; programs, in Python or JavaScript, need one another in the same way. It needs the
packages that any of them imports, the commands they run, and the pages whose artifacts they name.
Comments do not count, nor does the prose of pages.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib
import importlib.metadata
import platform
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from sphinx_gallery.py_source_parser import Block, split_code_and_text_blocks

from sphinxext.layout import Site

WORD_ENDS = r"[\s='\"`/]+"


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of text and of code that a page consists of."""
    blocks: list[Block] = split_code_and_text_blocks(page)[1]
    return blocks


def code_of(page: Path) -> str:
    """Return the code of a page without its prose and comments."""
    code = [block.content for block in blocks_of(page) if block.type == "code"]
    return without_comments("\n".join(code))


@functools.cache  # programs are needed by several pages
def without_comments(code: str) -> str:
    """Return `code` as Python itself would write it. Docstrings stay: --help prints them."""
    return ast.unparse(ast.parse(code))


class Needs:
    """The dependencies of all pages of a site, as `label: hash or version` for each page."""

    def __init__(self, site: Site, order: list[str], dataset: str) -> None:
        """Read pages and programs; `dataset` identifies the content of the dataset."""
        self.order = order
        self.dataset = dataset
        self.programs = site.programs()
        self.pages = {stem: code_of(site.pages / f"{stem}.py") for stem in order}
        self.writes = {stem: list(artifacts(code)) for stem, code in self.pages.items()}
        self.root = site.root

    def upstream(self, stem: str) -> list[str]:
        """Return the earlier pages whose artifacts `stem`, its programs or modules name."""
        sources = [self.pages[stem], *(self._source(name) for name in self._used_by(stem))]
        sources += [path.read_text(encoding="utf-8") for _, path in self._local_modules(stem)]
        named = [text for source in sources for text in strings(source)]
        earlier = self.order[: self.order.index(stem)]
        return [
            page
            for page in earlier
            if any(
                re.search(rf"(?<!\w){re.escape(artifact)}(?!\w)", text)
                for artifact in self.writes[page]
                for text in named
            )
        ]

    def of(self, stem: str) -> dict[str, str]:
        """Return what `stem` was made from; it is stale when anything in it has changed."""
        used = self._used_by(stem)
        sources = [self.pages[stem], *(self._source(name) for name in used)]
        needs = {"its code": digest(self.pages[stem])}
        needs |= {name: digest(self._source(name)) for name in used}
        needs |= {
            f"version of {name}": version
            for source in sources
            for name, version in packages(source).items()
        }
        for module, path in self._local_modules(stem):
            needs[path.stem] = digest(path.read_text())
            inputs: Callable[[], dict[str, str]]
            inputs = getattr(importlib.import_module(module), "inputs", dict)
            needs |= inputs()
        needs["version of Python"] = platform.python_version()
        if "mnist_data.py" in used:
            needs["dataset"] = self.dataset
        for page in self.upstream(stem):
            needs[f"page {page}"] = digest(str(self.of(page)))
        return dict(sorted(needs.items()))

    def _local_modules(self, stem: str) -> Iterator[tuple[str, Path]]:
        """Yield the site's own modules that a page imports, like the one that runs programs.

        What such a module finds outside of the site, its function `inputs` says, if it has one.
        """
        for module in imports(self.pages[stem], full=True):
            path = self.root.joinpath(*module.split(".")).with_suffix(".py")
            if path.is_file():
                yield module, path

    def _used_by(self, stem: str) -> list[str]:
        used: set[str] = set()
        queue = [mentioned(self.pages[stem])]
        while queue:
            for name in queue.pop() & self.programs.keys() - used:
                used.add(name)
                queue.append(mentions(self.programs[name]))
        return sorted(used)

    def _source(self, name: str) -> str:
        path = self.programs[name]
        if path.suffix == ".py":
            return without_comments(path.read_text(encoding="utf-8"))
        return hash_of(path) or ""


def digest(text: str) -> str:
    """Return a short hash of `text`."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def hash_of(path: Path) -> str | None:
    """Return the SHA-256 of a file, or of all files in a folder; None where there is nothing."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        hashes = "".join(f"{file.relative_to(path)} {hash_of(file)}\n" for file in files)
        return hashlib.sha256(hashes.encode()).hexdigest()
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


def mentioned(source: str) -> set[str]:
    """Return the words of a Python source that may be names of files, and what it imports."""
    return words(source) | {f"{name}.py" for name in imports(source)}


def mentions(path: Path) -> set[str]:
    """Return what a program mentions, the names of files among it; of other files, nothing."""
    if path.suffix == ".py":
        return mentioned(without_comments(path.read_text(encoding="utf-8")))
    if path.suffix == ".mjs":
        return set(re.split(WORD_ENDS, path.read_text(encoding="utf-8")))
    return set()


@functools.cache
def strings(source: str) -> list[str]:
    """Return the string constants of a Python source; none of what is not Python."""
    return [
        node.value
        for node in ast.walk(ast.parse(source if not _is_hash(source) else ""))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


@functools.cache
def words(source: str) -> set[str]:
    """Return the words of a source's string constants, as in a command or a path."""
    return {word for text in strings(source) for word in re.split(WORD_ENDS, text)}


@functools.cache
def imports(source: str, full: bool = False) -> set[str]:
    """Return the modules that a Python source imports, by their first or by their `full` name.

    Of `from a import b`, the full names are `a` and `a.b`: either may be a module.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(source if not _is_hash(source) else "")):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found if full else {name.split(".")[0] for name in found}


def artifacts(code: str) -> Iterator[str]:
    """Yield what the calls of `run` in a page say that they write."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "run":
            for keyword in node.keywords:
                if keyword.arg == "writes":
                    yield from ast.literal_eval(keyword.value)


@functools.cache
def packages(source: str) -> dict[str, str]:
    """Return the versions of the packages that a source imports or whose commands it runs."""
    found = {}
    for module in imports(source) - set(sys.stdlib_module_names):
        for name in _distributions_of(module):
            found[name] = importlib.metadata.version(name)
    commands = {text.split()[0] for text in strings(source) if text.split()}
    return found | dict(_commands()[name] for name in commands & _commands().keys())


@functools.cache
def _distributions_of(module: str) -> list[str]:
    """Return the distributions that bring `module`: mostly the one of its name, found fast."""
    try:
        return [importlib.metadata.distribution(module).name]
    except importlib.metadata.PackageNotFoundError:
        return list(_all_distributions().get(module, []))


@functools.cache
def _all_distributions() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()  # reads the list of files of each


@functools.cache
def _commands() -> dict[str, tuple[str, str]]:
    """Return distribution and version by installed command."""
    return {
        script.name: (script.dist.name, script.dist.version)
        for script in importlib.metadata.entry_points(group="console_scripts")
        if script.dist
    }


def _is_hash(source: str) -> bool:
    return bool(re.fullmatch(r"[0-9a-f]{64}", source))
