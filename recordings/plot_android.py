"""Compile the Android project unchanged, pack it, run it on the JVM, its screen included."""

import json
import re

import numpy

from recordings import android, screen
from recordings.engine import Run, recipe

DIGITS = """
import keras, numpy
samples = numpy.load("mnist_cnn_samples.npz")
images = samples["image"][:1000]
model = keras.models.load_model("mnist_cnn.keras", compile=False)
numpy.savez(
    "digits.npz",
    images=(images[..., 0] * 255).round().astype("uint8"),
    labels=samples["labels"][:1000],
    answers=model.predict(images, verbose=0),
)
table = keras.Sequential([keras.Input((13,)), keras.layers.Dense(1)])  # no pictures
table.export("table.tflite", format="litert", verbose=False)
"""
ANSWERING = ("none", "raw", "inverted", "scale", "order")  # mistakes without an exception


@recipe(
    reads=[
        *("mnist_cnn.keras", "mnist_cnn_samples.npz"),
        *(android.MODEL, android.INT8, android.DYNAMIC, android.LABELS),
    ],
    writes=["android.json", android.OTHERS, *android.ANSWERS, *screen.PICTURES],
    tools=["javac", "mvn", "aapt2", "zipalign", "readelf"],
    files=[
        "docs/_static/code/lite/android",
        *("recordings/android_jvm", "recordings/android_screen"),
    ],
)
def on_the_jvm(run: Run) -> None:
    """Answer the same digits as Keras and as the Python interpreter, and make mistakes."""
    (run.folder / "digits.py").write_text(DIGITS)
    status, printed = run.execute("python digits.py")
    assert status == 0, printed
    with numpy.load(run.folder / "digits.npz") as digits:
        android.record(run, digits["images"], digits["answers"])
        screen.record(run, digits["images"][0])
        label = int(digits["labels"][android.MISREAD])
    found = {name: answer(run.printed[f"android_{name}"]) for name in ANSWERING}
    (run.folder / "android.json").write_text(json.dumps({"label": label, "found": found}))


def answer(printed: str) -> dict[str, object]:
    """Return the probabilities that Java printed, the best label, and how many are exactly zero."""
    probabilities = [float(number) for number in re.findall(r"prob is (\S+)", printed)]
    if not probabilities:
        label = "?"  # this machine runs no Java
    elif any(number != number for number in probabilities):
        label = "NaN"
    else:
        label = str(probabilities.index(max(probabilities)))
    return {"probabilities": probabilities, "label": label, "zeros": probabilities.count(0)}
