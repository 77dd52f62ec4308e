"""The programs of microcontrollers: what they measure, refuse and write; the board's C++."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import artifacts
import c_array
import convert
import numpy as np
import pytest
import run_micro
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.test_project import brought_by, imported

ROOT = Path(__file__).parents[1]
CODE = ROOT / "docs" / "_static" / "code"
SIGNATURES = ROOT / "recordings" / "micro_signatures"


@pytest.fixture
def interpreter() -> None:
    if not importlib.util.find_spec("tflite_micro"):
        pytest.skip("tflite-micro has packages for Linux on x86-64 only")


@pytest.fixture
def compiler() -> str:
    found = shutil.which("g++")
    if not found:
        pytest.skip("no g++ here; install it")
    return found


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a model that is no picture's: int8, float32 and its samples."""
    import keras
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("dense")
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((5,), batch_size=1, name="sensor"),
            keras.layers.Dense(8, activation="relu"),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    values = np.random.default_rng(0).random((20, 5), "float32")
    np.savez(folder / "dense_samples.npz", sensor=values)
    for name, precision in (("dense", "float32"), ("dense_int8", "int8")):
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        convert.set_precision(converter, precision, {"sensor": values}, 1)
        (folder / f"{name}.tflite").write_bytes(converter.convert())
    return folder


def program(name: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program as a reader has it, beside all the others."""
    stages = sorted(CODE.glob("*/"))
    return subprocess.run(
        [sys.executable, next(CODE.glob(f"*/{name}")), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={"PATH": "", "PYTHONPATH": ":".join(map(str, stages))},
        check=False,
    )


@pytest.mark.usefixtures("interpreter")
@pytest.mark.parametrize("model", ["dense_int8.tflite", "dense.tflite"])
def test_any_model_with_one_input_is_measured(dense: Path, model: str) -> None:
    done = program("run_micro.py", model, folder=dense)
    assert done.returncode == 0, done.stderr
    assert "accuracy" not in done.stdout  # there are no labels
    figures = json.loads((dense / "dense_micro.json").read_text())
    assert figures["samples"] == 20
    assert figures["same_label"] == 1
    assert figures["largest_difference"] <= 1 / 128
    assert figures["bytes"] == (dense / model).stat().st_size
    counted = figures["allocations"]
    assert counted["head"] + counted["tail"] == counted["total"]
    assert set(figures["boards"]) == {board.name for board in run_micro.BOARDS}


@pytest.mark.usefixtures("interpreter")
def test_the_arena_found_is_the_smallest(dense: Path) -> None:
    path = dense / "dense_int8.tflite"
    found = run_micro.smallest_arena(path, 100)  # far too few to begin with
    assert found == run_micro.smallest_arena(path, 1 << 14)
    assert run_micro.try_arena(path, found)[0]
    assert not run_micro.try_arena(path, found - 1)[0]


@pytest.mark.usefixtures("interpreter")
@pytest.mark.parametrize("arena", ["1", "100", "500"])
def test_an_arena_too_small_is_a_line_and_no_crash(dense: Path, arena: str) -> None:
    done = program("run_micro.py", "dense_int8.tflite", "--arena", arena, folder=dense)
    assert done.returncode == 1
    assert re.fullmatch(r"run_micro.py: error: .* does not run in .*: .+\n", done.stderr)


@pytest.mark.usefixtures("interpreter")
@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "is not a TensorFlow Lite model"), (b"\x1c\0\0\0TFL3", "does not run|cannot be read")],
)
def test_what_is_no_model_is_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "broken.tflite").write_bytes(content)
    done = program("run_micro.py", "broken.tflite", folder=tmp_path)
    assert done.returncode == 1
    assert re.search(reason, done.stderr)
    assert "Traceback" not in done.stderr


def test_a_verdict_names_what_is_lacking() -> None:
    board = run_micro.Board("test", 256 * 1024, 64 * 1024, "")
    flash, ram = 256 * 1024 - run_micro.REST_FLASH, 64 * 1024 - run_micro.REST_RAM
    assert run_micro.verdict(board, flash, ram) == "fits"
    assert run_micro.verdict(board, flash + 1, ram) == "lacks 1 kB of flash"
    assert run_micro.verdict(board, flash + 1025, ram + 1) == "lacks 2 kB of flash and 1 kB of RAM"


def test_boards_name_the_vendors_page() -> None:
    chapter = (ROOT / "docs" / "lite" / "micro.md").read_text(encoding="utf-8")
    assert len(run_micro.BOARDS) == 5
    for board in run_micro.BOARDS:
        assert f"[{board.name}]({board.source})" in chapter


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("mnist_small_int8.tflite", "mnist_small_model"),
        ("my-net v2.tflite", "my_net_v2_model"),
        ("3d.tflite", "_3d_model"),
        ("模型.tflite", "___model"),
    ],
)
def test_an_array_has_a_name_of_cpp(file: str, name: str) -> None:
    assert c_array.name_of(Path(file)) == name


def test_the_array_is_the_file(compiler: str, tmp_path: Path) -> None:
    content = b"\x1c\0\0\0TFL3" + bytes(range(256)) * 5 + b"\xff"  # no multiple of a line
    (tmp_path / "my-net.tflite").write_bytes(content)
    assert program("c_array.py", "my-net.tflite", folder=tmp_path).returncode == 0
    (tmp_path / "main.cc").write_text(
        '#include "my_net_model.h"\n#include <cstdio>\n#include <cstdint>\n'
        "int main() { std::fwrite(my_net_model, 1, my_net_model_length, stdout);"
        " return reinterpret_cast<std::uintptr_t>(my_net_model) % 16; }\n"
    )
    strict = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-Os"]
    call = [compiler, *strict, "main.cc", "my_net_model.cc", "-o", "main"]
    subprocess.run(call, cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "main"], capture_output=True, check=True)
    assert done.stdout == content


def test_what_is_no_model_becomes_no_array(tmp_path: Path) -> None:
    (tmp_path / "other.tflite").write_text("something else")
    done = program("c_array.py", "other.tflite", folder=tmp_path)
    assert done.returncode == 1
    assert "is not a TensorFlow Lite model" in done.stderr
    assert not list(tmp_path.glob("*.cc"))


def test_the_program_of_the_board_compiles(compiler: str, tmp_path: Path) -> None:
    (tmp_path / "mnist_small.tflite").write_bytes(b"\x1c\0\0\0TFL3")
    program("c_array.py", "mnist_small.tflite", folder=tmp_path)
    strict = ["-std=c++17", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsyntax-only"]
    board = str(CODE / "embedded" / "board.cc")
    call = [compiler, *strict, f"-I{tmp_path}", f"-I{SIGNATURES}", board]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# What a program says of a package that is not installed


def test_each_package_that_a_program_imports_is_named_with_its_requirements() -> None:
    paths = [*CODE.glob("*/*.py"), *CODE.glob("serving/model_server/*.py")]
    programs = [path for path in paths if path.parent.name != "javascript"]
    own = {path.stem for path in paths} | {"model_server"} | set(sys.stdlib_module_names)
    used = {module for path in programs for module in imported(path)} - own - {"h5py"}  # Keras's
    # rapidjson was of the old emulation: naming it no more would train all models anew
    named = {module: at for module, at in artifacts.PACKAGES.items() if module != "rapidjson"}
    assert used == set(named)
    for package, file in named.values():
        (path,) = CODE.glob(f"*/{file}")
        needed: set[str] = {
            canonicalize_name(Requirement(line).name) for line in path.read_text().split()
        }
        known = needed if file == "requirements-embedded.txt" else brought_by(needed)
        assert canonicalize_name(package) in known, package


def test_a_package_that_is_not_installed_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def without(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    with pytest.raises(SystemExit) as ended:
        artifacts.run(lambda: without("tflite_micro"))
    assert str(ended.value).endswith(
        ": error: tflite-micro is not installed; run `pip install -r requirements-embedded.txt`"
    )
    with pytest.raises(ModuleNotFoundError):  # a fault of the program's own
        artifacts.run(lambda: without("no_such_module"))


def test_reading_passes_on_that_a_package_is_missing() -> None:
    with (
        pytest.raises(ModuleNotFoundError, match="ai_edge_litert"),
        artifacts.reading("model.tflite", "a model"),
    ):
        raise ModuleNotFoundError("No module named 'ai_edge_litert'", name="ai_edge_litert")
