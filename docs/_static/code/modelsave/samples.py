"""Read what a model is tried with: an .npz with one array for each input, by the input's name.

The arrays hold what the model takes, prepared as for training; `labels`, a whole number for each
sample, may stand beside them.
Make one for a model of your own with `numpy.savez("my_samples.npz", image=x_test, labels=y_test)`.
The programs of this tutorial import this file; keep it beside them.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from artifacts import ProgramError, existing, reading

if TYPE_CHECKING:
    import numpy as np

Shape = Sequence[int | None]  # of one sample; None or -1 where any size will do


def read(path: str) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """Return the inputs by name, and the labels if the file has them.

    Raises:
        ProgramError: if it is missing, not whole, or its arrays are not what it says above.
    """
    import numpy as np

    existing(path, "python mnist_cnn.py")
    try:
        with reading(path, "an .npz file"), np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except ProgramError as error:
        if "Object arrays" not in str(error):
            raise
        raise ProgramError(f"{path} has samples of different sizes; pad them to one") from error
    lengths = {array.shape[:1] for array in arrays.values()}
    if not arrays.keys() - {"labels"} or len(lengths) != 1 or () in lengths:
        raise ProgramError(f"{path} needs an array for each input, all of one length")
    if (0,) in lengths:
        raise ProgramError(f"{path} holds no samples")
    labels = arrays.pop("labels", None)
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ProgramError(f"{path} has numbers in {name} that are NaN or infinite")
    return arrays, None if labels is None else whole_numbers(path, labels)


def whole_numbers(path: str, labels: np.ndarray) -> np.ndarray:
    """Return labels as whole numbers (n,); they may come as (n, 1), or as 0.0, 1.0 and so on."""
    flat = labels[:, 0] if labels.shape[1:] == (1,) else labels
    if flat.ndim != 1 or flat.dtype.kind not in "biuf" or (flat.astype(float) % 1 != 0).any():
        raise ProgramError(
            f"{path} has labels {labels.dtype} {labels.shape}; a label is a whole number: save "
            "one-hot ones as labels.argmax(1), leave out what is no class"
        )
    return flat.astype("int64")


def by_name(outputs: Any) -> dict[str, np.ndarray]:
    """Return what a model predicts by the names that `model.export` gives its outputs."""
    if isinstance(outputs, dict):
        return outputs
    listed = outputs if isinstance(outputs, list) else [outputs]
    return {f"output_{i}": output for i, output in enumerate(listed)}


def class_output(outputs: Mapping[str, np.ndarray]) -> str | None:
    """Return the name of the first output, by name, with a number for each class, if any."""
    named = (name for name, array in sorted(outputs.items()) if array.ndim == 2)
    return next((name for name in named if outputs[name].shape[1] > 1), None)


def for_model(
    path: str, inputs: Mapping[str, Shape | None], option: str = "--samples"
) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """Return the same for a model with these inputs; a single input may have any name.

    Args:
        path: the .npz file.
        inputs: the names of the model's inputs, with the shapes of one sample.
        option: by which the file was named.

    Raises:
        ProgramError: if the samples do not fit the model.
    """
    arrays, labels = read(path)
    has = ", ".join(f"{name} {array.shape[1:]}" for name, array in arrays.items())
    if len(arrays) == len(inputs) == 1:
        arrays = dict(zip(inputs, arrays.values(), strict=True))
    for name, shape in inputs.items():
        if name not in arrays or not _fits(arrays[name].shape[1:], shape):
            raise ProgramError(
                f"the model takes {name} {_text(shape)}, {path} has {has}; "
                f"name samples of this model with {option}"
            )
    return {name: arrays[name] for name in inputs}, labels


def _fits(found: Sequence[int], wanted: Shape | None) -> bool:
    return wanted is None or (
        len(found) == len(wanted)
        and all(size in (None, -1, actual) for actual, size in zip(found, wanted, strict=True))
    )


def _text(shape: Shape | None) -> str:
    if shape is None:
        return "of any shape"
    sizes = ", ".join("any" if size in (None, -1) else str(size) for size in shape)
    return f"({sizes},)" if len(shape) == 1 else f"({sizes})"  # as Python writes shapes


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the option --samples, which goes to read() or for_model()."""
    parser.add_argument(
        "--samples",
        metavar="FILE",
        default="mnist_cnn_samples.npz",
        help="an .npz with an array for each input of the model (default: %(default)s)",
    )
