"""Set up an environment of its own for tensorflowjs_converter, without a second TensorFlow.

Run it in the environment that has TensorFlow, and again after an upgrade there. The new one sees
the packages of that one; pip adds to it those that are missing there or have another version than
requirements-tfjs.txt locks: all of them, where there is no TensorFlow. Nothing changes there.

The converter imports tensorflow-decision-forests for the operations of decision forests alone,
but through it asks for an old TensorFlow and an old Python. An empty module takes its place.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

try:
    from artifacts import ProgramError, run
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name}.py is not beside this program; both are in programs.zip")

REQUIREMENTS = "requirements-tfjs.txt"
LEFT_OUT = "tensorflow_decision_forests"


def home_of(package: str) -> Path | None:
    """Return the folder in which this interpreter has `package`, or None if it lacks it."""
    try:
        return Path(str(distribution(package).locate_file(""))).resolve()
    except PackageNotFoundError:
        return None


def install(folder: Path, requirements: Path) -> None:
    """Create the environment `folder` with what `requirements` locks, or complete it.

    Raises:
        ProgramError: if the environment cannot be created, or pip cannot install.
    """
    if folder.resolve() == Path(sys.prefix).resolve():
        raise ProgramError(f"{folder} is the environment that runs this program; name another")
    # Where there is a converter already, pip would add no command for it: share nothing then.
    shared = None if home_of("tensorflowjs") else home_of("tensorflow")
    own_pip = shared is None or home_of("pip") != shared
    base = {"base": str(folder.absolute())}
    packages = Path(sysconfig.get_path("purelib", "venv", base))
    link = packages / "tfjs_env.pth"
    try:
        link.unlink(missing_ok=True)  # what an earlier run shared may be gone
        venv.create(folder, with_pip=own_pip, symlinks=os.name != "nt")
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise ProgramError(f"cannot create {folder}: {error}") from error
    # What is appended comes behind the environment's own packages. A statement in ASCII, since
    # a mere path would be read in whatever encoding the system has.
    if shared:
        link.write_text(f"import sys; sys.path.append({str(shared)!a})\n")
    (packages / f"{LEFT_OUT}.py").write_text('"""Stands in for a package: see tfjs_env.py."""\n')
    python = Path(sysconfig.get_path("scripts", "venv", base), "python")
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    done = subprocess.run([python, "-m", "pip", "install", *options, "-r", requirements])
    if done.returncode:
        raise ProgramError(f"pip could not install {requirements.name}; it says why above")


def main() -> None:
    """Read the folder's name."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", default="tfjs-env", help="default: %(default)s")
    folder = Path(parser.parse_args().folder)
    requirements = Path(__file__).with_name(REQUIREMENTS)
    if not requirements.exists():
        raise ProgramError(f"{REQUIREMENTS} is not beside this program; both are in programs.zip")
    install(folder, requirements)
    print(f"{folder} has tensorflowjs_converter")


if __name__ == "__main__":
    run(main)
