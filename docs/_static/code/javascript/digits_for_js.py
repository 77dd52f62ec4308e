"""Write test digits, and what Keras says of them, for programs in JavaScript.

Reads mnist_cnn.keras; writes
  test_digits.bin   the first 1,000 test digits, 784 bytes each, light on dark;
  test_digits.json  their labels and the ten probabilities that Keras gives each;
  pick_digits.json  two digits of each class, to pick on a page.
"""

from __future__ import annotations

import argparse
import base64
import json

import mnist_data
import numpy as np
from artifacts import existing, run, whole

COUNT = 1000
PER_CLASS = 2


def pick(x: np.ndarray, y: np.ndarray) -> list[dict[str, object]]:
    """Return the first `PER_CLASS` digits of each class of uint8 x (n, 28, 28) and labels y (n,).

    The pixels are base64 of 784 bytes.
    """
    chosen = np.concatenate([np.flatnonzero(y == label)[:PER_CLASS] for label in range(10)])
    return [
        {"label": int(y[i]), "pixels": base64.b64encode(x[i].tobytes()).decode()} for i in chosen
    ]


def main() -> None:
    """Write the three files and print what is in them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    mnist_data.add_argument(parser)
    options = parser.parse_args()
    source = existing("mnist_cnn.keras", "python mnist_cnn.py")
    import keras  # takes seconds: neither for --help nor for a missing file

    data = mnist_data.load(options.data)
    model = keras.models.load_model(source, compile=False)
    x, y = data.x_test[:COUNT], data.y_test[:COUNT]
    probabilities = model.predict((x[..., np.newaxis] / 255).astype("float32"), verbose=0)
    with whole("test_digits.bin") as path:
        path.write_bytes(x.tobytes())
    with whole("test_digits.json") as path:
        answers = {"labels": y.tolist(), "probabilities": probabilities.astype(float).tolist()}
        path.write_text(json.dumps({"dataset": data.name, **answers}))
    picked = pick(x, y)
    with whole("pick_digits.json") as path:
        path.write_text(json.dumps({"dataset": data.name, "digits": picked}))
    right = np.mean(probabilities.argmax(axis=1) == y)
    print(f"{data.name}: {len(x):,} test digits, {right:.1%} right; {len(picked)} to pick")


if __name__ == "__main__":
    run(main)
