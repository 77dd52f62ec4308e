"""Give a running model server another model config file, over gRPC: models, versions, labels."""

from __future__ import annotations

import argparse

import model_client
from artifacts import ProgramError, existing, run
from grpc_client import call

LOAD_SECONDS = 120


def main() -> None:
    """Send the file; the answer comes when its models are loaded."""
    parser = argparse.ArgumentParser(description=__doc__)
    model_client.add_grpc(parser)
    parser.add_argument("config", nargs="?", default="models.config", help="(default: %(default)s)")
    options = parser.parse_args()
    text = existing(options.config, "python model_config.py").read_text(encoding="utf-8")
    import grpc
    from google.protobuf import text_format
    from tensorflow_serving.apis import model_management_pb2, model_service_pb2_grpc

    request = model_management_pb2.ReloadConfigRequest()
    try:
        text_format.Parse(text, request.config)
    except text_format.ParseError as error:
        raise ProgramError(f"{options.config}: {error}") from error
    with grpc.insecure_channel(options.grpc) as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        call(stub.HandleReloadConfigRequest, request, seconds=LOAD_SECONDS)
    names = [model.name for model in request.config.model_config_list.config]
    print(f"serving now: {', '.join(names)}")


if __name__ == "__main__":
    run(main)
