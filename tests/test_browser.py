"""The site of the last build in a real browser: width, dark mode, copying, languages."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

ROOT = Path(__file__).parent.parent
HTML = ROOT / "build" / "html"
OUTPUTS = ROOT / "build" / "outputs"
SIZES: dict[str, tuple[int, int]] = {"phone": (360, 740), "desktop": (1440, 900)}
SCHEMES: list[Literal["light", "dark"]] = ["light", "dark"]


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
    """Return the paths of all pages of both languages, without those that lead on."""
    paths = (path.relative_to(HTML) for path in sorted(HTML.rglob("*.html")))
    own = (path for path in paths if not {"_static", "_downloads"} & set(path.parts))
    return [path.as_posix() for path in own if path.name != "serving.html"]


BACKGROUND = "() => getComputedStyle(document.body).backgroundColor"
# Say what a page looks like in a window of a width, in light or dark. Where the page or its text is
# wider than its place, furo lets the whole text scroll sideways, or cuts it off: then name what
# sticks out. Code and tables may scroll by themselves. Pictures below the window wait for a reader,
# and those for the other scheme are not loaded.
LOOK = """async (width) => {
  const wide = (e) => e.scrollWidth > e.clientWidth + 1;
  const text = document.querySelector('.content');
  const edge = text?.getBoundingClientRect().right;
  const scrolls = (e) => e !== text
    && (getComputedStyle(e).overflowX !== 'visible' || scrolls(e.parentElement));
  const sticksOut = (e) => e.getBoundingClientRect().right > edge + 1 && !scrolls(e.parentElement);
  const name = (e) => `${e.tagName} ${e.className} ${e.textContent.trim().slice(0, 40)}`;
  const images = [...document.images].filter((i) => i.checkVisibility());
  for (const image of images) image.loading = 'eager';
  await Promise.allSettled(images.map((i) => i.decode()));
  const boxes = [...document.querySelectorAll('html, body, .content')];
  const fits = innerWidth === width && !boxes.some(wide);
  return {
    tooWide: fits ? null : [...text.querySelectorAll('*')].filter(sticksOut).map(name).slice(-3),
    background: getComputedStyle(document.body).backgroundColor,
    notShown: images.filter((i) => !i.naturalWidth).map((i) => i.src),
  };
}"""


def test_pages_load_cleanly_and_fit_windows_light_and_dark(tab: Watched) -> None:
    for path in built_pages():
        page = tab.open(path)
        for size, scheme in product(SIZES, SCHEMES):
            width, height = SIZES[size]
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)
            look = page.evaluate(LOOK, width)
            if look["tooWide"] is not None:
                tab.note(f"too wide for {width} px in {scheme} mode: {look['tooWide']}")
            red = int(re.findall(r"\d+", look["background"])[0])
            if (red < 128) != (scheme == "dark"):
                tab.note(f"the background is {look['background']} in {scheme} mode")
            for image in look["notShown"]:
                tab.note(f"image not shown on a {size} in {scheme} mode: {image}")


def test_a_command_breaks_between_its_words(tab: Watched) -> None:
    page = tab.open("serving/index.html")
    options = page.locator(".highlight-console .na")
    lines = options.evaluate_all("all => all.map(option => option.getClientRects().length)")
    assert len(lines) > 20
    assert set(lines) == {1}


def test_the_theme_button_changes_the_background(tab: Watched) -> None:
    page = tab.open("index.html")
    seen = {page.evaluate(BACKGROUND)}
    button = page.locator("button.theme-toggle:visible").first
    for _ in range(3):  # auto, light, dark
        button.click()
        seen.add(page.evaluate(BACKGROUND))
    assert len(seen) == 2


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
        block = page.locator("div.highlight", has_text="import numpy").last
        block.hover()
        block.locator("button.copybtn").click()
        page.wait_for_function("() => document.querySelector('button.copybtn.success')")
        copied = page.evaluate("() => navigator.clipboard.readText()")
        program = ROOT / "docs" / "_static" / "code" / "lite" / "plain_mistake.py"
        assert copied.strip() in program.read_text(encoding="utf-8")
        assert "import numpy" in copied
    assert not tab.wrong, "\n".join(tab.wrong)


def test_the_language_switch_leads_to_the_same_place_and_back(tab: Watched) -> None:
    page = tab.open("lite/convert.html#quantization")
    chinese = page.locator("h1").inner_text()
    page.locator("nav.languages a[hreflang=en]").click()
    page.wait_for_url("**/en/lite/convert.html#quantization")
    assert page.locator("#quantization h2").inner_text().startswith("Quantization")
    assert page.evaluate("() => document.documentElement.lang") == "en"
    assert page.locator("h1").inner_text() != chinese
    page.locator("nav.languages a[hreflang=zh-CN]").click()
    page.wait_for_url(f"{tab.site}/lite/convert.html#quantization")
    assert page.locator("h1").inner_text() == chinese


def test_on_a_phone_the_language_switch_is_in_the_menu(browser: Browser, site: str) -> None:
    with browser.new_context(viewport={"width": 360, "height": 740}) as context:
        tab = Watched(context, site)
        page = tab.open("modelsave.html")
        page.locator(".mobile-header .nav-overlay-icon").click()
        page.locator("nav.languages a[hreflang=en]").click()
        page.wait_for_url("**/en/modelsave.html")
    assert not tab.wrong, "\n".join(tab.wrong)


class Lost(Quiet):
    """A server that shows the site's page for addresses that are not there, as hosts do."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        body = (HTML / "404.html").read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def test_an_address_that_is_not_there_leads_on_in_both_languages(browser: Browser) -> None:
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), partial(Lost, directory=str(HTML))) as server,
        browser.new_context() as context,
    ):
        threading.Thread(target=server.serve_forever).start()
        root = f"http://127.0.0.1:{server.server_port}"
        page = context.new_page()
        page.goto(f"{root}/no/such/page.html")
        assert page.evaluate(BACKGROUND) == "rgb(255, 255, 255)"
        assert page.locator("h1").bounding_box()["x"] > 200, "without its style sheet"  # type: ignore[index]
        page.locator("#lost-query").fill("gRPC")
        page.locator("#lost-query").press("Enter")
        page.wait_for_url(f"{root}/search.html?q=gRPC")
        page.go_back()
        page.get_by_role("link", name="The site in English").click()
        page.wait_for_url(f"{root}/en/index.html")
        server.shutdown()


@pytest.mark.parametrize("folder", ["", "en/"])
def test_old_addresses_lead_to_the_page(tab: Watched, folder: str) -> None:
    page = tab.open(f"{folder}serving.html")
    page.wait_for_url(f"{tab.site}/{folder}serving/index.html")


def test_the_policy_lets_no_other_script_in(browser: Browser, site: str) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{site}/index.html")
        allowed = page.evaluate(
            """() => {
              const script = document.createElement('script');
              script.textContent = 'window.foreign = true';
              document.body.append(script);
              return Boolean(window.foreign);
            }"""
        )
        assert not allowed


@pytest.mark.parametrize(("folder", "word"), [("", "终端"), ("en/", "Terminal")])
def test_texts_of_the_style_sheet_are_in_the_language(tab: Watched, folder: str, word: str) -> None:
    page = tab.open(f"{folder}javascript.html")
    text = page.locator(".terminal-2").first.evaluate(
        "e => getComputedStyle(e, '::before').content"
    )
    assert word in text
