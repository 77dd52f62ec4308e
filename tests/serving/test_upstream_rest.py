# ruff: noqa: E501 - requests and answers in one piece
"""REST and JSON as the tests of the real server pin them down; each case has its test's name there.

The names are those of tensorflow_serving's http_rest_api_handler_test.cc (HttpRestApiHandlerTest),
http_rest_api_util_test.cc (HttpRestApiUtilTest) and json_tensor_test.cc (the others).
"""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from model_server import json_answers, json_requests
from model_server.protocol import ServingError
from model_server.rest_paths import parse_rest_call
from serving_support import Server

# --- paths ---------------------------------------------------------------------------------------

ODD = "%21%23%24%25%26%27%28%29%2A%2B%2C%2F%3A%3B%3D%3F%40%5B%5D"
PLAIN = "!#$%&'()*+,/:;=?@[]"
PATHS = [
    ("GET", f"/v1/models/modelname{ODD}", f"modelname{PLAIN}", None, None, "status"),
    ("GET", "/v1/models/modelname/versions/99", "modelname", 99, None, "status"),
    ("GET", "/v1/models/modelname/labels/latest", "modelname", None, "latest", "status"),
    ("GET", f"/v1/models/modelname/labels/latest{ODD}", "modelname", None, f"latest{PLAIN}", "status"),
    ("GET", "/v1/models/modelname/labels/latest/metadata", "modelname", None, "latest", "metadata"),
    ("GET", f"/v1/models/modelname{ODD}/labels/latest{ODD}/metadata", f"modelname{PLAIN}", None, f"latest{PLAIN}", "metadata"),
    ("POST", f"/v1/models/modelname{ODD}:predict", f"modelname{PLAIN}", None, None, "predict"),
    ("POST", "/v1/models/modelname/versions/99:predict", "modelname", 99, None, "predict"),
    ("POST", "/v1/models/modelname/labels/latest:predict", "modelname", None, "latest", "predict"),
    ("POST", f"/v1/models/modelname/labels/latest{ODD}:predict", "modelname", None, f"latest{PLAIN}", "predict"),
    ("POST", f"/v1/models/modelname{ODD}/labels/latest{ODD}:predict", f"modelname{PLAIN}", None, f"latest{PLAIN}", "predict"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "name", "version", "label", "verb"), PATHS)
def test_paths(
    method: str, path: str, name: str, version: int | None, label: str | None, verb: str
) -> None:
    """HttpRestApiUtilTest.TestParseModelInfoForGet, .TestParseModelInfoForPost."""
    call = parse_rest_call(method, path)
    assert (call.address.name, call.address.version, call.address.label) == (name, version, label)
    assert call.verb == verb


NO_PATHS = [
    *(("GET", path) for path in ("/v1/foo", "/v1/models/foo:predict", "/v1/models/foo/version/50:predict")),
    *(("POST", path) for path in ("/v1/foo", "/v1/models", "/v1/models/foo/version/50:predict", "/v1/models/foo/versions/string:predict", "/v1/models/foo/metadata", "/v1/models/foo/versions/50/labels/some_label:regress")),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), NO_PATHS)
def test_paths_that_are_none(method: str, path: str) -> None:
    """HttpRestApiUtilTest, the failure cases of both."""
    with pytest.raises(ServingError) as caught:
        parse_rest_call(method, path)
    assert str(caught.value) == f"INVALID_ARGUMENT: Malformed request: {method} {path}"


# --- the handler, over HTTP ----------------------------------------------------------------------

HUGE = 2**64 - 1
HANDLER = "HttpRestApiHandlerTest."
X = '{ "instances": [1] }'
Y = '{ "instances": ["x", "y"] }'
NOT_FLOAT = "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: JSON Value: \"x\" Type: String is not of expected type: float"
EXAMPLE = '{"signature_name": "%s", "examples": [ { "x": %s } ] }'

# Upstream's test, method, path, body, status, and the text of the error.
ERRORS = [
    *((f"{HANDLER}UnsupportedApiCalls", method, path, "", 400, f"Malformed request: {method} {path}")
      for method, path in (
          ("GET", "/v1/foo"),
          ("POST", "/v1/foo"),
          ("GET", "/v1/models/debug/model_name"),
          ("POST", "/v1/models"),
          ("GET", "/v1/models/foo:predict"),
          ("GET", "/v1/models/foo/version/50:predict"),
          ("POST", "/v1/models/foo/version/50:regress"),
          ("POST", "/v1/models/foo/versions/HELLO:regress"),
          ("POST", "/v1/models/foo/metadata"),
          ("POST", "/v1/models/foo/label/some_label:regress"),
          ("POST", "/v1/models/foo/versions/50/labels/some_label:regress"),
          ("POST", "/v1/models/foo/versions/some_label:regress"),
      )),
    (f"{HANDLER}UnsupportedApiCalls", "GET", "/v1/models", "", 400, "Missing model name in request."),
    (f"{HANDLER}UnsupportedApiCalls", "POST", f"/v1/models/foo/versions/{HUGE}:regress", "", 400, f"Failed to convert version: {HUGE} to numeric."),
    (f"{HANDLER}PredictModelNameVersionErrors", "POST", "/v1/models/foo:predict", X, 404, "Servable not found for request: Latest(foo)"),
    (f"{HANDLER}PredictModelNameVersionErrors", "POST", "/v1/models/foo/versions/50:predict", X, 404, "Servable not found for request: Specific(foo, 50)"),
    (f"{HANDLER}PredictModelNameVersionErrors", "POST", "/v1/models/m99:predict", X, 404, "Servable not found for request: Latest(m99)"),
    (f"{HANDLER}PredictRequestErrors", "POST", "/v1/models/m:predict", "", 400, "JSON Parse error: The document is empty"),
    (f"{HANDLER}PredictRequestErrors", "POST", "/v1/models/m:predict", "instances = [1, 2]", 400, "JSON Parse error: Invalid value. at offset: 0"),
    (f"{HANDLER}PredictRequestErrors", "POST", "/v1/models/m:predict", Y, 400, NOT_FLOAT),
    (f"{HANDLER}PredictRequestErrors", "POST", "/v1/models/m/labels/nonexistent:predict", Y, 400, "Unrecognized servable version label: nonexistent"),
    (f"{HANDLER}PredictRequestErrors", "POST", "/v1/models/m:predict", '{ "signature_name": 100 }', 400,
     "JSON Value: {\n    \"signature_name\": 100\n} not formatted correctly. 'signature_name' key must be a string value."),
]  # fmt: skip

STATUS = '{"model_version_status": [{"version": "123", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}]}'
ROWS = '{"predictions": %s}'
COLUMNS = '{"outputs": %s}'

# Upstream's test, method, path, body, and the answer.
ANSWERS = [
    (f"{HANDLER}Predict", "POST", "/v1/models/m:predict", '{"instances": [[1.0, 2.0], [3.0, 4.0]]}', ROWS % "[[2.5, 3.0], [3.5, 4.0]]"),
    (f"{HANDLER}Predict", "POST", "/v1/models/m/versions/123:predict", '{"instances": [1.0, 2.0]}', ROWS % "[2.5, 3.0]"),
    (f"{HANDLER}Predict", "POST", "/v1/models/m/labels/stable:predict", '{"instances": [1.0, 2.0]}', ROWS % "[2.5, 3.0]"),
    (f"{HANDLER}Predict", "POST", "/v1/models/m/versions/123:predict", '{"signature_name": "serving_default", "instances": [3.0, 4.0]}', ROWS % "[3.5, 4.0]"),
    (f"{HANDLER}Predict", "POST", "/v1/models/m/versions/123:predict", '{"signature_name": "serving_default", "inputs": [3.0, 4.0]}', COLUMNS % "[3.5, 4.0]"),
    (f"{HANDLER}Regress", "POST", "/v1/models/m:regress", EXAMPLE % ("regress_x_to_y", "80.0"), '{"results": [42.0]}'),
    (f"{HANDLER}Regress", "POST", "/v1/models/m/versions/123:regress", EXAMPLE % ("regress_x_to_y", "80.0"), '{"results": [42.0]}'),
    (f"{HANDLER}Regress", "POST", "/v1/models/m/labels/stable:regress", EXAMPLE % ("regress_x_to_y", "80.0"), '{"results": [42.0]}'),
    (f"{HANDLER}Classify", "POST", "/v1/models/m:classify", EXAMPLE % ("classify_x_to_y", "20.0"), '{"results": [[["", 12.0]]]}'),
    (f"{HANDLER}Classify", "POST", "/v1/models/m/labels/stable:classify", EXAMPLE % ("classify_x_to_y", "10.0"), '{"results": [[["", 7.0]]]}'),
    (f"{HANDLER}GetStatus", "GET", "/v1/models/m", "", STATUS),
    (f"{HANDLER}GetStatus", "GET", "/v1/models/m/versions/123", "", STATUS),
    (f"{HANDLER}GetStatus", "GET", "/v1/models/m/labels/stable", "", STATUS),
    (f"{HANDLER}GetStatus", "GET", "/v1/models/m/labels/nonexistent", "", STATUS),  # labels are not looked at
]  # fmt: skip

HELLO = ("aGVsbG8=", "d29ybGQ=")
B64 = '{ "b64": "%s" }'
TWO = '{"signature_name": "two", "instances": [%s]}'
ROW = '{"int_tensor": %s, "str_tensor": ["baz", "bat"]}'
DBL_MAX, DBL_MIN = "1.79769e+308", "2.22507e-308"  # as upstream prints them into its requests


def to(signature: str, body: str) -> str:
    return f'{{"signature_name": "{signature}", {body}}}'


JSON_ANSWERS = [
    ("SingleUnnamedTensor", to("ints", '"instances": [[1,2],[3,4],[5,6]]'), ROWS % "[[1,2],[3,4],[5,6]]"),
    ("DeeplyNestedWellFormed", to("ints", '"instances": [1], "nested": ' + "[" * 500_000 + "]" * 500_000), ROWS % "[1]"),
    ("MixedInputForFloatTensor", to("floats", '"instances": [1, 2.0, 3, 4, 5.003, 0.007, 0.0]'), ROWS % "[1.0, 2.0, 3.0, 4.0, 5.003, 0.007, 0.0]"),
    ("MixedInputForDoubleTensor", to("doubles", '"instances": [1.0, 2, 3, 4, 0.662, 0, 0.0]'), ROWS % "[1.0, 2.0, 3.0, 4.0, 0.662, 0.0, 0.0]"),
    ("FloatTensorWithPrecisionLoss", to("floats", '"instances": [1435774380]'), ROWS % "[1.43577434e+09]"),
    ("FloatTensorWithPrecisionLoss", to("floats", '"instances": [1435774380.0]'), ROWS % "[1.43577434e+09]"),
    ("FloatTensorThatExceedsMaxReturnsInf", to("floats", f'"instances": [{DBL_MAX}]'), ROWS % "[Infinity]"),
    ("FloatTensorThatExceedsMaxReturnsInf", to("floats", f'"instances": [-{DBL_MAX}]'), ROWS % "[-Infinity]"),
    ("FloatTensorThatExceedsMinReturnsZero", to("floats", f'"instances": [{DBL_MIN}]'), ROWS % "[0.0]"),
    ("FloatTensorThatExceedsMinReturnsZero", to("floats", f'"instances": [-{DBL_MIN}]'), ROWS % "[-0.0]"),
    ("SingleUnnamedTensorWithSignature", to("ints", '"instances": [[1,2]]'), ROWS % "[[1,2]]"),
    ("TensorFromNonNullTerminatedBuffer", to("ints", '"instances": [[1,2],[3,4],[5,6]]') + "X", ROWS % "[[1,2],[3,4],[5,6]]"),
    ("SingleUnnamedTensorBase64Scalars", to("strings", f'"instances": [{B64}, {B64}]' % HELLO), ROWS % '["hello", "world"]'),
    ("SingleUnnamedTensorBase64Lists", to("strings", f'"instances": [[{B64}], [{B64}]]' % HELLO), ROWS % '[["hello"], ["world"]]'),
    ("SingleNamedTensorBase64", to("strings", f'"instances": [{{"default": [[{B64}], [{B64}]]}}]' % HELLO), ROWS % '[[["hello"], ["world"]]]'),
    ("MultipleNamedTensor",
     to("four", '"instances": ['
        '{"int_tensor": [[1,2],[3,4],[5,6]], "str_tensor": ["foo", "bar"], "float_tensor": [1.0, NaN], "dbl_tensor": [NaN]},'
        '{"int_tensor": [[7,8],[9,0],[1,2]], "str_tensor": ["baz", "bat"], "float_tensor": [2.0, Infinity], "dbl_tensor": [2.0]}]'),
     ROWS % ('[{"dbl_tensor": [NaN], "float_tensor": [1.0, NaN], "int_tensor": [[1,2],[3,4],[5,6]], "str_tensor": ["foo", "bar"]},'
             '{"dbl_tensor": [2.0], "float_tensor": [2.0, Infinity], "int_tensor": [[7,8],[9,0],[1,2]], "str_tensor": ["baz", "bat"]}]')),
    ("SingleUnnamedTensorColumnarFormat", to("ints", '"inputs": {"default": [[[1,2],[3,4],[5,6]]]}'), COLUMNS % "[[[1,2],[3,4],[5,6]]]"),
    ("SingleUnnamedTensorColumnarFormat", to("ints", '"inputs": [[[1,2],[3,4],[5,6]]]'), COLUMNS % "[[[1,2],[3,4],[5,6]]]"),
    ("MultipleNamedTensorColumnarFormat",
     to("columns", '"inputs": {"int_tensor": [[[1,2],[3,4],[5,6]]], "str_tensor": ["foo", "bar"], "bin_tensor": {"b64": "aGVsbG8="}}'),
     COLUMNS % '{"bin_tensor": "hello", "int_tensor": [[[1,2],[3,4],[5,6]]], "str_tensor": ["foo", "bar"]}'),
    ("FromJsonSingleTensor", to("ints", '"instances": [[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 0], [1, 2]]]'), ROWS % "[[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 0], [1, 2]]]"),
    ("FromJsonSingleTensor", to("ints", '"inputs": [[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 0], [1, 2]]]'), COLUMNS % "[[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 0], [1, 2]]]"),
    ("FromJsonSingleScalarTensor", to("ints", '"instances": [1, 2, 3, 4, 5]'), ROWS % "[1, 2, 3, 4, 5]"),
    ("FromJsonSingleScalarTensor", to("ints", '"inputs": [1, 2, 3, 4, 5]'), COLUMNS % "[1, 2, 3, 4, 5]"),
    ("FromJsonSingleBytesTensor", to("bytes", '"instances": [["hello", "world"], ["tf", "serving"]]'),
     ROWS % '[[{"b64": "aGVsbG8="}, {"b64": "d29ybGQ="}], [{"b64": "dGY="}, {"b64": "c2VydmluZw=="}]]'),
    ("FromJsonSingleFloatTensorSixDigitPrecision", to("floats", '"instances": [[9000000, 999999, 0.50000], [0.0003, 0.00003, 555557.5]]'),
     ROWS % "[[9e+06, 999999.0, 0.5], [0.0003, 3e-05, 555557.5]]"),
    ("FromJsonSingleFloatTensorNonFinite", to("floats", '"instances": [[NaN, Infinity], [3, -Infinity]]'), ROWS % "[[NaN, Infinity], [3.0, -Infinity]]"),
    ("FromJsonMultipleNamedTensors",
     to("all", '"instances": [{"int_tensor": [[1,2],[3,4],[5,6]], "str_tensor": ["foo","bar"], "float_tensor": [1.0], "double_scalar_tensor": 8.0, "str_tensor_bytes": ["hello","world"]},'
        '{"int_tensor": [[7,8],[9,0],[1,2]], "str_tensor": ["baz","bat"], "float_tensor": [2.0], "double_scalar_tensor": 9.0, "str_tensor_bytes": ["tf","serving"]}]'),
     ROWS % ('[{"double_scalar_tensor": 8.0, "float_tensor": [1.0], "int_tensor": [[1, 2], [3, 4], [5, 6]], "str_tensor": ["foo", "bar"], "str_tensor_bytes": [{"b64": "aGVsbG8="}, {"b64": "d29ybGQ="}]},'
             '{"double_scalar_tensor": 9.0, "float_tensor": [2.0], "int_tensor": [[7, 8], [9, 0], [1, 2]], "str_tensor": ["baz", "bat"], "str_tensor_bytes": [{"b64": "dGY="}, {"b64": "c2VydmluZw=="}]}]')),
    ("FromJsonMultipleNamedTensors",
     to("all", '"inputs": {"int_tensor": [[[1,2],[3,4],[5,6]],[[7,8],[9,0],[1,2]]], "str_tensor": [["foo","bar"],["baz","bat"]], "float_tensor": [[1.0],[2.0]], "double_scalar_tensor": [8.0, 9.0], "str_tensor_bytes": [["hello","world"],["tf","serving"]]}'),
     COLUMNS % ('{"double_scalar_tensor": [8.0, 9.0], "float_tensor": [[1.0], [2.0]], "int_tensor": [[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 0], [1, 2]]], "str_tensor": [["foo", "bar"], ["baz", "bat"]],'
                '"str_tensor_bytes": [[{"b64": "aGVsbG8="}, {"b64": "d29ybGQ="}], [{"b64": "dGY="}, {"b64": "c2VydmluZw=="}]]}')),
]  # fmt: skip
ANSWERS += [
    (test, "POST", "/v1/models/m:predict", body, answer) for test, body, answer in JSON_ANSWERS
]

ELEMENT = "Failed to process element: %d of 'instances' list. Error: INVALID_ARGUMENT: "
ELEMENT_KEY = "Failed to process element: %d key: %s of 'instances' list. Error: INVALID_ARGUMENT: "
RAGGED = "[[1,2],[3,4],[5,6,7]]"
FIRST = '{"int_tensor": %s, "str_tensor": ["foo", "bar"]}'
JSON_ERRORS = [
    ("DeeplyNestedMalformed", '{"signature_name":' + "[" * 500_000 + "]" * 500_000 + "}",
     'JSON Value: {\n    "signature_name": ' + "[" * 232 + " not formatted correctly. 'signature_name' key must be a string value."),
    ("SingleUnnamedTensorErrors", "", "JSON Parse error: The document is empty"),
    ("SingleUnnamedTensorErrors", f'{{"signature_name": 5, "instances": {RAGGED}}}',
     'JSON Value: {\n    "signature_name": 5,\n    "instances": [[1, 2], [3, 4], [5, 6, 7]]\n} not formatted correctly. \'signature_name\' key must be a string value.'),
    ("SingleUnnamedTensorErrors", f'{{"instances": {RAGGED}, "inputs": {RAGGED}}}',
     'JSON Value: {\n    "instances": [[1, 2], [3, 4], [5, 6, 7]],\n    "inputs": [[1, 2], [3, 4], [5, 6, 7]]\n} Not formatted correctly expecting only one of \'inputs\' or \'instances\' keys to exist '),
    ("SingleUnnamedTensorErrors", to("ints", f'"instances": {RAGGED}'), ELEMENT % 2 + "Expecting tensor size: 2 but got: 3"),
    ("SingleUnnamedTensorErrors", to("ints", '"instances": [[1,2],[3,4],[[5,6]]]'), ELEMENT % 2 + "Expecting shape [2] but got: [1,2]"),
    ("SingleUnnamedTensorErrors", to("ints", '"instances": [1, [1]]'), ELEMENT % 1 + "Expecting shape [] but got: [1]"),
    ("SingleUnnamedTensorErrors", to("ints", '"instances": [[1,2],["a", "b"]]'), ELEMENT % 1 + 'JSON Value: "a" Type: String is not of expected type: int32'),
    ("MultipleNamedTensorErrors", TWO % (FIRST % "[[1,2],[3,4],[5,6]]" + "," + ROW % "[[[7,8],[9,0],[1,2]]]"), ELEMENT_KEY % (1, "int_tensor") + "Expecting shape [3,2] but got: [1,3,2]"),
    ("MultipleNamedTensorErrors", TWO % (FIRST % "[[1,2],[3,4],[5,6],[7,8]]" + "," + ROW % "[[7,8],[9,0],[1,2]]"), ELEMENT_KEY % (1, "int_tensor") + "Expecting tensor size: 8 but got: 6"),
    ("MultipleNamedTensorErrors", TWO % (FIRST % "[[1,2],[3,4],[5,6]]" + ", [1, 20, 30], " + ROW % "[[[7,8],[9,0],[1,2]]]"), "Expecting object but got list at item 1 of input list"),
    ("MultipleNamedTensorErrors", to("strings", '"instances": [["baz", "bar"], {"str_tensor": ["baz", "bat"]}]'), "Expecting value/list but got object at item 1 of input list"),
    ("FromJsonSingleTensorErrors", to("complexes", '"instances": [1.0, 2.0]'), "Failed to write JSON value for tensor type: complex64"),
    ("FromJsonSingleTensorErrors", to("scalar", '"instances": [1.0]'), "Tensor name: y has no shape information "),
    ("FromJsonMultipleNamedTensorsErrors", TWO.replace("instances", "inputs").replace("[%s]", "%s") % '{"int_tensor": [[1,2,3],[4,5,6]], "str_tensor": [["foo", "bar", "baz"]]}', None),
]  # fmt: skip

SIGNATURE_LIST = '{ "signature_name": [ "hello" ], "examples": [ { "names": [ "foo", "bar" ] } ] }'
NAMES = '{ "examples": [ { "names": %s } ] }'
FEATURE = "Feature: names has element with unexpected JSON type: "
EXAMPLES_ERRORS = [
    (SIGNATURE_LIST, 'JSON Value: {\n    "signature_name": ["hello"],\n    "examples": [{\n            "names": ["foo", "bar"]\n        }]\n} not formatted correctly. \'signature_name\' key must be a string value.'),
    ('{ "context": [ { "names": [ "foo", "bar" ] } ] }', "Example must be JSON object but got JSON Array"),
    ('{ "examples": { "names": [ "foo", "bar" ] } }', 'JSON Value: {\n    "examples": {\n        "names": ["foo", "bar"]\n    }\n} Expecting \'examples\' value to be an list/array'),
    ('{ "examples": [ [ { "names": [ "foo", "bar" ] } ] ] }', "Example must be JSON object but got JSON Array"),
    (NAMES % "[ 10, null ]", FEATURE + "Null"),
    (NAMES % "[ 10, 10.0 ]", "Unexpected element type in feature: names expecting type: int64"),
    (NAMES % '[ 10, { "test": 10 } ]', FEATURE + "Object"),
    (NAMES % "[ [10], 20 ]", FEATURE + "Array"),
    (NAMES % "[ 20, 18446744073709551603 ]", "Feature: names has uint64_t element. Only int64_t is supported."),
]  # fmt: skip
ERRORS += [
    (test, "POST", "/v1/models/m:predict", body, 400, text)
    for test, body, text in JSON_ERRORS
    if text
]
ERRORS += [
    ("ClassifyRegressRequestTest.JsonErrors", "POST", f"/v1/models/m:{verb}", body, 400, text)
    for verb in ("classify", "regress")
    for body, text in EXAMPLES_ERRORS
]


@pytest.fixture(scope="module")
def connection(upstream: Server) -> Iterator[http.client.HTTPConnection]:
    """One connection for all of them."""
    made = http.client.HTTPConnection("127.0.0.1", upstream.rest_port)
    yield made
    made.close()


def ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: str | bytes,
    **headers: str,
) -> tuple[int, bytes]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body or None, names)
    answer = connection.getresponse()
    assert answer.getheader("Content-Type") in ("application/json", "text/html")
    return answer.status, answer.read()


def texts(answer: str | bytes) -> Any:
    """Return a JSON document, its numbers as they are spelled; upstream compares no more."""
    return json.loads(answer, parse_float=str, parse_int=str, parse_constant=str)


def named(case: tuple[Any, ...]) -> str:
    return f"{case[0]} {case[2][-20:]}"


@pytest.mark.parametrize("case", ANSWERS, ids=named)
def test_answers(connection: http.client.HTTPConnection, case: tuple[str, ...]) -> None:
    _, method, path, body, expected = case
    status, answer = ask(connection, method, path, body)
    assert status == 200, answer
    assert texts(answer) == texts(expected)


@pytest.mark.parametrize("case", ERRORS, ids=named)
def test_errors(connection: http.client.HTTPConnection, case: tuple[Any, ...]) -> None:
    _, method, path, body, status, text = case
    expected = json_answers.write_error(text)
    assert ask(connection, method, path, body) == (status, expected)
    assert json.loads(expected) == {"error": text}


def test_metadata(connection: http.client.HTTPConnection) -> None:
    """HttpRestApiHandlerTest.GetModelMetadata: names, types, shapes and the layout."""
    status, answer = ask(connection, "GET", "/v1/models/m/metadata", "")
    assert status == 200
    assert answer.startswith(
        b'{\n"model_spec":{\n "name": "m",\n "signature_name": "",\n "version": "123"\n}\n,\n'
        b'"metadata": {"signature_def": {\n "signature_def": {\n'
    )
    assert answer.endswith(b"}\n}\n}\n")
    found = json.loads(answer)["metadata"]["signature_def"]["signature_def"]
    assert found["regress_x_to_y"] == {
        "inputs": {
            "inputs": {
                "dtype": "DT_STRING",
                "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
                "name": "regress_x_to_y_inputs:0",
            }
        },
        "outputs": {
            "outputs": {
                "dtype": "DT_FLOAT",
                "tensor_shape": {
                    "dim": [{"size": "-1", "name": ""}, {"size": "1", "name": ""}],
                    "unknown_rank": False,
                },
                "name": found["regress_x_to_y"]["outputs"]["outputs"]["name"],
            }
        },
        "method_name": "tensorflow/serving/regress",
        "defaults": {},
    }


@pytest.mark.parametrize(
    ("path", "status"), [("/v1/models", 400), ("/statuspage", 404), ("/index", 404)]
)
def test_paths_that_reach_the_handler(
    connection: http.client.HTTPConnection, path: str, status: int
) -> None:
    """HttpRestApiHandlerTest.kPathRegex."""
    assert ask(connection, "GET", path, "")[0] == status


QUERIES = [
    ("POST", "/v1/models/m:predict?x=1", 400, "Malformed request: POST /v1/models/m:predict?x=1"),
    ("GET", "/v1/models/m?x=1", 404, "Could not find any versions of model m?x=1"),
    ("GET", "/v1/models/m/METADATA?x", 400, "Malformed request: GET /v1/models/m/METADATA?x"),
]


@pytest.mark.parametrize(("method", "path", "status", "text"), QUERIES)
def test_a_query_is_part_of_the_path(
    connection: http.client.HTTPConnection, method: str, path: str, status: int, text: str
) -> None:
    """EvHTTPRequestTest.RequestUri: the path is taken as it is, query and all."""
    assert ask(connection, method, path, X if method == "POST" else "") == (
        status,
        json_answers.write_error(text),
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (gzip.compress(X.encode(), mtime=0), 200),  # ValidGzipPost
        (
            gzip.compress(b'{"instances": [' + b"1.5, " * 300_000 + b"1]}", mtime=0),
            200,
        ),  # LargeGzipPost
        (b"not gzip", 400),  # InvalidGzipPost: as if there were no body
        (gzip.compress(X.encode(), mtime=0)[:-1], 400),
    ],
)
def test_gzip(connection: http.client.HTTPConnection, body: bytes, status: int) -> None:
    """EvHTTPRequestTest.ValidGzipPost, .LargeGzipPost, .InvalidGzipPost."""
    found, answer = ask(connection, "POST", "/v1/models/m:predict", body, Content_Encoding="gzip")
    assert found == status
    empty = json_answers.write_error("JSON Parse error: The document is empty")
    assert (answer == empty) == (status == 400)


def test_duplicate_keys_and_what_follows(connection: http.client.HTTPConnection) -> None:
    """RapidJSON's FindMember takes the first; kParseStopWhenDoneFlag ends behind the value."""
    body = '{"instances": [1.0], "instances": [2.0]} {"instances": "x"}'
    status, answer = ask(connection, "POST", "/v1/models/m:predict", body)
    assert (status, texts(answer)) == (200, {"predictions": ["2.5"]})


# --- what no model answers: in this process ------------------------------------------------------


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ([(0, 2)], b'{\n    "predictions": []\n}'),  # FromJsonSingleZeroBatchTensor
        (
            [(0, 1, 2), (0, 3, 4)],
            b'{\n    "predictions": []\n}',
        ),  # FromJsonMultipleZeroBatchTensors
    ],
)
def test_zero_batches(shapes: list[tuple[int, ...]], expected: bytes) -> None:
    tensors = {f"t{n}": np.zeros(shape, np.float32) for n, shape in enumerate(shapes)}
    assert json_answers.write_rows(tensors) == expected


@pytest.mark.parametrize(("first", "second"), [((2, 3), (1, 3)), ((0, 2), (1, 2))])
def test_inconsistent_batches(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    """FromJsonMultipleNamedTensorsErrors, FromJsonMultipleZeroBatchTensorsErrors."""
    tensors = {"int_tensor": np.zeros(first, np.int32), "str_tensor": np.full(second, b"x", object)}
    with pytest.raises(ServingError) as caught:
        json_answers.write_rows(tensors)
    assert caught.value.message == (
        f"Tensor name: str_tensor has inconsistent batch size: 1 expecting: {first[0]}"
    )


@pytest.mark.parametrize(
    ("write", "text"),
    [
        (lambda: json_answers.write_rows({}), "Cannot convert empty tensor map to JSON"),
        (lambda: json_answers.write_columns({}), "Cannot convert empty tensor map to JSON"),
        (
            lambda: json_answers.write_classes([]),
            "Cannot convert empty ClassificationResults to JSON",
        ),
        (
            lambda: json_answers.write_regressions([]),
            "Cannot convert empty RegressionResults to JSON",
        ),
    ],
)
def test_nothing_to_write(write: Any, text: str) -> None:
    """FromJsonSingleTensorErrors, ClassifyRegressnResultTest.JsonFromResultErrors."""
    with pytest.raises(ServingError) as caught:
        write()
    assert caught.value.message == text


def test_results() -> None:
    """ClassifyRegressnResultTest: JsonFromClassificationResult, JsonFromRegressionResult…"""
    classes = [
        [("car", 0.2), ("bike", 0.7), ("bus", 0.1)],
        [("car", 0.7), ("bike", 0.1), ("bus", 0.2)],
    ]
    assert json_answers.write_classes(classes) == (
        b'{\n    "results": [[["car", 0.2], ["bike", 0.7], ["bus", 0.1]],'
        b' [["car", 0.7], ["bike", 0.1], ["bus", 0.2]]\n    ]\n}'
    )
    assert json_answers.write_regressions([0.2, 0.9, 1.0]) == (
        b'{\n    "results": [0.2, 0.9, 1.0]\n}'
    )
    odd = [0.2, float("inf"), 1.0, float("-inf"), float("nan")]
    assert json_answers.write_regressions(odd) == (
        b'{\n    "results": [0.2, Infinity, 1.0, -Infinity, NaN]\n}'
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [('Bad key: "key"', r"Bad key: \"key\""), ("Bad key: 'key'", "Bad key: 'key'")],
)
def test_error_bodies(text: str, expected: str) -> None:
    """MakeJsonFromTensors.StatusError."""
    assert json_answers.write_error(text) == f'{{\n    "error": "{expected}"\n}}'.encode()


NO_CONTEXT = '{"examples": [{"names": ["foo", "bar"], "ratings": [8.0, 9.0], "age": 20}, {"names": ["baz"], "ratings": 6.0}]}'
WITH_CONTEXT = (
    '{"signature_name": "custom_signture", "context": {"query": "pizza", "location": ["sfo"]}, "examples": ['
    '{"names": ["foo", "bar"], "ratings": [8.0, 9.0, NaN, Infinity], "age": 20},'
    '{"names": ["baz", {"b64": "aGVsbG8="}], "ratings": 6.0, "intboolmix": [1, true, false]},'
    '{"names": "bar", "ratings": -Infinity}]}'
)


def features(serialized: bytes) -> dict[str, list[Any]]:
    import tensorflow as tf

    example = tf.train.Example.FromString(serialized)
    return {
        name: list(getattr(feature, feature.WhichOneof("kind")).value)
        for name, feature in example.features.feature.items()
    }


def test_examples() -> None:
    """ClassifyRegressRequestTest.RequestNoContext, .RequestWithContextAndSignature."""
    name, examples = json_requests.read_examples(NO_CONTEXT.encode())
    assert name == ""
    assert [features(e) for e in examples] == [
        {"names": [b"foo", b"bar"], "ratings": [8.0, 9.0], "age": [20]},
        {"names": [b"baz"], "ratings": [6.0]},
    ]
    name, examples = json_requests.read_examples(WITH_CONTEXT.encode())
    assert name == "custom_signture"
    context = {"query": [b"pizza"], "location": [b"sfo"]}
    first, second, third = (features(e) for e in examples)
    assert repr(first.pop("ratings")) == "[8.0, 9.0, nan, inf]"
    assert first == context | {"names": [b"foo", b"bar"], "age": [20]}
    mixed = {"names": [b"baz", b"hello"], "ratings": [6.0], "intboolmix": [1, 1, 0]}
    assert second == context | mixed
    assert third == context | {"names": [b"bar"], "ratings": [float("-inf")]}
