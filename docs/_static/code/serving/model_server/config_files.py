"""The server's configuration files: protocol buffers in text form, read into messages.

``tensorflow-serving-api`` brings the message of ``--model_config_file``. It leaves out those of the
three other files, so they are declared here from the server's published field names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf import wrappers_pb2 as wrappers  # its file must be in the pool
from google.protobuf.message import Message
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from .protocol import Code, ServingError, invalid

_Field = descriptor_pb2.FieldDescriptorProto
_INT64 = ".google.protobuf.Int64Value"
_BOOL = ".google.protobuf.BoolValue"
_STRING = ".google.protobuf.StringValue"

# message -> field -> (number, type: a scalar or a message's name, repeated)
_MESSAGES: dict[str, dict[str, tuple[int, int | str, bool]]] = {
    "BatchingParameters": {
        "max_batch_size": (1, _INT64, False),
        "batch_timeout_micros": (2, _INT64, False),
        "max_enqueued_batches": (3, _INT64, False),
        "num_batch_threads": (4, _INT64, False),
        "thread_pool_name": (5, _STRING, False),
        "allowed_batch_sizes": (6, _Field.TYPE_INT64, True),
        "pad_variable_length_inputs": (7, _Field.TYPE_BOOL, False),
        "enable_large_batch_splitting": (8, _BOOL, False),
    },
    "PrometheusConfig": {
        "enable": (1, _Field.TYPE_BOOL, False),
        "path": (2, _Field.TYPE_STRING, False),
    },
    "MonitoringConfig": {"prometheus_config": (1, ".serving_files.PrometheusConfig", False)},
    "SSLConfig": {
        "server_key": (1, _Field.TYPE_STRING, False),
        "server_cert": (2, _Field.TYPE_STRING, False),
        "custom_ca": (3, _Field.TYPE_STRING, False),
        "client_verify": (4, _Field.TYPE_BOOL, False),
    },
}


def _declare() -> dict[str, type[Any]]:
    file = descriptor_pb2.FileDescriptorProto(
        name="serving_files.proto",
        package="serving_files",
        syntax="proto3",
        dependency=[wrappers.DESCRIPTOR.name],
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field_name, (number, kind, repeated) in fields.items():
            field = message.field.add(name=field_name, number=number)
            field.label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
            if isinstance(kind, str):
                field.type, field.type_name = _Field.TYPE_MESSAGE, kind
            else:
                setattr(field, "type", kind)  # noqa: B010 - the stubs know no int
    pool = descriptor_pool.Default()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"serving_files.{name}"))
        for name in _MESSAGES
    }


_CLASSES = _declare()


def _read(path: str, message: Message) -> Any:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ServingError(Code.NOT_FOUND, f"{path}; No such file or directory") from None
    except (OSError, UnicodeDecodeError) as error:
        raise invalid(f"Cannot read '{path}': {error}") from None
    try:
        return text_format.Parse(text, message)
    except text_format.ParseError as error:
        # The real server says only the first half; the place is too useful to hide.
        raise invalid(f"Invalid protobuf file: '{path}': {error}") from None


def read_model_config(path: str) -> ModelServerConfig:
    """Read a ``--model_config_file``."""
    config: ModelServerConfig = _read(path, ModelServerConfig())
    return config


def read_batching(path: str) -> Any:
    """Read a ``--batching_parameters_file``; an empty path gives the defaults."""
    message = _CLASSES["BatchingParameters"]()
    return _read(path, message) if path else message


def read_monitoring(path: str) -> Any:
    """Read a ``--monitoring_config_file``; an empty path: no monitoring."""
    message = _CLASSES["MonitoringConfig"]()
    return _read(path, message) if path else message


def read_ssl(path: str) -> Any:
    """Read an ``--ssl_config_file`` (gRPC only)."""
    return _read(path, _CLASSES["SSLConfig"]())
