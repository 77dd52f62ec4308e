"""Full-text search for Chinese: index and query are cut into pairs of characters.

Sphinx's own needs a dictionary to index Chinese words, does not cut the query into words at all,
and in 9.0 looks for a stemmer that does not exist (sphinx-doc/sphinx#14229).
"""

from __future__ import annotations

import re
from typing import Any

import snowballstemmer
from sphinx.application import Sphinx
from sphinx.search import SearchLanguage
from sphinx.search._stopwords.en import ENGLISH_STOPWORDS

WORDS = re.compile(r"[0-9A-Za-z_]+|[\u3400-\u9fff]+")


class ChinesePairs(SearchLanguage):
    """Latin words are stemmed as in English; Chinese ones are found by their pairs."""

    lang = "zh_CN"
    language_name = "English"  # of the stemmer that comes with Sphinx
    js_stemmer_rawcode = "english-stemmer.js"
    stopwords = ENGLISH_STOPWORDS
    js_splitter_code = r"""
var splitQuery = (query) =>
  (query.match(/[0-9A-Za-z_]+|[\u3400-\u9fff]+/g) || []).flatMap((word) =>
    word.charCodeAt(0) < 0x3400 || word.length < 2
      ? [word]
      : Array.from({ length: word.length - 1 }, (_, i) => word.slice(i, i + 2)));
"""

    def __init__(self, options: dict[str, str]) -> None:
        """Take the stemmer that matches the one in the browser."""
        super().__init__(options)
        self.stemmer = snowballstemmer.stemmer("english")

    def split(self, input: str) -> list[str]:
        """Return Latin words, single Chinese characters and their pairs."""
        found: list[str] = []
        for word in WORDS.findall(input):
            if ord(word[0]) < 0x3400:
                found.append(word)
            else:
                found += [*word, *(word[i : i + 2] for i in range(len(word) - 1))]
        return found

    def stem(self, word: str) -> str:
        """Return the stem of a Latin word, and anything else as it is."""
        return str(self.stemmer.stemWord(word.lower()))

    def word_filter(self, word: str) -> bool:
        """Return whether `word` goes into the index."""
        return super().word_filter(word) and (len(word) > 1 or ord(word[0]) >= 0x3400)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_search_language(ChinesePairs)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
