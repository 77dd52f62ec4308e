"""Which dataset a build uses, decided once for all of its programs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sphinxext.layout import Site
from sphinxext.needs import hash_of


def identity(site: Site) -> str:
    """Return what identifies the content of the dataset, without a network; may be empty."""
    source = _named(site)
    return hash_of(Path(source)) or "missing" if source not in ("", "digits") else source


def choose(site: Site) -> str:
    """Choose the dataset, tell the programs of it and return its identity.

    The download is tried once and not in each build: where it cannot be reached, the embedded
    digits stay the choice until `make clean` or until there is a file.
    """
    source = _named(site)
    if not source and "mnist_data.py" in site.programs():
        source = _downloaded(site) or "digits"
        _choice(site).write_text(source)
    os.environ["MNIST_DATA"] = source
    return identity(site)


def _named(site: Site) -> str:
    """Return the file that the author names, or that Keras keeps, or the last build's choice."""
    keras_file = Path.home() / ".keras" / "datasets" / "mnist.npz"
    if named := os.environ.get("MNIST_DATA"):
        return named
    if keras_file.exists():
        return str(keras_file)
    return _choice(site).read_text() if _choice(site).exists() else ""


def _choice(site: Site) -> Path:
    return site.build / "dataset"


def _downloaded(site: Site) -> str:
    sys.path.insert(0, str(site.programs()["mnist_data.py"].parent))
    import mnist_data

    return str(mnist_data.KERAS_FILE) if mnist_data.download(mnist_data.KERAS_FILE) else ""
