"""The converted model in Node and in a real browser gives Keras's answers."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, Response

from .conftest import Demo, run_in

RUNTIMES = ["tfjs-wasm", "tfjs-webgl", "tfjs-cpu", "litert"]
FLOAT32 = {"graphModel": "tfjs_float32/model.json", "tflite": "mnist_cnn_web.tflite"}
QUANTISED = {"graphModel": "tfjs_uint8/model.json", "tflite": "mnist_cnn_web_int8.tflite"}


def test_node_agrees_with_keras(folder: Path) -> None:
    figures = json.loads((folder / "predict_wasm.json").read_text())
    assert figures["tfjs_float32"]["largest_difference"] <= 1e-5
    assert all(figure["same_label"] >= 0.998 for figure in figures.values())
    assert len(figures) == 3


def test_a_keras_3_layers_model_does_not_load(folder: Path) -> None:
    said = run_in(folder, "node", "load_layers.mjs").stdout.strip()
    wanted = "An InputLayer should be passed either a `batchInputShape` or an `inputShape`."
    assert said == f"Error: {wanted}"


@pytest.mark.parametrize("model", [FLOAT32, QUANTISED], ids=["float32", "quantised"])
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_test_digits_in_the_browser(
    runtime: str, model: dict[str, str], demo: Demo, folder: Path
) -> None:
    answers = json.loads((folder / "test_digits.json").read_text())
    count = len(answers["labels"])
    shutil.copy(folder / "test_digits.bin", folder / "page")
    demo.load()
    found = demo.page.evaluate(
        """async ([runtime, model, count]) => {
            const { openRuntime } = await import('/runtimes.js');
            const bytes = await (await fetch('/test_digits.bin')).arrayBuffer();
            const pixels = Float32Array.from(new Uint8Array(bytes, 0, count * 784), (v) => v / 255);
            const opened = await openRuntime(runtime, { ...model, wasmFolder: '/' });
            const found = [];
            for (let i = 0; i < count; i += 20) {
              found.push(...await opened.predict(pixels.slice(i * 784, (i + 20) * 784)));
            }
            opened.close();
            return found;
        }""",
        [runtime, model, count],
    )
    found = np.array(found).reshape(count, 10)
    wanted = np.array(answers["probabilities"])
    if model is FLOAT32:
        assert np.abs(found - wanted).max() <= 1e-5
    assert np.mean(found.argmax(axis=1) == wanted.argmax(axis=1)) >= 0.998


def test_there_are_four_drawings_of_each_digit(drawings: list[dict[str, Any]]) -> None:
    assert Counter(one["digit"] for one in drawings) == dict.fromkeys(range(10), 4)
    assert len({json.dumps(one) for one in drawings}) == 40


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_drawings(
    runtime: str,
    demo: Demo,
    drawings: list[dict[str, Any]],
    keras_answers: Callable[[np.ndarray], np.ndarray],
) -> None:
    page = demo.open(**FLOAT32)
    demo.ready()
    demo.choose(runtime)
    demo.ready()
    answers = []
    for drawing in drawings:
        page.get_by_role("button", name="清除").click()
        page.evaluate("seen.length = 0")
        demo.draw(drawing["strokes"])
        answers.append(demo.predictions(1)[-1])
        if len(drawing["strokes"]) > 1:  # the last stroke's answer is the one that counts
            answers[-1] = demo.predictions(len(drawing["strokes"]))[-1]
    assert {answer["runtime"] for answer in answers} == {runtime}
    pixels = np.array([answer["pixels"] for answer in answers], dtype="float32")
    found = np.array([answer["probabilities"] for answer in answers])
    assert np.abs(found - keras_answers(pixels)).max() <= 1e-5
    right = found.argmax(axis=1) == [drawing["digit"] for drawing in drawings]
    assert right.mean() >= 0.95, [d["digit"] for d, r in zip(drawings, right, strict=True) if not r]


def test_a_picked_digit_reaches_the_model_unchanged(demo: Demo, folder: Path) -> None:
    page = demo.open()
    demo.ready()
    page.locator(".digit-digits button").nth(14).click()
    [answer] = demo.predictions(1)
    import base64

    picked = json.loads((folder / "pick_digits.json").read_text())["digits"][14]
    pixels = np.frombuffer(base64.b64decode(picked["pixels"]), dtype="uint8") / 255
    assert np.argmax(answer["probabilities"]) == picked["label"]
    assert np.abs(np.array(answer["pixels"]) - pixels).max() < 1e-6


MODULE_COUNTER = """
  // Count the tensors that LiteRT.js holds in WebAssembly, where no garbage collector looks.
  // An output is made inside `run` and only its deletion is seen, hence + runs.
  window.live = 0;
  window.runs = 0;
  let factory;
  Object.defineProperty(window, 'ModuleFactory', {
    configurable: true,
    get: () => factory && (async (...words) => {
      const module = await factory(...words);
      const { LiteRtTensorBuffer: Buffer } = module;
      for (const name of ['createManaged']) {
        const create = Buffer[name];
        Buffer[name] = (...w) => { live += 1; return create.apply(Buffer, w); };
      }
      const above = Object.getPrototypeOf(Buffer.prototype);
      const free = Object.getOwnPropertyDescriptor(above, 'delete')
        ?? Object.getOwnPropertyDescriptor(Buffer.prototype, 'delete');
      Buffer.prototype.delete = function () { live -= 1; return free.value.call(this); };
      window.wasmHeap = () => module.HEAPU8.length;
      return module;
    }),
    set: (value) => { factory = value; },
  });
"""


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_memory_is_flat_over_500_predictions(runtime: str, demo: Demo) -> None:
    demo.page.add_init_script(MODULE_COUNTER)
    demo.load()
    start = """async ([runtime, model]) => {
        const { openRuntime } = await import('/runtimes.js');
        window.opened = await openRuntime(runtime, { ...model, wasmFolder: '/' });
    }"""
    some = """async (count) => {
        const pixels = new Float32Array(784).fill(0.5);
        for (let i = 0; i < count; i += 1) await opened.predict(pixels);
        window.runs += count;
        return [opened.tensors?.() ?? live + runs, window.wasmHeap?.() ?? 0];
    }"""
    session = demo.page.context.new_cdp_session(demo.page)

    def heap() -> float:
        session.send("HeapProfiler.collectGarbage")
        used: float = session.send("Runtime.getHeapUsage")["usedSize"]
        return used

    demo.page.evaluate(start, [runtime, QUANTISED])
    before = demo.page.evaluate(some, 20)
    heap_before = heap()
    after = demo.page.evaluate(some, 500)
    assert after == before
    assert heap() - heap_before < 1_500_000  # less than one kept picture (3 kB) for each


def test_bytes_until_the_first_prediction(demo: Demo, folder: Path) -> None:
    sizes: dict[str, int] = {}

    def received(answer: Response) -> None:
        name = urlsplit(answer.url).path.removeprefix("/")
        sizes[name] = int(answer.headers["content-length"])
        assert answer.headers.get("content-encoding") == "br", name

    demo.load()
    demo.page.on("response", received)
    demo.press()
    demo.ready("wasm 已就绪")
    demo.page.locator(".digit-digits button").first.click()
    demo.predictions(1)
    parts = json.loads((folder / "bundle.json").read_text())["parts"]
    fetched = {
        name for part in ("page", "tfjs-wasm", "tfjs_uint8") for name in parts[part]["files"]
    }
    assert sizes.keys() | {"digit.css", "digit_loader.js"} == fetched
    model = sum(size for name, size in sizes.items() if name.startswith("tfjs_uint8/"))
    assert model <= 950_000
    assert sum(sizes.values()) - model <= 200_000
    assert parts["page"]["brotli"] + parts["tfjs-wasm"]["brotli"] <= 200_000


def test_every_runtime_is_timed(demo: Demo) -> None:
    page = demo.open("en")
    demo.ready("is ready")
    page.get_by_role("button", name="Time each of them").click()
    demo.ready("wasm is ready")
    page.wait_for_function("document.querySelectorAll('.digit-measured li').length === 4")
    for line, runtime in zip(
        page.locator(".digit-measured li").all_inner_texts(),
        ["wasm", "webgl", "cpu", "wasm (int8)"],
        strict=True,
    ):
        assert re.search(rf"· {re.escape(runtime)}: .* first prediction \d+ ms, .* [\d.]+ ms", line)


def test_nothing_is_loaded_until_used(demo: Demo) -> None:
    demo.load()
    demo.page.wait_for_load_state("networkidle")
    assert sorted(demo.requested) == ["", "data:,", "digit.css", "digit_loader.js"] or sorted(
        demo.requested
    ) == ["", "digit.css", "digit_loader.js"]


def test_offline_once_open(demo: Demo) -> None:
    page = demo.open()
    demo.ready()
    page.context.set_offline(True)
    page.locator(".digit-digits button").first.click()
    assert np.argmax(demo.predictions(1)[0]["probabilities"]) == 0


def test_keyboard_draws(demo: Demo) -> None:
    page = demo.open("en")
    demo.ready("is ready")
    page.locator(".digit-paper").focus()
    for key in ["ArrowUp"] * 10 + ["Space"] + ["ArrowDown"] * 20 + ["Space"]:
        page.keyboard.press(key)
    assert np.argmax(demo.predictions(1)[0]["probabilities"]) == 1
    page.keyboard.press("Delete")
    page.get_by_text("Nothing is drawn yet").wait_for()


def test_touch_draws_at_360_pixels(browser: Browser, site: str) -> None:
    with browser.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, color_scheme="dark"
    ) as context:
        demo = Demo(context, site)
        page = demo.open("en")
        demo.ready("is ready")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.locator(".digit-paper").scroll_into_view_if_needed()
        box = page.locator(".digit-paper").bounding_box()
        assert box is not None
        session = context.new_cdp_session(page)
        for i, kind in enumerate(["touchStart", *["touchMove"] * 10, "touchEnd"]):
            point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + 40 + 15 * i}
            points = [] if kind == "touchEnd" else [point]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        assert np.argmax(demo.predictions(1)[0]["probabilities"]) == 1
        assert demo.wrong == []


@pytest.mark.parametrize(
    ("mistake", "low", "high"),
    [("不反色", 0.9, 1), ("不除以 255", 0, 255), ("不居中", 0, 1)],
)
def test_mistakes_change_what_the_model_sees(
    mistake: str, low: float, high: float, demo: Demo, drawings: list[dict[str, Any]]
) -> None:
    page = demo.open()
    demo.ready()
    demo.draw(drawings[0]["strokes"])
    page.get_by_label(mistake).check()
    right, wrong = demo.predictions(2)
    assert wrong["pixels"] != right["pixels"]
    assert np.median(wrong["pixels"]) == pytest.approx(
        np.median(right["pixels"]) if low == 0 else 1
    )
    assert max(wrong["pixels"]) == pytest.approx(high, abs=0.05 * high)


def broken(page: Path) -> dict[str, dict[str, str]]:
    """Make broken copies of the models in page/ and return which to name for each fault."""
    for name in ("cut", "shape", "unreadable"):
        packed = shutil.ignore_patterns("*.br")
        shutil.copytree(page / "tfjs_uint8", page / name, dirs_exist_ok=True, ignore=packed)
    weights = page / "cut" / "group1-shard1of1.bin"
    weights.write_bytes(weights.read_bytes()[:1000])
    model = json.loads((page / "shape" / "model.json").read_text())
    model["signature"]["inputs"]["image"]["tensorShape"]["dim"][1]["size"] = "32"
    (page / "shape" / "model.json").write_text(json.dumps(model))
    (page / "unreadable" / "model.json").write_text("<!doctype html>")
    (page / "cut.tflite").write_bytes((page / "mnist_cnn_web_int8.tflite").read_bytes()[:600_000])
    return {name: {"graphModel": f"{name}/model.json"} for name in ("cut", "shape", "unreadable")}


FAULTS = [
    ("missing", "找不到模型文件 none/model.json（HTTP 404）", "is not there (HTTP 404)"),
    ("cut", "不完整：应为 1199898 字节，实际 1000 字节", "incomplete: 1000 of 1199898 bytes"),
    ("shape", "模型的形状不对", "The model has another shape"),
    ("unreadable", "unreadable/model.json 不是可用的模型", "is not a usable model"),
]


@pytest.mark.parametrize(("fault", "chinese", "english"), FAULTS)
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_broken_graph_models(
    fault: str, chinese: str, english: str, language: str, demo: Demo, folder: Path
) -> None:
    files = {"missing": {"graphModel": "none/model.json"}, **broken(folder / "page")}
    demo.expected = ["404"]
    page = demo.open(language, **files[fault])
    text = chinese if language == "zh-CN" else english
    page.get_by_role("alert").filter(has_text=text).wait_for()
    page.get_by_role("button", name="LiteRT.js").click()  # what still works is offered
    demo.ready("已就绪" if language == "zh-CN" else "is ready")
    assert page.get_by_role("alert").inner_text() == ""


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("none.tflite", "The model file none.tflite is not there (HTTP 404)"),
        ("cut.tflite", "cut.tflite is not a usable model"),
    ],
)
def test_broken_tflite(file: str, text: str, demo: Demo, folder: Path) -> None:
    broken(folder / "page")
    demo.expected = ["404"]
    page = demo.open("en", tflite=file)
    demo.ready("is ready")
    demo.choose("litert")
    page.get_by_role("alert").filter(has_text=text).wait_for()
    page.get_by_role("button", name="Use TensorFlow.js · wasm").click()
    demo.ready("is ready")


def test_without_webassembly(demo: Demo) -> None:
    demo.page.add_init_script("delete window.WebAssembly")
    page = demo.open("en")
    demo.ready("webgl is ready")
    options = page.locator(".digit-runtime option:disabled")
    assert options.all_inner_texts() == [
        "TensorFlow.js · wasm (not in this browser)",
        "LiteRT.js · wasm (int8) (not in this browser)",
    ]


def test_without_webgl(demo: Demo) -> None:
    demo.page.add_init_script(
        """for (const kind of [HTMLCanvasElement, OffscreenCanvas]) {
          const real = kind.prototype.getContext;
          kind.prototype.getContext = function (name, ...rest) {
            return name.includes('webgl') ? null : real.call(this, name, ...rest);
          };
        }"""
    )
    page = demo.open("en")
    demo.ready("is ready")
    assert "webgl (not in this browser)" in page.locator("option:disabled").inner_text()


def test_a_lost_webgl_context(demo: Demo, drawings: list[dict[str, Any]]) -> None:
    demo.page.add_init_script(
        """window.contexts = [];
        for (const kind of [HTMLCanvasElement, OffscreenCanvas]) {
          const real = kind.prototype.getContext;
          kind.prototype.getContext = function (name, ...rest) {
            const context = real.call(this, name, ...rest);
            if (name.includes('webgl') && context) contexts.push(context);
            return context;
          };
        }"""
    )
    page = demo.open("en")
    demo.ready("is ready")
    demo.choose("tfjs-webgl")
    demo.ready("webgl is ready")
    page.evaluate(
        """contexts.filter((one) => !one.isContextLost())
          .forEach((one) => one.getExtension('WEBGL_lose_context').loseContext())"""
    )
    demo.draw(drawings[4]["strokes"])
    page.get_by_role("alert").filter(has_text="WebGL context lost").wait_for()
    page.get_by_role("button", name="Use TensorFlow.js · wasm").click()
    assert np.argmax(demo.predictions(1)[0]["probabilities"]) == 1


def test_an_empty_canvas(demo: Demo) -> None:
    page = demo.open()
    demo.ready()
    page.get_by_label("不反色").check()
    page.get_by_text("还没有写数字").wait_for()
    assert page.evaluate("seen.length") == 0
