"""Figures of the model server: python tests/bench_serving.py [--seconds 60].

Prints medians and ratios beside their limits; exits with 1 if a limit is missed. The model is the
tutorial's own, in $TUTORIAL_WORKSPACE/saved_model (default: build/workspace).
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
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

    def least(self, what: str, value: float, least: float) -> None:
        """Print a ratio beside its lower limit."""
        good = value >= least
        print(f"{what:44} {value:9.2f} x   at least {least:g} x   {'' if good else 'MISSED'}")
        if not good:
            self.missed.append(what)

    def note(self, what: str, value: float, unit: str) -> None:
        print(f"{what:44} {value:9.2f} {unit}")


def medians_ms(calls: list[Callable[[], Any]], seconds: float = 6.0) -> list[float]:
    """Return the median time of each call in milliseconds; they take turns, 20 at a time."""
    times: list[list[float]] = [[] for _ in calls]
    for call in calls:
        for _ in range(20):
            call()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for call, found in zip(calls, times, strict=True):
            for _ in range(20):
                start = time.perf_counter()
                call()
                found.append(time.perf_counter() - start)
    return [statistics.median(found) * 1e3 for found in times]


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


@contextlib.contextmanager
def grpc_echo() -> Iterator[Callable[[], Any]]:
    """Call a gRPC server that answers at once: what grpcio itself takes, on both sides."""
    program = (
        "import concurrent.futures, grpc\n"
        "server = grpc.server(concurrent.futures.ThreadPoolExecutor(16))\n"
        "handler = grpc.unary_unary_rpc_method_handler(lambda request, context: request)\n"
        "server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("
        "'bench', {'Echo': handler})])\n"
        "print(server.add_insecure_port('127.0.0.1:0'), flush=True)\n"
        "server.start()\n"
        "server.wait_for_termination()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        channel = grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}")
        echo = channel.unary_unary("/bench/Echo")
        yield lambda: echo(b"x" * 3200, timeout=60, wait_for_ready=True)
    finally:
        process.kill()
        process.wait()


def single_client(server: Server, folder: Path, report: Report) -> None:
    """Measure what the server adds to the model's own time, for one client that asks again."""
    with grpc_echo() as echo:
        (empty,) = medians_ms([echo])
        report.note("an empty gRPC call, grpcio on both sides", empty, "ms")
    for count, rest_limit, grpc_limit in ((1, 1.0, 0.5), (32, 3.5, 1.5)):
        images = pictures(count)
        calls = [model_call(folder, images), rest_call(server, images), grpc_call(server, images)]
        alone, rest, over_grpc = medians_ms(calls)
        report.note(f"the model alone, {count} images", alone, "ms")
        report.limit(f"added by REST, {count} images, median", rest - alone, rest_limit, "ms")
        report.limit(f"added by gRPC, {count} images, median", over_grpc - alone, grpc_limit, "ms")


def batched(folder: Path, seconds: float, report: Report) -> None:
    """Compare parallel clients of a server that batches with the model alone in a loop."""
    with tempfile.NamedTemporaryFile("w", suffix=".config") as file:
        file.write(
            f"max_batch_size {{ value: {CLIENTS} }} batch_timeout_micros {{ value: 2000 }}"
            " max_enqueued_batches { value: 100 } num_batch_threads { value: 2 }"
        )
        file.flush()
        flags = ("--enable_batching", f"--batching_parameters_file={file.name}")
        with serve_folder("mnist", folder, *flags, fork=False) as server:
            server.ready()
            for name, images in (("1 image", pictures(1)), ("32 images", pictures(32))):
                together = CLIENTS if len(images) == 1 else len(images)
                loop = model_call(folder, pictures(together))
                (alone,) = medians_ms([loop])
                for kind, call in (("gRPC", grpc_call), ("REST", rest_call)):
                    client = functools.partial(call, server, images)
                    rate = throughput(client, seconds) * len(images)
                    ratio = rate / (together / alone * 1e3)
                    report.least(f"{CLIENTS} clients, {kind}, {name}, to the model", ratio, 0.8)


def throughput(client: Callable[[], Callable[[], Any]], seconds: float) -> float:
    """Return how many calls a second CLIENTS clients make, in processes of their own."""
    context = multiprocessing.get_context("fork")
    counts, go = context.SimpleQueue(), context.Event()

    def ask() -> None:
        calls = [client() for _ in range(CLIENTS // 4)]
        go.wait()
        end = time.perf_counter() + seconds
        with ThreadPoolExecutor(len(calls)) as pool:
            done = sum(pool.map(lambda call: repeated(call, end), calls))
        counts.put(done)

    processes = [context.Process(target=ask) for _ in range(4)]
    for process in processes:
        process.start()
    time.sleep(2)  # until they are connected
    go.set()
    total = sum(counts.get() for _ in processes)
    for process in processes:
        process.join()
    return total / seconds


def repeated(call: Callable[[], Any], end: float) -> int:
    count = 0
    while time.perf_counter() < end:
        call()
        count += 1
    return count


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
        server = stack.enter_context(serve_folder("mnist", folder, fork=False)).ready()
        single_client(server, folder, report)
        under_load(server, folder, args.seconds, report)
        batched(folder, min(args.seconds, 5), report)
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
