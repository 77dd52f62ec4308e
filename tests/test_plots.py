"""Plots of the last build: in each language, for light pages and dark, readable on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import pytest
from babel.messages.pofile import read_po
from docutils import nodes
from matplotlib.colors import to_rgb
from PIL import Image

from recordings.engine.site import Site
from sphinxext.plots import CARD, DARK, FONTS, HAN, STYLE, UNITS, WORD, save, texts_of
from tests.test_site import both_languages

ROOT = Path(__file__).parents[1]
SITE = Site(ROOT)
IMAGES = SITE.generated / "images"
PAGES = sorted(path.stem for path in SITE.pages.glob("plot_*.py"))
GROUND = {"light": "#ffffff", "dark": "#131416"}  # of the theme's pages
PHONE = 328  # pixels for the text on a screen of 360
NAMES = {"ARGB", "Arm", "Flash", "Keras", "LiteRT", "RAM", "REST", "float", "gRPC", "int"}
BOARDS = {"Arduino", "BLE", "Nano", "Pi", "Pico", "Raspberry", "Sense", "BBC", "bit", "micro"}
BOARDS |= {"ST", "NUCLEO", "ESP", "DevKitC", "KC", "L", "N", "S", "V"}
TEXT = "{http://www.w3.org/2000/svg}text"
SIZE = re.compile(r"font-size: ([\d.]+)px")
FILL = re.compile(r"fill: (#\w{6})")
COLOR = re.compile(r"(?<=: )#\w{6}\b")


def plots(*, dark: bool, language: str) -> list[Path]:
    """Return the plots of all pages for one scheme and language (`""`: as the scripts have it)."""
    pattern = rf"sphx_glr_plot_\w+_\d{{3}}{'_dark' if dark else ''}{language}\.svg"
    return sorted(path for path in IMAGES.iterdir() if re.fullmatch(pattern, path.name))


def said(path: Path) -> Iterator[str]:
    """Yield the texts of a plot that are not names in monospace."""
    for text in ElementTree.parse(path).iter(TEXT):
        if "monospace" not in text.get("style", "") and text.text:
            yield text.text


def test_each_plot_is_there_in_each_language_for_each_scheme() -> None:
    counts = {
        (dark, language): len(plots(dark=dark, language=language))
        for dark in (False, True)
        for language in ("", ".zh_CN")
    }
    assert len({*counts.values()}) == 1, counts
    pages = {
        path.name[len("sphx_glr_") : -len("_001.svg")] for path in plots(dark=False, language="")
    }
    assert pages == {*PAGES}


def test_chinese_plots_speak_chinese_and_english_ones_english() -> None:
    wrong = []
    for dark in (False, True):
        for path in plots(dark=dark, language=".zh_CN"):
            for text in said(path):
                if foreign := {*WORD.findall(HAN.sub(" ", text))} - UNITS - NAMES - BOARDS:
                    wrong.append(f"{path.name}: {text}: {foreign}")
        for path in plots(dark=dark, language=""):
            wrong += [f"{path.name}: {text}" for text in said(path) if HAN.search(text)]
    assert not wrong, "\n".join(wrong)
    assert any(
        HAN.search(text) for path in plots(dark=True, language=".zh_CN") for text in said(path)
    )


def test_the_catalog_of_plots_holds_nothing_that_is_gone() -> None:
    with (ROOT / "locale/zh_CN/LC_MESSAGES/plots.po").open("rb") as file:
        known = {str(message.id) for message in read_po(file) if message.id}
    shown = {text for path in plots(dark=False, language="") for text in said(path)}
    scripts = "".join(path.read_text(encoding="utf-8") for path in SITE.pages.glob("plot_*.py"))
    assert not [text for text in known - shown if f'"{text}"' not in scripts]


def luminance(color: str) -> float:
    """Return the relative luminance of a color, as WCAG defines it."""
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(color: str, ground: str) -> float:
    """Return the contrast of two colors, as WCAG defines it."""
    darker, lighter = sorted((luminance(color), luminance(ground)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", GROUND)
def test_texts_stand_out_and_are_large_enough_for_a_phone(scheme: str) -> None:
    wrong, colors = [], set()
    for path in plots(dark=scheme == "dark", language="") + plots(
        dark=scheme == "dark", language=".zh_CN"
    ):
        root = ElementTree.parse(path).getroot()
        shrunk = min(1, PHONE / float(root.get("width", "")[: -len("pt")]))
        for text in root.iter(TEXT):
            style = text.get("style", "")
            (color,), (size,) = FILL.findall(style), SIZE.findall(style)
            colors.add(color)
            if contrast(color, GROUND[scheme]) < 4.5 or float(size) * shrunk < 11:
                wrong.append(f"{path.name}: {text.text}: {style}")
    assert not wrong, "\n".join(wrong)
    assert len(colors) > 2


def test_every_color_has_a_counterpart_for_dark_pages() -> None:
    for path in plots(dark=False, language=""):
        used = {*COLOR.findall(path.read_text(encoding="utf-8"))}
        assert used <= {*DARK}, path.name
    assert not {*DARK} & {*DARK.values()}, "replaced one after the other"


def test_pages_say_what_there_is_to_see_in_their_language() -> None:
    found: dict[str, list[str]] = {"zh": [], "en": []}
    for language, docname, document in both_languages():
        for image in document.findall(nodes.image):
            if "plot" in image["classes"]:
                assert bool(HAN.search(image["alt"])) == (language == "zh"), (docname, image)
                assert image["uri"].endswith(".zh_CN.svg") == (language == "zh"), image
                assert image["loading"] == "lazy"
                assert int(image["width"]) > int(image["height"]) / 4 > 0
                found[language].append(image["alt"])
    assert len(found["en"]) == len(found["zh"]) == 2 * len(plots(dark=False, language=""))
    assert all(map(str.strip, found["en"]))


@pytest.mark.parametrize("page", PAGES)
def test_each_page_has_a_card_for_who_shares_it(page: str) -> None:
    assert Image.open(IMAGES / f"sphx_glr_{page}_card.png").size == CARD


def test_a_plot_without_a_sentence_or_a_translation_is_refused(tmp_path: Path) -> None:
    chinese = {"A frame": "框", "Size": "大小"}
    with plt.style.context(STYLE):
        figure, axis = plt.subplots()
        axis.set(title="Size", xlabel="4.8 MB", ylabel="mnist_cnn.keras", xticks=[], yticks=[])
        axis.yaxis.label.set_fontfamily("monospace")
        assert [words for words, _ in texts_of(figure)] == [["Size"]]
        with pytest.raises(LookupError, match="num="):
            save(figure, tmp_path / "plot_002.svg", {})
        figure.set_label("A frame")
        for text in chinese:
            others = {known: words for known, words in chinese.items() if known != text}
            for catalog in (others, {**others, text: ""}):
                with pytest.raises(LookupError, match=rf"not in plots\.po: {text}"):
                    save(figure, tmp_path / "plot_002.svg", {"zh_CN": catalog})
        sentences = save(figure, tmp_path / "plot_002.svg", {"zh_CN": chinese})
    plt.close(figure)
    assert sentences == {"": "A frame", "zh_CN": "框"}
    assert {*said(tmp_path / "plot_002.zh_CN.svg")} == {"大小", "4.8 MB"}
    assert {*said(tmp_path / "plot_002.svg")} == {"Size", "4.8 MB"}


def test_plots_have_the_fonts_of_the_site() -> None:
    conf = (ROOT / "conf.py").read_text(encoding="utf-8").replace('"\n        "', "")
    assert FONTS["'DejaVu Sans', sans-serif"] in conf
