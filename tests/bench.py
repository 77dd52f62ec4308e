"""Measure what the site promises of its speed, each as a ratio from one run: `make bench`.

Run it on a quiet machine. Arguments choose parts: see the end of this file. Exits with 1 if a limit
is missed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

from recordings import android
from recordings.chromium import ARGUMENTS, browser_path
from recordings.engine import dataset
from recordings.engine.site import Site
from recordings.engine.store import Store

ROOT = Path(__file__).parents[1]
PYTHON = str(ROOT / ".venv" / "bin" / "python")
INSTALLED = (".venv", ".venv-tfjs", "node_modules")
SEEDS = 3
BENCH_DIGITS = 1000


def timed(command: list[str], folder: Path, **environment: str) -> tuple[float, str]:
    """Run `command` in `folder`; return the seconds that it took and what it printed."""
    start = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        print(done.stdout[-2000:], file=sys.stderr)
        raise SystemExit(f"{' '.join(command)} failed")
    return seconds, done.stdout


@contextmanager
def reader_folder() -> Iterator[Path]:
    """Yield a folder with the programs, flat, as a reader has them."""
    with tempfile.TemporaryDirectory() as name:
        for program, path in Site(ROOT).programs().items():
            Path(name, program).parent.mkdir(exist_ok=True)
            shutil.copy(path, Path(name, program))
        yield Path(name)


@contextmanager
def checkout() -> Iterator[Path]:
    """Yield a copy of the committed tree that shares the environment."""
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name, "site")
        subprocess.run(["git", "clone", "-q", str(ROOT), str(tree)], check=True)
        for name in INSTALLED:
            (tree / name).symlink_to(ROOT / name)
        yield tree


missed: list[str] = []


def report(name: str, ratio: float, limit: float, detail: str) -> None:
    """Print one figure."""
    if ratio > limit:
        missed.append(name)
    miss = "MISSED  " if ratio > limit else ""
    print(f"{name:34} {ratio:5.2f}  (at most {limit:.2f})  {miss}{detail}", flush=True)


def training() -> None:
    """Compare the whole run of mnist_cnn.py with the original recipe's twelve epochs."""
    with reader_folder() as folder:
        shutil.copy(ROOT / "tests" / "original_recipe.py", folder)
        original, printed = timed([PYTHON, "original_recipe.py", "0"], folder)
        print(f"  original recipe: {original:.0f} s, {accuracy(printed):.2%}", flush=True)
        times, accuracies = [], []
        for seed in range(SEEDS):
            seconds, printed = timed([PYTHON, "mnist_cnn.py", "--seed", str(seed)], folder)
            times.append(seconds)
            accuracies.append(accuracy(printed))
            print(f"  seed {seed}: {seconds:.0f} s, {accuracies[-1]:.2%}", flush=True)
    median = statistics.median(accuracies)
    report(
        "training / original recipe",
        statistics.median(times) / original,
        1 / 3,
        f"median test accuracy {median:.2%} (at least 99.20%)",
    )


def accuracy(printed: str) -> float:
    """Return the test accuracy that a program printed."""
    match = re.search(r"test accuracy: ([\d.]+)", printed)
    assert match, printed
    return float(match[1])


def unchanged() -> None:
    """Compare `make html` without a change with plain sphinx-build of the same sources.

    Plain is what Sphinx and sphinx-gallery do without our extension of the latter.
    """
    timed(["make", "html"], ROOT)
    with tempfile.TemporaryDirectory() as name:
        plain = Path(name, "plain")
        scratch = shutil.ignore_patterns("store", "html", "doctrees")
        shutil.copytree(ROOT / "docs", plain / "docs")
        shutil.copytree(ROOT / "build", plain / "build", ignore=scratch)
        (plain / "locale").symlink_to(ROOT / "locale")
        (plain / "conf.py").write_text(
            (ROOT / "conf.py").read_text()
            + f"""
sys.path.insert(0, {str(ROOT)!r})
extensions.remove("sphinxext.gallery")
"""
        )
        builds = [
            f"{PYTHON} -m sphinx -q -c {plain} -D language={language}"
            f" -d {plain}/doctrees-{language} {plain}/docs {plain}/html/{language}".split()
            for language in ("zh_CN", "en")
        ]
        for build in builds:
            timed(build, plain)
        pairs = []
        for _ in range(5):
            ours, printed = timed(["make", "html"], ROOT)
            assert " runs: " not in printed, printed
            assert " is executed: " not in printed, printed
            pairs.append((ours, sum(timed(build, plain)[0] for build in builds)))
    ratio = statistics.median(ours / plain for ours, plain in pairs)
    ours, base = (statistics.median(column) for column in zip(*pairs, strict=True))
    report("unchanged build / sphinx-build", ratio, 1.5, f"{ours:.1f} s / {base:.1f} s")


def edited() -> None:
    """Measure a build after a changed sentence, in a page and in a chapter."""
    with checkout_of_last_build() as tree:
        for name, limit, executed in (
            ("gallery/plot_train.py", 10, "1"),
            ("docs/lite/convert.md", 5, "0"),
        ):
            path = tree / name
            path.write_text(path.read_text().replace("。", "！", 1))
            seconds, printed = timed(["make", "html"], tree)
            assert " runs: " not in printed, printed
            said = re.findall(r"successfully executed (\d+) out of", printed)
            assert said == [executed], printed
            report(f"seconds after an edit of {name}", seconds, limit, "")


def switched() -> None:
    """Compare switching the dataset there and back a second time with an unchanged build."""
    with checkout_of_last_build() as tree:

        def build(data: str) -> tuple[float, str]:
            return timed(["make", "html"], tree, MNIST_DATA=data)

        other = os.environ.get("MNIST_DATA", "")
        build("digits")
        build(other)
        pairs = []
        for _ in range(3):
            there, printed = build("digits")
            back, more = build(other)
            assert " runs: " not in printed + more
            pairs.append((there, back, build(other)[0]))
        ratio = statistics.median(max(there, back) / same for there, back, same in pairs)
    report("switched dataset / unchanged", ratio, 3, str(pairs[-1]))


def sizes() -> None:
    """Measure what stands on the disk, and how long our own build system is."""
    gigabytes = sum(map(bytes_below, (ROOT / name for name in INSTALLED))) / 1e9
    report("environments in GB", gigabytes, 4.3, "")
    code = [*ROOT.glob("sphinxext/*.py"), *ROOT.glob("recordings/engine/*.py")]
    lines = sum(len(path.read_text().splitlines()) for path in code)
    report("extensions and engine / before", lines / LINES_BEFORE, 0.75, f"{lines} lines")
    hidden = max(
        len(
            re.findall(r"(?s)start_ignore\n(.*?)\n# sphinx_gallery_end", path.read_text())[0].split(
                "\n"
            )
        )
        for path in (ROOT / "gallery").glob("plot_*.py")
    )
    report("hidden lines of a page", hidden, 3, "")


LINES_BEFORE = 2016  # of sphinxext/ when it held the engine


def bytes_below(folder: Path) -> int:
    """Return the disk space of a folder, each file once."""
    done = subprocess.run(["du", "-s", "-B1", folder], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[0])


@contextmanager
def checkout_of_last_build() -> Iterator[Path]:
    """Yield a copy of the committed tree with what the last build left."""
    with checkout() as tree:
        shutil.copytree(ROOT / "build", tree / "build", symlinks=True)
        shutil.copytree(ROOT / "docs" / "gallery", tree / "docs" / "gallery")
        for name in INSTALLED:
            (tree / name / "ready").touch()
        timed(["make", "html"], tree)
        yield tree


def cold() -> None:
    """Compare a cold build with its recipes run one after another; measure its peak of memory."""
    with checkout() as tree:
        for name in INSTALLED:
            (tree / name / "ready").touch()
        peak = Peak()
        seconds, _ = timed(["make", "html"], tree)
        peak.stop()
        recipes = [recording.facts for recording in Store(Site(tree).store).recordings()]
    by_hand = sum(facts["seconds"] for facts in recipes)
    report(
        "cold build / its programs",
        seconds / by_hand,
        1.25,
        f"{seconds:.0f} s / {by_hand:.0f} s",
    )
    report("peak memory in GiB", peak.bytes / 2**30, 4, "of all processes of the build")


def java() -> None:
    """Compare one inference on the JVM with one in Python: the same digits, the same LiteRT."""
    images = test_digits()
    model = Site(ROOT).workspace / android.MODEL
    android.compile_sources()
    with tempfile.TemporaryDirectory() as name:
        apk = android.pack(Path(name, "app.apk"), model, model.with_name(android.LABELS))
        digits = android.write_pictures(Path(name, "digits.bin"), images)
        pairs = [
            (
                float(android.desktop("bench", apk, digits, litert=True)),
                python_inference(images, model),
            )
            for _ in range(5)
        ]
    ratio = statistics.median(ours / python for ours, python in pairs)
    ours, base = (statistics.median(column) for column in zip(*pairs, strict=True))
    report("inference on the JVM / in Python", ratio, 1.5, f"{ours:.0f} µs / {base:.0f} µs")


def board() -> None:
    """Compare one inference in C with one in Python: the same model, digits, and library."""
    site, images = Site(ROOT), test_digits()
    model = site.workspace / "board.tflite"
    with tempfile.TemporaryDirectory() as folder:
        for name in ("classify.c", "litert.h", "Makefile"):
            shutil.copy(site.programs()[name], folder)
        subprocess.run(["make", "--silent", f"PYTHON={PYTHON}"], cwd=folder, check=True)
        (images / 255).astype(np.float32).tofile(Path(folder, "digits.bin"))
        command = ["./classify", "--measure", str(model), "digits.bin"]

        def in_c() -> float:
            said = subprocess.run(
                command, cwd=folder, check=True, capture_output=True, text=True
            ).stdout
            found = re.search(r"([\d.]+) microseconds a sample", said)
            assert found, said
            return float(found[1])

        pairs = [(in_c(), python_inference(images, model)) for _ in range(5)]
    ratio = statistics.median(ours / python for ours, python in pairs)
    ours, base = (statistics.median(column) for column in zip(*pairs, strict=True))
    report("inference in C / in Python", ratio, 1.1, f"{ours:.0f} µs / {base:.0f} µs")


def test_digits() -> np.ndarray:
    """Return test images of the build's dataset, uint8, shape (n, 28, 28)."""
    site = Site(ROOT)
    os.environ[dataset.VARIABLE] = dataset.choose(site)
    sys.path.insert(0, str(site.programs()["mnist_data.py"].parent))
    import mnist_data

    return np.asarray(mnist_data.load().x_test[:BENCH_DIGITS])


def python_inference(images: np.ndarray, model: Path) -> float:
    """Return the median time of one inference in Python, in microseconds."""
    from ai_edge_litert.interpreter import Interpreter  # slow to import

    runtime = Interpreter(str(model))
    runtime.allocate_tensors()
    source = runtime.get_input_details()[0]["index"]
    result = runtime.get_output_details()[0]["index"]
    times = []
    for picture in (images / 255).astype(np.float32)[:, None, ..., None]:
        start = time.perf_counter()
        runtime.set_tensor(source, picture)
        runtime.invoke()
        runtime.get_tensor(result)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def serving() -> None:
    """Measure the emulation of the model server: latency, load, a hot reload under load."""
    done = subprocess.run([PYTHON, str(ROOT / "tests" / "bench_serving.py")])
    if done.returncode:
        missed.append("serving")


FIRST_AND_LATER = """async (runtime) => {
  const seen = (element, text) => new Promise((done) => {
    const look = () => element()?.textContent.includes(text) ? done() : requestAnimationFrame(look);
    look();
  });
  const start = performance.now();
  document.querySelector('.digit-demo > button').click();
  await seen(() => document.querySelector('.digit-status'), 'is ready');
  const first = performance.now() - start;
  const select = document.querySelector('.digit-runtime select');
  if (select.value !== runtime) {
    select.value = runtime;
    select.dispatchEvent(new Event('change'));
    await seen(() => document.querySelector('.digit-status'), 'LiteRT.js · wasm (int8) is ready');
  }
  const buttons = document.querySelectorAll('.digit-digits button');
  const later = [];
  for (let i = 0; i < 100; i += 1) {
    // A person clicks when the last answer has been drawn.
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const next = new Promise((done) => {
      addEventListener('digit-prediction', ({ detail }) => done(detail), { once: true });
    });
    buttons[i % buttons.length].click();
    later.push((await next).milliseconds);
  }
  return [first, later.sort((a, b) => a - b)[50]];
}"""


def browser() -> None:
    """Time the demo in headless Chromium: from the click to the first answer, and later answers."""
    workspace = Site(ROOT).workspace
    figures: dict[str, list[tuple[float, float]]] = {"tfjs-wasm": [], "litert": []}
    command = [PYTHON, "serve_page.py", "--port", "0"]
    with (
        subprocess.Popen(command, cwd=workspace, stdout=subprocess.PIPE, text=True) as server,
        sync_playwright() as playwright,
    ):
        assert server.stdout
        address = server.stdout.readline().strip()
        chromium = playwright.chromium.launch(executable_path=browser_path(), args=ARGUMENTS)
        for runtime, pairs in figures.items():
            for _ in range(5):  # each with an empty cache
                page = chromium.new_page()
                page.goto(address)
                page.evaluate("document.documentElement.lang = 'en'")
                first, later = page.evaluate(FIRST_AND_LATER, runtime)
                pairs.append((first, later))
                page.context.close()
        repeated = in_a_row(chromium.new_page(), address)
        chromium.close()
        server.terminate()
    first, wasm = (statistics.median(column) for column in zip(*figures["tfjs-wasm"], strict=True))
    litert = statistics.median(later for _, later in figures["litert"])
    spread = ", ".join(f"{first:.0f}" for first, _ in figures["tfjs-wasm"])
    report("click to first prediction in s", first / 1000, 1, f"TensorFlow.js wasm; {spread} ms")
    for runtime, clicked, limit in (
        ("TensorFlow.js · wasm", wasm, 5),
        ("LiteRT.js · wasm (int8)", litert, 1),
    ):
        report("later predictions in ms", clicked, limit, f"median, a click each, {runtime}")
        report("later predictions in ms", repeated[runtime], limit, f"in a row, {runtime}")
    parts = json.loads((workspace / "bundle.json").read_text())["parts"]
    kilobytes = (parts["page"]["brotli"] + parts["tfjs-wasm"]["brotli"]) / 1000
    report("TensorFlow.js route in kB", kilobytes, 200, "brotli, page and runtime")
    report("its model in MB", parts["graph model"]["brotli"] / 1e6, 0.95, "brotli, uint8 weights")


def in_a_row(page: Page, address: str) -> dict[str, float]:
    """Return the demo's own medians of predictions one after another, by runtime."""
    page.goto(address)
    page.evaluate("document.documentElement.lang = 'en'")
    page.locator(".digit-demo > button").click()
    page.get_by_role("button", name="Time each of them").click()
    lines = page.locator("text=/: loading and first prediction .* later ones/")
    lines.nth(3).wait_for(timeout=120_000)
    texts = lines.all_inner_texts()
    return {
        text.partition(": ")[0]: float(text.split("later ones ")[1].split()[0]) for text in texts
    }


class Peak:
    """The largest resident memory of this process's descendants, sampled until stop()."""

    def __init__(self) -> None:
        """Start sampling."""
        self.bytes = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()

    def stop(self) -> None:
        """Stop sampling."""
        self._done.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._done.wait(0.2):
            self.bytes = max(self.bytes, resident_bytes(os.getpid()))


def resident_bytes(parent: int) -> int:
    """Return the resident memory of all descendants of a process (Linux)."""
    children: dict[int, list[tuple[int, int]]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        pages = int(fields[21])
        children.setdefault(int(fields[1]), []).append((int(stat.parent.name), pages))
    total, queue = 0, [parent]
    while queue:
        for process, pages in children.get(queue.pop(), []):
            total += pages
            queue.append(process)
    return total * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    parts = {
        "sizes": sizes,
        "unchanged": unchanged,
        "edited": edited,
        "switched": switched,
        "java": java,
        "board": board,
        "browser": browser,
        "serving": serving,
        "training": training,
        "cold": cold,
    }
    for part in sys.argv[1:] or parts:
        parts[part]()
    sys.exit(f"missed: {', '.join(missed)}" if missed else 0)
