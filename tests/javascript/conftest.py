"""A reader's folder as the build leaves it, the page served, and a watched browser tab."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from recordings.chromium import ROOT

CODE = ROOT / "docs" / "_static" / "code"
BIN = Path(sys.executable).parent
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
EXTRA = ["saved_model_tfjs_float32", "mnist_cnn_web.tflite", "mnist_cnn_js.bin"]
EXTRA += ["mnist_cnn.tflite", "mnist_cnn_int8.tflite"]
READY = {"zh-CN": "已就绪", "en": "is ready"}
Run = Callable[..., subprocess.CompletedProcess[str]]


def run_in(folder: Path, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's folder after the chapter's steps, as the build made it; more models in page/."""
    workspace = Path(os.environ.get("TUTORIAL_WORKSPACE", ROOT / "build" / "workspace"))
    assert (workspace / "page").exists(), f"no page in {workspace}: run `make html`"
    folder = tmp_path_factory.mktemp("reader")
    for path in workspace.iterdir():
        if path.name != "page":
            (folder / path.name).symlink_to(path.resolve())
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    shutil.copytree(workspace / "page", folder / "page")
    for name in EXTRA:
        path = workspace / name
        (shutil.copytree if path.is_dir() else shutil.copy)(path, folder / "page" / name)
    return folder


@pytest.fixture(scope="session")
def broken_graph_models(folder: Path) -> dict[str, str]:
    """Make broken copies of a graph model in page/; return one for each fault."""
    page = folder / "page"
    for name in ("cut", "shape", "unreadable"):
        packed = shutil.ignore_patterns("*.br")
        shutil.copytree(page / "saved_model_tfjs_uint8", page / name, ignore=packed)
    weights = page / "cut" / "group1-shard1of1.bin"
    weights.write_bytes(weights.read_bytes()[:1000])
    model = json.loads((page / "shape" / "model.json").read_text())
    model["signature"]["inputs"]["image"]["tensorShape"]["dim"][1]["size"] = "32"
    (page / "shape" / "model.json").write_text(json.dumps(model))
    (page / "unreadable" / "model.json").write_text("<!doctype html>")
    return {name: f"{name}/model.json" for name in ("missing", "cut", "shape", "unreadable")}


@pytest.fixture(scope="session")
def cut_tflite(folder: Path) -> str:
    whole = (folder / "page" / "mnist_cnn_web_int8.tflite").read_bytes()
    (folder / "page" / "cut.tflite").write_bytes(whole[:600_000])
    return "cut.tflite"


@pytest.fixture(scope="session")
def keras_answers(folder: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from float pixels (n, 784) to Keras's probabilities (n, 10)."""
    import keras

    model = keras.models.load_model(folder / "mnist_cnn.keras", compile=False)

    def answers(pixels: np.ndarray) -> np.ndarray:
        return np.asarray(model.predict(pixels.reshape(-1, 28, 28, 1), verbose=0))

    return answers


@pytest.fixture(scope="session")
def site(folder: Path) -> Iterator[str]:
    """Serve page/ as the reader does, with the strict CSP."""
    command = [sys.executable, "serve_page.py", "--port", "0"]
    with subprocess.Popen(
        command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.terminate()


class Demo:
    """A tab with the demo, which remembers what went wrong and what was requested."""

    def __init__(self, context: BrowserContext, site: str) -> None:
        self.site, self.wrong, self.requested = site, list[str](), list[str]()
        self.expected: list[str] = []  # parts of messages that the test provokes
        self.page: Page = context.new_page()
        self.page.on("console", lambda m: self.note(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.note(f"exception: {error}"))
        self.page.on("request", lambda request: self.request(request.url))

    def note(self, problem: str) -> None:
        if not any(part in problem for part in self.expected):
            self.wrong.append(problem)

    def request(self, url: str) -> None:
        self.requested.append(url.removeprefix(self.site))
        if urlsplit(url).netloc != urlsplit(self.site).netloc and not url.startswith("data:"):
            self.wrong.append(f"foreign request: {url}")

    def open(self, language: str = "zh-CN", **data: str) -> Page:
        """Open the page in a language with other models, press the button, wait until ready."""
        self.load(language, **data)
        self.press()
        self.page.locator(".digit-status:not(:empty), .digit-error:not(:empty)").first.wait_for()
        return self.page

    def load(self, language: str = "zh-CN", **data: str) -> None:
        self.page.goto(self.site)
        self.page.evaluate(
            """([language, data]) => {
                document.documentElement.lang = language;
                Object.assign(document.querySelector('.digit-demo').dataset, data);
                window.seen = [];
                addEventListener('digit-prediction', ({ detail }) => seen.push({ ...detail,
                  pixels: [...detail.pixels], probabilities: [...detail.probabilities] }));
            }""",
            [language, data],
        )

    def press(self) -> None:
        self.page.locator(".digit-demo > button").click()

    def clear(self) -> None:
        """Wipe the paper and forget the predictions so far; none may be under way."""
        self.page.locator(".digit-paper").press("Delete")
        self.page.evaluate("seen.length = 0")

    def choose(self, runtime: str) -> None:
        self.page.locator(".digit-runtime select").select_option(runtime)

    def ready(self, text: str = READY["zh-CN"]) -> None:
        self.page.locator(".digit-status", has_text=text).wait_for(timeout=60_000)

    def predictions(self, count: int) -> list[dict[str, Any]]:
        """Wait for `count` predictions in all and return them."""
        found: list[dict[str, Any]] = self.page.evaluate(
            """(count) => new Promise((done, fail) => {
                const look = () => seen.length >= count ? done(seen) : requestAnimationFrame(look);
                look();
                setTimeout(() => fail(new Error(`${seen.length} of ${count} predictions`)), 60000);
            })""",
            count,
        )
        return found

    def draw(self, strokes: list[list[list[float]]]) -> None:
        box = self.page.locator(".digit-paper").bounding_box()
        assert box is not None
        for stroke in strokes:
            points = [
                (box["x"] + x / 100 * box["width"], box["y"] + y / 100 * box["height"])
                for x, y in stroke
            ]
            self.page.mouse.move(*points[0])
            self.page.mouse.down()
            for point in points[1:]:
                self.page.mouse.move(*point)
            self.page.mouse.up()


@pytest.fixture
def demo(browser: Browser, site: str) -> Iterator[Demo]:
    with browser.new_context(viewport={"width": 1000, "height": 1000}) as context:
        demo = Demo(context, site)
        yield demo
        assert demo.wrong == []


@pytest.fixture(scope="module")
def kept_open(browser: Browser, site: str) -> Iterator[Demo]:
    with browser.new_context(viewport={"width": 1000, "height": 1000}) as context:
        demo = Demo(context, site)
        demo.open()
        demo.ready()
        yield demo


@pytest.fixture
def opened(kept_open: Demo) -> Iterator[Demo]:
    """The demo, opened and ready, in a tab that tests share; its paper is empty."""
    kept_open.clear()
    yield kept_open
    kept_open.page.context.set_offline(False)
    assert kept_open.wrong == []


@pytest.fixture(scope="session")
def drawings() -> list[dict[str, Any]]:
    text = (Path(__file__).parent / "drawings.json").read_text()
    found: list[dict[str, Any]] = json.loads(text)["drawings"]
    return found
