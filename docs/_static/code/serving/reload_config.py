"""Give a running model server another model config file, over gRPC: models, versions, labels."""

from __future__ import annotations

import argparse

import grpc
from artifacts import ProgramError, existing, run
from google.protobuf import text_format
from serving_address import add_grpc_target


def main() -> None:
    """Send the file; the answer comes when everything in it is loaded."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_grpc_target(parser)
    parser.add_argument("config", nargs="?", default="models.config", help="(default: %(default)s)")
    args = parser.parse_args()
    text = existing(args.config, "python model_config.py").read_text(encoding="utf-8")
    # They import TensorFlow, which takes seconds: neither for --help nor for a missing file.
    from tensorflow_serving.apis import model_management_pb2, model_service_pb2_grpc

    request = model_management_pb2.ReloadConfigRequest()
    try:
        text_format.Parse(text, request.config)
    except text_format.ParseError as error:
        raise ProgramError(f"{args.config}: {error}") from error
    with grpc.insecure_channel(args.grpc) as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        try:
            stub.HandleReloadConfigRequest(request, timeout=120)
        except grpc.RpcError as error:
            raise ProgramError(f"{args.grpc}: {error.code().name}: {error.details()}") from None
    names = [model.name for model in request.config.model_config_list.config]
    print(f"serving now: {', '.join(names)}")


if __name__ == "__main__":
    run(main)
