"""What readers take along: Markdown, llms.txt, notebooks; tests/notebooks.py runs all of those."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from recordings.commands import BEFORE, FIGURES
from recordings.engine.site import Site
from sphinxext.markdown import Converter, beside
from tests import notebooks
from tests.test_site import HAN

HTML = Site(Path(__file__).parents[1]).build / "html"
PAGES = sorted(path.relative_to(HTML) for path in HTML.rglob("*.html.md"))
NOTEBOOKS = sorted({*BEFORE, *FIGURES})
OWN = {"search.html", "404.html", "serving.html"}  # pages without a document


def convert(html: str) -> str:
    return Converter(beside).convert(html)


def test_each_page_is_there_as_markdown() -> None:
    pages = {path.relative_to(HTML) for path in HTML.rglob("*.html") if path.name not in OWN}
    pages = {page for page in pages if "_static" not in page.parts}
    assert {f"{page}.md" for page in pages} == {str(page) for page in PAGES}
    assert len(pages) > 60


@pytest.mark.parametrize("name", ["llms.txt", "llms-full.txt"])
@pytest.mark.parametrize("folder", [HTML, HTML / "en"])
def test_a_language_has_a_list_and_a_whole(folder: Path, name: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    own = [page for page in PAGES if (page.parts[0] == "en") == (folder != HTML)]
    for page in own:
        path = page.relative_to("en") if folder != HTML else page
        if name == "llms.txt":
            assert f"({path.as_posix()})" in text
        else:
            assert (HTML / page).read_text(encoding="utf-8") in text


def test_english_prose_holds_no_chinese() -> None:
    english = HTML / "en"
    texts = {path: path.read_text(encoding="utf-8") for path in english.rglob("*.html.md")}
    for path in english.rglob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        texts[path] = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    del texts[english / "terminology.html.md"]  # is about words of both languages
    for path, text in texts.items():
        prose = "".join(text.split("```")[::2])
        assert not HAN.findall("".join(prose.split("`")[::2])), path


def test_links_of_markdown_lead_to_markdown() -> None:
    html = '<p><a href="a.html#b">A</a> <a href="#c">C</a> <a href="https://x.org/y.html">X</a></p>'
    assert convert(html) == "[A](a.html.md#b) C [X](https://x.org/y.html)\n"


def test_what_only_works_on_a_page_is_left_out() -> None:
    html = (
        '<h2>T<a class="headerlink" href="#t">¶</a></h2><form><input/></form><svg>s</svg><p>P</p>'
    )
    assert convert(html) == "## T\n\nP\n"


def test_code_keeps_its_language_and_a_cell_its_bars() -> None:
    code = '<div class="highlight-default"><div class="highlight"><pre>x = 1\n</pre></div></div>'
    assert convert(code) == "```python\nx = 1\n```\n"
    table = "<table><tr><th>a</th></tr><tr><td><code>b|c</code></td></tr></table>"
    assert convert(table) == "| a |\n| --- |\n| `b\\|c` |\n"


@pytest.mark.parametrize("page", NOTEBOOKS)
def test_notebooks_of_both_languages_run_the_same(page: str) -> None:
    chinese, english = (
        [cell.source for cell in nbformat.read(path, as_version=4).cells if "outputs" in cell]
        for path in (HTML / f"{page}.ipynb", HTML / "en" / f"{page}.ipynb")
    )
    assert chinese == english
    assert len(chinese) > 2


def test_a_notebook_runs_in_an_empty_folder(tmp_path: Path) -> None:
    assert notebooks.execute("serving/operate", tmp_path) == []


def test_a_notebook_that_prints_something_else_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = nbformat.read(HTML / "serving" / "operate.ipynb", as_version=4)
    for cell in notebook.cells:
        if notebooks.known(cell).get("output"):
            cell.source = "!echo something else"
    (tmp_path / "serving").mkdir()
    nbformat.write(notebook, tmp_path / "serving" / "operate.ipynb")
    monkeypatch.setattr(notebooks, "HTML", tmp_path)
    folder = tmp_path / "folder"
    folder.mkdir()
    wrong = notebooks.execute("serving/operate", folder)
    assert wrong
    assert all("something else" in said for said in wrong)
