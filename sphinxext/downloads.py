"""Pack all programs into docs/gallery/programs.zip, as flat as a reader's folder."""

from __future__ import annotations

import zipfile
from typing import Any

from sphinx.application import Sphinx

from sphinxext import runner

EPOCH = (1980, 1, 1, 0, 0, 0)  # the same bytes in each build


def pack(app: Sphinx) -> None:
    """Write the archive if it is not there or has other content."""
    target = runner.site.generated / "programs.zip"
    partial = target.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in runner.site.programs().items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), path.read_bytes())
    if target.exists() and target.read_bytes() == partial.read_bytes():
        partial.unlink()
    else:
        partial.replace(target)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("builder-inited", pack, priority=900)  # sphinx-gallery makes the folder
    return {"parallel_read_safe": True, "parallel_write_safe": True}
