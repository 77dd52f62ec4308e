"""Load saved models again and compare what they predict for the same samples."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import samples
from artifacts import ProgramError, at_least, existing_saved_model, load_keras, reading, run

if TYPE_CHECKING:  # each function imports what it needs, so that --help needs nothing
    import keras
    import numpy as np

    Arrays = dict[str, np.ndarray]  # inputs or outputs by name, each (n, ...)

MODELS = ["mnist_cnn.keras", "mnist_cnn.h5", "saved_model/1"]


@dataclass
class Model:
    """A loaded model.

    Attributes:
        inputs: the shape of one sample, by the name of the input.
        predict: returns the model's outputs for inputs.
    """

    inputs: dict[str, samples.Shape | None]
    predict: Callable[[Arrays], Arrays]


def as_built(model: keras.Model, values: list[Any]) -> Any:
    """Return one value for each input in the structure that the model was built with."""
    import keras

    return values[0] if len(values) == 1 else keras.tree.pack_sequence_as(model.input, values)


def keras_model(path: str | Path) -> tuple[keras.Model, Model]:
    """Load a .keras or .h5 file."""
    model = load_keras(path)
    if not getattr(model, "inputs", None):  # a class of its own
        raise ProgramError(f"{path} does not say its inputs; export it and use the SavedModel")

    def predict(inputs: Arrays) -> Arrays:
        values = as_built(model, [inputs[tensor.name] for tensor in model.inputs])
        return samples.by_name(model.predict(values, verbose=0))

    return model, Model({tensor.name: tensor.shape[1:] for tensor in model.inputs}, predict)


def saved_model(folder: str | Path) -> Model:
    """Load a SavedModel, of which the signature `serving_default` is used."""
    existing_saved_model(folder)
    import tensorflow as tf

    with reading(folder, "a SavedModel"):
        loaded = tf.saved_model.load(str(folder))
    if "serving_default" not in loaded.signatures:
        names = ", ".join(loaded.signatures) or "none"
        raise ProgramError(f"{folder} has no signature serving_default; it has: {names}")
    signature = loaded.signatures["serving_default"]

    def predict(inputs: Arrays) -> Arrays:
        # A signature is called by the names of its inputs and returns its outputs by name.
        outputs = signature(**{name: tf.constant(array) for name, array in inputs.items()})
        return {name: output.numpy() for name, output in outputs.items()}

    def shape(spec: tf.TensorSpec) -> samples.Shape | None:
        return None if spec.shape.rank is None else spec.shape.as_list()[1:]

    specs = signature.structured_input_signature[1]
    return Model({name: shape(spec) for name, spec in specs.items()}, predict)


def describe(outputs: Arrays) -> str:
    """Return the shape of the output with the classes and the class of sample 0, or its values."""
    name = samples.class_output(outputs)
    prefix = f"{name} " if len(outputs) > 1 else ""
    if name:
        return f"{prefix}{outputs[name].shape}, sample 0 is class {outputs[name][0].argmax()}"
    return ", ".join(f"sample 0 has {name} {array[0]}" for name, array in outputs.items())


def main() -> None:
    """Predict the first samples with each model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "models", nargs="*", default=MODELS, help=f"files and folders (default: {' '.join(MODELS)})"
    )
    samples.add_argument(parser)
    parser.add_argument("--count", type=at_least(1), default=100, help="how many (default: 100)")
    options = parser.parse_args()
    reference: Arrays = {}
    for path in options.models:
        model = saved_model(path) if Path(path).is_dir() else keras_model(path)[1]
        inputs, labels = samples.for_model(options.samples, model.inputs)
        outputs = model.predict({name: array[: options.count] for name, array in inputs.items()})
        reference = reference or outputs
        if {n: a.shape for n, a in outputs.items()} != {n: a.shape for n, a in reference.items()}:
            raise ProgramError(f"{path} and {options.models[0]} have different outputs")
        difference = max(abs(array - reference[name]).max() for name, array in outputs.items())
        print(
            f"{path:16} {describe(outputs)}, "
            f"{'equal' if difference < 1e-6 else f'off by {difference:.1g}'}"
        )
    if labels is not None:
        print(f"label of sample 0: {labels[0]}")


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    run(main)
