"""Run the model from C: on this machine, and as an Arm program on an emulated board."""

import functools
import json
import platform
import re
import shlex
import shutil
import sys

import numpy

from recordings import arm
from recordings.engine import Run, recipe

PROGRAMS = ["classify.c", "litert.h", "Makefile", "cpuinfo_arm.txt"]
PYTHON = ["samples_for_c.py", "compare_outputs.py", "convert.py", "inspect_tflite.py"]
NOT_RUN = "not run: {}\n"
BUILT = "built"  # the program for this machine and that for Arm; empty where neither was made
SAMPLES = 100  # the emulation takes a tenth of a second for each
GLIBC = "readelf -V board/libLiteRt.so | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1"


@recipe(
    uses=["convert.py"],
    reads=["mnist_cnn.keras", "mnist_cnn_samples.npz", "mnist_cnn_calibration.npz"],
    writes=["board.tflite", "board_int8.tflite"],
)
def convert(run: Run) -> None:
    """Convert for a board: with the batch fixed at one."""
    run("board_convert", "python convert.py mnist_cnn.keras --batch 1 --name board")


@recipe(reads=["board.tflite"], tools=["bash", "litert-benchmark"], alone=True)
def benchmark(run: Run) -> None:
    """Time the model with the tool that comes with the package."""
    command = "litert-benchmark --model board.tflite --num_runs 100 2> /dev/null"
    shell(run, "linux_benchmark", command, reason="")


@recipe(
    uses=[*PROGRAMS, *PYTHON],
    reads=["board.tflite", "board_int8.tflite", "mnist_cnn.tflite", "mnist_cnn_samples.npz"],
    writes=[
        *("linux.json", "board_agreement.json", "board_int8_agreement.json", BUILT),
    ],
    tools=["bash", "make", "cc", "readelf", "unshare", "qemu-aarch64", "aarch64-linux-gnu-gcc"],
    files=["recordings/arm.py"],
)
def in_c(run: Run) -> None:
    """Compile the program for two processors, run it, compare with Python, make mistakes."""
    for model in ("board", "board_int8"):
        run(f"samples_{model}", f"python samples_for_c.py {model}.tflite --count {SAMPLES}")
    run.environment |= {"MAKEFLAGS": "--no-print-directory", "MAKELEVEL": "0"}  # of the build
    no_compiler, no_arm = missing(), missing_arm(run)
    native = functools.partial(shell, run, reason=no_compiler)
    board = functools.partial(shell, run, reason=no_compiler or no_arm)
    native("linux_make", "make")
    native("linux_classify", "./classify --measure board.tflite board_samples.bin board_c.bin")
    native("linux_int8", "./classify board_int8.tflite board_int8_samples.bin board_int8_c.bin")
    native("linux_threads", "./classify --threads 2 board.tflite board_samples.bin")
    board("linux_make_arm", "make arm")
    board("linux_glibc", GLIBC)
    command = "board/classify board.tflite board_samples.bin board_arm.bin"
    board("linux_arm", arm.with_cpuinfo(command), actual=actual(board, command))
    command = "board/classify board_int8.tflite board_int8_samples.bin board_int8_arm.bin"
    board("linux_arm_int8", arm.with_cpuinfo(command), actual=actual(board, command))
    for model in ("board", "board_int8"):
        found = [f"{model}_{end}.bin" for end in ("c", "arm")]
        outputs = " ".join(name for name in found if (run.folder / name).exists())
        native(f"agreement_{model}", f"python compare_outputs.py {model}.tflite {outputs}")
        if not outputs:
            (run.folder / f"{model}_agreement.json").write_text("{}")
    (run.folder / "linux.json").write_text(json.dumps(figures(run)))
    (run.folder / BUILT).mkdir()
    for name in ("classify", "board"):
        if (run.folder / name).exists():
            copy = shutil.copytree if name == "board" else shutil.copy
            copy(run.folder / name, run.folder / BUILT / name)
    mistakes(run, native, board)


def mistakes(run: Run, native: functools.partial[str], board: functools.partial[str]) -> None:
    """Make the mistakes of the chapter's last section."""
    native("linux_open_batch", "./classify mnist_cnn.tflite board_samples.bin", status=1)
    native("linux_no_model", "./classify no_such.tflite board_samples.bin", status=1)
    native("linux_not_a_model", "./classify classify.c board_samples.bin", status=1)
    samples = numpy.fromfile(run.folder / "board_samples.bin", "float32")
    samples[:1000].tofile(run.folder / "part.bin")
    native("linux_size", "./classify board.tflite part.bin", status=1)
    samples.astype(">f4").tofile(run.folder / "swapped.bin")
    native("linux_byte_order", "./classify board.tflite swapped.bin")
    model = (run.folder / "board.tflite").read_bytes()
    (run.folder / "cut.tflite").write_bytes(model[:1000])
    native("linux_cut", "./classify cut.tflite board_samples.bin", status=139)
    board("linux_wrong_library", "make -B LITERT=arm/ai_edge_litert", status=2)
    reason = board.keywords["reason"]
    handled = "this machine hands Arm programs to QEMU by itself" if arm.handled() else ""
    command = "board/classify board.tflite board_samples.bin"
    shell(run, "linux_wrong_processor", command, reason=reason or handled, status=126)
    shown = "QEMU from 8.1 on shows an Arm processor" if not reason and arm.arm_cpuinfo() else ""
    shell(run, "linux_cpuinfo", f"{arm.QEMU} {command}", reason=reason or shown, status=139)


def missing() -> str:
    """Say what this machine lacks to compile for itself; "" if it lacks nothing."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return "the C program is compiled on Linux on x86-64 here"
    lacking = [tool for tool in ("make", "cc", "readelf") if not shutil.which(tool)]
    return f"no {', '.join(lacking)}: install Debian's build-essential" if lacking else ""


def missing_arm(run: Run) -> str:
    """Say why this machine cannot emulate a board; "" if it can, and the library lies there."""
    return missing() or arm.missing() or arm.library(run.folder)


def shell(
    run: Run, name: str, command: str, *, reason: str, status: int = 0, actual: str = ""
) -> str:
    """Run a command in a shell and keep what it prints, or the reason why it cannot run here.

    Args:
        run, name, command: as of `Run`; the command may be a program in the folder.
        reason: what this machine lacks; "" if nothing.
        status: the exit code that the page promises.
        actual: what is run for it, where that differs.
    """
    if reason:
        return run.keep(name, command, NOT_RUN.format(reason))
    # without the second command, the shell would be replaced and could not report a signal
    code, printed = run.execute(f"bash -c {shlex.quote(f'{actual or command}; exit $?')}")
    assert code == status, f"`{command}` ended with {code}, not {status}:\n{printed}"
    printed = re.sub(r"(?m)^.*core dumped.*\n", "", printed)  # by QEMU; the shell says it, too
    printed = re.sub(r"(?m)^\S*bash: line \d+: ( *\d+ (Segmentation fault).*)?", r"\2", printed)
    return run.keep(name, command, printed)


def actual(board: functools.partial[str], command: str) -> str:
    """Return how the emulated board runs a command here."""
    return "" if board.keywords["reason"] else arm.emulated(command)


def figures(run: Run) -> dict[str, float]:
    """Return sizes in bytes and memory in MB, as far as this machine has made them."""
    files = {
        "program": "classify",
        "arm_program": "board/classify",
        "arm_library": "board/libLiteRt.so",
        "model": "board.tflite",
        "int8_model": "board_int8.tflite",
    }
    found: dict[str, float] = {
        name: path.stat().st_size if (path := run.folder / file).exists() else 0
        for name, file in files.items()
    }
    memory = re.search(r"([\d.]+) MB of memory", run.printed["linux_classify"])
    return {**found, "memory": float(memory[1]) if memory else 0.0}
