"""Write a .tflite as an array in C++, to be linked into the program of a microcontroller.

Reads NAME.tflite or NAME_int8.tflite; writes NAME_model.h and NAME_model.cc. A board has no
files: the array lies in flash, and the interpreter reads it there.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from artifacts import ProgramError, existing, run, whole

MODEL = "mnist_small_int8.tflite"
ALIGNMENT = 16  # bytes: the interpreter reads numbers of several bytes from the array
COLUMNS = 12  # bytes to a line

HEADER = """\
// Written by c_array.py from {file}: do not edit.
#ifndef {guard}
#define {guard}

#include <cstddef>

extern const unsigned char {name}[];
extern const std::size_t {name}_length;

#endif  // {guard}
"""
SOURCE = """\
// Written by c_array.py from {file}: do not edit.
#include "{name}.h"

alignas({alignment}) const unsigned char {name}[] = {{
{content}
}};
const std::size_t {name}_length = sizeof({name});
"""


def name_of(path: Path) -> str:
    """Return the name of the array for a model: letters, digits and underscores, for C++."""
    name = re.sub(r"\W", "_", path.stem.removesuffix("_int8"), flags=re.ASCII)
    return f"{'_' * name[:1].isdigit()}{name}_model"


def as_source(path: Path) -> tuple[str, str]:
    """Return the header and the source for the model in a file.

    Raises:
        ProgramError: if it is not a .tflite.
    """
    content = path.read_bytes()
    if content[4:8] != b"TFL3":
        raise ProgramError(f"{path} is not a TensorFlow Lite model; convert the model again")
    rows = [content[i : i + COLUMNS] for i in range(0, len(content), COLUMNS)]
    name = name_of(path)
    words = {
        "file": path.name,
        "name": name,
        "guard": f"{name.upper().strip('_')}_H_",
        "alignment": ALIGNMENT,
        "content": "\n".join("    " + " ".join(f"0x{byte:02x}," for byte in row) for row in rows),
    }
    return HEADER.format(**words), SOURCE.format(**words)


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "model",
        nargs="?",
        type=Path,
        default="mnist_small_int8.tflite",
        help="default: %(default)s",
    )
    path = existing(parser.parse_args().model, "python convert.py")
    header, source = as_source(path)
    name = name_of(path)
    for suffix, text in (("h", header), ("cc", source)):
        with whole(f"{name}.{suffix}") as file:
            file.write_text(text, encoding="utf-8")
    print(f"wrote {name}.h and {name}.cc: {path.stat().st_size:,} bytes of flash")


if __name__ == "__main__":
    run(main)
