"""The app's own classes run on the JVM, on the build's models and the tutorial's digits."""

from __future__ import annotations

import re
import subprocess
import zipfile
from pathlib import Path

import interpret
import keras
import numpy as np
import pytest
import tensorflow as tf

from recordings import android
from recordings.engine.site import Site

pytestmark = pytest.mark.skipif(
    bool(android.missing() or android.missing_packer()),
    reason=android.missing() or android.missing_packer() or "not skipped",
)

WORKSPACE = Site(android.ROOT).workspace
DIGITS = 100  # the build compares 1,000
EQUAL = 1e-6
EQUAL_2021 = 1e-5  # other kernels add in another order; 1e-6 was seen


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    with np.load(WORKSPACE / "mnist_cnn_samples.npz") as samples:
        return np.round(samples["image"][:DIGITS, ..., 0] * 255).astype(np.uint8)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, images: np.ndarray) -> Path:
    """Return a folder with an app for each of the build's models, and digits.bin."""
    android.compile_sources()
    made = tmp_path_factory.mktemp("android")
    for model in (android.MODEL, android.INT8, android.DYNAMIC):
        android.pack(made / f"{model}.apk", WORKSPACE / model, WORKSPACE / android.LABELS)
    android.write_pictures(made / "digits.bin", images)
    return made


def on_desktop(
    folder: Path, command: str, *, model: str = android.MODEL, litert: bool = False
) -> str:
    return android.desktop(command, folder / f"{model}.apk", folder / "digits.bin", litert=litert)


def mistake(folder: Path, name: str, *, model: str = android.MODEL) -> str:
    return android.mistake(name, folder / f"{model}.apk", folder / "digits.bin")


@pytest.fixture(scope="session")
def expected(images: np.ndarray) -> np.ndarray:
    """Return what the Python interpreter says, float32 (digits, 10)."""
    return android.python_answers(WORKSPACE / android.MODEL, images)


@pytest.mark.parametrize("litert", [False, True], ids=["2021", "litert"])
@pytest.mark.parametrize("language", ["java", "kotlin", "plain", "plain-kotlin"])
def test_answers_are_those_of_python(
    folder: Path, expected: np.ndarray, language: str, litert: bool
) -> None:
    answers = android.table(on_desktop(folder, language, litert=litert))
    assert answers.shape == (DIGITS, 10)
    assert np.abs(answers - expected).max() <= (EQUAL if litert else EQUAL_2021)
    assert (answers.argmax(1) == expected.argmax(1)).all()


def test_int8_answers_are_those_of_python(folder: Path, images: np.ndarray) -> None:
    expected = android.python_answers(WORKSPACE / android.INT8, images)
    answers = android.table(on_desktop(folder, "int8", model=android.INT8, litert=True))
    assert answers.shape == (DIGITS, 10)
    assert np.abs(answers - expected).max() <= EQUAL
    assert len(np.unique(answers.argmax(1))) == 10


def test_answers_are_those_of_the_emulation(folder: Path, images: np.ndarray) -> None:
    for model, command in ((android.MODEL, "java"), (android.INT8, "int8")):
        answers = android.table(on_desktop(folder, command, model=model, litert=True))
        interpreter = interpret.Interpreter(interpret.load_model_file(str(WORKSPACE / model)))
        tensor, output = interpreter.get_input_tensor(), interpreter.get_output_tensor()
        buffer = interpret.DirectBuffer(tensor.num_bytes())
        for image, answer in zip(images[:20], answers[:20], strict=True):
            interpret.fill_input(buffer, interpret.get_pixels(image[..., None]), tensor)
            label_prob = [[0.0] * 10]
            interpreter.run(buffer, label_prob)
            found = np.array(label_prob[0])
            if output.dtype == "int8":
                found = (found - output.zero_point) * output.scale
            assert np.abs(found - answer).max() <= EQUAL


@pytest.fixture(scope="module")
def color(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a model of another kind: 12 x 8 color pictures, three classes."""
    made = tmp_path_factory.mktemp("color")
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((12, 8, 3)),
        keras.layers.Conv2D(4, 3, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(3, activation="softmax"),
    ]
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Sequential(layers))
    (made / "color.tflite").write_bytes(converter.convert())
    (made / "labels.txt").write_text("红\n绿\n蓝\n", encoding="utf-8")
    android.pack(made / "app.apk", made / "color.tflite", made / "labels.txt")
    return made


@pytest.mark.parametrize("language", ["java", "kotlin"])
@pytest.mark.parametrize("litert", [False, True], ids=["2021", "litert"])
def test_a_model_of_another_kind_needs_no_other_code(
    folder: Path, color: Path, language: str, litert: bool
) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (20, 12, 8, 3), np.uint8)
    path = android.write_pictures(color / "pictures.bin", pictures)
    expected = android.python_answers(color / "color.tflite", pictures)
    printed = android.desktop(language, color / "app.apk", path, litert=litert)
    answers = android.table(printed)
    assert answers.shape == (20, 3)
    assert np.abs(answers - expected).max() <= EQUAL_2021
    last = android.desktop("print", color / "app.apk", path, litert=litert).splitlines()[-1]
    assert last == f"top label: {'红绿蓝'[expected[0].argmax()]}"


def test_all_ten_lines_are_printed(folder: Path, expected: np.ndarray) -> None:
    lines = on_desktop(folder, "print").splitlines()
    assert [line.rsplit(" ", 1)[0] for line in lines[:10]] == [
        f"index {index} prob is" for index in range(10)
    ]
    assert lines[10:] == [f"top label: {expected[0].argmax()}"]


def center(path: Path, drawn: int, width: int, height: int) -> np.ndarray:
    """Return what Centering.java makes of a drawing."""
    printed = android.java("OnDesktop", "center", path, str(drawn), str(width), str(height))
    return android.table(printed).reshape(height, width)


def test_centering_brings_a_displaced_digit_back(
    folder: Path, tmp_path: Path, images: np.ndarray, expected: np.ndarray
) -> None:
    """Ten digits, five times as large and in a corner, are read like those of the dataset."""
    centered = []
    for image in images[:10]:
        drawing = np.zeros((280, 280), np.uint8)
        drawing[:140, 140:] = image.repeat(5, 0).repeat(5, 1)
        path = android.write_pictures(tmp_path / "drawing.bin", drawing)
        centered.append(center(path, 280, 28, 28))
    for picture in centered:
        rows, columns = np.nonzero(picture)
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
        weights = picture.sum()
        middle = [(picture.sum(axis) * (np.arange(28) + 0.5)).sum() / weights for axis in (0, 1)]
        assert np.abs(np.array(middle) - 14).max() <= 0.5
    path = android.write_pictures(
        tmp_path / "digits.bin", (np.array(centered) * 255).round().astype(np.uint8)
    )
    printed = android.desktop("java", folder / f"{android.MODEL}.apk", path)
    assert (android.table(printed).argmax(1) == expected[:10].argmax(1)).sum() >= 9


def test_centering_for_another_size(folder: Path, tmp_path: Path) -> None:
    drawing = np.zeros((60, 60), np.uint8)
    drawing[40:55, 5:15] = 255
    picture = center(android.write_pictures(tmp_path / "drawing.bin", drawing), 60, 56, 42)
    rows, columns = np.nonzero(picture)
    assert [int(np.ptp(axis)) + 1 for axis in (rows, columns)] == [30, 20], (
        "20/28 of the shorter side"
    )
    assert rows.mean() + 0.5 == pytest.approx(21, abs=0.5)
    assert columns.mean() + 0.5 == pytest.approx(28, abs=0.5)


def test_centering_of_nothing(tmp_path: Path, folder: Path) -> None:
    path = android.write_pictures(tmp_path / "drawing.bin", np.zeros((30, 30)))
    assert not center(path, 30, 28, 28).any()


class TestMistakes:
    def test_none(self, folder: Path) -> None:
        assert mistake(folder, "none") == on_desktop(folder, "print")

    @pytest.mark.parametrize("name", ["raw", "scale"])
    def test_certainty_is_the_symptom(self, folder: Path, name: str) -> None:
        lines = mistake(folder, name).splitlines()[:10]
        assert sorted({line.split()[-1] for line in lines}) == ["0.0", "1.0"]

    def test_forgotten_inversion_is_wrong(self, folder: Path) -> None:
        assert mistake(folder, "inverted") != mistake(folder, "none")

    def test_forgotten_byte_order_is_no_exception(self, folder: Path) -> None:
        printed = mistake(folder, "order")
        assert "Exception" not in printed
        assert printed != mistake(folder, "none")

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("size", r"Cannot copy to a TensorFlowLite tensor \(\S+\) with 3136 bytes from a Java "
             r"Buffer with 9408 bytes\."),
            ("shape", r"Cannot copy from a TensorFlowLite tensor \(\S+\) with shape \[1, 10\] to a "
             r"Java object with shape \[10\]\."),
            ("heap", r"Model ByteBuffer should be either a MappedByteBuffer of the model file, or "
             r"a direct ByteBuffer using ByteOrder\.nativeOrder\(\) which contains bytes of model "
             r"content\."),
        ],
    )  # fmt: skip
    def test_message(self, folder: Path, name: str, message: str) -> None:
        assert re.fullmatch(
            f"java.lang.IllegalArgumentException: {message}", mistake(folder, name).strip()
        )

    def test_model_newer_than_the_runtime(self, folder: Path) -> None:
        """The converter of 2026 writes an operator that the runtime of 2021 does not have."""
        printed = mistake(folder, "load", model=android.DYNAMIC)
        assert re.search(
            r"Didn't find op for builtin opcode 'FULLY_CONNECTED' version '\d+'\. An older version "
            r"of this builtin might be supported\. Are you using an old TFLite binary with a newer "
            r"model\?",
            printed,
        )

    def test_newer_int8_model_is_wrong_without_a_word(
        self, folder: Path, images: np.ndarray
    ) -> None:
        """The runtime of 2021 takes one scale for weights that have one for each channel."""
        expected = android.python_answers(WORKSPACE / android.INT8, images)
        answers = android.table(on_desktop(folder, "int8", model=android.INT8))
        assert (answers.argmax(1) == expected.argmax(1)).mean() < 0.5


def test_readelf_shows_the_page_size_of_a_library(folder: Path) -> None:
    """The command that checks for 16 KB pages finds fault with the library of 2021."""
    assert android.segment_alignment(android.RUNTIME_2021) < 16 * 1024


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model half of whose weights are zero: it is worth compressing."""
    path = tmp_path_factory.mktemp("pruned") / android.MODEL
    return android.prune(WORKSPACE / android.MODEL, path)


class TestPackage:
    """What the APK Analyzer shows, and what AssetManager makes of it."""

    def test_model_is_stored_and_aligned(self, folder: Path) -> None:
        apk, entry = folder / f"{android.MODEL}.apk", f"assets/{android.ASSET}"
        with zipfile.ZipFile(apk) as package:
            info = package.getinfo(entry)
            assert [name for name in package.namelist() if name.startswith("assets/")] == [
                *("assets/labels.txt", entry)
            ]
        assert info.compress_type == zipfile.ZIP_STORED
        assert info.file_size == (WORKSPACE / android.MODEL).stat().st_size
        assert android.data_offset(apk, entry) % 4 == 0
        android.call("zipalign", "-c", "-p", "4", apk)

    @pytest.mark.parametrize(("flag", "stored"), [(".tflite", True), ("", False)])
    def test_flag_decides(
        self, folder: Path, tmp_path: Path, model: Path, flag: str, stored: bool
    ) -> None:
        apk = android.pack(
            tmp_path / "app.apk", model, WORKSPACE / android.LABELS, no_compress=flag
        )
        with zipfile.ZipFile(apk) as package:
            info = package.getinfo(f"assets/{android.ASSET}")
        assert (info.compress_type == zipfile.ZIP_STORED) is stored
        assert (info.compress_size == info.file_size) is stored
        printed = android.mistake("load", apk, folder / "digits.bin")
        message = "This file can not be opened as a file descriptor; it is probably compressed"
        assert (message in printed) is not stored

    def test_flag_without_its_dot_is_ignored(self, tmp_path: Path, model: Path) -> None:
        apk = android.pack(
            tmp_path / "app.apk", model, WORKSPACE / android.LABELS, no_compress="tflite"
        )
        with zipfile.ZipFile(apk) as package:
            info = package.getinfo(f"assets/{android.ASSET}")
        assert info.compress_type == zipfile.ZIP_DEFLATED

    @pytest.mark.parametrize("way", range(4))
    def test_whole_app_compiles(self, folder: Path, tmp_path: Path, way: int) -> None:
        """With the R that aapt2 made, MainActivity included, whichever classifier it opens."""
        activity = android.MAIN / "java" / "org" / "example" / "digits" / "MainActivity.java"
        text = activity.read_text(encoding="utf-8")
        ways = re.findall(r"(?m)^ +(?:// )?return new .*Classifier\(.*;$", text)
        assert len(ways) == 4
        for other in ways:
            text = text.replace(other, "")
        chosen = ways[way].replace("// ", "") + "\n  }\n\n  // [show]"
        text = re.sub(r"\s*\}\s*// \[show\]", lambda found: f"\n{chosen}", text)
        (tmp_path / "MainActivity.java").write_text(text, encoding="utf-8")
        sources = [*(android.MAIN / "java").rglob("*.java"), *(folder / "r").rglob("R.java")]
        sources = [source for source in sources if source != activity]
        kotlin = android.BUILT / "classes"  # compiled by Maven
        done = subprocess.run(
            ["javac", "-Xlint:all", "-Werror", "--release", "11", "-d", str(tmp_path), "-cp",
             f"{android.libraries()}:{kotlin}",
             *map(str, sources), str(tmp_path / "MainActivity.java")],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "org" / "example" / "digits" / "MainActivity.class").exists()


def test_colors_become_the_gray_that_python_computes(tmp_path: Path, folder: Path) -> None:
    """Red, green, and blue, each alone: digits are gray, and no other test would tell weights."""
    colors = android.write_pictures(tmp_path / "colors.bin", 255 * np.eye(3, dtype=np.uint8))
    gray = android.table(android.java("OnDesktop", "gray", colors))[0]
    assert gray == pytest.approx([1 - 0.299, 1 - 0.587, 1 - 0.114], abs=1e-6)
