"""Export a model that takes raw pictures, under signatures with names of our own.

Reads mnist_cnn.keras and mnist_cnn_samples.npz, writes custom_model/1/ and picture.npy.
"""

# `model.export` makes one signature with float inputs; a tf.Module decides itself what comes in and
# what goes out.

from __future__ import annotations

import argparse

if __name__ == "__main__":  # before the imports below, so that --help needs nothing
    argparse.ArgumentParser(description=__doc__).parse_args()

import keras
import numpy as np
import samples
import tensorflow as tf
from artifacts import load_keras, run, whole

PICTURES = tf.TensorSpec((None, 28, 28), tf.uint8, name="pictures")
PNG = tf.TensorSpec((None,), tf.string, name="png_bytes")


class DigitReader(tf.Module):
    """The network with its preparation: what is exported cannot be fed wrongly scaled pictures."""

    def __init__(self, network: keras.Model) -> None:
        """Keep `network` as an attribute, so that its weights are saved with the module."""
        super().__init__()
        self.network = network
        # Without this, loaders in C++ (TensorFlow Serving, saved_model_cli) do not restore the
        # weights of a Keras 3 model: "Could not find variable" (keras-team/keras#20095).
        self.kept = [variable.value for variable in network.variables]

    @tf.function(input_signature=[PICTURES])
    def read_pictures(self, pictures: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return label and probability of uint8 pictures (n, 28, 28), light on dark."""
        images = tf.cast(pictures, tf.float32)[..., tf.newaxis] / 255.0
        probabilities = self.network(images, training=False)
        return {
            "label": tf.argmax(probabilities, axis=1),
            "probability": tf.reduce_max(probabilities, axis=1),
        }

    @tf.function(input_signature=[PNG])
    def read_png(self, png_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the same for the bytes of PNG files of 28x28 pixels."""
        decode = lambda png: tf.ensure_shape(tf.io.decode_png(png, channels=1), (28, 28, 1))  # noqa: E731
        pictures = tf.map_fn(decode, png_bytes, fn_output_signature=tf.uint8)
        return self.read_pictures(tf.squeeze(pictures, axis=-1))


def main() -> None:
    """Export the module, load it again and call each signature by its name."""
    network = load_keras("mnist_cnn.keras")
    images = samples.for_model("mnist_cnn_samples.npz", {"image": (28, 28, 1)})[0]["image"]
    reader = DigitReader(network)
    with whole("custom_model/1") as path:
        tf.saved_model.save(
            reader,
            str(path),
            signatures={"serving_default": reader.read_pictures, "read_png": reader.read_png},
        )
    signatures = tf.saved_model.load("custom_model/1").signatures
    for name, signature in signatures.items():
        inputs = signature.structured_input_signature[1].values()
        print(f"{name}: {', '.join(f'{i.name} {i.dtype.name} {i.shape}' for i in inputs)}")
    picture = np.round(images[:1, ..., 0] * 255).astype(np.uint8)
    with whole("picture.npy") as path:  # for saved_model_cli
        np.save(path, picture)
    for name, answer in {
        "serving_default": signatures["serving_default"](pictures=tf.constant(picture)),
        "read_png": signatures["read_png"](
            png_bytes=tf.stack([tf.io.encode_png(picture[0][..., None])])
        ),
    }.items():
        print(f"{name}: label {answer['label'][0]}, probability {answer['probability'][0]:.4f}")


if __name__ == "__main__":
    run(main)
