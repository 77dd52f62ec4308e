"""The site of the last build looks as it did: its layout and colors, in tests/look/.

All text is drawn as blocks, by a font that is made here, so that the pictures do not depend on the
fonts of a machine; what is measured in a build, plots above all, is left out. A difference is laid
beside what was expected and found in build/look/. `python -m tests.test_look` takes over what the
pages look like now: look at the pictures before they are committed.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import newTable
from fontTools.ttLib.tables._c_m_a_p import CmapSubtable
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from recordings.chromium import ARGUMENTS, browser_path

ROOT = Path(__file__).parent.parent
HTML = ROOT / "build" / "html"
EXPECTED = ROOT / "tests" / "look"
DIFFERENT = ROOT / "build" / "look"
PAGES = ["index", "errors", "serving/index", "gallery/plot_convert"]
FOLDERS = {"zh": "", "en": "en/"}
SIZES = {"desktop": (1440, 900), "phone": (360, 740)}
SCHEMES: list[Literal["light", "dark"]] = ["light", "dark"]
MOST = 0.002  # of the pixels may differ, by the edges of blocks in another Chromium
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
STYLE = """
@font-face { font-family: Blocks; src: url(data:font/ttf;base64,FONT); }
* { font-family: Blocks !important; animation: none !important; transition: none !important; }
main img, article img, .way text { visibility: hidden; }
html { scrollbar-width: none; }
"""


@cache
def style() -> str:
    """Return CSS that draws each character as a block: Latin ones half as wide as the others."""
    units, narrow, wide = 1000, 500, 1000
    builder = FontBuilder(units, isTTF=True)
    widths = {".notdef": wide, "space": narrow, "narrow": narrow, "wide": wide}
    builder.setupGlyphOrder([*widths])
    builder.font["cmap"] = cmap = newTable("cmap")
    cmap.tableVersion = 0
    ranges = {"narrow": range(0x21, 0x2000), "wide": range(0x2000, 0xFFF0)}
    table = CmapSubtable.newSubtable(13)  # many characters, one glyph
    table.platformID, table.platEncID, table.language = 3, 10, 0
    table.cmap = {c: name for name, characters in ranges.items() for c in characters}
    table.cmap |= {0x20: "space", 0xA0: "space"}
    cmap.tables = [table]
    builder.setupGlyf(
        {name: block(0 if name == "space" else width) for name, width in widths.items()}
    )
    builder.setupHorizontalMetrics({name: (width, 0) for name, width in widths.items()})
    builder.setupHorizontalHeader(ascent=900, descent=-300)
    builder.setupNameTable({"familyName": "Blocks", "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=900, sTypoDescender=-300, usWinAscent=900, usWinDescent=300)
    builder.setupPost()
    file = io.BytesIO()
    builder.save(file)
    return STYLE.replace("FONT", base64.b64encode(file.getvalue()).decode())


def block(width: int) -> object:
    """Return the glyph of a block, a little narrower than its place."""
    pen = TTGlyphPen(None)
    if width:
        corners = [(50, 0), (50, 600), (width - 50, 600), (width - 50, 0)]
        pen.moveTo(corners[0])
        for corner in corners[1:]:
            pen.lineTo(corner)
        pen.closePath()
    return pen.glyph()


@contextmanager
def opened(browser: Browser, path: Path) -> Iterator[Page]:
    """Open a page with its text as blocks."""
    with browser.new_context(bypass_csp=True) as context:
        page = context.new_page()
        page.goto(path.as_uri())
        page.add_style_tag(content=style())
        page.evaluate("document.fonts.ready")
        yield page


def pictures(browser: Browser, name: str) -> Iterator[tuple[str, Image.Image]]:
    """Yield what the beginning of a page looks like: language, width, light or dark."""
    for language, folder in FOLDERS.items():
        with opened(browser, HTML / folder / f"{name}.html") as page:
            for (size, (width, height)), scheme in product(SIZES.items(), SCHEMES):
                page.set_viewport_size({"width": width, "height": height})
                page.emulate_media(color_scheme=scheme)
                page.evaluate(DRAWN)
                shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
                yield f"{name.replace('/', '-')}_{language}_{size}_{scheme}", shot


def differing(expected: Image.Image, found: Image.Image) -> np.ndarray:
    """Return which pixels differ visibly, shape (height, width); all if the sizes do."""
    if expected.size != found.size:
        return np.ones((found.height, found.width), bool)
    one, other = (np.asarray(image, int) for image in (expected, found))
    different: np.ndarray = abs(one - other).max(axis=2) > 48
    return different


def report(name: str, expected: Image.Image, found: Image.Image, different: np.ndarray) -> Path:
    """Lay what was expected, what was found and what differs beside each other in a file."""
    marked = np.asarray(found.convert("L").convert("RGB"), np.uint8) // 2 + 127
    marked[different] = (220, 0, 0)
    sheet = Image.new("RGB", (expected.width + 2 * found.width, max(expected.height, found.height)))
    sheet.paste(expected, (0, 0))
    sheet.paste(found, (expected.width, 0))
    sheet.paste(Image.fromarray(marked), (expected.width + found.width, 0))
    DIFFERENT.mkdir(parents=True, exist_ok=True)
    sheet.save(DIFFERENT / f"{name}.png")
    return DIFFERENT / f"{name}.png"


@pytest.mark.parametrize("name", PAGES)
def test_pages_look_as_they_did(browser: Browser, name: str) -> None:
    wrong = []
    for picture, found in pictures(browser, name):
        expected = Image.open(EXPECTED / f"{picture}.png").convert("RGB")
        different = differing(expected, found)
        if different.mean() > MOST:
            file = report(picture, expected, found, different)
            wrong.append(f"{different.mean():.1%} differ: {file.relative_to(ROOT)}")
    assert not wrong, "\n".join(wrong)


def test_a_changed_color_is_seen(browser: Browser) -> None:
    with opened(browser, HTML / "index.html") as page:
        before = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        page.add_style_tag(content="article h1 { color: #b00 !important }")
        after = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    assert differing(before, after).mean() > MOST


if __name__ == "__main__":
    EXPECTED.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser_path(), args=ARGUMENTS)
        for page_name in PAGES:
            for picture_name, picture_found in pictures(chromium, page_name):
                file = EXPECTED / f"{picture_name}.png"
                as_expected = (
                    file.exists()
                    and not differing(Image.open(file).convert("RGB"), picture_found).any()
                )
                if not as_expected:
                    picture_found.quantize(256).save(file, optimize=True)
                    print(file.relative_to(ROOT))
