"""The screen of the Android app on the desktop: Robolectric runs MainActivity, unchanged.

What stands in for what: Robolectric and the framework of Android 14, instrumented by it, for the
device; its graphics are the framework's own, compiled for the desktop. androidx.test, which
Robolectric asks for and which is on Google's repository only, is replaced by empty classes.
"""

from __future__ import annotations

import os
import re
import subprocess
import textwrap
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recordings import android
from recordings.engine import Run

MODULE = android.ROOT / "recordings" / "android_screen"
BUILT = android.ROOT / "build" / "android-screen"
CLASSES = BUILT / "classes"
OPEN = ("java.io", "java.lang", "java.nio")  # what Robolectric reaches into
PHONE, SMALL = "w411dp-h891dp", "w320dp-h533dp"
BRIGHT = 170  # of 255: what of a gray edge the pen draws
LANGUAGES = {"zh": "", "en": ".en"}  # and what Sphinx has the names of their pictures end in
DIGIT, DRAWN, UNSURE = "digit", "drawn", "unsure"  # trace() of a test digit, drawn(), NINE
NINE = (  # or a four: it is almost closed
    ((0.505, 0.2), (0.4, 0.25), (0.36, 0.36), (0.38, 0.48), (0.48, 0.51), (0.63, 0.47)),
    ((0.64, 0.2), (0.63, 0.47), (0.6, 0.82)),
)
REFUSED = ("missing", "broken", "table", "int8")  # models that the app cannot use
TABLE = "table.tflite"  # reads thirteen numbers


@dataclass(frozen=True)
class Look:
    """A picture of the screen: what is drawn on which device.

    The qualifiers are those of Android's resource folders.
    """

    name: str
    strokes: str
    qualifiers: str


LOOKS = (
    Look("screen_light", DIGIT, f"{PHONE}-notnight-xhdpi"),
    Look("screen_night", DRAWN, f"{PHONE}-night-xhdpi"),
    Look("screen_small", UNSURE, f"{SMALL}-notnight-xhdpi"),
    Look("screen_land", DRAWN, "w731dp-h411dp-land-night-xhdpi"),
)
PICTURES = [f"{look.name}{ending}.png" for look in LOOKS for ending in LANGUAGES.values()]


def compile_screen(resources: Path) -> None:
    """Compile the app, with R, and what runs it; android.compile_sources() comes first.

    Args:
        resources: the folder `r` that android.pack() wrote.

    Raises:
        android.Unreachable: without a network, if Maven has not fetched its libraries before.
    """
    android.fetch("mvn", "--quiet", "--batch-mode", "--file", MODULE / "pom.xml", "validate")
    sources = [*(android.MAIN / "java").rglob("*.java"), *resources.rglob("R.java")]
    sources += (MODULE / "src").rglob("*.java")
    path = os.pathsep.join([*android.class_path(litert=False), libraries()])
    options = ["-nowarn", "--release", "11", "-d", str(CLASSES), "-cp", path]
    android.call("javac", *options, *sorted(sources))


def libraries() -> str:
    """Return the class path of what Maven fetched for the screen."""
    return (BUILT / "classpath.txt").read_text(encoding="utf-8").strip()


def run(folder: Path, *tests: tuple[str, Path], litert: bool = True) -> str:
    """Run classes of tests, each on the app in a package file; return what they printed.

    Args:
        folder: where they read and write files.
        tests: the class, and a package file that pack() wrote.
        litert: run on the LiteRT of the Python interpreter instead of the runtime of 2021.
    """
    path = [str(CLASSES), *android.class_path(litert=litert), libraries()]
    command = ["java", android.runtime(litert=litert), "-Xshare:auto", "-XX:TieredStopAtLevel=1"]
    command += [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPEN]
    command += [f"-Drobolectric.dependency.dir={BUILT / 'framework'}", "-Drobolectric.offline=true"]
    command += [f"-Dfolder={folder}", "-cp", os.pathsep.join(path)]
    command += [f"{android.PACKAGE}.OnScreen"]
    command += [str(word) for pair in tests for word in pair]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3):  # 3: a test failed, see OnScreen.java
        raise AssertionError(f"the screen ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def pack(target: Path, model: Path | None, labels: Path) -> Path:
    """Pack the app as android.pack() does, its manifest beside it; without a model: None."""
    android.pack(target, model or labels, labels)
    if model is None:
        whole = target.rename(target.with_suffix(".whole"))
        with zipfile.ZipFile(whole) as old, zipfile.ZipFile(target, "w") as new:
            for entry in old.infolist():
                if not entry.filename.endswith(android.ASSET):
                    new.writestr(entry, old.read(entry))
    manifest = android.merged_manifest(target.parent)
    manifest.rename(target.with_suffix(".xml"))
    return target


def trace(image: np.ndarray) -> list[list[tuple[float, float]]]:
    """Return strokes that draw a digit of the dataset again.

    The pen is two pixels wide: it goes where a square of two by two pixels is bright.

    Args:
        image: uint8 (28, 28), light on dark.

    Returns:
        Lines from left to right: their ends, as shares of the width.
    """
    values = image.astype(float)
    squares = (values[:-1, :-1] + values[:-1, 1:] + values[1:, :-1] + values[1:, 1:]) / 4
    corners = np.arange(1, 28)  # the middle of each square, in pixels
    ys, xs = np.linspace(1, 27, 2 * 26 + 1), np.linspace(1, 27, 16 * 26 + 1)
    rows = np.array([np.interp(xs, corners, row) for row in squares])
    strokes = []
    for y in ys:
        row = np.array([np.interp(y, corners, column) for column in rows.T])
        edges = np.flatnonzero(np.diff(np.pad(row > BRIGHT, 1).astype(int)))
        for start, end in zip(edges[::2], edges[1::2] - 1, strict=True):
            strokes.append([(float(x / 28), float(y / 28)) for x in (xs[start], xs[end])])
    return strokes


def drawn() -> list[tuple[float, float]]:
    """Return one stroke as a finger draws a three: two arcs, as shares of the width."""
    upper, lower = np.radians(np.linspace(-150, 80, 24)), np.radians(np.linspace(-80, 150, 24))
    points = [(0.48 + 0.16 * np.cos(angle), 0.33 + 0.15 * np.sin(angle)) for angle in upper]
    points += [(0.48 + 0.19 * np.cos(angle), 0.66 + 0.18 * np.sin(angle)) for angle in lower]
    return [(float(x), float(y)) for x, y in points]


def write_strokes(path: Path, strokes: Iterable[Iterable[tuple[float, float]]]) -> None:
    """Write strokes as Phone.java reads them, a line each."""
    lines = [" ".join(f"{x:.4f} {y:.4f}" for x, y in stroke) for stroke in strokes]
    path.write_text("\n".join(lines) + "\n")


def take_pictures(folder: Path, image: np.ndarray) -> None:
    """Write the pictures of LOOKS in all languages into `folder`, and NAME.txt beside each.

    Args:
        folder: holds the model and the labels.
        image: the test digit, uint8 (28, 28).
    """
    apk = pack(folder / "screen.apk", folder / android.MODEL, folder / android.LABELS)
    compile_screen(folder / "r")
    write_strokes(folder / DIGIT, trace(image))
    write_strokes(folder / DRAWN, [drawn()])
    write_strokes(folder / UNSURE, NINE)
    lines = [
        f"{look.name}{ending} {look.strokes} {language}-{look.qualifiers}"
        for look in LOOKS
        for language, ending in LANGUAGES.items()
    ]
    (folder / "pictures.txt").write_text("\n".join(lines) + "\n")
    printed = run(folder, ("Pictures", apk))
    if "failed" in printed:
        raise AssertionError(printed)


def pack_refused(folder: Path, models: Path) -> list[Path]:
    """Write an app for each of REFUSED into `folder`; return the package files.

    Args:
        folder: holds TABLE.
        models: holds the models and the labels.
    """
    broken = folder / "broken.tflite"
    content = (models / android.MODEL).read_bytes()
    broken.write_bytes(content[: len(content) // 2])
    files = {"missing": None, "broken": broken, "table": folder / TABLE}
    files["int8"] = models / android.INT8
    labels = models / android.LABELS
    return [pack(folder / f"{name}.apk", files[name], labels) for name in REFUSED]


def refusals(folder: Path) -> str:
    """Return what the app says of each of REFUSED, with the real API of 2021."""
    apks = pack_refused(folder, folder)
    printed = run(folder, *(("Refused", apk) for apk in apks), litert=False)
    if "failed" in printed:
        raise AssertionError(printed)
    return "".join(
        f"{name:8} {(folder / f'{name}.{language}.txt').read_text(encoding='utf-8')}"
        for name in REFUSED
        for language in LANGUAGES
    )


@dataclass(frozen=True)
class Shown:
    """What a screen says.

    Attributes:
        top: the answer.
        rows: what TalkBack reads out of each label.
        picture: what the network read, float32 (1, 28, 28).
    """

    top: str
    rows: list[str]
    picture: np.ndarray


def shown(folder: Path, name: str) -> Shown:
    """Return what the screen in the picture NAME.png says."""
    top, *rows, numbers = (folder / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    picture = np.array([float(number) for number in numbers.strip("[]").split(",")], np.float32)
    return Shown(top, rows, picture.reshape(1, 28, 28))


def record(run: Run, image: np.ndarray) -> None:
    """Keep the pictures and what they say; on a machine that cannot, pictures of the reason.

    Args:
        run: its folder holds the models, TABLE and the labels; android.record() comes first.
        image: the test digit, uint8 (28, 28).
    """
    reason = android.missing() or android.missing_packer()
    if not reason:
        try:
            take_pictures(run.folder, image)
        except android.Unreachable as error:
            reason = str(error)
    if reason:
        for name in PICTURES:
            write_reason(run.folder / name, reason)
    texts = [android.NOT_RUN.format(reason)] * 2
    if not reason:
        texts = [comparison(run.folder), refusals(run.folder)]
    run.keep("app_screen", "what the screen says, what Python says", texts[0])
    run.keep("app_refused", "what the app says of a model that it cannot use", texts[1])


def comparison(folder: Path) -> str:
    """Return the table: the answer on each screen, and Python's of the same picture."""
    labels = (folder / android.LABELS).read_text(encoding="utf-8").split("\n")
    lines = []
    for look in LOOKS:
        for language, ending in LANGUAGES.items():
            screen = shown(folder, look.name + ending)
            answer = 100 * android.answers(folder / android.MODEL, screen.picture)[0]
            rows = [re.split(": ?|\uff1a", row) for row in screen.rows]  # or the Chinese colon
            same = sum(
                row == [name, f"{number:.1f} %"]
                for row, name, number in zip(rows, labels, answer, strict=False)
            )
            top = int(answer.argmax())
            lines.append(
                f"{look.name[7:]:6}{language}  Python: {labels[top]}, {answer[top]:5.1f} %  "
                f"rows that agree: {same} of {len(answer)}  screen: {screen.top}"
            )
    return "\n".join(lines) + "\n"


def write_reason(path: Path, reason: str) -> None:
    """Write a picture that says why there is none."""
    from PIL import Image, ImageDraw  # only needed here

    picture = Image.new("RGB", (822, 400), "white")
    text = textwrap.fill(android.NOT_RUN.format(reason).strip(), 40)
    ImageDraw.Draw(picture).multiline_text((40, 40), text, "black", font_size=32)
    picture.save(path)
