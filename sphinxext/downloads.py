"""Pack what readers download: programs, flat; the Android project; the model server in one file."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from recordings.engine.site import Site

EPOCH = (1980, 1, 1, 0, 0, 0)  # the same bytes in each build
GENERATED = {"build", ".gradle", ".idea", "local.properties"}  # by an author's Android Studio


def archives(site: Site) -> dict[str, dict[str, Path]]:
    """Return the files of each archive by their names in it."""
    project = site.code / "lite" / "android"
    programs = site.programs()
    embedded = {path.name for path in (site.code / "embedded").glob("*")}
    embedded |= {"artifacts.py", "samples.py", "load_models.py"}  # they import these
    embedded |= {"convert.py", "inspect_tflite.py"}
    server = {
        name: path
        for name, path in programs.items()
        if name.startswith("model_server/") and name.endswith(".py")
    }
    inside = {path: path.relative_to(project.parent) for path in sorted(project.rglob("*"))}
    return {
        "programs.zip": programs,
        # Python runs an archive by its __main__.py, and finds the package in it.
        "model_server.pyz": {
            path.name if path.name == "__main__.py" else name: path for name, path in server.items()
        }
        | server,
        "embedded.zip": {name: path for name, path in programs.items() if name in embedded},
        "android.zip": {
            name.as_posix(): path
            for path, name in inside.items()
            if path.is_file() and not GENERATED & set(name.parts)
        },
    }


def write(target: Path, files: dict[str, Path]) -> None:
    """Write an archive; one that is not packed has the same bytes on every machine."""
    how = zipfile.ZIP_STORED if target.suffix == ".pyz" else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(target, "w", how) as archive:
        for name, path in files.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            archive.writestr(entry, path.read_bytes(), how)


def pack(app: Sphinx) -> None:
    """Write the archives below docs/gallery/ that are not there or have other content."""
    site = Site(Path(app.confdir))
    for name, files in archives(site).items():
        target = site.generated / name
        partial = target.with_name(f".partial-{name}")
        write(partial, files)
        if target.exists() and target.read_bytes() == partial.read_bytes():
            partial.unlink()
        else:
            partial.replace(target)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("builder-inited", pack, priority=900)  # sphinx-gallery makes the folder
    return {"parallel_read_safe": True, "parallel_write_safe": True}
