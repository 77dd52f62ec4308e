"""JSON requests to tensors and tensors to JSON answers, by the rules of TensorFlow Serving.

A request that is one dense array of numbers is read without its brackets, by orjson and numpy;
other dense arrays are joined list by list. Whatever that cannot decide (a wrong type, a ragged
list, a number that would lose precision, NaN) is read again value by value, slowly, to find the
exact text of the error. The layout and the digits of an answer are the server's, byte
for byte: four blanks, arrays of the row format on one line, ``%g`` where that reads back the same.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import rapidjson
import tensorflow as tf
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from serving_protocol import Code, ServingError, invalid

Array = npt.NDArray[Any]
TensorInfos = Mapping[str, Any]  # input name -> tensorflow.TensorInfo

MAX_NESTING = 1000  # of a request's JSON; the real server recurses until its stack ends
MAX_RANK = 254  # TensorFlow's own limit
MAX_QUOTED = 4096  # characters of a request that an error text repeats

_READ_NUMBERS = rapidjson.NM_NATIVE | rapidjson.NM_NAN
_TYPE_NAMES = {
    dtype.as_datatype_enum: {"float16": "half", "float32": "float", "float64": "double"}.get(
        dtype.name, dtype.name
    )
    for dtype in (
        *(tf.float16, tf.float32, tf.float64, tf.bfloat16, tf.bool, tf.string),
        *(tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint16, tf.uint32, tf.uint64),
        *(tf.complex64, tf.complex128),
    )
}
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
_FLOAT = tf.float32.as_datatype_enum
_DOUBLE = tf.float64.as_datatype_enum
_STRING = tf.string.as_datatype_enum
_BOOL = tf.bool.as_datatype_enum
# The largest whole number that every smaller one is exact up to, and the largest finite number.
_FLOAT_LIMITS = {
    _FLOAT: (2**24 - 1, float(np.finfo(np.float32).max), "float"),
    _DOUBLE: (2**53 - 1, float(np.finfo(np.float64).max), "double"),
}


# --- reading -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PredictJson:
    """A predict request: its tensors by input name, and whether the answer is in rows."""

    signature_name: str
    inputs: dict[str, Array]
    rows: bool


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in ``body``; raise ServingError with RapidJSON's text and offset."""
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = _parse_like_the_server(body)
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {_quoted(document)} Is not object")
    return document


def _parse_like_the_server(body: bytes) -> Any:
    """Read NaN and infinities too, or say where and why the text is no JSON."""
    _check_nesting(body)
    try:
        return rapidjson.loads(body.removeprefix(b"\xef\xbb\xbf"), number_mode=_READ_NUMBERS)
    except rapidjson.JSONDecodeError as error:
        found = re.fullmatch(r"Parse error at offset (\d+): (.*)", str(error), re.DOTALL)
        offset, why = found.groups() if found else ("0", str(error))
        raise invalid(f"JSON Parse error: {why} at offset: {offset}") from None
    except UnicodeDecodeError as error:
        raise invalid(
            f"JSON Parse error: Invalid encoding in string. at offset: {error.start}"
        ) from None
    except (ValueError, RecursionError) as error:
        raise invalid(f"JSON Parse error: {error} at offset: 0") from None


_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def _check_nesting(body: bytes) -> None:
    """Refuse what would end the C stack of a recursive parser; brackets in strings count too."""
    brackets = np.frombuffer(body.translate(None, _NOT_BRACKETS), np.uint8)
    depth = 0
    for start in range(0, len(brackets), 1 << 20):
        part = brackets[start : start + (1 << 20)]
        steps = np.where((part == ord("[")) | (part == ord("{")), 1, -1)
        depths = depth + np.cumsum(steps)
        if depths.max() > MAX_NESTING:
            raise invalid(f"JSON Parse error: nested deeper than {MAX_NESTING} at offset: 0")
        depth = int(depths[-1])


def _quoted(value: Any) -> str:
    """Return a JSON value as error texts show it, cut where it gets long."""
    if isinstance(value, float):
        limit = _FLOAT_LIMITS[_FLOAT][1]
        kind = np.float32 if -limit <= value <= limit or not math.isfinite(value) else np.float64
        return decimal_texts(np.array([value], kind))[0]
    try:
        text = str(
            rapidjson.dumps(value, indent=4, ensure_ascii=False, number_mode=rapidjson.NM_NAN)
        )
    except (ValueError, RecursionError):
        text = "(too deep to show)"
    return text if len(text) <= MAX_QUOTED else text[:MAX_QUOTED] + "..."


def _type_of(value: Any) -> str:
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return "True" if value else "False"
    for kind, name in ((dict, "Object"), (list, "Array"), (str, "String")):
        if isinstance(value, kind):
            return name
    return "Number"


def _signature_name(document: dict[str, Any]) -> str:
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(
            f"JSON Value: {_quoted(document)} not formatted correctly."
            " 'signature_name' key must be a string value."
        )
    return name


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
                f"JSON Value: {_quoted(document)} Not formatted correctly expecting only"
                " one of 'inputs' or 'instances' keys to exist "
            )
        return PredictJson(name, _read_rows(document, infos), True)
    if "inputs" in document:
        return PredictJson(name, _read_columns(document["inputs"], infos), False)
    raise invalid("Missing 'inputs' or 'instances' key")


# {"instances": [...]} or {"inputs": [...]}, with or without a signature's name before.
_NUMBERS = re.compile(
    rb'\s*\{\s*(?:"signature_name"\s*:\s*"([ !#-\[\]-~]*)"\s*,\s*)?'
    rb'"(instances|inputs)"\s*:\s*(\[.*\])\s*\}\s*',
    re.DOTALL,
)
_BLANK_BRACKETS = bytes.maketrans(b"[]", b"  ")


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
    found = _NUMBERS.fullmatch(body)
    if found is None:
        return None
    name, key, text = found.groups(b"")
    shape = _shape_of_brackets(text.translate(None, b"0123456789+-.eE \t\n\r"))
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
    if rank > MAX_RANK:
        return None
    shape: list[int] = []
    item = b""
    for start in range(rank - 1, -1, -1):  # from the innermost list out, by each one's first item
        size, end = 1, start + 1 + len(item)
        while brackets[end : end + 1] == b",":
            size, end = size + 1, end + 1 + len(item)
        shape.insert(0, size)
        item = b"[%b]" % b",".join([item] * size)
    return shape if item == brackets else None


def _is_base64(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not _is_base64(value)


def _read_rows(document: dict[str, Any], infos: TensorInfos) -> dict[str, Array]:
    rows = document["instances"]
    if not isinstance(rows, list):
        raise invalid(f"JSON Value: {_quoted(document)} Excepting 'instances' to be an list/array")
    if not rows:
        raise invalid(f"JSON Value: {_quoted(document)} No values in 'instances' array")
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
                f" JSON object: {_quoted(row)} keys must be equal to: {','.join(sorted(infos))}"
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
        return {name: _tensor(value, infos[name].dtype)}
    tensors = {}
    for name, info in sorted(infos.items()):
        if name not in value:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
        tensors[name] = _tensor(value[name], info.dtype)
    return tensors


def _tensor(value: Any, dtype: int) -> Array:
    array = _dense(value, dtype)
    if array is not None:
        return array
    shape = _shape(value)
    flat = list(_values(value, shape, dtype, 0))
    return _as_array(flat, dtype).reshape(shape)


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
        values = list(_values(item, shape, self._infos[name].dtype, 0))
        expected = self._shapes.setdefault(name, shape)
        if math.prod(expected) != len(values):
            raise invalid(f"Expecting tensor size: {math.prod(expected)} but got: {len(values)}")
        if expected != shape:
            raise invalid(f"Expecting shape {_brackets(expected)} but got: {_brackets(shape)}")
        self._flat.setdefault(name, []).extend(values)

    def tensors(self, count: int) -> dict[str, Array]:
        return {
            name: _as_array(flat, self._infos[name].dtype).reshape([count, *self._shapes[name]])
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
    if len(shape) > MAX_RANK:
        raise invalid(
            f"Tensor of rank {len(shape)}: TensorFlow allows at most {MAX_RANK} dimensions"
        )
    return shape


def _values(value: Any, shape: list[int], dtype: int, level: int) -> Iterator[Any]:
    """Yield the elements in order; raise ServingError at the first that does not fit."""
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid(
                f"JSON Value: {_quoted(value)} found at incorrect level: {level + 1}"
                f" in the JSON DOM. Expected at level: {len(shape)}"
            )
        yield _element(value, dtype)
        return
    if level >= len(shape):
        raise invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level}"
            f" expected size: {shape[level]}"
        )
    for item in value:
        yield from _values(item, shape, dtype, level + 1)


def _element(value: Any, dtype: int) -> Any:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    whole = number and isinstance(value, int)
    if dtype in _FLOAT_LIMITS and number:
        return _decimal(value, dtype)
    if dtype in _INT_RANGES and whole and _INT_RANGES[dtype][0] <= value <= _INT_RANGES[dtype][1]:
        return value
    if dtype == _BOOL and isinstance(value, bool):
        return value
    if dtype == _STRING and isinstance(value, str):
        return value.encode()
    if dtype == _STRING and isinstance(value, dict):
        return _base64(value)
    type_name = _TYPE_NAMES.get(dtype, str(dtype))
    known = dtype in _FLOAT_LIMITS or dtype in _INT_RANGES or dtype in (_BOOL, _STRING)
    if not known and not isinstance(value, dict):
        raise ServingError(
            Code.UNIMPLEMENTED, f"Conversion of JSON Value: {_quoted(value)} to type: {type_name}"
        )
    raise invalid(
        f"JSON Value: {_quoted(value)} Type: {_type_of(value)} is not of expected type: {type_name}"
    )


def _decimal(value: float, dtype: int) -> float:
    exact, largest, name = _FLOAT_LIMITS[dtype]
    limit = exact if isinstance(value, int) else largest
    if math.isfinite(value) and abs(value) > limit:
        raise invalid(
            f"Cannot convert JSON value: {_quoted(value)} to {name} without loss of precision."
        )
    return float(value)


def _base64(value: dict[str, Any]) -> bytes:
    if not _is_base64(value):
        raise invalid(f"JSON Value: {_quoted(value)} not formatted correctly for base64 data")
    text = "".join(value["b64"].split()).rstrip("=")  # padding may be left out
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise invalid("Unable to base64 decode") from None


def _as_array(flat: list[Any], dtype: int) -> Array:
    if dtype == _STRING:
        array = np.empty(len(flat), object)
        array[:] = flat
        return array
    target = tf.as_dtype(dtype).as_numpy_dtype
    if dtype in _INT_RANGES and _INT_RANGES[dtype] == _INT32:
        return np.array(flat, np.int64).astype(target)  # 300 as uint8 is 44, as in the server
    with np.errstate(over="ignore"):
        return np.array(flat, target)


def _dense(value: Any, dtype: int) -> Array | None:
    """Return lists of plain numbers as a tensor, or None where the slow way must decide.

    The lists are joined level by level: numpy's own way through nested lists is ten times slower.
    """
    if dtype not in _FLOAT_LIMITS and dtype not in _INT_RANGES:
        return None
    shape: list[int] = []
    flat = [value]
    while flat and type(flat[0]) is list:
        lengths = set(map(len, flat)) if set(map(type, flat)) == {list} else set()
        if len(lengths) != 1:
            return None
        shape.append(lengths.pop())
        flat = list(chain.from_iterable(flat))
    if len(shape) > MAX_RANK:
        return None
    array = _numbers(flat, dtype)
    return None if array is None else array.reshape(shape)


def _numbers(flat: list[Any], dtype: int) -> Array | None:
    if dtype not in _FLOAT_LIMITS and dtype not in _INT_RANGES:
        return None
    target = tf.as_dtype(dtype).as_numpy_dtype
    kinds = set(map(type, flat))  # bool is a type of its own here, unlike to numpy
    if dtype in _FLOAT_LIMITS:
        if not kinds <= {int, float}:
            return None
        array = np.array(flat, np.float64)
        # Above this a whole number may not be exact in the type; NaN is not below it either.
        if array.size and not np.abs(array).max() <= _FLOAT_LIMITS[dtype][0]:
            return None
        return array.astype(target, copy=False)
    low, high = _INT_RANGES[dtype]
    if not kinds <= {int} or (flat and not low <= min(flat) <= max(flat) <= high):
        return None
    return np.array(flat, np.uint64 if low == 0 else np.int64).astype(target)


# --- reading classify and regress ----------------------------------------------------------------


def read_examples(body: bytes) -> tuple[str, list[bytes]]:
    """Read a classify or regress request: the signature name and serialized tf.train.Examples."""
    document = parse_object(body)
    name = _signature_name(document)
    context = b""
    if "context" in document:
        context = _example(document["context"]).SerializeToString(deterministic=True)
    if "examples" not in document:
        raise invalid(
            f"JSON Value: {_quoted(document)} When method is classify, key 'examples'"
            " is expected and was not found"
        )
    examples = document["examples"]
    if not isinstance(examples, list):
        raise invalid(
            f"JSON Value: {_quoted(document)} Expecting 'examples' value to be an list/array"
        )
    if not examples:
        raise invalid(f"JSON Value: {_quoted(document)} 'examples' value is an empty array")
    # Protocol buffers in a row read as one merged message: this is how the server adds the context.
    return name, [context + _example(e).SerializeToString(deterministic=True) for e in examples]


def _example(value: Any) -> tf.train.Example:
    if not isinstance(value, dict):
        raise invalid(f"Example must be JSON object but got JSON {_type_of(value)}")
    example = tf.train.Example()
    for name, content in value.items():
        feature = example.features.feature[name]
        for item in content if isinstance(content, list) else [content]:
            _add_to_feature(feature, name, item)
    return example


def _add_to_feature(feature: tf.train.Feature, name: str, value: Any) -> None:
    item: Any
    if isinstance(value, bool):
        kind, item = "int64", int(value)
    elif isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise invalid(f"Feature: {name} has uint64 element. Only int64 is supported.")
        kind, item = "int64", value
    elif isinstance(value, float):
        kind, item = "float", value
    elif isinstance(value, str):
        kind, item = "bytes", value.encode()
    elif _is_base64(value):
        kind, item = "bytes", _base64(value)
    else:
        raise invalid(f"Feature: {name} has element with unexpected JSON type: {_type_of(value)}")
    held = feature.WhichOneof("kind")
    if held not in (None, f"{kind}_list"):
        held = held.removesuffix("_list")
        raise invalid(f"Unexpected element type in feature: {name} expecting type: {held}")
    if kind == "float":
        item = _decimal(item, _FLOAT)
    getattr(feature, f"{kind}_list").value.append(item)


# --- writing -------------------------------------------------------------------------------------

_ESCAPES = {code: f"\\u{code:04X}" for code in range(32)} | {
    ord('"'): '\\"',
    ord("\\"): "\\\\",
    **{
        ord(plain): escaped
        for plain, escaped in zip("\b\f\n\r\t", (r"\b", r"\f", r"\n", r"\r", r"\t"), strict=True)
    },
}


def json_string(text: str) -> str:
    """Return a JSON string; what is not ASCII stays as it is."""
    return f'"{text.translate(_ESCAPES)}"'


def decimal_texts(values: Array) -> list[str]:
    """Return float32 or float64 numbers (flat) as the server prints them."""
    numbers = values.tolist()
    texts = [f"{number:g}" for number in numbers]
    full = ".9g" if values.dtype == np.float32 else ".17g"
    with np.errstate(over="ignore"):
        reread = np.array([float(text) for text in texts], values.dtype)
    for index in np.flatnonzero(reread != values).tolist():
        number = numbers[index]
        if math.isfinite(number):
            texts[index] = f"{number:{full}}"
        else:
            texts[index] = "NaN"
    for index in np.flatnonzero(np.isinf(values)).tolist():
        texts[index] = "Infinity" if numbers[index] > 0 else "-Infinity"
    return [_with_point(text) for text in texts]


def _with_point(text: str) -> str:
    return text if "." in text or "e" in text or "n" in text or "N" in text else text + ".0"


def _element_texts(name: str, values: Array, depth: int) -> list[str]:
    flat = values.ravel()
    if flat.dtype.kind == "O":
        if name.endswith("_bytes"):
            pad, end = " " * 4 * (depth + 1), " " * 4 * depth
            return [
                f'{{\n{pad}"b64": "{base64.b64encode(item).decode()}"\n{end}}}'
                for item in flat.tolist()
            ]
        return [json_string(item.decode(errors="surrogateescape")) for item in flat.tolist()]
    if flat.dtype.kind == "b":
        return ["true" if item else "false" for item in flat.tolist()]
    if flat.dtype in (np.float32, np.float64):
        return decimal_texts(flat)
    if flat.dtype.kind in "iu" and flat.dtype != np.uint16:
        return [str(item) for item in flat.tolist()]
    type_name = _TYPE_NAMES.get(tf.as_dtype(flat.dtype).as_datatype_enum, str(flat.dtype))
    raise invalid(f"Failed to write JSON value for tensor type: {type_name}")


def _nested(texts: list[str], shape: Sequence[int], depth: int, one_line: bool) -> str:
    if not shape:
        return texts[0]
    if not shape[0]:
        return "[]"
    if len(shape) > 1:
        size = math.prod(shape[1:])
        texts = [
            _nested(texts[i * size : (i + 1) * size], shape[1:], depth + 1, one_line)
            for i in range(shape[0])
        ]
    if one_line:
        return f"[{', '.join(texts)}]"
    pad = "\n" + " " * 4 * (depth + 1)
    return f"[{pad}{f',{pad}'.join(texts)}\n{' ' * 4 * depth}]"


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def write_rows(outputs: Mapping[str, Array]) -> bytes:
    """Return ``{"predictions": [...]}``, one element for each row of the batch."""
    batch = _batch_size(outputs)
    columns = {}
    for name, values in sorted(outputs.items()):
        depth = 3 if len(outputs) > 1 else 2
        texts = _element_texts(name, values, depth + values.ndim - 1)
        size = math.prod(values.shape[1:])
        columns[name] = [
            _nested(texts[i * size : (i + 1) * size], values.shape[1:], depth, True)
            for i in range(batch)
        ]
    if not batch:
        body = "[]"
    elif len(columns) == 1:
        (items,) = columns.values()
        body = f"[{', '.join(items)}\n    ]"
    else:
        rows = [
            ",\n".join(
                f"            {json_string(name)}: {items[i]}" for name, items in columns.items()
            )
            for i in range(batch)
        ]
        objects = ",\n".join(f"        {{\n{row}\n        }}" for row in rows)
        body = f"[\n{objects}\n    ]"
    return _encoded(f'{{\n    "predictions": {body}\n}}')


def _batch_size(outputs: Mapping[str, Array]) -> int:
    if not outputs:
        raise invalid("Cannot convert empty tensor map to JSON")
    batch = -1
    for name, values in sorted(outputs.items()):
        if values.ndim == 0:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if batch not in (-1, values.shape[0]):
            raise invalid(
                f"Tensor name: {name} has inconsistent batch size: {values.shape[0]}"
                f" expecting: {batch}"
            )
        batch = values.shape[0]
    return batch


def write_columns(outputs: Mapping[str, Array]) -> bytes:
    """Return ``{"outputs": ...}``: one tensor as it is, several as an object."""
    if not outputs:
        raise invalid("Cannot convert empty tensor map to JSON")
    depth = 2 if len(outputs) > 1 else 1
    texts = {
        name: _nested(_element_texts(name, values, depth + values.ndim), values.shape, depth, False)
        for name, values in sorted(outputs.items())
    }
    if len(texts) == 1:
        (body,) = texts.values()
    else:
        members = ",\n".join(f"        {json_string(name)}: {text}" for name, text in texts.items())
        body = f"{{\n{members}\n    }}"
    return _encoded(f'{{\n    "outputs": {body}\n}}')


def write_classes(results: Sequence[Sequence[tuple[str, float]]]) -> bytes:
    """Return ``{"results": ...}`` with [label, score] pairs for each example."""
    if not results:
        raise invalid("Cannot convert empty ClassificationResults to JSON")
    rows = []
    for classes in results:
        scores = decimal_texts(np.array([score for _, score in classes], np.float32))
        labels = [json_string(label) for label, _ in classes]
        pairs = (f"[{label}, {score}]" for label, score in zip(labels, scores, strict=True))
        rows.append(f"[{', '.join(pairs)}]")
    return _encoded(f'{{\n    "results": [{", ".join(rows)}\n    ]\n}}')


def write_regressions(values: Sequence[float]) -> bytes:
    """Return ``{"results": [...]}`` with one number for each example."""
    if not values:
        raise invalid("Cannot convert empty RegressionResults to JSON")
    return _encoded(
        f'{{\n    "results": [{", ".join(decimal_texts(np.array(values, np.float32)))}]\n}}'
    )


def write_error(message: str) -> bytes:
    """Return the body of every error answer."""
    return _encoded(f'{{\n    "error": {json_string(message)}\n}}')


# --- status and metadata -------------------------------------------------------------------------


def write_message(message: Message) -> str:
    """Print a protocol buffer as the server's status answers do: every plain field, one blank."""
    text = rapidjson.dumps(_plain(message), indent=1, ensure_ascii=False)
    return f"{text}\n"


def _plain(message: Message) -> Any:
    if message.DESCRIPTOR.full_name == "google.protobuf.Int64Value":
        return str(getattr(message, "value"))  # noqa: B009 - no attribute that mypy knows
    fields: list[Any] = sorted(
        message.DESCRIPTOR.fields, key=lambda f: f.containing_oneof is not None
    )
    result: dict[str, Any] = {}
    for field in fields:
        value = getattr(message, field.name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            kind = field.message_type.fields_by_name["value"]
            result[field.name] = {str(k): _scalar(kind, value[k]) for k in sorted(value)}
        elif field.is_repeated:
            result[field.name] = [_scalar(field, item) for item in value]
        elif not field.has_presence or message.HasField(field.name):
            result[field.name] = _scalar(field, value)
    return result


def _scalar(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is not None:
        return _plain(value)
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return known.name if known else value
    if field.cpp_type in (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value
