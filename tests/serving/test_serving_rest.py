# ruff: noqa: E501 - texts of the server in one piece
"""REST of the model server emulation: answers, error texts, and whatever a bad client may send."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import socket
import zlib
from pathlib import Path
from typing import Any

import pytest
import serving_models
from serving_support import Server, serve_folder

PREDICT = "/v1/models/m:predict"
STATUS = {
    "version": "1",
    "state": "AVAILABLE",
    "status": {"error_code": "OK", "error_message": ""},
}


# --- what works ----------------------------------------------------------------------------------


def test_rows_and_columns(many: Server) -> None:
    rows = many.ask(PREDICT, {"instances": [1.0, 2.0, 5.0]})
    assert rows == (200, '{\n    "predictions": [2.5, 3.0, 4.5\n    ]\n}')
    columns = many.ask(PREDICT, {"inputs": [1.0, 2.0]})
    assert columns == (200, '{\n    "outputs": [\n        2.5,\n        3.0\n    ]\n}')


def test_several_inputs_and_outputs(many: Server) -> None:
    named = {"signature_name": "two", "instances": [{"a": 1, "b": 2}, {"b": 4, "a": 3}]}
    status, text = many.ask(PREDICT, named)
    assert status == 200
    assert json.loads(text)["predictions"] == [
        {"pair": [1.0, 2.0], "sum": 3.0},
        {"pair": [3.0, 4.0], "sum": 7.0},
    ]
    columns = {"signature_name": "two", "inputs": {"a": [1], "b": [2]}}
    assert json.loads(many.ask(PREDICT, columns)[1])["outputs"] == {
        "pair": [[1.0, 2.0]],
        "sum": [3.0],
    }


def test_bytes(many: Server) -> None:
    item = {"b64": base64.b64encode(b"\xff\x00").decode()}
    status, text = many.ask(PREDICT, {"signature_name": "echo", "instances": [item]})
    assert status == 200
    assert '"text_bytes": {\n                "b64": "/wA="\n            }' in text


@pytest.mark.parametrize("dtype", [d.name for d in serving_models.DTYPES])
def test_every_dtype(many: Server, dtype: str) -> None:
    values: Any = {"bool": [True, False], "string": ["a", "漢"]}.get(dtype, [1, 2])
    body = {"signature_name": f"identity_{dtype}", "instances": values}
    status, text = many.ask(PREDICT, body)
    if dtype == "float16":
        assert status == 400
        assert "to type: half" in text
    else:
        assert (status, json.loads(text)["predictions"]) == (200, values)


def test_not_numbers_come_back(many: Server) -> None:
    status, text = many.ask(PREDICT, b'{"instances": [NaN, Infinity, -Infinity]}')
    assert (status, text) == (200, '{\n    "predictions": [NaN, Infinity, -Infinity\n    ]\n}')


def test_classify_and_regress(many: Server) -> None:
    body: dict[str, Any] = {"signature_name": "classify", "examples": [{"x": [0.25]}, {"x": 1.0}]}
    status, text = many.ask("/v1/models/m:classify", body)
    assert status == 200
    assert text == (
        '{\n    "results": [[["low", 0.75], ["high", 0.25]], [["low", 0.0], ["high", 1.0]]\n    ]\n}'
    )
    body = {"signature_name": "regress", "context": {"x": [3.0]}, "examples": [{}, {"x": [1.0]}]}
    assert many.ask("/v1/models/m:regress", body) == (200, '{\n    "results": [3.5, 2.5]\n}')


def test_status_and_metadata(many: Server) -> None:
    for path in ("/v1/models/m", "/V1/Models/m/Versions/1", "/v1/models/%6d"):
        status, text = many.ask(path)
        assert (status, json.loads(text)) == (200, {"model_version_status": [STATUS]})
    assert text.startswith('{\n "model_version_status": [\n  {\n   "version": "1",\n')
    status, text = many.ask("/v1/models/m/metadata")
    metadata = json.loads(text)
    assert metadata["model_spec"] == {"name": "m", "signature_name": "", "version": "1"}
    signature = metadata["metadata"]["signature_def"]["signature_def"]["two"]
    dim = {"size": "-1", "name": ""}
    shape = {"dim": [dim], "unknown_rank": False}
    assert signature["inputs"]["a"] == {
        "dtype": "DT_FLOAT",
        "tensor_shape": shape,
        "name": "two_a:0",
    }
    assert signature["method_name"] == "tensorflow/serving/predict"


def test_gzip_in_plain_out(many: Server) -> None:
    body = gzip.compress(b'{"instances": [1.0]}')
    status, text = many.ask(PREDICT, body, Content_Encoding="gzip", Accept_Encoding="gzip")
    assert (status, json.loads(text)) == (200, {"predictions": [2.5]})


def test_content_type_is_not_looked_at(many: Server) -> None:
    assert many.ask(PREDICT, {"instances": [1.0]}, Content_Type="image/png")[0] == 200


def test_metrics(many: Server) -> None:
    many.ask(PREDICT, {"instances": [1.0]})
    many.ask("/v1/models/nope:predict", {"instances": [1.0]})
    status, text = many.ask("/monitoring/prometheus/metrics")
    assert status == 200
    assert "# TYPE :tensorflow:serving:request_count counter\n" in text
    assert ':tensorflow:serving:request_count{model_name="nope",status="NOT_FOUND"} ' in text
    assert (
        ':tensorflow:serving:request_latency_bucket{model_name="m",API="predict",entrypoint="REST",le="10"} '
        in text
    )
    assert (
        ':tensorflow:serving:runtime_latency_count{model_name="m",API="Predict",runtime="TF1"} '
        in text
    )


def test_cors_only_with_its_flag(many: Server, many_model: Path) -> None:
    def allowed(
        server: Server, method: str, origin: str = "http://a.example"
    ) -> tuple[int, str | None]:
        connection = http.client.HTTPConnection("127.0.0.1", server.rest_port)
        connection.request(method, "/v1/models/m", headers={"Origin": origin})
        answer = connection.getresponse()
        assert answer.read() == b"" or method != "OPTIONS"
        return answer.status, answer.getheader("Access-Control-Allow-Origin")

    assert allowed(many, "GET") == (200, None)
    assert allowed(many, "OPTIONS") == (200, None)
    assert allowed(many, "OPTIONS", "") == (400, None)
    with serve_folder("m", many_model, "--rest_api_enable_cors_support") as server:
        server.ready()
        assert allowed(server, "GET") == (200, "*")
        assert allowed(server, "OPTIONS") == (200, "*")
        assert server.ask("/monitoring/prometheus/metrics")[0] == 404


# --- error texts ---------------------------------------------------------------------------------

ONE = {"instances": [1.0]}
SIGNATURE = {"signature_name": "nope", "instances": [1.0]}


@pytest.mark.parametrize(
    ("path", "body", "status", "text"),
    [
        ("/v1/models/foo:predict", ONE, 404, "Servable not found for request: Latest(foo)"),
        ("/v1/models/foo/metadata", None, 404, "Servable not found for request: Latest(foo)"),
        ("/v1/models/foo", None, 404, "Could not find any versions of model foo"),
        ("/v1/models/m/versions/99:predict", ONE, 404, "Servable not found for request: Specific(m, 99)"),
        ("/v1/models/m/versions/99", None, 404, "Could not find version 99 of model m"),
        ("/v1/models/m/labels/X:predict", ONE, 400, "Unrecognized servable version label: X"),
        ("/v1/models/m/versions/99999999999999999999:predict", ONE, 400,
         "Failed to convert version: 99999999999999999999 to numeric."),
        (PREDICT, b"", 400, "JSON Parse error: The document is empty"),
        (PREDICT, b"x", 400, "JSON Parse error: Invalid value. at offset: 0"),
        (PREDICT, {}, 400, "Missing 'inputs' or 'instances' key"),
        (PREDICT, SIGNATURE, 400, 'Serving signature name: "nope" not found in signature def'),
        ("/v1/models/m:classify", {"signature_name": "two", "examples": [{}]}, 400,
         "Expected one input Tensor."),
        ("/v1/models/m:regress", {"signature_name": "nope", "examples": [{}]}, 400,
         "No signature was found with the name: nope"),
        ("/v1/models/m:PREDICT", ONE, 400, "Malformed request: POST /v1/models/m:PREDICT"),
        ("/v1/models/m:predict/", ONE, 400, "Malformed request: POST /v1/models/m:predict/"),
        ("/v1/models/m", {}, 400, "Malformed request: POST /v1/models/m"),
        ("/v1/models", None, 400, "Missing model name in request."),
        # The order of the checks: JSON, type of the name, model, signature, keys.
        ("/v1/models/foo:predict", b"x", 400, "JSON Parse error: Invalid value. at offset: 0"),
        ("/v1/models/foo:predict", SIGNATURE, 404, "Servable not found for request: Latest(foo)"),
        (PREDICT, {"signature_name": "nope"}, 400,
         'Serving signature name: "nope" not found in signature def'),
    ],
)  # fmt: skip
def test_error_texts(many: Server, path: str, body: Any, status: int, text: str) -> None:
    assert many.error(path, body) == (status, text)


def test_a_wrong_shape_has_tensorflows_text(many: Server) -> None:
    body = {"signature_name": "flat", "inputs": [[1.0, 2.0, 3.0, 4.0]]}
    status, text = many.error(PREDICT, body)
    assert status == 400
    assert text.startswith(
        "Input to reshape is a tensor with 4 values, but the requested shape has 784\n\t [[{{"
    )


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods(many: Server, method: str) -> None:
    text = f"Malformed request: {method} /v1/models/m"
    assert many.error("/v1/models/m", method=method) == (400, text)


def test_outside_of_v1(many: Server) -> None:
    status, text = many.ask("/")
    assert (status, "<TITLE>404 Not Found</TITLE>" in text) == (404, True)


# --- what a bad client may send ------------------------------------------------------------------


def raw(server: Server, data: bytes, *, close: bool = False) -> bytes:
    """Send bytes as they are; return what comes until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", server.rest_port), timeout=30) as connection:
        try:
            connection.sendall(data)
            if close:
                connection.shutdown(socket.SHUT_WR)
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        except TimeoutError:
            raise
        except OSError:  # the server has closed it
            return b""
        return answer


def head(path: str, length: int, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Connection: close", f"Content-Length: {length}"]
    return ("\r\n".join([*lines, *headers]) + "\r\n\r\n").encode()


BODIES = {
    "malformed": b'{"instances": [1.0',
    "deep lists": b'{"instances": ' + b"[" * 100_000,
    "deep closed lists": b'{"instances": ' + b"[" * 900 + b"]" * 900 + b"}",
    "deep objects": b'{"a":' * 100_000,
    "deep with NaN": b'{"instances": [NaN, ' + b"[" * 900 + b"]" * 900 + b"]}",
    "huge number": b'{"instances": [1' + b"0" * 100_000 + b"]}",
    "huge exponent": b'{"instances": [1e999999999]}',
    "negative huge": b'{"instances": [-1e400, NaN]}',
    "too large for int": b'{"signature_name": "identity_int64", "instances": [9223372036854775808]}',
    "wrong UTF-8": b'{"instances": ["\xff\xfe"]}',
    "wrong UTF-8 name": b'{"signature_name": "\xff"}',
    "lone surrogate": b'{"signature_name": "\\ud800"}',
    "zero byte": b'{"signature_name": "\\u0000"}',
    "binary": bytes(range(256)),
    "a long unknown name": b'{"signature_name": "' + b"x" * 1_000_000 + b'"}',
    "many keys": json.dumps({str(n): n for n in range(50_000)}).encode(),
}


@pytest.mark.parametrize("name", BODIES)
def test_bad_bodies(many: Server, name: str) -> None:
    answer = raw(many, head(PREDICT, len(BODIES[name])) + BODIES[name])
    status = int(answer.split()[1])
    assert 400 <= status < 600
    assert b"Traceback" not in answer
    assert b'{\n    "error": "' in answer


GZIPS = {
    "no gzip": b"plain",
    "cut gzip": gzip.compress(b'{"instances": [1.0]}' * 100)[:30],
    "wrong checksum": gzip.compress(b'{"instances": [1.0]}')[:-8] + b"\0" * 8,
    "raw deflate": zlib.compress(b'{"instances": [1.0]}'),
    "bomb": gzip.compress(b" " * (200 << 20), 9),
}


@pytest.mark.parametrize("name", GZIPS)
def test_bad_gzip(many: Server, name: str) -> None:
    before = many.rss_kib()
    data = GZIPS[name]
    answer = raw(many, head(PREDICT, len(data), "Content-Encoding: gzip") + data)
    assert answer.split()[1] == (b"413" if name == "bomb" else b"400")
    assert b"Traceback" not in answer
    assert many.rss_kib() - before < 150 << 10  # the 200 MiB of the bomb were never there


HEADS = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100,
    "no method": b"\r\n\r\n/v1/models/m\r\n\r\n",
    "long line": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
    "long header": b"GET /v1/models/m HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    "many headers": b"GET /v1/models/m HTTP/1.1\r\n" + b"X: y\r\n" * 100_000 + b"\r\n",
    "negative length": b"POST /v1/models/m:predict HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and chunks": b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bad chunk": b"POST /v1/models/m:predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "bad path": b"GET /v1/models/%zz%00 HTTP/1.1\r\nConnection: close\r\n\r\n",
    "no path": b"GET  HTTP/1.1\r\nConnection: close\r\n\r\n",
    "absolute": b"GET http://[::1/v1 HTTP/1.1\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("name", HEADS)
def test_bad_heads(many: Server, name: str) -> None:
    answer = raw(many, HEADS[name], close=True)
    assert answer == b"" or 400 <= int(answer.split()[1]) < 600
    assert b"Traceback" not in answer
    assert many.ask("/v1/models/m")[0] == 200


def test_oversized_bodies(many: Server) -> None:
    assert raw(many, head(PREDICT, 1 << 40)).split()[1] == b"413"
    chunk = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
    before = many.rss_kib()
    start = b"POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = raw(many, start + chunk * 80)
    assert answer == b"" or answer.split()[1] == b"413"
    assert many.rss_kib() - before < 300 << 10


def test_cut_connections_leave_nothing_behind(many: Server) -> None:
    body = b'{"instances": [1.0]}'
    whole = head(PREDICT, len(body)) + body
    for cut in range(1, len(whole)):
        with socket.create_connection(("127.0.0.1", many.rest_port), timeout=30) as connection:
            connection.sendall(whole[:cut])
    assert raw(many, whole).split()[1] == b"200"


def test_slow_clients_do_not_stop_others(many_model: Path) -> None:
    with serve_folder("m", many_model, "--rest_api_timeout_in_ms=1500") as server:
        server.ready()
        waiting = []
        for _ in range(200):
            connection = socket.create_connection(("127.0.0.1", server.rest_port), timeout=30)
            connection.sendall(head(PREDICT, 100) + b"{")
            waiting.append(connection)
        assert server.ask(PREDICT, ONE)[0] == 200
        for connection in waiting:
            assert connection.recv(100).split()[1] == b"408"
            connection.close()


def test_a_slow_model_ends_in_time(many_model: Path) -> None:
    with serve_folder("m", many_model, "--rest_api_timeout_in_ms=200") as server:
        server.ready()
        status, text = server.error(PREDICT, {"signature_name": "slow", "instances": [1.0]})
        assert status == 504
        assert text
        assert server.ask(PREDICT, ONE)[0] == 200


def test_expect_100_continue(many: Server) -> None:
    body = b'{"instances": [1.0]}'
    answer = raw(many, head(PREDICT, len(body), "Expect: 100-continue") + body)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


def test_requests_in_a_row_on_one_connection(many: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", many.rest_port)
    for body, status in ((b'{"instances": [1.0]}', 200), (b"x", 400)) * 3:
        connection.request("POST", PREDICT, body)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status
