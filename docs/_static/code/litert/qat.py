"""Train a classifier a little further with quantization simulated, and convert it to int8.

Reads a Sequential model NAME.keras of standard layers; writes NAME_qat_int8.tflite, with a batch
of one. The model is built again in Keras 2 with its weights, since what simulates quantization,
tensorflow-model-optimization, knows no other. Nothing of Keras 3 changes for other programs.
"""

from __future__ import annotations

import argparse
import io
import os
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mnist_data
import samples
from artifacts import ProgramError, at_least, check_writable, load_keras, name_of, run, whole

if TYPE_CHECKING:  # each function imports what it needs, so that --help needs nothing
    import keras
    import numpy as np

BATCH = 16  # many small steps: the ranges are averages over some hundred of them
RATE = 1e-4  # the weights are good already
PLAIN = (str, int, float, bool, tuple, list)  # what a setting of both versions looks like


def in_keras_2(trained: keras.Sequential) -> Any:
    """Return the same network as a tf_keras model with the same weights.

    Raises:
        ProgramError: if it is no Sequential, or has a layer that Keras 2 lacks.
    """
    import keras
    import tf_keras

    if not isinstance(trained, keras.Sequential):
        raise ProgramError("this program takes a Sequential model; build others in tf_keras")
    source = trained.inputs[0]
    model = tf_keras.Sequential([tf_keras.Input(source.shape[1:], name=source.name)])
    for layer in trained.layers:
        kind = getattr(tf_keras.layers, type(layer).__name__, None)
        if kind is None:
            raise ProgramError(f"Keras 2 has no layer {type(layer).__name__}")
        config = {k: v for k, v in layer.get_config().items() if isinstance(v, PLAIN)}
        for new in ("dtype", "quantization_config"):  # which Keras 3 says in another way
            config.pop(new, None)
        model.add(kind.from_config(config))
    model.set_weights(trained.get_weights())
    return model


def train(model: Any, images: np.ndarray, labels: np.ndarray, seed: int) -> Any:
    """Return the model with quantization simulated, trained on samples (n, ...) and labels (n,)."""
    import tensorflow_model_optimization as tfmot
    import tf_keras

    tf_keras.utils.set_random_seed(seed)
    aware = tfmot.quantization.keras.quantize_model(model)
    aware.compile(tf_keras.optimizers.Adam(RATE), "sparse_categorical_crossentropy")
    aware.fit(images, labels, batch_size=BATCH, epochs=1, verbose=0)
    return aware


def to_int8(model: Any) -> bytes:
    """Return the .tflite; names of input and output are those of `model.export`."""
    import tensorflow as tf

    source = model.inputs[0]
    spec = tf.TensorSpec((1, *source.shape[1:]), source.dtype, name=source.name)
    serve = tf.function(lambda x: {"output_0": model(x, training=False)}, input_signature=[spec])
    function = serve.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the statistics that training has taken
        content: bytes = converter.convert()
    return content


def training_samples(file: str | None, data: str | None, model: keras.Model) -> tuple[Any, Any]:
    """Return samples (n, ...) and labels (n,): of an .npz, or the tutorial's training digits."""
    if file is None:
        import mnist_cnn

        digits = mnist_data.load(data)
        return mnist_cnn.prepare(digits.x_train), digits.y_train
    shapes = {tensor.name: tensor.shape[1:] for tensor in model.inputs}
    inputs, labels = samples.for_model(file, shapes, "--training")
    if labels is None:
        raise ProgramError(f"{file} has no labels; save them as `labels`")
    return next(iter(inputs.values())), labels


def main() -> None:
    """Build again, train, convert."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "model", nargs="?", type=Path, default="mnist_cnn.keras", help="default: %(default)s"
    )
    parser.add_argument("--training", metavar="FILE", help="an .npz with samples and labels")
    parser.add_argument("--first", type=at_least(1), default=4000, help="samples (default: 4000)")
    parser.add_argument("--seed", type=at_least(0), default=0, help="default: 0")
    mnist_data.add_argument(parser)
    options = parser.parse_args()
    check_writable()
    os.environ["TF_USE_LEGACY_KERAS"] = "1"  # before the first import of TensorFlow: tf.keras is 2
    try:
        import tensorflow_model_optimization  # noqa: F401 - takes seconds
    except ModuleNotFoundError as error:
        raise ProgramError(
            f"{error.name} is not installed; run `pip install --no-deps -r requirements-qat.txt`"
        ) from error
    trained = load_keras(options.model)
    model = in_keras_2(trained)
    images, labels = training_samples(options.training, options.data, trained)
    aware = train(model, images[: options.first], labels[: options.first], options.seed)
    content = to_int8(aware)
    target = f"{name_of(options.model)}_qat_int8.tflite"
    with whole(target) as path:
        path.write_bytes(content)
    print(f"trained on {len(labels[: options.first]):,} samples; {target}: {len(content):,} bytes")


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    run(main)
