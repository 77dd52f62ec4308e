"""Find MNIST, check it and load it.

The first of these is taken:
  1. the .npz file named by --data or the environment variable MNIST_DATA
     (the word `digits` names the embedded set of 4.);
  2. ~/.keras/datasets/mnist.npz, where Keras keeps it;
  3. the public download, which is then kept in 2.;
  4. without a network: the 1,797 handwritten digits that come with
     scikit-learn, brought from 8x8 to 28x28 pixels.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import os
import sys
import time
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from artifacts import ProgramError, run, whole

if TYPE_CHECKING:  # each function imports what it needs, so that --help needs nothing
    import numpy as np

URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
KERAS_FILE = Path.home() / ".keras" / "datasets" / "mnist.npz"
CONNECT_SECONDS = 10  # for a connection, and for each answer on it
DOWNLOAD_SECONDS = 120  # for all of it

# SHA-256 of each array as the IDX file that the database was published in (header + bytes).
# The arrays are checked and not the .npz around them: it can be packed in more than one way.
SHA256 = {
    "x_train": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "y_train": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "x_test": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "y_test": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


@dataclass(frozen=True)
class Dataset:
    """Gray pictures of digits, light on dark, with their labels.

    Attributes:
        name: `MNIST` or `digits`.
        origin: where it was found, for a message.
        x_train, x_test: uint8 pictures, shape (n, 28, 28), 0 is black and 255 white.
        y_train, y_test: int64 labels 0 to 9, shape (n,).
    """

    name: str
    origin: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    def __str__(self) -> str:
        """Return what a program says of its dataset."""
        return f"{self.name}: {len(self.x_train):,} digits to train, {len(self.x_test):,} to test"


def load(source: str | None = None) -> Dataset:
    """Load the dataset from `source`, or from the first place that has it.

    Raises:
        ProgramError: if a file that should be MNIST is cut short, corrupt or something else.
    """
    source = source or os.environ.get("MNIST_DATA")
    if source == "digits":
        return embedded_digits()
    if source:
        return read_npz(Path(source))
    if KERAS_FILE.exists() or download(KERAS_FILE):
        return read_npz(KERAS_FILE)
    return embedded_digits()


def read_npz(path: Path) -> Dataset:
    """Read an .npz with the four arrays of MNIST and check their content.

    Raises:
        ProgramError: naming the file and what is wrong with it. The file is left as it is.
    """
    import numpy as np

    if path.exists() and not zipfile.is_zipfile(path):
        raise ProgramError(f"{path}: not a whole .npz file, cut short or of another kind; {_CURE}")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in SHA256}
    except FileNotFoundError:
        raise ProgramError(f"{path}: no such file; name another one with --data") from None
    except KeyError as error:
        raise ProgramError(f"{path}: no array {error.args[0]} in it; {_CURE}") from error
    except Exception as error:  # NumPy, zipfile and zlib each raise classes of their own
        raise ProgramError(f"{path}: not a readable .npz file ({error}); {_CURE}") from error
    for name, array in arrays.items():
        if idx_sha256(array) != SHA256[name]:
            raise ProgramError(f"{path}: {name} is not that of MNIST; {_CURE}")
    labels = {name: arrays[name].astype(np.int64) for name in ("y_train", "y_test")}
    return Dataset("MNIST", str(path), **{**arrays, **labels})


_CURE = "move it away to have it downloaded again, or name another one with --data"


def idx_sha256(array: np.ndarray) -> str:
    """Return the SHA-256 of a uint8 array in the IDX format: type, dimensions, bytes."""
    import numpy as np

    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes()
    return hashlib.sha256(header + np.ascontiguousarray(array).tobytes()).hexdigest()


def download(path: Path) -> bool:
    """Download MNIST to `path` and return True, or False where it cannot be reached."""
    print(f"downloading {URL}", file=sys.stderr)
    try:
        content = _fetch()
        with whole(path) as partial:
            partial.write_bytes(content)
            read_npz(partial)
    except (OSError, http.client.HTTPException, ProgramError) as error:
        print(f"no download: {error}", file=sys.stderr)
        return False
    return True


def _fetch() -> bytes:
    """Return what is at URL; raise a TimeoutError when it takes more than DOWNLOAD_SECONDS."""
    deadline = time.monotonic() + DOWNLOAD_SECONDS
    blocks = []
    with urllib.request.urlopen(URL, timeout=CONNECT_SECONDS) as answer:
        # read() would wait for a full block, however slowly it comes
        while block := answer.read1(1 << 16):
            blocks.append(block)
            if time.monotonic() > deadline:
                raise TimeoutError(f"not done after {DOWNLOAD_SECONDS} s")
    return b"".join(blocks)


def embedded_digits() -> Dataset:
    """Return scikit-learn's 1,797 digits as 28x28 pictures, every fifth of them to test."""
    import numpy as np
    from sklearn.datasets import load_digits

    bunch = load_digits()
    x = np.stack([_centred(image) for image in bunch.images])
    y = bunch.target.astype(np.int64)
    test = np.arange(len(x)) % 5 == 0
    return Dataset("digits", "scikit-learn", x[~test], y[~test], x[test], y[test])


def _centred(image: np.ndarray) -> np.ndarray:
    """Bring 8x8 values 0..16 to 28x28 bytes as MNIST was made: in 20x20, by center of mass."""
    import numpy as np
    from scipy import ndimage

    canvas = np.zeros((28, 28))
    canvas[4:24, 4:24] = np.clip(ndimage.zoom(image, 20 / 8, order=1), 0, 16) * (255 / 16)
    shift = 14 - np.array(ndimage.center_of_mass(canvas))  # where MNIST has it
    return ndimage.shift(canvas, np.round(shift), order=0).astype(np.uint8)


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the option --data, which goes to load()."""
    parser.add_argument("--data", metavar="FILE", help="an .npz of MNIST, or the word `digits`")


def main() -> None:
    """Print what there is."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_argument(parser)
    data = load(parser.parse_args().data)
    print(data)
    for name in SHA256:
        array = getattr(data, name)
        print(f"{name:8}{array.dtype!s:7}{array.shape}")
    print("first test labels:", *data.y_test[:10])


if __name__ == "__main__":
    run(main)
