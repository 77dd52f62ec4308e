"""Tensors, results and messages as the REST interface prints them, byte for byte.

Four blanks of indent, the arrays of the row format on one line, ``%g`` where that reads back the
same; of protocol buffers every plain field, one blank of indent.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from .json_text import json_string
from .protocol import invalid
from .tensors import type_name

Array = npt.NDArray[Any]


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
    name_of_type = type_name(tf.as_dtype(flat.dtype).as_datatype_enum)
    raise invalid(f"Failed to write JSON value for tensor type: {name_of_type}")


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
    text = json.dumps(_plain(message), indent=1, ensure_ascii=False)
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
