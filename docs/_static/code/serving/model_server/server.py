"""Put the server together from its flags, and run it until a signal ends it."""

from __future__ import annotations

import argparse
import contextlib
import gc
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .flags import parse_args

if TYPE_CHECKING:
    from .http_server import RestServer
    from .manager import ModelManager
    from .metrics import Metrics

log = logging.getLogger("model_server")


def main(argv: list[str] | None = None) -> int:
    """Run until a signal ends it; return the exit code."""
    options = parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    # With oneDNN a request of a wrong rank ends the whole process; without it, it gets an error.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    # gRPC's older polling answers a small request sooner; a variable is the only way to choose it.
    os.environ.setdefault("GRPC_EXPERIMENTS", "-event_engine_listener,-event_engine_client")
    logging.basicConfig(
        format="%(asctime)s: %(levelname).1s model_server] %(message)s", level=logging.INFO
    )
    import tensorflow as tf

    tf.get_logger().setLevel(logging.ERROR)
    if options.version:
        print(f"TensorFlow ModelServer: emulation in Python\nTensorFlow Library: {tf.__version__}")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    return _run(options)


def _run(options: argparse.Namespace) -> int:
    import tensorflow as tf

    from .protocol import ServingError

    log.warning(
        "This is an emulation of tensorflow_model_server in Python (TensorFlow %s), not the server"
        " itself.",
        tf.__version__,
    )
    with contextlib.ExitStack() as cleanup:
        try:
            _start(options, cleanup)
        except ServingError as error:
            print(f"Failed to start server. Error: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
        _calm_the_collector()
        with contextlib.suppress(KeyboardInterrupt):
            log.info("Entering the event loop ...")
            while True:
                time.sleep(3600)  # on Windows, Ctrl+C does not wake an Event
    return 0


def _calm_the_collector() -> None:
    """Keep the garbage collector away from TensorFlow's own objects.

    A request of 256 images as named rows is 200,000 small lists of numbers; looking through all of
    TensorFlow every 700 new lists made reading it nine times slower.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


def _start(options: argparse.Namespace, cleanup: contextlib.ExitStack) -> None:
    from .config_files import read_monitoring
    from .grpc_server import start_grpc
    from .manager import ManagerOptions, ModelManager
    from .metrics import Metrics
    from .protocol import invalid

    if options.port == 0:
        raise invalid("server_options.grpc_port is not set.")
    metrics = Metrics()
    manager = ModelManager(
        _loader(options, metrics),
        ManagerOptions(
            poll_seconds=options.file_system_poll_wait_seconds,
            load_retries=options.max_num_load_retries,
            retry_seconds=options.load_retry_interval_micros / 1e6,
            labels_for_unavailable=options.allow_version_labels_for_unavailable_models,
            fail_without_versions=options.fail_if_no_model_versions_found,
        ),
    )
    monitoring = read_monitoring(options.monitoring_config_file)
    cleanup.callback(manager.close)
    manager.apply(_model_config(options), wait=True)
    manager.start_polling()
    _watch_config_file(options, manager)
    server, port = start_grpc(
        *(manager, metrics, options.port),
        ssl_config_file=options.ssl_config_file,
        channel_arguments=options.grpc_channel_arguments,
    )
    cleanup.callback(lambda: server.stop(5).wait())
    log.info("Running gRPC ModelServer at 0.0.0.0:%d ...", port)
    rest = _start_rest(options, manager, metrics, monitoring)
    if rest is not None:
        cleanup.callback(rest.close)


def _set_threads(options: argparse.Namespace) -> None:
    import tensorflow as tf

    both = options.tensorflow_session_parallelism
    if within := options.tensorflow_intra_op_parallelism or both:
        tf.config.threading.set_intra_op_parallelism_threads(within)
    if between := options.tensorflow_inter_op_parallelism or both:
        tf.config.threading.set_inter_op_parallelism_threads(between)


def _loader(options: argparse.Namespace, metrics: Metrics) -> Any:
    from .batching import BatchingOptions
    from .config_files import read_batching
    from .loader import Loader
    from .protocol import invalid

    _set_threads(options)
    batching = None
    if options.enable_batching:
        batching = BatchingOptions.from_message(read_batching(options.batching_parameters_file))
    elif options.batching_parameters_file:
        raise invalid(
            "server_options.batching_parameters_file is set without setting"
            " server_options.enable_batching to true."
        )
    tags = tuple(options.saved_model_tags.split(","))
    return Loader(
        *(metrics, tags, batching, options.enable_model_warmup),
        check_methods=options.enable_signature_method_name_check,
    )


def _model_config(options: argparse.Namespace) -> Any:
    from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

    from .config_files import read_model_config
    from .protocol import invalid

    if options.model_config_file:
        return read_model_config(options.model_config_file)
    if not options.model_base_path:
        raise invalid(
            "Both server_options.model_base_path and server_options.model_config_file are empty!"
        )
    log.info(
        "Building single TensorFlow model file config:  model_name: %s model_base_path: %s",
        *(options.model_name, options.model_base_path),
    )
    config = ModelServerConfig()
    config.model_config_list.config.add(
        name=options.model_name, base_path=options.model_base_path, model_platform="tensorflow"
    )
    return config


def _watch_config_file(options: argparse.Namespace, manager: ModelManager) -> None:
    from .config_files import read_model_config
    from .protocol import ServingError

    seconds = options.model_config_file_poll_wait_seconds
    if not options.model_config_file or seconds <= 0:
        return

    def watch() -> None:
        last = Path(options.model_config_file).read_bytes()
        while not manager.stopped.wait(seconds):
            try:
                text = Path(options.model_config_file).read_bytes()
                if text != last:
                    last = text
                    manager.apply(read_model_config(options.model_config_file))
            except (ServingError, OSError) as error:
                log.error("Reloading %s failed: %s", options.model_config_file, error)

    threading.Thread(target=watch, name="config", daemon=True).start()


def _start_rest(
    options: argparse.Namespace, manager: ModelManager, metrics: Metrics, monitoring: Any
) -> RestServer | None:
    from .http_server import RestServer
    from .rest_api import PROMETHEUS_PATH, RestApi, RestOptions

    if options.rest_api_port == 0:
        return None
    if options.rest_api_port == options.port:
        log.error(
            "server_options.http_port cannot be same as grpc_port. Please use a different port for"
            " HTTP/REST API. Skipped exporting HTTP/REST API."
        )
        return None
    prometheus = monitoring.prometheus_config
    rest_options = RestOptions(
        port=options.rest_api_port,
        threads=options.rest_api_num_threads,
        timeout_ms=options.rest_api_timeout_in_ms,
        cors=options.rest_api_enable_cors_support,
        prometheus_path=(prometheus.path or PROMETHEUS_PATH) if prometheus.enable else "",
    )
    where = f"localhost:{options.rest_api_port}"
    try:
        server = RestServer(RestApi(manager, metrics, rest_options), rest_options)
    except OSError as error:
        # The real server, too, goes on with gRPC alone.
        log.error("Failed to start HTTP Server at %s: %s", where, error.strerror)
        return None
    log.info("Exporting HTTP/REST API at:%s ...", where)
    return server
