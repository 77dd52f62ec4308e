"""The programs of the chapter on other models than the tutorial's, and on what does not fit."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from playwright.sync_api import Browser

from recordings.chromium import ROOT
from recordings.engine.site import Site

from .conftest import BIN, ENVIRONMENT, run_in

COUNT = 30


def color() -> keras.Model:
    """Return a model for color pictures of another size, with five classes."""
    return keras.Sequential(
        [
            keras.Input((16, 12, 3), name="patch"),
            layers.Conv2D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(5, activation="softmax"),
        ]
    )


def drawn() -> keras.Model:
    """Return a model for drawn gray pictures of another size, with three classes."""
    return keras.Sequential(
        [
            keras.Input((20, 16, 1), name="sketch"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def table() -> keras.Model:
    """Return a model with two inputs, one of them a sequence, and two outputs."""
    series, facts = keras.Input((6, 4), name="series"), keras.Input((3,), name="facts")
    joined = layers.Concatenate()([layers.LSTM(5, unroll=True)(series), facts])
    kind = layers.Dense(3, activation="softmax", name="kind")(joined)
    price = layers.Dense(1, name="price")(joined)
    return keras.Model({"series": series, "facts": facts}, {"kind": kind, "price": price})


def samples(model: keras.Model) -> dict[str, np.ndarray]:
    """Return random samples of all inputs, with a label for each."""
    random = np.random.default_rng(0)
    inputs = {i.name: random.random((COUNT, *i.shape[1:]), "float32") for i in model.inputs}
    return {**inputs, "labels": random.integers(0, 3, COUNT)}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a reader's folder with three models of their own, converted."""
    folder = tmp_path_factory.mktemp("own")
    for name, path in Site(ROOT).programs().items():
        if "/" not in name:
            shutil.copy(path, folder / name)
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    (folder / "tfjs-env").symlink_to(ROOT / ".venv-tfjs")
    keras.utils.set_random_seed(0)
    for make in (color, drawn, table):
        model, name = make(), make.__name__
        model.save(folder / f"{name}.keras")
        model.export(folder / name / "1", verbose=False)
        np.savez(folder / f"{name}_samples.npz", allow_pickle=False, **samples(model))
    return folder


@pytest.fixture(scope="module")
def converted(reader: Path) -> Path:
    """Return the folder after the conversions of the chapter's section on models of one's own.

    The second and third model are converted in the precision only that tests need.
    """
    only = "import tfjs_convert as t; t.PRECISIONS = {{{0!r}: t.PRECISIONS[{0!r}]}}; t.main()"
    programs = [
        ["tfjs_convert.py", "color/1"],
        ["-c", only.format("uint8"), "drawn/1"],
        ["-c", only.format("float32"), "table/1"],
    ]
    for name in ("color", "drawn", "table"):
        programs.append(["samples_for_js.py", f"{name}.keras", "--samples", f"{name}_samples.npz"])
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda words: run_in(reader, f"{BIN}/python", *words), programs))
    return reader


def fails(folder: Path, *command: str) -> str:
    """Run a program that has to fail with one line, and return that line."""
    done = run_in(folder, *command, check=False)
    assert done.returncode == 1, done.stdout
    *_, last = done.stderr.strip().splitlines()
    assert "Traceback" not in done.stderr
    assert "    at " not in done.stderr, "a trace of Node"
    return last


@pytest.mark.parametrize(
    ("name", "backend"), [("color", "wasm"), ("color", "cpu"), ("table", "cpu")]
)
def test_node_agrees_with_keras(name: str, backend: str, converted: Path) -> None:
    folder = f"{name}_tfjs_float32"
    command = ["predict_node.mjs", "--samples", f"{name}_js.json", "--backend", backend, folder]
    run_in(converted, "node", *command)
    [figure] = json.loads((converted / f"{name}_js_{backend}.json").read_text()).values()
    assert figure["same_class"] == 1
    assert figure["largest_difference"] < 1e-5


def test_an_operator_that_the_backend_lacks(converted: Path) -> None:
    command = ["predict_node.mjs", "--samples", "table_js.json", "table_tfjs_float32"]
    assert "(try --backend cpu)" in fails(converted, "node", *command)


def test_samples_of_another_model_are_refused(converted: Path) -> None:
    said = fails(
        converted, "node", "predict_node.mjs", "--samples", "drawn_js.json", "color_tfjs_uint8"
    )
    assert '{"patch":[-1,16,12,3]}' in said
    assert "--samples" in said
    python = [f"{BIN}/python", "samples_for_js.py", "color.keras", "--samples", "drawn_samples.npz"]
    before = (converted / "color_js.bin").read_bytes()
    assert "the model takes patch (16, 12, 3)" in fails(converted, *python)
    assert (converted / "color_js.bin").read_bytes() == before


def test_numbers_that_were_cut_short(converted: Path) -> None:
    shutil.copy(converted / "color_js.json", converted / "cut_js.json")
    (converted / "cut_js.bin").write_bytes((converted / "color_js.bin").read_bytes()[:1001])
    command = ["predict_node.mjs", "--samples", "cut_js.json", "color_tfjs_uint8"]
    assert "do not fit; run `python samples_for_js.py` again" in fails(converted, "node", *command)


def test_what_is_no_saved_model(reader: Path) -> None:
    assert "no saved_model.pb in color;" in fails(
        reader, f"{BIN}/python", "tfjs_convert.py", "color"
    )


@pytest.mark.parametrize("name", ["color", "table"])
def test_a_tflite_of_ones_own(name: str, reader: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    run_in(reader, f"{BIN}/python", "tflite_web.py", f"{name}.keras")
    for file in (f"{name}_web.tflite", f"{name}_web_int8.tflite"):
        details = Interpreter(str(reader / file)).get_input_details()
        assert all(detail["shape_signature"][0] == 1 for detail in details)
        assert all(detail["dtype"] is np.float32 for detail in details)


def test_an_open_size_is_refused_before_anything_is_written(reader: Path) -> None:
    model = keras.Sequential([keras.Input((None, 4), name="series"), layers.GlobalMaxPooling1D()])
    model.save(reader / "open.keras")
    assert "series has the shape (None, None, 4)" in fails(
        reader, f"{BIN}/python", "tflite_web.py", "open.keras"
    )
    assert not list(reader.glob("open_web*"))


# Pages


@pytest.fixture(scope="module")
def site(converted: Path) -> Iterator[str]:
    """Serve the reader's folder."""
    command = [f"{BIN}/python", "serve_page.py", ".", "--port", "0"]
    with subprocess.Popen(
        command, cwd=converted, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.terminate()


def plain(folder: Path, program: str, changes: dict[str, str]) -> None:
    """Change names in a program of the chapter as it says, and bundle it with its command."""
    text = (folder / f"{program}.mjs").read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (folder / f"{program}.mjs").write_text(text, encoding="utf-8")
    options = ["--bundle", "--format=esm", "--minify", f"--outfile={program}.js"]
    run_in(folder, "npx", "esbuild", f"{program}.mjs", *options)


def keras_class(folder: Path, name: str, pictures: np.ndarray) -> int:
    model = keras.models.load_model(folder / f"{name}.keras", compile=False)
    return int(model.predict(pictures, verbose=0)[0].argmax())


def test_the_plain_pages(browser: Browser, converted: Path, site: str) -> None:
    picture = np.load(converted / "color_samples.npz")["patch"][:1]
    (converted / "sample.json").write_text(json.dumps(picture.tolist()))
    wanted = f"class {keras_class(converted, 'color', picture)}"
    run_in(converted, f"{BIN}/python", "tflite_web.py", "color.keras")
    plain(converted, "plain_page", {"my_tfjs": "color_tfjs_float32"})
    plain(converted, "plain_litert", {"my_web": "color_web"})
    for name in ("plain_page", "plain_litert"):
        page = browser.new_page()
        page.goto(f"{site}{name}.html")
        page.locator("#answer", has_text=wanted).wait_for()
        page.close()


def test_a_color_picture_on_a_page(browser: Browser, converted: Path, site: str) -> None:
    plain(converted, "plain_picture", {"my_tfjs": "color_tfjs_float32"})
    random = np.random.default_rng(1)
    pixels = random.integers(0, 256, (40, 50, 3), "uint8")
    keras.utils.save_img(converted / "picture.png", pixels, scale=False)
    resized = keras.ops.image.resize(pixels[None].astype("float32"), (16, 12)) / 255
    page = browser.new_page()
    page.goto(f"{site}plain_picture.html")
    page.locator("input").set_input_files(converted / "picture.png")
    wanted = keras_class(converted, "color", np.asarray(resized))
    page.locator("#answer", has_text=f"class {wanted}").wait_for()
    page.close()


DRAWN = ["--graph-model", "drawn_tfjs_uint8", "--tflite", "drawn_web_int8.tflite"]
DRAWN += ["--samples", "drawn_js.json", "--labels", "drawn_labels.txt"]


def test_the_demo_on_drawings_of_another_size(browser: Browser, converted: Path) -> None:
    run_in(converted, f"{BIN}/python", "tflite_web.py", "drawn.keras")
    (converted / "drawn_labels.txt").write_text("circle\nsquare\nstar\n")
    run_in(converted, "node", "bundle.mjs", *DRAWN)
    command = [f"{BIN}/python", "serve_page.py", "--port", "0"]
    with subprocess.Popen(
        command, cwd=converted, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        page = browser.new_page(locale="en-US")
        page.goto(server.stdout.readline().strip())
        page.locator(".digit-demo > button").click()
        page.locator(".digit-status", has_text="ready").wait_for()
        page.locator(".digit-digits button").first.click()
        page.locator(".digit-status", has_text="Its label").wait_for()
        assert page.locator(".digit-rows b").all_inner_texts() == ["circle", "square", "star"]
        page.locator(".digit-runtime select").select_option("litert")
        page.locator(".digit-time", has_text="LiteRT").wait_for()
        page.close()
        server.terminate()


def test_a_model_that_the_demo_cannot_show(converted: Path) -> None:
    run_in(converted, f"{BIN}/python", "tflite_web.py", "color.keras")
    (converted / "two_labels.txt").write_text("one\ntwo\n")
    model = ["--graph-model", "color_tfjs_uint8", "--tflite", "color_web_int8.tflite"]
    said = fails(converted, "node", "bundle.mjs", *model, "--labels", "two_labels.txt")
    assert "color_tfjs_uint8 maps [[-1,16,12,3]] to [[-1,5]], the demo needs" in said
    assert "plain_page.mjs" in said
    run_in(converted, f"{BIN}/python", "tflite_web.py", "drawn.keras")
    said = fails(converted, "node", "bundle.mjs", *DRAWN[:-1], "two_labels.txt")
    assert "two_labels.txt has 2 lines, drawn_tfjs_uint8 has 3 classes" in said


# Folders


@pytest.mark.parametrize("program", ["bundle.mjs", "predict_node.mjs"])
def test_nothing_is_needed_for_help_and_everything_is_named(program: str, tmp_path: Path) -> None:
    for path in (ROOT / "docs/_static/code/javascript").glob("*.mjs"):
        shutil.copy(path, tmp_path)
    said = run_in(tmp_path, "node", program, "--help").stdout
    assert said.startswith(f"usage: node {program}")
    assert "is not installed; run `npm ci --omit=dev`" in fails(tmp_path, "node", program)


@pytest.mark.parametrize("program", ["bundle.mjs", "predict_node.mjs"])
def test_in_a_folder_without_the_files(program: str, reader: Path, tmp_path: Path) -> None:
    said = fails(tmp_path, "node", str(reader / program))
    assert "is not here; run `python " in said


@pytest.mark.parametrize(
    "program",
    ["tfjs_env.py", "tfjs_convert.py", "tflite_web.py", "samples_for_js.py", "serve_page.py"],
)
def test_a_program_downloaded_alone(program: str, reader: Path, tmp_path: Path) -> None:
    shutil.copy(reader / program, tmp_path)
    said = fails(tmp_path, f"{BIN}/python", program)
    assert ".py is not beside this program; both are in programs.zip" in said


def test_headers_of_a_file_that_is_not_there(reader: Path) -> None:
    command = [f"{BIN}/python", "serve_page.py", ".", "--port", "0", "--headers", "none-*.js"]
    assert "no none-*.js in .;" in fails(reader, *command)
