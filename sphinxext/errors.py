"""The page of error messages: what chapters say "when it fails", and further entries.

An entry is an item of a definition list below a section titled 出错时, or anywhere on the page with
the directive `gathered-errors`. Its term quotes the message; it gets an id made of the message,
the same in all languages. `gathered-errors` shows the entries of all chapters, each under its
chapter, with the way to it. `not-raised` says that the build has not raised the message above it,
and who has. `errors.js`, which filters, is loaded on this page only.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.environment import BuildEnvironment
from sphinx.environment.collectors import EnvironmentCollector
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

SECTION = "出错时"
SCRIPT = "errors.js"
BOX = "errors.html"
MARK = "errors"  # in the metadata of a page that shows entries of others
WORDS = 8  # of a message make its id


@dataclass(frozen=True)
class Entry:
    """An entry: the page it stands on, its id there and on the page of errors, what it says."""

    docname: str
    id: str
    text: str


class gathered_errors(nodes.General, nodes.Element):  # type: ignore[misc]  # docutils has no types
    """Where the entries of the chapters are shown."""


class GatheredErrors(SphinxDirective):
    """Show the entries of all chapters."""

    def run(self) -> list[nodes.Node]:
        """Return the place; the entries are known when all pages are read."""
        self.env.metadata[self.env.docname][MARK] = True
        return [gathered_errors()]


class ErrorFilter(SphinxDirective):
    """Show the box that filters; where there are no scripts the style sheet hides it."""

    def run(self) -> list[nodes.Node]:
        """Return the box as HTML."""
        builder = self.env.app.builder
        if not isinstance(builder, StandaloneHTMLBuilder) or builder.name != "html":
            return []
        return [nodes.raw("", builder.templates.render(BOX, {}), format="html")]


class NotRaised(SphinxDirective):
    """Say why the build has not raised a message, and where it was reported."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the content as a remark."""
        remark = nodes.container(classes=["not-raised", "unexecuted"])
        self.state.nested_parse(self.content, self.content_offset, remark)
        return [remark]


class Collector(EnvironmentCollector):
    """Gives entries their ids, and keeps what they say."""

    def process_doc(self, app: Sphinx, doctree: nodes.document) -> None:
        """Look through a page that was read."""
        docname = app.env.docname
        entries = kept(app.env)
        entries[docname] = []
        taken: set[str] = set()
        for item in items(doctree):
            number, name = 1, slug(item)
            while (unique := name if number == 1 else f"{name}-{number}") in taken:
                number += 1
            taken.add(unique)
            item[0]["ids"].append(unique)
            entries[docname].append(Entry(docname, unique, item.astext()))

    def clear_doc(self, app: Sphinx, env: BuildEnvironment, docname: str) -> None:
        """Forget a page."""
        kept(env).pop(docname, None)

    def merge_other(
        self,
        app: Sphinx,
        env: BuildEnvironment,
        docnames: AbstractSet[str],
        other: BuildEnvironment,
    ) -> None:
        """Take what another process has read."""
        kept(env).update({name: kept(other)[name] for name in docnames if name in kept(other)})

    def get_updated_docs(self, app: Sphinx, env: BuildEnvironment) -> list[str]:
        """Return the page of errors if what it shows has changed."""
        before = getattr(env, "errors_shown", None)
        env.errors_shown = kept(env).copy()  # type: ignore[attr-defined]  # pickled with env
        return [] if before == kept(env) else pages_of_errors(env)


def kept(env: BuildEnvironment) -> dict[str, list[Entry]]:
    """Return the entries of all pages that were read."""
    if not hasattr(env, "error_entries"):
        env.error_entries = {}  # type: ignore[attr-defined]  # pickled with env
    found: dict[str, list[Entry]] = env.error_entries  # type: ignore[attr-defined]
    return found


def pages_of_errors(env: BuildEnvironment) -> list[str]:
    """Return the pages that show the entries of the chapters."""
    return [name for name, page in env.metadata.items() if MARK in page]


def items(doctree: nodes.document) -> Iterator[nodes.definition_list_item]:
    """Yield the entries of a page."""
    if any(doctree.findall(gathered_errors)):
        yield from doctree.findall(nodes.definition_list_item)
        return
    for title in doctree.findall(nodes.title):
        if title.rawsource == SECTION:  # also where the title is translated
            yield from title.parent.findall(nodes.definition_list_item)


def slug(item: nodes.definition_list_item) -> str:
    """Return an id made of the first words of the message, or of the output where none is quoted.

    Both are the same in all languages.
    """
    for literal in item[0].findall(nodes.literal):
        if name := nodes.make_id(literal.astext()):
            return "-".join(name.split("-")[:WORDS])
    for block in item.findall(nodes.literal_block):
        for name in block["classes"]:
            return str(name).removeprefix("output-")
    return "entry"


def ids_on_page(env: BuildEnvironment, own: str) -> dict[Entry, str]:
    """Return the id of each entry on the page of errors: with its chapter where it is not alone."""
    everywhere = [entry.id for entries in kept(env).values() for entry in entries]
    return {
        entry: entry.id
        if docname == own or everywhere.count(entry.id) == 1
        else f"{entry.id}-{nodes.make_id(docname.removesuffix('/index').rpartition('/')[2])}"
        for docname, entries in kept(env).items()
        for entry in entries
    }


class Gather(SphinxPostTransform):
    """Shows the entries of all chapters where the directive stands."""

    default_priority = 5  # before references are resolved

    def run(self, **options: Any) -> None:
        """Put copies of them there; their references lead from there."""
        own = self.env.docname
        for place in list(self.document.findall(gathered_errors)):
            ids = ids_on_page(self.env, own)
            shown: list[nodes.Node] = []
            for docname in chapters(self.env):
                if docname != own and (entries := kept(self.env).get(docname)):
                    shown += self.chapter(docname, entries, ids)
            place.replace_self(shown)

    def chapter(
        self, docname: str, entries: list[Entry], ids: dict[Entry, str]
    ) -> list[nodes.Node]:
        """Return the entries of a chapter below its title."""
        title = self.env.titles[docname].astext()
        uri = self.app.builder.get_relative_uri(self.env.docname, docname)
        listed = nodes.definition_list(classes=["errors-of-chapter"])
        for entry, item in zip(entries, items(self.env.get_doctree(docname)), strict=True):
            item = moved(item, self.env.docname, uri)
            term = item[0]
            term["ids"] = [ids[entry]]
            for mark in list(term.findall(is_permalink)):
                mark["refuri"] = f"#{ids[entry]}"
            said = [part for part in item[1] if is_prose(part)]
            link = nodes.reference("", f"→ {title}", internal=True, refuri=f"{uri}#{entry.id}")
            definition = nodes.definition("", *said, nodes.paragraph("", "", link))
            listed += nodes.definition_list_item("", term, definition)
        return [nodes.rubric(title, title), listed]


def moved(item: nodes.definition_list_item, docname: str, uri: str) -> nodes.definition_list_item:
    """Return a copy of an entry for the page `docname`; `uri` leads from there to its chapter."""
    copy: nodes.definition_list_item = item.deepcopy()
    for reference in copy.findall(nodes.reference):
        if "refid" in reference:  # within the chapter
            reference["refuri"] = f"{uri}#{reference.attributes.pop('refid')}"
    for reference in copy.findall(addnodes.pending_xref):
        reference["refdoc"] = docname
    return copy


def is_permalink(node: nodes.Node) -> bool:
    """Return whether a node is the link of an entry to itself."""
    return isinstance(node, nodes.reference) and "headerlink" in node["classes"]


def is_prose(node: nodes.Node) -> bool:
    """Return whether a part of an entry is text, not an output: those stand in the chapter."""
    return isinstance(node, nodes.paragraph | nodes.bullet_list | nodes.container) and not any(
        node.findall(nodes.literal_block)
    )


def chapters(env: BuildEnvironment, first: str = "") -> list[str]:
    """Return the pages in the order of the table of contents: all, or `first` and those below."""
    order, seen = [], set[str]()

    def walk(docname: str) -> None:
        if docname not in seen:
            seen.add(docname)
            order.append(docname)
            for child in env.toctree_includes.get(docname, []):
                walk(child)

    walk(first or env.config.root_doc)
    return order


def add_permalinks(app: Sphinx, doctree: nodes.document) -> None:
    """Let a reader link to an entry (event doctree-read, behind the collector)."""
    if app.builder.format == "html":
        for item in items(doctree):
            address = f"#{item[0]['ids'][-1]}"
            item[0] += nodes.reference(
                "", "¶", refuri=address, internal=True, classes=["headerlink"]
            )


def load_script(
    app: Sphinx, page: str, template: str, context: dict[str, Any], tree: nodes.document | None
) -> None:
    """Load the filter on the page of errors only (event html-page-context)."""
    if page in pages_of_errors(app.env):
        app.add_js_file(SCRIPT, loading_method="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_node(gathered_errors)
    app.add_directive("gathered-errors", GatheredErrors)
    app.add_directive("error-filter", ErrorFilter)
    app.add_directive("not-raised", NotRaised)
    app.add_env_collector(Collector)
    app.add_post_transform(Gather)
    app.connect("doctree-read", add_permalinks, priority=600)
    app.connect("html-page-context", load_script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
