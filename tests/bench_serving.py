"""Figures of the model server: python tests/bench_serving.py [--seconds 60].

Prints medians and ratios beside their limits; exits with 1 if a limit is missed. The model is the
tutorial's own, in $TUTORIAL_WORKSPACE/saved_model (default: build/workspace).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import requests

sys.path.insert(0, str(Path(__file__).with_name("serving")))
from serving_support import WORKSPACE, Server, eventually, serve_folder

PREDICT = "/v1/models/mnist:predict"
CLIENTS = 32


@dataclass
class Report:
    """Lines with a limit each."""

    missed: list[str] = field(default_factory=list)

    def limit(self, what: str, value: float, most: float, unit: str) -> None:
        good = value <= most
        print(
            f"{what:44} {value:9.2f} {unit:3} at most {most:g} {unit:3} {'' if good else 'MISSED'}"
        )
        if not good:
            self.missed.append(what)

    def note(self, what: str, value: float, unit: str) -> None:
        print(f"{what:44} {value:9.2f} {unit}")


def median_ms(call: Callable[[], Any], seconds: float = 3.0) -> float:
    for _ in range(20):
        call()
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


def pictures(count: int) -> np.ndarray:
    """Return float32 images with as many empty pixels as a digit has, shape (n, 28, 28, 1)."""
    rng = np.random.default_rng(0)
    values = rng.random((count, 28, 28, 1)).astype(np.float32)
    return np.where(rng.random(values.shape) < 0.2, values, 0).round(4)


def rest_call(server: Server, images: np.ndarray) -> Callable[[], Any]:
    import http.client

    body = json.dumps({"instances": images.astype(float).round(4).tolist()}).encode()
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_port)

    def call() -> None:
        connection.request("POST", PREDICT, body)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200

    return call


def grpc_call(server: Server, images: np.ndarray) -> Callable[[], Any]:
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    request = predict_pb2.PredictRequest()
    request.model_spec.name = "mnist"
    request.inputs["image"].CopyFrom(tf.make_tensor_proto(images))
    stub = prediction_service_pb2_grpc.PredictionServiceStub(grpc.insecure_channel(server.grpc))
    return lambda: stub.Predict(request, timeout=60)


def model_call(folder: Path, images: np.ndarray) -> Callable[[], Any]:
    os.environ |= {"TF_ENABLE_ONEDNN_OPTS": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}  # as in the server
    from model_server.saved_model import ServedModel

    model = ServedModel("mnist", 1, folder / "1")
    signature = model.signatures["serving_default"]
    feeds = {signature.inputs["image"].name: images}
    fetches = [info.name for info in signature.outputs.values()]
    return lambda: model.run(feeds, fetches)


def single_client(server: Server, folder: Path, report: Report) -> None:
    """Measure one client that asks again and again."""
    one, many = pictures(1), pictures(32)
    report.note("the model alone, 1 image", median_ms(model_call(folder, one)), "ms")
    report.note("the model alone, 32 images", median_ms(model_call(folder, many)), "ms")
    rest_one = median_ms(rest_call(server, one))
    rest_many = median_ms(rest_call(server, many))
    report.limit("REST, 1 image, median", rest_one, 2.0, "ms")
    report.limit("gRPC, 1 image, median", median_ms(grpc_call(server, one)), 1.5, "ms")
    report.note("REST, 32 images, median", rest_many, "ms")
    report.note("gRPC, 32 images, median", median_ms(grpc_call(server, many)), "ms")
    report.limit("REST, 32 images to 1 image", rest_many / rest_one, 3.0, "x")


def under_load(server: Server, folder: Path, seconds: float, report: Report) -> None:
    """Let parallel clients ask while a new version comes and goes."""
    done = threading.Event()
    body = json.dumps({"instances": pictures(1).astype(float).tolist()}).encode()

    def ask(_: int) -> tuple[list[float], int]:
        times: list[float] = []
        failed = 0
        with requests.Session() as session:
            while not done.is_set():
                start = time.perf_counter()
                try:
                    failed += not session.post(server.rest + PREDICT, data=body, timeout=60).ok
                except requests.RequestException:
                    failed += 1
                times.append(time.perf_counter() - start)
        return times, failed

    with ThreadPoolExecutor(CLIENTS) as pool:
        jobs = [pool.submit(ask, n) for n in range(CLIENTS)]
        time.sleep(seconds / 6)  # warm, before memory is compared
        before = server.rss_kib()
        time.sleep(seconds / 3)
        middle = server.rss_kib()
        shutil.copytree(folder / "1", folder / "aside")
        (folder / "aside").rename(folder / "2")
        eventually(lambda: '"END"' in server.ask("/v1/models/mnist")[1])
        time.sleep(seconds / 2)
        done.set()
        answers = [job.result() for job in jobs]
    times = np.array([t for found, _ in answers for t in found]) * 1e3
    median, slow = np.percentile(times, [50, 99])
    report.note(f"{CLIENTS} clients for {seconds:g} s, requests", len(times), "")
    report.limit("failed, hot reload included", sum(failed for _, failed in answers), 0, "")
    report.note("median under load", median, "ms")
    report.limit("99th percentile to median", slow / median, 10.0, "x")
    report.limit("memory grown in the middle third", (middle - before) / 1024, 20.0, "MiB")
    report.note("memory at the end, two versions loaded since", server.rss_kib() / 1024, "MiB")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--seconds", type=float, default=60, help="length of the load (default: 60)"
    )
    args = parser.parse_args()
    source = WORKSPACE / "saved_model"
    if not (source / "1").is_dir():
        sys.exit(f"bench_serving.py: error: no {source}/1; build the workspace first")
    report = Report()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "saved_model"
        shutil.copytree(source / "1", folder / "1")
        server = stack.enter_context(serve_folder("mnist", folder)).ready()
        single_client(server, folder, report)
        under_load(server, folder, args.seconds, report)
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
