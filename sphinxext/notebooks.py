"""Each page with commands as a Jupyter notebook in the page's language, beside the page.

Its commands are cells that run from top to bottom in an empty folder; everything else is Markdown.
`recordings/commands.py` says what a command is, and what a page needs before it begins.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Any

import nbformat
from docutils import nodes
from nbformat import v4
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.errors import ExtensionError

from recordings.commands import BEFORE, FIGURES, INSTALLS, Block
from recordings.engine.site import Site
from sphinxext.markdown import Converter, base_of

WORDS = "notebook.html"
HELPERS = "docs/_templates"  # the code that a notebook brings along
PORT = re.compile(r"--rest_api_port=(\d+)")
HIDDEN = nodes.comment | nodes.target | addnodes.toctree


def is_console(node: nodes.Node) -> bool:
    """Return whether a node is a block that may have commands."""
    return isinstance(node, nodes.literal_block) and node["language"] == "console"


def is_plot(node: nodes.Node) -> bool:
    """Return whether a node is code that sphinx-gallery has executed; it writes Python so."""
    return isinstance(node, nodes.literal_block) and node["language"] == "Python"


def pieces(node: nodes.Element, level: int = 0) -> Iterator[tuple[int, nodes.Element]]:
    """Yield what a page is made of, each at its level: cells, and the largest nodes without one."""
    for_windows = False  # the label of a tab stands before what it shows
    for child in node.children:
        if not isinstance(child, nodes.Element) or isinstance(child, HIDDEN):
            continue
        inner = any(child.findall(lambda part: is_console(part) or is_plot(part)))
        if isinstance(child, nodes.section):
            yield from pieces(child, level + 1)
        elif inner and not isinstance(child, nodes.literal_block):
            if not for_windows:
                yield from pieces(child, level)
        else:
            yield level, child
        for_windows = child.get("sync_id") == "windows"


class Notebook:
    """The notebook of one page, which grows from top to bottom."""

    def __init__(self, app: Sphinx, page: str) -> None:
        """Begin with nothing."""
        self.app, self.page, self.site = app, page, Site(Path(app.confdir))
        self.cells: list[Any] = []
        self.html: list[str] = []  # prose that waits for its cell
        self.with_server = self.installed = False

    def build(self, tree: nodes.document) -> Any:
        """Return the notebook of a resolved page."""
        found = list(pieces(tree))
        first = (i for i, (level, node) in enumerate(found) if level > 1 or is_console(node))
        begin = next(first, len(found))  # behind the introduction
        for number, (level, node) in enumerate(found):
            if number == begin:
                self.prepare()
            self.take(node, level)
        self.end()
        for number, cell in enumerate(self.cells):
            cell["id"] = f"cell-{number}"  # the same in each build
        metadata = {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        }
        return v4.new_notebook(cells=self.cells, metadata=metadata)

    def prepare(self) -> None:
        """Add the cells that bring what the page needs."""
        self.say("programs")
        self.code(
            self.helper("programs").replace('PROGRAMS = ""', f'PROGRAMS = "{self.programs()}"')
        )
        self.command("pip install -r requirements.txt")
        before = BEFORE.get(self.page, [])
        if before:
            self.say("before")
        for need in before:
            if need.endswith(".txt"):
                self.command(f"pip install -r {need}")
            elif " " in need:
                self.command(need)
            else:
                text = (self.site.outputs / f"{need}.txt").read_text(encoding="utf-8")
                command = text.partition("\n")[0].removeprefix("$ ")
                output = nodes.make_id(need)
                if PORT.search(command):
                    self.serve(command, output)
                else:
                    self.command(command, output)
        for name in FIGURES.get(self.page, []):
            if name == FIGURES[self.page][0]:
                self.say("figures")
            figures = (self.site.workspace / name).read_text(encoding="utf-8").strip()
            self.code(
                f"from pathlib import Path\n\n"
                f'Path({name!r}).write_text(r"""{figures}""", encoding=\'utf-8\')'
            )

    def take(self, node: nodes.Element, level: int) -> None:
        """Add a piece of the page."""
        behind_install, self.installed = self.installed, False
        if is_console(node):
            self.console(node)
        elif is_plot(node):
            self.code(node.astext())
        elif plots := [part for part in node.findall() if part.tagname == "imgsgnode"]:
            for plot in plots:  # sphinx-gallery's node
                self.picture(Path(self.app.srcdir, str(plot["uri"]).lstrip("/")))
        elif isinstance(node, nodes.title):
            self.html.append(f"<h{level}>{self.inline(node)}</h{level}>")
        elif isinstance(node, nodes.term):
            self.html.append(f"<p><strong>{self.inline(node)}</strong></p>")
        elif not (behind_install and "unexecuted" in node["classes"]):  # why the build did not
            self.html.append(self.render(node))

    def console(self, node: nodes.Element) -> None:
        """Add a block of commands: those that can run as cells."""
        block = Block.of(self.page, node.astext(), node["classes"])
        installs = all(map(INSTALLS.search, block.commands)) and bool(block.commands)
        runs = block.executed and self.page in BEFORE and all(map(block.can_run, block.commands))
        if installs or (runs and block.commands):
            for command in block.commands:
                if block.terminal:
                    self.serve(command, block.output)
                else:
                    self.command(command, block.output, block.shown)
            self.installed = installs
            return
        self.html.append(self.render(node))
        if block.executed and block.commands:
            self.html.append(self.words("not_here"))

    def command(self, command: str, output: str = "", shown: list[str] | None = None) -> None:
        """Add a cell that runs a command of the shell."""
        if command.startswith("pip "):
            source = f"%{command}"
        else:  # braces would be Python's
            source = "!" + command.replace("{", "{{").replace("}", "}}")
        installs = bool(INSTALLS.search(command))
        cell = self.code(source, output=output, installs=installs, command=command)
        if shown:
            text = "\n".join(shown) + "\n"
            cell["outputs"] = [v4.new_output("stream", name="stdout", text=text)]

    def serve(self, command: str, output: str) -> None:
        """Add a cell that starts a server."""
        if not self.with_server:
            self.with_server = True
            self.code(self.helper("server"))
        port = PORT.search(command)
        if port is None:
            raise ExtensionError(f"{self.page}: which port does this open? {command}")
        self.code(f"start({command!r}, port={port[1]})", server=output)

    def code(self, source: str, **facts: object) -> Any:
        """Add a cell of code; its metadata says what the tests must know."""
        self.flush()
        known = {name: fact for name, fact in facts.items() if fact}
        metadata = {"page": known} if known else {}
        self.cells.append(v4.new_code_cell(source.strip("\n"), metadata=metadata))
        return self.cells[-1]

    def picture(self, path: Path) -> None:
        """Show a plot below the code that draws it."""
        data = {"image/png": base64.b64encode(path.read_bytes()).decode()}
        self.cells[-1]["outputs"].append(v4.new_output("display_data", data=data))

    def flush(self) -> None:
        """Turn the prose that waits into a cell."""
        text = Converter(self.address).convert("".join(self.html)).strip()
        self.html = []
        if text:
            self.cells.append(v4.new_markdown_cell(text))

    def end(self) -> None:
        """Stop the server, and add the last prose."""
        if self.with_server:
            self.say("stop")
            self.code("stop()")
        self.flush()

    def address(self, address: str) -> str | None:
        """Return where a link of the page leads from anywhere; None where nobody knows."""
        if "://" in address:
            return address
        base = base_of(self.app)
        return f"{base}{resolved(self.page, address)}" if base else None

    def programs(self) -> str:
        """Return the address of programs.zip, or nothing."""
        base = base_of(self.app)
        for name, (_pages, stored) in self.app.env.dlfiles.items():
            if Path(name).name == "programs.zip" and base:
                return f"{base}_downloads/{stored}"
        return ""

    def helper(self, name: str) -> str:
        """Return code that a notebook brings along."""
        return (self.site.root / HELPERS / f"notebook_{name}.py").read_text(encoding="utf-8")

    def say(self, part: str) -> None:
        """Add a sentence of the notebook's own."""
        self.html.append(self.words(part))

    def words(self, part: str) -> str:
        """Return a sentence of the notebook's own."""
        return str(self.builder.templates.render(WORDS, {"part": part}))

    def inline(self, node: nodes.TextElement) -> str:
        """Return what is in a title or a term as HTML."""
        copies = [child.deepcopy() for child in node.children]
        return self.render(nodes.inline("", "", *copies))

    def render(self, node: nodes.Element) -> str:
        """Return a node as HTML."""
        return str(self.builder.render_partial(node.deepcopy())["fragment"])

    @property
    def builder(self) -> StandaloneHTMLBuilder:
        """The builder, which knows how things look."""
        assert isinstance(self.app.builder, StandaloneHTMLBuilder)
        return self.app.builder


def resolved(page: str, address: str) -> str:
    """Return a page's relative address from the root of its language."""
    path, sign, anchor = address.partition("#")
    return normpath(join(dirname(page), path) if path else f"{page}.html") + sign + anchor


def write(
    app: Sphinx, page: str, template: str, context: dict[str, Any], tree: nodes.document | None
) -> None:
    """Write the notebook of a page, if it has one (event html-page-context)."""
    if tree is None or page not in {*BEFORE, *FIGURES} or app.builder.name != "html":
        return
    context["notebook"] = f"{page.rpartition('/')[2]}.ipynb"
    notebook = Notebook(app, page).build(tree)
    nbformat.validate(notebook)
    path = Path(app.outdir, f"{page}.ipynb")
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


def note_figures(app: Sphinx, tree: nodes.document) -> None:
    """Let a page be written again when figures change that its notebook holds (doctree-read)."""
    for name in FIGURES.get(app.env.docname, []):
        app.env.note_dependency(str(Site(Path(app.confdir)).workspace / name))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("doctree-read", note_figures)
    app.connect("html-page-context", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
