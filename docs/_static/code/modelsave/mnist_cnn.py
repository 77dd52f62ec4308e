"""Train a small convolutional network on MNIST and save it in three formats.

Writes mnist_cnn.keras, mnist_cnn.h5 and saved_model/1/; test digits for the other
programs (mnist_cnn_samples.npz, mnist_cnn_calibration.npz, mnist_cnn_labels.txt);
and the figures of the run (mnist_cnn.json). With --small, a network for
microcontrollers: mnist_small.keras, and the other files named after it.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import mnist_data
from artifacts import at_least, check_writable, run, whole

if TYPE_CHECKING:  # each function imports what it needs, so that --help needs nothing
    import keras
    import numpy as np

BATCH = 128
LARGE, SMALL = "mnist_cnn", "mnist_small"  # what the files of each network are called


def build_model() -> keras.Model:
    """Return the network: 28x28 gray values 0..1 in, ten probabilities out."""
    import keras
    from keras import layers

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


def build_small() -> keras.Model:
    """Return a network of the same input and output for 256 kB of flash and 64 kB of RAM.

    Pooling after each convolution keeps what has to be in memory at a time small, and leaves
    so few numbers that a hidden dense layer, most of the large network's weights, is not needed.
    """
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((28, 28, 1), name="image"),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.1),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ],
        name="mnist_small",
    )


def prepare(images: np.ndarray) -> np.ndarray:
    """Turn uint8 pictures (n, 28, 28) into float32 (n, 28, 28, 1) between 0 and 1."""
    return (images[..., None] / 255).astype("float32")


def batches(
    images: np.ndarray, labels: np.ndarray, epochs: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the training digits in random order, each batch moved by up to one pixel."""
    import numpy as np

    random = np.random.default_rng(seed)
    for _ in range(epochs):
        order = random.permutation(len(labels))
        for chosen in np.split(order, range(BATCH, len(order), BATCH)):
            # Digits have an empty border, so nothing comes in again on the other side.
            yield np.roll(images[chosen], random.integers(-1, 2, size=2), (1, 2)), labels[chosen]


def optimizer(steps: int) -> keras.optimizers.Optimizer:
    """Return Adam with a learning rate that warms up, then falls to zero along a cosine."""
    import keras

    warmup = 3 * steps // 10
    rate = keras.optimizers.schedules.CosineDecay(
        4e-4, steps - warmup, warmup_target=4e-3, warmup_steps=warmup
    )
    return keras.optimizers.Adam(rate)


def progress(epochs: int, steps: int) -> keras.callbacks.Callback:
    """Return a callback that prints a line for each epoch, and meanwhile how far it is."""
    import keras

    def after_step(step: int, logs: dict[str, float]) -> None:
        if step % 10 == 0:
            print(f"step {step}/{steps}", end="\r", file=sys.stderr)

    def after_epoch(epoch: int, logs: dict[str, float]) -> None:
        figures = "  ".join(f"{name} {value:.4f}" for name, value in logs.items())
        print(f"epoch {epoch + 1}/{epochs}  {figures}", flush=True)

    return keras.callbacks.LambdaCallback(on_epoch_end=after_epoch, on_train_batch_end=after_step)


def train(
    data: mnist_data.Dataset, epochs: int, seed: int, build: Callable[[], keras.Model] = build_model
) -> tuple[keras.Model, dict[str, Any]]:
    """Train the network that `build` returns; return it with the figures of the run."""
    import keras
    import numpy as np

    keras.utils.set_random_seed(seed)
    model = build()
    steps = math.ceil(len(data.y_train) / BATCH)
    model.compile(
        optimizer(epochs * steps), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    history = model.fit(
        batches(prepare(data.x_train), data.y_train, epochs, seed),
        steps_per_epoch=steps,
        shuffle=False,  # batches() does
        epochs=epochs,
        verbose=0,
        callbacks=[progress(epochs, steps)],
    )
    probabilities = model.predict(prepare(data.x_test), batch_size=500, verbose=0)
    guesses = probabilities.argmax(axis=1)
    confusion = np.zeros((10, 10), int)
    np.add.at(confusion, (data.y_test, guesses), 1)
    misread = np.flatnonzero(guesses != data.y_test)
    return model, {
        "dataset": data.name,
        "epochs": epochs,
        "parameters": model.count_params(),
        "history": history.history,
        "test_digits": len(guesses),
        "test_accuracy": float(np.mean(guesses == data.y_test)),
        "confusion": confusion.tolist(),
        "misread": [
            {
                "digit": int(i),
                "answer": int(guesses[i]),
                "probability": float(probabilities[i].max()),
            }
            for i in misread
        ],
    }


def save(model: keras.Model, name: str) -> None:
    """Save the model as .keras; the large one as HDF5 and as a SavedModel, too."""
    with whole(f"{name}.keras") as path:
        model.save(path)
    if name == SMALL:
        return
    with whole(f"{name}.h5") as path:
        model.save(path)
    with whole("saved_model/1") as path:
        model.export(path, verbose=False)


def save_samples(data: mnist_data.Dataset, name: str) -> None:
    """Save what other programs try the model with, prepared as for training.

    Test digits with their labels, training digits for calibration, and the labels' names.
    """
    import numpy as np

    with whole(f"{name}_samples.npz") as path:
        np.savez_compressed(path, image=prepare(data.x_test), labels=data.y_test)
    with whole(f"{name}_calibration.npz") as path:
        np.savez_compressed(path, image=prepare(data.x_train[:200]))
    with whole(f"{name}_labels.txt") as path:
        path.write_text("".join(f"{digit}\n" for digit in range(10)))


def main() -> None:
    """Train, report, save."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    mnist_data.add_argument(parser)
    parser.add_argument("--epochs", type=at_least(1), help="passes over the training digits")
    parser.add_argument(
        "--seed", type=at_least(0), default=0, help="of the random numbers (default: 0)"
    )
    parser.add_argument(
        "--small", action="store_true", help="train a network that fits a microcontroller"
    )
    options = parser.parse_args()
    name = SMALL if options.small else LARGE
    check_writable()
    data = mnist_data.load(options.data)
    print(data)
    epochs = options.epochs or (3 if data.name == "MNIST" else 30)  # a small set needs more
    build = build_small if options.small else build_model
    model, figures = train(data, epochs, options.seed, build)
    print(f"test accuracy: {figures['test_accuracy']:.4f}")
    save(model, name)
    save_samples(data, name)
    with whole(f"{name}.json") as path:
        path.write_text(json.dumps(figures))
    others = "" if options.small else f", {name}.h5, saved_model/1"
    print(f"saved {name}.keras{others} and samples of the data")


if __name__ == "__main__":
    run(main)
