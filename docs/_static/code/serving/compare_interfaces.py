"""Measure REST against gRPC: latency and bytes for 1, 32 and 256 images.

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
from typing import Any

import grpc
import mnist_data
import numpy as np
import orjson
import requests
from artifacts import ProgramError, existing, run, whole
from grpc_client import OPTIONS, predict_request
from serving_address import add_grpc_target, add_rest_url

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

    def __init__(self, url: str, model: str) -> None:
        """Open a session."""
        self._url = f"{url.rstrip('/')}/v1/models/{model}:predict"
        self._session = requests.Session()
        self.sent = self.received = 0

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """Return probabilities, shape (n, 10), of uint8 pictures, shape (n, 28, 28)."""
        images = (pictures[..., np.newaxis] / 255.0).round(4)
        # The array as it is: json would need a list for each pixel, and most of the time.
        body = orjson.dumps({"instances": images}, option=orjson.OPT_SERIALIZE_NUMPY)
        answer = self._session.post(self._url, data=body, timeout=60)
        answer.raise_for_status()
        self.sent, self.received = len(body), len(answer.content)
        return np.array(orjson.loads(answer.content)["predictions"])


class Grpc:
    """gRPC with a channel that stays open."""

    def __init__(self, target: str, model: str) -> None:
        """Open a channel."""
        from tensorflow_serving.apis import prediction_service_pb2_grpc

        channel = grpc.insecure_channel(target, options=OPTIONS)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self._model = model
        self.sent = self.received = 0

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """Return probabilities, shape (n, 10), of uint8 pictures, shape (n, 28, 28)."""
        import tensorflow as tf

        request = predict_request(self._model, pictures, "image")
        answer = self._stub.Predict(request, timeout=60)
        self.sent, self.received = request.ByteSize(), answer.ByteSize()
        (scores,) = (tf.make_ndarray(tensor) for tensor in answer.outputs.values())
        return np.asarray(scores)


def model_call(path: Path) -> Callable[[np.ndarray], Any]:
    """Return the model itself as a function of uint8 pictures."""
    import tensorflow as tf  # takes seconds: not for --help

    signature = tf.saved_model.load(str(path)).signatures["serving_default"]

    def call(pictures: np.ndarray) -> Any:
        images = (pictures[..., np.newaxis] / 255.0).astype(np.float32)
        return signature(image=tf.constant(images))["output_0"].numpy()

    return call


def measure(ask: Any, pictures: np.ndarray, seconds: float) -> dict[str, float]:
    """Return median milliseconds, bytes sent and bytes received."""
    ms = median_ms(partial(ask, pictures), seconds)
    return {"ms": round(ms, 3), "sent": ask.sent, "received": ask.received}


def main() -> None:
    """Measure, print a table, write interfaces.json."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    add_rest_url(parser)
    add_grpc_target(parser)
    parser.add_argument("--model", default="mnist", help="name of the model (default: mnist)")
    parser.add_argument("--saved_model", default="saved_model/1", help="(default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each measurement")
    mnist_data.add_argument(parser)
    args = parser.parse_args()
    data = mnist_data.load(args.data)
    rest, grpc_ = Rest(args.rest, args.model), Grpc(args.grpc, args.model)
    model = model_call(existing(args.saved_model, "python mnist_cnn.py"))
    results: list[dict[str, Any]] = []
    print("images     model      REST      gRPC   REST bytes   gRPC bytes")
    try:
        if not np.allclose(rest(data.x_test[:3]), grpc_(data.x_test[:3]), atol=1e-3):
            raise ProgramError("REST and gRPC do not agree; do both addresses name one server?")
        for images in BATCHES:
            pictures = data.x_test[:images]
            row: dict[str, Any] = {
                "images": images,
                "model_ms": round(median_ms(partial(model, pictures), args.seconds), 3),
                "rest": measure(rest, pictures, args.seconds),
                "grpc": measure(grpc_, pictures, args.seconds),
            }
            results.append(row)
            print(
                f"{images:6} {row['model_ms']:6.2f} ms {row['rest']['ms']:6.2f} ms"
                f" {row['grpc']['ms']:6.2f} ms {row['rest']['sent']:12,} {row['grpc']['sent']:12,}",
                flush=True,
            )
    except requests.RequestException as error:
        raise ProgramError(f"{args.rest}: {error}; is the server up?") from None
    except grpc.RpcError as error:
        raise ProgramError(f"{args.grpc}: {error.code().name}: {error.details()}") from None
    with whole("interfaces.json") as path:
        path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run(main)
