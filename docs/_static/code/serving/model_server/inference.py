"""Predict, Classify, Regress and MultiInference on a loaded model, for both front ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis.input_pb2 import Input

from .protocol import (
    CLASSIFY_METHOD,
    DEFAULT_SIGNATURE,
    PREDICT_METHOD,
    REGRESS_METHOD,
    Code,
    ServingError,
    invalid,
)

Array = npt.NDArray[Any]
Classes = list[list[tuple[str, float]]]  # for each example: label and score of each class


@dataclass(frozen=True)
class Runner:
    """What a request needs of a model: its signatures, and a way to run its graph."""

    signatures: Mapping[str, Any]
    run: Callable[[Mapping[str, Array], Sequence[str], int], list[Array]]
    check_methods: bool = False  # --enable_signature_method_name_check


# --- predict -------------------------------------------------------------------------------------


def input_infos(runner: Runner, signature_name: str) -> Mapping[str, Any]:
    """Return a signature's inputs; the REST text if there is no such signature."""
    name = signature_name or DEFAULT_SIGNATURE
    if name not in runner.signatures:
        raise invalid(f'Serving signature name: "{name}" not found in signature def')
    inputs: Mapping[str, Any] = runner.signatures[name].inputs
    return inputs


def predict(
    runner: Runner,
    signature_name: str,
    inputs: Mapping[str, Array],
    output_filter: Sequence[str] = (),
    timeout_ms: int = 0,
) -> dict[str, Array]:
    """Run a signature on named tensors; return its outputs by name."""
    name = signature_name or DEFAULT_SIGNATURE
    signature = runner.signatures.get(name)
    if signature is None:
        raise ServingError(Code.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')
    if runner.check_methods:
        _check_method(signature)
    _check_inputs(signature, inputs)
    feeds = {signature.inputs[alias].name: value for alias, value in inputs.items()}
    aliases = _outputs(signature, output_filter)
    fetches = [signature.outputs[alias].name for alias in aliases]
    values = runner.run(feeds, fetches, timeout_ms)
    return dict(zip(aliases, values, strict=True))


def _check_method(signature: Any) -> None:
    methods = (PREDICT_METHOD, CLASSIFY_METHOD, REGRESS_METHOD)
    if signature.method_name not in methods:
        raise ServingError(
            Code.INTERNAL,
            f"Expected prediction signature method_name to be one of {{{', '.join(methods)}}}."
            f" Was: {signature.method_name}",
        )


def _check_inputs(signature: Any, inputs: Mapping[str, Array]) -> None:
    sent, required = set(inputs), set(signature.inputs)
    if len(sent) > len(required) or (len(sent) < len(required) and not signature.defaults):
        raise invalid(
            f"input size does not match signature: {len(sent)}!={len(required)}"
            f" len({_set(sent)}) != len({_set(required)})."
            f" Sent extra: {_set(sent - required)}. Missing but required: {_set(required - sent)}."
        )
    for alias in sorted(sent - required):
        raise invalid(
            f"input tensor alias not found in signature: {alias}."
            f" Inputs expected to be in the set {_set(required)}."
        )


def _outputs(signature: Any, output_filter: Sequence[str]) -> list[str]:
    seen: list[str] = []
    for alias in output_filter:
        if alias not in signature.outputs:
            raise invalid(
                f"output tensor alias not found in signature: {alias}"
                f" Outputs expected to be in the set {_set(signature.outputs)}."
            )
        if alias in seen:
            raise invalid(f"duplicate output tensor alias: {alias}")
        seen.append(alias)
    return seen or sorted(signature.outputs)


def _set(names: Any) -> str:
    return f"{{{','.join(sorted(names))}}}"


# --- classify and regress ------------------------------------------------------------------------


def examples_of(message: Input) -> list[bytes]:
    """Return the serialized examples of an Input message, its context put before each."""
    kind = message.WhichOneof("kind")
    if kind == "example_list":
        return [e.SerializeToString() for e in message.example_list.examples]
    if kind == "example_list_with_context":
        held = message.example_list_with_context
        context = held.context.SerializeToString()
        return [context + e.SerializeToString() for e in held.examples]
    return []


@dataclass(frozen=True)
class _Plan:
    """What a classify or regress signature feeds and fetches, by the names in the graph."""

    signature: Any
    method: str
    feed: str
    fetches: list[str]

    def results(self, values: Mapping[str, Array], count: int) -> Classes | list[float]:
        """Return the results for each of the examples; raise if they have another shape or type."""
        convert = _classes if self.method == CLASSIFY_METHOD else _regressions
        return convert(self.signature, values, count)


def classify(
    runner: Runner, signature_name: str, examples: list[bytes], timeout_ms: int = 0
) -> Classes:
    """Run a classify signature on serialized examples."""
    return cast(Classes, _one(runner, signature_name, CLASSIFY_METHOD, examples, timeout_ms))


def regress(
    runner: Runner, signature_name: str, examples: list[bytes], timeout_ms: int = 0
) -> list[float]:
    """Run a regress signature on serialized examples."""
    return cast(list[float], _one(runner, signature_name, REGRESS_METHOD, examples, timeout_ms))


def _one(
    runner: Runner, signature_name: str, method: str, examples: list[bytes], timeout_ms: int
) -> Classes | list[float]:
    name = signature_name or DEFAULT_SIGNATURE
    if name not in runner.signatures:
        raise invalid(f"No signature was found with the name: {name}")
    plan = _plan(runner, name, method)
    (result,) = _run_plans(runner, [plan], examples, timeout_ms)
    return result


@dataclass(frozen=True)
class InferenceTask:
    """One part of a MultiInference request."""

    model: str
    signature_name: str
    method_name: str


def multi_inference(
    runner: Runner, tasks: Sequence[InferenceTask], examples: list[bytes], timeout_ms: int = 0
) -> list[Classes | list[float]]:
    """Run several signatures with the same examples in one run of the graph."""
    plans: dict[str, _Plan] = {}
    for task in tasks:
        if not task.model:
            raise invalid("Found ModelSpec with an empty model name.")
        if task.model != tasks[0].model:
            raise invalid(
                "All ModelSpecs in a MultiInferenceRequest must access the same model name."
            )
        name = task.signature_name or DEFAULT_SIGNATURE
        if name in plans:
            raise invalid(f"Duplicate evaluation of signature: {name}")
        if name not in runner.signatures:
            raise invalid(f"Requested signature not found in model graph: {name}")
        plans[name] = _plan(runner, name, task.method_name)
    return _run_plans(runner, list(plans.values()), examples, timeout_ms)


def _run_plans(
    runner: Runner, plans: Sequence[_Plan], examples: list[bytes], timeout_ms: int
) -> list[Classes | list[float]]:
    if not examples:
        raise invalid("Input is empty.")
    strings = np.empty(len(examples), object)
    strings[:] = examples
    fetches = sorted({fetch for plan in plans for fetch in plan.fetches})
    values = runner.run({plan.feed: strings for plan in plans}, fetches, timeout_ms)
    by_name = dict(zip(fetches, values, strict=True))
    return [plan.results(by_name, len(examples)) for plan in plans]


def _plan(runner: Runner, name: str, method: str) -> _Plan:
    signature = runner.signatures[name]
    if method == CLASSIFY_METHOD:
        kind, fetched = "classification", _classify_outputs
    elif method == REGRESS_METHOD:
        kind, fetched = "regression", _regress_outputs
    else:
        raise ServingError(Code.UNIMPLEMENTED, f"Unsupported signature method_name: {method}")
    if runner.check_methods and signature.method_name != method:
        raise invalid(
            f"Expected {kind} signature method_name to be {method}. Was: {signature.method_name}"
        )
    if len(signature.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    _check_number_of_outputs(signature, method)
    if "inputs" not in signature.inputs:
        raise invalid(f"No {kind} inputs found in SignatureDef: {signature}")
    return _Plan(signature, method, signature.inputs["inputs"].name, fetched(signature))


def _check_number_of_outputs(signature: Any, method: str) -> None:
    count = len(signature.outputs)
    if method == CLASSIFY_METHOD and count not in (1, 2):
        raise invalid(f"Expected one or two output Tensors, found {count}")
    if method == REGRESS_METHOD and count != 1:
        raise invalid("Expected one output Tensor.")


def _classify_outputs(signature: Any) -> list[str]:
    fetches = [signature.outputs[k].name for k in ("classes", "scores") if k in signature.outputs]
    if not fetches:
        raise invalid(
            'Expected classification signature outputs to contain at least one of "classes" or'
            f' "scores". Signature was: {signature}'
        )
    return fetches


def _regress_outputs(signature: Any) -> list[str]:
    if "outputs" not in signature.outputs:
        raise invalid(f"No regression outputs found in SignatureDef: {signature}")
    return [signature.outputs["outputs"].name]


def _classes(signature: Any, values: Mapping[str, Array], count: int) -> Classes:
    found = {}
    for key, dtype in (("classes", tf.string), ("scores", tf.float32)):
        if key in signature.outputs:
            found[key] = _checked(values[signature.outputs[key].name], key, dtype, count)
    widths = [value.shape[1] for value in found.values()]
    if len(set(widths)) > 1:
        raise invalid(
            f"Tensors class and score should match in dim_size(1). Got {widths[0]} vs. {widths[1]}"
        )
    labels = found.get("classes")
    scores = found.get("scores")
    return [
        [
            (
                labels[i, c].decode(errors="surrogateescape") if labels is not None else "",
                float(scores[i, c]) if scores is not None else 0.0,
            )
            for c in range(widths[0])
        ]
        for i in range(count)
    ]


def _checked(value: Array, key: str, dtype: tf.DType, count: int) -> Array:
    if value.ndim != 2:
        raise invalid(
            f"Expected Tensor shape: [batch_size num_classes] but got {_debug_shape(value)}"
        )
    actual = tf.as_dtype(value.dtype)
    if actual != dtype:
        raise invalid(f"Expected {key} Tensor of {_dt(dtype)}. Got: {_dt(actual)}")
    if value.shape[0] != count:
        raise invalid(f"Expected {key} output batch size of {count}. Got: {value.shape[0]}")
    return value


def _regressions(signature: Any, values: Mapping[str, Array], count: int) -> list[float]:
    value = values[signature.outputs["outputs"].name]
    if not (value.ndim == 1 or (value.ndim == 2 and value.shape[1] == 1)):
        raise invalid(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            + _debug_shape(value)
        )
    if value.shape[0] != count:
        raise invalid(
            f"Input batch size did not match output batch size: {count} vs. {value.shape[0]}"
        )
    if value.dtype != np.float32:
        raise invalid(f"Expected output Tensor of DT_FLOAT.  Got: {_dt(tf.as_dtype(value.dtype))}")
    return [float(number) for number in value.ravel()]


def _debug_shape(value: Array) -> str:
    return f"[{','.join(map(str, value.shape))}]"


def _dt(dtype: tf.DType) -> str:
    return str(types_pb2.DataType.Name(dtype.as_datatype_enum))
