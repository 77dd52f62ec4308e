"""The whole site as a book: EPUB by Sphinx's own builder, PDF by printing one long page.

The builder `pdf` lets Chromium print what `singlehtml` writes, with an outline and tags for screen
readers. It prints twice: only the first print knows on which page a chapter begins.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from playwright.sync_api import sync_playwright
from pypdf import PdfReader
from pypdf.generic import Destination
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders.singlehtml import SingleFileHTMLBuilder
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx_design.shared import is_component

from recordings.chromium import ARGUMENTS, browser_path

NAME = "tutorial"
KINDS = ("epub", "pdf")
TEMPLATE = "book.html"
LEFT_OUT = {"sphx-glr-footer", "sphx-glr-download-link-note"}
STYLE = "width: 100%; font-size: 8pt; text-align: center"
FOOTER = f'<p style="{STYLE}"><span class="pageNumber"></span></p>'
PRINT: dict[str, Any] = {
    "prefer_css_page_size": True,
    "print_background": True,
    "display_header_footer": True,
    "header_template": "<p></p>",
    "footer_template": FOOTER,
    "outline": True,
    "tagged": True,
}
# Makes the page ready, with tags for blocks of code and not for each of their words, which would
# double the file. Returns for each line of the contents which heading of the outline it leads to.
PREPARE = """() => {
  document.querySelectorAll(".contents .caption").forEach(line => line.removeAttribute("role"));
  document.querySelectorAll("pre").forEach(block => { block.textContent = block.textContent; });
  const headings = [...document.querySelectorAll("h1, h2, h3, h4")];
  return [...document.querySelectorAll(".contents li > a")].map(link => {
    const [page, id] = decodeURIComponent(link.hash.slice("#document-".length)).split("#");
    link.hash = id ? `${page}/${id}` : `document-${page}`;
    const target = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    return headings.findIndex(
      heading => target.contains(heading) || target.compareDocumentPosition(heading) & 4
    );
  });
}"""
NUMBER = """numbers => document.querySelectorAll(".contents li > a").forEach((link, i) => {
  const number = link.querySelector(".page-number") ?? document.createElement("span");
  link.append(number);
  number.className = "page-number";
  number.textContent = numbers[i];
})"""


class PdfBuilder(SingleFileHTMLBuilder):
    """Writes one page with everything, and prints it."""

    name = "pdf"
    epilog = "The book is %(outdir)s/" + f"{NAME}.pdf."

    def assemble_doctree(self) -> nodes.document:
        """Return all pages as one, in which no id stands twice."""
        tree = super().assemble_doctree()
        raise_pages(tree)
        qualify(tree, self.config.root_doc)
        return tree

    def finish(self) -> None:
        """Print the page."""
        super().finish()
        browser = browser_path()
        if browser is None:
            raise ExtensionError("no Chromium here: install one, or name it in BROWSER_PATH")
        target = Path(self.outdir, f"{NAME}.pdf")
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=browser, args=ARGUMENTS)
            page = chromium.new_page()
            page.goto(Path(self.outdir, f"{self.config.root_doc}.html").as_uri())
            headings = page.evaluate(PREPARE)
            page.evaluate(NUMBER, [0] * len(headings))
            page.pdf(path=target, **PRINT)
            begin = pages_of_headings(target)
            page.evaluate(NUMBER, [begin[heading] for heading in headings])
            page.pdf(path=target, **PRINT)
            chromium.close()


def raise_pages(tree: nodes.document) -> None:
    """Put pages behind the last section of the page above, not into it like the toctree."""
    for page in list(tree.findall(addnodes.start_of_file)):
        above = page.parent
        while not isinstance(above, addnodes.start_of_file | nodes.document):
            above = above.parent
        top = next(part for part in above.children if isinstance(part, nodes.section))
        page.parent.remove(page)
        top += page


def qualify(node: nodes.Element, page: str) -> None:
    """Put the names of pages before ids, which pages share, and into what refers to them."""
    for child in node.children:
        if not isinstance(child, nodes.Element):
            continue
        own = child["docname"] if isinstance(child, addnodes.start_of_file) else page
        child["ids"] = [f"{own}/{name}" for name in child["ids"]]
        if "refid" in child:
            child["refid"] = f"{own}/{child['refid']}"
        parts = child.get("refuri", "").split("#")
        if parts[0] == "" and len(parts) > 1:  # `#document-PAGE`, `#document-PAGE#ID` or `#ID`
            if len(parts) > 2:
                child["refuri"] = f"#{parts[1].removeprefix('document-')}/{parts[2]}"
            elif not parts[1].startswith("document-"):
                child["refuri"] = f"#{own}/{parts[1]}"
        qualify(child, own)


def pages_of_headings(path: Path) -> list[int]:
    """Return the page of each heading: the outline has them all, in their order."""
    reader = PdfReader(path)
    return [int(reader.get_destination_page_number(e) or 0) + 1 for e in flat(reader.outline)]


def flat(outline: Any) -> list[Destination]:
    """Return the entries of an outline, each before those below it."""
    if isinstance(outline, Destination):
        return [outline]
    return [entry for part in outline for entry in flat(part)]


class Simplify(SphinxPostTransform):
    """Leaves out of a book what only works on the site, and unfolds what is folded there."""

    default_priority = 190  # before sphinx-design makes HTML of its components
    builders = KINDS

    def run(self, **options: Any) -> None:
        """Go through a page."""
        for part in list(self.document.findall(nodes.Element)):
            classes = {*part.get("classes", [])}
            if LEFT_OUT & classes and part.parent is not None:
                part.parent.remove(part)
            elif isinstance(part, addnodes.download_reference):
                part.replace_self(part.children)
            elif is_component(part, "dropdown"):
                part.replace_self(unfolded(part) if part["has_title"] else part.children)
            elif is_component(part, "tab-item"):
                label, content = part.children
                part.replace_self([*unfolded(nodes.container("", label)), *content.children])
            elif isinstance(part, nodes.reference) and "headerlink" in classes:
                part.parent.remove(part)


def unfolded(part: nodes.Element) -> list[nodes.Node]:
    """Return what is behind a title, below it."""
    title, *content = part.children
    return [nodes.rubric("", "", *title.children), *content]


def choose_template(
    app: Sphinx, page: str, template: str, context: dict[str, Any], tree: nodes.document | None
) -> str | None:
    """Lay the book out by a template of its own; tell the site's pages of the books there are."""
    if app.builder.name == "pdf":
        return TEMPLATE
    if page == app.config.root_doc:
        context["books"] = books(app)
    return None


def books(app: Sphinx) -> list[str]:
    """Return the books that lie in the site."""
    names = (f"{NAME}.{kind}" for kind in KINDS)
    return [name for name in names if Path(app.outdir, name).exists()]


def page_with_links(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Return the first page if there are other books than before (event env-updated)."""
    last, found = getattr(env, "books", []), books(app)
    env.books = found  # type: ignore[attr-defined]  # pickled with env
    return [] if found == last else [app.config.root_doc]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_builder(PdfBuilder)
    app.add_post_transform(Simplify)
    app.connect("html-page-context", choose_template)
    app.connect("env-updated", page_with_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
