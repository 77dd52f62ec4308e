"""Plots of the gallery: SVG, in each language, for light pages and dark ones.

A script plots in English, with plain matplotlib; `num` of a figure says what there is to see, for
who cannot see it. From each figure become

`images/sphx_glr_PAGE_001.svg`       as the script has it, in the style of plots.mplstyle
`images/sphx_glr_PAGE_001_dark.svg`  the same for dark pages
`images/sphx_glr_PAGE_card.png`      the first plot of a page, 1200×630, for who shares a link

and from each of them one of the same name, but `.LANGUAGE` before the suffix, for every language
with a catalog `plots.po`: Sphinx takes that one by itself (`figure_language_filename`). Names in
monospace and numbers with units are the same everywhere; any other text must be in the catalog.

A picture of the card in Chinese needs a font with Chinese on the machine; without one there is
the English card only. An SVG needs none: its texts are texts, in the font of the reader.
"""

from __future__ import annotations

import io
import json
import logging
import os
import re
import warnings
from collections.abc import Callable, Mapping
from functools import cache, partial, reduce
from pathlib import Path, PurePosixPath
from textwrap import indent
from typing import Any, ClassVar

import matplotlib.pyplot as plt
from babel.messages.pofile import read_po
from docutils import nodes
from docutils.parsers.rst.directives import positive_int
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findSystemFonts, fontManager
from matplotlib.layout_engine import LayoutEngine
from matplotlib.text import Text
from PIL import Image
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

STYLE = Path(__file__).with_name("plots.mplstyle")
DARK = {  # what each color of the style becomes on a dark page
    "#3b3e44": "#cfd0d0",
    "#b9bcc2": "#4b4f57",
    "#e3e5e8": "#2c2f34",
    "#1f6a9c": "#74b9e8",
    "#b3500a": "#ffab6b",
    "#1b7a5a": "#5cc9a0",
    "#b8255f": "#ff8fb3",
    "#6b52ae": "#b9a5f5",
    "#6a6e76": "#a3a7af",
}
FONTS = {  # those that texts are measured with, and those that readers have, as in conf.py
    "'DejaVu Sans', sans-serif": "system-ui, -apple-system, 'Segoe UI', 'PingFang SC',"
    " 'Microsoft YaHei', 'Noto Sans CJK SC', 'Noto Sans SC', sans-serif",
    "'DejaVu Sans Mono', monospace": "'SFMono-Regular', Menlo, Consolas, Monaco,"
    " 'Liberation Mono', 'Lucida Console', monospace",
}
CARD = (1200, 630)
CARD_FONTS = {"NotoSansCJK-Regular.ttc", "NotoSansSC-Regular.otf", "PingFang.ttc", "msyh.ttc"}
CARD_FONTS |= {"wqy-zenhei.ttc", "wqy-microhei.ttc"}
UNITS = {"MB", "kB", "ms", "s", "e"}  # the last is that of 1e-06
WORD = re.compile(r"[^\W\d_]+")
HAN = re.compile(r"[\u2e80-\uffef]")

Texts = list[tuple[list[str], Callable[[list[str]], object]]]  # what is said, how to say it anew
Catalogs = Mapping[str, Mapping[str, str]]


def use_style(gallery_conf: dict[str, Any], page: str | None) -> None:
    """Give a page the style of all plots (one of sphinx-gallery's reset_modules)."""
    plt.style.use(STYLE)


def scrape(block: Any, variables: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Save the open figures; return what shows them (one of sphinx-gallery's image_scrapers)."""
    source = Path(gallery_conf["src_dir"])
    catalogs = read_catalogs(source.parent / "locale")
    shown = []
    for number, path in zip(plt.get_fignums(), variables["image_path_iterator"], strict=False):
        figure, target = plt.figure(number), Path(path).with_suffix(".svg")
        try:
            alternatives = save(figure, target, catalogs)
        except LookupError as error:
            plt.close("all")
            raise ExtensionError(f"{target.stem}: {error.args[0]}") from error
        width, height = (round(72 * inches) for inches in figure.get_size_inches())
        shown += [
            f".. plot:: /{Path(os.path.relpath(target, source)).as_posix()}",
            f"   :width: {width}\n   :height: {height}\n",
            f"   {json.dumps(alternatives, ensure_ascii=False)}\n",
        ]
    plt.close("all")
    content = indent("\n".join(shown), "   ")
    return f"\n.. container:: plots\n\n{content}\n" if shown else ""


def read_catalogs(locale: Path) -> dict[str, dict[str, str]]:
    """Return the texts of plots in each language that has a catalog of them."""
    found = {}
    for path in sorted(locale.glob("*/LC_MESSAGES/plots.po")):
        with path.open("rb") as file:
            texts = {str(message.id): str(message.string) for message in read_po(file)}
        found[path.parts[-3]] = texts
    return found


def save(figure: Figure, target: Path, catalogs: Catalogs) -> dict[str, str]:
    """Write all pictures of a figure; return what they show, in a sentence of each language.

    Raises:
        LookupError: if a text is not in a catalog, or the figure has no such sentence.
    """
    if not figure.get_label():
        raise LookupError("say what there is to see: plt.subplots(num=...)")
    figure.draw_without_rendering()  # makes the labels of the ticks
    texts, engine = texts_of(figure), figure.get_layout_engine()
    sentences = {}
    for language in ("", *catalogs):
        catalog = catalogs.get(language)
        sentences[language] = translated(str(figure.get_label()), catalog)
        said = [([translated(word, catalog) for word in words], put) for words, put in texts]
        lay_out(figure, said, engine)
        suffix = f".{language}" if language else ""
        light = svg_of(figure)
        target.with_suffix(f"{suffix}.svg").write_text(light, encoding="utf-8")
        dark = target.with_name(f"{target.stem}_dark{suffix}.svg")
        dark.write_text(replaced(light, DARK), encoding="utf-8")
        if target.stem.endswith("_001"):
            write_card(figure, target.with_name(f"{target.stem[:-3]}card{suffix}.png"))
    return sentences


def lay_out(figure: Figure, texts: Texts, engine: LayoutEngine | None) -> None:
    """Put texts into a figure, with places for them.

    The font that they are measured with has no Han: a dash stands for each, which is as wide.
    """
    figure.set_layout_engine(engine)
    for words, put in texts:
        put([HAN.sub("\u2014", word) for word in words])
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for words, put in texts:
        put(words)


def texts_of(figure: Figure) -> Texts:
    """Return the texts of a figure that have another wording in another language.

    Labels of ticks are written anew at each drawing, so it is the axis that is told.
    """
    axes = [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    of_ticks = {label for axis in axes for label in axis.get_ticklabels(which="both")}
    free = [text for text in figure.findobj(Text) if text not in of_ticks and is_worded(text)]
    found: Texts = [([text.get_text()], partial(put_text, text)) for text in free]
    for axis in axes:
        labels = axis.get_ticklabels()
        if any(is_worded(label) for label in labels):
            axis.set_ticks(axis.get_ticklocs())
            found.append(([label.get_text() for label in labels], axis.set_ticklabels))
    return found


def put_text(text: Text, words: list[str]) -> None:
    """Let a text say its only word."""
    text.set_text(*words)


def is_worded(text: Text) -> bool:
    """Return whether a text is more than a name in monospace, a formula, a number with its unit."""
    words = {*WORD.findall(text.get_text())}
    return not (words <= UNITS or "monospace" in text.get_fontfamily() or "$" in text.get_text())


def translated(text: str, catalog: Mapping[str, str] | None) -> str:
    """Return what a catalog says for a text; without one, the text."""
    if catalog is None or not text:
        return text
    if not catalog.get(text):
        raise LookupError(f"not in plots.po: {text}")
    return catalog[text]


def svg_of(figure: Figure) -> str:
    """Return a figure as SVG with the fonts that readers have."""
    buffer = io.StringIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # readers have another
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(buffer, format="svg", metadata=nothing)
    return replaced(buffer.getvalue(), FONTS)


def replaced(text: str, replacements: Mapping[str, str]) -> str:
    """Return a text with each of some words replaced by another."""
    return reduce(lambda changed, pair: changed.replace(*pair), replacements.items(), text)


def write_card(figure: Figure, path: Path) -> None:
    """Write a figure in the middle of a card, if there is a font with all that it says."""
    chinese = [text for text in figure.findobj(Text) if HAN.search(text.get_text())]
    font = chinese_font() if chinese else None
    if chinese and font is None:
        return
    for text in chinese:
        text.set_fontfamily(["DejaVu Sans", str(font)])  # the latter for its Han
    width, height = figure.get_size_inches()
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=0.9 * min(CARD[0] / width, CARD[1] / height))
    for text in chinese:
        text.set_fontfamily("sans-serif")
    picture, card = Image.open(buffer), Image.new("RGB", CARD, "white")
    place = (CARD[0] - picture.width) // 2, (CARD[1] - picture.height) // 2
    card.paste(picture, place, picture)
    card.save(path, optimize=True)


@cache
def chinese_font() -> str | None:
    """Return the name of a font with Chinese on this machine, made known to matplotlib."""
    for path in sorted(findSystemFonts()):  # matplotlib's own list may be older than the font
        if Path(path).name in CARD_FONTS:
            fontManager.addfont(path)
            logging.getLogger("matplotlib.font_manager").setLevel("ERROR")  # not all have a bold
            return FontProperties(fname=path).get_name()
    return None


class Plot(SphinxDirective):
    """Show the pictures of a figure, for light pages and for dark ones; see `scrape`.

    The one that is hidden is not loaded. The content is what there is to see, by language.
    """

    required_arguments = 1
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {"width": positive_int, "height": positive_int}

    def run(self) -> list[nodes.Node]:
        """Return the two images; nothing for the catalog, which has their texts already."""
        if self.env.app.builder.name == "gettext":
            return []
        sentences = json.loads("\n".join(self.content))
        light = PurePosixPath(self.arguments[0])
        shown = {"light": light, "dark": light.with_stem(f"{light.stem}_dark")}
        return [
            nodes.image(
                uri=str(path),
                alt=sentences.get(self.config.language, sentences[""]),
                classes=["plot", f"only-{scheme}", "no-scaled-link"],
                loading="lazy",
                **{name: str(size) for name, size in self.options.items()},
            )
            for scheme, path in shown.items()
        ]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_directive("plot", Plot)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
