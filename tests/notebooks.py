"""Execute the notebooks of the built site, each from top to bottom in an empty folder.

    python -m tests.notebooks [PAGE ...]

On the embedded digits, with the packages of the build: cells that install some are left out. What a
command prints has to be what is documented. Prints how long each takes, and what is wrong; the
exit code is 1 if something is. One after the other, because servers use the same ports.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from recordings.commands import BEFORE, FIGURES
from tests.reader import HTML, ROOT, SECONDS, OnDigits, Reader, prepared

COLOR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")  # commands believe that they have a terminal
PAGES = list(dict.fromkeys([*BEFORE, *FIGURES]))


def execute(page: str, folder: Path) -> list[str]:
    """Execute the notebook of a page in a folder; return what is not as it should be."""
    path = prepared(folder, fresh=False)
    for unpacked in folder.iterdir():  # the first cell unpacks it again
        if unpacked.is_file():
            unpacked.unlink()
    shutil.copy(ROOT / "docs" / "gallery" / "programs.zip", folder)
    reader = Reader(folder, path, False, OnDigits(ROOT))
    notebook = nbformat.read(HTML / f"{page}.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if not known(cell).get("installs")]
    notebook.cells = cells
    client = NotebookClient(
        notebook, timeout=SECONDS, resources={"metadata": {"path": str(folder)}}
    )
    environment = {**reader.environment, "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    environment["npm_config_progress"] = "false"
    del environment["NO_COLOR"]  # Jupyter sets FORCE_COLOR, and Node warns of both
    try:
        client.execute(env=environment)
    except CellExecutionError as error:
        return [str(error)]
    commands = [cell for cell in cells if "output" in known(cell)]
    wrong = (reader.compare(known(c)["output"], known(c)["command"], said(c)) for c in commands)
    return [
        f"! {known(cell)['command']}\n{text}"
        for cell, text in zip(commands, wrong, strict=True)
        if text
    ]


def known(cell: nbformat.NotebookNode) -> dict[str, str]:
    """Return what the build has noted of a cell."""
    found: dict[str, str] = cell.metadata.get("page", {})
    return found


def said(cell: nbformat.NotebookNode) -> str:
    """Return what a cell printed."""
    text = "".join(output.get("text", "") for output in cell.outputs)
    text = COLOR.sub("", text)
    return text.replace("\r\n", "\n").replace("/bin/bash: line 1: ", "")


def main() -> None:
    """Execute all notebooks, or those that are named."""
    failed = False
    for page in sys.argv[1:] or PAGES:
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            wrong = execute(page, Path(folder).resolve())
        seconds = time.monotonic() - started
        print(f"{page}: {seconds:.0f} s, wrong {len(wrong)} times", *wrong, sep="\n", flush=True)
        failed = failed or bool(wrong)
    sys.exit(failed)


if __name__ == "__main__":
    main()
