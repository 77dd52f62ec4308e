"""Convert a SavedModel for TensorFlow.js in three precisions.

Reads FOLDER; writes NAME_tfjs_float32/, NAME_tfjs_float16/ and NAME_tfjs_uint8/ (a model.json and
its weights each) and, with their bytes, NAME_tfjs.json. NAME is that of the folder: my_model for
my_model/1.

tensorflowjs_converter runs in an environment of its own, which tfjs_env.py sets up. It is looked
for in tfjs-env/ and on the PATH.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

try:
    from artifacts import (
        ProgramError,
        add_name,
        check_writable,
        existing_saved_model,
        name_of,
        run,
        whole,
    )
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name}.py is not beside this program; both are in programs.zip")

CONVERTER = "tensorflowjs_converter"
# The star stands for "every weight"; a shell must not expand it, so quote it there.
PRECISIONS = {
    "float32": [],
    "float16": ["--quantize_float16=*"],
    "uint8": ["--quantize_uint8=*"],
}


def find_converter() -> str:
    """Return the path of tensorflowjs_converter."""
    own = sysconfig.get_path("scripts", "venv", {"base": "tfjs-env"})  # bin, or Scripts on Windows
    found = shutil.which(CONVERTER, path=own) or shutil.which(CONVERTER)
    if not found:
        raise ProgramError(f"no {CONVERTER} here; install it: python tfjs_env.py")
    return found


def convert(converter: str, source: Path, options: list[str], target: str) -> int:
    """Convert `source`, put it at `target`, whole or not at all, and return its bytes.

    Raises:
        ProgramError: with the converter's last line, or if it wrote no model.json.
    """
    with whole(target) as partial:
        done = subprocess.run(
            [converter, "--input_format=tf_saved_model", *options, str(source), str(partial)],
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
            capture_output=True,
            text=True,
        )
        last = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        if done.returncode:
            raise ProgramError(f"{CONVERTER} failed on {source}: {last}")
        if not (partial / "model.json").is_file():  # some failures end with exit code 0
            raise ProgramError(f"{CONVERTER} wrote no model.json: {last}")
    return sum(file.stat().st_size for file in Path(target).iterdir())


def main() -> None:
    """Convert three times, and print what came out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "folder", nargs="?", type=Path, default="saved_model/1", help="default: %(default)s"
    )
    add_name(parser)
    options = parser.parse_args()
    check_writable()
    source = existing_saved_model(options.folder)
    name = options.name or name_of(source)
    converter = find_converter()
    with ThreadPoolExecutor() as pool:  # most of a conversion is TensorFlow starting
        jobs = {
            precision: pool.submit(convert, converter, source, options, f"{name}_tfjs_{precision}")
            for precision, options in PRECISIONS.items()
        }
        figures = {precision: {"bytes": job.result()} for precision, job in jobs.items()}
    for precision, figure in figures.items():
        print(f"{name}_tfjs_{precision:8}  {figure['bytes']:>9,} bytes")
    with whole(f"{name}_tfjs.json") as path:
        path.write_text(json.dumps(figures))


if __name__ == "__main__":
    run(main)
