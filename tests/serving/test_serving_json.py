# ruff: noqa: E501 - texts of the server in one piece
"""The JSON rules of the model server emulation, by property: what goes in comes out."""

from __future__ import annotations

import base64
import json
import math
import re
import struct
from types import SimpleNamespace
from typing import Any

import numpy as np
import orjson
import pytest
import rapidjson
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from model_server import json_answers, json_requests, json_text
from model_server.json_text import MAX_QUOTED
from model_server.protocol import ServingError

settings.register_profile("serving", deadline=None, max_examples=150)
settings.load_profile("serving")

INTEGERS = (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint32, np.uint64)
SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=5)


def infos(dtype: Any, name: str = "x") -> Any:
    return lambda _: {name: SimpleNamespace(dtype=tf.as_dtype(dtype).as_datatype_enum)}


def read(body: bytes, dtype: Any, name: str = "x") -> np.ndarray:
    return json_requests.read_predict(body, infos(dtype, name)).inputs[name]


def message(body: bytes, dtype: Any = np.float32) -> str:
    with pytest.raises(ServingError) as caught:
        read(body, dtype)
    return caught.value.message


def code_of(build: Any) -> int:
    """Return the HTTP status that a call would answer with."""
    try:
        build()
    except ServingError as error:
        return error.code.http
    return 200


def arrays(dtype: Any, **options: Any) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays(dtype, SHAPES, **options)


@given(arrays(np.float32, elements=st.floats(width=32)))
@example(np.array([0.1, 1e30, 3e-45, 1e-5, -0.0, 16777216.0, 3.4028235e38], np.float32))
def test_float32_comes_back_to_the_bit(array: np.ndarray) -> None:
    for write, key in (
        (json_answers.write_rows, "predictions"),
        (json_answers.write_columns, "outputs"),
    ):
        back = np.array(json.loads(write({"y": array}))[key], np.float64).astype(np.float32)
        np.testing.assert_array_equal(back, array)
        assert (np.signbit(back) == np.signbit(array))[~np.isnan(array)].all()


@given(arrays(np.float64, elements=st.floats()))
def test_float64_comes_back_to_the_bit(array: np.ndarray) -> None:
    back = np.array(json.loads(json_answers.write_rows({"y": array}))["predictions"], np.float64)
    np.testing.assert_array_equal(back, array)


@given(st.one_of(*[arrays(kind) for kind in INTEGERS]))
def test_integers_go_in_and_come_out(array: np.ndarray) -> None:
    for key in ("instances", "inputs"):
        body = json.dumps({key: array.tolist()}).encode()
        back = read(body, array.dtype)
        assert back.dtype == array.dtype
        np.testing.assert_array_equal(back, array)
    np.testing.assert_array_equal(
        np.array(json.loads(json_answers.write_rows({"y": array}))["predictions"], array.dtype),
        array,
    )


@given(arrays(np.float32, elements=st.floats(-1e6, 1e6, width=32).filter(lambda v: v != int(v))))
def test_decimals_go_in(array: np.ndarray) -> None:
    np.testing.assert_array_equal(
        read(orjson.dumps({"instances": array.tolist()}), np.float32), array
    )


@given(arrays(np.float64, elements=st.floats()))
def test_the_fast_and_the_slow_way_agree(array: np.ndarray) -> None:
    value = array.tolist()
    dense = json_requests._dense(value, tf.float64.as_datatype_enum)
    flat = list(json_requests._values(value, list(array.shape), tf.float64.as_datatype_enum))
    np.testing.assert_array_equal(np.array(flat).reshape(array.shape), array)
    if dense is not None:
        np.testing.assert_array_equal(dense, array)


@st.composite
def nearly_numbers(draw: st.DrawFn) -> bytes:
    """Return a request with an array of numbers, most often broken in a place or two."""
    array = draw(arrays(np.float32, elements=st.floats(-9, 9, width=16)))
    name = draw(st.sampled_from(["", '"signature_name": "other",', '"signature_name": 3,']))
    key = draw(st.sampled_from(["instances", "inputs"]))
    text = f'{{{name}"{key}":{json.dumps(array.tolist())}}}'
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(text)))
        cut = draw(st.integers(0, 2))
        text = text[:place] + draw(st.text('[]{}",:.-+0123e tn', max_size=2)) + text[place + cut :]
    return text.encode()


@given(nearly_numbers(), st.sampled_from([np.float32, np.int32, np.uint8, np.bool_]))
@example(b'{"instances": [5[1], [2]]}', np.float32)
@example(b'{"instances": [[1] 5, [2]]}', np.float32)
@example(b'{"instances": [1 2]}', np.int32)
@example(b'{"instances": []}', np.int32)
@example(b'{"instances": [[]]}', np.int32)
@example(b'{"instances": [[1], []]}', np.int32)
@example(b'{"instances": [1], "inputs": [2]}', np.int32)
@example(b'{"instances": [1e999]}', np.float32)
@example(b'{"instances": [true]}', np.float32)
def test_an_array_of_numbers_is_read_as_any_other_request(body: bytes, dtype: type) -> None:
    results: list[Any] = []
    for fast in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            if not fast:
                patch.setattr(json_requests, "_read_numbers", lambda body: None)
            try:
                array = read(body, dtype)
                results.append((array.dtype, array.tolist()))
            except ServingError as error:
                results.append(str(error))
    assert results[0] == results[1]


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=5))
def test_bytes_go_in_and_come_out(items: list[bytes]) -> None:
    body = json.dumps({"instances": [{"b64": base64.b64encode(i).decode()} for i in items]})
    array = read(body.encode(), np.object_, "x_bytes")
    assert array.tolist() == items
    answer = json.loads(json_answers.write_rows({"y_bytes": array}))["predictions"]
    assert [base64.b64decode(item["b64"]) for item in answer] == items


@given(st.lists(st.text(max_size=20), min_size=1, max_size=5))
@example(['"\\\b\f\n\r\t\x00\x1f\x7f/é漢😀'])
def test_texts_go_in_and_come_out(items: list[str]) -> None:
    array = read(json.dumps({"instances": items}).encode(), np.object_)
    assert [item.decode() for item in array.tolist()] == items
    assert json.loads(json_answers.write_rows({"y": array}))["predictions"] == items


@given(st.binary(max_size=30))
def test_bytes_that_are_no_text_come_out_as_they_are(item: bytes) -> None:
    answer = json_answers.write_rows({"y": np.array([item], object)})
    plain = item.decode(errors="surrogateescape")
    assert json.loads(answer.decode(errors="surrogateescape"))["predictions"] == [plain]


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_decimal_text_is_short_or_full(value: float) -> None:
    (text,) = json_answers.decimal_texts(np.array([value], np.float32))
    digits = f"{value:g}"
    short = struct.pack("f", float(digits)) == struct.pack("f", value)
    expected = digits if short else f"{value:.9g}"
    assert text == expected + ("" if set(".e") & set(expected) else ".0")


@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_any_body_gives_an_answer_or_an_error(body: bytes) -> None:
    assert code_of(lambda: read(body, np.float32)) in (200, 400)
    assert code_of(lambda: json_requests.read_examples(body)) in (200, 400)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=20,
)


@given(JSON, st.sampled_from(["instances", "inputs", "examples", "signature_name"]))
def test_any_json_gives_an_answer_or_an_error(value: Any, key: str) -> None:
    body = json.dumps({key: value}).encode()
    for dtype in (np.float32, np.int64, np.bool_, np.object_, np.float16):
        assert code_of(lambda kind=dtype: read(body, kind)) in (200, 400, 501)
    assert code_of(lambda: json_requests.read_examples(body)) in (200, 400)


def test_layouts_byte_for_byte() -> None:
    y = np.array([2.5, 3.0, 4.5], np.float32)
    pair = np.array([[1, 2], [3, 4]], np.int32)
    png = np.array([b"\x00"], object)
    cases = {
        json_answers.write_rows({"y": y}): '{\n    "predictions": [2.5, 3.0, 4.5\n    ]\n}',
        json_answers.write_rows({"y": pair}): '{\n    "predictions": [[1, 2], [3, 4]\n    ]\n}',
        json_answers.write_rows({"a": y[:1], "b": pair[:1]}): (
            '{\n    "predictions": [\n        {\n            "a": 2.5,\n'
            '            "b": [1, 2]\n        }\n    ]\n}'
        ),
        json_answers.write_rows({"y": y[:0]}): '{\n    "predictions": []\n}',
        json_answers.write_rows({"y_bytes": png}): (
            '{\n    "predictions": [{\n            "b64": "AA=="\n        }\n    ]\n}'
        ),
        json_answers.write_columns({"y": y[:2]}): (
            '{\n    "outputs": [\n        2.5,\n        3.0\n    ]\n}'
        ),
        json_answers.write_columns({"y": y[0]}): '{\n    "outputs": 2.5\n}',
        json_answers.write_columns({"a": y[:1], "b": y[1]}): (
            '{\n    "outputs": {\n        "a": [\n            2.5\n        ],\n        "b": 3.0\n    }\n}'
        ),
        json_answers.write_classes([[("low", 0.5), ("high", 1.0)]]): (
            '{\n    "results": [[["low", 0.5], ["high", 1.0]]\n    ]\n}'
        ),
        json_answers.write_regressions([2.5, 3.0]): '{\n    "results": [2.5, 3.0]\n}',
        json_answers.write_error('no "x"\n'): '{\n    "error": "no \\"x\\"\\n"\n}',
    }
    assert {found.decode() for found in cases} == set(cases.values())
    for found, expected in cases.items():
        assert found.decode() == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.2, "0.2"),
        (1 / 3, "0.333333343"),
        (1e6, "1e+06"),
        (3e-5, "3e-05"),
        (9000000.0, "9e+06"),
        (123456.0, "123456.0"),
        (1234567.0, "1234567.0"),
        (-0.0, "-0.0"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (math.nan, "NaN"),
    ],
)
def test_numbers_as_the_server_prints_them(value: float, text: str) -> None:
    assert json_answers.decimal_texts(np.array([value], np.float32)) == [text]


@pytest.mark.parametrize(
    ("dtype", "value", "expected"),
    [
        (np.uint8, 300, 44),
        (np.int8, 200, -56),
        (np.bool_, True, True),
        (np.float32, 3, 3.0),
    ],
)
def test_values_that_fit(dtype: Any, value: Any, expected: Any) -> None:
    array = read(json.dumps({"instances": [value]}).encode(), dtype)
    assert array.tolist() == [expected]
    assert array.dtype == dtype


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "Inf", "-Inf"])
def test_not_numbers_go_in(text: str) -> None:
    array = read(f'{{"instances": [{text}, 1.5]}}'.encode(), np.float32)
    np.testing.assert_array_equal(array, np.array([float(text), 1.5], np.float32))


ELEMENT = "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: "


@pytest.mark.parametrize(
    ("body", "dtype", "text"),
    [
        ('{"instances": ["x"]}', np.float32, 'JSON Value: "x" Type: String is not of expected type: float'),
        ('{"instances": [true]}', np.float32, "JSON Value: true Type: True is not of expected type: float"),
        ('{"instances": [null]}', np.int32, "JSON Value: null Type: Null is not of expected type: int32"),
        ('{"instances": [1.5]}', np.int32, "JSON Value: 1.5 Type: Number is not of expected type: int32"),
        ('{"instances": [3000000000]}', np.int32, "JSON Value: 3000000000 Type: Number is not of expected type: int32"),
        ('{"instances": [-1]}', np.uint32, "JSON Value: -1 Type: Number is not of expected type: uint32"),
        ('{"instances": [1]}', np.bool_, "JSON Value: 1 Type: Number is not of expected type: bool"),
        ('{"instances": [1e39]}', np.int32, "JSON Value: 1e39 Type: Number is not of expected type: int32"),
        ('{"instances": [{"b64": "!"}]}', np.object_, "Unable to base64 decode"),
    ],
)  # fmt: skip
def test_wrong_elements(body: str, dtype: Any, text: str) -> None:
    assert message(body.encode(), dtype) == ELEMENT + text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("", "JSON Parse error: The document is empty"),
        ("{", "JSON Parse error: Missing a name for object member. at offset: 1"),
        ("x", "JSON Parse error: Invalid value. at offset: 0"),
        ('{"instances": [1,]}', "JSON Parse error: Invalid value. at offset: 17"),
        ("[1]", "JSON Value: [1] Is not object"),
        ("{}", "Missing 'inputs' or 'instances' key"),
        ('{"instances": [[1, 2], [1, 2, 3]]}',
         "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
         "Expecting tensor size: 2 but got: 3"),
        ('{"instances": [[1, 2], 3]}',
         "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
         "Expecting tensor size: 2 but got: 1"),
        ('{"instances": [[[1], [2]], [[1, 2]]]}',
         "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
         "Expecting shape [2,1] but got: [1,2]"),
        ('{"instances": [[1, [2]]]}', ELEMENT + "Encountered list at unexpected level: 1 expected < 1"),
        ('{"inputs": [[1], [1, 2]]}',
         "Encountered list at unexpected size: 2 at level: 1 expected size: 1"),
        ('{"inputs": {"y": 1}}', "Missing named input: x in 'inputs' object."),
        ('{"instances": [{"y": 1}]}',
         "Failed to process element: 0 key: y of 'instances' list. Error: INVALID_ARGUMENT: "
         "JSON object: does not have named input: y"),
        ('{"instances": 1}',
         "JSON Value: {\n    \"instances\": 1\n} Expecting 'instances' to be an list/array"),
        ('{"instances": []}', "JSON Value: {\n    \"instances\": []\n} No values in 'instances' array"),
        ('{"signature_name": 1}',
         "JSON Value: {\n    \"signature_name\": 1\n} not formatted correctly. "
         "'signature_name' key must be a string value."),
        ("[" * 2000, "JSON Parse error: Invalid value. at offset: 2000"),
    ],
)  # fmt: skip
def test_wrong_requests(body: str, text: str) -> None:
    assert message(body.encode()) == text


def test_a_long_request_is_not_repeated_in_full() -> None:
    text = message(json.dumps({"instances": 1, "padding": [0] * 100_000}).encode())
    assert MAX_QUOTED < len(text) < 2 * MAX_QUOTED


def test_half_is_not_to_be_had_as_in_the_server() -> None:
    with pytest.raises(ServingError, match="Conversion of JSON Value: 1 to type: half") as caught:
        read(b'{"inputs": 1}', np.float16)
    assert caught.value.code.http == 501
    with pytest.raises(ServingError, match="Failed to write JSON value for tensor type: half"):
        json_answers.write_rows({"y": np.zeros(1, np.float16)})


PIECES = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"a"',
    '"\\u12"',
    '"\\u00e9\\uD83D\\uDE00"',
    '"\\ud800"',
    '"\\x"',
]
PIECES += ['"é漢"', "1", "-", "-0", "01", "1.", "1e", "1e400", "0.25", "12345678901234567890123"]
PIECES += ["NaN", "-Infinity", "Infx", "Infinit", "nul", "true", "tru", "x", " ", "\n", '"', "\\"]


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join), st.booleans())
@example('{"a":1,}', False)
@example('{"a" 1}', False)
@example("[1 2]", False)
def test_the_parser_reads_as_rapidjson(text: str, inside: bool) -> None:
    """Values, and texts and offsets of errors; but it stops behind the first value."""
    body = ('{"a":' * inside + text).encode()
    try:
        expected = repr(rapidjson.loads(body, number_mode=rapidjson.NM_NATIVE | rapidjson.NM_NAN))
    except rapidjson.JSONDecodeError as error:
        expected = str(error)
    except ValueError as error:
        expected = str(error)
    try:
        found = repr(json_text._Parser(body).document())
    except ServingError as error:
        _, why, offset = re.split(r"JSON Parse error: (.*) at offset: ", error.message)[0:3]
        found = f"Parse error at offset {offset}: {why}"
    newer = ("The document root must not be followed by other values", "The document is empty")
    if not any(text in expected + found for text in newer):
        assert found == expected
