"""The site as the last build left it in build/: what it links, loads, shows and says."""

from __future__ import annotations

import json
import os
import pickle
import re
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag
from docutils import nodes
from sphinx import addnodes
from sphinx_gallery.py_source_parser import (
    Block,
    remove_ignore_blocks,
    split_code_and_text_blocks,
)

from recordings.engine import sources
from recordings.engine.recorder import Recorder
from recordings.engine.site import Site
from sphinxext import downloads

ROOT = Path(__file__).parent.parent
SITE = Site(ROOT)
HTML, DOCTREES = SITE.build / "html", SITE.build / "doctrees"
BUILT_BY_SPHINX = {
    "search.html",
    "404.html",
}  # pages without a document behind them
MOVED = {"serving.html"}  # leads on: see test_browser
HAN = re.compile(r"[\u3400-\u9fff]+")

# Files that a chapter shows although the build does not run them, and what checks them instead.
CHECKED_ELSEWHERE = {
    "modelsave/requirements.txt": "test_project: agrees with the lock and the imports",
    "serving/requirements-serving.txt": "test_project: agrees with the lock and the imports",
    "serving/deploy/nginx.conf": "test_serving_files: checked and run by nginx",
    "serving/deploy/kserve.yaml": "test_serving_files: its fields",
    "javascript/sw.js": "test_chapter: the demo without its server",
    "lite/android": "test_android_jvm compiles and runs it; test_android_project reads the rest",
}


@dataclass(frozen=True)
class Page:
    """A page of the built site; `path` is relative to build/html."""

    path: Path
    soup: BeautifulSoup = field(repr=False)

    @property
    def english(self) -> bool:
        return self.path.parts[0] == "en"


@pytest.fixture(scope="module")
def pages() -> list[Page]:
    """Return all pages of both languages. Without a build this is an error, not a skip."""
    assert (HTML / "index.html").exists(), "there is no site in build/html: run `make html`"
    assert (HTML / "en" / "index.html").exists(), "build/html/en is missing: run `make html`"
    return list(all_pages())


@cache
def all_pages() -> tuple[Page, ...]:
    files = sorted(path.relative_to(HTML) for path in HTML.rglob("*.html"))
    return tuple(
        Page(path, BeautifulSoup((HTML / path).read_bytes(), "html.parser"))
        for path in files
        if not {"_static", "_downloads", "_images"} & set(path.parts)
        if path.name not in MOVED
    )


@cache
def documents(language: str) -> dict[str, nodes.document]:
    """Return the doctrees of a language by document name."""
    folder = DOCTREES / language
    trees = {
        path.relative_to(folder).with_suffix("").as_posix(): pickle.loads(path.read_bytes())
        for path in sorted(folder.rglob("*.doctree"))
    }
    assert trees, f"there is no doctree in {folder}: run `make html`"
    return trees


def both_languages() -> Iterator[tuple[str, str, nodes.document]]:
    for language in ("zh", "en"):
        for docname, document in documents(language).items():
            yield language, docname, document


# Links and what a page loads


def references(page: Page) -> Iterator[tuple[Tag, str]]:
    """Yield what a page refers to, with the element that does."""
    for tag in page.soup.find_all(True):
        for attribute in ("href", "src", "poster", "data", "xlink:href"):
            if url := tag.get(attribute):
                yield tag, str(url)
        for candidate in str(tag.get("srcset") or "").split(","):
            if candidate.strip():
                yield tag, candidate.split()[0]


def is_elsewhere(url: str) -> bool:
    return bool(urlsplit(url).netloc)


@cache
def anchors(path: Path) -> set[str]:
    soup = next((page.soup for page in all_pages() if HTML / page.path == path), None)
    soup = soup or BeautifulSoup(path.read_bytes(), "html.parser")
    named = chain.from_iterable((tag.get("id"), tag.get("name")) for tag in soup.find_all(True))
    return {str(name) for name in named if name}


def missing(base: Path, url: str) -> str:
    """Return what is wrong with a reference inside the site, seen from the file `base`."""
    parts = urlsplit(url)
    if parts.scheme or parts.netloc:
        return ""
    target = Path(os.path.normpath(base.parent / unquote(parts.path))) if parts.path else base
    if not target.is_relative_to(HTML):
        return f"{url} leaves the site"
    if not target.is_file():
        return f"{url} does not exist"
    if (
        parts.fragment
        and target.suffix == ".html"
        and unquote(parts.fragment) not in anchors(target)
    ):
        return f"{url}: no such anchor"
    return ""


def test_everything_that_pages_refer_to_exists(pages: list[Page]) -> None:
    # the page at any address has its root in <base>
    seen = [(page, url) for page in pages for tag, url in references(page) if tag.name != "base"]
    problems = {f"{page.path}: {missing(HTML / page.path, url)}" for page, url in seen}
    wrong = sorted(problem for problem in problems if not problem.endswith(": "))
    assert not wrong, "\n".join(wrong)
    assert len(seen) > 20 * len(pages), "references are not being found"


def test_everything_that_stylesheets_refer_to_exists(pages: list[Page]) -> None:
    sheets = [(path, path.read_text(encoding="utf-8")) for path in HTML.rglob("*.css")]
    for page in pages:
        inline = [tag.get_text() for tag in page.soup.find_all("style")]
        inline += [str(tag["style"]) for tag in page.soup.find_all(style=True)]
        sheets += [(HTML / page.path, text) for text in inline]
    wrong = []
    for path, text in sheets:
        for url in re.findall(r"""(?:url\(\s*|@import\s+)['"]?([^'")\s]+)""", text):
            if url.startswith(("data:", "#")):
                continue
            problem = "loads from elsewhere" if is_elsewhere(url) else missing(path, url)
            wrong += [f"{path.relative_to(HTML)}: {url} {problem}"] if problem else []
    assert not wrong, "\n".join(wrong)


def test_nothing_is_loaded_from_another_host(pages: list[Page]) -> None:
    wrong = [
        f"{page.path}: <{tag.name}> loads {url}"
        for page in pages
        for tag, url in references(page)
        if tag.name != "a" and is_elsewhere(url)
    ]
    loads = re.compile(
        r"""(?:fetch|import|importScripts|Worker|open|sendBeacon|WebSocket)\s*\(\s*"""
        r"""(?:['"`]\w+['"`]\s*,\s*)?['"`](?:\w+:)?//[^'"`]*"""
        r"""|(?:from|import)\s+['"](?:\w+:)?//[^'"]*"""
        r"""|\.(?:src|href)\s*=\s*['"`](?:\w+:)?//[^'"`]*"""
    )
    scripts = [(str(p.relative_to(HTML)), p.read_text("utf-8")) for p in HTML.rglob("*.*js")]
    for page in pages:
        scripts += [(str(page.path), tag.get_text()) for tag in page.soup.find_all("script")]
    wrong += [f"{name}: {found}" for name, text in scripts for found in loads.findall(text)]
    assert not wrong, "\n".join(wrong)


def test_downloads_are_the_committed_files(pages: list[Page]) -> None:
    programs, archives = SITE.programs(), downloads.archives(SITE)
    programs = {path.name: path for path in programs.values()}
    programs |= {script.name: script for script in SITE.pages.glob("*.py")}
    wrong, seen = [], set()
    for page in pages:
        for tag in page.soup.select("a.reference.download[href]"):
            url = unquote(urlsplit(str(tag["href"])).path)
            path = Path(os.path.normpath((HTML / page.path).parent / url))
            if path.suffix in (".zip", ".pyz"):
                with zipfile.ZipFile(path) as archive:
                    held = {name: archive.read(name) for name in archive.namelist()}
                script = path.with_suffix(".py").name
                files = archives.get(path.name, {script: SITE.pages / script})
                seen |= archives.keys() & {path.name}
                if held != {n: file.read_bytes() for n, file in files.items()}:
                    wrong.append(f"{page.path}: {path.name} does not hold the committed files")
            elif path.name not in programs:
                wrong.append(f"{page.path}: {path.name} is no program")
            elif path.read_bytes() != programs[path.name].read_bytes():
                wrong.append(f"{page.path}: {path.name} is not the committed one")
    assert not wrong, "\n".join(wrong)
    assert seen == archives.keys(), "each archive is offered by a page"


# What must not be on a page

# A reader sees none of these; outputs leave them out on purpose (see recordings/engine/transcript).
NOISE = re.compile(
    r"^[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+ .*"  # absl
    r"|^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWEF] .*"  # TensorFlow's older native log
    r"|.*(?:absl::InitializeLog|XNNPACK delegate|oneDNN custom operations|rebuild TensorFlow"
    r"|libcuda|CUDA_ERROR|cuda_\w+\.cc).*"
    r"|.*(?:\x1b\[|\r|\x08).*"  # colours and progress bars
    r"|.*\b(?:Deprecation|Future|PendingDeprecation|User|Runtime)Warning:.*",
    re.MULTILINE,
)


def machine_paths() -> re.Pattern[str]:
    """Return a pattern of what only this machine, or only some machine, has."""
    here = {str(ROOT), str(ROOT.resolve()), sys.prefix, str(Path.home())} - {"/"}
    known = [re.escape(path) + r"(?![\w-])" for path in sorted(here)]
    return re.compile("|".join([*known, r"/home/\w+/", r"/Users/\w+/", r"/tmp/(?:tmp|pytest)\w"]))


def test_no_page_shows_a_path_of_this_machine() -> None:
    pattern, wrong, read = machine_paths(), [], 0
    for path in sorted(HTML.rglob("*")):
        if path.suffix in {".html", ".js", ".mjs", ".css", ".txt", ".json", ".svg", ".xml", ".map"}:
            read += 1
            text = path.read_text(encoding="utf-8")
            wrong += [f"{path.relative_to(HTML)}: {found}" for found in pattern.findall(text)]
    assert read, "there is no site in build/html: run `make html`"
    assert not wrong, "\n".join(wrong)


def test_no_page_shows_log_noise(pages: list[Page]) -> None:
    wrong = [
        f"{page.path}: {line}"
        for page in pages
        for block in page.soup.find_all("pre")
        for line in NOISE.findall(block.get_text())
    ]
    assert not wrong, "\n".join(wrong)


def test_no_page_holds_an_error_of_sphinx(pages: list[Page]) -> None:
    wrong = [
        f"{page.path}: {tag.get_text()}"
        for page in pages
        for tag in page.soup.select(".system-message, .problematic")
    ]
    wrong += [
        f"{language}/{docname}: {node.astext()}"
        for language, docname, document in both_languages()
        for node in document.findall()
        if isinstance(node, nodes.system_message | nodes.problematic | addnodes.pending_xref)
        and not isinstance(node, addnodes.pending_xref)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_page_is_left_over_from_an_older_build(pages: list[Page]) -> None:
    for language, folder in (("zh", HTML), ("en", HTML / "en")):
        built = {
            (HTML / page.path).relative_to(folder).as_posix()
            for page in pages
            if page.english == (language == "en")
        }
        expected = {f"{docname}.html" for docname in documents(language)} | BUILT_BY_SPHINX
        assert built == expected, "`make clean` removes what is left over"


# Code blocks


def blocks(document: nodes.document) -> list[nodes.Element]:
    return list(
        document.findall(lambda n: isinstance(n, nodes.literal_block | nodes.doctest_block))
    )


@cache
def executed() -> frozenset[str]:
    """Return the programs that recipes run and pages import, with all that these import."""
    recorder = Recorder(SITE)
    pages = {path.name: path for path in SITE.pages.glob("*.py")}
    used = [name for recipe in recorder.recipes() for name in recipe.uses] + [*pages]
    return frozenset(sources.code_of(recorder.programs | pages, used))


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of text and of code that a page consists of."""
    found: list[Block] = split_code_and_text_blocks(page)[1]
    return found


@cache
def gallery_code(docname: str) -> frozenset[str]:
    """Return the code blocks of a gallery page, as the page shows them."""
    page = SITE.pages / f"{Path(docname).name}.py"
    if not docname.startswith("gallery/") or not page.exists():
        return frozenset()
    code = (block.content for block in blocks_of(page) if block.type == "code")
    return frozenset(remove_ignore_blocks(text).strip() for text in code)


def unaccounted(docname: str, block: nodes.Element) -> str:
    """Return why nobody vouches for a code block, or nothing if somebody does."""
    if block.get("accounted"):
        return ""
    if "source" in block:  # from literalinclude
        source = Path(block["source"])
        if not source.resolve().is_relative_to(SITE.code):
            return f"{source.name} is not one of the programs"
        inside = source.resolve().relative_to(SITE.code)
        names = {source.name, f"{source.parent.name}/{source.name}"}
        if names & executed() or any(map(inside.is_relative_to, CHECKED_ELSEWHERE)):
            return ""
        return f"{source.name} was not executed by any page"
    if block.astext().strip() in gallery_code(docname):
        return ""
    around: nodes.Node | None = block
    while isinstance(around, nodes.Element):
        if "sphx-glr-script-out" in around.get("classes", []) and gallery_code(docname):
            return ""
        around = around.parent
    return "typed into the text: use literalinclude, console, or unexecuted with a reason"


def test_every_code_block_is_accounted_for() -> None:
    wrong = []
    for language, docname, document in both_languages():
        for block in blocks(document):
            if why := unaccounted(docname, block):
                first = block.astext().partition("\n")[0]
                wrong.append(f"{language}/{docname}:{block.line}: {why}: {first}")
    assert not wrong, "\n".join(wrong)
    assert any(blocks(document) for _, _, document in both_languages())


def test_no_code_reaches_a_page_past_the_doctree(pages: list[Page]) -> None:
    """Raw HTML could hold code that the check above does not see."""
    trees = {(language, name): tree for language, name, tree in both_languages()}
    wrong = []
    for page in pages:
        path = page.path.relative_to("en") if page.english else page.path
        if path.as_posix() in BUILT_BY_SPHINX:
            continue
        tree = trees["en" if page.english else "zh", path.with_suffix("").as_posix()]
        shown = [pre for pre in page.soup.find_all("pre") if not pre.find_parent(class_="linenos")]
        if len(shown) != len(blocks(tree)):
            wrong.append(f"{page.path} shows {len(shown)} blocks, {len(blocks(tree))} are known")
    assert not wrong, "\n".join(wrong)


def test_both_languages_show_the_same_code_and_outputs() -> None:
    chinese, english = documents("zh"), documents("en")
    assert chinese.keys() == english.keys()
    for docname, document in chinese.items():
        shown = [block.astext() for block in blocks(document)]
        assert shown == [block.astext() for block in blocks(english[docname])], docname


# Language


def test_pages_state_their_language_and_title(pages: list[Page]) -> None:
    wrong = []
    for page in pages:
        html, title = page.soup.html, page.soup.title
        if html is None or html.get("lang") != ("en" if page.english else "zh-CN"):
            wrong.append(f"{page.path}: lang is {html and html.get('lang')}")
        heading = page.soup.find("h1")
        text = heading.get_text().rstrip("¶").strip() if heading else ""
        if title is None or not text or text not in title.get_text():
            wrong.append(f"{page.path}: title {title}, heading {text!r}")
    assert not wrong, "\n".join(wrong)


def test_the_language_switch_leads_to_the_same_page_and_back(pages: list[Page]) -> None:
    paths = {page.path for page in pages}
    for page in pages:
        links = page.soup.select("nav.languages a[hreflang]")
        assert len(links) == 1, page.path
        target = Path(os.path.normpath(page.path.parent / str(links[0]["href"])))
        other = page.path.relative_to("en") if page.english else "en" / page.path
        assert target == other, page.path
        assert target in paths
        assert links[0]["hreflang"] == links[0]["lang"] == ("zh-CN" if page.english else "en")


def foreign(page: Page) -> Iterator[str]:
    """Yield the Chinese on an English page; code and what is marked as Chinese may have it."""
    for text in page.soup.find_all(string=HAN):
        assert isinstance(text, NavigableString)
        if any(
            parent.name in ("pre", "code", "script", "style")
            or str(parent.get("lang", "")).startswith("zh")
            for parent in text.parents
        ):
            continue
        cell = text.find_parent("td")
        if page.path.stem == "terminology" and cell and not cell.find_previous_sibling("td"):
            continue  # the column of the Chinese words
        yield str(text).strip()
    for tag in page.soup.find_all(True):
        for attribute in ("alt", "title", "aria-label", "placeholder", "content", "tooltip"):
            if HAN.search(str(tag.get(attribute, ""))):
                yield f"{attribute}={tag[attribute]}"


def test_english_pages_hold_no_chinese(pages: list[Page]) -> None:
    wrong = [f"{page.path}: {text}" for page in pages if page.english for text in foreign(page)]
    assert not wrong, "\n".join(wrong)


def test_pages_name_the_other_languages_and_describe_themselves(pages: list[Page]) -> None:
    for page in pages:
        own = page.path.relative_to("en") if page.english else page.path
        links = page.soup.select("link[rel=alternate][hreflang]")
        told = {str(link["hreflang"]): str(link["href"]) for link in links}
        there = {tag: os.path.normpath(page.path.parent / href) for tag, href in told.items()}
        assert there == {"zh-CN": str(own), "en": f"en/{own}"}, page.path
        description = page.soup.select_one("meta[name=description]")
        if own.name not in BUILT_BY_SPHINX:
            assert description, page.path
            assert 10 < len(str(description["content"])) <= 160, page.path


def headings(document: nodes.document) -> list[str]:
    return [section["ids"][0] for section in document.findall(nodes.section)]


def test_anchors_say_something_and_are_the_same_in_both_languages() -> None:
    for name, document in documents("zh").items():
        found = headings(document)
        assert found == headings(documents("en")[name]), name
        assert len({*found}) == len(found), name
        assert not [anchor for anchor in found if re.fullmatch(r"(id\d+)?", anchor)], name


def test_links_of_old_lead_to_headings(pages: list[Page]) -> None:
    assert {"id3", "预热", "warm-up"} <= anchors(HTML / "serving" / "versions.html")


def test_the_words_of_the_theme_are_translated(pages: list[Page]) -> None:
    known = re.compile(r"[A-Za-z][\w.-]*")
    for page in pages:
        for tag in [] if page.english else page.soup.select("body [aria-label]"):
            label = str(tag["aria-label"])
            assert HAN.search(label) or len(known.findall(label)) <= 2, (page.path, label)


def test_the_english_search_holds_no_chinese(pages: list[Page]) -> None:
    text = (HTML / "en" / "_static" / "search_sections.js").read_text(encoding="utf-8")
    searched = json.loads(text.strip().removeprefix("siteSearch.learn(").removesuffix(");"))
    titles = [section[2] for page in searched for section in page["sections"]]
    assert len(titles) > 100
    assert not [title for title in titles if HAN.search(title)]


# Where results come from


def test_each_page_says_where_its_results_come_from(pages: list[Page]) -> None:
    told = json.loads((HTML / "provenance.json").read_text(encoding="utf-8"))
    recorder = Recorder(SITE)
    current = {recipe.name: recorder.find(recipe).key for recipe in recorder.recipes()}
    assert told.keys() == documents("zh").keys()
    for page in pages:
        name = (page.path.relative_to("en") if page.english else page.path).with_suffix("")
        facts, shown = told.get(name.as_posix(), {}), page.soup.select_one(".provenance")
        assert (shown is not None) == bool(facts.get("recordings")), page.path
        if shown is not None:
            assert facts["recordings"].items() <= current.items(), "older than its page"
            assert set(facts["outputs"]) <= {"as documented", "not run"}
            said = shown.get_text()
            for key in ("python", "tensorflow", "keras", "litert", "server", "processor"):
                assert all(value in said for value in facts[key]), (page.path, key)
            assert all(made[:10] in said for made in (facts["made"][0], facts["made"][-1]))
    shown_by_pages = {recipe for facts in told.values() for recipe in facts["recordings"]}
    assert shown_by_pages == current.keys(), "each recording is on a page"


# Prose types no measured number

MEASURED = re.compile(
    r"\d[\d.,]*\s*(?:[%％]|percent)"
    r"|\d[\d.,]*\s*(?:[kKMG]i?B\b|字节|bytes?\b|毫秒|微秒|ms\b|秒|分钟|seconds?\b|minutes?\b)"
    r"|\b(?:TensorFlow|Keras|LiteRT|NumPy|Sphinx|Python|版本|version)\s*v?\d+\.\d[\d.]*"
    r"|(?<![\w.])v?\d+\.\d+\.\d+[\w.]*"
    r"|(?<![\w.])0\.\d{2,}",
    re.IGNORECASE,
)

# Numbers that no build can measure, by (file, number), each with its reason.
TYPED = {
    ("docs/index.md", "Python 3.11"): "the range that requirements.txt is locked for",
    ("docs/lite/android.md", "4 字节"): "the size of a float, by definition",
    ("docs/lite/android.md", "16 KB"): "the rule of Google Play",
    ("docs/lite/android.md", "1.4.0"): "the release of LiteRT that follows it",
    ("docs/modelsave.md", "0.001"): "a default of Keras; the output below it shows it",
    ("docs/javascript.md", "127.0.0.1"): "an address",
    ("docs/serving/index.md", "4 MiB"): "the limit of gRPC's clients; grpc_client.py says so, too",
    ("docs/changes.md", "0.001"): "a default of Keras; the chapter shows it in an output",
}


def prose(path: Path) -> str:
    """Return the text of a chapter or page without code, roles and link targets."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        text = "\n".join(block.content for block in blocks_of(path) if block.type == "text")
        text = re.sub(r"(?m)^\s*(\.\.|:\w+:) .*$", "", text)
    text = re.sub(r"(?ms)^\s*(`{3,}|~{3,}).*?^\s*\1\s*$", "", text)
    text = re.sub(r"(?:\{[\w:-]+\}|:[\w:-]+:)?(`+)(?!`).+?(?<!`)\1(?!`)_*", "", text)
    return re.sub(r"\]\([^)]*\)", "]", text)


def test_prose_types_no_measured_number() -> None:
    sources = [*sorted((ROOT / "docs").glob("**/*.md")), *sorted(SITE.pages.glob("*.py"))]
    others = (SITE.generated, SITE.code)  # a README among the programs is no page
    sources = [path for path in sources if not any(map(path.is_relative_to, others))]
    found = {
        (str(path.relative_to(ROOT)), number)
        for path in sources
        for number in MEASURED.findall(prose(path))
    }
    wrong = sorted(found - TYPED.keys())
    assert not wrong, "\n".join(f"{path}: {number}: use {{measured}}" for path, number in wrong)
    assert not TYPED.keys() - found, "not typed any more"


@pytest.mark.parametrize(
    "text", ["99.2 %", "4.8 MB", "12 ms", "2.21.0", "TensorFlow 2.21", "4,803,668 字节", "0.9861"]
)
def test_measured_numbers_are_recognised(text: str, tmp_path: Path) -> None:
    chapter = tmp_path / "chapter.md"
    chapter.write_text(f"约 {text}。`{text}` {{measured}}`a.json {text}`\n\n```\n{text}\n```\n")
    assert [m.group() for m in MEASURED.finditer(prose(chapter))] == [text]
