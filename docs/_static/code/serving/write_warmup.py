"""Write warm-up requests into a version of a model, to be run before it answers anyone.

The first request of a new version is slow: TensorFlow optimizes the graph then. The server
runs what it finds in VERSION/assets.extra/tf_serving_warmup_requests before it lets the
version serve: a TFRecord file of at most 1000 PredictionLog messages.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import mnist_data
import numpy as np
from artifacts import ProgramError, existing, run, whole

MAX_RECORDS = 1000


def warmup_record(model: str, images: np.ndarray) -> bytes:
    """Return a record for float32 images, shape (n, 28, 28, 1) in 0..1."""
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = "serving_default"
    request.inputs["image"].CopyFrom(tf.make_tensor_proto(images))
    log = prediction_log_pb2.PredictionLog(
        predict_log=prediction_log_pb2.PredictLog(request=request)
    )
    record: bytes = log.SerializeToString()
    return record


def main() -> None:
    """Write one record for each batch size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--saved_model", default="saved_model/1", help="(default: %(default)s)")
    parser.add_argument("--model", default="mnist", help="name of the model (default: mnist)")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 32], metavar="N")
    mnist_data.add_argument(parser)
    args = parser.parse_args()
    if len(args.batches) > MAX_RECORDS or min(args.batches) < 1:
        raise ProgramError(f"1 to {MAX_RECORDS} batches of at least 1 image each, please")
    folder = existing(args.saved_model, "python mnist_cnn.py")
    import tensorflow as tf  # takes seconds: neither for --help nor for a missing file

    pictures = mnist_data.load(args.data).x_test[: max(args.batches)]
    images = (pictures[..., np.newaxis] / 255.0).astype(np.float32)
    target = Path(folder, "assets.extra", "tf_serving_warmup_requests")
    with whole(target) as path, tf.io.TFRecordWriter(str(path)) as writer:
        for size in args.batches:
            writer.write(warmup_record(args.model, images[:size]))
    print(f"{target}: {len(args.batches)} requests, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    run(main)
