"""Inputs for a model that nobody gave samples of: made from what its signature says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # each function imports what it needs, so that --help needs nothing
    import numpy as np

WORDS = ["to", "be", "or", "not"]
COUNT = 32  # samples, fewer where they are large
NUMBERS = 1_000_000  # in all samples of an input
SEQUENCE, PICTURE = (16, 64, 224, 8), (64, 224, 32)  # sizes to try where any will do
UPPER = 256  # what whole numbers stay below where nothing says what the model accepts


@dataclass
class Spec:
    """An input of a model.

    Attributes:
        dtype: NumPy's name of its type, or `string`.
        shape: with the samples' dimension; None where any size will do.
        below: whole numbers must be below this; for a float input, too, if it is given.
        words: what a text is made of.
    """

    dtype: str
    shape: list[int | None]
    below: int | None = None
    words: list[str] = field(default_factory=lambda: list(WORDS))


def batch_of(specs: Mapping[str, Spec]) -> int | None:
    """Return the samples' dimension: 0 if any size will do, None if the inputs have none."""
    first = {spec.shape[0] if spec.shape else -1 for spec in specs.values()}
    if first == {None}:
        return 0
    (size,) = first if len(first) == 1 else (-1,)
    return None if size is None or size < 0 else size


def sizes_to_try(specs: Mapping[str, Spec]) -> Sequence[int]:
    """Return sizes for open dimensions, those of pictures if an input looks like one."""
    return PICTURE if any(len(spec.shape) >= 4 for spec in specs.values()) else SEQUENCE


def sized(spec: Spec, size: int, *, batch: int | None) -> list[int]:
    """Return the shape of one call, open dimensions as `size`, the samples' one as `batch`."""
    shape = [size if dim is None else dim for dim in spec.shape]
    return [batch, *shape[1:]] if batch else shape


def count_for(specs: Mapping[str, Spec], size: int, batch: int | None) -> int:
    """Return how many samples to make: whole batches, fewer where a sample is large."""
    largest = 1
    for spec in specs.values():
        numbers = 1
        for dim in sized(spec, size, batch=1):
            numbers *= max(dim, 1)
        largest = max(largest, numbers)
    count = max(4, min(COUNT, NUMBERS // largest))
    return -(-count // batch) * batch if batch else count


def make(specs: Mapping[str, Spec], size: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Return inputs by name: floats 0 to 1, whole numbers and words that the model accepts."""
    import numpy as np

    random = np.random.default_rng(seed)
    batch = batch_of(specs)
    count = None if batch is None else count_for(specs, size, batch)
    return {
        name: _values(random, spec, sized(spec, size, batch=count)) for name, spec in specs.items()
    }


def _values(random: Any, spec: Spec, shape: list[int]) -> np.ndarray:
    import numpy as np

    if spec.dtype == "string":
        return np.array(random.choice([*spec.words, "something"], shape))
    dtype = np.dtype(spec.dtype)
    if dtype.kind == "b":
        return np.array(random.integers(2, size=shape), dtype)
    if dtype.kind in "iu":
        limit = min(spec.below or UPPER, int(np.iinfo(dtype).max) + 1)
        return np.array(random.integers(limit, size=shape), dtype)
    if spec.below:
        return np.array(random.integers(spec.below, size=shape), dtype)
    return np.array(random.random(shape), dtype)
