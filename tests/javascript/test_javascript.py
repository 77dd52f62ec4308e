"""The converted model in Node and in a real browser gives Keras's answers."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, Response

from .conftest import READY, Demo, run_in

RUNTIMES = ["tfjs-wasm", "tfjs-webgl", "tfjs-cpu", "litert"]
FLOAT32 = {"graphModel": "saved_model_tfjs_float32/model.json", "tflite": "mnist_cnn_web.tflite"}
QUANTIZED = {
    "graphModel": "saved_model_tfjs_uint8/model.json",
    "tflite": "mnist_cnn_web_int8.tflite",
}


def test_node_agrees_with_keras(folder: Path) -> None:
    figures = json.loads((folder / "mnist_cnn_js_wasm.json").read_text())
    assert figures["saved_model_tfjs_float32"]["largest_difference"] <= 1e-5
    assert all(figure["same_class"] >= 0.998 for figure in figures.values())
    assert len(figures) == 3


def test_a_keras_3_layers_model_does_not_load(folder: Path) -> None:
    said = run_in(folder, "node", "plain_layers.mjs").stdout.strip()
    assert said == "An InputLayer should be passed either a `batchInputShape` or an `inputShape`."


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


READER = """
  window.openModel = async (runtime, model) => {
    const { openRuntime } = await import('/runtimes.js');
    const sizes = { shape: [28, 28, 1], classes: 10 };
    window.opened = await openRuntime(runtime, { ...model, wasmFolder: '/' }, sizes);
  };
  // Return the probabilities of pictures, read `batch` at a time.
  window.read = async (pixels, batch) => {
    const found = [];
    for (let i = 0; i < pixels.length; i += batch * 784) {
      found.push(...await opened.predict(pixels.slice(i, i + batch * 784)));
    }
    window.runs += pixels.length / 784;
    return found;
  };
  window.testDigits = async (count) => {
    const bytes = await (await fetch('/mnist_cnn_js.bin')).arrayBuffer();
    return new Float32Array(bytes, 0, count * 784);
  };
  window.held = () => [opened.tensors?.() ?? live + runs, window.wasmHeap?.() ?? 0];
"""


# Without a graphics card WebGL needs the time of ten digits of WebAssembly for one, as does "cpu".
@pytest.mark.parametrize(
    ("runtime", "count"),
    [("tfjs-wasm", 500), ("tfjs-webgl", 60), ("tfjs-cpu", 60), ("litert", 500)],
)
def test_digits_are_read_as_by_keras_and_memory_stays_flat(
    runtime: str, count: int, demo: Demo, folder: Path
) -> None:
    digits = json.loads((folder / "mnist_cnn_js.json").read_text())["count"]
    numbers = np.fromfile(folder / "mnist_cnn_js.bin", "float32")
    wanted = numbers[digits * 784 :].reshape(digits, 10)
    count = min(count, digits)
    page = demo.page
    page.add_init_script(MODULE_COUNTER)
    page.add_init_script(READER)
    demo.load()
    session = page.context.new_cdp_session(page)

    def heap() -> float:
        session.send("HeapProfiler.collectGarbage")
        usage = session.send("Runtime.getHeapUsage")
        used: float = usage["usedSize"] + usage.get("backingStorageSize", 0)  # arrays of numbers
        return used

    page.evaluate("([runtime, model]) => openModel(runtime, model)", [runtime, FLOAT32])
    page.evaluate("async (count) => { window.digits = await testDigits(count); }", count)
    found = page.evaluate("read(digits, 20)")
    assert np.abs(np.reshape(found, (-1, 10)) - wanted[:count]).max() <= 1e-5
    page.evaluate("() => opened.close()")

    page.evaluate("([runtime, model]) => openModel(runtime, model)", [runtime, QUANTIZED])
    page.evaluate("read(digits.slice(0, 40 * 784), 1)")
    held, used = page.evaluate("held()"), heap()
    found = page.evaluate("read(digits, 1)")
    assert page.evaluate("held()") == held
    assert heap() - used < count * 784 * 4  # less than one kept picture for each
    same = np.reshape(found, (-1, 10)).argmax(axis=1) == wanted[:count].argmax(axis=1)
    assert same.mean() >= 0.998


def test_there_are_four_drawings_of_each_digit(drawings: list[dict[str, Any]]) -> None:
    assert Counter(one["digit"] for one in drawings) == dict.fromkeys(range(10), 4)
    assert len({json.dumps(one) for one in drawings}) == 40


def test_drawings(
    demo: Demo,
    drawings: list[dict[str, Any]],
    folder: Path,
    keras_answers: Callable[[np.ndarray], np.ndarray],
) -> None:
    demo.page.add_init_script(READER)
    page = demo.open(**FLOAT32)
    demo.ready()
    answers = []
    for drawing in drawings:
        demo.clear()
        demo.draw(drawing["strokes"])  # the last stroke's answer is the one that counts
        answers.append(demo.predictions(len(drawing["strokes"]))[-1])
    pixels = [answer["pixels"] for answer in answers]
    wanted = keras_answers(np.array(pixels, dtype="float32"))
    found = np.array([answer["probabilities"] for answer in answers])
    assert np.abs(found - wanted).max() <= 1e-5
    right = found.argmax(axis=1) == [drawing["digit"] for drawing in drawings]
    dataset = json.loads((folder / "mnist_cnn.json").read_text())["dataset"]
    least = 0.95 if dataset == "MNIST" else 0.85  # the embedded digits are few, and others' hands
    assert right.mean() >= least, [
        d["digit"] for d, r in zip(drawings, right, strict=True) if not r
    ]

    # The same pictures in the other runtimes: in the demo the last one, which is still there.
    page.evaluate("(pixels) => { window.pictures = new Float32Array(pixels.flat()); }", pixels)
    for runtime in RUNTIMES[1:]:
        page.evaluate("seen.length = 0")
        demo.choose(runtime)
        [answer] = demo.predictions(1)
        assert (answer["runtime"], answer["pixels"]) == (runtime, pixels[-1])
        assert np.abs(np.array(answer["probabilities"]) - wanted[-1]).max() <= 1e-5
        page.evaluate("([runtime, model]) => openModel(runtime, model)", [runtime, FLOAT32])
        found = page.evaluate("read(pictures, pictures.length / 784)")
        assert np.abs(np.array(found).reshape(-1, 10) - wanted).max() <= 1e-5
        page.evaluate("() => opened.close()")


def test_a_picked_digit_reaches_the_model_unchanged_and_offline(opened: Demo, folder: Path) -> None:
    opened.page.context.set_offline(True)  # what it needs is there now
    opened.page.locator(".digit-digits button").nth(14).click()
    [answer] = opened.predictions(1)
    label = json.loads((folder / "page" / "demo.json").read_text())["samples"][14]
    pixels = np.fromfile(folder / "page" / "samples.bin", "uint8").reshape(-1, 784)[14] / 255
    assert np.argmax(answer["probabilities"]) == int(label)
    verdict = f"看起来是 {label}.*标签也是 {label}"
    opened.page.locator(".digit-status", has_text=re.compile(verdict)).wait_for()
    assert np.abs(np.array(answer["pixels"]) - pixels).max() < 1e-6


def test_keyboard_draws(opened: Demo) -> None:
    page = opened.page
    page.locator(".digit-paper").focus()
    for key in ["ArrowUp"] * 10 + ["Space"] + ["ArrowDown"] * 20 + ["Space"]:
        page.keyboard.press(key)
    assert np.argmax(opened.predictions(1)[0]["probabilities"]) == 1
    page.keyboard.press("Delete")
    page.locator(".digit-status", has_text="还没有写数字").wait_for()


def test_an_empty_canvas(opened: Demo) -> None:
    mistake = opened.page.get_by_label("不反相")
    mistake.check()
    opened.page.locator(".digit-status", has_text="还没有写数字").wait_for()
    assert opened.page.evaluate("seen.length") == 0
    mistake.uncheck()


@pytest.mark.parametrize(
    ("mistake", "low", "high"),
    [("不反相", 0.9, 1), ("不除以 255", 0, 255), ("不居中", 0, 1)],
)
def test_mistakes_change_what_the_model_sees(
    mistake: str, low: float, high: float, opened: Demo, drawings: list[dict[str, Any]]
) -> None:
    opened.draw(drawings[0]["strokes"])
    opened.page.get_by_label(mistake).check()
    right, wrong = opened.predictions(2)
    opened.page.get_by_label(mistake).uncheck()
    assert opened.predictions(3)[2]["pixels"] == right["pixels"]
    assert wrong["pixels"] != right["pixels"]
    assert np.median(wrong["pixels"]) == pytest.approx(
        np.median(right["pixels"]) if low == 0 else 1
    )
    assert max(wrong["pixels"]) == pytest.approx(high, abs=0.05 * high)


def test_the_digit_in_the_corner_is_misread_only_if_it_is_not_centered(opened: Demo) -> None:
    corner = opened.page.get_by_role("button", name="角落里的")
    truth = int(re.findall(r"\d", corner.inner_text())[0])
    corner.click()
    opened.page.locator(".digit-status", has_text=f"标签也是 {truth}").wait_for()
    opened.page.get_by_label("不居中").check()
    opened.page.locator(".digit-status", has_text=f"标签是 {truth}，认错了").wait_for()
    opened.page.get_by_label("不居中").uncheck()
    centered, shifted = [np.argmax(one["probabilities"]) for one in opened.predictions(3)[:2]]
    assert centered == truth
    assert shifted != truth


@pytest.mark.parametrize(
    ("locale", "title", "button"),
    [
        ("en-GB", "Handwritten digits", "Open the demo"),
        ("zh-TW", "手写数字识别", "打开演示"),
        ("fr-FR", "Handwritten digits", "Open the demo"),
    ],
)
def test_the_page_speaks_the_language_of_its_reader(
    locale: str, title: str, button: str, browser: Browser, site: str
) -> None:
    with browser.new_context(locale=locale) as context:
        page = context.new_page()
        page.goto(site)
        assert page.get_by_role("heading").inner_text() == title
        page.get_by_role("button", name=button, exact=True).click()
        page.locator(".digit-status:not(:empty)").wait_for()
        assert ("键盘" in page.locator(".digit-keys").inner_text()) == locale.startswith("zh")


def test_bytes_until_the_button_and_until_the_first_prediction(demo: Demo, folder: Path) -> None:
    sizes: dict[str, int] = {}

    def received(answer: Response) -> None:
        name = urlsplit(answer.url).path.removeprefix("/")
        sizes[name] = int(answer.headers["content-length"])
        assert answer.headers.get("content-encoding") == "br", name

    demo.load()
    demo.page.wait_for_load_state("networkidle")
    requested = sorted(path for path in demo.requested if path != "data:,")
    assert requested == ["", "digit.css", "digit_loader.js"]
    demo.page.on("response", received)
    demo.press()
    demo.ready("wasm 已就绪")
    demo.page.locator(".digit-digits button").first.click()
    demo.predictions(1)
    parts = json.loads((folder / "bundle.json").read_text())["parts"]
    fetched = {
        name for part in ("page", "tfjs-wasm", "graph model") for name in parts[part]["files"]
    }
    assert sizes.keys() | {"digit.css", "digit_loader.js"} == fetched
    model = sum(size for name, size in sizes.items() if name.startswith("saved_model_tfjs_uint8/"))
    assert model <= 950_000
    assert sum(sizes.values()) - model <= 200_000
    assert parts["page"]["brotli"] + parts["tfjs-wasm"]["brotli"] <= 200_000


def test_every_runtime_is_timed(demo: Demo) -> None:
    page = demo.open("en")
    demo.ready(READY["en"])
    page.get_by_role("button", name="Time each of them").click()
    demo.ready("wasm is ready")
    page.wait_for_function("document.querySelectorAll('.digit-measured li').length === 4")
    for line, runtime in zip(
        page.locator(".digit-measured li").all_inner_texts(),
        ["wasm", "webgl", "cpu", "wasm (int8)"],
        strict=True,
    ):
        assert re.search(rf"· {re.escape(runtime)}: .* first prediction \d+ ms, .* [\d.]+ ms", line)


def test_touch_draws_at_360_pixels(browser: Browser, site: str) -> None:
    with browser.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, color_scheme="dark"
    ) as context:
        demo = Demo(context, site)
        page = demo.open("en")
        demo.ready(READY["en"])
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


FAULTS = [
    ("missing", "找不到模型文件 missing/model.json（HTTP 404）", "is not there (HTTP 404)"),
    ("cut", "不完整：应为 1199898 字节，实际 1000 字节", "incomplete: 1000 of 1199898 bytes"),
    ("shape", "模型的形状不对", "The model has another shape"),
    ("unreadable", "unreadable/model.json 不是可用的模型", "is not a usable model"),
]


@pytest.mark.parametrize(("fault", "chinese", "english"), FAULTS)
def test_broken_graph_models(
    fault: str, chinese: str, english: str, demo: Demo, broken_graph_models: dict[str, str]
) -> None:
    demo.expected = ["404"]
    for language, text in {"en": english, "zh-CN": chinese}.items():
        page = demo.open(language, graphModel=broken_graph_models[fault])
        page.get_by_role("alert").filter(has_text=text).wait_for()
    page.get_by_role("button", name="LiteRT.js").click()  # what still works is offered
    demo.ready()
    assert page.get_by_role("alert").inner_text() == ""


def test_broken_tflite(demo: Demo, cut_tflite: str) -> None:
    demo.expected = ["404"]
    for file, text in {
        "none.tflite": "The model file none.tflite is not there (HTTP 404)",
        cut_tflite: "cut.tflite is not a usable model",
    }.items():
        page = demo.open("en", tflite=file)
        demo.ready(READY["en"])
        demo.choose("litert")
        page.get_by_role("alert").filter(has_text=text).wait_for()
        page.get_by_role("button", name="Use TensorFlow.js · wasm").click()
        demo.ready(READY["en"])


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
    demo.ready(READY["en"])
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
    demo.ready(READY["en"])
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
