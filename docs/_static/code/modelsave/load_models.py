"""Load saved models again and compare what they predict for the same samples."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import samples
from artifacts import at_least, existing, load_keras, reading, run

if TYPE_CHECKING:  # each function imports what it needs, so that --help needs nothing
    import numpy as np

    Predict = Callable[[dict[str, np.ndarray]], np.ndarray]

MODELS = ["mnist_cnn.keras", "mnist_cnn.h5", "saved_model/1"]


def keras_model(path: str) -> Predict:
    """Return the prediction of a .keras or .h5 file: its inputs by name, to its first output."""
    model = load_keras(path)

    def predict(inputs: dict[str, np.ndarray]) -> np.ndarray:
        # Keras warns where it gets a name that it does not need.
        named = inputs if len(inputs) > 1 else next(iter(inputs.values()))
        return first(model.predict(named, verbose=0))

    return predict


def saved_model(folder: str) -> Predict:
    """Return the same of a SavedModel, through its signature `serving_default`."""
    existing(f"{folder}/saved_model.pb", "python mnist_cnn.py")
    import numpy as np
    import tensorflow as tf

    with reading(folder, "a SavedModel"):
        model = tf.saved_model.load(folder)

    def predict(inputs: dict[str, np.ndarray]) -> np.ndarray:
        # A signature is called by the names of its inputs and returns its outputs by name.
        signature = model.signatures["serving_default"]
        return np.asarray(first(signature(**inputs)))

    return predict


def first(outputs: Any) -> Any:
    """Return the first output of a model, whichever way it returns them."""
    if isinstance(outputs, dict):
        return outputs[min(outputs)]
    return outputs[0] if isinstance(outputs, list) else outputs


def main() -> None:
    """Predict the first samples with each model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "models", nargs="*", default=MODELS, help=f"files and folders (default: {' '.join(MODELS)})"
    )
    samples.add_argument(parser)
    parser.add_argument("--count", type=at_least(1), default=100, help="how many (default: 100)")
    options = parser.parse_args()
    inputs, labels = samples.read(options.samples)
    inputs = {name: array[: options.count] for name, array in inputs.items()}
    reference = None
    for path in options.models:
        predict = (saved_model if Path(path).is_dir() else keras_model)(path)
        output = predict(inputs)
        reference = output if reference is None else reference
        difference = abs(output - reference).max()
        print(
            f"{path:16} {output.shape}, sample 0 is class {output[0].argmax()}, "
            f"{'equal' if difference < 1e-6 else f'off by {difference:.1g}'}"
        )
    if labels is not None:
        print(f"label of sample 0: {labels[0]}")


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    run(main)
