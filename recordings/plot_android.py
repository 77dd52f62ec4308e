"""Compile the Android project unchanged, pack it, run it on the JVM."""

import json
import re

import numpy

from recordings import android
from recordings.engine import Run, recipe

DIGITS = """
import keras, mnist_data, numpy
images = mnist_data.load().x_test[:300]
model = keras.models.load_model("mnist_cnn.keras", compile=False)
answers = model.predict((images[..., None] / 255).astype("float32"), verbose=0)
numpy.savez("digits.npz", images=images, answers=answers)
"""


@recipe(
    uses=["mnist_data.py"],
    reads=["mnist_cnn.keras", android.MODEL, android.INT8, android.DYNAMIC],
    writes=["android.json"],
    tools=["javac", "mvn", "aapt2", "zipalign", "readelf"],
    files=["docs/_static/code/lite/android", "recordings/android_jvm"],
    dataset=True,
)
def on_the_jvm(run: Run) -> None:
    """Answer the same digits as Keras and as the Python interpreter, and make mistakes."""
    (run.folder / "digits.py").write_text(DIGITS)
    status, printed = run.execute("python digits.py")
    assert status == 0, printed
    with numpy.load(run.folder / "digits.npz") as digits:
        android.record(run, digits["images"], digits["answers"])
    answers = {
        name: [
            float(number) for number in re.findall(r"prob is (\S+)", run.printed[f"android_{name}"])
        ]
        for name in android.MISTAKES
    }
    (run.folder / "android.json").write_text(json.dumps(answers))
