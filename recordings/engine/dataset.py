"""Which dataset a build uses, decided once for all of its programs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from recordings.engine.site import Site
from recordings.engine.store import hash_of

VARIABLE = "MNIST_DATA"  # how the programs are told
DIGITS = "digits"


def named(site: Site) -> str:
    """Return the file that the author names, or that Keras keeps, or the last build's choice."""
    keras_file = Path.home() / ".keras" / "datasets" / "mnist.npz"
    if source := os.environ.get(VARIABLE):
        return source if source == DIGITS else str(Path(source).resolve())
    if keras_file.exists():
        return str(keras_file)
    choice = _choice(site)
    return choice.read_text() if choice.exists() else ""


def choose(site: Site) -> str:
    """Return the dataset as `named` does; where there is none, try the download once.

    Where it cannot be reached, the embedded digits stay the choice until `make clean` or until
    there is a file.
    """
    source = named(site)
    if not source:
        source = _downloaded(site) or DIGITS
        _choice(site).write_text(source)
    return source


def identity(source: str) -> str:
    """Return what identifies the content of a dataset."""
    if source == DIGITS:
        return source
    return hash_of(Path(source)) if Path(source).exists() else "missing"


def _choice(site: Site) -> Path:
    return site.build / "dataset"


def _downloaded(site: Site) -> str:
    sys.path.insert(0, str(site.programs()["mnist_data.py"].parent))
    import mnist_data

    return str(mnist_data.KERAS_FILE) if mnist_data.download(mnist_data.KERAS_FILE) else ""
