# ruff: noqa: E501 - texts of the server in one piece
"""gRPC of the model server emulation, on the published stubs and with an independent client."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import ovmsclient
import pytest
import serving_models
import tensorflow as tf
from serving_support import Server, export, serve_folder
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
SIGNATURE_DEF = "signature_def"


def prediction(server: Server) -> Any:
    channel = grpc.insecure_channel(server.grpc, options=OPTIONS)
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


def models(server: Server) -> Any:
    return model_service_pb2_grpc.ModelServiceStub(grpc.insecure_channel(server.grpc))


def predict_request(
    inputs: dict[str, Any], signature: str = "", model: str = "m"
) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return request


def example(**features: float) -> tf.train.Example:
    built = tf.train.Example()
    for name, value in features.items():
        built.features.feature[name].float_list.value.append(value)
    return built


def failure(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code().name, caught.value.details()


def test_predict(many: Server) -> None:
    answer = prediction(many).Predict(
        predict_request({"x": np.array([1, 2, 5], np.float32)}), timeout=60
    )
    assert list(answer.outputs["y"].float_val) == [2.5, 3.0, 4.5]  # typed, not tensor_content
    assert not answer.outputs["y"].tensor_content
    spec = answer.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == ("m", 1, "serving_default")


@pytest.mark.parametrize("dtype", serving_models.DTYPES, ids=lambda dtype: dtype.name)
def test_every_dtype(many: Server, dtype: tf.DType) -> None:
    values: Any = {tf.string: [b"a", b"\xff"], tf.bool: [True, False]}.get(dtype, [[0, 1], [1, 0]])
    tensor = tf.make_tensor_proto(values, dtype)
    request = predict_request({}, f"identity_{dtype.name}")
    request.inputs["x"].CopyFrom(tensor)
    answer = prediction(many).Predict(request, timeout=60)
    back = tf.make_ndarray(answer.outputs["y"])
    assert answer.outputs["y"].dtype == dtype.as_datatype_enum
    np.testing.assert_array_equal(back, tf.make_ndarray(tensor))


def test_output_filter(many: Server) -> None:
    request = predict_request(
        {"a": np.array([1], np.float32), "b": np.array([2], np.float32)}, "two"
    )
    request.output_filter.append("sum")
    assert list(prediction(many).Predict(request, timeout=60).outputs) == ["sum"]
    request.output_filter.append("sum")
    assert failure(lambda: prediction(many).Predict(request)) == (
        "INVALID_ARGUMENT",
        "duplicate output tensor alias: sum",
    )


def test_a_large_message(many: Server) -> None:
    x = np.zeros(8 << 20, np.float32)
    answer = prediction(many).Predict(predict_request({"x": x}), timeout=120)
    assert len(answer.outputs["y"].float_val) == x.size


def classify_request(name: str = "classify") -> classification_pb2.ClassificationRequest:
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name, request.model_spec.signature_name = "m", name
    request.input.example_list.examples.extend([example(x=0.25), example(x=1.0)])
    return request


def test_classify(many: Server) -> None:
    answer = prediction(many).Classify(classify_request(), timeout=60)
    found = [[(c.label, c.score) for c in e.classes] for e in answer.result.classifications]
    assert found == [[("low", 0.75), ("high", 0.25)], [("low", 0.0), ("high", 1.0)]]


def test_regress_with_a_context(many: Server) -> None:
    request = regression_pb2.RegressionRequest()
    request.model_spec.name, request.model_spec.signature_name = "m", "regress"
    held = request.input.example_list_with_context
    held.context.CopyFrom(example(x=3.0))
    held.examples.extend([tf.train.Example(), example(x=1.0)])
    answer = prediction(many).Regress(request, timeout=60)
    assert [r.value for r in answer.result.regressions] == [3.5, 2.5]


def multi_request(*names: str) -> inference_pb2.MultiInferenceRequest:
    request = inference_pb2.MultiInferenceRequest()
    request.input.example_list.examples.append(example(x=0.25))
    for name in names:
        task = request.tasks.add(method_name=f"tensorflow/serving/{name}")
        task.model_spec.name, task.model_spec.signature_name = "m", name
    return request


def test_multi_inference(many: Server) -> None:
    request = multi_request("classify")
    answer = prediction(many).MultiInference(request, timeout=60)
    (result,) = answer.results
    assert result.model_spec.signature_name == "classify"
    assert [c.label for c in result.classification_result.classifications[0].classes] == [
        "low",
        "high",
    ]
    assert failure(
        lambda: prediction(many).MultiInference(multi_request("classify", "classify"))
    ) == (
        "INVALID_ARGUMENT",
        "Duplicate evaluation of signature: classify",
    )
    both = prediction(many).MultiInference(multi_request("classify", "regress"), timeout=60)
    assert both.results[1].regression_result.regressions[0].value == 2.125


def test_metadata(many: Server) -> None:
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=[SIGNATURE_DEF])
    request.model_spec.name = "m"
    answer = prediction(many).GetModelMetadata(request, timeout=60)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert answer.metadata[SIGNATURE_DEF].Unpack(signatures)
    assert set(signatures.signature_def["two"].inputs) == {"a", "b"}
    assert answer.model_spec.version.value == 1
    request.metadata_field[0] = "nope"
    assert failure(lambda: prediction(many).GetModelMetadata(request)) == (
        "INVALID_ARGUMENT",
        "Metadata field nope is not supported",
    )


def test_status(many: Server) -> None:
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "m"
    (version,) = models(many).GetModelStatus(request, timeout=60).model_version_status
    assert (version.version, version.state) == (1, version.AVAILABLE)
    request.model_spec.version.value = 99
    assert failure(lambda: models(many).GetModelStatus(request)) == (
        "NOT_FOUND",
        "Could not find version 99 of model m",
    )


X = {"x": np.array([1], np.float32)}


@pytest.mark.parametrize(
    ("request_", "code", "text"),
    [
        (predict_pb2.PredictRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
        (predict_request(X, model="foo"), "NOT_FOUND", "Servable not found for request: Latest(foo)"),
        (predict_request(X, "nope"), "FAILED_PRECONDITION", 'Serving signature key "nope" not found.'),
        (predict_request({}), "INVALID_ARGUMENT",
         "input size does not match signature: 0!=1 len({}) != len({x}). Sent extra: {}."
         " Missing but required: {x}."),
        (predict_request({"z": np.array([1], np.float32)}), "INVALID_ARGUMENT",
         "input tensor alias not found in signature: z. Inputs expected to be in the set {x}."),
    ],
)  # fmt: skip
def test_error_texts(many: Server, request_: Any, code: str, text: str) -> None:
    assert failure(lambda: prediction(many).Predict(request_, timeout=60)) == (code, text)


def test_tensors_that_do_not_hold_what_they_say(many: Server) -> None:
    short = predict_request({"x": np.zeros(4, np.float32)})
    short.inputs["x"].tensor_shape.dim[0].size = 5
    short.inputs["x"].tensor_content = b"123"
    huge = predict_request({"x": np.array([1], np.float32)})
    huge.inputs["x"].tensor_shape.dim[0].size = 1 << 50
    nothing = predict_request({"x": np.array([1], np.float32)})
    nothing.inputs["x"].dtype = 0
    for request in (short, huge, nothing):
        assert failure(partial(prediction(many).Predict, request, timeout=60)) == (
            "INVALID_ARGUMENT",
            "tensor parsing error: x",
        )


def test_a_wrong_type(many: Server) -> None:
    request = predict_request({"x": np.array([1], np.float64)})
    code, text = failure(lambda: prediction(many).Predict(request, timeout=60))
    assert code == "INVALID_ARGUMENT"
    assert "float" in text


def test_labels_and_reload(many_model: Path) -> None:
    with serve_folder("m", many_model) as server:
        server.ready()
        request = model_management_pb2.ReloadConfigRequest()
        config = request.config.model_config_list.config.add(
            name="m", base_path=str(many_model), model_platform="tensorflow"
        )
        config.version_labels["stable"] = 1
        assert models(server).HandleReloadConfigRequest(request, timeout=60).status.error_code == 0
        labelled = predict_request(X)
        labelled.model_spec.version_label = "stable"
        assert prediction(server).Predict(labelled, timeout=60).model_spec.version.value == 1
        assert server.ask("/v1/models/m/labels/stable:predict", {"instances": [1.0]})[0] == 200
        config.version_labels["canary"] = 2
        assert failure(lambda: models(server).HandleReloadConfigRequest(request)) == (
            "FAILED_PRECONDITION",
            "Request to assign label to version 2 of model m, which is not currently available"
            " for inference",
        )
        request.config.ClearField("model_config_list")
        code, text = failure(lambda: models(server).HandleReloadConfigRequest(request))
        assert (code, text[:36]) == ("INVALID_ARGUMENT", "ServerModelConfig type not supported")
        request.config.model_config_list.config.add(
            name="other", base_path=str(many_model), model_platform="tensorflow"
        )
        models(server).HandleReloadConfigRequest(request, timeout=60)
        assert server.ask("/v1/models/other:predict", {"instances": [1.0]})[0] == 200
        assert server.error("/v1/models/m:predict", {"instances": [1.0]})[0] == 404
        assert '"state": "END"' in server.ask("/v1/models/m")[1]


def test_ovmsclient(many: Server) -> None:
    for client in (
        ovmsclient.make_grpc_client(many.grpc),
        ovmsclient.make_http_client(many.rest.removeprefix("http://")),
    ):
        status = client.get_model_status(model_name="m", model_version=1)
        assert status[1]["state"] == "AVAILABLE"
        metadata = client.get_model_metadata(model_name="m", model_version=1)
        if "metadata" in metadata:  # over REST it knows only OpenVINO's spelling of the fields
            metadata = metadata["metadata"]["signature_def"]["signature_def"]["serving_default"]
        assert metadata["inputs"]["x"]["dtype"] == "DT_FLOAT"
        answer = client.predict(
            {"x": np.array([1, 2, 5], np.float32)}, model_name="m", model_version=1
        )
        np.testing.assert_array_equal(answer, [2.5, 3.0, 4.5])
        with pytest.raises(ovmsclient.tfs_compat.base.errors.ModelNotFoundError):
            client.get_model_status(model_name="foo", model_version=1)


def test_the_same_answer_over_both(many: Server) -> None:
    values = np.random.default_rng(0).normal(size=50).astype(np.float32)
    status, text = many.ask("/v1/models/m:predict", {"instances": values.astype(float).tolist()})
    answer = prediction(many).Predict(predict_request({"x": values}), timeout=60)
    assert status == 200
    rest = np.array(json.loads(text)["predictions"]).astype(np.float32)
    np.testing.assert_array_equal(rest, tf.make_ndarray(answer.outputs["y"]))


def test_another_model_takes_the_same_requests(tmp_path: Path) -> None:
    export(tmp_path / "1", "many", "2.0")
    with serve_folder("m", tmp_path) as server:
        server.ready()
        assert list(prediction(server).Predict(predict_request(X)).outputs["y"].float_val) == [4.0]
