"""Convert the SavedModel for TensorFlow.js in three precisions.

Reads saved_model/1; writes tfjs_float32/, tfjs_float16/ and tfjs_uint8/ (a model.json and its
weights each) and, with the figures, tfjs_convert.json. With --layers it reads mnist_cnn.h5 instead
and writes tfjs_layers/, which TensorFlow.js cannot load: load_layers.mjs shows why.

tensorflowjs_converter runs in an environment of its own, which tfjs_env.py sets up. It is looked
for in tfjs-env/ and on the PATH.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from artifacts import ProgramError, existing, run, whole

CONVERTER = "tensorflowjs_converter"
INSTALL = "python tfjs_env.py"
# The star stands for "every weight"; a shell must not expand it, so quote it there.
PRECISIONS = {
    "float32": [],
    "float16": ["--quantize_float16=*"],
    "uint8": ["--quantize_uint8=*"],
}


def find_converter(named: str | None) -> str:
    """Return the path of tensorflowjs_converter: the one `named`, or the first that is found."""
    own = sysconfig.get_path("scripts", "venv", {"base": "tfjs-env"})  # bin, or Scripts on Windows
    if named:
        found = shutil.which(named)
    else:
        found = shutil.which(CONVERTER, path=own) or shutil.which(CONVERTER)
    if not found:
        raise ProgramError(f"no {named or CONVERTER} here; install it: {INSTALL}")
    return found


def convert(converter: str, options: list[str], source: Path, target: Path) -> None:
    """Run the converter and put what it writes at `target`, whole or not at all.

    Raises:
        ProgramError: with the converter's last line, or if it wrote no model.json.
    """
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    with whole(target) as partial:
        done = subprocess.run(
            [converter, *options, str(source), str(partial)],
            env=quiet,
            capture_output=True,
            text=True,
        )
        last = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        if done.returncode:
            raise ProgramError(f"tensorflowjs_converter failed on {source}: {last}")
        if not (partial / "model.json").is_file():  # some failures end with exit code 0
            raise ProgramError(f"tensorflowjs_converter wrote no model.json: {last}")


def announce(options: list[str], source: Path, target: Path) -> None:
    """Print the command that converts, as it would be typed."""
    command = [CONVERTER, *options, str(source), str(target)]
    print("$", shlex.join(command), flush=True)


def size(folder: Path) -> int:
    """Return the bytes of all files in `folder`."""
    return sum(file.stat().st_size for file in folder.iterdir())


def main() -> None:
    """Convert, and print what was run and what came out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--converter", metavar="FILE", help="the tensorflowjs_converter to run")
    parser.add_argument(
        "--layers",
        metavar="FILE",
        nargs="?",
        const="mnist_cnn.h5",
        help="convert a Keras file (default: %(const)s) to a layers model instead",
    )
    options = parser.parse_args()
    converter = find_converter(options.converter)
    if options.layers:
        source = existing(options.layers, "python mnist_cnn.py")
        keras_file = (["--input_format=keras"], source, Path("tfjs_layers"))
        announce(*keras_file)
        convert(converter, *keras_file)
        return
    source = existing("saved_model/1", "python mnist_cnn.py")
    jobs = {
        name: (["--input_format=tf_saved_model", *quantise], source, Path(f"tfjs_{name}"))
        for name, quantise in PRECISIONS.items()
    }
    for job in jobs.values():
        announce(*job)
    with ThreadPoolExecutor() as pool:  # most of a conversion is TensorFlow starting
        for done in [pool.submit(convert, converter, *job) for job in jobs.values()]:
            done.result()
    figures = {
        name: {"folder": str(target), "bytes": size(target)}
        for name, (_, _, target) in jobs.items()
    }
    print(f"{'':12}  {'bytes':>9}")
    for figure in figures.values():
        print(f"{figure['folder']:12}  {figure['bytes']:>9,}")
    with whole("tfjs_convert.json") as path:
        path.write_text(json.dumps(figures))


if __name__ == "__main__":
    run(main)
