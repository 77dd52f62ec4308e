"""Write digits of the test set as the body of a REST request, for curl and JavaScript."""

from __future__ import annotations

import argparse
import json

import mnist_data
import numpy as np
from artifacts import run, whole


def main() -> None:
    """Write digits.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--digits", type=int, default=3, help="how many digits (default: 3)")
    mnist_data.add_argument(parser)
    args = parser.parse_args()
    data = mnist_data.load(args.data)
    images = (data.x_test[: args.digits, :, :, np.newaxis] / 255.0).round(4)
    with whole("digits.json") as path:
        path.write_text(json.dumps({"instances": images.tolist()}), encoding="utf-8")
    print(f"digits.json: labels {data.y_test[: args.digits].tolist()}")


if __name__ == "__main__":
    run(main)
