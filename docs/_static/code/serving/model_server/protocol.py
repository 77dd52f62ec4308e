"""What the two front ends agree on: method names, error codes, model addresses."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import tensorflow as tf

PREDICT_METHOD = "tensorflow/serving/predict"
CLASSIFY_METHOD = "tensorflow/serving/classify"
REGRESS_METHOD = "tensorflow/serving/regress"
DEFAULT_SIGNATURE = "serving_default"


class Code(enum.IntEnum):
    """The status codes that gRPC and TensorFlow share; ``http`` is the REST status of each."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16

    @property
    def http(self) -> int:
        """The status of a REST answer."""
        return _HTTP.get(self, 500)


_HTTP = {
    Code.OK: 200,
    Code.CANCELLED: 499,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.UNAVAILABLE: 503,
    Code.UNAUTHENTICATED: 401,
}


class ServingError(Exception):
    """An error that goes to the client: a status code and the server's own text."""

    def __init__(self, code: Code, message: str) -> None:
        """Keep the code and the text."""
        super().__init__(message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        """Print like an absl::Status, ``NOT_FOUND: text``."""
        return f"{self.code.name}: {self.message}"


def invalid(message: str) -> ServingError:
    """Return the error of a request that can never succeed."""
    return ServingError(Code.INVALID_ARGUMENT, message)


def from_tensorflow(error: tf.errors.OpError) -> ServingError:
    """Return TensorFlow's own error with its code and unchanged text."""
    return ServingError(Code(error.error_code or Code.UNKNOWN), error.message)


@dataclass(frozen=True)
class ModelAddress:
    """Which model a request means: at most one of version and label is set; neither: the latest."""

    name: str
    version: int | None = None
    label: str | None = None

    def __str__(self) -> str:
        """Print like the server's ServableRequest."""
        if self.version is not None:
            return f"Specific({self.name}, {self.version})"
        return f"Latest({self.name})"
