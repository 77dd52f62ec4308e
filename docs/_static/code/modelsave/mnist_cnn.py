"""Train a small convolutional network on MNIST and save it in three formats.

Writes mnist_cnn.keras, mnist_cnn.h5, saved_model/1/ and, with the figures of the
run, mnist_cnn.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

import keras
import mnist_data
import numpy as np
from artifacts import at_least, run, whole
from keras import layers

BATCH = 128


def build_model() -> keras.Model:
    """Return the network: 28x28 grey values 0..1 in, ten probabilities out."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), name="image"),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.1),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(10, activation="softmax"),
        ],
        name="mnist_cnn",
    )


def prepare(images: np.ndarray) -> np.ndarray:
    """Turn uint8 pictures (n, 28, 28) into float32 (n, 28, 28, 1) between 0 and 1."""
    return (images[..., np.newaxis] / 255).astype("float32")


class ShiftedDigits(keras.utils.PyDataset):
    """Batches of the training digits, each moved by up to one pixel, differently in each epoch."""

    def __init__(self, data: mnist_data.Dataset, seed: int) -> None:
        """Take the training digits of `data`; `seed` decides order and shifts."""
        super().__init__()
        padded = np.pad(data.x_train, ((0, 0), (1, 1), (1, 1)))
        # views (n, 3, 3, 28, 28): for each picture its nine places
        self.places = np.lib.stride_tricks.sliding_window_view(padded, (28, 28), axis=(1, 2))
        self.labels, self.seed = data.y_train, seed
        self.epoch = -1
        self.on_epoch_end()

    def __len__(self) -> int:
        """Return the number of batches."""
        return -(-len(self.labels) // BATCH)

    def __getitem__(self, batch: int) -> tuple[np.ndarray, np.ndarray]:
        """Return prepared pictures and labels."""
        chosen = self.order[batch * BATCH : (batch + 1) * BATCH]
        random = np.random.default_rng([self.seed, self.epoch, batch])
        down, right = random.integers(3, size=(2, len(chosen)))
        return prepare(self.places[chosen, down, right]), self.labels[chosen]

    def on_epoch_end(self) -> None:
        """Shuffle."""
        self.epoch += 1
        self.order = np.random.default_rng([self.seed, self.epoch]).permutation(len(self.labels))


def optimizer(steps: int) -> keras.optimizers.Optimizer:
    """Return Adam with a learning rate that warms up, then falls to zero along a cosine."""
    warmup = 3 * steps // 10
    rate = keras.optimizers.schedules.CosineDecay(
        4e-4, steps - warmup, warmup_target=4e-3, warmup_steps=warmup
    )
    return keras.optimizers.Adam(rate)


class Progress(keras.callbacks.Callback):
    """Print a line for each epoch, and until it is there how far the epoch is."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Remember which epoch this is."""
        self.epoch, self.start = epoch + 1, time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Overwrite one line on the terminal."""
        if batch % 10 == 0:
            epoch, step = f"{self.epoch}/{self.params['epochs']}", f"{batch}/{self.params['steps']}"
            seconds = time.monotonic() - self.start
            print(f"epoch {epoch}: step {step}, {seconds:.0f} s", end="\r", file=sys.stderr)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Print what stays."""
        logs = logs or {}
        text = "  ".join(f"{name} {value:.4f}" for name, value in logs.items())
        print(f"epoch {self.epoch}/{self.params['epochs']}  {text}", flush=True)


def train(data: mnist_data.Dataset, epochs: int, seed: int) -> tuple[keras.Model, dict[str, Any]]:
    """Train the network; return it with the figures of the run."""
    keras.utils.set_random_seed(seed)
    model = build_model()
    digits = ShiftedDigits(data, seed)
    model.compile(
        optimizer(epochs * len(digits)), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    history = model.fit(
        digits,
        epochs=epochs,
        verbose=0,
        callbacks=[Progress()],
    )
    guesses = model.predict(prepare(data.x_test), batch_size=500, verbose=0).argmax(axis=1)
    confusion = np.zeros((10, 10), int)
    np.add.at(confusion, (data.y_test, guesses), 1)
    return model, {
        "dataset": data.name,
        "epochs": epochs,
        "parameters": model.count_params(),
        "history": history.history,
        "test_digits": len(guesses),
        "test_accuracy": float(np.mean(guesses == data.y_test)),
        "confusion": confusion.tolist(),
    }


def save(model: keras.Model) -> None:
    """Save the model as .keras, as HDF5 and as a SavedModel."""
    with whole("mnist_cnn.keras") as path:
        model.save(path)
    with whole("mnist_cnn.h5") as path:
        model.save(path)
    with whole("saved_model/1") as path:
        model.export(path, verbose=False)


def main() -> None:
    """Train, report, save."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    mnist_data.add_argument(parser)
    parser.add_argument("--epochs", type=at_least(1), help="passes over the training digits")
    parser.add_argument(
        "--seed", type=at_least(0), default=0, help="of the random numbers (default: 0)"
    )
    options = parser.parse_args()
    data = mnist_data.load(options.data)
    print(data)
    epochs = options.epochs or (3 if data.name == "MNIST" else 30)  # a small set needs more
    model, figures = train(data, epochs, options.seed)
    print(f"test accuracy: {figures['test_accuracy']:.4f}")
    save(model)
    with whole("mnist_cnn.json") as path:
        path.write_text(json.dumps(figures))
    print("saved mnist_cnn.keras, mnist_cnn.h5 and saved_model/1")


if __name__ == "__main__":
    run(main)
