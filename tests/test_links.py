"""`make linkcheck` over a loopback server: what is dead, what is only out of reach."""

from __future__ import annotations

import json
import os
import runpy
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sphinxext import links

ROOT = Path(__file__).parent.parent
RETRIES = runpy.run_path(str(ROOT / "conf.py"))["linkcheck_retries"]


class Handler(BaseHTTPRequestHandler):
    """Answers by path: /alive, /moved, /flaky (fails twice: one HEAD, one GET), /cut, else 404."""

    seen: Counter[str] = Counter()

    def do_GET(self) -> None:
        self.seen[self.path] += 1
        failing = self.path == "/flaky" and self.seen[self.path] <= 2
        if self.path == "/cut":
            self.close_connection = True
            return
        if self.path == "/moved":
            self.send_response(301)
            self.send_header("Location", "/alive")
        elif failing:
            self.send_response(500)
        else:
            self.send_response(200 if self.path in ("/alive", "/flaky") else 404)
        body = b'<h1 id="here">Here</h1>'
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Handler.seen = Counter()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=partial(http.serve_forever, poll_interval=0.01))
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


@pytest.fixture
def closed_port() -> Iterator[str]:
    """Yield an address where nobody listens: bound, so nobody else takes it, but not open."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def check(folder: Path, targets: list[str], conf: str = "") -> tuple[int, str]:
    """Run linkcheck over a page with these links; return what `sphinxext.links` makes of it."""
    (folder / "index.rst").write_text(
        "Links\n=====\n\n" + "\n".join(f"* `{i} <{uri}>`__" for i, uri in enumerate(targets))
    )
    settings = f"linkcheck_retries = {RETRIES}\nlinkcheck_timeout = 5\nlinks_ignored = {{}}\n"
    (folder / "conf.py").write_text(f"{settings}{conf}\nlinkcheck_ignore = list(links_ignored)\n")
    environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    build = ["-m", "sphinx", "-q", "-b", "linkcheck", str(folder), str(folder / "out")]
    subprocess.run([sys.executable, *build], env=environment, capture_output=True)
    verdict = subprocess.run(
        [sys.executable, "-m", "sphinxext.links", "out/output.json", "--conf", "conf.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    return verdict.returncode, verdict.stdout + verdict.stderr


def test_links_that_work_pass(server: str, tmp_path: Path) -> None:
    code, said = check(tmp_path, [f"{server}/{path}" for path in ("alive", "alive#here", "moved")])
    assert code == 0, said
    assert "3 links checked, 0 dead, 0 ignored" in said
    assert f"moved: index.rst:6: {server}/moved -> {server}/alive" in said


def test_dead_links_are_named_with_their_place(
    server: str, closed_port: str, tmp_path: Path
) -> None:
    dead = [f"{server}/gone", f"{server}/alive#nowhere", f"{server}/cut", f"{closed_port}/host"]
    code, said = check(tmp_path, [f"{server}/alive", *dead])
    assert code == links.DEAD, said
    for uri in dead:
        assert f": {uri}: " in said
    assert "dead: index.rst:5: " in said
    assert "Anchor 'nowhere' not found" in said
    assert "5 links checked, 4 dead" in said


def test_a_host_that_fails_once_is_asked_again(server: str, tmp_path: Path) -> None:
    code, said = check(tmp_path, [f"{server}/flaky"])
    assert (code, Handler.seen["/flaky"]) == (0, 3), said


def test_without_retries_the_same_host_counts_as_dead(server: str, tmp_path: Path) -> None:
    code, said = check(tmp_path, [f"{server}/flaky"], "linkcheck_retries = 1")
    assert code == links.DEAD, said


def test_no_network_is_told_apart_from_dead_links(closed_port: str, tmp_path: Path) -> None:
    code, said = check(tmp_path, [f"{closed_port}/a", "http://host.invalid/", f"{closed_port}/b#c"])
    assert code == links.NO_NETWORK, said
    assert "no network: none of 3 links reached its host" in said
    assert "dead" not in said


def test_one_host_out_of_reach_is_a_dead_link(
    server: str, closed_port: str, tmp_path: Path
) -> None:
    code, said = check(tmp_path, [f"{server}/alive", f"{closed_port}/host"])
    assert code == links.DEAD, said
    assert "2 links checked, 1 dead" in said


def test_an_ignored_link_is_shown_with_its_reason(server: str, tmp_path: Path) -> None:
    conf = f"links_ignored = {{{server + '/gone'!r}: 'gone since June'}}"
    code, said = check(tmp_path, [f"{server}/alive", f"{server}/gone"], conf)
    assert code == 0, said
    assert f"ignored: index.rst:5: {server}/gone: gone since June" in said


def test_a_pattern_that_nothing_needs_is_reported(server: str, tmp_path: Path) -> None:
    conf = "links_ignored = {'http://old.invalid': 'was slow'}"
    code, said = check(tmp_path, [f"{server}/alive"], conf)
    assert code == links.DEAD, said
    assert "unused: no link matches 'http://old.invalid'" in said


def test_an_ignored_link_without_a_reason_is_an_error(server: str, tmp_path: Path) -> None:
    conf = f"links_ignored = {{{server + '/gone'!r}: ''}}"
    code, said = check(tmp_path, [f"{server}/alive", f"{server}/gone"], conf)
    assert code == links.NOTHING, said
    assert "ignored without a reason" in said


@pytest.mark.parametrize("content", [None, "", '{"uri": "http'])
def test_results_that_are_missing_empty_or_cut_pass_for_nothing(
    content: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "output.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(links.JudgeError, match=r"did not finish|no link was checked"):
        links.judge(links.read(file), {})


@pytest.mark.parametrize(
    ("status", "info", "code"),
    [
        ("timeout", "Connection to a.test timed out. (connect timeout=20)", links.NO_NETWORK),
        ("timeout", "HTTPSConnectionPool: Read timed out. (read timeout=20)", links.DEAD),
        ("broken", "(Caused by ProxyError('Unable to connect to proxy'))", links.NO_NETWORK),
        ("broken", "(Caused by SSLError(SSLCertVerificationError(1)))", links.DEAD),
        ("broken", "404 Client Error: Not Found", links.DEAD),
    ],
)
def test_an_answer_of_any_kind_proves_the_network(status: str, info: str, code: int) -> None:
    result = {"filename": "a.md", "lineno": 1, "uri": "https://a.test/", "code": 0}
    verdict = links.judge([{**result, "status": status, "info": info}], {})
    assert verdict.exit_code == code


def test_links_ignored_of_the_site_has_reasons() -> None:
    conf = runpy.run_path(str(ROOT / "conf.py"))
    reasons: dict[str, str] = conf.get("links_ignored", {})
    assert all(reasons.values()), json.dumps(reasons, indent=1)
    assert sorted(conf.get("linkcheck_ignore", [])) == sorted(reasons)
