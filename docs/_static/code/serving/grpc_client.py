"""Ask the model server over gRPC: status, and what some digits are."""

from __future__ import annotations

import argparse
from typing import Any

import grpc
import mnist_data
import numpy as np
from artifacts import ProgramError, run
from serving_address import add_grpc_target

TIMEOUT_SECONDS = 30
# The client's own limit for an answer is 4 MiB; the server's is 2 GiB.
OPTIONS = [("grpc.max_receive_message_length", 256 << 20)]


def predict_request(model: str, pictures: np.ndarray, input_name: str) -> Any:
    """Return a request for uint8 pictures, shape (n, 28, 28)."""
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    images = (pictures[..., np.newaxis] / 255.0).astype(np.float32)
    request.inputs[input_name].CopyFrom(tf.make_tensor_proto(images))
    return request


def print_status(channel: grpc.Channel, model: str) -> None:
    """Print the state of each version."""
    from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = model
    stub = model_service_pb2_grpc.ModelServiceStub(channel)
    states = get_model_status_pb2.ModelVersionStatus.State
    for status in stub.GetModelStatus(request, timeout=TIMEOUT_SECONDS).model_version_status:
        print(f"version {status.version}: {states.Name(status.state)}")


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_grpc_target(parser)
    parser.add_argument("--model", default="mnist", help="name of the model (default: mnist)")
    parser.add_argument("--version", type=int, help="ask this version instead of the newest")
    parser.add_argument("--signature", default="", help="signature other than serving_default")
    parser.add_argument("--input", default="image", help="name of the input (default: image)")
    parser.add_argument("--digits", type=int, default=3, help="how many digits (default: 3)")
    mnist_data.add_argument(parser)
    return parser.parse_args()


def main() -> None:
    """Send the first digits of the test set and print what the server finds."""
    args = parse_args()
    import tensorflow as tf  # takes seconds: not for --help
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    data = mnist_data.load(args.data)
    request = predict_request(args.model, data.x_test[: args.digits], args.input)
    request.model_spec.signature_name = args.signature
    if args.version is not None:
        request.model_spec.version.value = args.version
    with grpc.insecure_channel(args.grpc, options=OPTIONS) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        try:
            print_status(channel, args.model)
            answer = stub.Predict(request, timeout=TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            raise ProgramError(f"{args.grpc}: {error.code().name}: {error.details()}") from None
    spec = answer.model_spec
    print(f"answered by version {spec.version.value}, signature {spec.signature_name}")
    (scores,) = (tf.make_ndarray(tensor) for tensor in answer.outputs.values())
    for number, (row, label) in enumerate(zip(scores, data.y_test, strict=False)):
        found = int(row.argmax())
        print(f"digit {number}: is {label}, found {found} with probability {row[found]:.4f}")


if __name__ == "__main__":
    run(main)
