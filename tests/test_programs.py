"""The programs as a reader runs them: flat in one folder, with good files and with bad ones."""

from __future__ import annotations

import http.server
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphinxext.layout import Site
from tests.minisite import ROOT

PROGRAMS = Site(ROOT).programs()
for stage in ("modelsave", "lite"):
    sys.path.insert(0, str(Site(ROOT).code / stage))

import artifacts  # noqa: E402
import interpret  # noqa: E402
import mnist_data  # noqa: E402

WITH_HELP = [
    name
    for name, path in PROGRAMS.items()
    if path.suffix == ".py" and "argparse" in path.read_text()
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with nothing but the programs."""
    folder = tmp_path_factory.mktemp("reader")
    for name, path in PROGRAMS.items():
        shutil.copy(path, folder / name)
    return folder


def call(folder: Path, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program in the reader's folder, on the embedded digits."""
    return subprocess.run(
        [sys.executable, *command.split()],
        cwd=folder,
        env={**os.environ, "MNIST_DATA": "digits", "TF_CPP_MIN_LOG_LEVEL": "2", **environment},
        capture_output=True,
        text=True,
    )


def fails_with(folder: Path, command: str, *words: str) -> None:
    """Assert that a program fails with one line that holds `words`."""
    done = call(folder, command)
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert last.startswith(f"{command.split()[0]}: error: "), done.stderr
    for word in words:
        assert word in last


@pytest.mark.parametrize("name", WITH_HELP)
def test_help(folder: Path, name: str) -> None:
    done = call(folder, f"{name} --help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: {name}")


# The dataset


def test_the_embedded_digits() -> None:
    data = mnist_data.embedded_digits()
    assert data.x_train.shape == (1437, 28, 28)
    assert data.x_test.shape == (360, 28, 28)
    assert data.x_train.dtype == np.uint8
    assert data.y_test.dtype == np.int64
    assert set(data.y_train) == set(range(10))
    assert data.x_train[:, 0].max() == 0, "a dark border, as in MNIST"
    assert data.x_train.max() > 200


def write_npz(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def small_arrays() -> dict[str, np.ndarray]:
    return {name: np.zeros((3, 2), np.uint8) for name in mnist_data.SHA256}


def test_a_file_with_other_arrays_is_refused(folder: Path) -> None:
    path = write_npz(folder / "other.npz", **small_arrays())
    before = path.read_bytes()
    fails_with(
        folder, "mnist_data.py --data other.npz", "other.npz", "x_train is not that of MNIST"
    )
    assert path.read_bytes() == before


def test_a_file_that_lacks_an_array_is_refused(folder: Path) -> None:
    write_npz(folder / "lacks.npz", x_train=np.zeros(3))
    fails_with(folder, "mnist_data.py --data lacks.npz", "lacks.npz", "no array y_train")


@pytest.mark.parametrize("size", [0, 10, -1])
def test_a_file_cut_short_is_refused(folder: Path, size: int) -> None:
    whole = write_npz(folder / "whole.npz", **small_arrays()).read_bytes()
    (folder / "cut.npz").write_bytes(whole[:size])
    fails_with(folder, "mnist_data.py --data cut.npz", "cut.npz: not a whole .npz file")
    assert (folder / "cut.npz").read_bytes() == whole[:size]


def test_a_corrupt_file_is_refused(folder: Path) -> None:
    content = bytearray(write_npz(folder / "corrupt.npz", **small_arrays()).read_bytes())
    content[60:200] = bytes(140)
    (folder / "corrupt.npz").write_bytes(content)
    fails_with(folder, "mnist_data.py --data corrupt.npz", "corrupt.npz")


def test_a_missing_file_is_named(folder: Path) -> None:
    fails_with(folder, "mnist_data.py --data nowhere.npz", "nowhere.npz: no such file")


def test_a_bad_file_of_keras_is_not_passed_over(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / ".keras" / "datasets" / "mnist.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half a down")
    done = call(folder, "mnist_data.py", HOME=str(tmp_path), MNIST_DATA="")
    assert done.returncode == 1
    assert f"{path}: not a whole .npz file" in done.stderr
    assert path.read_bytes() == b"half a down"


@given(st.data())
def test_every_changed_byte_is_noticed(data: st.DataObject) -> None:
    array = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    changed = array.copy()
    index = data.draw(st.integers(0, array.size - 1))
    changed.flat[index] ^= data.draw(st.integers(1, 255))
    assert mnist_data.idx_sha256(changed) != mnist_data.idx_sha256(array)
    assert mnist_data.idx_sha256(array.reshape(5, 4, 3)) != mnist_data.idx_sha256(array)


class Server(http.server.BaseHTTPRequestHandler):
    """Answer with half of what is announced, and cut the connection."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"x" * 500)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def cutting_server() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/mnist.npz"
        server.shutdown()


def test_a_cut_download_leaves_nothing(
    cutting_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mnist_data, "URL", cutting_server)
    target = tmp_path / "datasets" / "mnist.npz"
    assert not mnist_data.download(target)
    assert list(target.parent.iterdir()) == []


def test_a_slow_download_is_given_up(
    cutting_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mnist_data, "URL", cutting_server)
    monkeypatch.setattr(mnist_data, "DOWNLOAD_SECONDS", -1)
    assert not mnist_data.download(tmp_path / "mnist.npz")
    assert list(tmp_path.iterdir()) == []


def test_without_a_network_the_digits_stand_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MNIST_DATA", raising=False)
    monkeypatch.setattr(mnist_data, "KERAS_FILE", tmp_path / "mnist.npz")
    monkeypatch.setattr(mnist_data, "URL", "http://127.0.0.1:9/mnist.npz")  # nobody listens
    assert mnist_data.load().name == "digits"


# Artifacts


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")

    def fail_half_way() -> None:
        with artifacts.whole(target) as path:
            path.write_text("ne")
            raise KeyError

    with pytest.raises(KeyError):
        fail_half_way()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert target.read_text() == "old"
    with artifacts.whole(target) as path:
        path.write_text("new")
    assert target.read_text() == "new"


def test_a_folder_replaces_a_folder(tmp_path: Path) -> None:
    for text in ("old", "new"):
        with artifacts.whole(tmp_path / "model" / "1") as path:
            path.mkdir()
            (path / text).touch()
    assert [path.name for path in (tmp_path / "model" / "1").iterdir()] == ["new"]


# Models and inputs that are not there or not right


def test_missing_models_are_named(folder: Path) -> None:
    fails_with(folder, "load_models.py", "mnist_cnn.keras is not here; run `python mnist_cnn.py`")
    fails_with(folder, "convert.py", "mnist_cnn.h5 is not here; run `python mnist_cnn.py` first")
    fails_with(folder, "interpret.py", "mnist_cnn.tflite is not here; run `python convert.py`")


def test_damaged_models_are_named(folder: Path) -> None:
    (folder / "bad.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    fails_with(folder, "convert.py bad.h5", "bad.h5 cannot be read as a model")
    (folder / "empty.tflite").touch()
    fails_with(folder, "interpret.py --model empty.tflite", "empty.tflite is empty")
    (folder / "other.tflite").write_bytes(bytes(100))
    fails_with(folder, "interpret.py --model other.tflite", "not a TensorFlow Lite model")
    fails_with(folder, "inspect_tflite.py other.tflite", "not a TensorFlow Lite model")
    model = Site(ROOT).workspace / "mnist_cnn.tflite"
    (folder / "cut.tflite").write_bytes(model.read_bytes()[:100_000])
    fails_with(folder, "interpret.py --model cut.tflite", "the model is damaged")
    fails_with(folder, "inspect_tflite.py cut.tflite", "cut.tflite is damaged")


def test_wrong_pictures_are_described(folder: Path) -> None:
    shutil.copy(Site(ROOT).workspace / "mnist_cnn.tflite", folder / "good.tflite")
    base = "interpret.py --model good.tflite"
    np.save(folder / "float.npy", np.zeros((28, 28)))
    fails_with(folder, f"{base} --picture float.npy", "float64 (28, 28); a picture is uint8")
    (folder / "text.npy").write_text("no picture")
    fails_with(folder, f"{base} --picture text.npy", "text.npy is not an .npy file")
    fails_with(folder, f"{base} --digit 360", "--digit goes from 0 to 359")


# The emulation


def test_the_result_is_one_row_of_ten() -> None:
    model = interpret.load_model_file(str(Site(ROOT).workspace / "mnist_cnn.tflite"))
    buffer, result = interpret.allocate_input(), [[0.0] * 10]
    assert len(buffer.bytes) == 4 * 28 * 28
    interpret.Interpreter(model).run(buffer, result)
    assert sum(result[0]) == pytest.approx(1, abs=1e-5)
    with pytest.raises(ValueError, match="zip"):
        interpret.Interpreter(model).run(buffer, [[0.0] * 10] * 2)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_java_floats_keep_their_value(value: float) -> None:
    text = interpret.java_float(value)
    assert np.float32(text) == np.float32(value)
    assert "." in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1.0"), (0, "0.0"), (0.5, "0.5"), (1e-3, "0.001"), (1e-4, "1.0E-4"), (1e7, "1.0E7")],
)
def test_java_floats_are_written_as_java_writes_them(value: float, text: str) -> None:
    assert interpret.java_float(value) == text


@given(st.integers(0, 255))
def test_a_grey_pixel_has_its_own_grey_value(grey: int) -> None:
    (pixel,) = interpret.get_pixels(np.array([[grey]], np.uint8))
    assert pixel < 0, "opaque, as a signed integer"
    assert interpret.grey_value(pixel) == pytest.approx(grey)


def test_a_black_pixel_is_the_number_that_the_chapter_gives() -> None:
    assert interpret.get_pixels(np.zeros((1, 1), np.uint8)) == [-16777216]


def test_the_buffer_is_in_native_order() -> None:
    buffer = interpret.allocate_input()
    buffer.put_float(1.5)
    assert np.frombuffer(buffer.bytes, np.float32)[0] == 1.5
    buffer.rewind()
    buffer.put_float(2.5)
    assert np.frombuffer(buffer.bytes, np.float32)[:2].tolist() == [2.5, 0]
