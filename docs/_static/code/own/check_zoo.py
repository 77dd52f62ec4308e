"""Check a zoo of small models, each unlike the others, and compare with what is expected of each.

Builds the models, takes all of them to the targets as check_deployment.py does, and writes
check_zoo.json. What is expected stands beside each model, below: that a target works, or the name
of the entry on the page of errors. Anything else ends the program with exit code 1.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import check_deployment
from artifacts import ProgramError, check_writable, run, whole

if TYPE_CHECKING:  # each function imports what it needs, so that --help needs nothing
    import keras

# What is tried of each model; TensorFlow.js takes eight seconds, so it is named where it matters.
USUAL = (
    *("savedmodel", "serving_rest", "serving_grpc"),
    *("tflite_float32", "tflite_int8", "compiled_float32", "litertjs", "micro"),
)
CONVERTED = USUAL[3:]
WORKS, FIXED, CPU = "works", "fixed sizes", "cpu backend"
# Entries of the page of errors.
NOT_READ = "has-a-layer-of-your-own"  # in a file that only the program of its author can load
NO_OPERATOR = "op-is-neither-a-custom-op-nor-a"
NO_DOUBLE = "neither-a-custom-op-nor-a-flex-op"
NOT_CALIBRATED = "crashes-tensorflow-s-calibration"
NO_TEXT = "invalid-buffer-offset"
NOT_IN_LITERTJS = "litert-js-takes-no"
NOT_IN_TFJS = "tensorflowjs-converter-failed-on"
NO_LOOP_IN_TFJS = "fusedmatmul-only-supports-rank-1-bias"
NOT_IN_MICRO = "didn-t-find-op-for-builtin-opcode"
NO_TYPE_IN_MICRO = "input-type-not-supported"
CRASHED = "crashed-sigabrt"
DIFFERS, INT8_DIFFERS = "float32-differs-from-the-model", "int8-differs-from-the-model"
Expected = dict[str, str]
ZOO: dict[str, tuple[Callable[[Path], None], Expected]] = {}


def animal(**expected: str) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    """Put a model into the zoo; `expected` names the targets that do not simply work.

    `all` stands for all usual ones. A target that is not usual is tried if it is named.
    """

    def put(build: Callable[[Path], None]) -> Callable[[Path], None]:
        every = expected.pop("all", WORKS)
        ZOO[build.__name__] = build, {**dict.fromkeys(USUAL, every), **expected}
        return build

    return put


def sequential(path: Path, *layers: Any) -> None:
    """Save the layers, one behind the other."""
    import keras

    keras.Sequential(layers).save(path.with_suffix(".keras"))


@animal(
    **dict.fromkeys(
        [f"{k}_{p}" for k in ("tflite", "compiled") for p in ("float16", "dynamic")], WORKS
    ),
    tfjs=WORKS,
    compiled_int8=WORKS,
)
def dense(path: Path) -> None:
    """Two layers."""
    from keras import Input, layers

    sequential(path, Input((4,)), layers.Dense(8, "relu"), layers.Dense(3, "softmax"))


@animal()
def regression_table(path: Path) -> None:
    """Thirteen columns, normalized in the model, and one number."""
    import numpy as np
    from keras import Input, layers

    scaled = layers.Normalization(mean=np.full(13, 0.5), variance=np.full(13, 0.1))
    sequential(path, Input((13,)), scaled, layers.Dense(16, "relu"), layers.Dense(1))


@animal(
    tflite_float32=FIXED,
    tflite_int8=NOT_CALIBRATED,
    micro=NOT_CALIBRATED,
    tfjs=NO_LOOP_IN_TFJS,
)
def lstm_any_length(path: Path) -> None:
    """A recurrent layer over sequences of any length."""
    from keras import Input, layers

    sequential(path, Input((None, 3)), layers.LSTM(4), layers.Dense(2, "softmax"))


@animal(tfjs=CPU)
def lstm_unrolled(path: Path) -> None:
    """The same, of a fixed length and unrolled."""
    from keras import Input, layers

    sequential(path, Input((6, 3)), layers.LSTM(4, unroll=True), layers.Dense(2, "softmax"))


@animal(tflite_float32=FIXED, tflite_int8=NOT_CALIBRATED, micro=NOT_CALIBRATED)
def gru(path: Path) -> None:
    """Another recurrent layer, of a fixed length."""
    from keras import Input, layers

    sequential(path, Input((10, 3)), layers.GRU(4), layers.Dense(2, "softmax"))


@animal(micro=NOT_IN_MICRO, tfjs=WORKS)
def embedding(path: Path) -> None:
    """Whole numbers below 50."""
    from keras import Input, layers

    pooled = layers.GlobalAveragePooling1D()
    sequential(
        path,
        Input((10,), dtype="int32"),
        layers.Embedding(50, 8),
        pooled,
        layers.Dense(2, "softmax"),
    )


@animal()
def named_ends(path: Path) -> None:
    """Several inputs and outputs, each with a name."""
    import keras
    from keras import layers

    inputs = {"age": keras.Input((1,), name="age"), "answers": keras.Input((6,), name="answers")}
    hidden = layers.Dense(8, "relu")(layers.Concatenate()(list(inputs.values())))
    outputs = {
        "risk": layers.Dense(1, "sigmoid")(hidden),
        "group": layers.Dense(3, "softmax")(hidden),
    }
    keras.Model(inputs, outputs).save(path.with_suffix(".keras"))


@animal(
    tflite_int8=FIXED,
    compiled_float32=NO_TEXT,
    litertjs=NOT_IN_LITERTJS,
    micro=NOT_IN_MICRO,
    tfjs=WORKS,
)
def string_lookup(path: Path) -> None:
    """Words, looked up in a table."""
    from keras import Input, layers

    table = layers.StringLookup(vocabulary=["red", "green", "blue"])
    sequential(
        path,
        Input((1,), dtype="string"),
        table,
        layers.Embedding(4, 3),
        layers.Flatten(),
        layers.Dense(2, "softmax"),
    )


@animal(**dict.fromkeys(CONVERTED, NO_OPERATOR))
def text_vectorization(path: Path) -> None:
    """Sentences, split into words and looked up."""
    from keras import Input, layers

    split = layers.TextVectorization(
        output_sequence_length=5, vocabulary=["good", "bad", "film"], max_tokens=10
    )
    sequential(
        path,
        Input((1,), dtype="string"),
        split,
        layers.Embedding(10, 4),
        layers.GlobalAveragePooling1D(),
        layers.Dense(1, "sigmoid"),
    )


def own_layer() -> keras.Layer:
    """Return a layer of a class of its own."""
    import keras

    @keras.saving.register_keras_serializable("zoo")
    class Doubled(keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            return 2 * inputs

    return Doubled()


@animal(all=NOT_READ)
def custom_layer(path: Path) -> None:
    """A class of its own, registered, in a .keras file."""
    from keras import Input, layers

    sequential(path, Input((4,)), own_layer(), layers.Dense(2))


@animal()
def custom_layer_exported(path: Path) -> None:
    """The same, exported."""
    import keras
    from keras import Input, layers

    model = keras.Sequential([Input((4,)), own_layer(), layers.Dense(2)])
    model.export(path / "1", verbose=False)


@animal(all=NOT_READ)
def lambda_layer(path: Path) -> None:
    """Python code in a .keras file, which Keras does not load."""
    from keras import Input, layers

    sequential(path, Input((4,)), layers.Lambda(lambda x: x * 2), layers.Dense(2))


@animal()
def subclassed_exported(path: Path) -> None:
    """A subclass of keras.Model, which can only be exported."""
    import keras
    import numpy as np

    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = keras.layers.Dense(6, "relu")
            self.last = keras.layers.Dense(2)

        def call(self, inputs: Any) -> Any:
            return self.last(self.hidden(inputs))

    model = Own()
    model(np.zeros((1, 5), "float32"))
    model.export(path / "1", verbose=False)


@animal()
def attention(path: Path) -> None:
    """Attention over a sequence."""
    import keras
    from keras import layers

    sequence = keras.Input((8, 16), name="sequence")
    attended = layers.MultiHeadAttention(2, 8)(sequence, sequence)
    pooled = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(attended + sequence))
    keras.Model(sequence, layers.Dense(3, "softmax")(pooled)).save(path.with_suffix(".keras"))


@animal(tfjs=WORKS)
def mobilenet(path: Path) -> None:
    """A network for pictures of 224 x 224, with random weights."""
    import keras
    import numpy as np

    network = keras.applications.MobileNet((224, 224, 3), alpha=0.25, weights=None, classes=10)
    random = np.random.default_rng(0)
    for layer in network.layers:  # Keras's own first weights let nothing through so many layers
        if layer.weights and "conv" in layer.name and "bn" not in layer.name:
            kernel, *rest = layer.get_weights()
            wide = np.sqrt(2 / np.prod(kernel.shape[: 2 if "dw" in layer.name else 3]))
            layer.set_weights([random.normal(0, wide, kernel.shape), *rest])
    network.save(path.with_suffix(".keras"))


@animal(micro=CRASHED)
def flat_softmax(path: Path) -> None:
    """Nearly the same number for each class, for which a softmax in int8 has no scale."""
    from keras import Input, initializers, layers

    tiny = initializers.RandomNormal(stddev=1e-16)
    sequential(
        path, Input((4,)), layers.Dense(3, kernel_initializer=tiny), layers.Activation("softmax")
    )


@animal()
def any_picture(path: Path) -> None:
    """Pictures of any size."""
    from keras import Input, layers

    sequential(
        path,
        Input((None, None, 3)),
        layers.Conv2D(4, 3, strides=2, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(2, "softmax"),
    )


@animal()
def fixed_batch(path: Path) -> None:
    """Four samples at a time, and no other number."""
    from keras import Input, layers

    sequential(path, Input(batch_shape=(4, 6)), layers.Dense(5, "relu"), layers.Dense(2, "softmax"))


@animal(**dict.fromkeys(CONVERTED, NO_DOUBLE))
def float64(path: Path) -> None:
    """Numbers of 64 bits."""
    from keras import Input, layers

    sequential(path, Input((4,), dtype="float64"), layers.Dense(3, "softmax", dtype="float64"))


@animal()
def conv1d(path: Path) -> None:
    """A signal."""
    from keras import Input, layers

    sequential(
        path,
        Input((64, 2)),
        layers.Conv1D(4, 5, activation="relu"),
        layers.MaxPooling1D(4),
        layers.Flatten(),
        layers.Dense(2, "softmax"),
    )


@animal()
def autoencoder(path: Path) -> None:
    """A picture out of a picture, by a transposed convolution."""
    from keras import Input, layers

    sequential(
        path,
        Input((16, 16, 1)),
        layers.Conv2D(4, 3, strides=2, padding="same", activation="relu"),
        layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid"),
    )


@animal()
def depthwise(path: Path) -> None:
    """Depthwise convolution and batch normalization."""
    from keras import Input, layers

    sequential(
        path,
        Input((16, 16, 3)),
        layers.DepthwiseConv2D(3),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.GlobalAveragePooling2D(),
        layers.Dense(2, "softmax"),
    )


@animal(micro=NOT_IN_MICRO)
def conv3d(path: Path) -> None:
    """A volume."""
    from keras import Input, layers

    sequential(
        path, Input((8, 8, 8, 1)), layers.Conv3D(2, 3), layers.Flatten(), layers.Dense(2, "softmax")
    )


@animal(litertjs=NOT_IN_LITERTJS, micro=NO_TYPE_IN_MICRO)
def uint8_picture(path: Path) -> None:
    """Bytes in, which the model scales itself."""
    from keras import Input, layers

    sequential(
        path,
        Input((12, 12, 3), dtype="uint8"),
        layers.Rescaling(1 / 255),
        layers.Conv2D(4, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(2, "softmax"),
    )


@animal()
def keras2_h5(path: Path) -> None:
    """An .h5 file that Keras 2 wrote; `pip install --no-deps -r requirements-qat.txt` has it."""
    import tf_keras

    layers = tf_keras.layers
    shape = layers.Input((5,))
    model = tf_keras.Sequential([shape, layers.Dense(4, "relu"), layers.Dense(2, "softmax")])
    model.save(path.with_suffix(".h5"))


@animal()
def two_signatures(path: Path) -> None:
    """A tf.Module, saved with two signatures; neither is the usual one."""
    import tensorflow as tf

    class Scaler(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.factor = tf.Variable([1.0, 2.0, 3.0])

        @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, "values")])
        def scale(self, values: Any) -> Any:
            return {"scaled": values * self.factor}

        @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, "values")])
        def total(self, values: Any) -> Any:
            return {"total": tf.reduce_sum(values * self.factor, axis=1)}

    module = Scaler()
    tf.saved_model.save(
        module, str(path / "1"), signatures={"scale": module.scale, "total": module.total}
    )


@animal(**dict.fromkeys(CONVERTED, NO_OPERATOR), tfjs=NOT_IN_TFJS)
def matrix_inverse(path: Path) -> None:
    """An operator that only TensorFlow has."""
    save_function(path, [None, 3, 3], lambda tf, x: tf.linalg.inv(x + 4 * tf.eye(3)))


@animal(all=DIFFERS, tflite_int8=INT8_DIFFERS, micro=NOT_IN_MICRO)
def random_noise(path: Path) -> None:
    """A model that answers differently each time."""

    def noisy(tf: Any, x: Any) -> Any:
        shape = tf.shape(x)
        return x + tf.raw_ops.RandomStandardNormal(shape=shape, dtype=tf.float32, seed=0, seed2=0)

    save_function(path, [None, 3], noisy)


def save_function(path: Path, shape: list[int | None], body: Callable[[Any, Any], Any]) -> None:
    """Save a SavedModel of a function without weights; `body` takes TensorFlow and the input."""
    import tensorflow as tf

    module = tf.Module()
    signature = [tf.TensorSpec(shape, tf.float32, "x")]
    module.function = tf.function(lambda x: {"y": body(tf, x)}, input_signature=signature)
    tf.saved_model.save(module, str(path / "1"), signatures=module.function)


def build(folder: Path, names: list[str]) -> None:
    """Build models, each into the folder, by its name."""
    import keras

    for name in names:
        keras.utils.set_random_seed(0)
        ZOO[name][0](folder / name)


def found(row: check_deployment.Row) -> str:
    """Return what a row says, in the words of an expectation."""
    if row["status"] == "works":
        return FIXED if row.get("fixed") else CPU if "backend" in row else WORKS
    if row["status"] == "not installed":
        return "not installed"
    return str(row.get("entry", row["message"]))


def outcome(job: check_deployment.Job) -> dict[str, str]:
    """Return what was found for each target; a model that cannot be read fails on all of them."""
    read = job.rows["prepare"]
    if read["status"] != "works":
        return dict.fromkeys(job.targets, found(read))
    return {target: found(job.rows[target]) for target in job.targets}


def surprises(results: dict[str, dict[str, str]]) -> Iterator[str]:
    """Yield a line for each result that is not what is expected. What is not here is not judged."""
    for name, targets in results.items():
        for target, result in targets.items():
            expected = ZOO[name][1][target]
            if result not in (expected, "not installed"):
                yield f"{name}, {target}: {result}; expected: {expected}"


def table(results: dict[str, dict[str, str]]) -> Iterator[str]:
    """Yield a line for each model: where it works, and what else there is."""
    for name, targets in results.items():
        works = [target for target, result in targets.items() if result == WORKS]
        yield f"{name}: {len(works)} of {len(targets)} work"
        reasons: dict[str, list[str]] = {}
        for target, result in targets.items():
            if result != WORKS:
                reasons.setdefault(result, []).append(target)
        for result, where in reasons.items():
            yield f"    {result}: {'all' if len(where) == len(targets) else ', '.join(where)}"


def messages(jobs: Iterable[check_deployment.Job]) -> Iterator[str]:
    """Yield each entry of the page of errors that was met, and the first message of it."""
    told: set[str] = set()
    for job in jobs:
        for row in job.rows.values():
            if (entry := row.get("entry")) and entry not in told:
                told.add(entry)
                yield f"{entry}:"
                yield f"    {row['message']}"


def main() -> None:
    """Build, check, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(ZOO)}; default: all"
    )
    parser.add_argument("--build", type=Path, metavar="FOLDER", help="only build the models, there")
    options = parser.parse_args()
    names = options.names or list(ZOO)
    if unknown := set(names) - ZOO.keys():
        raise ProgramError(f"no model {', '.join(sorted(unknown))}; there are {', '.join(ZOO)}")
    if options.build:
        build(options.build, names)
        return
    check_writable()
    with tempfile.TemporaryDirectory(prefix="zoo-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        # in a process of its own: what it registers must not be known where models are read
        command = [sys.executable, __file__, "--build", folder, *names]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise ProgramError(f"a model cannot be built: {done.stderr.strip().splitlines()[-1]}")
        jobs = [check_deployment.Job(model_at(place / n), tuple(ZOO[n][1])) for n in names]
        check_deployment.check(
            jobs, check_deployment.made(place / "checks"), 120, check_deployment.progress()
        )
        results = {name: outcome(job) for name, job in zip(names, jobs, strict=True)}
        rows = {n: check_deployment.written(job) for n, job in zip(names, jobs, strict=True)}
    with whole("check_zoo.json") as file:
        file.write_text(json.dumps({"results": results, "models": rows}, indent=1))
    print("\n".join([*table(results), "", *messages(jobs), ""]))
    wrong = list(surprises(results))
    print(f"{len(names)} models, {len(wrong)} results that were not expected")
    if wrong:
        raise ProgramError("\n  ".join(["not as expected:", *wrong]))


def model_at(path: Path) -> Path:
    """Return the file or the folder of a model that was built at `path`."""
    files = [path.with_suffix(suffix) for suffix in (".keras", ".h5")]
    return next((file for file in files if file.exists()), path / "1")


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    run(main)
