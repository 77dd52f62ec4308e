"""One version of a model in memory: loading a SavedModel and running its graph.

``tf.saved_model.load`` would be the public way, but it rewords TensorFlow's errors, checks shapes
before the graph does, and is four times slower to call. The server in C++ runs a plain session, and
so does this module, by ``Session._make_callable_from_options``: private, hence the pinned version.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2

from .protocol import Code, ServingError, from_tensorflow, invalid
from .tensors import type_name

Array = npt.NDArray[Any]


class ServedModel:
    """A loaded version; ``run`` may be called from many threads."""

    def __init__(
        self, name: str, version: int, path: Path, tags: Sequence[str] = ("serve",)
    ) -> None:
        """Load the SavedModel at ``path``; raise ServingError with the loader's text."""
        self.name = name
        self.version = version
        self.path = path
        self._session, meta_graph = _load(path, list(tags))
        # `serve` of Keras and TensorFlow's own `__saved_model_init_op` are listed as in the server.
        self.signatures: dict[str, Any] = dict(meta_graph.signature_def)
        self._callables: dict[tuple[Any, ...], Callable[..., list[Any]]] = {}
        self._lock = threading.Lock()
        infos = [info for s in self.signatures.values() for info in s.inputs.values()]
        self._shapes = {info.name: tf.TensorShape(info.tensor_shape) for info in infos}
        self._types = {info.name: tf.as_dtype(info.dtype) for info in infos}

    def run(
        self, feeds: Mapping[str, Array], fetches: Sequence[str], timeout_ms: int = 0
    ) -> list[Array]:
        """Run the graph: tensors by graph name in, a list of tensors out.

        ``timeout_ms`` 0 waits for ever. Errors are ServingError with TensorFlow's code and text.
        """
        self._refuse_what_aborts(feeds)
        names = sorted(feeds)
        self._check_types(names, feeds)
        runner = self._callable(tuple(names), tuple(fetches), timeout_ms)
        try:
            return [_array(value) for value in runner(*(feeds[name] for name in names))]
        except tf.errors.OpError as error:
            raise from_tensorflow(error) from None
        except (TypeError, ValueError) as error:
            raise invalid(str(error)) from None
        except RuntimeError as error:  # the session was closed under us
            raise ServingError(Code.UNAVAILABLE, str(error)) from None

    def close(self) -> None:
        """Give the model's memory back."""
        self._callables.clear()
        self._session.close()

    def _callable(
        self, feeds: tuple[str, ...], fetches: tuple[str, ...], timeout_ms: int
    ) -> Callable[..., list[Any]]:
        key = (feeds, fetches, timeout_ms)
        found = self._callables.get(key)
        if found is None:
            options = config_pb2.CallableOptions(feed=feeds, fetch=fetches)
            options.run_options.timeout_in_ms = timeout_ms
            with self._lock:
                made = self._session._make_callable_from_options(options)
                found = self._callables.setdefault(key, made)
        return found

    def _check_types(self, names: Sequence[str], feeds: Mapping[str, Array]) -> None:
        """Raise for a wrong type in the words of a plain run; a callable has others."""
        for number, name in enumerate(names):
            expected, dtype = self._types.get(name), feeds[name].dtype
            if expected is not None and dtype != expected.as_numpy_dtype:
                raise invalid(
                    f"Expects arg[{number}] to be {type_name(expected.as_datatype_enum)}"
                    f" but {type_name(tf.as_dtype(dtype).as_datatype_enum)} is provided"
                )

    def _refuse_what_aborts(self, feeds: Mapping[str, Array]) -> None:
        """Refuse a wrong shape if oneDNN is on: a wrong rank would end the process."""
        if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0":
            return
        for name, value in feeds.items():
            shape = self._shapes.get(name)
            if shape is not None and not shape.is_compatible_with(value.shape):
                raise invalid(
                    f"input {name} must have shape {shape}, got {list(value.shape)}"
                    " (checked before the run because TF_ENABLE_ONEDNN_OPTS is on)"
                )


def _array(value: Any) -> Array:
    """Return an output as an array; of one string numpy would make a type of its own."""
    return np.array(value, object) if isinstance(value, bytes) else np.asarray(value)


def _load(path: Path, tags: list[str]) -> tuple[Any, Any]:
    if not any((path / f"saved_model.{kind}").is_file() for kind in ("pb", "pbtxt")):
        raise ServingError(
            Code.NOT_FOUND,
            f"Could not find SavedModel .pb or .pbtxt at supplied export directory path: {path}."
            " Check that the directory exists and that you have the right permissions for"
            " accessing it.",
        )
    graph = tf.Graph()
    session = tf.compat.v1.Session(graph=graph)
    try:
        with graph.as_default():
            return session, tf.compat.v1.saved_model.load(session, tags, str(path))
    except Exception as error:
        session.close()
        raise _load_error(error, path, tags) from None


def _load_error(error: Exception, path: Path, tags: list[str]) -> ServingError:
    if isinstance(error, tf.errors.OpError):
        return from_tensorflow(error)
    text = str(error)
    if "could not be found in SavedModel" in text:
        return ServingError(
            Code.NOT_FOUND,
            f"Could not find meta graph def matching supplied tags: {{ {' '.join(tags)} }}."
            " To inspect available tag-sets in the SavedModel, please use the SavedModel CLI:"
            " `saved_model_cli`",
        )
    if isinstance(error, OSError) and "Cannot parse file" in text:
        return ServingError(
            Code.DATA_LOSS, f"Can't parse {path / 'saved_model.pb'} as binary proto"
        )
    return ServingError(Code.UNKNOWN, f"{type(error).__name__}: {text}")
