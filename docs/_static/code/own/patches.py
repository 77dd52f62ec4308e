"""Train a model of another kind: which of two photographs a small color patch comes from.

The photographs come with scikit-learn: a Chinese temple and a flower. Writes
patches.keras and patches/1/; samples and labels for the other programs
(patches_samples.npz, patches_calibration.npz, patches_labels.txt).
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from artifacts import check_writable, run, whole

if TYPE_CHECKING:  # each function imports what it needs, so that --help needs nothing
    import keras
    import numpy as np

HEIGHT, WIDTH = 24, 32
LABELS = ["temple", "flower"]


def photographs() -> list[np.ndarray]:
    """Return the temple and the flower, uint8 (427, 640, 3)."""
    from sklearn.datasets import load_sample_images

    return list(load_sample_images().images)


def patches(count: int, columns: slice, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut `count` patches at random places from the given columns of both photographs.

    Returns:
        float32 (2 * count, 24, 32, 3) from 0 to 255, and the labels 0 or 1.
    """
    import numpy as np

    random = np.random.default_rng(seed)
    cut, labels = [], []
    for label, photograph in enumerate(photographs()):
        part = photograph[:, columns]
        for _ in range(count):
            top = random.integers(part.shape[0] - HEIGHT + 1)
            left = random.integers(part.shape[1] - WIDTH + 1)
            cut.append(part[top : top + HEIGHT, left : left + WIDTH])
            labels.append(label)
    order = random.permutation(len(labels))
    return np.array(cut, "float32")[order], np.array(labels)[order]


def build_model() -> keras.Model:
    """Return the network: color values 0..255 in, two probabilities out."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((HEIGHT, WIDTH, 3), name="patch"),
            layers.Rescaling(1 / 255),  # the preparation is in the model
            layers.Conv2D(16, 3, strides=2, activation="relu"),
            layers.Conv2D(32, 3, strides=2, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(len(LABELS), activation="softmax", name="photograph"),
        ],
        name="patches",
    )


def main() -> None:
    """Train on the left of the photographs, test on the right, save."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    check_writable()
    import keras
    import numpy as np

    keras.utils.set_random_seed(0)
    x_train, y_train = patches(2000, slice(0, 400), seed=0)
    x_test, y_test = patches(500, slice(400, None), seed=1)
    model = build_model()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train, y_train, epochs=10, verbose=0)
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"{len(x_train):,} patches to train, {len(x_test):,} to test")
    print(f"test accuracy: {accuracy:.2%}")
    with whole("patches.keras") as path:
        model.save(path)
    with whole("patches/1") as path:
        model.export(path, verbose=False)
    with whole("patches_samples.npz") as path:
        np.savez_compressed(path, patch=x_test, labels=y_test)
    with whole("patches_calibration.npz") as path:
        np.savez_compressed(path, patch=x_train[:100])
    with whole("patches_labels.txt") as path:
        path.write_text("".join(f"{label}\n" for label in LABELS))
    print("saved patches.keras, patches/1 and samples of the data")


if __name__ == "__main__":
    run(main)
