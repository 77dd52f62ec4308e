"""The gRPC front end: PredictionService and ModelService on the published stubs."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from . import inference
from .config_files import read_ssl
from .manager import ModelManager
from .metrics import Metrics
from .protocol import (
    CLASSIFY_METHOD,
    DEFAULT_SIGNATURE,
    Code,
    ModelAddress,
    ServingError,
    invalid,
)
from .replies import metadata_reply, status_reply
from .tensors import Tensors, write_tensor

MAX_MESSAGE_BYTES = 2**31 - 1
_CODES = {code.value[0]: code for code in grpc.StatusCode}
Reply = TypeVar("Reply")


def address_of(spec: model_pb2.ModelSpec) -> ModelAddress:
    """Return the model that a ModelSpec names."""
    choice = spec.WhichOneof("version_choice")
    return ModelAddress(
        spec.name,
        spec.version.value if choice == "version" else None,
        spec.version_label if choice == "version_label" else None,
    )


def _fill_spec(spec: model_pb2.ModelSpec, name: str, signature: str, version: int) -> None:
    spec.name = name
    spec.signature_name = signature or DEFAULT_SIGNATURE
    spec.version.value = version


class _Answering:
    """Turns ServingErrors into gRPC statuses and counts requests."""

    def __init__(self, manager: ModelManager, metrics: Metrics) -> None:
        self._manager = manager
        self._metrics = metrics

    def _answer(
        self, api: str, model: str, context: grpc.ServicerContext, work: Callable[[], Reply]
    ) -> Reply:
        start = time.perf_counter()
        status = Code.OK
        try:
            return work()
        except ServingError as error:
            status = error.code
            context.abort(_CODES[error.code.value], error.message)
        except Exception as error:  # never a traceback in an answer
            status = Code.INTERNAL
            context.abort(grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}")
        finally:
            if api:
                micros = (time.perf_counter() - start) * 1e6
                self._metrics.requests.add(model, status.name)
                self._metrics.request_latency.observe(micros, model, api, "GRPC")
        raise AssertionError("abort() raises")


class _Prediction(_Answering, prediction_service_pb2_grpc.PredictionServiceServicer):  # type: ignore[misc]
    def Predict(
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        return self._answer(
            "Predict", request.model_spec.name, context, lambda: self._predict(request)
        )

    def _predict(self, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
        spec = _spec_of(request)
        reply = predict_pb2.PredictResponse()
        with self._manager.use(address_of(spec)) as (runner, version):
            start = time.perf_counter()
            outputs = inference.predict(
                runner, spec.signature_name, Tensors(request.inputs), request.output_filter
            )
        self._ran(spec.name, "Predict", start)
        _fill_spec(reply.model_spec, spec.name, spec.signature_name, version)
        for name, array in outputs.items():
            write_tensor(array, reply.outputs[name])
        return reply

    def _ran(self, model: str, api: str, start: float) -> None:
        micros = (time.perf_counter() - start) * 1e6
        self._metrics.runtime_latency.observe(micros, model, api, "TF1")

    def Classify(
        self, request: classification_pb2.ClassificationRequest, context: grpc.ServicerContext
    ) -> classification_pb2.ClassificationResponse:
        def work() -> classification_pb2.ClassificationResponse:
            spec = _spec_of(request)
            reply = classification_pb2.ClassificationResponse()
            with self._manager.use(address_of(spec)) as (runner, version):
                examples = inference.examples_of(request.input)
                start = time.perf_counter()
                results = inference.classify(runner, spec.signature_name, examples)
            self._ran(spec.name, "Classify", start)
            _fill_spec(reply.model_spec, spec.name, spec.signature_name, version)
            _fill_classes(reply.result, results)
            return reply

        return self._answer("Classify", request.model_spec.name, context, work)

    def Regress(
        self, request: regression_pb2.RegressionRequest, context: grpc.ServicerContext
    ) -> regression_pb2.RegressionResponse:
        def work() -> regression_pb2.RegressionResponse:
            spec = _spec_of(request)
            reply = regression_pb2.RegressionResponse()
            with self._manager.use(address_of(spec)) as (runner, version):
                examples = inference.examples_of(request.input)
                start = time.perf_counter()
                results = inference.regress(runner, spec.signature_name, examples)
            self._ran(spec.name, "Regress", start)
            _fill_spec(reply.model_spec, spec.name, spec.signature_name, version)
            _fill_regressions(reply.result, results)
            return reply

        return self._answer("Regress", request.model_spec.name, context, work)

    def MultiInference(
        self, request: inference_pb2.MultiInferenceRequest, context: grpc.ServicerContext
    ) -> inference_pb2.MultiInferenceResponse:
        return self._answer("", "", context, lambda: self._multi(request))

    def _multi(
        self, request: inference_pb2.MultiInferenceRequest
    ) -> inference_pb2.MultiInferenceResponse:
        tasks = [
            inference.InferenceTask(
                task.model_spec.name, task.model_spec.signature_name, task.method_name
            )
            for task in request.tasks
        ]
        first = request.tasks[0].model_spec if request.tasks else model_pb2.ModelSpec()
        with self._manager.use(address_of(first)) as (runner, version):
            examples = inference.examples_of(request.input)
            results = inference.multi_inference(runner, tasks, examples)
        self._metrics.count_examples(first.name, len(examples))
        reply = inference_pb2.MultiInferenceResponse()
        for task, result in zip(tasks, results, strict=True):
            entry = reply.results.add()
            _fill_spec(entry.model_spec, first.name, task.signature_name, version)
            if task.method_name == CLASSIFY_METHOD:
                _fill_classes(entry.classification_result, result)
            else:
                _fill_regressions(entry.regression_result, result)
        return reply

    def GetModelMetadata(
        self,
        request: get_model_metadata_pb2.GetModelMetadataRequest,
        context: grpc.ServicerContext,
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        def work() -> get_model_metadata_pb2.GetModelMetadataResponse:
            spec = _spec_of(request)
            if not request.metadata_field:
                raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
            for field in request.metadata_field:
                if field != "signature_def":
                    raise invalid(f"Metadata field {field} is not supported")
            return metadata_reply(self._manager, address_of(spec))

        return self._answer("", "", context, work)


class _Models(_Answering, model_service_pb2_grpc.ModelServiceServicer):  # type: ignore[misc]
    def GetModelStatus(
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        return self._answer(
            "", "", context, lambda: status_reply(self._manager, address_of(_spec_of(request)))
        )

    def HandleReloadConfigRequest(
        self, request: model_management_pb2.ReloadConfigRequest, context: grpc.ServicerContext
    ) -> model_management_pb2.ReloadConfigResponse:
        def work() -> model_management_pb2.ReloadConfigResponse:
            if request.config.WhichOneof("config") != "model_config_list":
                raise invalid(
                    "ServerModelConfig type not supported by HandleReloadConfigRequest."
                    " Only ModelConfigList is currently supported"
                )
            self._manager.apply(request.config)
            reply = model_management_pb2.ReloadConfigResponse()
            reply.status.SetInParent()
            return reply

        return self._answer("", "", context, work)


def _spec_of(request: Any) -> model_pb2.ModelSpec:
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    spec: model_pb2.ModelSpec = request.model_spec
    return spec


def _fill_classes(message: classification_pb2.ClassificationResult, results: Any) -> None:
    for classes in results:
        entry = message.classifications.add()
        for label, score in classes:
            entry.classes.add(label=label, score=score)


def _fill_regressions(message: regression_pb2.RegressionResult, results: Any) -> None:
    for value in results:
        message.regressions.add(value=value)


def start_grpc(
    manager: ModelManager,
    metrics: Metrics,
    port: int,
    *,
    threads: int = 16,
    ssl_config_file: str = "",
    channel_arguments: str = "",
) -> tuple[grpc.Server, int]:
    """Start the server; return it and its port. Raises ServingError if the port is taken."""
    options: list[tuple[str, int | str]] = [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.so_reuseport", 0),  # or a second server would silently share the port
    ]
    options += _channel_arguments(channel_arguments)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="grpc")
    server = grpc.server(pool, options=options)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        _Prediction(manager, metrics), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(_Models(manager, metrics), server)
    try:
        bound = _bind(server, f"0.0.0.0:{port}", ssl_config_file)
    except RuntimeError:
        raise invalid(
            f"Failed to BuildAndStart gRPC server: port {port} is taken or not allowed"
        ) from None
    server.start()
    return server, bound


def _channel_arguments(text: str) -> list[tuple[str, int | str]]:
    pairs = [pair.partition("=") for pair in text.split(",") if pair]
    return [(k, int(v) if v.lstrip("-").isdigit() else v) for k, _, v in pairs]


def _bind(server: grpc.Server, where: str, ssl_config_file: str) -> int:
    if not ssl_config_file:
        return int(server.add_insecure_port(where))
    config = read_ssl(ssl_config_file)
    pair = (config.server_key.encode(), config.server_cert.encode())
    credentials = grpc.ssl_server_credentials(
        [pair],
        root_certificates=config.custom_ca.encode() or None,
        require_client_auth=config.client_verify,
    )
    return int(server.add_secure_port(where, credentials))
