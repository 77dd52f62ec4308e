"""Measure REST against gRPC: latency and bytes for 1, 32 and 256 samples.

Writes interfaces.json. The time of an answer is the client's: making the request, the way there
and back, the model, reading the answer. The model's own time is shown beside.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc_client
import model_client
import rest_client
from artifacts import ProgramError, existing_saved_model, reading, run, whole

if TYPE_CHECKING:  # each function imports what it needs, so that --help needs nothing
    import numpy as np

    Inputs = dict[str, np.ndarray]

BATCHES = (1, 32, 256)


def median_ms(call: Callable[[], Any], seconds: float) -> float:
    """Return the median time of a call in milliseconds, after one that is not counted."""
    call()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


class Rest:
    """REST with a connection that stays open."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Open a session."""
        import requests

        self._url = f"{options.rest}/v1/models/{options.model}:predict"
        self._session = requests.Session()
        self._signature = options.signature
        self.sent = 0

    def __call__(self, inputs: Inputs) -> list[np.ndarray]:
        """Return the outputs of the model, in the order of their names."""
        import numpy as np

        body = model_client.json_body({"signature_name": self._signature, "inputs": inputs})
        self.sent = len(body)
        outputs = rest_client.call(self._session, self._url, body)["outputs"]
        named = outputs if isinstance(outputs, dict) else {"": outputs}
        return [np.array(named[name]) for name in sorted(named)]


class Grpc:
    """gRPC with a channel that stays open."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Open a channel."""
        import grpc
        from tensorflow_serving.apis import prediction_service_pb2_grpc

        channel = grpc.insecure_channel(options.grpc, options=grpc_client.OPTIONS)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self._spec = model_client.model_spec(options.model, options.signature)
        self.signature = grpc_client.signature(self._stub, self._spec)
        self.sent = 0

    def __call__(self, inputs: Inputs) -> list[np.ndarray]:
        """Return the outputs of the model, in the order of their names."""
        import tensorflow as tf

        request = grpc_client.predict_request(self._spec, inputs)
        self.sent = request.ByteSize()
        outputs = grpc_client.call(self._stub.Predict, request).outputs
        return [tf.make_ndarray(outputs[name]) for name in sorted(outputs)]


def model_call(folder: Path, signature: str) -> Callable[[Inputs], Any]:
    """Return the model itself, without a server."""
    import tensorflow as tf

    with reading(folder, "a SavedModel"):
        model = tf.saved_model.load(str(folder))

    def call(inputs: Inputs) -> list[np.ndarray]:
        tensors = {name: tf.constant(values) for name, values in inputs.items()}
        outputs = model_client.chosen(model.signatures, signature)(**tensors)
        return [output.numpy() for output in outputs.values()]

    return call


def measure(client: Rest | Grpc, inputs: Inputs, seconds: float) -> dict[str, float]:
    """Return median milliseconds and the bytes of a request."""
    return {"ms": round(median_ms(partial(client, inputs), seconds), 3), "sent": client.sent}


def check_agreement(rest: Rest, grpc: Grpc, inputs: Inputs) -> None:
    """Raise a ProgramError if the two interfaces predict something else."""
    import numpy as np

    for one, other in zip(rest(inputs), grpc(inputs), strict=True):
        if not np.allclose(one, other, atol=1e-3):
            raise ProgramError("REST and gRPC do not agree; do both addresses name one server?")


def main() -> None:
    """Measure, print a table, write interfaces.json."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    model_client.add_rest(parser)
    model_client.add_grpc(parser)
    model_client.add_model(parser)
    parser.add_argument("--saved_model", default="saved_model/1", help="(default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each measurement")
    options = parser.parse_args()
    folder = existing_saved_model(options.saved_model)
    rest, grpc = Rest(options), Grpc(options)
    samples, _ = model_client.fitting_samples(options, grpc.signature)
    model = model_call(folder, options.signature)
    check_agreement(rest, grpc, model_client.batch(samples, 3))
    results: list[dict[str, Any]] = []
    print("samples     model      REST      gRPC   REST bytes   gRPC bytes")
    for size in BATCHES:
        inputs = model_client.batch(samples, size)
        row: dict[str, Any] = {
            "samples": size,
            "model_ms": round(median_ms(partial(model, inputs), options.seconds), 3),
            "rest": measure(rest, inputs, options.seconds),
            "grpc": measure(grpc, inputs, options.seconds),
        }
        results.append(row)
        print(
            f"{size:7} {row['model_ms']:6.2f} ms {row['rest']['ms']:6.2f} ms"
            f" {row['grpc']['ms']:6.2f} ms {row['rest']['sent']:12,} {row['grpc']['sent']:12,}",
            flush=True,
        )
    with whole("interfaces.json") as path:
        path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run(main)
