"""The demo in the chapter of the built site, and the messages that the chapter explains."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Route

from recordings.chromium import ROOT

from .conftest import READY, Demo

HTML = ROOT / "build" / "html"
CHAPTERS = {"zh-CN": "javascript.html", "en": "en/javascript.html"}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def built_site() -> Iterator[str]:
    """Serve the built site with nothing but a file server."""
    assert (HTML / "en" / "javascript.html").exists(), "no site in build/html: run `make html`"
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(HTML))) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Chapter(Demo):
    """A tab with the chapter; the demo in it is closed."""

    def __init__(self, context: BrowserContext, site: str, language: str) -> None:
        super().__init__(context, site)
        self.language = language
        self.before: list[str] = []  # what was requested before the demo was opened
        self.page.goto(f"{site}/{CHAPTERS[language]}", wait_until="networkidle")
        self.page.evaluate(
            """() => {
                window.seen = [];
                addEventListener('digit-prediction', ({ detail }) => seen.push({ ...detail,
                  pixels: [...detail.pixels], probabilities: [...detail.probabilities] }));
            }"""
        )


@pytest.fixture(params=CHAPTERS, scope="module")
def kept_open(
    request: pytest.FixtureRequest, browser: Browser, built_site: str
) -> Iterator[Chapter]:
    with browser.new_context(viewport={"width": 1440, "height": 1000}) as context:
        chapter = Chapter(context, built_site, request.param)
        chapter.before = list(chapter.requested)
        assert chapter.page.evaluate("[...document.scripts].every(({ src }) => !/digit/.test(src))")
        chapter.page.locator(".digit-demo > button").focus()
        chapter.page.keyboard.press("Enter")
        chapter.ready(READY[chapter.language])
        yield chapter


@pytest.fixture
def chapter(kept_open: Chapter) -> Iterator[Chapter]:
    """The chapter with its demo, opened from the keyboard, in a tab that tests share."""
    yield kept_open
    assert kept_open.wrong == []


def test_the_chapter_loads_nothing_of_the_demo_until_it_is_used(chapter: Chapter) -> None:
    assert [url for url in chapter.before if "/digit/" in url] == []
    assert [url for url in chapter.requested if "/digit/" in url] != []


def test_the_demo_in_the_chapter_works_by_keyboard_and_mouse_and_offline(chapter: Chapter) -> None:
    page = chapter.page
    page.context.set_offline(True)  # what it needs is there now
    assert page.evaluate("document.activeElement.className") == "digit-paper"
    for key in ["ArrowUp"] * 10 + ["Space"] + ["ArrowDown"] * 20 + ["Space"]:
        page.keyboard.press(key)
    chapter.predictions(1)
    page.get_by_role("button", name="清除" if chapter.language == "zh-CN" else "Clear").click()
    chapter.draw([[[50, 14], [50, 86]]])
    assert [np.argmax(one["probabilities"]) for one in chapter.predictions(2)] == [1, 1]
    page.context.set_offline(False)


def test_every_control_of_the_demo_has_a_name(chapter: Chapter) -> None:
    chapter.page.locator(".digit-digits button").nth(19).wait_for()
    nameless = chapter.page.evaluate(
        """[...document.querySelectorAll('.digit-demo :is(button, input, select, canvas)')]
          .filter((e) => !(e.ariaLabel || e.textContent.trim() || e.closest('label')?.textContent)
            && !e.closest('[aria-label]'))
          .map((e) => e.outerHTML)"""
    )
    assert nameless == []
    for role, count in (("status", 1), ("alert", 1), ("application", 1)):
        assert chapter.page.locator(f".digit-demo [role={role}]").count() == count


def test_the_open_demo_fits_a_phone_light_and_dark(chapter: Chapter) -> None:
    page = chapter.page
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for box in page.evaluate(
        "[...document.querySelectorAll('.digit-demo *')]"
        ".map((e) => e.getBoundingClientRect().right)"
    ):
        assert box <= 360
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        ink = page.evaluate("getComputedStyle(document.querySelector('.digit-status')).color")
        assert (int(re.findall(r"\d+", ink)[0]) > 128) == (scheme == "dark")


def test_a_picked_digit_and_its_verdict_are_in_view_on_a_phone(chapter: Chapter) -> None:
    page = chapter.page
    page.set_viewport_size({"width": 360, "height": 740})
    before = len(page.evaluate("seen"))
    last = page.locator(".digit-digits button").last
    last.scroll_into_view_if_needed()
    last.click()
    chapter.predictions(before + 1)
    label = last.inner_text().strip()
    box = page.locator(".digit-status", has_text=label).bounding_box()
    assert box is not None
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= 740


def test_the_demo_has_few_stops_for_tab(chapter: Chapter) -> None:
    page = chapter.page
    stops = page.evaluate(
        """[...document.querySelectorAll('.digit-demo :is(button, input, select, canvas)')]
          .filter((e) => e.tabIndex === 0 && !e.disabled).length"""
    )
    assert stops <= 10
    first = page.locator(".digit-digits button").first
    first.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.previousElementSibling") is not None
    assert page.locator(".digit-digits button[tabindex='0']").count() == 1


def test_the_demo_works_without_the_server_after_one_visit(browser: Browser) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(HTML)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with browser.new_context() as context:
        try:
            page = context.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/{CHAPTERS['en']}")
            page.locator(".digit-open").click()
            page.locator(".digit-digits button").first.click()
            page.locator(".digit-top").wait_for()
            page.evaluate(
                """async () => {
                  await navigator.serviceWorker.ready;
                  const { serviceWorker } = navigator;
                  if (!serviceWorker.controller) await new Promise((done) => {
                    serviceWorker.addEventListener('controllerchange', done);
                  });
                }"""
            )
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
        page.reload()
        page.locator(".digit-open").click()
        page.locator(".digit-digits button").first.click()
        page.locator(".digit-top").wait_for()


@pytest.mark.parametrize(
    ("language", "text"), [("zh-CN", "file://"), ("en", "a page opened from the disk (file://)")]
)
def test_from_the_disk_the_page_says_what_to_do(language: str, text: str, browser: Browser) -> None:
    with browser.new_context() as context:
        heard: list[str] = []
        page = context.new_page()
        page.on("console", lambda message: heard.append(message.text))
        page.goto((HTML / CHAPTERS[language]).as_uri())
        page.locator(".digit-demo > button").click()
        page.locator(".digit-failed", has_text=text).wait_for()
        assert_explained(heard)


# The messages


def explained() -> list[str]:
    """Return the terms of the chapter's list of errors, the code in them."""
    text = (ROOT / "docs" / "javascript.md").read_text(encoding="utf-8").partition("## 出错时")[2]
    terms = re.findall(r"(?m)^(`+)(.+)\1\n: ", text)
    return [term for _, term in terms]


def assert_explained(heard: list[str]) -> None:
    """Assert that the chapter's list of errors has a message that was heard."""
    assert [term for term in explained() if any(term in text for text in heard)], heard


def test_every_message_of_the_build_is_real() -> None:
    outputs = [path.read_text(encoding="utf-8") for path in (ROOT / "build/outputs").glob("*.txt")]
    in_browser = [term for term in explained() if not any(appears(term, text) for text in outputs)]
    assert len(in_browser) == 5, "each of them needs a test below or above"


def appears(term: str, text: str) -> bool:
    return re.search(".*".join(map(re.escape, term.split("…"))), text) is not None


def test_a_model_of_another_origin(browser: Browser, built_site: str, site: str) -> None:
    with browser.new_context(bypass_csp=True) as context:  # a page that may ask other origins
        chapter = Chapter(context, built_site, "en")
        heard: list[str] = []
        chapter.page.on("console", lambda message: heard.append(message.text))
        chapter.page.evaluate(
            "(url) => { document.querySelector('.digit-demo').dataset.graphModel = url; }",
            f"{site}saved_model_tfjs_uint8/model.json",
        )
        chapter.press()
        chapter.page.get_by_role("alert").filter(has_text="cannot be downloaded").wait_for()
        assert_explained([text for text in heard if "Access-Control-Allow-Origin" in text])


def test_a_policy_without_webassembly(demo: Demo) -> None:
    heard: list[str] = []
    demo.page.on("console", lambda message: heard.append(message.text))

    def strict(route: Route) -> None:
        answer = route.fetch()
        policy = answer.headers["content-security-policy"].replace(" 'wasm-unsafe-eval'", "")
        route.fulfill(
            response=answer, headers={**answer.headers, "content-security-policy": policy}
        )

    demo.page.route(demo.site, strict)
    demo.expected = ["Content Security"]
    demo.open("en")
    demo.page.get_by_role("alert").filter(has_text="cannot start").wait_for()
    assert_explained([text for text in heard if "Content Security" in text])
    demo.page.get_by_role("button", name="Use TensorFlow.js · cpu").click()
    demo.ready("cpu is ready")


@pytest.mark.parametrize(
    ("file", "part"),
    [("mnist_cnn.tflite", "Float32[-1, 28, 28, 1]"), ("mnist_cnn_int8.tflite", "INT8")],
)
def test_a_tflite_that_litert_refuses(file: str, part: str, demo: Demo, folder: Path) -> None:
    demo.expected = [part, "ERROR", "Tensor"]
    demo.open("en", tflite=file)
    demo.ready(READY["en"])
    demo.choose("litert")
    alert = demo.page.get_by_role("alert").filter(has_text=part)
    alert.wait_for()
    assert_explained([alert.inner_text()])
