"""Set up an environment of its own for tensorflowjs_converter.

The converter imports tensorflow-decision-forests for the operations of decision forests alone,
but through it asks for an old TensorFlow and an old Python. An empty module takes its place.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import venv
from pathlib import Path

from artifacts import ProgramError, run

REQUIREMENTS = "requirements-tfjs.txt"
LEFT_OUT = "tensorflow_decision_forests"


def install(folder: Path, requirements: Path) -> None:
    """Create the environment `folder` with what `requirements` locks, and nothing else."""
    venv.create(folder, with_pip=True)
    python = folder.absolute() / ("Scripts" if os.name == "nt" else "bin") / "python"
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    done = subprocess.run([python, "-m", "pip", "install", *options, "-r", requirements])
    if done.returncode:
        raise ProgramError(f"pip could not install {requirements.name}; it says why above")
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = subprocess.run([python, "-c", where], capture_output=True, text=True, check=True)
    module = Path(packages.stdout.strip(), f"{LEFT_OUT}.py")
    module.write_text('"""Stands in for the package of this name: see tfjs_env.py."""\n')


def main() -> None:
    """Read the folder's name."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("folder", nargs="?", default="tfjs-env", help="default: %(default)s")
    requirements = Path(__file__).with_name(REQUIREMENTS)
    folder = Path(parser.parse_args().folder)
    if not requirements.exists():
        raise ProgramError(f"{REQUIREMENTS} is not beside this program; both are in programs.zip")
    install(folder, requirements)
    print(f"{folder} has tensorflowjs_converter")


if __name__ == "__main__":
    run(main)
