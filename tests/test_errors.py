"""The page of error messages: what it quotes was raised, and each entry is found by its text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import pytest
from bs4 import BeautifulSoup
from bs4.element import Tag
from playwright.sync_api import Browser, Page

from tests.test_browser import HTML, OUTPUTS, SIZES

PAGES = ["errors.html", "en/errors.html"]
LEAST = 45  # entries of the page's own that the build has raised


@dataclass(frozen=True)
class Entry:
    """An entry of the page: its id, the messages in its term, what stands below it."""

    id: str
    messages: tuple[str, ...]
    definition: Tag

    @property
    def not_raised(self) -> bool:
        return bool(self.definition.select(".not-raised"))


@cache
def entries(path: str) -> list[Entry]:
    soup = BeautifulSoup((HTML / path).read_text(encoding="utf-8"), "html.parser")
    return list(read(soup))


def read(soup: BeautifulSoup) -> Iterator[Entry]:
    for term in soup.select("article dt[id]"):
        definition = term.find_next_sibling("dd")
        assert isinstance(definition, Tag)
        messages = tuple(plain(code.get_text()) for code in term.select("code"))
        yield Entry(str(term["id"]), messages, definition)


def plain(text: str) -> str:
    """Return a text with single spaces, without what JSON and gRPC put before quotes."""
    return re.sub(r"\s+", " ", re.sub(r"\\+(?=[\"'])", "", text)).strip()


@cache
def printed() -> list[str]:
    """Return what the commands of the last build printed, without the commands."""
    texts = (path.read_text(encoding="utf-8") for path in OUTPUTS.glob("*.txt"))
    return [plain(text.partition("\n")[2]) for text in texts]


def raised(message: str) -> bool:
    """Return whether a message occurs in an output; an ellipsis stands for any text."""
    parts = [part.strip() for part in message.split("…")]
    pattern = re.compile(".*?".join(map(re.escape, parts)))
    texts = (text for text in printed() if all(part in text for part in parts))  # fast
    return any(pattern.search(text) for text in texts)


@pytest.mark.parametrize("path", PAGES)
def test_a_message_that_is_quoted_was_raised_or_is_marked(path: str) -> None:
    assert printed(), "there are no outputs: run `make html`"
    wrong = [
        f"{entry.id}: {message}"
        for entry in entries(path)
        for message in entry.messages
        if not raised(message) and not entry.not_raised
    ]
    assert not wrong, "\n".join(wrong)


def test_what_is_marked_as_not_raised_was_not() -> None:
    wrong = [
        entry.id
        for entry in entries(PAGES[0])
        if entry.not_raised and all(map(raised, entry.messages))
    ]
    assert not wrong, "\n".join(wrong)


def test_an_invented_message_is_noticed() -> None:
    assert raised("Got value of type … but expected type FLOAT32")
    assert not raised("Got value of type FLOAT128 but expected type FLOAT32")


def test_enough_was_raised_and_put_right() -> None:
    made = [
        entry for entry in entries(PAGES[0]) if entry.definition.select("[class*=output-error-]")
    ]
    assert len(made) >= LEAST
    cured = [
        entry
        for entry in made
        if "cured:" in entry.definition.get_text()
        or entry.definition.select("[class*=output-error-][class*=-cured]")
    ]
    # What could only be put right by installing something has no cure that was run.
    assert {entry.id for entry in made} - {entry.id for entry in cured} == {
        "no-matching-distribution-found-for-tensorflow",
        "no-matching-distribution-found-for-tflite-runtime",
        "npm-warn-ebadengine-unsupported-engine",
    }


def test_an_entry_has_the_same_anchor_in_both_languages() -> None:
    chinese, english = ([entry.id for entry in entries(path)] for path in PAGES)
    assert chinese == english
    assert len(set(chinese)) == len(chinese) > 2 * LEAST


@pytest.mark.parametrize("folder", ["", "en/"])
def test_every_entry_of_a_chapter_is_on_the_page(folder: str) -> None:
    """The links lead to all of them: no chapter has one that is left out."""
    links = {
        str(link["href"])
        for entry in entries(f"{folder}errors.html")
        for link in entry.definition.select("a.internal[href*='.html#']")
    }
    found = 0
    for path in (HTML / folder).glob("**/*.html"):
        place = path.relative_to(HTML / folder).as_posix()
        if place.startswith(("en/", "_", "errors")):
            continue
        for entry in read(BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")):
            assert f"{place}#{entry.id}" in links
            found += 1
    assert found > LEAST


# The box


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Yield the page opened from the disk, as in a folder that was downloaded."""
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        tab = context.new_page()
        wrong: list[str] = []
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.goto(f"file://{HTML}/errors.html")
        yield tab
        assert not wrong


def found(page: Page) -> list[str]:
    return [str(term.get_attribute("id")) for term in page.locator("#error-found > dt").all()]


# As they were printed elsewhere: other names, paths, numbers, versions.
TRACEBACKS = {
    "cannot-set-tensor-got-value-of-type-float64": """\
Traceback (most recent call last):
  File "/srv/garden/classify.py", line 48, in <module>
    main()
  File "/srv/garden/classify.py", line 31, in main
    interpreter.set_tensor(input_details[0]['index'], features)
  File "/opt/venv/lib/python3.12/site-packages/ai_edge_litert/interpreter.py", line 720
    self._interpreter.SetTensor(tensor_index, value)
ValueError: Cannot set tensor: Got value of type FLOAT64 but expected type FLOAT32 for input 3, \
name: serving_default_petals:0
""",
    "could-not-be-deserialized-properly": """\
2025-03-02 10:11:12.131415: I tensorflow/core/platform/cpu_feature_guard.cc:210] This
Traceback (most recent call last):
  File "C:\\Users\\wang\\train\\serve.py", line 7, in <module>
    model = keras.models.load_model("C:\\Users\\wang\\train\\best_unet.keras")
  File "C:\\Python312\\Lib\\site-packages\\keras\\src\\saving\\saving_api.py", line 189
TypeError: <class 'keras.src.models.functional.Functional'> could not be \
deserialized properly. Please \
ensure that components that are Python object instances (layers, models, etc.) returned by \
`get_config()` are explicitly deserialized in the model's `from_config()` method.

config={'module': 'keras.src.models.functional', 'class_name': 'Functional'}

Exception encountered: Could not locate class 'AttentionGate'. Make sure custom classes are \
decorated with `@keras.saving.register_keras_serializable()`.
""",
    "tf-tensorlistreserve-op-requires-element-shape-to-be": """\
  File "/usr/lib/python3/dist-packages/tensorflow/lite/python/convert.py", line 350, in convert
    raise converter_error
tensorflow.lite.python.convert_phase.ConverterError: <unknown>:0: error: loc(callsite(callsite(fused
["TensorListReserve:", "sequential_4/bidirectional/forward_lstm/TensorArrayV2_1@__inference"]))):
'tf.TensorListReserve' op requires element_shape to be static during TF Lite transformation pass
<unknown>:0: error: failed to legalize operation 'tf.TensorListReserve'
""",
    "based-on-the-provided-shape-the-tensor-should": """\
Uncaught (in promise) Error: Based on the provided shape, [3,3,64,128], the tensor should \
have 73728 values but has 41207
    at assert (util_base.ts:113:11)
    at inferFromValues (tensor_ops_util.ts:50:9)
    at Module.decodeWeights (io_utils.ts:178:20)
    at graph_model.loadSync (https://shop.example/static/js/tfjs/graph_model.js:211:33)
""",
    "trying-to-connect-an-http1-x-server": """\
grpc._channel._InactiveRpcError: <_InactiveRpcError of RPC that terminated with:
\tstatus = StatusCode.UNAVAILABLE
\tdetails = "failed to connect to all addresses; last error: UNKNOWN: ipv4:10.1.2.3:8501: Trying \
to connect an http1.x server"
\tdebug_error_string = "{grpc_status:14, created_time:"2024-05-06T07:08:09.1+00:00"}"
>
""",
    # the old wording, and one of a chapter
    "could-not-deserialize-keras-metrics-mse-because-it": """\
TypeError: Could not locate function 'mse'. Make sure custom classes are decorated with \
`@keras.saving.register_keras_serializable()`. Full object config: {'module': 'keras.metrics'}
""",
    "didn-t-find-op-for-builtin-opcode-version": """\
E/AndroidRuntime: FATAL EXCEPTION: main
    Process: cn.example.leaves, PID: 8142
    java.lang.IllegalArgumentException: Internal error: Cannot create interpreter:
    Didn't find op for builtin opcode 'FULLY_CONNECTED' version '12'.
        at org.tensorflow.lite.NativeInterpreterWrapper.createInterpreter(Native Method)
        at cn.example.leaves.Classifier.<init>(Classifier.java:77)
""",
}


@pytest.mark.parametrize("wanted", TRACEBACKS)
def test_a_traceback_finds_its_entry_first(page: Page, wanted: str) -> None:
    page.get_by_role("textbox", name="错误信息").fill(TRACEBACKS[wanted])
    assert found(page)[0] == wanted


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("tensor is unal", "cannot-set-tensor-tensor-is-unallocated-try-calling"),
        ("flatbuffer", "the-model-is-not-a-valid-flatbuffer-buffer"),
        ("predictions KeyError", "keyerror-predictions"),
    ],
)
def test_words_find_an_entry_while_they_are_typed(page: Page, words: str, wanted: str) -> None:
    page.get_by_role("textbox", name="错误信息").press_sequentially(words)
    assert found(page)[0] == wanted


def test_every_entry_finds_itself(page: Page) -> None:
    wrong = []
    for entry in entries(PAGES[0]):
        if entry.messages and entry.id.count("-") > 3:
            page.locator("#error-text").fill(" ".join(entry.messages))
            if entry.id not in found(page)[:3]:
                wrong.append(f"{entry.id}: {found(page)[:3]}")
    assert not wrong, "\n".join(wrong)


def test_what_is_found_is_all_that_is_shown_until_the_box_is_empty(page: Page) -> None:
    before = page.locator("article dt[id]").evaluate_all("(all) => all.map((e) => e.id)")
    box = page.locator("#error-text")
    box.fill("Tensor is unallocated")
    assert page.locator("article dt[id]:visible").count() == len(found(page)) < len(before)
    assert str(len(found(page))) in page.locator(".error-filter [role=status]").inner_text()
    for nothing in ("/srv/flatbuffer/keyerror.py, https://a.example/predictions 12", "qqqq zzzz"):
        box.fill(nothing)
        assert not found(page)
    assert page.locator(".error-filter [role=status]").inner_text()
    box.press("Escape")
    assert page.locator("article dt[id]").evaluate_all("(all) => all.map((e) => e.id)") == before
    assert page.locator("article dt[id]:visible").count() == len(before)


def test_the_english_box_finds_the_same(page: Page) -> None:
    page.goto(f"file://{HTML}/en/errors.html")
    for wanted, text in TRACEBACKS.items():
        page.locator("#error-text").fill(text)
        assert found(page)[0] == wanted


@pytest.mark.parametrize("size", SIZES)
def test_with_something_found_the_page_fits(page: Page, size: str) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    for text in TRACEBACKS.values():
        page.locator("#error-text").fill(text)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_without_javascript_all_is_there(browser: Browser) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        tab = context.new_page()
        tab.goto(f"file://{HTML}/errors.html")
        assert not tab.locator(".error-filter").is_visible()
        assert tab.locator("article dt[id]:visible").count() == len(entries(PAGES[0]))


def test_the_script_is_on_no_other_page() -> None:
    with_it = [
        path.relative_to(HTML).as_posix()
        for path in HTML.glob("**/*.html")
        if "_static/errors.js" in path.read_text(encoding="utf-8")
    ]
    assert sorted(with_it) == sorted(PAGES)
