"""Send samples to the model server over gRPC and print what it predicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import model_client
from artifacts import ProgramError, run

if TYPE_CHECKING:  # each function imports what it needs, so that --help needs nothing
    import numpy as np

TIMEOUT_SECONDS = 30
# The client's own limit for an answer is 4 MiB; the server's is 2 GiB.
OPTIONS = [("grpc.max_receive_message_length", 256 << 20)]


def call(method: Any, request: Any, seconds: float = TIMEOUT_SECONDS) -> Any:
    """Return what the server answers to a request to a method of one of its services."""
    import grpc

    try:
        return method(request, timeout=seconds)
    except grpc.RpcError as error:
        up = (
            "; is the server up, and is this its gRPC port?"
            if error.code() is grpc.StatusCode.UNAVAILABLE
            else ""
        )
        raise ProgramError(f"{error.code().name}: {error.details()}{up}") from error


def signature(stub: Any, spec: Any) -> dict[str, model_client.Tensor]:
    """Return the inputs of the signature in a ModelSpec by name, from the model's metadata."""
    from tensorflow_serving.apis import get_model_metadata_pb2 as metadata_pb2

    request = metadata_pb2.GetModelMetadataRequest(model_spec=spec)
    request.metadata_field.append("signature_def")
    known = metadata_pb2.SignatureDefMap()
    call(stub.GetModelMetadata, request).metadata["signature_def"].Unpack(known)
    return model_client.inputs_of(known.signature_def, spec.signature_name)


def predict_request(spec: Any, inputs: Mapping[str, np.ndarray]) -> Any:
    """Return a request for the model in a ModelSpec, with arrays for inputs."""
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest(model_spec=spec)
    for name, values in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    return request


def main() -> None:
    """Ask for the inputs of the model, send samples, print the predictions."""
    parser = model_client.prediction_parser(__doc__)
    model_client.add_grpc(parser)
    options = parser.parse_args()
    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    spec = model_client.model_spec(options.model, options.signature, options.version, options.label)
    with grpc.insecure_channel(options.grpc, options=OPTIONS) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        inputs, labels = model_client.fitting_samples(options, signature(stub, spec))
        answer = call(stub.Predict, predict_request(spec, inputs))
    print(f"answered by version {answer.model_spec.version.value}")
    outputs = {name: tf.make_ndarray(tensor) for name, tensor in answer.outputs.items()}
    model_client.print_predictions(outputs, labels)


if __name__ == "__main__":
    run(main)
