"""Load mnist_cnn.keras, mnist_cnn.h5 and saved_model/1 again and compare their predictions."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

import mnist_data
import numpy as np
from artifacts import at_least, existing, reading, run, whole

Predict = Callable[[np.ndarray], np.ndarray]


def load_keras(path: str) -> Predict:
    """Return the prediction of a .keras or .h5 file: pictures (n, 28, 28, 1) to (n, 10)."""
    existing(path, "python mnist_cnn.py")
    import keras  # takes seconds: neither for --help nor for a missing file

    with reading(path, "a model"):
        # compile=False: only predicting needs neither loss nor optimizer
        model = keras.models.load_model(path, compile=False)
    return lambda images: model.predict(images, verbose=0)


def load_saved_model(folder: str) -> Predict:
    """Return the prediction of a SavedModel, through its signature `serving_default`."""
    existing(f"{folder}/saved_model.pb", "python mnist_cnn.py")
    import tensorflow as tf

    with reading(folder, "a SavedModel"):
        signatures = tf.saved_model.load(folder).signatures
    # A signature is called by the names of its inputs and returns its outputs by name.
    return lambda images: signatures["serving_default"](image=images)["output_0"].numpy()


def main() -> None:
    """Predict the first test digits with each of the three."""
    parser = argparse.ArgumentParser(description=__doc__)
    mnist_data.add_argument(parser)
    parser.add_argument("--images", type=at_least(1), default=100, help="how many (default: 100)")
    options = parser.parse_args()
    data = mnist_data.load(options.data)
    images = (data.x_test[: options.images, ..., np.newaxis] / 255).astype("float32")
    with whole("digit.npy") as partial:  # for saved_model_cli
        np.save(partial, images[:1])
    reference = None
    for path, load in {
        "mnist_cnn.keras": load_keras,
        "mnist_cnn.h5": load_keras,
        "saved_model/1": load_saved_model,
    }.items():
        probabilities = load(path)(images)
        reference = probabilities if reference is None else reference
        difference = np.abs(probabilities - reference).max()
        print(
            f"{path:16} {probabilities.shape}, digit 0 is a {probabilities[0].argmax()}, "
            f"{'equal' if difference < 1e-6 else f'off by {difference:.1g}'}"
        )
    print(f"test label 0: {data.y_test[0]}")


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    run(main)
