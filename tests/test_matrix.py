"""The table of all runtimes: how answers are joined and judged, and the table in a browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import join_answers
import numpy as np
import pytest
from artifacts import ProgramError
from playwright.sync_api import Browser, Page

from recordings.engine.site import Site
from tests.minisite import ROOT
from tests.test_browser import HTML

WORKSPACE = Site(ROOT).workspace
# With all that the build can have; a machine without one of them lacks its rows.
EVERYWHERE = {
    *("savedmodel", "serving_rest", "serving_grpc", "tfjs", "litertjs", "micro"),
    *(f"{way}_{p}" for way in ("tflite", "compiled") for p in ("float32", "float16", "int8")),
    *("java_float32", "java_int8", "c_float32", "c_int8", "arm_float32", "arm_int8"),
    *(f"browser_tfjs_{backend}" for backend in ("wasm", "webgl", "cpu", "uint8")),
    *("browser_litert", "browser_litert_int8"),
}
ANSWERS = np.array([[0.9, 0.1], [0.2, 0.8], [0.45, 0.55]], "float32")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with what check_deployment.py writes, and the answers of others."""
    monkeypatch.chdir(tmp_path)
    rows = {"tflite_int8": {"status": "works", "bytes": 7, "milliseconds": 3.0}}
    (tmp_path / "check.json").write_text(json.dumps({"milliseconds": 2.0, "targets": rows}))
    near = ANSWERS + np.array([[0, 0], [0, 0], [0.1, -0.1]], "float32")
    np.savez(tmp_path / "answers.npz", **{"model/y": ANSWERS, "tflite_int8/y": near})
    np.savez(tmp_path / "samples.npz", x=np.zeros((3, 2)), labels=[0, 1, 1])
    ANSWERS[:2].tofile(tmp_path / "phone.bin")
    others = {"file": "phone.bin", "kind": "float32", "bytes": 5, "milliseconds": None}
    (tmp_path / "others.json").write_text(json.dumps({"phone": others}))
    return tmp_path


def joined(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> dict[str, Any]:
    command = ["join_answers.py", "check.json", "answers.npz", *arguments, "--samples=samples.npz"]
    monkeypatch.setattr("sys.argv", command)
    join_answers.main()
    return dict(json.loads(Path("matrix.json").read_text()))


def test_all_are_compared_on_the_samples_that_all_have(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = joined(monkeypatch, "others.json")
    assert found["samples"] == 2
    assert found["rows"]["phone"]["same"] == found["rows"]["phone"]["accuracy"] == 1
    assert found["rows"]["phone"]["ratio"] is None
    assert found["rows"]["tflite_int8"]["ratio"] == 1.5
    assert found["disagreements"] == []


def test_who_says_what_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(join_answers.LIMITS, "int8", (0.2, 0.6))
    found = joined(monkeypatch)
    assert found["rows"]["tflite_int8"]["same"] == pytest.approx(2 / 3)
    assert found["rows"]["tflite_int8"]["largest_difference"] == pytest.approx(0.1)
    said = {"1": ["model"], "0": ["tflite_int8"]}
    assert found["disagreements"] == [{"index": 2, "label": 1, "said": said}]


def test_what_is_too_far_ends_with_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProgramError, match="too far from the model: tflite_int8"):
        joined(monkeypatch)
    (ANSWERS[:2] + 2e-4).astype("float32").tofile(folder / "phone.bin")
    with pytest.raises(ProgramError, match="too far from the model: phone"):
        joined(monkeypatch, "others.json")


@pytest.mark.parametrize("size", [0, 3])
def test_answers_of_another_size_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    np.zeros(size, "float32").tofile(folder / "phone.bin")
    with pytest.raises(ProgramError, match=f"phone.bin has {size} numbers, 2 a sample"):
        joined(monkeypatch, "others.json")


# What the build has joined


@pytest.fixture(scope="module")
def matrix() -> dict[str, Any]:
    return dict(json.loads((WORKSPACE / "matrix.json").read_text()))


def test_every_runtime_answered_the_same_digits(matrix: dict[str, Any]) -> None:
    assert matrix["rows"].keys() >= EVERYWHERE
    digits = len(np.load(WORKSPACE / "mnist_cnn_samples.npz")["labels"])
    assert {row["samples"] for row in matrix["rows"].values()} == {min(1000, digits)}


def test_the_runtimes_are_as_near_to_keras_as_the_tutorial_says(matrix: dict[str, Any]) -> None:
    for name, row in matrix["rows"].items():
        exact = row["kind"] == "float32"
        assert row["largest_difference"] <= (1e-5 if exact else 0.2), name
        assert row["same"] >= (1 if exact else 0.99), name
    assert len(matrix["disagreements"]) < 20
    assert all(len(sample["said"]) > 1 for sample in matrix["disagreements"])


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        tab = context.new_page()
        wrong: list[str] = []
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        yield tab
        assert not wrong


def column(page: Page, number: int) -> list[str]:
    cells = page.locator(f"table.matrix tbody td:nth-child({number})")
    return [text.strip() for text in cells.all_inner_texts()]


@pytest.mark.parametrize(("path", "head"), [("", "字节"), ("en/", "Bytes")])
def test_a_head_sorts_by_number(page: Page, path: str, head: str) -> None:
    page.goto(f"file://{HTML}/{path}gallery/plot_matrix.html")
    before = column(page, 1)
    button = page.locator("table.matrix").get_by_role("button", name=head, exact=True)

    def sizes() -> list[int]:
        return [int(text.replace(",", "")) for text in column(page, 3) if text]

    for key, descending in ((" ", True), ("Enter", False)):
        button.press(key)
        order = "descending" if descending else "ascending"
        page.locator(f"table.matrix th[aria-sort={order}]").wait_for()
        wanted = sorted(sizes(), reverse=descending)
        page.wait_for_function(
            "wanted => JSON.stringify([...document.querySelectorAll("
            "'table.matrix tbody td:nth-child(3)')].map((e) => e.innerText.replaceAll(',', ''))"
            ".filter(Boolean).map(Number)) === JSON.stringify(wanted)",
            arg=wanted,
        )
    assert sorted(column(page, 1)) == sorted(before) != before


# Old names


@pytest.mark.parametrize(("path", "status"), [("", "找到 3 个"), ("en/", "3 found")])
def test_an_old_name_is_found(page: Page, path: str, status: str) -> None:
    page.goto(f"file://{HTML}/{path}changes.html")
    rows = page.locator(".old-names tbody tr:visible")
    everything = rows.count()
    assert everything >= 25
    box = page.locator(".old-names").get_by_role("searchbox")
    box.fill("TF.contrib")
    assert rows.count() == 3
    assert status in page.locator(".old-names [role=status]").inner_text()
    assert all("has no attribute 'contrib'" in text for text in rows.all_inner_texts())
    box.fill("contrib nothing-like-it")
    assert rows.count() == 0
    box.fill("")
    assert rows.count() == everything


def test_each_old_name_is_gone_or_does_something_else() -> None:
    rows = json.loads((WORKSPACE / "old_names.json").read_text())
    assert not [row["old"] for row in rows if row["wrong"]]
    for row in rows:
        gone = re.search(r"Error: |not found|undefined", row["said"])
        assert bool(gone) == (row["state"] == "gone"), row
