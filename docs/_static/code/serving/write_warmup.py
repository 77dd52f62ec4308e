"""Write warm-up requests into a version of a model, to be run before it answers anyone.

The first request of a new version is slow: TensorFlow optimizes the graph then. The server
runs what it finds in VERSION/assets.extra/tf_serving_warmup_requests before it lets the
version serve: a TFRecord file of at most 1000 PredictionLog messages. A request that fails
there keeps the version from serving, so each is tried on the model before it is written.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import model_client
from artifacts import (
    ProgramError,
    at_least,
    check_writable,
    existing_saved_model,
    reading,
    run,
    whole,
)
from grpc_client import predict_request

if TYPE_CHECKING:
    import numpy as np

MAX_RECORDS = 1000


def inputs_of(signature: Any) -> dict[str, model_client.Tensor]:
    """Return the inputs of a loaded signature by name."""
    return {
        name: model_client.Tensor(
            spec.dtype.name, spec.shape.as_list()[1:] if spec.shape.rank else None
        )
        for name, spec in signature.structured_input_signature[1].items()
    }


def try_out(signature: Any, size: int, inputs: dict[str, np.ndarray]) -> None:
    """Call a loaded signature.

    Raises:
        ProgramError: if it does not take these inputs, or not a batch of this size.
    """
    import tensorflow as tf

    for name, spec in signature.structured_input_signature[1].items():
        if spec.shape.rank and spec.shape[0] not in (None, size):
            raise ProgramError(
                f"{name} has batches of {spec.shape[0]} only, not of {size}; "
                f"say --batches {spec.shape[0]}"
            )
    try:
        signature(**{name: tf.constant(values) for name, values in inputs.items()})
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        raise ProgramError(f"the model fails on a batch of {size}: {reason}") from error


def warmup_record(spec: Any, inputs: dict[str, np.ndarray]) -> bytes:
    """Return a record with a request for the model in a ModelSpec."""
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog

    log = PredictionLog(predict_log=PredictLog(request=predict_request(spec, inputs)))
    record: bytes = log.SerializeToString()
    return record


def main() -> None:
    """Try a request of each batch size on the model, then write them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--saved_model", default="saved_model/1", help="(default: %(default)s)")
    model_client.add_model(parser)
    parser.add_argument("--batches", type=at_least(1), nargs="+", default=[1, 32], metavar="N")
    options = parser.parse_args()
    if len(options.batches) > MAX_RECORDS:
        raise ProgramError(f"at most {MAX_RECORDS} batches, please")
    folder = existing_saved_model(options.saved_model)
    check_writable(folder)
    import tensorflow as tf

    with reading(folder, "a SavedModel"):
        model = tf.saved_model.load(str(folder))
    signature = model_client.chosen(model.signatures, options.signature)
    inputs, _ = model_client.fitting_samples(options, inputs_of(signature))
    batches = [model_client.batch(inputs, size) for size in options.batches]
    for size, tried in zip(options.batches, batches, strict=True):
        try_out(signature, size, tried)
    spec = model_client.model_spec(options.model, options.signature)
    target = folder / "assets.extra" / "tf_serving_warmup_requests"
    with whole(target) as path, tf.io.TFRecordWriter(str(path)) as writer:
        for tried in batches:
            writer.write(warmup_record(spec, tried))
    print(f"{target}: {len(batches)} requests, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    run(main)
