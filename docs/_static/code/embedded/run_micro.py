"""Run a .tflite in the interpreter of microcontrollers, and say what it needs of a board.

Reads NAME.tflite or NAME_int8.tflite and NAME_samples.npz; compares TensorFlow Lite for
Microcontrollers with LiteRT on the samples, measures the arena, and writes NAME_micro.json.
The arithmetic is that of a board with the reference kernels; the speed is that of this machine.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import convert
import samples
from artifacts import ProgramError, at_least, check_writable, existing, reading, run, whole

if TYPE_CHECKING:  # each function imports what it needs, so that --help needs nothing
    import numpy as np

MODEL = "mnist_small_int8.tflite"
KB = 1024
LARGEST_ARENA = 16 * 1024 * KB  # more than any board of the table has
# What a program needs beside the model and the arena: a budget, not a measurement. Flash holds
# the interpreter, its kernels and the application; RAM holds the stack and its variables.
REST_FLASH = 128 * KB
REST_RAM = 16 * KB


# [boards]
@dataclass(frozen=True)
class Board:
    """A board as its vendor describes it: memory in bytes."""

    name: str
    flash: int
    ram: int
    source: str


BOARDS = [
    Board(
        *("ST NUCLEO-L432KC", 256 * KB, 64 * KB),
        source="https://www.st.com/en/microcontrollers-microprocessors/stm32l432kc.html",
    ),
    Board(
        *("BBC micro:bit V2", 512 * KB, 128 * KB),
        source="https://tech.microbit.org/hardware/",
    ),
    Board(
        *("Arduino Nano 33 BLE Sense", 1024 * KB, 256 * KB),
        source="https://docs.arduino.cc/hardware/nano-33-ble-sense-rev2/",
    ),
    Board(
        *("Raspberry Pi Pico", 2048 * KB, 264 * KB),
        source="https://www.raspberrypi.com/products/raspberry-pi-pico/",
    ),
    Board(
        *("ESP32-S3-DevKitC-1 N8", 8192 * KB, 512 * KB),
        source="https://documentation.espressif.com/esp32-s3_datasheet_en.pdf",
    ),
]
# [end]

# What a process of its own does: an arena far too small ends it with a segmentation fault, and
# the interpreter's reasons go to the standard error of the process.
TRIAL = """
import sys
from tflite_micro import runtime
try:
    interpreter = runtime.Interpreter.from_file(sys.argv[1], arena_size=int(sys.argv[2]))
    interpreter.invoke()
except Exception as error:  # over a damaged model flatbuffers raises others than RuntimeError
    sys.exit(str(error) or type(error).__name__)
interpreter.print_allocations()
"""


def name_of(path: Path) -> str:
    """Return what the files of a model are called: its int8 version has the same samples."""
    return path.stem.removesuffix("_int8")


def try_arena(path: Path, size: int) -> tuple[bool, str]:
    """Return whether a model runs in an arena of `size` bytes, and what the interpreter says."""
    command = [sys.executable, "-c", TRIAL, str(path), str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stderr


def allocations(path: Path, size: int) -> dict[str, int]:
    """Return the bytes of the arena that a model uses, as the interpreter counts them.

    Args:
        path: the model.
        size: of the arena, in bytes.

    Returns:
        total: all of it. head: what the layers compute, one over the other. tail: what stays.

    Raises:
        ProgramError: with the interpreter's reason, if the model does not run in it.
    """
    fits, said = try_arena(path, size)
    if not fits:
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        reason = re.sub(r"^tensorflow/\S+ ", "", lines[0]) if lines else "no reason given"
        raise ProgramError(f"{path} does not run in an arena of {size:,} bytes: {reason}")
    found = re.findall(r"Arena allocation (total|head|tail) (\d+) bytes", said)
    return {part: int(number) for part, number in found}


def smallest_arena(path: Path, counted: int) -> int:
    """Return the fewest bytes in which a model runs, by bisection.

    What the interpreter counted is where the search begins: planning takes memory for a moment,
    which for a very small model is more than running it takes.
    """
    too_few, enough = 0, counted
    while not try_arena(path, enough)[0]:
        too_few, enough = enough, 2 * enough
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if try_arena(path, middle)[0]:
            enough = middle
        else:
            too_few = middle
    return enough


@dataclass
class Comparison:
    """Both interpreters on the same samples: real outputs (n, classes), and seconds for all."""

    micro: np.ndarray
    litert: np.ndarray
    labels: np.ndarray | None
    seconds: float


def compare(path: Path, file: str, first: int | None, arena: int) -> Comparison:
    """Run the first samples of a file, or all, in both interpreters.

    Raises:
        ProgramError: if model or samples are not to be had, or do not fit.
    """
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter
    from tflite_micro import runtime

    content = path.read_bytes()
    with reading(path, "a TensorFlow Lite model"):
        runner = Interpreter(model_content=content).get_signature_runner()
        sources, targets = runner.get_input_details(), runner.get_output_details()
    if len(sources) != 1 or len(targets) != 1:
        raise ProgramError(f"{path} has {len(sources)} inputs and {len(targets)} outputs, not one")
    name, source = next(iter(sources.items()))
    answer, target = next(iter(targets.items()))
    inputs, labels = samples.for_model(file, {name: source["shape_signature"][1:].tolist()})
    inputs = {name: inputs[name][:first]}
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=arena)
    numbers = convert.quantize(inputs[name], source)
    outputs = []
    started = time.perf_counter()
    for one in numbers:
        interpreter.set_input(one[np.newaxis], 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0)[0])
    seconds = time.perf_counter() - started
    return Comparison(
        convert.dequantize(np.stack(outputs), target),
        convert.predict(content, inputs)[answer],
        None if labels is None else labels[:first],
        seconds,
    )


def figures_of(found: Comparison) -> dict[str, Any]:
    """Return how often both agree, how far they are apart, and how many labels are right."""
    micro, litert = found.micro.argmax(1), found.litert.argmax(1)
    figures = {
        "samples": len(micro),
        "same_label": float((micro == litert).mean()),
        "largest_difference": float(abs(found.micro - found.litert).max()),
        "milliseconds": found.seconds / len(micro) * 1000,
    }
    if found.labels is not None:
        figures["accuracy"] = float((micro == found.labels).mean())
    return figures


def verdict(board: Board, size: int, arena: int) -> str:
    """Return `fits`, or by how many kilobytes a model of `size` with an `arena` does not."""
    lacking = {
        "flash": size + REST_FLASH - board.flash,
        "RAM": arena + REST_RAM - board.ram,
    }
    parts = [f"{-(-over // KB):,} kB of {kind}" for kind, over in lacking.items() if over > 0]
    return f"lacks {' and '.join(parts)}" if parts else "fits"


def report(figures: dict[str, Any]) -> None:
    """Print what was measured, and the table of boards."""
    if "accuracy" in figures:
        print(f"accuracy             {figures['accuracy']:.2%} of {figures['samples']:,} samples")
    print(f"same label as LiteRT {figures['same_label']:.2%}")
    print(f"largest difference   {figures['largest_difference']:.1g}")
    print(f"model (flash)        {figures['bytes']:,} bytes")
    parts = figures["allocations"]
    print(f"arena (RAM), counted {parts['total']:,} bytes: {parts['head']:,} + {parts['tail']:,}")
    print(f"arena, by bisection  {figures['arena']:,} bytes")
    print(f"time                 {figures['milliseconds']:.2f} ms on this machine, not on a board")
    print(f"\n{'board':26}{'flash':>9}{'RAM':>9}")
    for board in BOARDS:
        memory = f"{board.flash // KB:>6,} kB{board.ram // KB:>6,} kB"
        print(f"{board.name:26}{memory}  {figures['boards'][board.name]}")


def parse_options() -> argparse.Namespace:
    """Return the options of the command line, the samples by their default name."""
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
    parser.add_argument("--samples", metavar="FILE", help="default: NAME_samples.npz")
    parser.add_argument("--first", type=at_least(1), metavar="N", help="samples (default: all)")
    parser.add_argument(
        "--arena", type=at_least(1), metavar="BYTES", help="only try whether it runs in so many"
    )
    options = parser.parse_args()
    options.samples = options.samples or f"{name_of(options.model)}_samples.npz"
    return options


def main() -> None:
    """Measure, compare, print, and write the figures."""
    options = parse_options()
    path = existing(options.model, "python convert.py")
    import tflite_micro  # noqa: F401 - the trials run in processes of their own

    if path.read_bytes()[4:8] != b"TFL3":
        raise ProgramError(f"{path} is not a TensorFlow Lite model; convert the model again")
    if options.arena:
        total = allocations(path, options.arena)["total"]
        print(f"{path} runs in an arena of {options.arena:,} bytes and uses {total:,}")
        return
    check_writable()
    used = allocations(path, LARGEST_ARENA)
    found = compare(path, options.samples, options.first, LARGEST_ARENA)
    size, arena = path.stat().st_size, smallest_arena(path, used["total"])
    figures = {
        **figures_of(found),
        "bytes": size,
        "allocations": used,
        "arena": arena,
        "boards": {board.name: verdict(board, size, arena) for board in BOARDS},
    }
    report(figures)
    with whole(f"{name_of(path)}_micro.json") as file:
        file.write_text(json.dumps(figures))


if __name__ == "__main__":
    run(main)
