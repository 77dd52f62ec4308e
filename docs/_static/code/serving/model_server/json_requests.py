"""The JSON of a request to tensors and examples, by the rules of TensorFlow Serving.

A request that is one dense array of numbers is read without its brackets, by orjson and numpy;
other dense arrays are joined list by list. Whatever that cannot decide (a wrong type, a ragged
list) is read again value by value, slowly, to find the exact text of the error.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import tensorflow as tf

from .json_text import members, parse_object, quoted, too_many_values
from .protocol import Code, ServingError, invalid
from .tensors import MAX_RANK, type_name

Array = npt.NDArray[Any]
TensorInfos = Mapping[str, Any]  # input name -> tensorflow.TensorInfo

MAX_NUMBERS = 8000000  # of a request that is one dense array
LARGE_BYTES = 1 << 20  # of these requests one is read at a time

_large = threading.Lock()

_INT32 = (-(2**31), 2**31 - 1)
# What the JSON number must lie in: the small types are all read as int32 and then cut.
_INT_RANGES = {
    tf.int8.as_datatype_enum: _INT32,
    tf.int16.as_datatype_enum: _INT32,
    tf.int32.as_datatype_enum: _INT32,
    tf.uint8.as_datatype_enum: _INT32,
    tf.int64.as_datatype_enum: (-(2**63), 2**63 - 1),
    tf.uint32.as_datatype_enum: (0, 2**32 - 1),
    tf.uint64.as_datatype_enum: (0, 2**64 - 1),
}
_FLOATS = {tf.float32.as_datatype_enum, tf.float64.as_datatype_enum}
_STRING = tf.string.as_datatype_enum
_BOOL = tf.bool.as_datatype_enum


def turn(body: bytes) -> AbstractContextManager[Any]:
    """Return what to hold while a request is read: large ones wait for each other."""
    return _large if len(body) > LARGE_BYTES else nullcontext()


# --- predict -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PredictJson:
    """A predict request: its tensors by input name, and whether the answer is in rows."""

    signature_name: str
    inputs: dict[str, Array]
    rows: bool


def read_predict(body: bytes, inputs_of: Callable[[str], TensorInfos]) -> PredictJson:
    """Read a predict request.

    ``inputs_of(signature_name)`` returns the inputs of a signature or raises ServingError; it is
    asked before the keys are looked at: the server reports an unknown model or signature first.
    """
    numbers = _read_numbers(body)
    document = {} if numbers else parse_object(body)
    name = numbers.signature_name if numbers else _signature_name(document)
    infos = inputs_of(name)
    if not infos:
        raise invalid(f"Failed to get input map for signature: {name or 'DEFAULT'}")
    if numbers:
        array = numbers.tensor(infos)
        if array is not None:
            return PredictJson(name, {next(iter(infos)): array}, numbers.rows)
        document = parse_object(body)
    if "instances" in document:
        if "inputs" in document:
            raise invalid(
                f"JSON Value: {quoted(document)} Not formatted correctly expecting only"
                " one of 'inputs' or 'instances' keys to exist "
            )
        return PredictJson(name, _read_rows(document, infos), True)
    if "inputs" in document:
        return PredictJson(name, _read_columns(document["inputs"], infos), False)
    raise invalid("Missing 'inputs' or 'instances' key")


def _signature_name(document: dict[str, Any]) -> str:
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(
            f"JSON Value: {quoted(document)} not formatted correctly."
            " 'signature_name' key must be a string value."
        )
    return name


# {"instances": [...]} or {"inputs": [...]}, with or without a signature's name before.
_BEFORE = re.compile(
    rb'\s*\{\s*(?:"signature_name"\s*:\s*"([ !#-\[\]-~]*)"\s*,\s*)?'
    rb'"(instances|inputs)"\s*:\s*(?=\[)'
)
_BEHIND = re.compile(rb"\s*\}\s*")
_BLANK_BRACKETS = bytes.maketrans(b"[]", b"  ")
_BLANKS_AND_NUMBERS = b"0123456789+-.eE \t\n\r"


@dataclass(frozen=True)
class _Numbers:
    """A predict request that is one dense array of numbers."""

    signature_name: str
    rows: bool
    flat: list[int | float]
    shape: list[int]

    def tensor(self, infos: TensorInfos) -> Array | None:
        """Return the array in the type of the only input, or None where the slow way decides."""
        if len(infos) > 1:
            return None
        (info,) = infos.values()
        array = _numbers(self.flat, info.dtype)
        return None if array is None else array.reshape(self.shape)


def _read_numbers(body: bytes) -> _Numbers | None:
    """Read a request that is one dense array of numbers, or return None.

    Python's lists of lists cost more than the model's run, so none are made: orjson reads the
    numbers with blanks for the brackets, and the brackets without the numbers give the shape.
    """
    before, end = _BEFORE.match(body), body.rfind(b"]") + 1
    if before is None or not end or _BEHIND.fullmatch(body, end) is None:
        return None
    name, key = before.groups(b"")
    text = body[before.end() : end]
    if text.count(b",") >= MAX_NUMBERS:
        raise too_many_values(MAX_NUMBERS)
    shape = _shape_of_brackets(text.translate(None, _BLANKS_AND_NUMBERS))
    if shape is None:
        return None
    try:
        flat = orjson.loads(b"[%b]" % text.translate(_BLANK_BRACKETS))
    except orjson.JSONDecodeError:
        return None
    if len(flat) != math.prod(shape):  # [] has the brackets of [1]
        return None
    return _Numbers(name.decode(), key == b"instances", flat, shape)


def _shape_of_brackets(brackets: bytes) -> list[int] | None:
    """Return the shape of nested lists without their numbers, or None if they are ragged."""
    rank = len(brackets) - len(brackets.lstrip(b"["))
    if not 0 < rank <= MAX_RANK or brackets.translate(None, b"[],"):
        return None
    shape: list[int] = []
    item = b""
    for start in range(rank - 1, -1, -1):  # from the innermost list out, by each one's first item
        depth = rank - start
        inside = brackets.find(b"]" * depth, start) + depth - 1 - (start + 1)
        size, rest = divmod(inside + 1, len(item) + 1)  # the items, and the commas between them
        if rest or size < 1:
            return None
        shape.insert(0, size)
        item = b"[%b]" % b",".join([item] * size)
    return shape if item == brackets else None


def _is_base64(value: Any) -> bool:
    return (
        isinstance(value, dict) and len(members(value)) == 1 and isinstance(value.get("b64"), str)
    )


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not _is_base64(value)


def _read_rows(document: dict[str, Any], infos: TensorInfos) -> dict[str, Array]:
    rows = document["instances"]
    if not isinstance(rows, list):
        raise invalid(f"JSON Value: {quoted(document)} Expecting 'instances' to be an list/array")
    if not rows:
        raise invalid(f"JSON Value: {quoted(document)} No values in 'instances' array")
    if not isinstance(rows[0], dict) and len(infos) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple"
            " input tensors required as per tensorinfo_map"
        )
    if _is_named(rows[0]):
        return _read_named_rows(rows, infos)
    (name, info), *_ = sorted(infos.items())
    array = _dense(rows, info.dtype)
    if array is not None:
        return {name: array}
    collector = _Rows(infos)
    for number, row in enumerate(rows):
        if _is_named(row):
            raise invalid(f"Expecting value/list but got object at item {number} of input list")
        try:
            collector.add(name, row)
        except ServingError as error:
            raise invalid(
                f"Failed to process element: {number} of 'instances' list. Error: {error}"
            ) from None
    return collector.tensors(len(rows))


def _read_named_rows(rows: list[Any], infos: TensorInfos) -> dict[str, Array]:
    if all(isinstance(row, dict) and row.keys() == infos.keys() for row in rows):
        arrays = {name: _dense([r[name] for r in rows], info.dtype) for name, info in infos.items()}
        complete = {name: array for name, array in arrays.items() if array is not None}
        if len(complete) == len(infos):
            return complete
    collector = _Rows(infos)
    for number, row in enumerate(rows):
        if not _is_named(row):
            raise invalid(f"Expecting object but got list at item {number} of input list")
        for name, value in row.items():
            try:
                collector.add(name, value)
            except ServingError as error:
                raise invalid(
                    f"Failed to process element: {number} key: {name}"
                    f" of 'instances' list. Error: {error}"
                ) from None
        if row.keys() != infos.keys():
            raise invalid(
                f"Failed to process element: {number} of 'instances' list."
                f" JSON object: {quoted(row)} keys must be equal to: {','.join(sorted(infos))}"
            )
    return collector.tensors(len(rows))


def _read_columns(value: Any, infos: TensorInfos) -> dict[str, Array]:
    if not _is_named(value):
        if len(infos) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple"
                " input tensors required as per tensorinfo_map"
            )
        (name,) = infos
        return {name: _tensor(value, infos[name].dtype, name)}
    tensors = {}
    for name, info in sorted(infos.items()):
        if name not in value:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
        tensors[name] = _tensor(value[name], info.dtype, name)
    return tensors


def _tensor(value: Any, dtype: int, name: str) -> Array:
    array = _dense(value, dtype)
    if array is not None:
        return array
    shape = _shape(value)
    flat = list(_values(value, shape, dtype))
    return _as_array(flat, shape, dtype, name)


class _Rows:
    """Collects equally shaped items by input name, as the row format sends them."""

    def __init__(self, infos: TensorInfos) -> None:
        self._infos = infos
        self._shapes: dict[str, list[int]] = {}
        self._flat: dict[str, list[Any]] = {}

    def add(self, name: str, item: Any) -> None:
        if name not in self._infos:
            raise invalid(f"JSON object: does not have named input: {name}")
        shape = _shape(item)
        values = list(_values(item, shape, self._infos[name].dtype))
        expected = self._shapes.setdefault(name, shape)
        if math.prod(expected) != len(values):
            raise invalid(f"Expecting tensor size: {math.prod(expected)} but got: {len(values)}")
        if expected != shape:
            raise invalid(f"Expecting shape {_brackets(expected)} but got: {_brackets(shape)}")
        self._flat.setdefault(name, []).extend(values)

    def tensors(self, count: int) -> dict[str, Array]:
        return {
            name: _as_array(flat, [count, *self._shapes[name]], self._infos[name].dtype, name)
            for name, flat in self._flat.items()
        }


def _brackets(shape: Sequence[int]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _shape(value: Any) -> list[int]:
    """Return the shape that the first element of each list promises."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return shape


def _values(value: Any, shape: list[int], dtype: int) -> Iterator[Any]:
    """Yield the elements in order; raise ServingError at the first that does not fit.

    Without recursion: a request may be nested as deep as it is long.
    """
    todo = [iter((value,))]  # of each list that is open what is left of it
    while todo:
        level = len(todo) - 1
        for item in todo[-1]:
            if isinstance(item, list):
                _check_list(item, shape, level)
                todo.append(iter(item))
                break
            if level != len(shape):
                raise invalid(
                    f"JSON Value: {quoted(item)} found at incorrect level: {level + 1}"
                    f" in the JSON DOM. Expected at level: {len(shape)}"
                )
            yield _element(item, dtype)
        else:
            todo.pop()


def _check_list(value: list[Any], shape: list[int], level: int) -> None:
    if level >= len(shape):
        raise invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level}"
            f" expected size: {shape[level]}"
        )


def _element(value: Any, dtype: int) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    whole = number and isinstance(value, int)
    if dtype in _FLOATS and number:
        return float(value)
    if dtype in _INT_RANGES and whole and _INT_RANGES[dtype][0] <= value <= _INT_RANGES[dtype][1]:
        return value
    if dtype == _BOOL and isinstance(value, bool):
        return value
    if dtype == _STRING and isinstance(value, str):
        return value.encode(errors="surrogateescape")
    if dtype == _STRING and isinstance(value, dict):
        return _base64(value)
    known = dtype in _FLOATS or dtype in _INT_RANGES or dtype in (_BOOL, _STRING)
    if not known and not isinstance(value, dict):
        raise ServingError(
            Code.UNIMPLEMENTED,
            f"Conversion of JSON Value: {quoted(value)} to type: {type_name(dtype)}",
        )
    raise invalid(
        f"JSON Value: {quoted(value)} Type: {_type_of(value)}"
        f" is not of expected type: {type_name(dtype)}"
    )


def _type_of(value: Any) -> str:
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return "True" if value else "False"
    for kind, name in ((dict, "Object"), (list, "Array"), (str, "String")):
        if isinstance(value, kind):
            return name
    return "Number"


def _base64(value: dict[str, Any]) -> bytes:
    if not _is_base64(value):
        raise invalid(f"JSON Value: {quoted(value)} not formatted correctly for base64 data")
    text = "".join(value["b64"].split())
    digits = text.rstrip("=")
    missing = -len(digits) % 4
    if len(text) - len(digits) not in (0, missing):  # padding may be left out, but not in part
        raise invalid("Unable to base64 decode")
    try:
        return base64.b64decode(digits + "=" * missing, validate=True)
    except (binascii.Error, ValueError):
        raise invalid("Unable to base64 decode") from None


def _as_array(flat: list[Any], shape: list[int], dtype: int, name: str) -> Array:
    if len(shape) > MAX_RANK:
        raise invalid(f"tensor parsing error: {name}")
    if dtype == _STRING:
        array = np.empty(len(flat), object)
        array[:] = flat
        return array.reshape(shape)
    return _cast(np.array(flat, _wide(dtype)), dtype).reshape(shape)


def _wide(dtype: int) -> Any:
    """Return the type that holds every JSON number of a type."""
    if dtype in _INT_RANGES:
        return np.uint64 if _INT_RANGES[dtype][0] == 0 else np.int64
    return np.bool_ if dtype == _BOOL else np.float64


def _cast(array: Array, dtype: int) -> Array:
    """Cut to the type as C does: 300 as uint8 is 44, and 1e39 as float is infinite."""
    with np.errstate(over="ignore"):
        return array.astype(tf.as_dtype(dtype).as_numpy_dtype, copy=False)


def _dense(value: Any, dtype: int) -> Array | None:
    """Return lists of plain numbers as a tensor, or None where the slow way must decide.

    The lists are joined level by level: numpy's own way through nested lists is ten times slower.
    """
    if dtype not in _FLOATS and dtype not in _INT_RANGES:
        return None
    shape: list[int] = []
    flat = [value]
    while flat and type(flat[0]) is list:
        lengths = set(map(len, flat)) if set(map(type, flat)) == {list} else set()
        if len(lengths) != 1 or len(shape) == MAX_RANK:
            return None
        shape.append(lengths.pop())
        flat = list(chain.from_iterable(flat))
    kinds = set(map(type, flat))  # bool is a type of its own here, unlike to numpy
    if not kinds <= ({int, float} if dtype in _FLOATS else {int}):
        return None
    array = _numbers(flat, dtype)
    return None if array is None else array.reshape(shape)


def _numbers(flat: list[Any], dtype: int) -> Array | None:
    """Return whole and other numbers in a type, or None where they do not fit."""
    if dtype in _FLOATS:
        return _cast(np.array(flat, np.float64), dtype)
    if dtype not in _INT_RANGES:
        return None
    low, high = _INT_RANGES[dtype]
    if not set(map(type, flat)) <= {int} or (flat and not low <= min(flat) <= max(flat) <= high):
        return None
    return _cast(np.array(flat, _wide(dtype)), dtype)


# --- classify and regress ------------------------------------------------------------------------


def read_examples(body: bytes) -> tuple[str, list[bytes]]:
    """Read a classify or regress request: the signature name and serialized tf.train.Examples."""
    document = parse_object(body)
    name = _signature_name(document)
    context = b""
    if "context" in document:
        context = _example(document["context"]).SerializeToString(deterministic=True)
    if "examples" not in document:
        raise invalid(
            f"JSON Value: {quoted(document)} When method is classify, key 'examples'"
            " is expected and was not found"
        )
    examples = document["examples"]
    if not isinstance(examples, list):
        raise invalid(
            f"JSON Value: {quoted(document)} Expecting 'examples' value to be an list/array"
        )
    if not examples:
        raise invalid(f"JSON Value: {quoted(document)} 'examples' value is an empty array")
    # Protocol buffers in a row read as one merged message: this is how the server adds the context.
    return name, [context + _example(e).SerializeToString(deterministic=True) for e in examples]


def _example(value: Any) -> tf.train.Example:
    if not isinstance(value, dict):
        raise invalid(f"Example must be JSON object but got JSON {_type_of(value)}")
    example = tf.train.Example()
    for name, content in members(value):
        feature = tf.train.Feature()
        for item in content if isinstance(content, list) else [content]:
            _add_to_feature(feature, name, item)
        example.features.feature[name].CopyFrom(feature)
    return example


def _add_to_feature(feature: tf.train.Feature, name: str, value: Any) -> None:
    item: Any = value
    if isinstance(value, bool | int):
        kind, item = "int64", int(value)
    elif isinstance(value, float):
        kind = "float"
    elif isinstance(value, str):
        kind, item = "bytes", value.encode(errors="surrogateescape")
    elif _is_base64(value):
        kind = "bytes"
    else:
        raise invalid(f"Feature: {name} has element with unexpected JSON type: {_type_of(value)}")
    held = feature.WhichOneof("kind")
    if held not in (None, f"{kind}_list"):
        held = held.removesuffix("_list")
        raise invalid(f"Unexpected element type in feature: {name} expecting type: {held}")
    if kind == "int64" and item >= 2**63:
        raise invalid(f"Feature: {name} has uint64_t element. Only int64_t is supported.")
    if isinstance(item, dict):
        item = _base64(item)
    getattr(feature, f"{kind}_list").value.append(_single(item) if kind == "float" else item)


def _single(value: float) -> float:
    return float(_cast(np.array(value), tf.float32.as_datatype_enum))
