"""Configuration files by their own checkers: the proxy, compose, Kubernetes, protocol buffers."""

from __future__ import annotations

import base64
import http.client
import os
import shutil
import ssl
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from model_server import config_files
from model_server.batching import BatchingOptions
from serving_support import DEPLOY, REPO, SERVING, free_port, serve_folder

from recordings.engine.site import Site
from sphinxext import downloads

PASSWORD = "Basic " + base64.b64encode(b"reader:secret").decode()
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


def run(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def tool(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run(Path(sys.executable).with_name(name), *arguments)


def misspelt(file: Path, folder: Path, right: str, wrong: str) -> Path:
    text = file.read_text(encoding="utf-8")
    assert right in text
    copy = folder / file.name
    copy.write_text(text.replace(right, wrong), encoding="utf-8")
    return copy


def test_compose_file(tmp_path: Path) -> None:
    check = ("check-jsonschema", "--builtin-schema", "vendor.compose-spec")
    file = DEPLOY / "compose.yaml"
    found = tool(*check, file)
    assert found.returncode == 0, found.stdout
    assert tool(*check, misspelt(file, tmp_path, "command:", "comand:")).returncode != 0


def test_kubernetes_file(tmp_path: Path) -> None:
    file = DEPLOY / "kubernetes.yaml"
    found = tool("kubernetes-validate", "--strict", file)
    assert found.returncode == 0, found.stdout + found.stderr
    wrong = misspelt(file, tmp_path, "readinessProbe", "readynessProbe")
    assert tool("kubernetes-validate", "--strict", wrong).returncode != 0


def test_kubernetes_parts_fit_together() -> None:
    documents = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
    deployment, service, scaler = documents
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert service["spec"]["selector"].items() <= labels.items()
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    names = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert names == {"grpc": 8500, "rest": 8501}
    assert {port["targetPort"] for port in service["spec"]["ports"]} == set(names)
    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["httpGet"] == {"path": "/v1/models/mnist", "port": "rest"}
    assert scaler["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert container["resources"]["requests"]["cpu"]  # what the scaler's percentage is of


def test_kserve_file() -> None:
    """No schema of it can be had offline, so its few fields are named here."""
    document = yaml.safe_load((DEPLOY / "kserve.yaml").read_text())
    assert document["apiVersion"] == "serving.kserve.io/v1beta1"
    assert document["kind"] == "InferenceService"
    predictor = document["spec"]["predictor"]
    assert set(predictor) == {"minReplicas", "maxReplicas", "model"}
    model = predictor["model"]
    assert set(model) == {"modelFormat", "runtimeVersion", "storageUri", "resources"}
    assert model["modelFormat"] == {"name": "tensorflow"}
    image = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    assert image["services"]["serving"]["image"].endswith(f":{model['runtimeVersion']}")


def test_batching_and_monitoring_files() -> None:
    batching = BatchingOptions.from_message(
        config_files.read_batching(str(SERVING / "batching.config"))
    )
    assert (batching.max_batch_size, batching.allowed_batch_sizes) == (32, (1, 8, 32))
    monitoring = config_files.read_monitoring(str(SERVING / "monitoring.config"))
    assert monitoring.prometheus_config.enable


def test_the_server_in_one_file(tmp_path: Path) -> None:
    """model_server.pyz has the same bytes whenever it is made, and runs from anywhere."""
    files = downloads.archives(Site(REPO))["model_server.pyz"]
    made = []
    for name in ("first", "second"):  # checkouts at different times
        copies = {inner: tmp_path / name / inner for inner in files}
        for inner, copy in copies.items():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(files[inner].read_bytes())
            os.utime(copy, (len(name), len(name)))
        target = tmp_path / name / "model_server.pyz"
        downloads.write(target, copies)
        made.append(target.read_bytes())
    assert made[0] == made[1]
    with zipfile.ZipFile(target) as archive:
        infos = archive.infolist()
    assert {(i.compress_type, i.date_time[0], i.create_system) for i in infos} == {(0, 1980, 3)}
    done = run(sys.executable, target, "--version", cwd=tmp_path)
    assert (done.returncode, done.stdout.splitlines()[0]) == (
        0,
        "TensorFlow ModelServer: emulation in Python",
    )


@pytest.fixture
def proxy_folder(tmp_path: Path) -> Path:
    """A folder with the proxy's configuration, a certificate and a password, as the file says."""
    if NGINX is None:
        pytest.skip("nginx is not installed (Debian: apt-get install nginx-light)")
    shutil.copy(DEPLOY / "nginx.conf", tmp_path)
    made = run(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"),
        *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
        *("-keyout", "serving.key", "-out", "serving.crt"),
        cwd=tmp_path,
    )
    assert made.returncode == 0, made.stderr
    password = run("openssl", "passwd", "-apr1", "secret").stdout
    (tmp_path / "serving.htpasswd").write_text(f"reader:{password}")
    return tmp_path


def test_proxy_configuration(proxy_folder: Path) -> None:
    check = (NGINX or "", "-t", "-p", proxy_folder, "-c", "nginx.conf")
    found = run(*check)
    assert found.returncode == 0, found.stderr
    file = proxy_folder / "nginx.conf"
    file.write_text(file.read_text().replace("proxy_pass", "proxy_pas"))
    assert run(*check).returncode != 0


@contextmanager
def proxied(folder: Path, rest_port: int) -> Iterator[int]:
    """Run the proxy in front of a port; yield its own."""
    port = free_port()
    file = folder / "nginx.conf"
    text = file.read_text().replace("127.0.0.1:8501", f"127.0.0.1:{rest_port}")
    file.write_text(text.replace("8443", str(port)))
    user = "user root;" if os.geteuid() == 0 else ""  # or its workers may not read the folder
    command = [NGINX or "", "-p", str(folder), "-c", "nginx.conf"]
    proxy = subprocess.Popen(
        [*command, "-g", f"daemon off; {user}"], stderr=subprocess.PIPE, text=True
    )
    try:
        yield port
    finally:
        proxy.terminate()
        proxy.wait(30)


# Method and path as they are sent, and the status that the proxy or the server answers with.
LET_THROUGH = [
    ("GET", "/v1/models/mnist", "200"),
    ("GET", "/v1/models/mnist/versions/1", "200"),
    ("POST", "/v1/models/mnist:predict", "200"),
    ("POST", "/v1/models/mnist/versions/1:predict", "200"),
    ("POST", "/v1/models/mnist/labels/stable:predict", "400"),  # the server knows no such label
]
REFUSED = [
    ("GET", "/"),
    ("GET", "/monitoring/prometheus/metrics"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/mnist2"),
    ("POST", "/v1/models/mnist2:predict"),
    ("GET", "/v1/models/mnist/"),
    ("GET", "/v1/models/mnist/metadata"),
    ("GET", "/v1/models/mnist/versions/1/metadata"),
    ("GET", "/v1/models/mnist/versions/1x"),
    ("GET", "//v1/models/mnist"),
    ("GET", "/v1//models/mnist"),
    ("GET", "/v1/models//mnist"),
    ("GET", "/v1/models/%6dnist"),
    ("GET", "/v1/models/mnist%2fmetadata"),
    ("GET", "/v1/models/other/../mnist"),
    ("GET", "/V1/models/mnist"),
    ("GET", "/v1/models/mnist?x=1"),
    ("POST", "/v1/models/mnist:predict?x=1"),
    ("POST", "/v1/models/mnist:predict/"),
    ("POST", "/v1/models/mnist%3apredict"),
    ("POST", "/v1/models/mnist:classify"),
    ("POST", "/v1/models/mnist:regress"),
    ("POST", "/v1/models/mnist"),
    ("GET", "/v1/models/mnist:predict"),
    ("HEAD", "/v1/models/mnist"),
    ("PUT", "/v1/models/mnist:predict"),
    ("DELETE", "/v1/models/mnist"),
    ("OPTIONS", "/v1/models/mnist:predict"),
]


def test_proxy_in_front_of_a_server(proxy_folder: Path, many_model: Path) -> None:
    with (
        serve_folder("mnist", many_model) as server,
        proxied(proxy_folder, server.ready().rest_port) as port,
    ):
        status, body = ask(proxy_folder, port, "/v1/models/mnist", "reader:secret")
        assert (status, "AVAILABLE" in body) == ("200", True)
        predict = ("--data", '{"instances": [1.0]}')
        path = "/v1/models/mnist:predict"
        status, body = ask(proxy_folder, port, path, "reader:secret", *predict)
        assert (status, "2.5" in body) == ("200", True)
        assert ask(proxy_folder, port, path, "reader:wrong", *predict)[0] == "401"
        large = proxy_folder / "large"
        large.write_bytes(b" " * (17 << 20))
        body_of = ("--data-binary", f"@{large}")
        assert ask(proxy_folder, port, path, "reader:secret", *body_of)[0] == "413"
        context = ssl.create_default_context(cafile=proxy_folder / "serving.crt")
        connection = http.client.HTTPSConnection("localhost", port, context=context)
        for method, path, expected in [*LET_THROUGH, *((m, p, "404") for m, p in REFUSED)]:
            body_sent = b'{"instances": [1.0]}' if method == "POST" else None
            connection.request(method, path, body_sent, {"Authorization": PASSWORD})
            answer = connection.getresponse()
            answer.read()
            assert str(answer.status) == expected, (method, path)
        connection.close()


def ask(folder: Path, port: int, path: str, user: str, *more: str) -> tuple[str, str]:
    found = run(
        *("curl", "--silent", "--show-error", "--cacert", folder / "serving.crt"),
        *("--retry", "20", "--retry-connrefused", "--retry-delay", "1", "--user", user),
        *("--write-out", "\n%{http_code}", *more, f"https://localhost:{port}{path}"),
    )
    assert found.returncode == 0, found.stderr
    body, _, status = found.stdout.rpartition("\n")
    return status, body
