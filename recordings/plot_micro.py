"""Train a small network, run it in the interpreter of microcontrollers, make its C++ array."""

import importlib.util
import shutil
from pathlib import Path

from recordings.engine import Run, recipe

SIGNATURES = "recordings/micro_signatures"
NOT_RUN = "not run: {}\n"
SMALL = [f"mnist_small{suffix}.tflite" for suffix in ("", "_float16", "_dynamic", "_int8")]
MODEL = "mnist_small_int8.tflite"
CHECK = r"""
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>
#include "mnist_small_model.h"
int main() {
  std::ifstream file("mnist_small_int8.tflite", std::ios::binary);
  std::vector<char> wanted{std::istreambuf_iterator<char>(file), {}};
  bool same = wanted.size() == mnist_small_model_length &&
              std::memcmp(wanted.data(), mnist_small_model, wanted.size()) == 0;
  auto offset = reinterpret_cast<std::uintptr_t>(mnist_small_model) % 16;
  std::printf("%zu bytes, %s the file\n", mnist_small_model_length, same ? "the same as" : "NOT");
  std::printf("address: a multiple of 16%s\n", offset ? " it is NOT" : "");
  return !same || offset;
}
"""
# An array one byte behind a multiple of 16, and as much of the library as Setup() calls before it
# looks at the address.
UNALIGNED = r"""
#include <cstdarg>
#include <cstdio>
asm(".data\n.balign 16\n.byte 0\n.globl mnist_small_model\nmnist_small_model: .zero 64\n");
void MicroPrintf(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vprintf(format, arguments);
  va_end(arguments);
  std::puts("");
}
namespace tflite { void InitializeTarget() {} }
bool Setup();
int main() { return !Setup(); }
"""


def no_interpreter() -> str:
    """Say why this machine cannot run TensorFlow Lite for Microcontrollers, or nothing."""
    if importlib.util.find_spec("tflite_micro"):
        return ""
    return "tflite-micro has packages for Linux on x86-64 only"


def no_compiler() -> str:
    """Say why this machine cannot compile C++, or nothing."""
    return "" if shutil.which("g++") else "no g++ here; install it"


@recipe(
    uses=["mnist_cnn.py"],
    writes=[
        *("mnist_small.keras", "mnist_small.json", "mnist_small_labels.txt"),
        *("mnist_small_samples.npz", "mnist_small_calibration.npz"),
    ],
    dataset=True,
)
def train(run: Run) -> None:
    """Train the small network."""
    run("train_small", "python mnist_cnn.py --small")


@recipe(
    uses=["convert.py"],
    reads=["mnist_small.keras", "mnist_small_samples.npz", "mnist_small_calibration.npz"],
    writes=[*SMALL, "mnist_small_convert.json"],
)
def to_tflite(run: Run) -> None:
    """Convert it."""
    run("convert_small", "python convert.py mnist_small.keras --batch 1")


@recipe(
    uses=["plain_micro.py", "run_micro.py", "convert.py"],
    reads=[*SMALL, "mnist_small_samples.npz"],
    writes=["mnist_small_micro.json"],
)
def small(run: Run) -> None:
    """Run the small network in the interpreter, and what the interpreter refuses."""
    in_interpreter(
        run,
        {
            "plain_micro": ("python plain_micro.py", 0),
            "run_micro": (f"python run_micro.py {MODEL}", 0),
            "micro_arena": (f"python run_micro.py {MODEL} --arena 10000", 1),
            "micro_arena_tiny": (f"python run_micro.py {MODEL} --arena 100", 1),
            "micro_dynamic": ("python run_micro.py mnist_small_dynamic.tflite", 1),
            "micro_missing": ("python run_micro.py no_such_model.tflite", 1),
        },
    )
    without_quantizing(run.folder / "plain_micro.py")
    in_interpreter(run, {"micro_float": ("python plain_micro.py", 1)})


@recipe(
    uses=["run_micro.py", "convert.py"],
    reads=["mnist_cnn_int8.tflite", "mnist_cnn_samples.npz"],
    writes=["mnist_cnn_micro.json"],
)
def large(run: Run) -> None:
    """Run the large network: some of the digits, it is slow."""
    command = "python run_micro.py mnist_cnn_int8.tflite --first 300"
    in_interpreter(run, {"run_micro_large": (command, 0)})


def in_interpreter(run: Run, commands: dict[str, tuple[str, int]]) -> None:
    """Run commands that need the interpreter, each with its exit code, by the output's name."""
    reason = no_interpreter()
    for name, (command, status) in commands.items():
        if reason:
            run.keep(name, command, NOT_RUN.format(reason))
        else:
            run(name, command, status=status)
    for artifact in run.recipe.writes:
        if reason:
            (run.folder / artifact).write_text("{}")


def without_quantizing(program: Path) -> None:
    """Let a program give its gray values to the model as they are."""
    text = program.read_text(encoding="utf-8")
    quantized = 'np.clip(numbers, -128, 127).astype("int8")'
    assert quantized in text
    program.write_text(text.replace(quantized, "image"), encoding="utf-8")


@recipe(
    uses=["c_array.py", "board.cc"],
    reads=[MODEL],
    writes=["mnist_small_model.h", "mnist_small_model.cc"],
    tools=["g++"],
    files=[SIGNATURES],
)
def array(run: Run) -> None:
    """Write the array, compare what a compiler makes of it, check the program of the board."""
    run("c_array", f"python c_array.py {MODEL}")
    checked = "g++ -std=c++17 -Wall -Wextra -Werror board.cc mnist_small_model.cc"
    if reason := no_compiler():
        for name in ("c_array_check", "board_check", "micro_unaligned"):
            run.keep(name, checked, NOT_RUN.format(reason))
        return
    compiler = checked.partition(" board")[0]
    include = f"-I. -I{run.site.root / SIGNATURES}"
    (run.folder / "check.cc").write_text(CHECK)
    (run.folder / "unaligned.cc").write_text(UNALIGNED)
    code, said = run.execute(f"{compiler} check.cc mnist_small_model.cc -o check")
    assert not code, said
    code, said = compiled(run, "./check")
    assert not code, said
    run.keep("c_array_check", "./check", said)
    code, said = run.execute(f"{compiler} -fsyntax-only {include} board.cc")
    assert not code, said
    run.keep("board_check", f"{compiler} -fsyntax-only board.cc", said or "no warnings\n")
    ignore = "-Wl,--unresolved-symbols=ignore-all"
    code, said = run.execute(
        f"g++ -std=c++17 -no-pie {include} {ignore} board.cc unaligned.cc -o unaligned"
    )
    assert not code, said
    code, said = compiled(run, "./unaligned")
    assert code == 1, said
    run.keep("micro_unaligned", "./unaligned", said)


def compiled(run: Run, command: str) -> tuple[int, str]:
    """Run a program that was compiled in the folder; return exit code and what it printed."""
    return run.execute(f"sh -c '{command}'")
