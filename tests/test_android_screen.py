"""The app's own screen, on the JVM: its life, what it says, its pictures."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from recordings import android, screen
from recordings.engine import recipe
from recordings.engine.run import Run
from recordings.engine.site import Site

needs_java = pytest.mark.skipif(
    bool(android.missing() or android.missing_packer()),
    reason=android.missing() or android.missing_packer() or "not skipped",
)
WORKSPACE = Site(android.ROOT).workspace
SOURCES = screen.MODULE / "src" / "main" / "java" / "org" / "example" / "digits"
LIVES = re.findall(r"@Test\s+public void (\w+)", (SOURCES / "Life.java").read_text("utf-8"))
ROW = [0.1 * number for number in range(13)]


def export(model: keras.Model, path: Path) -> None:
    model.export(path, format="litert", verbose=False)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an app for each model."""
    android.compile_sources()
    made = tmp_path_factory.mktemp("screen")
    keras.utils.set_random_seed(0)
    export(keras.Sequential([keras.Input((13,)), keras.layers.Dense(1)]), made / screen.TABLE)
    layers = [keras.Input((20, 30)), keras.layers.Flatten(), keras.layers.Dense(24)]
    export(keras.Sequential([*layers, keras.layers.Softmax()]), made / "letters.tflite")
    (made / "letters.txt").write_text("\n".join(f"letter {chr(97 + i)}" for i in range(24)))
    screen.pack(made / "app.apk", WORKSPACE / android.MODEL, WORKSPACE / android.LABELS)
    screen.pack(made / "letters.apk", made / "letters.tflite", made / "letters.txt")
    screen.pack_refused(made, WORKSPACE)
    screen.compile_screen(made / "r")
    return made


@pytest.fixture(scope="session")
def printed(folder: Path) -> str:
    """Return what all tests in Java printed: one run of Java, on the real API of 2021."""
    refused = [("Refused", folder / f"{name}.apk") for name in screen.REFUSED]
    tests = ("Life", folder / "app.apk"), ("Many", folder / "letters.apk")
    return screen.run(folder, *tests, *refused, litert=False)


@needs_java
@pytest.mark.parametrize("test", LIVES)
def test_life(printed: str, test: str) -> None:
    assert f"Life: {len(LIVES)} run" in printed
    found = re.search(rf"failed {test}\n(.*?)\n\tat ", printed, re.DOTALL)
    assert not found, found[1]


@needs_java
def test_many_labels_and_pictures_without_channels(printed: str) -> None:
    assert "Many: 1 run" in printed
    assert "failed of_many_labels" not in printed, printed


@needs_java
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "The model could not be loaded: model.tflite"),
        ("broken", "The model could not be loaded: ByteBuffer is not a valid flatbuffer model"),
        ("table", "This app is for pictures: the model must read [1, height, width, channels], "
         "but it reads [1, 13]."),
        ("int8", "The model could not be loaded: it reads no float32: use QuantizedClassifier"),
    ],
)  # fmt: skip
def test_a_model_that_it_cannot_use(folder: Path, printed: str, name: str, message: str) -> None:
    """It says why in a line, goes on, and can be closed."""
    assert "failed says_why" not in printed, printed
    assert (folder / f"{name}.en.txt").read_text() == f"{message}\n"
    assert re.search("[一-鿿]{4}", (folder / f"{name}.zh.txt").read_text(encoding="utf-8"))


@needs_java
def test_a_table_needs_no_more_than_the_plain_way(folder: Path) -> None:
    expected = android.answers(folder / screen.TABLE, np.array([ROW], np.float32))
    for litert in (True, False):
        row = ",".join(map(str, ROW))
        printed = android.java("OnDesktop", "row", folder / "table.apk", row, litert=litert)
        assert android.table(printed) == pytest.approx(expected, abs=1e-5)


def test_pictures_of_this_build() -> None:
    if (Site(android.ROOT).outputs / "app_screen.txt").read_text("utf-8").count("not run"):
        pytest.skip("this build could not show the screen")
    sizes = {"light": (822, 1782), "night": (822, 1782), "small": (640, 1066), "land": (1462, 822)}
    for name in screen.PICTURES:
        with Image.open(WORKSPACE / name) as picture:
            assert picture.size == sizes[name.split(".")[0].removeprefix("screen_")]
            ground = np.array(picture.convert("L"))[-1, 5]
            assert (ground < 64) == ("night" in name or "land" in name)
            assert len(np.unique(np.array(picture.convert("L")))) > 50


def test_screen_and_python_agree() -> None:
    text = (Site(android.ROOT).outputs / "app_screen.txt").read_text("utf-8")
    if "not run" in text:
        pytest.skip("this build could not show the screen")
    lines = text.splitlines()[1:]
    assert len(lines) == len(screen.PICTURES)
    for line in lines:
        found = re.search(
            r"Python: (\d), +([\d.]+) %  rows that agree: 10 of 10  screen: (.*)", line
        )
        assert found, line
        assert re.search(rf"{found[1]}\D*{re.escape(found[2])} %", found[3]), line


def test_traced_digit_is_where_the_digit_is() -> None:
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 12:15] = 255
    strokes = screen.trace(image)
    xs, ys = np.array([point for stroke in strokes for point in stroke]).T * 28
    assert (xs.min(), xs.max()) == pytest.approx((12.7, 14.3), abs=0.5)
    assert (ys.min(), ys.max()) == pytest.approx((4.7, 23.3), abs=0.5)


@pytest.mark.parametrize("lacking", ["javac", "aapt2"])
def test_without_its_tools_the_page_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: name != lacking and which(name))
    run = Run(recipe()(lambda run: None), Site(tmp_path), tmp_path)
    screen.record(run, np.zeros((28, 28), np.uint8))
    assert {*run.printed} == {"app_screen", "app_refused"}
    for text in run.printed.values():
        assert text.startswith("not run: ")
        assert lacking in text
    for name in screen.PICTURES:
        with Image.open(tmp_path / name) as picture:
            assert picture.width == 822
