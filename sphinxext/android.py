"""The Android project on the desktop: pack it with aapt2, run its classes on the JVM.

What stands in for what: the JVM for Android's runtime; `android-all` (the framework's own classes,
as of the project's minSdk) for the framework; of these only AssetManager, whose work is done by
native code of a device, is replaced, by one that reads the same APK. `org.tensorflow.lite` is the
real API with its real native library for the desktop, version 2.6.2 of 2021. That runtime computes
an int8 model of today wrongly, without a word, and is slow; `litert=True` puts one class in the
place of the API, over the LiteRT of the Python interpreter.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterable
from pathlib import Path

import ai_edge_litert
import numpy as np
from ai_edge_litert.interpreter import Interpreter

ROOT = Path(__file__).parents[1]
PROJECT = ROOT / "docs" / "_static" / "code" / "lite" / "android"
MAIN = PROJECT / "app" / "src" / "main"
MODULE = ROOT / "tests" / "android-jvm"
BUILT = ROOT / "build" / "android-jvm"
LITERT_CLASSES = BUILT / "litert-classes"
RUNTIME_2021 = BUILT / "native" / "lib" / "libtensorflowlite_jni.so"
FRAMEWORK = Path("/usr/share/android-framework-res/framework-res.apk")
PACKAGE = "org.example.digits"
MODEL = "mnist_cnn.tflite"
INT8 = "mnist_cnn_int8.tflite"
DYNAMIC = "mnist_cnn_dynamic.tflite"
MISTAKES = ("raw", "inverted", "scale", "order", "size", "shape", "heap")
ANDROID = "http://schemas.android.com/apk/res/android"
ROW = re.compile(r"\[(.*)\]")


def workspace() -> Path:
    """Return the folder with the build's models."""
    return Path(os.environ.get("TUTORIAL_WORKSPACE", ROOT / "build" / "workspace"))


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
    """Compile the project's sources and what runs them, without a single warning."""
    call("mvn", "--quiet", "--batch-mode", "--file", MODULE / "pom.xml", "test-compile")
    sources = sorted((MODULE / "src" / "litert" / "java").rglob("*.java"))
    lint = ("-Xlint:all", "-Werror", "--release", "11")
    call("javac", *lint, "-d", LITERT_CLASSES, "-cp", libraries(), *sources)


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
    first = [str(LITERT_CLASSES)] if litert else []  # what stands in comes first
    classes = [*first, str(BUILT / "test-classes"), str(BUILT / "classes"), libraries()]
    runtime = Path(ai_edge_litert.__file__).with_name("libLiteRt.so")
    command = [
        "java",
        f"-Dlitert={runtime}" if litert else f"-Djava.library.path={BUILT / 'native' / 'lib'}",
        "-cp",
        os.pathsep.join(classes),
        f"{PACKAGE}.{main}",
        *map(str, arguments),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{main} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def desktop(
    command: str, apk: Path, digits: Path, *, model: str = MODEL, litert: bool = False
) -> str:
    """Run one command of OnDesktop.java on a model in an APK."""
    return java("OnDesktop", command, apk, model, digits, litert=litert)


def mistake(name: str, apk: Path, digits: Path, *, model: str = MODEL) -> str:
    """Make one of the mistakes in Mistake.java; return the exception's text or the wrong answer."""
    return java("Mistake", name, apk, model, digits)


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


def pack(target: Path, models: Iterable[Path], *, no_compress: str = ".tflite") -> Path:
    """Pack the project's resources and `models` into an APK, as Gradle does; return `target`.

    Args:
        target: the APK; its R.java is written beside it, below `r/`.
        models: files that go into assets/.
        no_compress: the ending of the files that are stored; "" compresses what it is worth.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        assets = folder / "assets"
        assets.mkdir()
        for model in models:
            shutil.copy(model, assets / model.name)
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


def write_digits(path: Path, images: np.ndarray) -> Path:
    """Write uint8 pictures (n, 28, 28), light on dark, as the Java programs read them."""
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
    """Return what the Python interpreter says of uint8 pictures: float32 (n, 10).

    An int8 model is given and gives int8; its answers are turned back as the app does.
    """
    runtime = Interpreter(str(model))
    runtime.allocate_tensors()
    source, result = runtime.get_input_details()[0], runtime.get_output_details()[0]
    answers = []
    for image in images:
        picture = (image / 255).astype(np.float32)[None, ..., None]
        if source["dtype"] is np.int8:
            scale, zero = source["quantization"]
            steps = np.floor(picture / np.float32(scale) + np.float32(0.5)) + zero
            picture = np.clip(steps, -128, 127).astype(np.int8)
        runtime.set_tensor(source["index"], picture)
        runtime.invoke()
        answers.append(runtime.get_tensor(result["index"])[0])
    if result["dtype"] is np.int8:
        scale, zero = result["quantization"]
        answers = [(answer.astype(np.float32) - zero) * np.float32(scale) for answer in answers]
    return np.array(answers)


def difference(one: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Compare two sets of answers (n, 10): share of equal labels, largest difference."""
    return {
        "same_label": float((one.argmax(1) == other.argmax(1)).mean()),
        "largest_difference": float(np.abs(one - other).max()),
    }


def compare(apk: Path, digits: Path, images: np.ndarray, keras: np.ndarray) -> dict[str, object]:
    """Return the table: Keras, Python and Java on the same digits, float32 and int8.

    Args:
        apk: holds mnist_cnn.tflite and mnist_cnn_int8.tflite.
        digits: `images` as a file, see write_digits.
        images: uint8 (n, 28, 28).
        keras: the answers of the Keras model, (n, 10).
    """
    rows: dict[str, object] = {"digits": len(images)}
    for name, model, command in (("float32", MODEL, "java"), ("int8", INT8, "int8")):
        python = python_answers(workspace() / model, images)
        java_litert = table(desktop(command, apk, digits, model=model, litert=True))
        java_2021 = table(desktop(command, apk, digits, model=model))
        rows[name] = {
            "python_keras": difference(python, keras),
            "java_python": difference(java_litert, python),
            "java_2021_python": difference(java_2021, python),
        }
    return rows


def recordings(folder: Path, images: np.ndarray) -> dict[str, tuple[str, str]]:
    """Run all that the chapter shows; return command and output by the name of the output.

    Needs compile_sources() to have run.

    Args:
        folder: gets app.apk, compressed.apk and digits.bin.
        images: uint8 (n, 28, 28); the first is the one that is read.
    """
    digits = write_digits(folder / "digits.bin", images)
    apk = pack(folder / "app.apk", [workspace() / name for name in (MODEL, INT8, DYNAMIC)])
    pruned = folder / "pruned"
    pruned.mkdir()
    model = prune(workspace() / MODEL, pruned / MODEL)
    (folder / "compressed").mkdir()
    compressed = pack(folder / "compressed" / "app.apk", [model], no_compress="")
    check = "zipalign -c -v -p 4 app.apk"

    def run(command: str, text: str) -> tuple[str, str]:
        return command, text.rstrip("\n") + "\n"

    made = {
        "android_java": run(
            f"java {PACKAGE}.OnDesktop print app.apk {MODEL} digits.bin",
            desktop("print", apk, digits),
        ),
        "android_java_litert": run(
            f"java {PACKAGE}.OnDesktop print app.apk {MODEL} digits.bin",
            desktop("print", apk, digits, litert=True),
        ),
        "android_page_size": run(
            f"readelf -lW {RUNTIME_2021.name} | grep LOAD", "\n".join(segments(RUNTIME_2021))
        ),
        "android_apk": run(check, entries(apk)),
        "android_apk_compressed": run(check, entries(compressed)),
        "android_compressed": run(
            f"java {PACKAGE}.Mistake load app.apk {MODEL} digits.bin",
            mistake("load", compressed, digits),
        ),
        "android_newer": run(
            f"java {PACKAGE}.Mistake load app.apk {DYNAMIC} digits.bin",
            mistake("load", apk, digits, model=DYNAMIC),
        ),
        "android_newer_int8": run(
            f"java {PACKAGE}.OnDesktop int8 app.apk {INT8} digits.bin",
            desktop("int8", apk, write_digits(folder / "digit.bin", images[:1]), model=INT8),
        ),
    }
    for name in MISTAKES:
        command = f"java {PACKAGE}.Mistake {name} app.apk {MODEL} digits.bin"
        made[f"android_{name}"] = run(command, mistake(name, apk, digits))
    return made


def entries(apk: Path) -> str:
    """Return what zipalign says of each entry: its offset, whether compressed, whether aligned."""
    printed = call("zipalign", "-c", "-v", "-p", "4", apk)
    return printed.replace(str(apk), apk.name)
