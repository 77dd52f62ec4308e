"""Run the same digits in a browser, and join all answers of the build into one table."""

import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy

from recordings import android, arm, browser, plot_linux
from recordings.engine import Run, recipe
from recordings.engine.recipe import Recipe

COUNT = 1000  # digits that go everywhere
RUNTIMES = {
    "browser_tfjs_wasm": ("tfjs-wasm", "float32"),
    "browser_tfjs_webgl": ("tfjs-webgl", "float32"),
    "browser_tfjs_cpu": ("tfjs-cpu", "float32"),
    "browser_tfjs_uint8": ("tfjs-wasm", "uint8"),
    "browser_litert": ("litert", "float32"),
    "browser_litert_int8": ("litert", "int8"),
}
MODELS = {  # for each kind of numbers
    "float32": "saved_model_tfjs_float32",
    "uint8": "page/saved_model_tfjs_uint8",
}
TFLITE = {"float32": "mnist_cnn_web.tflite", "int8": "page/mnist_cnn_web_int8.tflite"}
ANSWERS = [f"{name}.bin" for name in RUNTIMES]
OTHERS = "browser_others.json"
C = [f"{processor}_{kind}" for processor in ("c", "arm") for kind in ("float32", "int8")]
C_OTHERS = [f"{name}.json" for name in C]


@recipe(
    reads=["page", MODELS["float32"], TFLITE["float32"], "mnist_cnn_samples.npz"],
    writes=[OTHERS, *ANSWERS],
    files=["recordings/browser.py", "recordings/chromium.py"],
    alone=True,
)
def in_a_browser(run: Run) -> None:
    """Run the demo's runtimes in Chromium, each on all digits."""
    site = run.folder / "page"
    for name in (MODELS["float32"], TFLITE["float32"]):
        shutil.move(run.folder / name, site / name)
    samples = numpy.load(run.folder / "mnist_cnn_samples.npz")["image"][:COUNT]
    samples.astype("float32").tofile(site / "digits.bin")
    sizes = {"shape": list(samples.shape[1:]), "classes": 10}
    others: dict[str, dict[str, object]] = {}
    reason = browser.missing()
    for name in ANSWERS:
        (run.folder / name).touch()
    if reason:
        run.show(f"not run: {reason}\n")
    else:
        with browser.opened(site) as page:
            for name, (runtime, kind) in RUNTIMES.items():
                run.show(f"{name}\n")
                model, tflite = (names.get(kind, "") for names in (MODELS, TFLITE))
                used = site / (tflite if runtime == "litert" else model).removeprefix("page/")
                files = {"graphModel": f"/{used.name}/model.json", "tflite": f"/{used.name}"}
                answers, milliseconds = browser.predict(
                    page, runtime, {**files, "wasmFolder": "/"}, sizes, "/digits.bin"
                )
                answers.tofile(run.folder / f"{name}.bin")
                others[name] = {
                    "file": f"{name}.bin",
                    "kind": kind,
                    "bytes": size_of(used),
                    "milliseconds": milliseconds,
                }
    (run.folder / OTHERS).write_text(json.dumps(others))


def size_of(path: Path) -> int:
    """Return the bytes of a file or folder, without what is compressed beside it."""
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    return sum(file.stat().st_size for file in files if file.suffix != ".br")


def in_c(*names: str) -> Callable[[Callable[[Run], None]], Recipe]:
    """Declare a recipe that runs C programs on all digits."""
    return recipe(
        uses=["samples_for_c.py", "convert.py", "inspect_tflite.py", "cpuinfo_arm.txt"],
        reads=[plot_linux.BUILT, "board.tflite", "board_int8.tflite", "mnist_cnn_samples.npz"],
        writes=[end for name in names for end in (f"{name}.bin", f"{name}.json")],
        tools=["bash", "unshare", "qemu-aarch64"],
        files=["recordings/arm.py"],
    )


@in_c("c_float32", "c_int8")
def native(run: Run) -> None:
    """Run the program that plot_linux has compiled for this machine."""
    answer_in_c(run, "c_float32")
    answer_in_c(run, "c_int8")


@in_c("arm_float32")
def arm_float32(run: Run) -> None:
    """Run that for Arm on the emulated board; it takes a minute."""
    answer_in_c(run, "arm_float32")


@in_c("arm_int8")
def arm_int8(run: Run) -> None:
    """Do the same with the int8 model."""
    answer_in_c(run, "arm_int8")


def answer_in_c(run: Run, name: str) -> None:
    """Run a C program on all digits; leave its files empty where it could not be compiled."""
    processor, kind = name.split("_")
    program = Path(plot_linux.BUILT, "classify" if processor == "c" else "board/classify")
    if not (run.folder / program).exists():
        (run.folder / f"{name}.bin").touch()
        (run.folder / f"{name}.json").write_text("{}")
        return
    model = "board" if kind == "float32" else "board_int8"
    command = f"{program} --measure {model}.tflite {model}_samples.bin {name}.bin"
    shell = f"bash -c {shlex.quote(command if processor == 'c' else arm.emulated(command))}"
    for step in (f"python samples_for_c.py {model}.tflite --count {COUNT}", shell):
        code, printed = run.execute(step)
        assert code == 0, printed
    microseconds = re.search(r"([\d.]+) microseconds", printed)
    assert microseconds
    row = {
        "file": f"{name}.bin",
        "kind": kind,
        "bytes": (run.folder / f"{model}.tflite").stat().st_size,
        # an emulated processor says nothing about time
        "milliseconds": float(microseconds[1]) / 1000 if processor == "c" else None,
    }
    (run.folder / f"{name}.json").write_text(json.dumps({name: row}))


@recipe(
    uses=["check_deployment.py", "check_targets.py", "join_answers.py"],
    reads=["mnist_cnn.keras", "mnist_cnn_samples.npz"],
    writes=["matrix_all.json"],
)
def all_digits(run: Run) -> None:
    """Give all test digits to the targets that answer fast."""
    program = "python check_deployment.py mnist_cnn.keras --targets savedmodel,tflite,compiled"
    given = "--samples mnist_cnn_samples.npz"
    run("check_all", f"{program} {given} --first 10000 --json all.json --answers all.npz")
    run("join_all", f"python join_answers.py all.json all.npz {given} --matrix matrix_all.json")


@recipe(
    uses=["join_answers.py"],
    reads=[
        *("mnist_cnn_check.json", "mnist_cnn_answers.npz", "mnist_cnn_samples.npz"),
        *(android.OTHERS, *android.ANSWERS, *C_OTHERS, *(f"{name}.bin" for name in C)),
        *(OTHERS, *ANSWERS),
    ],
    writes=["matrix.json"],
)
def join(run: Run) -> None:
    """Join what the targets, Java, C and the browser have answered."""
    files = ["mnist_cnn_check.json", "mnist_cnn_answers.npz"]
    others = " ".join([*files, *C_OTHERS, android.OTHERS, OTHERS])
    run("join_answers", f"python join_answers.py {others} --samples mnist_cnn_samples.npz")
