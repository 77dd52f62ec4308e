"""Build the small SavedModels of the serving tests: python serving_models.py KIND FOLDER [ARGS]."""

from __future__ import annotations

import sys
from typing import Any

import tensorflow as tf

DTYPES = (
    *(tf.float32, tf.float64, tf.int8, tf.int16, tf.int32, tf.int64),
    *(tf.uint8, tf.uint32, tf.uint64, tf.bool, tf.string, tf.float16),
)


def spec(dtype: tf.DType, name: str, shape: Any = None) -> tf.TensorSpec:
    return tf.TensorSpec(shape, dtype, name=name)


class Many(tf.Module):
    """Signatures of every kind."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = tf.Variable(factor, name="factor")

    @tf.function(input_signature=[spec(tf.float32, "x")])
    def half_plus_two(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": self.factor * x + 2.0}

    @tf.function(input_signature=[spec(tf.float32, "image")])
    def flat(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"sum": tf.reduce_sum(tf.reshape(image, (1, 784)))}

    @tf.function(input_signature=[spec(tf.float32, "a", (None,)), spec(tf.float32, "b", (None,))])
    def two(self, a: tf.Tensor, b: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"sum": a + b, "pair": tf.stack([a, b], axis=1)}

    @tf.function(input_signature=[spec(tf.string, "text_bytes", (None,))])
    def echo(self, text_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"text": text_bytes, "text_bytes": text_bytes}

    @tf.function(input_signature=[spec(tf.float32, "x", (None,))])
    def slow(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        def body(i: tf.Tensor, m: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return i + 1, tf.linalg.matmul(m, m) / 300.0

        _, m = tf.while_loop(lambda i, _: i < 2000, body, (0, tf.ones((300, 300)) * x[0]))
        return {"y": x + m[0, 0] * 0.0}

    @tf.function(input_signature=[spec(tf.string, "inputs", (None,))])
    def classify(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        x = self.parse(inputs)
        labels = tf.tile([["low", "high"]], [tf.shape(x)[0], 1])
        return {"classes": labels, "scores": tf.concat([1.0 - x, x], axis=1)}

    @tf.function(input_signature=[spec(tf.string, "inputs", (None,))])
    def regress(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"outputs": self.factor * self.parse(inputs) + 2.0}

    @staticmethod
    def parse(inputs: tf.Tensor) -> tf.Tensor:
        return tf.io.parse_example(inputs, {"x": tf.io.FixedLenFeature([1], tf.float32)})["x"]


def identity(dtype: tf.DType) -> Any:
    return tf.function(
        lambda x: {"y": tf.identity(x)}, input_signature=[spec(dtype, "x")]
    ).get_concrete_function()


def many(folder: str, factor: str = "0.5") -> None:
    module = Many(float(factor))
    signatures = {
        "serving_default": module.half_plus_two,
        "flat": module.flat,
        "two": module.two,
        "echo": module.echo,
        "slow": module.slow,
        "classify": module.classify,
        "regress": module.regress,
        **{f"identity_{dtype.name}": identity(dtype) for dtype in DTYPES},
    }
    tf.saved_model.save(module, folder, signatures=signatures)
    updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(folder)
    for name in ("classify", "regress"):
        updater.replace_method_name(signature_key=name, method_name=f"tensorflow/serving/{name}")
    updater.save()


def echo(**dtypes: tf.DType) -> Any:
    """Return a signature whose outputs are its inputs, of any shape, under the same names."""
    return tf.function(
        lambda **inputs: {name: tf.identity(value) for name, value in inputs.items()},
    ).get_concrete_function(**{name: spec(dtype, name) for name, dtype in dtypes.items()})


class Upstream(tf.Module):
    """The signatures that the tests of the real server ask for: half of x, plus two or three."""

    def __init__(self) -> None:
        super().__init__()
        self.half = tf.Variable(0.5, name="half")
        self.counter = tf.Variable(0.0, name="counter")

    @tf.function(input_signature=[spec(tf.float32, "x")])
    def predict(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": self.half * x + 2.0}

    @tf.function(input_signature=[spec(tf.float32, "inputs")])
    def regress_x2_to_y3(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"outputs": self.half * inputs + 3.0}

    @tf.function(input_signature=[spec(tf.float32, "inputs")])
    def classify_x2_to_y3(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"scores": self.half * inputs + 3.0}

    @tf.function(input_signature=[spec(tf.string, "inputs", (None,))])
    def regress_x_to_y(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"outputs": self.half * Many.parse(inputs) + 2.0}

    @tf.function(input_signature=[spec(tf.string, "inputs", (None,))])
    def regress_x_to_y2(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"outputs": self.half * Many.parse(inputs) + 3.0}

    @tf.function(input_signature=[spec(tf.string, "inputs", (None,))])
    def classify_x_to_y(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"scores": self.half * Many.parse(inputs) + 2.0}

    @tf.function(input_signature=[])
    def get_counter(self) -> dict[str, tf.Tensor]:
        return {"output": self.counter.read_value()}

    @tf.function(input_signature=[])
    def incr_counter(self) -> dict[str, tf.Tensor]:
        return {"output": self.counter.assign_add(1.0)}

    @tf.function(input_signature=[])
    def reset_counter(self) -> dict[str, tf.Tensor]:
        return {"output": self.counter.assign(0.0)}

    @tf.function(input_signature=[spec(tf.float32, "delta")])
    def incr_counter_by(self, delta: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"output": self.counter.assign_add(tf.reshape(delta, []))}

    @tf.function(input_signature=[spec(tf.float32, "x")])
    def complexes(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.complex(x, x)}

    @tf.function(input_signature=[spec(tf.float32, "x")])
    def scalar(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.reduce_sum(x)}


def upstream(folder: str) -> None:
    module = Upstream()
    names: tuple[str, ...] = (
        "regress_x2_to_y3",
        "classify_x2_to_y3",
        "regress_x_to_y",
        "regress_x_to_y2",
    )
    names += ("classify_x_to_y", "get_counter", "incr_counter", "reset_counter", "incr_counter_by")
    names += ("complexes", "scalar")
    kinds = {"ints": tf.int32, "floats": tf.float32, "doubles": tf.float64, "strings": tf.string}
    tensors = {"int_tensor": tf.int32, "str_tensor": tf.string}
    signatures = {
        "serving_default": module.predict,
        **{name: getattr(module, name) for name in names},
        **{kind: echo(default=dtype) for kind, dtype in kinds.items()},
        "two": echo(**tensors),
        "four": echo(**tensors, float_tensor=tf.float32, dbl_tensor=tf.float64),
        "columns": echo(**tensors, bin_tensor=tf.string),
        "bytes": echo(str_tensor_bytes=tf.string),
        "all": echo(
            **tensors,
            float_tensor=tf.float32,
            double_scalar_tensor=tf.float64,
            str_tensor_bytes=tf.string,
        ),
    }
    tf.saved_model.save(module, folder, signatures=signatures)
    updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(folder)
    for name in names[:5]:
        method = f"tensorflow/serving/{name.partition('_')[0]}"
        updater.replace_method_name(signature_key=name, method_name=method)
    updater.save()


class Pair(tf.Module):
    """Two inputs of different types, two outputs; `batch` samples at a time, if it is said."""

    def __init__(self, batch: int | None) -> None:
        super().__init__()
        self.one = tf.Variable(1.0, name="one")
        numbers = spec(tf.float32, "numbers", (batch, 2))
        words = spec(tf.int32, "words", (batch, 3))
        self.call = tf.function(self._call, input_signature=[numbers, words])

    def _call(self, numbers: tf.Tensor, words: tf.Tensor) -> dict[str, tf.Tensor]:
        total = tf.reduce_sum(numbers, 1) + tf.cast(tf.reduce_sum(words, 1), tf.float32)
        return {"sum": tf.cast(total, tf.int32), "weights": self.one * numbers}


def pair(folder: str, batch: str = "") -> None:
    module = Pair(int(batch) if batch else None)
    tf.saved_model.save(module, folder, signatures={"serving_default": module.call})


if __name__ == "__main__":
    {"many": many, "pair": pair, "upstream": upstream}[sys.argv[1]](*sys.argv[2:])
