"""Recipes: how the programs of each page are run; `take` hands a page what they printed and wrote.

One file a page, of the same name. The engine runs them and keeps what came out.
"""

from pathlib import Path

from recordings.engine.recorder import Recorder
from recordings.engine.site import Site

__all__ = ["take"]


def take(page: str) -> None:
    """Put the recordings of a page into the workspace, which is the current folder of a page.

    What is not in the store is run.
    """
    Recorder(Site(Path.cwd().parents[1])).take(page)
