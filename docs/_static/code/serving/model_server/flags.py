"""The flags of the real server, with its names and defaults."""

from __future__ import annotations

import argparse
import os
from typing import Any


def _bool(text: str) -> bool:
    if text.lower() in ("true", "1", "yes"):
        return True
    if text.lower() in ("false", "0", "no"):
        return False
    raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the flags; they are named and they default as in the real server."""
    parser = argparse.ArgumentParser(
        prog="python -m model_server",
        description="Emulation of tensorflow_model_server in Python, with its flags.",
        allow_abbrev=False,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    _add_flags(parser)
    return parser.parse_args(argv)


def _add_flags(parser: argparse.ArgumentParser) -> None:
    threads = 4 * (os.cpu_count() or 1)
    _flags(
        parser.add_argument_group("models"),
        model_name=("default", "name of the model; ignored with --model_config_file"),
        model_base_path=("", "absolute folder with the numbered versions"),
        model_config_file=("", "file with a ModelServerConfig: several models, versions, labels"),
        model_config_file_poll_wait_seconds=(0, "seconds between readings of that file; 0: once"),
        file_system_poll_wait_seconds=(1.0, "seconds between looks for versions; 0: only once"),
        saved_model_tags=("serve", "comma-separated tags of the graph to load"),
        max_num_load_retries=(5, "how often a failed load is tried again"),
        load_retry_interval_micros=(60_000_000, "microseconds between these tries"),
        fail_if_no_model_versions_found=(False, "exit if a model has no version at the start"),
        allow_version_labels_for_unavailable_models=(
            False,
            "let a new label name a version that is not loaded yet",
        ),
        enable_signature_method_name_check=(False, "refuse signatures made for another method"),
        enable_model_warmup=(True, "run the version's own requests before it serves"),
    )
    _flags(
        parser.add_argument_group("interfaces"),
        port=(8500, "port of gRPC"),
        rest_api_port=(0, "port of REST; 0: none"),
        rest_api_num_threads=(threads, "threads that answer REST requests"),
        rest_api_timeout_in_ms=(30_000, "time limit of a REST request"),
        rest_api_enable_cors_support=(False, "let scripts from other sites read REST answers"),
        ssl_config_file=("", "file with an SSLConfig, for gRPC"),
        grpc_channel_arguments=("", "comma-separated name=value arguments of the gRPC server"),
        monitoring_config_file=("", "file with a MonitoringConfig: Prometheus metrics over REST"),
    )
    _flags(
        parser.add_argument_group("running models"),
        enable_batching=(False, "join requests that arrive together"),
        batching_parameters_file=("", "file with BatchingParameters"),
        tensorflow_session_parallelism=(0, "threads of a graph's run; 0: automatic"),
        tensorflow_intra_op_parallelism=(0, "threads within an operation; 0: automatic"),
        tensorflow_inter_op_parallelism=(0, "threads between operations; 0: automatic"),
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")


def _flags(group: Any, **flags: tuple[Any, str]) -> None:
    for name, (default, text) in flags.items():
        if isinstance(default, bool):
            group.add_argument(
                f"--{name}", type=_bool, nargs="?", const=True, default=default, help=text
            )
        else:
            group.add_argument(f"--{name}", type=type(default), default=default, help=text)
