"""Try a model on one target after the other, for check_deployment.py, which starts this.

    python check_targets.py JOBS ROWS

JOBS is a JSON list of [FOLDER, TARGET]; a line is added to ROWS when one is begun and when it is
done. What crashes here ends this process and no other: the next one goes on behind it.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import check_causes
import check_inputs
import convert
import inspect_tflite
import samples
import tfjs_convert
from artifacts import PACKAGES, ProgramError, existing_saved_model
from check_inputs import Spec
from load_models import as_built, keras_model

if TYPE_CHECKING:  # each function imports what it needs, so that --help needs nothing
    import keras
    import numpy as np

    Arrays = dict[str, np.ndarray]
    Call = Callable[[Arrays], Arrays]

CHUNK = 100  # samples in a call
REQUEST_NUMBERS = 250_000  # in a request to a server
TIMED, TIMED_SECONDS = 30, 0.5  # calls with one sample, at most
ARENA = 64 << 20
# How far from the model an answer may be, as a part of the model's largest number.
TOLERANCES = {"float32": 1e-3, "float16": 2e-2, "dynamic": 0.1, "int8": 0.2}
SAME = 0.9  # of the classes: as good as a small difference where numbers are coarse
LITERTJS_TYPES = ("float32", "int32")
CRASHED = "crashed in the converter"


class NotInstalled(Exception):
    """The software of a target is not here; the text is the command that installs it."""


@dataclass
class Case:
    """A model under check, the folder for all that is made of it, and the target that is tried."""

    folder: Path
    target: str = "prepare"

    @functools.cached_property
    def asked(self) -> dict[str, Any]:
        """Return what check_deployment.py asks: model, samples, first, and the server's ports."""
        return dict(json.loads((self.folder / "case.json").read_text()))

    @functools.cached_property
    def facts(self) -> dict[str, Any]:
        """Return what prepare() found out."""
        return dict(json.loads((self.folder / "facts.json").read_text()))

    @property
    def model(self) -> Path:
        """The model's file or folder."""
        return Path(self.asked["model"])

    @property
    def saved_model(self) -> Path:
        """The SavedModel: the one that was given, or the exported one."""
        return self.folder / "served" / "1"

    @property
    def signature(self) -> str:
        """The signature that is checked."""
        return str(self.facts["signature"])

    @functools.cached_property
    def specs(self) -> dict[str, Spec]:
        """The inputs."""
        return {name: Spec(**spec) for name, spec in self.facts["inputs"].items()}

    @functools.cached_property
    def inputs(self) -> Arrays:
        """The inputs of all samples."""
        return loaded(self.folder / "inputs.npz")

    @functools.cached_property
    def reference(self) -> Arrays:
        """What the model itself answers."""
        return loaded(self.folder / "reference.npz")

    def chunks(self, size: int = CHUNK) -> Iterator[Arrays]:
        """Yield the inputs of each call."""
        yield from chunks(self.inputs, check_inputs.batch_of(self.specs), size)

    def one(self) -> Arrays:
        """Return the inputs of the smallest call."""
        return next(self.chunks(1))

    def fixed(self) -> dict[str, list[int]]:
        """Return shapes without an open dimension: one sample, the sizes of the samples."""
        return {name: list(array.shape) for name, array in self.one().items()}


def loaded(file: Path) -> Arrays:
    """Return the arrays of an .npz."""
    import numpy as np

    with np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def chunks(inputs: Arrays, batch: int | None, size: int) -> Iterator[Arrays]:
    """Yield the inputs of each call: `size` samples, or the batch that the model demands."""
    if batch is None:
        yield inputs
        return
    count = len(next(iter(inputs.values())))
    step = batch or size
    for start in range(0, count - batch + 1 if batch else count, step):
        yield {name: array[start : start + step] for name, array in inputs.items()}


def joined(parts: list[Arrays], *, rows: bool) -> Arrays:
    """Return the outputs of several calls as one."""
    import numpy as np

    if not rows:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def median_ms(call: Callable[[], Any]) -> float:
    """Return the median of the milliseconds that a call takes, behind a first one."""
    call()
    times: list[float] = []
    begun = time.perf_counter()
    while len(times) < 3 or (len(times) < TIMED and time.perf_counter() - begun < TIMED_SECONDS):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files of a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


# The model itself


def prepare(case: Case) -> dict[str, Any]:
    """Load the model, make or read inputs, ask it, export it; write what the targets need."""
    import numpy as np

    path = case.model
    if path.is_dir():
        name, specs, call = open_saved_model(path)
    else:
        name, specs, call = open_keras(path)
    arrays, labels, size = inputs_for(case, specs, call)
    batch = check_inputs.batch_of(specs)
    reference = joined(
        [call(part) for part in chunks(arrays, batch, CHUNK)], rows=batch is not None
    )
    one = next(chunks(arrays, batch, 1))
    facts = {
        "signature": name,
        "inputs": {key: asdict(spec) for key, spec in specs.items()},
        "outputs": {
            key: {"dtype": dtype_name(array.dtype), "shape": list(array.shape)}
            for key, array in reference.items()
        },
        "samples": 1 if batch is None else len(next(iter(arrays.values()))),
        "made": case.asked["samples"] is None,
        "size": size,
        "milliseconds": median_ms(lambda: call(one)),
        "labels": labels is not None,
    }
    np.savez(case.folder / "inputs.npz", allow_pickle=False, **arrays)
    np.savez(case.folder / "reference.npz", allow_pickle=False, **reference)
    if labels is not None:
        np.save(case.folder / "labels.npy", labels)
    (case.folder / "facts.json").write_text(json.dumps(facts))
    export(case)
    return {"milliseconds": facts["milliseconds"], "bytes": size_of(path)}


def dtype_name(dtype: np.dtype) -> str:
    """Return the name of a type, `string` for text."""
    return "string" if dtype.kind in "SUO" else str(dtype)


@functools.lru_cache(maxsize=1)
def network_at(path: Path) -> keras.Model:
    """Load a .keras or .h5 file, once for all targets."""
    return keras_model(path)[0]


def open_keras(path: Path) -> tuple[str, dict[str, Spec], Call]:
    """Return signature, inputs and how a Keras model answers."""
    import keras
    import tensorflow as tf

    network = network_at(path)
    specs = {
        tensor.name: Spec(keras.backend.standardize_dtype(tensor.dtype), list(tensor.shape))
        for tensor in network.inputs
    }
    for layer in all_layers(network):
        if spec := fed(layer, network, specs):
            if isinstance(layer, keras.layers.Embedding):
                spec.below = layer.input_dim
            elif spec.dtype == "string" and hasattr(layer, "get_vocabulary"):
                special = ("", "[UNK]")
                words = [w for w in layer.get_vocabulary() if w not in special]
                spec.words = words[:50] or spec.words

    def call(inputs: Arrays) -> Arrays:
        values = as_built(network, [tf.constant(inputs[t.name]) for t in network.inputs])
        return readable(samples.by_name(network.predict_on_batch(values)))

    return "serving_default", specs, call


def all_layers(network: keras.Model) -> Iterator[keras.Layer]:
    """Yield the layers of a model, with those of models in it."""
    for layer in network.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from all_layers(layer)


def fed(layer: keras.Layer, network: keras.Model, specs: dict[str, Spec]) -> Spec | None:
    """Return the input of the network that goes straight to a layer, if one does."""
    try:
        source = layer.input
    except (AttributeError, ValueError):  # used twice, or never
        return None
    named = (t.name for t in network.inputs if t is source)
    name = next(named, None)
    return specs[name] if name else None


def open_saved_model(path: Path) -> tuple[str, dict[str, Spec], Call]:
    """Return signature, inputs and how a SavedModel answers."""
    import tensorflow as tf

    existing_saved_model(path)
    signatures = loaded_saved_model(path).signatures
    if not signatures:
        raise ProgramError(f"{path} has no signature; save it with model.export")
    names = sorted(signatures)
    name = "serving_default" if "serving_default" in names else names[0]
    signature = signatures[name]
    specs = {}
    for key, spec in signature.structured_input_signature[1].items():
        if spec.shape.rank is None:
            raise ProgramError(f"{path} has an input of unknown rank, {key}; give --samples")
        specs[key] = Spec(spec.dtype.name, spec.shape.as_list())

    def call(inputs: Arrays) -> Arrays:
        outputs = signature(**{key: tf.constant(array) for key, array in inputs.items()})
        return readable({key: output.numpy() for key, output in outputs.items()})

    return name, specs, call


@functools.lru_cache(maxsize=1)
def loaded_saved_model(path: Path) -> Any:
    """Load a SavedModel, once for all targets."""
    import tensorflow as tf

    return tf.saved_model.load(str(path))


def readable(outputs: Mapping[str, Any]) -> Arrays:
    """Return outputs as arrays that NumPy can save: texts as such."""
    import numpy as np

    arrays = {name: np.asarray(value) for name, value in outputs.items()}
    return {
        name: text(array) if array.dtype.kind in "SO" else array for name, array in arrays.items()
    }


def text(array: np.ndarray) -> np.ndarray:
    """Return an array of bytes as one of texts."""
    import numpy as np

    flat = [v.decode(errors="replace") if isinstance(v, bytes) else str(v) for v in array.ravel()]
    return np.array(flat).reshape(array.shape)


def inputs_for(
    case: Case, specs: dict[str, Spec], call: Call
) -> tuple[Arrays, np.ndarray | None, int | None]:
    """Return the samples that were given, with labels, or made ones and the size chosen."""
    if file := case.asked["samples"]:
        arrays, labels = samples.for_model(file, {k: s.shape[1:] for k, s in specs.items()})
        count = case.asked["first"]
        arrays = {
            name: array[:count]
            if specs[name].dtype == "string"
            else array[:count].astype(specs[name].dtype)
            for name, array in arrays.items()
        }
        batch = check_inputs.batch_of(specs)
        whole = len(next(iter(arrays.values()))) // batch * batch if batch else count
        arrays = {name: array[:whole] for name, array in arrays.items()}
        return arrays, None if labels is None else labels[:whole], None
    return (*made_inputs(specs, call),)


def made_inputs(specs: dict[str, Spec], call: Call) -> tuple[Arrays, None, int | None]:
    """Return inputs that the model accepts: what it says of a try decides about the next.

    Raises:
        Exception: what the model says of the last one.
    """
    is_open = any(None in spec.shape[1:] for spec in specs.values())
    sizes = iter(check_inputs.sizes_to_try(specs))
    size = next(sizes)
    while True:
        arrays = check_inputs.make(specs, size)
        try:
            call(next(chunks(arrays, check_inputs.batch_of(specs), CHUNK)))
        except Exception as error:
            if narrow(specs, str(error)):
                continue
            following = next(sizes, None) if is_open else None
            if following is None:
                raise
            size = following
        else:
            return arrays, None, size if is_open else None


def narrow(specs: Mapping[str, Spec], said: str) -> bool:
    """Keep whole numbers below the limit that a model's refusal names; return whether it did."""
    found = re.search(r"is not in \[0, (\d+)\)|num_tokens=(\d+)|depth=(\d+)", said)
    if not found:
        return False
    limit = int(next(filter(None, found.groups())))
    done = False
    for spec in specs.values():
        whole = spec.dtype.startswith(("int", "uint"))
        if whole and limit < (spec.below or check_inputs.UPPER):
            spec.below, done = limit, True
    return done


def export(case: Case) -> None:
    """Put the SavedModel where a server looks for it; keep the reason if that cannot be."""
    case.saved_model.parent.mkdir(parents=True, exist_ok=True)
    if case.model.is_dir():
        try:
            case.saved_model.symlink_to(case.model.resolve(), target_is_directory=True)
        except OSError:  # Windows, without the right to
            shutil.copytree(case.model, case.saved_model)
        return
    try:
        network_at(case.model).export(case.saved_model, verbose=False)
    except Exception as error:
        shutil.rmtree(case.saved_model, ignore_errors=True)
        (case.folder / "export.failed").write_text(str(error))


def exported(case: Case) -> Path:
    """Return the SavedModel.

    Raises:
        ProgramError: with the reason why there is none.
    """
    failed = case.folder / "export.failed"
    if failed.exists():
        raise ProgramError(failed.read_text())
    return case.saved_model


# Comparing


def compare(found: Arrays, reference: Arrays, labels: np.ndarray | None) -> dict[str, Any]:
    """Return how far answers are from the model's, and how many classes are the same.

    Args:
        found, reference: outputs (n, ...) by name; `found` may hold fewer samples.
        labels: the right classes, where they are known.
    """
    import numpy as np

    pairs = [(found[mine], reference[its]) for mine, its in paired(found, reference)]
    figures: dict[str, Any] = {"largest_difference": 0.0, "relative": 0.0}
    for mine, its in pairs:
        its = its[: len(mine)] if its.ndim else its
        if mine.shape != its.shape:
            raise ProgramError(f"an output has the shape {mine.shape}, it differs from {its.shape}")
        if its.dtype.kind in "SUO":
            same = float(np.mean(mine.astype(str) == its.astype(str))) if its.size else 1.0
            figures["same"] = min(figures.get("same", 1.0), same)
            continue
        mine, its = mine.astype("float64"), its.astype("float64")
        gap = np.where(np.isnan(mine) & np.isnan(its) | (mine == its), 0.0, np.abs(mine - its))
        gap = np.nan_to_num(gap, nan=np.inf)
        largest = float(gap.max(initial=0))
        scale = float(np.abs(its[np.isfinite(its)]).max(initial=1e-6))
        figures["largest_difference"] = max(figures["largest_difference"], largest)
        figures["relative"] = max(figures["relative"], largest / scale)
    if name := samples.class_output(reference):
        mine, its = next(
            p for (_, n), p in zip(paired(found, reference), pairs, strict=True) if n == name
        )
        if its.dtype.kind == "f":
            classes = mine.argmax(1)
            figures["same"] = float(np.mean(classes == its[: len(mine)].argmax(1)))
            if labels is not None:
                figures["accuracy"] = float(np.mean(classes == labels[: len(mine)]))
    return figures


def paired(found: Arrays, reference: Arrays) -> list[tuple[str, str]]:
    """Return the names of outputs that belong together: the same, or else in the same order."""
    if found.keys() == reference.keys():
        return [(name, name) for name in reference]
    if len(found) != len(reference):
        raise ProgramError(f"it has {len(found)} outputs, which differs from {len(reference)}")

    def natural(name: str) -> list[Any]:
        return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]

    return list(zip(sorted(found, key=natural), sorted(reference, key=natural), strict=True))


def judged(case: Case, outputs: Arrays, kind: str) -> dict[str, Any]:
    """Return the comparison of a target's answers.

    Raises:
        ProgramError: if they differ by more than numbers of that kind explain.
    """
    import numpy as np

    np.savez(case.folder / f"{case.target}.answers.npz", allow_pickle=False, **outputs)
    file = case.folder / "labels.npy"
    figures = compare(outputs, case.reference, np.load(file) if file.exists() else None)
    coarse = kind in ("dynamic", "int8")
    good = figures["relative"] <= TOLERANCES[kind] or (coarse and figures.get("same", 0) >= SAME)
    if figures["relative"] == 0 and figures.get("same", 1.0) < 1:  # texts
        good = False
    if not good:
        raise Differs(
            f"{kind} differs from the model by {figures['largest_difference']:.2g}", figures
        )
    return figures


class Differs(ProgramError):
    """Answers are too far from the model's; `figures` say how far."""

    def __init__(self, message: str, figures: dict[str, Any]) -> None:
        """Take the text and the figures."""
        super().__init__(message)
        self.figures = figures


def measured(case: Case, call: Call, kind: str, path: Path, size: int = CHUNK) -> dict[str, Any]:
    """Run a target over all samples and return its row."""
    row = checked(case, call, kind, path, size)
    one = case.one()
    return {**row, "milliseconds": median_ms(lambda: call(one))}


def checked(case: Case, call: Call, kind: str, path: Path, size: int) -> dict[str, Any]:
    """Return the same without the time, which says nothing where another machine will run it."""
    batch = check_inputs.batch_of(case.specs)
    outputs = joined([readable(call(part)) for part in case.chunks(size)], rows=batch is not None)
    return {"bytes": size_of(path), **judged(case, outputs, kind)}


# SavedModel and servers


def savedmodel(case: Case) -> dict[str, Any]:
    """Restore and run the graph in a session, as the loader in C++ does."""
    import tensorflow as tf

    folder = exported(case)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        graph = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
        signature = graph.signature_def[case.signature]
        fetched = {name: info.name for name, info in signature.outputs.items()}

        def call(inputs: Arrays) -> Arrays:
            feeds = {signature.inputs[name].name: array for name, array in inputs.items()}
            return dict(session.run(fetched, feeds))

        return measured(case, call, "float32", folder)


def request_size(case: Case) -> int:
    """Return how many samples go into a request."""
    numbers = max(array[:1].size if array.ndim else 1 for array in case.inputs.values())
    return max(1, min(CHUNK, REQUEST_NUMBERS // max(numbers, 1)))


def await_server(case: Case, session: Any) -> str:
    """Return the address of the model on the server, once it is loaded.

    Raises:
        ProgramError: with the server's reason, if it cannot load it.
    """
    url = f"{case.asked['rest']}/v1/models/{case.asked['name']}"
    end = time.monotonic() + 60
    while True:
        try:
            answer = session.get(url, timeout=10).json()
            states = answer.get("model_version_status", [])
        except Exception as error:  # not up yet
            states, answer = [], str(error)
        for state in states:
            if state["state"] == "AVAILABLE":
                return url
            if message := state.get("status", {}).get("error_message"):
                raise ProgramError(message)
        if time.monotonic() > end:
            raise ProgramError(f"the model server does not answer: {answer}")
        time.sleep(0.1)


def serving_rest(case: Case) -> dict[str, Any]:
    """Ask the model server over REST."""
    import model_client
    import numpy as np
    import requests

    folder = exported(case)
    with requests.Session() as session:
        url = await_server(case, session)

        def call(inputs: Arrays) -> Arrays:
            body = {"signature_name": case.signature, "inputs": inputs}
            answer = session.post(f"{url}:predict", data=model_client.json_body(body), timeout=60)
            content = answer.json()
            if not answer.ok:
                raise ProgramError(content["error"])
            outputs = content["outputs"]
            if not isinstance(outputs, dict):
                outputs = {next(iter(case.reference)): outputs}
            return {name: np.array(values) for name, values in outputs.items()}

        return measured(case, call, "float32", folder, request_size(case))


def serving_grpc(case: Case) -> dict[str, Any]:
    """Ask the model server over gRPC."""
    import grpc
    import grpc_client
    import model_client
    import requests
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    folder = exported(case)
    with requests.Session() as session:
        await_server(case, session)
    spec = model_client.model_spec(case.asked["name"], case.signature)
    with grpc.insecure_channel(case.asked["grpc"], options=grpc_client.OPTIONS) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

        def call(inputs: Arrays) -> Arrays:
            answer = grpc_client.call(stub.Predict, grpc_client.predict_request(spec, inputs), 60)
            return {name: tf.make_ndarray(tensor) for name, tensor in answer.outputs.items()}

        return measured(case, call, "float32", folder, request_size(case))


# TensorFlow Lite


def converter(case: Case, *, fixed: bool) -> Any:
    """Return a new converter, for the sizes as they are or all of them fixed."""
    import tensorflow as tf

    lite = tf.lite.TFLiteConverter
    if case.model.is_dir():
        if not fixed:
            return lite.from_saved_model(str(case.model), signature_keys=[case.signature])
        return from_signature(case)
    if not fixed:
        network = network_at(case.model)
        import keras

        by_name = not isinstance(network, keras.Sequential) and isinstance(network.input, dict)
        if not by_name:
            return lite.from_keras_model(network)
        shapes = {tensor.name: list(tensor.shape) for tensor in network.inputs}
    else:
        shapes = case.fixed()
    return lite.from_keras_model(rebuilt(network_at(case.model), shapes))


def rebuilt(network: keras.Model, shapes: Mapping[str, list[int | None]]) -> keras.Model:
    """Return a model with the same layers, its inputs in a list and of these shapes."""
    import keras

    inputs = [
        keras.Input(batch_shape=shapes[t.name], dtype=t.dtype, name=t.name) for t in network.inputs
    ]
    return keras.Model(inputs, network(as_built(network, inputs)))


def from_signature(case: Case) -> Any:
    """Return a converter for a signature of a SavedModel, with fixed sizes."""
    import tensorflow as tf

    model = loaded_saved_model(case.model)
    signature = model.signatures[case.signature]
    specs = {
        name: tf.TensorSpec(shape, case.specs[name].dtype, name)
        for name, shape in case.fixed().items()
    }
    function = tf.function(lambda **inputs: signature(**inputs)).get_concrete_function(**specs)
    return tf.lite.TFLiteConverter.from_concrete_functions([function], model)


def tflite(case: Case, precision: str, *, fixed: bool) -> Path:
    """Return the .tflite of a precision, made once for all targets that need it.

    Raises:
        ProgramError: with the converter's reason, also if that was found out before.
    """
    file = case.folder / f"{'fixed' if fixed else 'open'}_{precision}.tflite"
    failed = file.with_suffix(".failed")
    if failed.exists():
        raise ProgramError(failed.read_text())
    if file.exists():
        return file
    failed.write_text(f"{CRASHED} to {precision}")  # stays if the process ends here
    try:
        made = converter(case, fixed=fixed)
        batch = check_inputs.batch_of(case.specs)
        calibration = {name: array[: convert.CALIBRATION] for name, array in case.inputs.items()}
        convert.set_precision(made, precision, calibration, 1)
        if precision == "int8":
            made.representative_dataset = lambda: chunks(calibration, batch, 1)
            if not all(spec.dtype == "float32" for spec in case.specs.values()):
                import tensorflow as tf

                made.inference_input_type = made.inference_output_type = tf.float32
        content = made.convert()
    except Exception as error:
        failed.write_text(str(error) or type(error).__name__)
        raise
    file.write_bytes(content)
    failed.unlink()
    return file


def open_or_fixed(case: Case, precision: str) -> tuple[Path, dict[str, Any]]:
    """Return the .tflite as a plain conversion gives it, or the one with fixed sizes and why."""
    try:
        return tflite(case, precision, fixed=False), {}
    except Exception as error:
        first = str(error)
        if first.startswith(CRASHED) or not any(None in spec.shape for spec in case.specs.values()):
            raise
    file = tflite(case, precision, fixed=True)
    return file, {"fixed": True, **check_causes.row(first)}


def interpreter(case: Case, precision: str) -> dict[str, Any]:
    """Convert, and run with the Interpreter."""
    file, note = open_or_fixed(case, precision)
    size = 1 if note else CHUNK
    return {**measured(case, with_interpreter(file), precision, file, size), **note}


def with_interpreter(file: Path) -> Call:
    """Return how a .tflite answers in the Interpreter."""
    from ai_edge_litert.interpreter import Interpreter

    # by its content: LiteRT maps a file, which nothing could replace while it is used
    runner = Interpreter(model_content=file.read_bytes()).get_signature_runner()
    sources, targets = runner.get_input_details(), runner.get_output_details()

    def call(inputs: Arrays) -> Arrays:
        fed = {name: convert.quantize(inputs[name], sources[name]) for name in sources}
        return {name: convert.dequantize(v, targets[name]) for name, v in runner(**fed).items()}

    return call


def compiled(case: Case, precision: str) -> dict[str, Any]:
    """Convert with fixed sizes, and run with CompiledModel, one sample at a time."""
    import numpy as np
    from ai_edge_litert.compiled_model import CompiledModel
    from ai_edge_litert.interpreter import Interpreter

    file = tflite(case, precision, fixed=True)
    content = file.read_bytes()
    details = Interpreter(model_content=content).get_signature_runner()
    sources, targets = details.get_input_details(), details.get_output_details()
    with CompiledModel.from_buffer(content) as model:
        key = next(iter(model.get_signature_list()))
        into = {name: model.create_input_buffer_by_name(key, name) for name in sources}
        out = {name: model.create_output_buffer_by_name(key, name) for name in targets}

        def call(inputs: Arrays) -> Arrays:
            for name, buffer in into.items():
                buffer.write(np.ascontiguousarray(convert.quantize(inputs[name], sources[name])))
            model.run_by_name(key, into, out)
            answers = {}
            for name, buffer in out.items():
                shape = targets[name]["shape"]
                values = buffer.read(int(np.prod(shape)), targets[name]["dtype"]).reshape(shape)
                answers[name] = convert.dequantize(values, targets[name])
            return answers

        return measured(case, call, precision, file, 1)


def litertjs(case: Case) -> dict[str, Any]:
    """Check what LiteRT.js demands of a file, and what the file answers."""
    from ai_edge_litert import schema_py_generated as schema

    file = tflite(case, "float32", fixed=True)
    model = inspect_tflite.parse(file.read_bytes())
    foreign = [name for name in inspect_tflite.operators(model) if " " not in name]
    if foreign:
        raise ProgramError(f"TF Select ops: {', '.join(foreign)}")
    names = inspect_tflite.names_of(schema.TensorType)
    graph = model.subgraphs[0]
    for index in [*graph.inputs, *graph.outputs]:
        kind = names[graph.tensors[index].type].lower()
        if kind not in LITERTJS_TYPES:
            raise ProgramError(f"LiteRT.js takes no {kind}, only {' and '.join(LITERTJS_TYPES)}")
    return checked(case, with_interpreter(file), "float32", file, 1)


def micro(case: Case) -> dict[str, Any]:
    """Run the int8 file in the interpreter of microcontrollers."""
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter
    from tflite_micro import runtime

    file = tflite(case, "int8", fixed=True)
    content = file.read_bytes()
    plain = Interpreter(model_content=content)
    runner = plain.get_signature_runner()
    places = [
        [detail["index"] for detail in side]
        for side in (plain.get_input_details(), plain.get_output_details())
    ]
    sources, targets = runner.get_input_details(), runner.get_output_details()
    micro = runtime.Interpreter.from_bytes(content, arena_size=ARENA)

    def call(inputs: Arrays) -> Arrays:
        for name, source in sources.items():
            value = np.ascontiguousarray(convert.quantize(inputs[name], source))
            micro.set_input(value, places[0].index(source["index"]))
        micro.invoke()
        return {
            name: convert.dequantize(micro.get_output(places[1].index(target["index"])), target)
            for name, target in targets.items()
        }

    return checked(case, call, "int8", file, 1)


# TensorFlow.js


def tfjs(case: Case) -> dict[str, Any]:
    """Convert to a graph model, and run it in Node."""
    folder = exported(case)
    try:
        program = tfjs_convert.find_converter()
    except ProgramError as error:
        raise NotInstalled("python tfjs_env.py") from error
    node = shutil.which("node")
    if node is None:
        raise NotInstalled("Node.js, from https://nodejs.org")
    target = case.folder / "tfjs"
    options = [f"--signature_name={case.signature}"]
    size = tfjs_convert.convert(program, folder, options, str(target))
    calls, answers = case.folder / "calls.json", case.folder / "answers.json"
    asked = {"calls": [for_node(part) for part in case.chunks()], "one": for_node(case.one())}
    calls.write_text(json.dumps(asked))
    command = [node, str(Path(__file__).with_name("check_node.mjs")), str(target)]
    done = subprocess.run([*command, str(calls), str(answers)], capture_output=True, text=True)
    if "npm ci" in done.stderr:
        raise NotInstalled("npm ci --omit=dev")
    if done.returncode:
        raise ProgramError(done.stderr)
    found = json.loads(answers.read_text())
    if "answers" not in found:
        raise ProgramError("\n".join(found["reasons"]))
    batch = check_inputs.batch_of(case.specs)
    outputs = joined([from_node(part) for part in found["answers"]], rows=batch is not None)
    row = {"bytes": size, **judged(case, outputs, "float32"), "milliseconds": found["milliseconds"]}
    if found["backend"] == "cpu":
        row |= {"backend": "cpu", **check_causes.row("\n".join(found["reasons"]))}
    return row


def for_node(inputs: Arrays) -> dict[str, Any]:
    """Return inputs as JSON has them, in the types that TensorFlow.js has."""
    types = {"f": "float32", "i": "int32", "u": "int32", "b": "bool", "U": "string"}
    return {
        name: {
            "shape": array.shape,
            "dtype": types[array.dtype.kind],
            "values": array.ravel().tolist(),
        }
        for name, array in inputs.items()
    }


def from_node(outputs: Mapping[str, Any]) -> Arrays:
    """Return outputs as arrays."""
    import numpy as np

    return {
        name: np.array(output["values"]).reshape(output["shape"])
        for name, output in outputs.items()
    }


PRECISIONS = convert.PRECISIONS
TARGETS: dict[str, Callable[[Case], dict[str, Any]]] = {
    "prepare": prepare,
    "savedmodel": savedmodel,
    "serving_rest": serving_rest,
    "serving_grpc": serving_grpc,
    **{f"tflite_{p}": functools.partial(interpreter, precision=p) for p in PRECISIONS},
    **{f"compiled_{p}": functools.partial(compiled, precision=p) for p in PRECISIONS},
    "tfjs": tfjs,
    "litertjs": litertjs,
    "micro": micro,
}


def attempt(case: Case, target: str, log: Path) -> dict[str, Any]:
    """Return the row of a target, whatever happens."""
    start = log.stat().st_size if log.exists() else 0
    case.target = target
    try:
        return {"status": "works", **TARGETS[target](case)}
    except NotInstalled as error:
        return {"status": "not installed", "message": str(error)}
    except ModuleNotFoundError as error:
        if error.name not in PACKAGES:
            raise
        return {"status": "not installed", "message": f"pip install -r {PACKAGES[error.name][1]}"}
    except Exception as error:  # each library has classes of its own
        said = str(error) or type(error).__name__
        with log.open("rb") as file:  # what native code says of it
            file.seek(start)
            native = file.read().decode(errors="replace")
        row = {"status": "fails", **getattr(error, "figures", {}), **check_causes.row(said)}
        if "entry" not in row:
            more = check_causes.row(f"{native}\n{said}")
            row |= more if "cause" in more else {}
        return row


def main() -> None:
    """Do the jobs."""
    jobs, rows = map(Path, sys.argv[1:3])
    log = rows.with_suffix(".log")
    with log.open("wb") as output:  # of native code, too
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    with rows.open("a", encoding="utf-8") as file:

        def tell(**line: Any) -> None:
            file.write(json.dumps(line) + "\n")
            file.flush()

        case = None
        for number, (folder, target) in enumerate(json.loads(jobs.read_text())):
            tell(begun=number)
            if case is None or case.folder != Path(folder):
                case = Case(Path(folder))
            since = time.perf_counter()
            row = attempt(case, target, log)
            tell(done=number, row={**row, "seconds": round(time.perf_counter() - since, 1)})
        tell(end=True)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    main()
