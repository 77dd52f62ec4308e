"""Where the model server is: the flags and environment variables of the client programs."""

from __future__ import annotations

import argparse
import os

REST_URL = "http://localhost:8501"
GRPC_TARGET = "localhost:8500"


def add_rest_url(parser: argparse.ArgumentParser) -> None:
    """Add --rest; the environment variable TF_SERVING_REST_URL sets its default."""
    parser.add_argument(
        "--rest",
        metavar="URL",
        default=os.environ.get("TF_SERVING_REST_URL", REST_URL),
        help="address of the REST interface (default: %(default)s)",
    )


def add_grpc_target(parser: argparse.ArgumentParser) -> None:
    """Add --grpc; the environment variable TF_SERVING_GRPC_URL sets its default."""
    parser.add_argument(
        "--grpc",
        metavar="HOST:PORT",
        default=os.environ.get("TF_SERVING_GRPC_URL", GRPC_TARGET).removeprefix("grpc://"),
        help="address of the gRPC interface (default: %(default)s)",
    )


def model_path(name: str, version: int | None = None, label: str | None = None) -> str:
    """Return the path of a model, of one of its versions, or of what a label points to."""
    path = f"/v1/models/{name}"
    if version is not None:
        return f"{path}/versions/{version}"
    return f"{path}/labels/{label}" if label else path
