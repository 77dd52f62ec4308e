"""Go the short way on this system: from an empty folder to a prediction on each target, in Python.

A job of the workflow runs it on Linux, macOS and Windows, in an environment with nothing but the
requirements of the first page: `python tests/short_way.py`. It needs nothing else of the project.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CODE = Path(__file__).parents[1] / "docs" / "_static" / "code"
COMMANDS = [  # of programs that need the first page's packages only, in the order of the chapters
    "mnist_cnn.py --epochs 3",
    "plain_load.py",
    "load_models.py",
    "named_signature.py",
    "convert.py",
    "inspect_tflite.py mnist_cnn_int8.tflite",
    "interpret.py",
    "patches.py",
    "convert.py patches.keras --samples patches_samples.npz",
]


def main() -> None:
    """Run the programs one after the other; the first that fails ends it."""
    with tempfile.TemporaryDirectory() as name:
        for path in CODE.glob("*/*.*"):
            shutil.copy(path, name)
        for command in COMMANDS:
            started = time.monotonic()
            environment = {**os.environ, "MNIST_DATA": "digits", "TF_CPP_MIN_LOG_LEVEL": "2"}
            done = subprocess.run(
                [sys.executable, *command.split()], cwd=name, env=environment, check=False
            )
            print(f"{command}: exit code {done.returncode}, {time.monotonic() - started:.0f} s")
            if done.returncode:
                sys.exit(1)


if __name__ == "__main__":
    main()
