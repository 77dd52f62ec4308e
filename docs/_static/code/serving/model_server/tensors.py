"""TensorProto to numpy and back, as the gRPC front end and the warm-up files need it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto

from .protocol import invalid

Array = npt.NDArray[Any]

MAX_RANK = 254  # TensorFlow's own limit
_TYPE_NAMES = {"float16": "half", "float32": "float", "float64": "double"}


def type_name(datatype: int) -> str:
    """Return the name of a DataType as the server prints it."""
    name: str = tf.as_dtype(datatype).name
    return _TYPE_NAMES.get(name, name)


# The typed field that each type's values stand in; by dtype, because numpy computes a dtype's name.
_FIELDS = {
    np.dtype(name): (field, tf.as_dtype(name if name != "object" else "string").as_datatype_enum)
    for name, field in {
        "float32": "float_val",
        "float64": "double_val",
        "int8": "int_val",
        "int16": "int_val",
        "int32": "int_val",
        "uint8": "int_val",
        "uint16": "int_val",
        "int64": "int64_val",
        "uint32": "uint32_val",
        "uint64": "uint64_val",
        "bool": "bool_val",
        "object": "string_val",
    }.items()
}


class Tensors(Mapping[str, Array]):
    """Named tensors; one is read when it is asked for, so that names are checked before."""

    def __init__(self, protos: Mapping[str, TensorProto]) -> None:
        """Keep the messages."""
        self._protos = protos

    def __getitem__(self, name: str) -> Array:
        """Return a tensor; raise ServingError if it does not hold what it says."""
        return _read(name, self._protos[name])

    def __iter__(self) -> Iterator[str]:
        """Return the names in order."""
        return iter(sorted(self._protos))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._protos)


def _read(name: str, proto: TensorProto) -> Array:
    shape = [dim.size for dim in proto.tensor_shape.dim]
    try:
        dtype = tf.as_dtype(proto.dtype)
        if proto.tensor_shape.unknown_rank or any(size < 0 for size in shape):
            raise ValueError("the shape is not fully known")
        if proto.tensor_content and dtype != tf.string:
            return np.frombuffer(proto.tensor_content, dtype.as_numpy_dtype).reshape(shape)
        _check_size(proto, shape)
        return np.asarray(tf.make_ndarray(proto))
    except (TypeError, ValueError, KeyError, OverflowError, MemoryError):
        raise invalid(f"tensor parsing error: {name}") from None


def _check_size(proto: TensorProto, shape: list[int]) -> None:
    """Refuse a small message that claims a huge tensor: its last value would fill it."""
    size = 1
    for length in shape:
        size *= length
    if size > 2**31:
        raise ValueError("too large")


def write_tensor(array: Array, proto: TensorProto) -> None:
    """Fill ``proto`` with typed values (``float_val`` and so on), as the server answers."""
    found = _FIELDS.get(array.dtype)
    if found is None:  # half, bfloat16, complex: TensorFlow knows their bits
        proto.CopyFrom(tf.make_tensor_proto(array))
        return
    field, proto.dtype = found
    proto.tensor_shape.SetInParent()  # a scalar's is there, too
    for length in array.shape:
        proto.tensor_shape.dim.add(size=length)
    getattr(proto, field).extend(array.ravel().tolist())
