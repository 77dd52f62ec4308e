"""The Android project on the desktop: pack it with aapt2, run its classes on the JVM.

What stands in for what: the JVM for Android's runtime; `android-all` (the framework's own classes,
as of the project's minSdk) for the framework; of these only AssetManager, whose work is done by
native code of a device, is replaced, by one that reads the same APK. `org.tensorflow.lite` is the
real API with its real native library for the desktop, version 2.6.2 of 2021. That runtime computes
an int8 model of today wrongly, without a word, and is slow; `litert=True` puts one class in the
place of the API, over the LiteRT of the Python interpreter.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from recordings.engine import Run

ROOT = Path(__file__).parents[1]
PROJECT = ROOT / "docs" / "_static" / "code" / "lite" / "android"
MAIN = PROJECT / "app" / "src" / "main"
MODULE = ROOT / "recordings" / "android_jvm"
BUILT = ROOT / "build" / "android-jvm"
LITERT_CLASSES = BUILT / "litert-classes"
RUNTIME_2021 = BUILT / "native" / "lib" / "libtensorflowlite_jni.so"
FRAMEWORK = Path("/usr/share/android-framework-res/framework-res.apk")
PACKAGE = "org.example.digits"
MODEL = "mnist_cnn.tflite"
INT8 = "mnist_cnn_int8.tflite"
DYNAMIC = "mnist_cnn_dynamic.tflite"
LABELS = "mnist_cnn_labels.txt"
ASSET = "model.tflite"  # what the app calls any of them
MISTAKES = ("none", "raw", "inverted", "scale", "order", "size", "shape", "heap")
MISREAD = 15  # the digit that plain_mistake.py shows: some mistakes spare others
ANDROID = "http://schemas.android.com/apk/res/android"
ROW = re.compile(r"\[(.*)\]")
NOT_RUN = "not run: {}\n"
ANSWERS = ["java_float32.bin", "java_int8.bin"]  # of the app on LiteRT, float32 (n, labels)
OTHERS = "java_others.json"  # the same for join_answers.py


class Unreachable(Exception):
    """Maven cannot fetch what the Java side needs."""


def missing() -> str:
    """Say what this machine lacks to run Java; an empty string if it lacks nothing."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return "the native library of the Java tests is for Linux on x86-64"
    lacking = [tool for tool in ("javac", "mvn") if not shutil.which(tool)]
    return f"no {', '.join(lacking)}: install a JDK (17 or later) and Maven" if lacking else ""


def missing_packer() -> str:
    """Say what this machine lacks to pack an APK; an empty string if it lacks nothing."""
    lacking = [tool for tool in ("aapt2", "zipalign", "readelf") if not shutil.which(tool)]
    if not FRAMEWORK.exists():
        lacking.append(str(FRAMEWORK))
    hint = "install Debian's aapt, zipalign, binutils and android-framework-res"
    return f"no {', '.join(lacking)}: {hint}" if lacking else ""


def call(*command: str | Path) -> str:
    """Run a command; return what it printed, or fail with it."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise AssertionError(f"{command[0]} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def compile_sources() -> None:
    """Compile the project's sources and what runs them, without a single warning.

    Raises:
        Unreachable: without a network, if Maven has not fetched its libraries before.
    """
    fetch("mvn", "--quiet", "--batch-mode", "--file", MODULE / "pom.xml", "test-compile")
    sources = sorted((MODULE / "src" / "litert" / "java").rglob("*.java"))
    lint = ("-Xlint:all", "-Werror", "--release", "11")
    call("javac", *lint, "-d", LITERT_CLASSES, "-cp", libraries(), *sources)


def fetch(*command: str | Path) -> None:
    """Run Maven.

    Raises:
        Unreachable: without a network, if it has not fetched its libraries before.
    """
    try:
        call(*command)
    except AssertionError as error:
        if re.search(r"Could not (?:transfer|resolve|find) artifact", str(error)):
            raise Unreachable("Maven could not fetch the libraries of the Java tests") from error
        raise


def libraries() -> str:
    """Return the class path of what Maven fetched."""
    return (BUILT / "classpath.txt").read_text(encoding="utf-8").strip()


def java(main: str, *arguments: str | Path, litert: bool = False) -> str:
    """Run a class of the package org.example.digits; return its standard output.

    Args:
        main: the class.
        arguments: its arguments.
        litert: run on the LiteRT of the Python interpreter instead of the runtime of 2021.
    """
    command = [
        "java",
        runtime(litert=litert),
        "-cp",
        os.pathsep.join([str(BUILT / "test-classes"), *class_path(litert=litert)]),
        f"{PACKAGE}.{main}",
        *map(str, arguments),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{main} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def class_path(*, litert: bool) -> list[str]:
    """Return the app's classes and what they need: what stands in for the API comes first."""
    first = [str(LITERT_CLASSES)] if litert else []
    return [*first, str(BUILT / "classes"), *libraries().split(os.pathsep)]


def runtime(*, litert: bool) -> str:
    """Return the option of java that names the native library."""
    if not litert:
        return f"-Djava.library.path={RUNTIME_2021.parent}"
    package = importlib.util.find_spec("ai_edge_litert")
    assert package
    assert package.origin
    return f"-Dlitert={Path(package.origin).with_name('libLiteRt.so')}"


def desktop(command: str, apk: Path, pictures: Path, *, litert: bool = False) -> str:
    """Run one command of OnDesktop.java on the model in an APK."""
    return java("OnDesktop", command, apk, pictures, litert=litert)


def mistake(name: str, apk: Path, digits: Path) -> str:
    """Make one of the mistakes in Mistake.java; return the exception's text or the wrong answer."""
    return java("Mistake", name, apk, digits)


def table(printed: str) -> np.ndarray:
    """Return the rows of numbers that Java printed, as float64 (rows, columns)."""
    return np.array([[float(cell) for cell in row.split(",")] for row in ROW.findall(printed)])


def merged_manifest(folder: Path) -> Path:
    """Write the manifest as Gradle hands it to aapt2: the namespace becomes the package."""
    ET.register_namespace("android", ANDROID)
    tree = ET.parse(MAIN / "AndroidManifest.xml")
    tree.getroot().set("package", PACKAGE)
    path = folder / "AndroidManifest.xml"
    tree.write(path, encoding="utf-8", xml_declaration=True)
    return path


def pack(target: Path, model: Path, labels: Path, *, no_compress: str = ".tflite") -> Path:
    """Pack the project's resources and a model into an APK, as Gradle does; return `target`.

    Args:
        target: the APK; its R.java is written beside it, below `r/`.
        model: goes into assets/, under the name that the app reads.
        labels: the same.
        no_compress: the ending of the files that are stored; "" compresses what it is worth.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        assets = folder / "assets"
        assets.mkdir()
        shutil.copy(model, assets / ASSET)
        shutil.copy(labels, assets / "labels.txt")
        call("aapt2", "compile", "--dir", MAIN / "res", "-o", folder / "res.zip")
        link: list[str | Path] = ["aapt2", "link", "-I", FRAMEWORK, "-A", assets]
        link += ["--manifest", merged_manifest(folder), "--java", target.parent / "r"]
        link += ["--min-sdk-version", "24", "--target-sdk-version", "36"]
        link += ["-0", no_compress] if no_compress else []
        call(*link, "-o", folder / "unaligned.apk", folder / "res.zip")
        call("zipalign", "-f", "-p", "4", folder / "unaligned.apk", target)
    return target


def data_offset(apk: Path, name: str) -> int:
    """Return where the bytes of an entry begin in the package."""
    with zipfile.ZipFile(apk) as package:
        start = package.getinfo(name).header_offset
    header = apk.read_bytes()[start : start + 30]
    return (
        start
        + 30
        + int.from_bytes(header[26:28], "little")
        + int.from_bytes(header[28:30], "little")
    )


def write_pictures(path: Path, images: np.ndarray) -> Path:
    """Write uint8 pictures (n, height, width[, 3]) as the Java programs read them."""
    path.write_bytes(np.ascontiguousarray(images, dtype=np.uint8).tobytes())
    return path


def segment_alignment(library: Path) -> int:
    """Return the smallest alignment of a library's LOAD segments, as readelf shows it."""
    return min(int(line.split()[-1], 16) for line in segments(library))


def segments(library: Path) -> list[str]:
    """Return readelf's lines on the LOAD segments of a library; the last column is the alignment.

    Android devices with pages of 16 KB load it if that is 0x4000 or more.
    """
    lines = call("readelf", "-lW", library).splitlines()
    return [line for line in lines if line.split()[:1] == ["LOAD"]]


def prune(model: Path, target: Path) -> Path:
    """Write a copy of `model` half of whose largest block of weights is zero; return `target`.

    It answers worse and has the same size, but is worth compressing: of dense weights aapt2 saves
    less than a tenth, and then stores them without being asked.
    """
    content = bytearray(model.read_bytes())
    start, end = (len(content) // 4 // 4 * 4, len(content) * 3 // 4 // 4 * 4)
    weights = np.frombuffer(content, np.float32, (end - start) // 4, start)
    weights[np.abs(weights) < np.median(np.abs(weights))] = 0
    target.write_bytes(content)
    return target


def python_answers(model: Path, images: np.ndarray) -> np.ndarray:
    """Return what the Python interpreter says of uint8 pictures: float32 (n, labels).

    An int8 model is given and gives int8; its answers are turned back as the app does.
    """
    return answers(model, (images / 255).astype(np.float32))


def answers(model: Path, pictures: np.ndarray) -> np.ndarray:
    """Return what the Python interpreter says of pictures 0 to 1: float32 (n, labels)."""
    from ai_edge_litert.interpreter import Interpreter  # slow to import, and only needed here

    runtime = Interpreter(str(model))
    runtime.allocate_tensors()
    source, result = runtime.get_input_details()[0], runtime.get_output_details()[0]
    found = []
    for values in pictures:
        picture = values.reshape(source["shape"])
        if source["dtype"] is np.int8:
            scale, zero = source["quantization"]
            steps = np.floor(picture / np.float32(scale) + np.float32(0.5)) + zero
            picture = np.clip(steps, -128, 127).astype(np.int8)
        runtime.set_tensor(source["index"], picture)
        runtime.invoke()
        found.append(runtime.get_tensor(result["index"])[0])
    if result["dtype"] is np.int8:
        scale, zero = result["quantization"]
        found = [(answer.astype(np.float32) - zero) * np.float32(scale) for answer in found]
    return np.array(found)


def outputs(folder: Path) -> dict[str, tuple[str, Callable[[], str]]]:
    """Return all that the chapter shows: the command and what runs it, by the name of the output.

    `folder` holds what these read, see prepare().
    """
    apk, compressed, digits = folder / "app.apk", folder / "compressed.apk", folder / "digits.bin"
    printing = f"java {PACKAGE}.OnDesktop print app.apk digits.bin"
    loading = f"java {PACKAGE}.Mistake load"
    check = "zipalign -c -v -p 4"
    return {
        "android_java": (printing, lambda: desktop("print", apk, digits, litert=True)),
        "android_java_2021": (printing, lambda: desktop("print", apk, digits)),
        "android_apk": (f"{check} app.apk", lambda: entries(apk)),
        "android_apk_compressed": (f"{check} compressed.apk", lambda: entries(compressed)),
        "android_page_size": (
            f"readelf -lW {RUNTIME_2021.name} | grep LOAD",
            lambda: "\n".join(segments(RUNTIME_2021)),
        ),
        "android_compressed": (
            f"{loading} compressed.apk digits.bin",
            lambda: mistake("load", compressed, digits),
        ),
        "android_newer": (
            f"{loading} dynamic.apk digits.bin",
            lambda: mistake("load", folder / "dynamic.apk", digits),
        ),
        **{
            f"android_{name}": (
                f"java {PACKAGE}.Mistake {name} app.apk misread.bin",
                functools.partial(mistake, name, apk, folder / "misread.bin"),
            )
            for name in MISTAKES
        },
    }


def prepare(folder: Path, images: np.ndarray) -> None:
    """Compile the project, and write packages and digits into `folder`, beside the models."""
    compile_sources()
    write_pictures(folder / "digits.bin", images)
    write_pictures(folder / "misread.bin", images[MISREAD:][:1])
    labels = folder / LABELS
    for apk, model in (("app", MODEL), ("int8", INT8), ("dynamic", DYNAMIC)):
        pack(folder / f"{apk}.apk", folder / model, labels)
    with tempfile.TemporaryDirectory() as name:
        pruned = prune(folder / MODEL, Path(name, MODEL))
        pack(folder / "compressed.apk", pruned, labels, no_compress="")


def record(run: Run, images: np.ndarray, keras: np.ndarray) -> None:
    """Keep all that the chapter shows; on a machine without JDK and Maven, why it is not there.

    Args:
        run: its folder holds the models and the labels.
        images: uint8 (n, 28, 28), n > MISREAD; the first is the one whose answer is shown.
        keras: what the Keras model says of them, (n, 10).
    """
    reason = missing() or missing_packer()
    if not reason:
        try:
            prepare(run.folder, images)
        except Unreachable as error:
            reason = str(error)
    for name, (command, produce) in outputs(run.folder).items():
        run.keep(name, command, NOT_RUN.format(reason) if reason else produce())
    for name in ANSWERS:
        (run.folder / name).touch()
    text = NOT_RUN.format(reason) if reason else agreement(run.folder, images, keras)
    run.keep("android_agreement", "the same digits everywhere", text)
    (run.folder / OTHERS).write_text(json.dumps({} if reason else others(run.folder)))


def others(folder: Path) -> dict[str, dict[str, object]]:
    """Return what join_answers.py has to know of the answers that agreement() has written."""
    apk, digits = folder / "app.apk", folder / "digits.bin"
    median = float(java("OnDesktop", "bench", apk, digits, litert=True)) / 1000
    return {
        f"java_{kind}": {
            "file": f"java_{kind}.bin",
            "kind": kind,
            "bytes": (folder / model).stat().st_size,
            "milliseconds": milliseconds,
        }
        for kind, model, milliseconds in (("float32", MODEL, median), ("int8", INT8, None))
    }


def agreement(folder: Path, images: np.ndarray, keras: np.ndarray) -> str:
    """Return the table: Keras, Python and Java on the same digits, float32 and int8.

    What Java answers on LiteRT is written to ANSWERS.
    """
    lines = [f"{f'{len(images):,} test digits':20}    same   off by"]
    digits = folder / "digits.bin"
    for title, model, package, command in (
        ("float32", MODEL, "app.apk", "java"),
        ("int8", INT8, "int8.apk", "int8"),
    ):
        apk = folder / package
        python = python_answers(folder / model, images)
        java_litert = table(desktop(command, apk, digits, litert=True))
        java_litert.astype("float32").tofile(folder / f"java_{title}.bin")
        java_2021 = table(desktop(command, apk, digits))
        lines.append(title)
        for pair, one, other in (
            ("Python, Keras", python, keras),
            ("Java, Python", java_litert, python),
            ("Java 2021, Python", java_2021, python),
        ):
            same, largest = (one.argmax(1) == other.argmax(1)).mean(), np.abs(one - other).max()
            lines.append(f"  {pair:18}{same:8.2%}{largest:9.1e}")
    return "\n".join(lines) + "\n"


def entries(apk: Path) -> str:
    """Return what zipalign says of each entry: its offset, whether compressed, whether aligned."""
    printed = call("zipalign", "-c", "-v", "-p", "4", apk)
    return printed.replace(str(apk), apk.name)
