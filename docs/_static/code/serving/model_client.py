"""What the client programs share: their options, inputs that fit the model, printing.

The programs of this tutorial import this file; keep it beside them.
"""

from __future__ import annotations

import argparse
import base64
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import samples
from artifacts import ProgramError, at_least

if TYPE_CHECKING:  # each function imports what it needs, so that --help needs nothing
    import numpy as np


NUMPY_NAMES = {"float": "float32", "double": "float64", "half": "float16"}


class Tensor(NamedTuple):
    """An input in the signature of a model.

    Attributes:
        dtype: NumPy's name of its type, or `string`.
        shape: of a sample, -1 or None where any size will do; None if any shape will do.
    """

    dtype: str
    shape: Sequence[int | None] | None


def tensor(dtype: str, sizes: Iterable[int | str]) -> Tensor:
    """Return an input by its entry in a signature: DT_FLOAT and such, and sizes, samples first."""
    name = dtype.removeprefix("DT_").lower()
    shape = [int(size) for size in sizes]
    return Tensor(NUMPY_NAMES.get(name, name), shape[1:] if shape else None)


def chosen(signatures: Mapping[str, Any], name: str) -> Any:
    """Return the signature of this name.

    Raises:
        ProgramError: if there is none.
    """
    names = sorted(known for known in signatures if not known.startswith("__"))
    if name not in names:
        raise ProgramError(f"the model has no signature {name}; it has {', '.join(names)}")
    return signatures[name]


def inputs_of(signatures: Mapping[str, Any], name: str) -> dict[str, Tensor]:
    """Return the inputs of a signature by name; `signatures` holds SignatureDef messages."""
    from tensorflow.core.framework.types_pb2 import DataType

    return {
        key: tensor(DataType.Name(info.dtype), [dim.size for dim in info.tensor_shape.dim])
        for key, info in sorted(chosen(signatures, name).inputs.items())
    }


def add_rest(parser: argparse.ArgumentParser) -> None:
    """Add --rest; the environment variable TF_SERVING_REST_URL sets its default."""
    parser.add_argument(
        "--rest",
        metavar="URL",
        type=lambda text: (text if "://" in text else f"http://{text}").rstrip("/"),
        default=os.environ.get("TF_SERVING_REST_URL", "http://localhost:8501"),
        help="address of the REST interface (default: %(default)s)",
    )


def add_grpc(parser: argparse.ArgumentParser) -> None:
    """Add --grpc; the environment variable TF_SERVING_GRPC_URL sets its default."""
    parser.add_argument(
        "--grpc",
        metavar="HOST:PORT",
        type=lambda text: text.removeprefix("grpc://"),
        default=os.environ.get("TF_SERVING_GRPC_URL", "localhost:8500"),
        help="address of the gRPC interface (default: %(default)s)",
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add --model, --signature and --samples."""
    parser.add_argument("--model", default="mnist", help="its name (default: mnist)")
    parser.add_argument("--signature", default="serving_default", help="(default: %(default)s)")
    samples.add_argument(parser)


def prediction_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser for what a client is to predict: the samples, the model, its version."""
    parser = argparse.ArgumentParser(description=description)
    add_model(parser)
    parser.add_argument("--count", type=at_least(1), default=3, help="samples (default: 3)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--version", type=at_least(0), help="in place of the newest one")
    which.add_argument("--label", help="the version that has this label")
    return parser


def path(options: argparse.Namespace) -> str:
    """Return the path of a model over REST, of one of its versions, or of what a label names."""
    path = f"/v1/models/{options.model}"
    if options.version is not None:
        return f"{path}/versions/{options.version}"
    return f"{path}/labels/{options.label}" if options.label else path


def model_spec(
    name: str, signature: str, version: int | None = None, label: str | None = None
) -> Any:
    """Return the message that says over gRPC which model is asked, and by which signature."""
    from tensorflow_serving.apis.model_pb2 import ModelSpec

    spec = ModelSpec(name=name, signature_name=signature)
    if version is not None:
        spec.version.value = version
    elif label:
        spec.version_label = label
    return spec


def fitting_samples(
    options: argparse.Namespace, signature: Mapping[str, Tensor]
) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """Return the samples in the types of the model's inputs, and their labels.

    Raises:
        ProgramError: if names, shapes or types do not fit the model.
    """
    import numpy as np

    file = options.samples
    arrays, labels = samples.for_model(file, {name: t.shape for name, t in signature.items()})
    for name, (dtype, _) in signature.items():
        found = arrays[name].dtype
        text = dtype == "string"
        if found.kind not in "SU" if text else not np.can_cast(found, dtype, "same_kind"):
            raise ProgramError(f"the model takes {name} as {dtype}, {file} has it as {found}")
        arrays[name] = arrays[name] if text else arrays[name].astype(dtype)
    count = getattr(options, "count", None)
    return {name: values[:count] for name, values in arrays.items()}, labels


def batch(inputs: Mapping[str, np.ndarray], size: int) -> dict[str, np.ndarray]:
    """Return as many samples, from the first again where there are too few."""
    import numpy as np

    return {name: values[np.arange(size) % len(values)] for name, values in inputs.items()}


def json_body(body: Mapping[str, Any]) -> bytes:
    """Return JSON with arrays in it; bytes in base64."""
    import orjson  # takes arrays as they are; json wants a list of all their numbers

    def other(value: Any) -> Any:
        if isinstance(value, bytes):
            return {"b64": base64.b64encode(value).decode()}
        return value.tolist()  # an array of texts

    return orjson.dumps(body, default=other, option=orjson.OPT_SERIALIZE_NUMPY)


def print_predictions(outputs: Any, labels: np.ndarray | None) -> None:
    """Print a line for each sample: its class or its values, and whether that is right.

    Args:
        outputs: arrays by name, or, over REST, the only output.
        labels: of the same samples, if they are known.
    """
    import numpy as np

    outputs = outputs if isinstance(outputs, dict) else {"": outputs}
    outputs = {name: np.array(values) for name, values in outputs.items()}
    count = min(len(values) for values in outputs.values())
    for number in range(count):
        parts, classes = [], []
        for name, values in sorted(outputs.items()):
            value = values[number]
            if value.dtype.kind == "f" and value.ndim == 1 and len(value) > 1:
                classes.append(int(value.argmax()))
                text = f"class {classes[-1]} ({value.max():.4f})"
            else:
                classes += [int(value)] if value.dtype.kind in "iu" and value.ndim == 0 else []
                text = _short(value)
            parts.append(text if len(outputs) == 1 else f"{name} {text}")
        if labels is not None:
            parts.append(_judged(classes, labels[number]))
        print(f"sample {number}: {', '.join(parts)}")


def _judged(classes: list[int], label: np.generic) -> str:
    """Return whether the only class that was found is the label; else what the label is."""
    if len(classes) != 1:
        return f"label {label}"
    return "right" if classes[0] == label else f"wrong: it is {label}"


def _short(value: np.ndarray) -> str:
    """Return a value in one line."""
    import numpy as np

    if value.dtype.kind == "f" and value.ndim == 0:
        return f"{value:.4f}"
    return " ".join(np.array2string(value, precision=4, threshold=10).split())
