"""What of the sources a recording depends on: the code that is reached, without comments.

Between Python programs each imported definition is followed by itself, so that an edit elsewhere
in a shared module runs nothing. Between JavaScript modules whole files are followed.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pygments.lexers import get_lexer_by_name
from pygments.token import Comment

WHOLE = "*"
Place = tuple[str, str]  # a module and the name of a definition in it, or WHOLE
_LANGUAGES = {  # as Pygments calls them
    **{".py": "python", ".mjs": "javascript", ".java": "java", ".kt": "kotlin", ".kts": "kotlin"},
    **{".xml": "xml", ".toml": "toml", ".yaml": "yaml", ".sh": "bash", ".css": "css"},
    **{".c": "c", ".h": "c", ".cc": "cpp", ".html": "html", ".conf": "nginx"},
}
_JS_IMPORT = re.compile(r"""(?:\bfrom|\bimport)\s*\(?\s*["']\./([\w./-]+)["']""")
_GENERATED = {"build", ".gradle", ".idea", "local.properties", "__pycache__"}  # by other tools


def code_of(paths: Mapping[str, Path], used: Iterable[str]) -> dict[str, str]:
    """Return the code that `used` consists of and all that it imports, by file name.

    Args:
        paths: all files that can be used or imported, by their names in the reader's folder.
        used: names of files; a name that ends with a slash stands for all files of that folder.
    """
    code: dict[str, str] = {}
    python: list[str] = []
    queue = [name for word in used for name in _named(paths, word)]
    while queue:
        name = queue.pop()
        if name in code or name in python:
            continue
        if name.endswith(".py"):
            python.append(name)
        else:
            code[name] = without_comments(paths[name])
            if name.endswith(".mjs"):
                queue += [n for n in _JS_IMPORT.findall(code[name]) if n in paths]
    python_paths = {name: path for name, path in paths.items() if name.endswith(".py")}
    return code | python_code(python_paths, [(name, WHOLE) for name in python])


def _named(paths: Mapping[str, Path], word: str) -> list[str]:
    names = [name for name in paths if name == word or (word[-1] == "/" and name.startswith(word))]
    if not names:
        raise KeyError(f"{word} is none of the programs")
    return names


def python_code(paths: Mapping[str, Path], used: Iterable[Place]) -> dict[str, str]:
    """Return the statements that definitions reach, in their files and in what these import.

    Args:
        paths: the files that can be imported.
        used: a file and the name of a definition in it, or WHOLE.
    """
    files = {_module_name(name): name for name in paths}
    reached: dict[str, set[int]] = {}
    seen: set[Place] = set()
    queue = [(_module_name(name), definition) for name, definition in used]
    while queue:
        module, definition = place = queue.pop()
        if place in seen or module not in files:
            continue
        seen.add(place)
        parsed = _parsed(paths[files[module]])
        chosen = reached.setdefault(files[module], set())
        for index in parsed.statements(definition) - chosen:
            chosen.add(index)
            queue += parsed.references(files[module], index)
    return {
        name: "\n".join(_parsed(paths[name]).text(i) for i in sorted(indices))
        for name, indices in reached.items()
    }


def _module_name(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


class _Module:
    """A Python file as its top-level statements and the names that they define."""

    def __init__(self, source: str) -> None:
        self.body = ast.parse(source).body
        self.defined: dict[str, set[int]] = {}
        self.always: set[int] = set()
        for index, statement in enumerate(self.body):
            names = set(_defined_by(statement))
            for name in names:
                self.defined.setdefault(name, set()).add(index)
            if not names and not _is_text(statement) and not _is_main_guard(statement):
                self.always.add(index)

    def statements(self, name: str) -> set[int]:
        """Return the statements behind a name; what defines nothing always counts."""
        if name == WHOLE:
            return set(range(len(self.body)))
        return self.defined.get(name, set()) | self.always

    @functools.cache  # noqa: B019  # modules are kept for as long as the cache of _parsed_text
    def text(self, index: int) -> str:
        """Return a statement without comments."""
        return ast.unparse(self.body[index])

    @functools.cache  # noqa: B019
    def references(self, file: str, index: int) -> list[Place]:
        """Return what a statement refers to: definitions beside it, and those that it imports."""
        return list(self._references(file, index))

    def _references(self, file: str, index: int) -> Iterator[Place]:
        statement, module = self.body[index], _module_name(file)
        attributes, names = _names_in(statement)
        for name in (attributes.keys() | names) & self.defined.keys():
            yield module, name
            for definition in (self.body[i] for i in self.defined[name]):
                if isinstance(definition, ast.Import):
                    full = next(a.name for a in definition.names if _bound(a) == name)
                    yield from ((full, a) for a in ({WHOLE} if name in names else attributes[name]))
        for node in ast.walk(statement):
            if isinstance(node, ast.ImportFrom):
                parent = file.rpartition("/")[0].replace("/", ".") if node.level else ""
                source = ".".join(filter(None, [parent, node.module]))
                for alias in node.names:
                    yield source, alias.name
                    yield f"{source}.{alias.name}", WHOLE  # where it is a module of a package
            elif isinstance(node, ast.Import) and node is not statement:
                yield from ((alias.name, WHOLE) for alias in node.names)


def _parsed(path: Path) -> _Module:
    return _parsed_text(path.read_text(encoding="utf-8"))


@functools.lru_cache(maxsize=512)  # by content: an edit in the middle of a build is seen
def _parsed_text(source: str) -> _Module:
    return _Module(source)


def _bound(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_main_guard(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and "__name__" in ast.unparse(statement.test)


def _defined_by(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        yield from (_bound(alias) for alias in statement.names)
    elif isinstance(statement, ast.Assign | ast.AnnAssign):
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id


def _names_in(statement: ast.stmt) -> tuple[dict[str, set[str]], set[str]]:
    """Return the names of which only attributes are used, with these, and all other names."""
    attributes: dict[str, set[str]] = {}
    inner: set[int] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            attributes.setdefault(node.value.id, set()).add(node.attr)
            inner.add(id(node.value))
    names = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and id(n) not in inner}
    return attributes, names


def without_comments(path: Path) -> str:
    """Return the text of a file without comments; of a file in no known language, all of it."""
    content = path.read_bytes()
    language = _LANGUAGES.get(path.suffix)
    return _stripped(content.decode(), language) if language else content.hex()


@functools.lru_cache(maxsize=512)
def _stripped(text: str, language: str) -> str:
    if language == "python":
        return ast.unparse(ast.parse(text))
    code = (Comment.Preproc, Comment.PreprocFile, Comment.Hashbang)  # comments only to Pygments
    tokens = get_lexer_by_name(language, stripnl=False).get_tokens(text)
    kept = "".join(value for kind, value in tokens if kind not in Comment or kind in code)
    return "\n".join(line.rstrip() for line in kept.splitlines() if line.strip())


def files_below(folder: Path) -> dict[str, Path]:
    """Return the files of a folder by their path in it, without what other tools generate."""
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not _GENERATED & set(path.relative_to(folder).parts)
    }
