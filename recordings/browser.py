"""A real browser, in which a recipe runs the demo's own runtimes on samples.

Chromium without a screen; its WebGL is computed by software, so that its time says nothing about a
GPU. Nothing is served: the browser's requests are answered from a folder.
"""

from __future__ import annotations

import base64
import importlib.util
import mimetypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recordings.chromium import ARGUMENTS, browser_path

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

ORIGIN = "http://localhost"
TIMED = 20  # predictions in each of five rounds: a browser's clock is coarse
PREDICT = """async ({ runtime, files, sizes, pixels, timed }) => {
  const { openRuntime } = await import('/runtimes.js');
  const all = new Float32Array(await (await fetch(pixels)).arrayBuffer());
  const size = sizes.shape.reduce((a, b) => a * b);
  const opened = await openRuntime(runtime, files, sizes);
  const one = all.slice(0, size);
  await opened.predict(one); // compiles
  const rounds = [];
  for (let round = 0; round < 5; round += 1) {
    const start = performance.now();
    for (let i = 0; i < timed; i += 1) await opened.predict(one);
    rounds.push((performance.now() - start) / timed);
  }
  const answers = [];
  for (let i = 0; i < all.length; i += 50 * size) {
    answers.push(...await opened.predict(all.slice(i, i + 50 * size)));
  }
  opened.close();
  const bytes = new Uint8Array(new Float32Array(answers).buffer);
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return { answers: btoa(text), milliseconds: rounds.sort((a, b) => a - b)[2] };
}"""


def missing() -> str:
    """Say what this machine lacks to run a browser; an empty string if it lacks nothing."""
    if not importlib.util.find_spec("playwright"):
        return "no playwright: pip install playwright"
    return "" if browser_path() else "no Chromium here: install one, or name it in BROWSER_PATH"


@contextmanager
def opened(folder: Path) -> Iterator[Page]:
    """Open an empty page in a browser, to which the files of a folder are a site."""
    from playwright.sync_api import sync_playwright

    def answer(route: Route) -> None:
        path = folder / route.request.url.removeprefix(f"{ORIGIN}/")
        if path.is_file():
            kind = "text/javascript" if path.suffix == ".js" else mimetypes.guess_type(path)[0]
            route.fulfill(path=path, content_type=kind or "application/octet-stream")
        else:
            route.fulfill(status=404 if path != folder else 200, body="", content_type="text/html")

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser_path(), args=ARGUMENTS)
        page = chromium.new_page()
        page.route("**/*", answer)
        page.goto(f"{ORIGIN}/")
        yield page
        chromium.close()


def predict(
    page: Page, runtime: str, files: dict[str, str], sizes: dict[str, Any], pixels: str
) -> tuple[np.ndarray, float]:
    """Return what a runtime of the demo answers, and the milliseconds of one prediction.

    Args:
        page: of opened(), whose folder holds the bundled page.
        runtime: a key of RUNTIMES in runtimes.mjs.
        files: addresses of `graphModel`, `tflite` and `wasmFolder`.
        sizes: `shape` of one sample, number of `classes`.
        pixels: the address of the samples, float32.

    Returns:
        float32 (n, classes), and the median of five rounds.
    """
    asked = {"runtime": runtime, "files": files, "sizes": sizes, "pixels": pixels, "timed": TIMED}
    found = page.evaluate(PREDICT, asked)
    answers = np.frombuffer(base64.b64decode(found["answers"]), "float32")
    return answers.reshape(-1, sizes["classes"]), float(found["milliseconds"])
