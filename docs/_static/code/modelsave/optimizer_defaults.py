"""Train the first steps with Adadelta as the tutorial of 2018 did, then and now.

Its program wrote `optimizer=Adadelta()`. The default learning rate was 1.0 then; it is another
one today, and nothing warns about it.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import mnist_data
from artifacts import run
from mnist_cnn import build_model, prepare

if TYPE_CHECKING:  # each function imports what it needs, so that --help needs nothing
    import keras

DIGITS = 6400  # enough to see the difference


def accuracy_after_one_epoch(data: mnist_data.Dataset, optimizer: keras.Optimizer) -> float:
    """Return the share of test digits that the network reads after one short epoch."""
    import keras

    keras.utils.set_random_seed(0)
    model = build_model()
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = prepare(data.x_train[:DIGITS]), data.y_train[:DIGITS]
    model.fit(x, y, batch_size=32, verbose=0)
    return float(model.evaluate(prepare(data.x_test[:1000]), data.y_test[:1000], verbose=0)[1])


def main() -> None:
    """Compare the default with the value that the old program meant."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    mnist_data.add_argument(parser)
    data = mnist_data.load(parser.parse_args().data)
    import keras

    for optimizer in (keras.optimizers.Adadelta(), keras.optimizers.Adadelta(learning_rate=1.0)):
        rate = float(optimizer.learning_rate)
        print(f"learning rate {rate:.3f}: accuracy {accuracy_after_one_epoch(data, optimizer):.2f}")


if __name__ == "__main__":
    run(main)
