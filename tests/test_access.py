"""The site of the last build for everyone: axe finds no violation, in both themes.

A sample of the pages here, one of each kind; `python -m tests.test_access` looks through all.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, ViewportSize, sync_playwright

from recordings.chromium import ARGUMENTS, browser_path
from tests.lighthouse import served

ROOT = Path(__file__).parent.parent
HTML = ROOT / "build" / "html"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
SAMPLE = ["index", "search", "errors", "changes", "serving/index", "gallery/index"]
SAMPLE += ["gallery/plot_matrix", "404"]
ENGLISH = ["index", "search"]  # the same templates with other texts
RUN = """() => axe.run(document, {
  resultTypes: ['violations'], rules: {'target-size': {enabled: true}}  // off by default
}).then(
  ({ violations }) => violations.map(
    ({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 120)}`))"""
SCHEMES: list[Literal["light", "dark"]] = ["light", "dark"]


def violations(browser: Browser, paths: list[Path]) -> list[str]:
    """Return what axe finds on pages, light and dark."""
    axe, found = AXE.read_text(encoding="utf-8"), []
    window: ViewportSize = {"width": 1440, "height": 900}
    with served() as site:  # 404.html is right at any address, but not as a file
        for scheme in SCHEMES:
            with browser.new_context(viewport=window, color_scheme=scheme) as context:
                page = context.new_page()
                for path in paths:
                    where = path.relative_to(HTML).as_posix()
                    page.goto(f"{site}/{where}")
                    page.evaluate(axe)
                    found += [f"{where}, {scheme}: {problem}" for problem in page.evaluate(RUN)]
    return found


def test_axe_finds_no_violation(browser: Browser) -> None:
    names = [*SAMPLE, *(f"en/{name}" for name in ENGLISH)]
    found = violations(browser, [HTML / f"{name}.html" for name in names])
    assert not found, "\n".join(found)


def test_axe_finds_a_violation_that_is_there(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<html lang=en><title>t</title><main><h1>t</h1><img src=x></main></html>")
    with browser.new_context() as context:
        tab = context.new_page()
        tab.goto(page.as_uri())
        tab.evaluate(AXE.read_text(encoding="utf-8"))
        assert any(problem.startswith("image-alt") for problem in tab.evaluate(RUN))


if __name__ == "__main__":
    pages = [path for path in HTML.rglob("*.html") if not {"_static", "_downloads"} & {*path.parts}]
    pages = [path for path in pages if path.name != "serving.html"]  # leads on
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser_path(), args=ARGUMENTS)
        everything = violations(chromium, sorted(pages))
    print(f"{len(pages)} pages, {len(everything)} violations", *everything, sep="\n")
    sys.exit(bool(everything))
