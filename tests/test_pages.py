"""The pages of the gallery are ordinary scripts, for sphinx-gallery and for a reader."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sphinx_gallery.py_source_parser import remove_ignore_blocks, split_code_and_text_blocks

from recordings.engine.site import Site

SITE = Site(Path(__file__).parents[1])
PAGES = sorted(SITE.pages.glob("plot_*.py"))


def visible_code(page: Path) -> str:
    """Return the code of a page as a reader copies it, block by block."""
    blocks = split_code_and_text_blocks(page)[1]
    code = [remove_ignore_blocks(block.content) for block in blocks if block.type == "code"]
    return "\n\n".join(text.strip("\n") for text in code) + "\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_visible_code_runs_when_pasted_into_python(page: Path) -> None:
    """Line by line at the prompt, in the folder with the programs and what they wrote."""
    done = subprocess.run(
        [sys.executable, "-i", "-q"],
        input=visible_code(page) + "\nprint('the end')\n",
        cwd=SITE.workspace,
        env={**os.environ, "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
    )
    assert "the end" in done.stdout, done.stderr
    assert not re.search(r"^\w*(Error|Exception)\b.*", done.stderr, re.MULTILINE), done.stderr


def test_a_download_runs_as_it_is(tmp_path: Path) -> None:
    """A reader has no recordings, and needs none."""
    page = SITE.generated / "plot_convert.py"
    done = subprocess.run(
        [sys.executable, page],
        cwd=SITE.workspace,
        env={**os.environ, "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_few_lines_are_hidden(page: Path) -> None:
    source = page.read_text(encoding="utf-8")
    shown = remove_ignore_blocks(source)
    hidden = [line for line in source.splitlines() if line not in shown.splitlines()]
    assert f'    __import__("recordings").take("{page.stem}")' in hidden
    assert len(hidden) - 2 <= 3, "besides the two lines that mark what is hidden"


def test_a_traceback_leads_to_the_line_of_the_author() -> None:
    """sphinx-gallery runs the very file, through a link in the workspace."""
    for page in PAGES:
        link = SITE.workspace / page.name
        assert link.is_symlink()
        assert link.resolve() == page.resolve()
