"""The programs as a reader runs them: flat in one folder, with good files and with bad ones."""

from __future__ import annotations

import os
import runpy
import shutil
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from socket import socket

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from recordings.engine.site import Site
from tests import forked
from tests.minisite import ROOT

PROGRAMS = Site(ROOT).programs()
for stage in ("modelsave", "lite"):
    sys.path.insert(0, str(Site(ROOT).code / stage))

import artifacts  # noqa: E402
import mnist_cnn  # noqa: E402
import mnist_data  # noqa: E402

WITH_HELP = [
    name
    for name, path in PROGRAMS.items()
    if path.suffix == ".py"
    and "argparse.ArgumentParser(" in path.read_text()
    and 'if __name__ == "__main__"' in path.read_text()
]
# Programs about TensorFlow itself import it first; the others, when they have something to do.
TENSORFLOW_FIRST = {"mnist_cnn.py", "named_signature.py", "optimizer_defaults.py"}


def with_programs(folder: Path) -> Path:
    """Copy all programs into `folder`, flat, and return it."""
    for name, path in PROGRAMS.items():
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(path, folder / name)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with nothing but the programs."""
    return with_programs(tmp_path_factory.mktemp("reader"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the programs and what they make in the order of the chapters."""
    folder = with_programs(tmp_path_factory.mktemp("trained"))
    for command in ("mnist_cnn.py --epochs 1", "convert.py"):
        done = call(folder, command)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def digits() -> mnist_data.Dataset:
    """Return the embedded digits; bringing them to their size takes longer than many a test."""
    return mnist_data.embedded_digits()


def call(folder: Path, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program in the reader's folder, on the embedded digits."""
    return forked.run(folder, *command.split(), **{"MNIST_DATA": "digits", **environment})


def succeeds(folder: Path, command: str) -> list[str]:
    """Run a program and return the lines on its standard output."""
    done = call(folder, command)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def fails_with(folder: Path, command: str, *words: str, status: int = 1) -> None:
    """Assert that a program fails with one line that holds `words`."""
    done = call(folder, command)
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert last.startswith(f"{command.split()[0]}: error: "), done.stderr
    for word in words:
        assert word in last


@pytest.fixture
def refuses(monkeypatch: pytest.MonkeyPatch, digits: mnist_data.Dataset) -> Callable[..., None]:
    """Return `fails_with`, but within this process, which has TensorFlow loaded already."""

    def check(folder: Path, command: str, *words: str) -> None:
        program, *arguments = command.split()
        monkeypatch.chdir(folder)
        monkeypatch.setenv("MNIST_DATA", "digits")
        monkeypatch.setattr(mnist_data, "embedded_digits", lambda: digits)
        monkeypatch.setattr(sys, "argv", [program, *arguments])
        with pytest.raises(SystemExit) as end:  # anything else would be a traceback
            runpy.run_path(program, run_name="__main__")
        error = end.value.code
        assert isinstance(error, str), "exit code 1 and the text on standard error"
        assert error.startswith(f"{program}: error: ")
        assert "\n" not in error
        for word in words:
            assert word in error

    return check


@pytest.mark.parametrize("name", sorted({*WITH_HELP} & TENSORFLOW_FIRST))
def test_help(folder: Path, name: str) -> None:
    assert succeeds(folder, f"{name} --help")[0].startswith(f"usage: {name}")


@pytest.fixture(scope="module")
def without_tensorflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of modules that stand for TensorFlow and Keras and cannot be imported."""
    folder = tmp_path_factory.mktemp("without")
    for name in ("tensorflow", "keras"):
        (folder / f"{name}.py").write_text(f"raise ImportError('no {name} here')")
    return folder


@pytest.mark.parametrize("name", sorted({*WITH_HELP} - TENSORFLOW_FIRST))
def test_help_comes_at_once(folder: Path, without_tensorflow: Path, name: str) -> None:
    said = subprocess.run(
        [sys.executable, name, "--help"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(without_tensorflow)},
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(f"usage: {name}")


# From the empty folder to the answer


def test_what_training_and_conversion_leave(trained: Path) -> None:
    programs = {Path(name).parts[0] for name in PROGRAMS}  # some stand in folders
    made = {path.name for path in trained.iterdir()} - programs - {"__pycache__"}
    assert made == {
        *("mnist_cnn.keras", "mnist_cnn.h5", "saved_model", "mnist_cnn.json"),
        *("mnist_cnn_samples.npz", "mnist_cnn_calibration.npz", "mnist_cnn_labels.txt"),
        "mnist_cnn_convert.json",
        *("mnist_cnn.tflite", "mnist_cnn_float16.tflite", "mnist_cnn_dynamic.tflite"),
        "mnist_cnn_int8.tflite",
    }
    assert [path.name for path in (trained / "saved_model").iterdir()] == ["1"]


def test_all_three_formats_load_again(trained: Path) -> None:
    *models, label = succeeds(trained, "load_models.py --count 20")
    assert [line.split()[0] for line in models] == [
        *("mnist_cnn.keras", "mnist_cnn.h5", "saved_model/1")
    ]
    assert all("(20, 10)" in line and line.endswith("equal") for line in models)
    assert label == "label of sample 0: 0"


def test_named_signatures(trained: Path) -> None:
    said = succeeds(trained, "named_signature.py")
    answers = {line.split(": ", 1)[0]: line for line in said if "probability" in line}
    assert answers.keys() == {"serving_default", "read_png"}
    one, two = (line.split(": ", 1)[1] for line in answers.values())
    assert one == two, "a PNG of the same picture"


# The dataset


def test_the_embedded_digits(digits: mnist_data.Dataset) -> None:
    assert digits.x_train.shape == (1437, 28, 28)
    assert digits.x_test.shape == (360, 28, 28)
    assert digits.x_train.dtype == digits.x_test.dtype == np.uint8
    assert digits.y_train.dtype == digits.y_test.dtype == np.int64
    assert set(digits.y_train) == set(digits.y_test) == set(range(10))
    assert digits.y_test.tolist() == load_digits().target[::5].tolist(), "every fifth"
    assert digits.x_train[:, 0].max() == 0, "a dark border, as in MNIST"
    assert digits.x_train.max() > 200


ARRAYS = {
    "x_train": np.arange(3 * 28 * 28, dtype=np.uint8).reshape(3, 28, 28),
    "y_train": np.array([5, 0, 4], np.uint8),
    "x_test": np.ones((2, 28, 28), np.uint8),
    "y_test": np.array([7, 2], np.uint8),
}
HASHES = {name: mnist_data.idx_sha256(array) for name, array in ARRAYS.items()}


@pytest.fixture
def small_mnist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digits: mnist_data.Dataset
) -> Path:
    """Let five digits be MNIST; return their file. Keras keeps none and no host has it."""
    monkeypatch.setattr(mnist_data, "SHA256", HASHES)
    monkeypatch.setattr(mnist_data, "embedded_digits", lambda: digits)
    monkeypatch.setattr(mnist_data, "KERAS_FILE", tmp_path / "keras" / "mnist.npz")
    monkeypatch.setattr(mnist_data, "URL", "http://127.0.0.1:9/mnist.npz")  # nobody listens
    monkeypatch.delenv("MNIST_DATA", raising=False)
    np.savez_compressed(tmp_path / "small.npz", **ARRAYS)  # type: ignore[arg-type]
    return tmp_path / "small.npz"


def test_a_good_file_is_read(small_mnist: Path) -> None:
    data = mnist_data.load(str(small_mnist))
    assert data.name == "MNIST"
    for name, array in ARRAYS.items():
        assert np.array_equal(getattr(data, name), array)
    assert data.y_train.dtype == data.y_test.dtype == np.int64


def test_the_first_of_the_four_places_is_taken(
    small_mnist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, variable = small_mnist.with_name("named.npz"), small_mnist.with_name("variable.npz")
    shutil.copy(small_mnist, named)
    shutil.copy(small_mnist, variable)
    assert mnist_data.load().name == "digits", "no file, no network"
    with serving(whole_answer(small_mnist.read_bytes())) as url:
        monkeypatch.setattr(mnist_data, "URL", url)
        assert mnist_data.load().origin == str(mnist_data.KERAS_FILE), "downloaded"
    assert mnist_data.KERAS_FILE.read_bytes() == small_mnist.read_bytes()
    assert mnist_data.load().origin == str(mnist_data.KERAS_FILE), "the server is gone"
    monkeypatch.setenv("MNIST_DATA", str(variable))
    assert mnist_data.load().origin == str(variable)
    assert mnist_data.load(str(named)).origin == str(named)
    assert mnist_data.load("digits").name == "digits"
    monkeypatch.setenv("MNIST_DATA", "digits")
    assert mnist_data.load().name == "digits"


def write_npz(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def test_a_file_with_other_arrays_is_refused(folder: Path) -> None:
    path = write_npz(folder / "other.npz", **ARRAYS)
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
    whole = write_npz(folder / "whole.npz", **ARRAYS).read_bytes()
    (folder / "cut.npz").write_bytes(whole[:size])
    fails_with(folder, "mnist_data.py --data cut.npz", "cut.npz: not a whole .npz file")
    assert (folder / "cut.npz").read_bytes() == whole[:size]


def test_a_missing_file_is_named(folder: Path) -> None:
    fails_with(folder, "mnist_data.py --data nowhere.npz", "nowhere.npz: no such file")


def test_a_folder_is_no_dataset(folder: Path) -> None:
    (folder / "somewhere").mkdir()
    fails_with(folder, "mnist_data.py --data somewhere", "somewhere: not a whole .npz file")


def test_a_bad_file_of_keras_is_not_passed_over(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / ".keras" / "datasets" / "mnist.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half a down")
    done = call(folder, "mnist_data.py", HOME=str(tmp_path), MNIST_DATA="")
    assert done.returncode == 1
    assert f"{path}: not a whole .npz file" in done.stderr
    assert path.read_bytes() == b"half a down"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the five digits as a compressed .npz."""
    path = tmp_path_factory.mktemp("packed") / "digits.npz"
    np.savez_compressed(path, **ARRAYS)  # type: ignore[arg-type]
    return path.read_bytes()


@given(data=st.data())
@settings(max_examples=400, deadline=None)
def test_every_changed_byte_of_a_file_is_noticed_or_harmless(
    packed: bytes, data: st.DataObject
) -> None:
    with pytest.MonkeyPatch.context() as patch, artifacts_folder() as folder:
        patch.setattr(mnist_data, "SHA256", HASHES)
        path = folder / "corrupt.npz"
        content = bytearray(packed)
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
        path.write_bytes(content)
        said = ""
        try:
            read = mnist_data.read_npz(path)
        except artifacts.ProgramError as error:
            said = str(error)
        else:  # a time or an attribute in the archive, for example
            for name, array in ARRAYS.items():
                assert np.array_equal(getattr(read, name), array)
        assert not said or "corrupt.npz" in said
        assert path.read_bytes() == content


@contextmanager
def artifacts_folder() -> Iterator[Path]:
    """Yield a folder for one example of a property."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@given(st.data())
def test_every_changed_byte_of_an_array_is_noticed(data: st.DataObject) -> None:
    array = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    changed = array.copy()
    index = data.draw(st.integers(0, array.size - 1))
    changed.flat[index] ^= data.draw(st.integers(1, 255))
    assert mnist_data.idx_sha256(changed) != mnist_data.idx_sha256(array)
    assert mnist_data.idx_sha256(array.reshape(5, 4, 3)) != mnist_data.idx_sha256(array)


# The download

Answer = Callable[[socket], None]


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """Yield the address of a server that gives `answer` to each request on its own thread."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1 << 16)
            answer(self.request)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/mnist.npz"
        server.shutdown()
        thread.join()


def whole_answer(content: bytes, status: str = "200 OK") -> Answer:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"
    return lambda client: client.sendall(head.encode() + content)


def raw_answer(content: bytes) -> Answer:
    return lambda client: client.sendall(content)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (whole_answer(b"x" * 500), "not a whole .npz file"),
        (whole_answer(b"<html>Please log in</html>"), "not a whole .npz file"),
        (whole_answer(b"", "404 Not Found"), "404"),
        (raw_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\ncut"), "cut short"),
        (raw_answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ncut"), ""),
        (raw_answer(b"220 this speaks another protocol\r\n"), "220"),
        (raw_answer(b""), "closed connection"),
    ],
    ids=["other", "login", "404", "cut", "cut chunk", "other protocol", "closed"],
)
def test_a_bad_download_leaves_nothing(
    small_mnist: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: Answer,
    reason: str,
) -> None:
    with serving(answer) as url:
        monkeypatch.setattr(mnist_data, "URL", url)
        assert mnist_data.load().name == "digits"
    said = capsys.readouterr().err
    assert "no download: " in said
    assert reason in said
    assert not any(mnist_data.KERAS_FILE.parent.glob("*"))


@pytest.mark.parametrize(
    ("first", "limit", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nx", "DOWNLOAD_SECONDS", "not done after 0 s"),
        (b"HTTP/1.1 200 OK\r\n\r\nx", "CONNECT_SECONDS", "timed out"),
        (b"HTTP/1.1 200 OK\r\n", "CONNECT_SECONDS", "timed out"),
        (b"", "CONNECT_SECONDS", "timed out"),
    ],
    ids=["trickles", "stalls", "stalls in the head", "never answers"],
)
def test_a_slow_download_is_given_up(
    small_mnist: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    first: bytes,
    limit: str,
    reason: str,
) -> None:
    given_up = threading.Event()

    def stall(client: socket) -> None:
        client.sendall(first)
        given_up.wait()

    monkeypatch.setattr(mnist_data, limit, 0 if limit == "DOWNLOAD_SECONDS" else 0.1)
    with serving(stall) as url:
        monkeypatch.setattr(mnist_data, "URL", url)
        try:
            assert mnist_data.load().name == "digits"
        finally:
            given_up.set()
    assert reason in capsys.readouterr().err
    assert not any(mnist_data.KERAS_FILE.parent.glob("*"))


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


def test_what_a_killed_program_left_aside_is_replaced(tmp_path: Path) -> None:
    (tmp_path / ".partial-a").mkdir()
    (tmp_path / ".partial-a" / "half").touch()
    with artifacts.whole(tmp_path / "a") as path:
        path.write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


# Models and inputs that are not there or not right


def test_missing_models_are_named(folder: Path, refuses: Callable[..., None]) -> None:
    fails_with(folder, "load_models.py", "mnist_cnn.keras is not here; run `python mnist_cnn")
    refuses(folder, "convert.py", "mnist_cnn.keras is not here; run `python mnist_cnn.py` first")
    refuses(folder, "named_signature.py", "mnist_cnn.keras is not here; run `python mnist_cnn.py`")
    refuses(folder, "inspect_tflite.py", "mnist_cnn.tflite is not here; run `python convert.py`")
    refuses(folder, "interpret.py", "mnist_cnn.tflite is not here; run `python convert.py`")


@pytest.fixture
def damaged(trained: Path, tmp_path: Path) -> Path:
    """Return a folder with links to all that was trained, for a test that damages some of it."""
    for path in trained.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "folder").mkdir()
    return tmp_path


def spoil(path: Path, damage: Callable[[bytes], bytes]) -> None:
    """Replace the link `path` by a file with the damaged content."""
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(damage(content))


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def blank(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes(1000) + content[middle + 1000 :]


@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        ("mnist_cnn.keras", cut, "is not a whole .keras file"),
        ("mnist_cnn.keras", blank, "cannot be read as a model"),
        ("mnist_cnn.keras", lambda _: b"", "is not a whole .keras file"),
        ("mnist_cnn.h5", cut, "is not a whole .h5 file"),
        (
            "mnist_cnn.h5",
            lambda _: b"\x89HDF\r\n\x1a\n" + bytes(100),
            "cannot be read as a model",
        ),
    ],
)
def test_damaged_keras_models_are_named(
    damaged: Path,
    refuses: Callable[..., None],
    name: str,
    damage: Callable[[bytes], bytes],
    words: str,
) -> None:
    spoil(damaged / name, damage)
    refuses(damaged, "load_models.py --count 1", f"{name} {words}")
    refuses(damaged, f"convert.py {name}", f"{name} {words}")
    if ".keras" in name:
        refuses(damaged, "named_signature.py", f"{name} {words}")


def test_damaged_saved_models_are_named(damaged: Path, refuses: Callable[..., None]) -> None:
    (damaged / "saved_model").unlink()
    shutil.copytree(
        (damaged / "mnist_cnn_convert.json").resolve().parent / "saved_model", damaged / "good"
    )
    for name, spoilt in {"1": "saved_model.pb", "2": "variables/variables.index"}.items():
        model = damaged / "saved_model" / name
        shutil.copytree(damaged / "good" / "1", model)
        spoil(model / spoilt, cut)
        refuses(damaged, f"convert.py saved_model/{name}", f"saved_model/{name} cannot be read")
    refuses(damaged, "load_models.py --count 1", "saved_model/1 cannot be read as a SavedModel")
    (damaged / "saved_model" / "1" / "saved_model.pb").unlink()
    refuses(damaged, "load_models.py --count 1", "there is no saved_model.pb in saved_model/1")
    refuses(damaged, "convert.py folder", "there is no saved_model.pb in folder")


@pytest.mark.parametrize(
    "command", ["mnist_cnn.py --epochs 0", "mnist_cnn.py --seed -1", "load_models.py --count 0"]
)
def test_options_out_of_range_are_refused(folder: Path, command: str) -> None:
    fails_with(folder, command, "is not a whole number from", status=2)


def test_white_is_1_for_the_network() -> None:
    prepared = mnist_cnn.prepare(np.array([[[0, 255]]], np.uint8))
    assert prepared.dtype == np.float32
    assert prepared.tolist() == [[[[0.0], [1.0]]]]
