"""The site of the last build in a real browser: width, dark mode, search, copying, languages."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

ROOT = Path(__file__).parent.parent
HTML = ROOT / "build" / "html"
OUTPUTS = ROOT / "build" / "outputs"
SIZES = {"phone": (360, 740), "desktop": (1440, 900)}

# What a Chinese reader types: words, phrases, mixed with Latin ones, more than one word.
CHINESE = [
    "模型转换",
    "签名",
    "量化",
    "SavedModel",
    "缓冲区",
    "混淆矩阵",
    "学习率",
    "全整数量化",
    "移动端 TensorFlow Lite",
    "SavedModel 的签名",
    "tflite_convert",
]
ENGLISH = ["convert", "signature", "quantisation", "SavedModel", "buffer", "saved models"]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """Serve the built site over loopback."""
    assert (HTML / "en" / "index.html").exists(), "there is no site in build/: run `make html`"
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(HTML))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Watched:
    """A tab that remembers what went wrong: errors on the console, foreign or failed requests."""

    def __init__(self, context: BrowserContext, site: str) -> None:
        self.site, self.wrong, self.where = site, list[str](), ""
        self.page: Page = context.new_page()
        self.page.on("console", self.heard)
        self.page.on("pageerror", lambda error: self.note(f"exception: {error}"))
        self.page.on("request", lambda request: self.requested(request.url))
        self.page.on("response", lambda answer: self.answered(answer.status, answer.url))

    def heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.note(f"console: {message.text} ({message.location['url']})")

    def answered(self, status: int, url: str) -> None:
        if status >= 400:
            self.note(f"{status}: {url}")

    def note(self, problem: str) -> None:
        self.wrong.append(f"{self.where}: {problem}")

    def requested(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.netloc != urlsplit(self.site).netloc:
            self.note(f"request to another host: {url}")

    def open(self, path: str) -> Page:
        self.where = path
        self.page.goto(f"{self.site}/{path}", wait_until="load")
        return self.page


@pytest.fixture
def tab(browser: Browser, site: str) -> Iterator[Watched]:
    """Yield a tab of desktop size; what went wrong in it fails the test."""
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        watched = Watched(context, site)
        yield watched
        assert not watched.wrong, "\n".join(watched.wrong)


def built_pages() -> list[str]:
    """Return the paths of all pages of both languages."""
    paths = (path.relative_to(HTML) for path in sorted(HTML.rglob("*.html")))
    return [path.as_posix() for path in paths if not {"_static", "_downloads"} & set(path.parts)]


BACKGROUND = "() => getComputedStyle(document.body).backgroundColor"
# The page or its text is wider than its place: furo then lets the whole text scroll sideways, or
# cuts it off. Code and tables may scroll by themselves. Returns the elements that stick out.
TOO_WIDE = """() => {
  const wide = (e) => e.scrollWidth > e.clientWidth + 1;
  const boxes = 'html, body, .content';
  if (![...document.querySelectorAll(boxes)].some(wide)) return [];
  const text = document.querySelector('.content');
  const edge = text.getBoundingClientRect().right;
  const scrolls = (e) => e !== text
    && (getComputedStyle(e).overflowX !== 'visible' || scrolls(e.parentElement));
  return [...text.querySelectorAll('*')]
    .filter((e) => e.getBoundingClientRect().right > edge + 1 && !scrolls(e.parentElement))
    .map((e) => `${e.tagName} ${e.className} ${e.textContent.trim().slice(0, 40)}`)
    .slice(-3).concat('the page is too wide');
}"""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_the_window_and_load_cleanly(
    browser: Browser, site: str, size: str, scheme: str
) -> None:
    width, height = SIZES[size]
    dark = scheme == "dark"
    with browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
    ) as context:
        tab = Watched(context, site)
        for path in built_pages():
            page = tab.open(path)
            for problem in page.evaluate(TOO_WIDE):
                tab.note(f"overflows at {width} px: {problem}")
            red = int(re.findall(r"\d+", page.evaluate(BACKGROUND))[0])
            if (red < 128) != dark:
                tab.note(f"the background is {page.evaluate(BACKGROUND)} in {scheme} mode")
            broken = page.evaluate(
                "() => [...document.images].filter((i) => !i.naturalWidth).map((i) => i.src)"
            )
            for image in broken:
                tab.note(f"image not shown: {image}")
    assert not tab.wrong, "\n".join(tab.wrong)


def test_the_theme_button_changes_the_background(tab: Watched) -> None:
    page = tab.open("index.html")
    seen = {page.evaluate(BACKGROUND)}
    button = page.locator("button.theme-toggle:visible").first
    for _ in range(3):  # auto, light, dark
        button.click()
        seen.add(page.evaluate(BACKGROUND))
    assert len(seen) == 2


def search(tab: Watched, folder: str, query: str) -> list[str]:
    """Type a query into the search box of a page; return the titles that were found."""
    page = tab.open(f"{folder}index.html")
    page.locator(".sidebar-search").fill(query)
    page.locator(".sidebar-search").press("Enter")
    page.wait_for_url("**/search.html?q=*")
    tab.where = f"{folder}search.html?q={query}"
    # Sphinx writes the summary when all results are there.
    page.wait_for_function(
        "() => /\\d/.test(document.querySelector('.search-summary')?.textContent ?? '')"
        " || document.querySelector('#search-results h2 + p')?.textContent.includes('not match')"
        " || document.querySelector('#search-results h2 + p')?.textContent.includes('没有')"
    )
    return page.locator("#search-results ul.search li a").all_inner_texts()


@pytest.mark.parametrize("query", CHINESE)
def test_the_search_finds_chinese(tab: Watched, query: str) -> None:
    assert search(tab, "", query)


@pytest.mark.parametrize("query", ENGLISH)
def test_the_search_finds_english(tab: Watched, query: str) -> None:
    assert search(tab, "en/", query)


@pytest.mark.parametrize("query", ["鱷魚", "zzzunheard"])
def test_the_search_finds_nothing_where_there_is_nothing(tab: Watched, query: str) -> None:
    assert search(tab, "", query) == []


def test_a_result_of_the_search_leads_to_its_page(tab: Watched) -> None:
    titles = search(tab, "", "模型转换")
    assert titles[0].startswith("模型转换")
    tab.page.locator("#search-results ul.search li a").first.click()
    tab.page.wait_for_url("**/lite/convert.html**")
    assert tab.page.locator("h1").inner_text().startswith("模型转换")


@pytest.mark.parametrize("folder", ["", "en/"])
def test_the_copy_button_takes_the_command_without_prompt_and_output(
    browser: Browser, site: str, folder: str
) -> None:
    with browser.new_context(permissions=["clipboard-read", "clipboard-write"]) as context:
        tab = Watched(context, site)
        page = tab.open(f"{folder}lite/emulation.html")
        recorded = (OUTPUTS / "interpret.txt").read_text(encoding="utf-8").splitlines()
        block = page.locator("div.highlight-console", has_text="index 9 prob is").first
        assert block.inner_text().startswith(recorded[0])
        block.hover()
        block.locator("button.copybtn").click()
        page.wait_for_function("() => document.querySelector('button.copybtn.success')")
        assert page.evaluate("() => navigator.clipboard.readText()") == recorded[0][2:]
    assert not tab.wrong, "\n".join(tab.wrong)


def test_the_copy_button_takes_a_program_whole(browser: Browser, site: str) -> None:
    with browser.new_context(permissions=["clipboard-read", "clipboard-write"]) as context:
        tab = Watched(context, site)
        page = tab.open("lite/emulation.html")
        block = page.locator("div.highlight", has_text="def fill_input_raw").last
        block.hover()
        block.locator("button.copybtn").click()
        page.wait_for_function("() => document.querySelector('button.copybtn.success')")
        copied = page.evaluate("() => navigator.clipboard.readText()")
        program = ROOT / "docs" / "_static" / "code" / "lite" / "interpret.py"
        assert copied.strip() in program.read_text(encoding="utf-8")
        assert "def " in copied
    assert not tab.wrong, "\n".join(tab.wrong)


def test_the_language_switch_leads_to_the_same_page_and_back(tab: Watched) -> None:
    page = tab.open("lite/convert.html")
    chinese = page.locator("h1").inner_text()
    page.locator("nav.languages a[hreflang=en]").click()
    page.wait_for_url("**/en/lite/convert.html")
    assert page.evaluate("() => document.documentElement.lang") == "en"
    assert page.locator("h1").inner_text() != chinese
    page.locator("nav.languages a[hreflang=zh-CN]").click()
    page.wait_for_url(f"{tab.site}/lite/convert.html")
    assert page.locator("h1").inner_text() == chinese


def test_on_a_phone_the_language_switch_is_in_the_menu(browser: Browser, site: str) -> None:
    with browser.new_context(viewport={"width": 360, "height": 740}) as context:
        tab = Watched(context, site)
        page = tab.open("modelsave.html")
        page.locator(".mobile-header .nav-overlay-icon").click()
        page.locator("nav.languages a[hreflang=en]").click()
        page.wait_for_url("**/en/modelsave.html")
    assert not tab.wrong, "\n".join(tab.wrong)
