"""Clients that others wrote, and requests by an OpenAPI description, against the emulation.

ovmsclient, another one of them, is in test_serving_grpc.py.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from serving_support import REPO, Server

CLIENTS = REPO / ".venv-clients" / "bin" / "python"
DESCRIPTION = yaml.safe_load(Path(__file__).with_name("openapi.yaml").read_text(encoding="utf-8"))


def test_kserve(many: Server) -> None:
    if not CLIENTS.exists():
        pytest.skip("no .venv-clients: make .venv-clients/ready")
    program = Path(__file__).with_name("kserve_client.py")
    done = subprocess.run(
        [CLIENTS, program, many.rest], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout.splitlines()[-1])
    assert answers == {"predictions": [2.5, 3.0, 4.5]}


def curl(*arguments: str) -> str:
    program = shutil.which("curl")
    if program is None:
        pytest.skip("curl is not installed (Debian: apt-get install curl)")
    done = subprocess.run([program, "--silent", "--show-error", *arguments], capture_output=True, text=True, check=True)  # fmt: skip  # noqa: E501
    return done.stdout


def test_curl(many: Server) -> None:
    url = f"{many.rest}/v1/models/m"
    assert '"state": "AVAILABLE"' in curl(url)
    assert curl("--data", '{"instances": [1.0]}', f"{url}:predict") == (
        '{\n    "predictions": [2.5\n    ]\n}'
    )
    chunked = ("--header", "Transfer-Encoding: chunked", "--header", "Expect: 100-continue")
    assert '"predictions": [2.5' in curl(
        *chunked, "--data", '{"instances": [1.0]}', f"{url}:predict"
    )
    assert curl("--head", url).startswith("HTTP/1.1 400 Bad Request")  # as the real one: no HEAD
    two = curl("--data", "x", f"{url}:predict", "--next", "--silent", url)  # on one connection
    assert two.count('"error"') == 1
    assert two.count('"AVAILABLE"') == 1


schema = schemathesis.openapi.from_dict(DESCRIPTION)


@schema.parametrize()
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_the_description_allows(many: Server, case: Any) -> None:
    """No status of 500 and more but for what is said, JSON of the shape that is said, no hang."""
    response = case.call(base_url=many.rest, timeout=30)
    assert response.status_code in (200, 400, 404, 501), response.text
    if case.method.upper() not in ("GET", "POST"):  # others, too, are tried
        assert response.status_code in (200, 400)
        return
    document = response.json()
    if response.status_code == 200:
        operation = case.operation.path
        keys = {"GET": {"model_version_status", "model_spec", "metadata"}}.get(
            case.method.upper(), {"predictions", "outputs", "results"}
        )
        assert set(document) <= keys, operation
    else:
        assert set(document) == {"error"}
        assert document["error"]
