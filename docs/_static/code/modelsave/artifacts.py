"""Write files whole or not at all, and report what is wrong with others in one line.

The programs of this tutorial import this file; keep it beside them.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

# What the programs import beside the standard library: the package of it, and the file of
# requirements that brings it. The JavaScript converter's are in an environment of their own.
PACKAGES = {
    "tensorflow": ("tensorflow", "requirements.txt"),
    "keras": ("keras", "requirements.txt"),
    "numpy": ("numpy", "requirements.txt"),
    "scipy": ("scipy", "requirements.txt"),
    "sklearn": ("scikit-learn", "requirements.txt"),
    "ai_edge_litert": ("ai-edge-litert", "requirements.txt"),
    "PIL": ("pillow", "requirements.txt"),
    "google": ("protobuf", "requirements.txt"),
    "tensorflow_serving": ("tensorflow-serving-api", "requirements-serving.txt"),
    "grpc": ("grpcio", "requirements-serving.txt"),
    "aiohttp": ("aiohttp", "requirements-serving.txt"),
    "orjson": ("orjson", "requirements-serving.txt"),
    "rapidjson": ("python-rapidjson", "requirements-serving.txt"),
    "requests": ("requests", "requirements-serving.txt"),
    "tflite_micro": ("tflite-micro", "requirements-embedded.txt"),
    "litert_quantizer": ("litert-quantizer", "requirements-litert.txt"),
    "tf_keras": ("tf_keras", "requirements-qat.txt"),
    "tensorflow_model_optimization": ("tensorflow-model-optimization", "requirements-qat.txt"),
}

# How the names of the tutorial's own files begin; its programs make these, and no others.
TUTORIAL = ("mnist_", "saved_model", "page", "models.config")


class ProgramError(Exception):
    """Something the user can put right; the text says what is wrong and what to do."""


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, to be filled with a file or a directory.

    When the block ends, the temporary path is renamed to `path`, replacing what was there. When
    the block raises, it is removed: `path` is never half written.

    Raises:
        ProgramError: if it cannot be written (disk full, folder not writable).
    """
    path = Path(path)
    # The suffix stays at the end, because Keras chooses the format by it.
    partial = path.with_name(f".partial-{path.name}")
    try:
        _remove(partial)
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        if path.is_dir():  # a directory cannot be renamed over one with files in it
            _remove(path)
        partial.replace(path)
    except BaseException as error:  # Ctrl+C, too
        _try_remove(partial)
        reason = _write_failure(error)
        if reason is None:
            raise
        raise ProgramError(f"cannot write {path}: {reason}") from error


def existing(path: str | Path, made_by: str) -> Path:
    """Return `path` if it exists.

    Raises:
        ProgramError: if not. It says how the tutorial's own files are made, by `made_by`.
    """
    path = Path(path)
    if not path.exists():
        own = any(part.startswith(TUTORIAL) for part in path.parts)
        advice = f"run `{made_by}` first, in this folder" if own else "check its name and folder"
        raise ProgramError(f"{path} is not here; {advice}")
    return path


def existing_saved_model(folder: str | Path) -> Path:
    """Return `folder` if it holds a SavedModel.

    Raises:
        ProgramError: if not; versions of a model in it are named.
    """
    folder = existing(folder, "python mnist_cnn.py")
    if not (folder / "saved_model.pb").is_file():
        versions = sorted(path.parent.as_posix() for path in folder.glob("*/saved_model.pb"))
        advice = f"name a version: {versions[-1]}" if versions else "model.export writes one"
        raise ProgramError(f"there is no saved_model.pb in {folder}; {advice}")
    return folder


def existing_tflite(path: str | Path) -> Path:
    """Return `path` if it may be a .tflite file.

    Raises:
        ProgramError: if there is none, or a model of another kind.
    """
    path = existing(path, "python convert.py")
    if path.is_dir() or path.suffix in (".keras", ".h5"):
        raise ProgramError(f"{path} is no .tflite file; run `python convert.py {path}` first")
    return path


def name_of(model: str | Path) -> str:
    """Return what the files made of a model are called: a version number is no name."""
    path = Path(model).resolve()
    if path.suffix in (".keras", ".h5"):
        return path.stem
    return path.parent.name if path.name.isdecimal() else path.name


def add_name(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the option --name, for models whose files are called the same."""
    parser.add_argument("--name", help="of the files to write (default: that of the model)")


@contextmanager
def reading(path: str | Path, kind: str) -> Iterator[None]:
    """Report whatever a library raises over the file at `path`, which should be `kind`.

    All exceptions count: over a damaged file zipfile, zlib, HDF5, protobuf and TensorFlow each
    raise classes of their own.

    Raises:
        ProgramError: with the first line of what the library says.
    """
    try:
        yield
    except (ProgramError, ModuleNotFoundError):
        raise
    except Exception as error:
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise ProgramError(f"{path} cannot be read as {kind}: {reason}") from error


def load_keras(path: str | Path) -> keras.Model:
    """Return the model in a .keras or .h5 file, for predicting only.

    Raises:
        ProgramError: if there is none, or it is not whole.
    """
    path = existing(path, "python mnist_cnn.py")
    if path.is_dir():
        raise ProgramError(f"{path} is a folder; name a .keras or .h5 file")
    if path.suffix == ".keras" and not zipfile.is_zipfile(path):  # Keras says "not found"
        raise ProgramError(f"{path} is not a whole .keras file; save the model again")
    import keras  # takes seconds

    try:
        with reading(path, "a model"):
            # compile=False: predicting needs neither loss nor optimizer
            return keras.models.load_model(path, compile=False)
    except ProgramError as error:
        text = str(error.__cause__)
        if "truncated file" in text:  # HDF5's words
            raise ProgramError(f"{path} is not a whole .h5 file; save the model again") from error
        if own := re.search(r"(?:Could not locate class|Unknown layer:) '(\w+)'|Lambda", text):
            raise ProgramError(
                f"{path} has a layer of your own, {own[1] or own[0]}, which only your program can "
                "load; export the model there with model.export('my_model/1') and use my_model/1"
            ) from error
        raise


def check_writable(folder: str | Path = ".") -> None:
    """Raise a ProgramError if `folder` cannot be written: before the work, not after it."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ProgramError(f"cannot write here: {_write_failure(error)}") from error


def at_least(least: int) -> Callable[[str], int]:
    """Return a type for options of argparse: whole numbers from `least` upwards."""

    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} upwards")
        return int(text)

    return number


def run(main: Callable[[], None]) -> None:
    """Call `main`; a ProgramError ends the program with one line and exit code 1.

    So do a package that is not installed, and Ctrl+C.
    """
    try:
        main()
    except KeyboardInterrupt:
        reason = "stopped"
    except ProgramError as error:
        reason = str(error)
    except ModuleNotFoundError as error:
        if error.name not in PACKAGES:
            raise
        package, requirements = PACKAGES[error.name]
        reason = f"{package} is not installed; run `pip install -r {requirements}`"
    else:
        return
    sys.exit(f"{Path(sys.argv[0]).name}: error: {reason}")


def _write_failure(error: BaseException) -> str | None:
    """Return why writing failed, or None if `error` is not about writing.

    Python, HDF5 and TensorFlow raise different classes here, so their texts are compared too.
    """
    text = str(error)
    if "No space left on device" in text or "errno = 28" in text:
        return "no space left on the disk; free some and run this again"
    denied = ("Permission denied", "Read-only file system", "errno = 13", "errno = 30")
    if any(words in text for words in denied):
        return "the folder is not writable; change its permissions or work in another one"
    return text if isinstance(error, OSError) else None


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _try_remove(path: Path) -> None:
    with suppress(OSError):  # the first error is the one to report
        _remove(path)
