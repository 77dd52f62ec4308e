"""gRPC as the tests of the real server pin it down; each case has its test's name there.

The names are those of classifier_test.cc, regressor_test.cc, multi_inference_test.cc,
predict_util_test.cc, predict_impl_test.cc, get_model_metadata_impl_test.cc,
get_model_status_impl_test.cc, classification_service_test.cc, regression_service_test.cc and
util_test.cc in tensorflow_serving.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from model_server.grpc_server import start_grpc
from model_server.inference import Runner, examples_of
from model_server.metrics import Metrics
from model_server.protocol import (
    CLASSIFY_METHOD,
    PREDICT_METHOD,
    REGRESS_METHOD,
    Code,
    ServingError,
)
from serving_support import Server
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    input_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

Classification = classification_pb2.ClassificationRequest
Regression = regression_pb2.RegressionRequest


def failure(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code().name, caught.value.details()


# --- classify and regress with a model that is made up, over gRPC --------------------------------


class Made:
    """Stands for the manager: one model, whose signatures and run a test sets."""

    def __init__(self) -> None:
        self.signatures: dict[str, SignatureDef] = {}
        self.run: Any = None
        self.check = False

    @contextmanager
    def use(self, _: Any) -> Iterator[tuple[Runner, int]]:
        yield Runner(self.signatures, self.run, self.check), 1


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[Made, Any]]:
    manager: Any = Made()
    server, port = start_grpc(manager, Metrics(), 0)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield manager, prediction_service_pb2_grpc.PredictionServiceStub(channel)
    server.stop(0).wait()


def signature(method: str, inputs: str = "inputs", **outputs: str) -> SignatureDef:
    found = SignatureDef(method_name=method)
    found.inputs[inputs].name = "input:0"
    for name, tensor in outputs.items():
        found.outputs[name].name = tensor
    return found


def example(**features: Sequence[float] | Sequence[bytes]) -> tf.train.Example:
    made = tf.train.Example()
    for name, values in features.items():
        feature = made.features.feature[name]
        kind = feature.bytes_list if isinstance(values[0], bytes) else feature.float_list
        kind.value.extend(values)
    return made


def scored(**scores: float) -> tf.train.Example:
    names = [name.encode() for name in scores]
    values: dict[str, Any] = {"class": names, "score": list(scores.values())}
    return example(**values)


def copy_features(feeds: Any, fetches: Sequence[str], _: int) -> list[Any]:
    """Run as upstream's fake session does: classes and scores, or outputs, are features."""
    (strings,) = feeds.values()
    features = [tf.train.Example.FromString(s).features.feature for s in strings]
    scores = np.array([f["score"].float_list.value for f in features], np.float32)
    found = {
        "class:0": np.array([list(f["class"].bytes_list.value) for f in features], object),
        "score:0": scores,
        "output:0": np.array([f["output"].float_list.value for f in features], np.float32),
    }
    found |= {"score+1:0": scores + 1, "output+1:0": found["output:0"] + 1}
    found["wrong:0"] = np.zeros((len(features), 2, 10), np.float32)
    return [found[name] for name in fetches]


def classifier(check: bool) -> dict[str, SignatureDef]:
    method, other = (CLASSIFY_METHOD, REGRESS_METHOD) if check else ("", "")
    return {
        "serving_default": signature(method, classes="class:0", scores="score:0"),
        "plus_one": signature(method, classes="class:0", scores="score+1:0"),
        "invalid": signature(other, outputs="score+1:0"),
        "malformed": signature(method, classes="class:0", scores="wrong:0"),
        "missing": SignatureDef(),
        "classes_only": signature(method, classes="class:0"),
        "scores_only": signature(method, scores="score:0"),
    }


def regressor(check: bool) -> dict[str, SignatureDef]:
    method, other = (REGRESS_METHOD, CLASSIFY_METHOD) if check else ("", "")
    return {
        "serving_default": signature(method, outputs="output:0"),
        "plus_one": signature(method, outputs="output+1:0"),
        "invalid": signature(other, classes="class:0"),
        "malformed": signature(method, outputs="wrong:0"),
        "missing": SignatureDef(),
    }


DOS = [scored(dos=2, uno=1), scored(cuatro=4, tres=3)]
CHECKS = pytest.mark.parametrize("check", [False, True], ids=["any method", "method checked"])


def input_of(examples: Sequence[Any] | None, context: Any = None) -> input_pb2.Input:
    found = input_pb2.Input()
    if context is not None:
        found.example_list_with_context.context.CopyFrom(context)
        found.example_list_with_context.examples.extend(examples or [])
    elif examples is not None:
        found.example_list.SetInParent()
        found.example_list.examples.extend(examples)
    return found


def classify(stub: Any, name: str, given: input_pb2.Input) -> list[list[tuple[str, float]]]:
    request = Classification(input=given)
    request.model_spec.name, request.model_spec.signature_name = "m", name
    found = stub.Classify(request, timeout=60).result.classifications
    return [[(c.label, c.score) for c in entry.classes] for entry in found]


def regress(stub: Any, name: str, given: input_pb2.Input) -> list[float]:
    request = Regression(input=given)
    request.model_spec.name, request.model_spec.signature_name = "m", name
    return [r.value for r in stub.Regress(request, timeout=60).result.regressions]


NOTHING = tf.train.Example()
FIRST, SECOND = [("dos", 2.0), ("uno", 1.0)], [("cuatro", 4.0), ("tres", 3.0)]
CLASSIFIER = {
    "ExampleList": ("", input_of(DOS), [FIRST, SECOND]),
    "ExampleListWithContext": ("", input_of([NOTHING] * 2, DOS[0]), [FIRST, FIRST]),
    "ExampleListWithContext_DuplicateFeatures": (
        *("", input_of([NOTHING, DOS[1]], DOS[0])),
        [FIRST, SECOND],
    ),
    "ClassesOnly": (
        *("classes_only", input_of(DOS)),
        [[(label, 0.0) for label, _ in row] for row in (FIRST, SECOND)],
    ),
    "ScoresOnly": (
        *("scores_only", input_of(DOS)),
        [[("", score) for _, score in row] for row in (FIRST, SECOND)],
    ),
    "ZeroScoresArePresent": (
        *("scores_only", input_of([scored(minus=-1, zero=0, one=1)])),
        [[("", -1.0), ("", 0.0), ("", 1.0)]],
    ),
    "ValidNamedSignature": (
        *("plus_one", input_of(DOS)),
        [[(label, score + 1) for label, score in row] for row in (FIRST, SECOND)],
    ),
}


@CHECKS
@pytest.mark.parametrize("test", CLASSIFIER)
def test_classifier(made: tuple[Made, Any], test: str, check: bool) -> None:
    """ClassifierTest, what works."""
    model, stub = made
    model.signatures, model.run, model.check = classifier(check), copy_features, check
    name, given, expected = CLASSIFIER[test]
    assert classify(stub, name, given) == expected


def outputs_of(*arrays: np.ndarray) -> Callable[..., list[np.ndarray]]:
    return lambda feeds, fetches, timeout_ms: list(arrays)


def fails(*_: Any) -> list[Any]:
    raise ServingError(Code.INTERNAL, "Run totally failed")


def zeros(dtype: Any, *shape: int) -> np.ndarray:
    return np.full(shape, b"", object) if dtype is str else np.zeros(shape, dtype)


MISMATCH = "Tensors class and score should match in dim_size(1). Got 2 vs. 3"
BATCH = "Expected %s output batch size of 2. Got: 1"
WRONG_CLASSIFIER: dict[str, tuple[str, Any, Any, str | None]] = {
    "InvalidNamedSignature": ("invalid", input_of(DOS), copy_features, None),
    "MalformedScores": (
        *("malformed", input_of(DOS), copy_features),
        "Expected Tensor shape: [batch_size num_classes] but got [2,2,10]",
    ),
    "MissingClassificationSignature": ("missing", input_of(DOS), copy_features, None),
    "EmptyInput": ("", input_of(None), copy_features, "Input is empty."),
    "EmptyExampleList": ("", input_of([]), copy_features, "Input is empty."),
    "EmptyExampleListWithContext": ("", input_of([], DOS[0]), copy_features, "Input is empty."),
    "RunsFails": ("", input_of(DOS), fails, "Run totally failed"),
    "ClassesIncorrectTensorBatchSize": (
        *("", input_of(DOS), outputs_of(zeros(str, 1, 2), zeros(np.float32, 2, 2))),
        BATCH % "classes",
    ),
    "ClassesIncorrectTensorType": (
        *("", input_of(DOS), outputs_of(zeros(np.float32, 2, 2), zeros(np.float32, 2, 2))),
        "Expected classes Tensor of DT_STRING. Got: DT_FLOAT",
    ),
    "ScoresIncorrectTensorBatchSize": (
        *("", input_of(DOS), outputs_of(zeros(str, 2, 2), zeros(np.float32, 1, 2))),
        BATCH % "scores",
    ),
    "ScoresIncorrectTensorType": (
        *("", input_of(DOS), outputs_of(zeros(str, 2, 2), zeros(str, 2, 2))),
        "Expected scores Tensor of DT_FLOAT. Got: DT_STRING",
    ),
    "MismatchedNumberOfTensorClasses": (
        *("", input_of(DOS), outputs_of(zeros(str, 2, 2), zeros(np.float32, 2, 3))),
        MISMATCH,
    ),
}
CHECKED = "Expected %s signature method_name to be %s. Was: %s"
UNCHECKED = {
    "classify": (
        'Expected classification signature outputs to contain at least one of "classes" or'
        ' "scores". Signature was: '
    ),
    "regress": "No regression outputs found in SignatureDef: ",
}


def expected_of(verb: str, name: str, check: bool) -> str:
    """Return the text for a signature of another kind, or for an empty one."""
    kind, method, other = (
        ("classification", CLASSIFY_METHOD, REGRESS_METHOD)
        if verb == "classify"
        else ("regression", REGRESS_METHOD, CLASSIFY_METHOD)
    )
    if check:
        return CHECKED % (kind, method, other if name == "invalid" else "")
    return "Expected one input Tensor." if name == "missing" else UNCHECKED[verb]


@CHECKS
@pytest.mark.parametrize("test", WRONG_CLASSIFIER)
def test_classifier_errors(made: tuple[Made, Any], test: str, check: bool) -> None:
    """ClassifierTest, what fails."""
    model, stub = made
    name, given, run, text = WRONG_CLASSIFIER[test]
    model.signatures, model.run, model.check = classifier(check), run, check
    code, found = failure(lambda: classify(stub, name, given))
    assert code == ("INTERNAL" if run is fails else "INVALID_ARGUMENT")
    expected = text or expected_of("classify", name, check)
    assert found == expected or (text is None and found.startswith(expected))


ONE = [example(output=[2.0]), example(output=[3.0])]
REGRESSOR = {
    "BasicExampleList": ("", input_of(ONE), [2.0, 3.0]),
    "BasicExampleListWithContext": ("", input_of([NOTHING] * 2, ONE[1]), [3.0, 3.0]),
    "ValidNamedSignature": ("plus_one", input_of(ONE), [3.0, 4.0]),
}


@CHECKS
@pytest.mark.parametrize("test", REGRESSOR)
def test_regressor(made: tuple[Made, Any], test: str, check: bool) -> None:
    """RegressorTest, what works."""
    model, stub = made
    model.signatures, model.run, model.check = regressor(check), copy_features, check
    name, given, expected = REGRESSOR[test]
    assert regress(stub, name, given) == expected


WRONG_REGRESSOR: dict[str, tuple[str, Any, Any, str | None]] = {
    "InvalidNamedSignature": ("invalid", input_of(ONE), copy_features, None),
    "MalformedOutputs": (
        *("malformed", input_of(ONE), copy_features),
        "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got"
        " [2,2,10]",
    ),
    "EmptyInput": ("", input_of(None), copy_features, "Input is empty."),
    "EmptyExampleList": ("", input_of([]), copy_features, "Input is empty."),
    "EmptyExampleListWithContext": ("", input_of([], ONE[0]), copy_features, "Input is empty."),
    "RunsFails": ("", input_of(ONE), fails, "Run totally failed"),
    "UnexpectedOutputTensorSize": (
        *("", input_of(ONE[:1]), outputs_of(zeros(np.float32, 2))),
        "Input batch size did not match output batch size: 1 vs. 2",
    ),
    "UnexpectedOutputTensorType": (
        *("", input_of(ONE[:1]), outputs_of(zeros(str, 1))),
        "Expected output Tensor of DT_FLOAT.  Got: DT_STRING",
    ),
    "MissingRegressionSignature": ("missing", input_of(ONE), copy_features, None),
}


@CHECKS
@pytest.mark.parametrize("test", WRONG_REGRESSOR)
def test_regressor_errors(made: tuple[Made, Any], test: str, check: bool) -> None:
    """RegressorTest, what fails."""
    model, stub = made
    name, given, run, text = WRONG_REGRESSOR[test]
    model.signatures, model.run, model.check = regressor(check), run, check
    code, found = failure(lambda: regress(stub, name, given))
    assert code == ("INTERNAL" if run is fails else "INVALID_ARGUMENT")
    expected = text or expected_of("regress", name, check)
    assert found == expected or (text is None and found.startswith(expected))


@CHECKS
@pytest.mark.parametrize("verb", ["classify", "regress", "predict"])
@pytest.mark.parametrize("method", ["legit", "not/supported/method", ""])
def test_method_names(made: tuple[Made, Any], verb: str, method: str, check: bool) -> None:
    """ClassifierTest.MethodNameCheck, RegressorTest.MethodNameCheck, PredictImplTest.MethodNameCheck."""  # noqa: E501
    model, stub = made
    legit = {"classify": CLASSIFY_METHOD, "regress": REGRESS_METHOD, "predict": PREDICT_METHOD}
    signatures = classifier(check) if verb == "classify" else regressor(check)
    signatures["serving_default"].method_name = legit[verb] if method == "legit" else method
    model.signatures, model.run, model.check = signatures, copy_features, check
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "m"
    strings = [e.SerializeToString() for e in ONE]
    request.inputs["inputs"].CopyFrom(tf.make_tensor_proto(strings))
    calls: dict[str, Callable[[], Any]] = {
        "classify": lambda: classify(stub, "", input_of(DOS)),
        "regress": lambda: regress(stub, "", input_of(ONE)),
        "predict": lambda: list(stub.Predict(request, timeout=60).outputs["outputs"].float_val),
    }
    if method == "legit" or not check:
        assert len(calls[verb]()) == 2
    else:
        code, text = failure(calls[verb])
        assert code == ("INTERNAL" if verb == "predict" else "INVALID_ARGUMENT")
        assert text.endswith(f"Was: {method}")


@pytest.mark.parametrize(
    ("test", "given", "expected"),
    [
        ("Empty_KindNotSet", input_of(None), []),
        ("Empty_ExampleList", input_of([]), []),
        ("Empty_ExampleListWithContext", input_of([], NOTHING), []),
        ("ExampleList", input_of(ONE), [[2.0], [3.0]]),
        ("ExampleListWithContext", input_of([NOTHING, NOTHING], ONE[0]), [[2.0], [2.0]]),
        ("ExampleListWithOverridingContext", input_of([ONE[1], NOTHING], ONE[0]), [[3.0], [2.0]]),
        ("ExampleListWithContext_NoContext", input_of(ONE, NOTHING), [[2.0], [3.0]]),
        ("ExampleListWithContext_OnlyContext", input_of([], ONE[0]), []),
    ],
)
def test_inputs(test: str, given: input_pb2.Input, expected: list[list[float]]) -> None:
    """InputUtilTest."""
    found = [tf.train.Example.FromString(e).features for e in examples_of(given)]
    assert [list(f.feature["output"].float_list.value) for f in found] == expected, test


# --- a loaded model ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def prediction(upstream: Server) -> Iterator[Any]:
    with grpc.insecure_channel(upstream.grpc) as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture(scope="module")
def status_of(upstream: Server) -> Iterator[Any]:
    with grpc.insecure_channel(upstream.grpc) as channel:
        yield model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus


def request_of(kind: Any, text: str) -> Any:
    return text_format.Parse(text, kind())


SPEC = 'model_spec { name: "m" version { value: 123 } } '
FLOAT = "{ dtype: DT_FLOAT float_val: 2 tensor_shape {} }"
KEY = 'inputs { key: "%s" value ' + FLOAT + " }"
STRING = 'inputs { key: "%s" value { dtype: DT_STRING string_val: "any" tensor_shape { dim { size: 1 } } } }'  # noqa: E501
PREDICT_ERRORS = [
    ("MissingOrEmptyModelSpec", "", "INVALID_ARGUMENT", "Missing ModelSpec"),
    ("MissingOrEmptyModelSpec", "model_spec {}", "INVALID_ARGUMENT", "ModelSpec has no name specified."),  # noqa: E501
    ("MissingOrEmptyModelSpec", 'model_spec { name: "test" }', "NOT_FOUND", "Servable not found for request: Latest(test)"),  # noqa: E501
    ("EmptyInputList", SPEC, "INVALID_ARGUMENT",
     "input size does not match signature: 0!=1 len({}) != len({x}). Sent extra: {}. Missing but required: {x}."),  # noqa: E501
    ("InputTensorsDontMatchModelSpecInputs", SPEC + STRING % "key", "INVALID_ARGUMENT",
     "input tensor alias not found in signature: key. Inputs expected to be in the set {x}."),
    ("InputTensorsDontMatchModelSpecInputs", SPEC + KEY % "x" + STRING % "extra", "INVALID_ARGUMENT",  # noqa: E501
     "input size does not match signature: 2!=1 len({extra,x}) != len({x}). Sent extra: {extra}. Missing but required: {}."),  # noqa: E501
    ("PredictionInvalidTensor", SPEC + 'inputs { key: "x" value { dtype: DT_BOOL bool_val: true tensor_shape {} } }',  # noqa: E501
     "INVALID_ARGUMENT", "Expects arg[0] to be float but bool is provided"),
    ("OutputFiltersDontMatchModelSpecOutputs", SPEC + KEY % "x" + 'output_filter: "output_filter"', "INVALID_ARGUMENT",  # noqa: E501
     "output tensor alias not found in signature: output_filter Outputs expected to be in the set {y}."),  # noqa: E501
    ("OutputFiltersDontMatchModelSpecOutputs", SPEC + KEY % "x" + 'output_filter: "y" output_filter: "y"', "INVALID_ARGUMENT",  # noqa: E501
     "duplicate output tensor alias: y"),
    ("InputTensorsHaveWrongType", SPEC + STRING % "x" + 'output_filter: "y"', "INVALID_ARGUMENT", "Expects arg[0] to be float but string is provided"),  # noqa: E501
    ("ModelMissingSignatures", 'model_spec { name: "m" signature_name: "none" }', "FAILED_PRECONDITION", 'Serving signature key "none" not found.'),  # noqa: E501
    ("the name is checked before the tensor", SPEC + 'inputs { key: "key" value { dtype: DT_FLOAT tensor_content: "123" } }',  # noqa: E501
     "INVALID_ARGUMENT", "input tensor alias not found in signature: key. Inputs expected to be in the set {x}."),  # noqa: E501
    ("GetInputValues", SPEC + 'inputs { key: "x" value { dtype: DT_FLOAT tensor_content: "123" tensor_shape { dim { size: 5 } } } }',  # noqa: E501
     "INVALID_ARGUMENT", "tensor parsing error: x"),
]  # fmt: skip


@pytest.mark.parametrize("case", PREDICT_ERRORS, ids=lambda case: case[0])
def test_predict_errors(prediction: Any, case: tuple[str, str, str, str]) -> None:
    """PredictImplTest of predict_util_test.cc and predict_impl_test.cc."""
    _, text, code, message = case
    request = request_of(predict_pb2.PredictRequest, text)
    assert failure(lambda: prediction.Predict(request, timeout=60)) == (code, message)


OUTPUT = 'outputs { key: "%s" value { dtype: DT_FLOAT tensor_shape {} float_val: %s } } '
NAMED = 'model_spec { name: "m" version { value: 123 } signature_name: "%s" } '
PREDICTIONS = [
    ("PredictionSuccess", SPEC + KEY % "x", OUTPUT % ("y", 3) + NAMED % "serving_default"),
    ("PredictionWithNamedRegressionSignature",
     NAMED % "regress_x2_to_y3" + KEY % "inputs", OUTPUT % ("outputs", 4) + NAMED % "regress_x2_to_y3"),  # noqa: E501
    ("PredictionWithNamedClassificationSignature",
     NAMED % "classify_x2_to_y3" + KEY % "inputs", OUTPUT % ("scores", 4) + NAMED % "classify_x2_to_y3"),  # noqa: E501
    ("OutputFiltersDontMatchModelSpecOutputs", SPEC + KEY % "x" + 'output_filter: "y"',
     OUTPUT % ("y", 3) + NAMED % "serving_default"),
    ("a label", 'model_spec { name: "m" version_label: "stable" } ' + KEY % "x",
     OUTPUT % ("y", 3) + NAMED % "serving_default"),
]  # fmt: skip


@pytest.mark.parametrize("case", PREDICTIONS, ids=lambda case: case[0])
def test_predictions(prediction: Any, case: tuple[str, str, str]) -> None:
    """PredictImplTest: the whole reply, typed values included."""
    _, text, expected = case
    reply = prediction.Predict(request_of(predict_pb2.PredictRequest, text), timeout=60)
    assert reply == request_of(predict_pb2.PredictResponse, expected)


def test_signatures_without_inputs(prediction: Any) -> None:
    """PredictImplTest.PredictionWithCustomizedSignatures."""
    counted = []
    for name, more in (
        ("reset_counter", ""),
        ("get_counter", ""),
        ("incr_counter", ""),
        ("reset_counter", ""),
        ("incr_counter", 'output_filter: "output"'),
        ("incr_counter_by", KEY % "delta"),
    ):
        request = request_of(predict_pb2.PredictRequest, NAMED % name + more)
        reply = prediction.Predict(request, timeout=60)
        counted += reply.outputs["output"].float_val
    assert counted == [0.0, 0.0, 1.0, 0.0, 1.0, 3.0]


X2 = "input { example_list { examples { features { feature { key: 'x' value { float_list { value: %s } } } } } } } "  # noqa: E501
TASK = "tasks { model_spec { name: '%s' signature_name: '%s' } method_name: '%s' } "


def task(name: str, method: str = REGRESS_METHOD, model: str = "m") -> str:
    return TASK % (model, name, method)


MULTI_ERRORS = [
    ("MissingInputTest", task("regress_x_to_y"), "INVALID_ARGUMENT", "Input is empty."),
    ("UndefinedSignatureTest", X2 % 2 + task("ThisSignatureDoesNotExist"), "INVALID_ARGUMENT",
     "Requested signature not found in model graph: ThisSignatureDoesNotExist"),
    ("InconsistentModelSpecsInRequestTest",
     X2 % 2 + task("regress_x_to_y") + task("regress_x_to_y", model="ModelDoesNotExist"), "INVALID_ARGUMENT",  # noqa: E501
     "All ModelSpecs in a MultiInferenceRequest must access the same model name."),
    ("EvaluateDuplicateSignaturesTest", X2 % 2 + task("regress_x_to_y") * 2, "INVALID_ARGUMENT",
     "Duplicate evaluation of signature: regress_x_to_y"),
    ("UsupportedSignatureTypeTest", X2 % 2 + task("serving_default", PREDICT_METHOD), "UNIMPLEMENTED",  # noqa: E501
     "Unsupported signature method_name: tensorflow/serving/predict"),
    ("an empty name", X2 % 2 + task("regress_x_to_y") + task("regress_x_to_y2", model=""), "INVALID_ARGUMENT",  # noqa: E501
     "Found ModelSpec with an empty model name."),
    ("no task", X2 % 2, "INVALID_ARGUMENT", "ModelSpec has no name specified."),
    ("ModelSpecOverride", X2 % 2 + task("regress_x_to_y", model="nonexistent_model"), "NOT_FOUND",
     "Servable not found for request: Latest(nonexistent_model)"),
]  # fmt: skip


@pytest.mark.parametrize("case", MULTI_ERRORS, ids=lambda case: case[0])
def test_multi_inference_errors(prediction: Any, case: tuple[str, str, str, str]) -> None:
    """MultiInferenceTest of multi_inference_test.cc and multi_inference_helper_test.cc."""
    _, text, code, message = case
    request = request_of(inference_pb2.MultiInferenceRequest, text)
    assert failure(lambda: prediction.MultiInference(request, timeout=60)) == (code, message)


RESULT = "results { %s regression_result { regressions { value: %s } } } "
MULTI = [
    ("ValidSingleSignatureTest", task("regress_x_to_y"), RESULT % (NAMED % "regress_x_to_y", 3)),
    (
        "MultipleValidRegressSignaturesTest",
        task("regress_x_to_y") + task("regress_x_to_y2"),
        RESULT % (NAMED % "regress_x_to_y", 3) + RESULT % (NAMED % "regress_x_to_y2", 4),
    ),
    (
        "RegressAndClassifySignaturesTest",
        task("regress_x_to_y") + task("classify_x_to_y", CLASSIFY_METHOD),
        RESULT % (NAMED % "regress_x_to_y", 3)
        + "results { %s classification_result { classifications { classes { score: 3 } } } }"
        % (NAMED % "classify_x_to_y"),
    ),
]


@pytest.mark.parametrize("case", MULTI, ids=lambda case: case[0])
def test_multi_inference(prediction: Any, case: tuple[str, str, str]) -> None:
    """MultiInferenceTest: the whole reply."""
    _, tasks, expected = case
    request = request_of(inference_pb2.MultiInferenceRequest, X2 % 2 + tasks)
    reply = prediction.MultiInference(request, timeout=60)
    assert reply == request_of(inference_pb2.MultiInferenceResponse, expected)


METADATA_ERRORS = [
    ("EmptyOrInvalidMetadataFieldList", 'model_spec { name: "m" }', "INVALID_ARGUMENT",
     "GetModelMetadataRequest must specify at least one metadata_field"),
    ("EmptyOrInvalidMetadataFieldList", 'model_spec { name: "m" } metadata_field: "some_stuff"', "INVALID_ARGUMENT",  # noqa: E501
     "Metadata field some_stuff is not supported"),
    ("MissingOrEmptyModelSpec", 'metadata_field: "signature_def"', "INVALID_ARGUMENT", "Missing ModelSpec"),  # noqa: E501
    ("MissingOrEmptyModelSpec", 'model_spec {} metadata_field: "signature_def"', "INVALID_ARGUMENT",
     "ModelSpec has no name specified."),
    ("MissingOrEmptyModelSpec", 'model_spec { name: "test" } metadata_field: "signature_def"', "NOT_FOUND",  # noqa: E501
     "Servable not found for request: Latest(test)"),
]  # fmt: skip


@pytest.mark.parametrize("case", METADATA_ERRORS, ids=lambda case: case[0])
def test_metadata_errors(prediction: Any, case: tuple[str, str, str, str]) -> None:
    """GetModelMetadataImplTest."""
    _, text, code, message = case
    request = request_of(get_model_metadata_pb2.GetModelMetadataRequest, text)
    assert failure(lambda: prediction.GetModelMetadata(request, timeout=60)) == (code, message)


def test_metadata(prediction: Any) -> None:
    """GetModelMetadataImplTest.ReturnsSignaturesForValidModel."""
    text = SPEC + 'metadata_field: "signature_def"'
    request = request_of(get_model_metadata_pb2.GetModelMetadataRequest, text)
    reply = prediction.GetModelMetadata(request, timeout=60)
    assert reply.model_spec == request.model_spec
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert list(reply.metadata) == ["signature_def"]
    assert reply.metadata["signature_def"].Unpack(signatures)
    assert signatures.signature_def["regress_x_to_y"].method_name == REGRESS_METHOD
    assert signatures.signature_def["serving_default"].inputs["x"].dtype == tf.float32


STATUS_ERRORS = [
    ("MissingOrEmptyModelSpecFailure", "", "INVALID_ARGUMENT", "Missing ModelSpec"),
    ("MissingOrEmptyModelSpecFailure", "model_spec {}", "NOT_FOUND", "Could not find any versions of model "),  # noqa: E501
    ("InvalidModelNameFailure", 'model_spec { name: "nope" }', "NOT_FOUND", "Could not find any versions of model nope"),  # noqa: E501
    ("InvalidModelVersionFailure", 'model_spec { name: "m" version { value: 2 } }', "NOT_FOUND", "Could not find version 2 of model m"),  # noqa: E501
    ("ModelSpecOverride", 'model_spec { name: "nonexistent_model" }', "NOT_FOUND", "Could not find any versions of model nonexistent_model"),  # noqa: E501
]  # fmt: skip


@pytest.mark.parametrize("case", STATUS_ERRORS, ids=lambda case: case[0])
def test_status_errors(status_of: Any, case: tuple[str, str, str, str]) -> None:
    """GetModelStatusImplTest."""
    _, text, code, message = case
    request = request_of(get_model_status_pb2.GetModelStatusRequest, text)
    assert failure(lambda: status_of(request, timeout=60)) == (code, message)


@pytest.mark.parametrize(
    "spec",
    ['name: "m"', 'name: "m" version { value: 123 }', 'name: "m" version_label: "no such label"'],
)
def test_status(status_of: Any, spec: str) -> None:
    """GetModelStatusImplTest.AllVersionsSuccess, .SingleVersionSuccess; labels do not matter."""
    request = request_of(get_model_status_pb2.GetModelStatusRequest, f"model_spec {{ {spec} }}")
    expected = "model_version_status { version: 123 state: AVAILABLE status {} }"
    assert status_of(request, timeout=60) == request_of(
        get_model_status_pb2.GetModelStatusResponse, expected
    )


LOCALE = "feature { key: 'locale' value { bytes_list { value: 'pt_BR' } } } feature { key: 'age' value { float_list { value: 19 } } }"  # noqa: E501
EIGHTY = (X2 % 80).replace("features {", f"features {{ {LOCALE} ")
SERVICES = [
    ("classify_x_to_y", Classification, "Classify", "classifications { classes { score: 42 } }"),
    ("regress_x_to_y", Regression, "Regress", "regressions { value: 42 }"),
]


@pytest.mark.parametrize(("name", "kind", "method", "result"), SERVICES)
def test_services(prediction: Any, name: str, kind: Any, method: str, result: str) -> None:
    """ClassificationServiceTest, RegressionServiceTest: success, no model, no signature."""
    call = getattr(prediction, method)
    spec = 'model_spec { name: "m" signature_name: "%s" } '
    reply = call(request_of(kind, spec % name + EIGHTY), timeout=60)
    assert reply == request_of(type(reply), f"result {{ {result} }} {NAMED % name}")
    for text, code, message in (
        ("", "INVALID_ARGUMENT", "Missing ModelSpec"),
        ("model_spec {}", "INVALID_ARGUMENT", "ModelSpec has no name specified."),
        ('model_spec { name: "no" }', "NOT_FOUND", "Servable not found for request: Latest(no)"),
        (spec % "invalid_signature_name", "INVALID_ARGUMENT",
         "No signature was found with the name: invalid_signature_name"),
    ):  # fmt: skip
        assert failure(partial(call, request_of(kind, text), timeout=60)) == (
            code,
            message,
        )


def test_a_reply_names_signature_and_version(prediction: Any) -> None:
    """ModelSpecTest: an empty signature name becomes the default one."""
    for given in ("", 'signature_name: "serving_default"'):
        text = f'model_spec {{ name: "m" {given} }} ' + KEY % "x"
        reply = prediction.Predict(request_of(predict_pb2.PredictRequest, text), timeout=60)
        spec = reply.model_spec
        found = SimpleNamespace(name=spec.name, signature=spec.signature_name, version=spec.version)
        assert (found.name, found.signature, found.version.value) == ("m", "serving_default", 123)
