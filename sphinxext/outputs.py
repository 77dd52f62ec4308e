"""Directives and roles that show what the build measured; prose types none of it.

`console`    a command and what it printed
`measured`   a figure from a JSON file of the workspace: {measured}`convert.json int8.bytes ,`
`version`    the version of an installed package
`unexecuted` code that the build does not run, with the reason
"""

from __future__ import annotations

import importlib.metadata
import json
import re
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.directives.code import CodeBlock
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinx.util.nodes import set_source_info

from recordings.engine.site import Site


class Console(SphinxDirective):
    """Show a recorded run: the command behind a prompt, then its output.

    Options choose a part: `:show: command` or `output`; `:lines: 3-5` or `:match: regex` of the
    output; what is left out is marked by an ellipsis. `:terminal: 2` says that the command runs in
    a terminal of its own until it is stopped.
    """

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {
        "show": lambda text: directives.choice(text, ("command", "output")),
        "lines": directives.unchanged_required,
        "match": directives.unchanged_required,
        "terminal": directives.positive_int,
    }

    def run(self) -> list[nodes.Node]:
        """Return the block; without the run's output, which html must have, a note."""
        name = self.arguments[0]
        path = Site(Path(self.env.app.confdir)).outputs / f"{name}.txt"
        self.env.note_dependency(str(path))
        if not path.exists():
            if self.env.app.builder.format == "html":
                raise self.error(f"no page of this build kept an output named {name}")
            return []
        command, *lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
        not_run = lines[:1] and lines[0].startswith("not run: ")  # this machine lacks something
        shown = lines if not_run else self.chosen(lines)
        if self.options.get("show") == "command":
            shown = [command]
        elif self.options.get("show") != "output":
            shown = [command, *shown]
        block = nodes.literal_block("\n".join(shown), "\n".join(shown), language="console")
        block["accounted"] = f"output {name}"
        block["classes"].append(f"output-{nodes.make_id(name)}")
        if "terminal" in self.options:
            block["classes"].append(f"terminal-{self.options['terminal']}")
        if self.options.get("show") == "output":
            block["language"] = "none"
        set_source_info(self, block)
        return [block]

    def chosen(self, lines: list[str]) -> list[str]:
        """Return the lines that the options choose, with `…` where some are left out."""
        keep = range(len(lines))
        if "lines" in self.options:
            first, _, last = self.options["lines"].partition("-")
            keep = range(int(first) - 1, int(last or first))
        if "match" in self.options:
            pattern = re.compile(self.options["match"])
            keep = range(0)
            chosen = [i for i, line in enumerate(lines) if pattern.search(line)]
        else:
            chosen = [i for i in keep if i < len(lines)]
        if not chosen and lines:
            raise self.error(f"the options choose nothing of {self.arguments[0]}")
        shown: list[str] = []
        for before, i in zip([-1, *chosen], chosen, strict=False):
            shown += ["…"] * (i > before + 1) + [lines[i]]
        return shown + ["…"] * bool(chosen and chosen[-1] < len(lines) - 1)


class Measured(SphinxRole):
    """A figure: file, key (dots between the levels), format specification or `size` for bytes."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the figure as text."""
        name, key, *spec = self.text.split()
        path = Site(Path(self.env.app.confdir)).workspace / name
        self.env.note_dependency(str(path))
        if not path.exists() and self.env.app.builder.format != "html":
            return [nodes.Text("…")], []
        try:
            value = json.loads(path.read_text())
            for part in key.split("."):
                value = value[int(part)] if isinstance(value, list) else value[part]
            text = size(value) if spec == ["size"] else format(value, spec[0] if spec else "")
        except (OSError, ValueError, KeyError, IndexError) as error:
            message = self.inliner.reporter.error(f"no figure {self.text}: {error!r}")
            return [], [message]
        return [nodes.inline(text, text, classes=["measured"])], []


def size(count: int) -> str:
    """Return a number of bytes as people read it: 4.8 MB, 18 kB."""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


class Version(SphinxRole):
    """The version of an installed package."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the version as text."""
        text = importlib.metadata.version(self.text)
        return [nodes.inline(text, text, classes=["measured"])], []


class Unexecuted(CodeBlock):
    """A code block that the build does not run; `:reason:` says why, and the page shows it."""

    option_spec: ClassVar[dict[str, Any]] = {
        **CodeBlock.option_spec,
        "reason": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """Return the block and its reason."""
        if "reason" not in self.options:
            raise self.error("unexecuted code needs a :reason:")
        reason = self.options.pop("reason")
        blocks = super().run()
        for block in blocks:
            for literal in block.findall(nodes.literal_block):
                literal["accounted"] = f"not executed: {reason}"
        text, messages = self.parse_inline(reason, lineno=self.lineno)
        note = nodes.paragraph(reason, "", *text, classes=["unexecuted"])
        set_source_info(self, note)
        return [*blocks, note, *messages]


def dataset_of(site: Site) -> str:
    """Return the name of the dataset that made what is in the workspace, or nothing."""
    path = site.workspace / "mnist_cnn.json"
    return str(json.loads(path.read_text())["dataset"]) if path.exists() else ""


def state_dataset(
    app: Sphinx, page: str, template: str, context: dict[str, Any], tree: object
) -> None:
    """Tell the template of each page which dataset made it (event html-page-context)."""
    context["dataset"] = dataset_of(Site(Path(app.confdir)))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_directive("console", Console)
    app.add_directive("unexecuted", Unexecuted)
    app.add_role("measured", Measured())
    app.add_role("version", Version())
    app.connect("html-page-context", state_dataset)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
