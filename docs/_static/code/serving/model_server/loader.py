"""Loading a version for the server: the model, its batching, its warm-up requests, its counters."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from . import inference
from .batching import Batcher, BatchingOptions
from .inference import Runner
from .metrics import Metrics
from .protocol import Code, ServingError, from_tensorflow, invalid
from .saved_model import ServedModel
from .tensors import Tensors

WARMUP_FILE = Path("assets.extra") / "tf_serving_warmup_requests"
MAX_WARMUP_RECORDS = 1000


@dataclass(frozen=True)
class LoadedVersion:
    """A version in memory; see LoadedVersion."""

    model: ServedModel
    batcher: Batcher | None
    runner: Runner

    def close(self) -> None:
        """Answer what is queued, then free the model."""
        if self.batcher is not None:
            self.batcher.close()
        self.model.close()


@dataclass(frozen=True)
class Loader:
    """Loads versions with the server's options; call it with name, number and folder."""

    metrics: Metrics
    tags: tuple[str, ...] = ("serve",)
    batching: BatchingOptions | None = None
    warmup: bool = True
    check_methods: bool = False

    def __call__(self, name: str, number: int, path: Path) -> LoadedVersion:
        """Load and warm up a version; raise ServingError."""
        start = time.perf_counter()
        try:
            version = self._load(name, number, path)
        except ServingError:
            self.metrics.loads.add(str(path), "fail")
            raise
        self.metrics.loads.add(str(path), "success")
        self.metrics.load_latency.add(str(path), by=_micros(start))
        return version

    def _load(self, name: str, number: int, path: Path) -> LoadedVersion:
        model = ServedModel(name, number, path, self.tags)
        batcher = None
        run = model.run
        if self.batching is not None:
            observe = self.metrics.batch_sizes.observe
            batcher = Batcher(model.run, self.batching, lambda size: observe(size, name))
            run = batcher.run
        version = LoadedVersion(model, batcher, Runner(model.signatures, run, self.check_methods))
        try:
            if self.warmup:
                self._warm_up(version.runner, path)
        except ServingError:
            version.close()
            raise
        return version

    def _warm_up(self, runner: Runner, path: Path) -> None:
        file = path / WARMUP_FILE
        if not file.is_file():
            return
        start = time.perf_counter()
        status = "INTERNAL"
        try:
            replay(runner, file)
            status = "OK"
        except ServingError as error:
            status = error.code.name
            raise
        finally:
            self.metrics.warmup_latency.observe(_micros(start), str(path), status)


def replay(runner: Runner, file: Path) -> int:
    """Run the requests of a warm-up file; return how many there were."""
    count = 0
    try:
        for record in tf.compat.v1.io.tf_record_iterator(str(file)):
            log = PredictionLog()
            try:
                log.ParseFromString(record)
            except Exception:
                raise invalid(f"Failed to parse warmup record: {record!r} from {file}") from None
            _replay_one(runner, log)
            count += 1
            if count > MAX_WARMUP_RECORDS:
                raise invalid(
                    f"Number of warmup records exceeds the maximum ({MAX_WARMUP_RECORDS}) at {file}"
                )
    except tf.errors.DataLossError as error:
        failed = from_tensorflow(error)
        raise ServingError(
            Code.DATA_LOSS, f"{failed.message}. Please verify your warmup data format."
        ) from None
    except tf.errors.OpError as error:
        raise from_tensorflow(error) from None
    return count


def _replay_one(runner: Runner, log: PredictionLog) -> None:
    kind = log.WhichOneof("log_type")
    if kind == "predict_log":
        predict = log.predict_log.request
        tensors = Tensors(predict.inputs)
        inference.predict(runner, predict.model_spec.signature_name, tensors, predict.output_filter)
    elif kind == "classify_log":
        classify = log.classify_log.request
        examples = inference.examples_of(classify.input)
        inference.classify(runner, classify.model_spec.signature_name, examples)
    elif kind == "regress_log":
        regress = log.regress_log.request
        examples = inference.examples_of(regress.input)
        inference.regress(runner, regress.model_spec.signature_name, examples)
    elif kind == "multi_inference_log":
        multi = log.multi_inference_log.request
        tasks = [
            inference.InferenceTask(t.model_spec.name, t.model_spec.signature_name, t.method_name)
            for t in multi.tasks
        ]
        inference.multi_inference(runner, tasks, inference.examples_of(multi.input))
    else:
        raise ServingError(Code.UNIMPLEMENTED, f"Unsupported log_type for warmup: {kind}")


def _micros(start: float) -> int:
    return round((time.perf_counter() - start) * 1e6)
