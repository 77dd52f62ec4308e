"""Blocks of commands: a narrow window breaks a command between its words, never inside an option.

Browsers break after a hyphen. Commands stay one line all the same: broken with a `\\`, they would
not run in PowerShell.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pygments.lexers.shell import BashSessionLexer
from pygments.token import Name, Text
from sphinx.application import Sphinx


class Console(BashSessionLexer):  # type: ignore[misc]  # Pygments' types are not there
    """Pygments' lexer of shell sessions, which gives words with a hyphen a class (`na`)."""

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, object, str]]:
        """Yield the position, type and text of each token."""
        for position, kind, value in super().get_tokens_unprocessed(text):
            yield position, Name.Attribute if kind is Text and "-" in value else kind, value


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_lexer("console", Console)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
