"""Clients that mean no good: memory stays bounded, they get an answer or are cut, others go on."""

from __future__ import annotations

import gzip
import json
import re
import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from model_server import json_requests, json_text
from serving_support import REPO, Server, serve_folder

PREDICT = "/v1/models/m:predict"
ONE = {"instances": [1.0]}
IDLE = 2000


@pytest.fixture(scope="module")
def server(many_model: Path) -> Iterator[Server]:
    """A server of its own: what it keeps of memory is measured."""
    with serve_folder("m", many_model) as started:
        yield started.ready()


def head(length: int, *headers: str) -> bytes:
    lines = [f"POST {PREDICT} HTTP/1.1", "Host: x", f"Content-Length: {length}", *headers]
    return ("\r\n".join([*lines, "Connection: close"]) + "\r\n\r\n").encode()


def answer_to(server: Server, body: bytes, *headers: str) -> bytes:
    """Send a request; return all that comes until the server closes."""
    with socket.create_connection(("127.0.0.1", server.rest_port), timeout=60) as connection:
        connection.sendall(head(len(body), *headers) + body)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


def test_thousands_of_idle_connections(server: Server) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < IDLE + 500:
        pytest.skip(f"a process may have only {hard} files open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, IDLE + 500), hard))
    before = server.rss_kib()
    with ExitStack() as stack:
        for number in range(IDLE):
            idle = socket.create_connection(("127.0.0.1", server.rest_port), timeout=60)
            stack.enter_context(idle)
            if number % 2:
                idle.sendall(head(100)[: number % 90])  # half a head
        assert server.ask(PREDICT, ONE)[0] == 200
        assert server.rss_kib() - before < 100 << 10


MIB = 1 << 20
HOSTILE = {
    "lists": b'{"instances": [' + b"[]," * (20 * MIB) + b"[]]}",
    "nested": b'{"instances": ' + b"[" * (20 * MIB) + b"]" * (20 * MIB) + b"}",
    "nested, and NaN": b'{"instances": [NaN, ' + b"[" * 300_000 + b"]" * 300_000 + b"]}",
    "objects": b'{"instances": [' + b'{"a": 1},' * (3 * MIB) + b"1]}",
    "numbers": b'{"instances": [' + b"1," * (30 * MIB) + b"1]}",
    "not numbers": b'{"instances": [' + b"NaN," * (5 * MIB) + b"1]}",
    "a long number": b'{"instances": [' + b"1" * (30 * MIB) + b"]}",
    "a long string": b'{"instances": ["' + b"x" * (30 * MIB) + b'"]}',
    "escapes": b'{"instances": ["' + b"\\n" * (15 * MIB) + b'\xff"]}',
    "keys twice": b'{"instances": [1], ' + b'"a": 1, ' * 200_000 + b'"a": 1, "inputs": 1}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_json_while_others_are_served(server: Server, name: str) -> None:
    before = server.rss_kib()
    answers: list[bytes] = []
    sender = threading.Thread(target=lambda: answers.append(answer_to(server, HOSTILE[name])))
    sender.start()
    assert server.ask(PREDICT, ONE)[0] == 200
    sender.join(60)
    assert answers[0].startswith(b"HTTP/1.1 400 ")
    assert len(answers[0]) < 20_000
    assert server.rss_kib() - before < 700 << 10
    assert server.ask(PREDICT, ONE)[0] == 200


def test_gzip_bombs_at_once(server: Server) -> None:
    bomb = gzip.compress(b" " * (100 * MIB), 9)
    before = server.rss_kib()
    answers: list[bytes] = []
    senders = [
        threading.Thread(
            target=lambda: answers.append(answer_to(server, bomb, "Content-Encoding: gzip"))
        )
        for _ in range(8)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(60)
    assert [answer.split()[1] for answer in answers] == [b"413"] * 8
    assert server.rss_kib() - before < 700 << 10


# --- the table of differences --------------------------------------------------------------------


def rows(path: Path, title: str) -> list[str]:
    text = path.read_text(encoding="utf-8").partition(title)[2]
    table = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert table
    return table[0].splitlines()[2:]


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("docs/serving/operate.md", "## 模拟程序与真服务器的不同"),
        ("docs/_static/code/serving/model_server/README.md", "## What differs"),
    ],
)
def test_the_table_of_differences(path: str, title: str) -> None:
    """At most five rows; the sizes in it are those of the code."""
    found = rows(REPO / path, title)
    assert len(found) <= 5
    sizes = next(row for row in found if "256 MiB" in row).replace(",", "").replace("`", "")
    for limit in (
        *(json_requests.MAX_NUMBERS, json_text.MAX_VALUES),
        *(json_text.MAX_SLOW_VALUES, json_text.MAX_QUOTED_STRING),
    ):
        assert re.search(rf"\b{limit}\b", sizes), limit


def test_outputs_are_in_the_order_of_their_names(server: Server) -> None:
    body = {"signature_name": "two", "instances": [{"a": 1, "b": 2}]}
    status, text = server.ask(PREDICT, body)
    assert status == 200
    assert list(json.loads(text)["predictions"][0]) == ["pair", "sum"]


def test_a_wrong_rank_is_an_error(server: Server) -> None:
    deep = b'{"instances": [' + b"[" * 300 + b"1" + b"]" * 300 + b"]}"
    assert b"tensor parsing error: x" in answer_to(server, deep)
    body = {"signature_name": "two", "inputs": {"a": [[1.0]], "b": [1.0]}}
    assert server.ask(PREDICT, body)[0] == 400


def test_a_wrong_rank_is_an_error_with_onednn(
    many_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever turns oneDNN on, which ends the process for such an input, gets an error as well."""
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
    with serve_folder("m", many_model, fork=False) as started:
        body = {"signature_name": "two", "inputs": {"a": [[1.0]], "b": [1.0]}}
        status, text = started.ready().ask(PREDICT, body)
        assert (status, "TF_ENABLE_ONEDNN_OPTS is on" in text) == (400, True)
        assert started.ask(PREDICT, {"instances": [1.0]})[0] == 200


def test_it_says_that_it_is_an_emulation(server: Server) -> None:
    assert "This is an emulation of tensorflow_model_server in Python" in server.log
