"""Try what programs of 2018 call, and what takes its place today; print and write what happens.

Each pair is tried for real: Python is evaluated, commands are run, TensorFlow.js is asked in Node.
Writes old_names.json. Ends with exit code 1 if something new fails, or something old that is said
to be gone works.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from artifacts import ProgramError, check_writable, run, whole

GONE, CHANGED = "gone", "changed"


class Pair(NamedTuple):
    """What was written in 2018, and today.

    Attributes:
        old, new: Python, `$ command`, or `js: expression`.
        state: GONE, or CHANGED if the old one still runs and does something else or warns.
    """

    old: str
    new: str
    state: str = GONE


PAIRS = [
    Pair("keras.utils.np_utils.to_categorical", "keras.utils.to_categorical"),
    Pair("keras.layers.convolutional.Conv2D", "keras.layers.Conv2D"),
    Pair("keras.layers.normalization.BatchNormalization", "keras.layers.BatchNormalization"),
    Pair("keras.optimizers.Adam(lr=0.001)", "keras.optimizers.Adam(learning_rate=0.001)"),
    Pair(
        "float(keras.optimizers.Adadelta().learning_rate)",
        "float(keras.optimizers.Adadelta(learning_rate=1.0).learning_rate)",
        CHANGED,
    ),
    Pair("tf.enable_eager_execution()", "tf.executing_eagerly()"),
    Pair("tf.placeholder", "keras.Input"),
    Pair("tf.Session", "tf.function"),
    Pair("tf.gfile.GFile", "tf.io.gfile.GFile"),
    Pair("keras.Model.predict_classes", "keras.Model.predict"),
    Pair("small().save('small.h5')", "small().save('small.keras')", CHANGED),
    Pair("small().save('small')", "small().export('small', verbose=False)"),
    Pair("tf.contrib.saved_model.save_keras_model", "keras.Model.export"),
    Pair("keras.backend.get_session()", "keras.Model.export"),
    Pair("tf.saved_model.simple_save", "tf.saved_model.save"),
    Pair("tf.saved_model.builder.SavedModelBuilder", "tf.saved_model.save"),
    Pair("tf.saved_model.loader.load", "tf.saved_model.load"),
    Pair(
        "keras.models.load_model('small')",
        "keras.layers.TFSMLayer('small', call_endpoint='serve')",
    ),
    Pair("$ tflight_convert --help", "$ tflite_convert --help"),
    Pair("$ toco --help", "$ tflite_convert --help", CHANGED),
    Pair("$ freeze_graph --help", "keras.Model.export"),
    Pair("tf.contrib.lite", "tf.lite"),
    Pair("tf.lite.TocoConverter", "tf.lite.TFLiteConverter"),
    Pair("tf.lite.toco_convert", "tf.lite.TFLiteConverter.convert"),
    Pair(
        "tf.lite.TFLiteConverter.from_keras_model_file",
        "tf.lite.TFLiteConverter.from_keras_model",
    ),
    Pair(
        "tf.lite.TFLiteConverter.from_frozen_graph",
        "tf.lite.TFLiteConverter.from_saved_model",
    ),
    Pair(
        "tf.lite.TFLiteConverter.from_session",
        "tf.lite.TFLiteConverter.from_concrete_functions",
    ),
    Pair("tf.contrib.lite.Interpreter", "ai_edge_litert.interpreter.Interpreter"),
    Pair("tflite_runtime.interpreter.Interpreter", "ai_edge_litert.interpreter.Interpreter"),
    Pair("js: tf.loadModel", "js: tf.loadLayersModel"),
    Pair("js: tf.loadFrozenModel", "js: tf.loadGraphModel"),
    Pair("js: tf.fromPixels", "js: tf.browser.fromPixels"),
]


def outcome(text: str) -> tuple[bool, str]:
    """Try one side of a pair; return whether it works, and the line that says what happened."""
    if text.startswith("$ "):
        return command(text[2:])
    if text.startswith("js: "):
        return javascript(text[4:])
    return python(text)


def small() -> object:
    """Return a small model."""
    import keras

    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])


def python(text: str) -> tuple[bool, str]:
    """Evaluate an expression whose first name is a module, imported as far as there is one."""
    import importlib

    import keras
    import tensorflow as tf

    names: dict[str, object] = {"keras": keras, "tf": tf, "small": small}
    with warned() as warnings:
        try:
            for module in ("ai_edge_litert.interpreter", "tflite_runtime.interpreter"):
                if text.startswith(module):
                    importlib.import_module(module)
                    root = module.partition(".")[0]
                    names[root] = importlib.import_module(root)
            value = eval(text, names)
        except Exception as error:
            return False, f"{type(error).__name__}: {sentence(str(error))}"
    return True, f"{value:g}" if isinstance(value, float) else sentence("".join(warnings[:1]))


@contextmanager
def warned() -> Iterator[list[str]]:
    """Yield what Keras warns of while the block runs, which is not printed."""
    said: list[str] = []
    logger, handler = logging.getLogger("absl"), logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    before, logger.handlers = logger.handlers, [handler]
    try:
        yield said
    finally:
        logger.handlers = before


def sentence(text: str) -> str:
    """Return the first sentence of a message."""
    return re.split(r"(?<=\.)\s|\n", text.strip(), maxsplit=1)[0]


def command(text: str) -> tuple[bool, str]:
    """Run a command."""
    words = text.split()
    if not shutil.which(words[0]):
        return False, f"{words[0]}: command not found"
    done = subprocess.run(words, capture_output=True, text=True)
    said = done.stdout if done.returncode == 0 else done.stderr
    return done.returncode == 0, sentence(said)


def javascript(text: str) -> tuple[bool, str]:
    """Ask TensorFlow.js whether it has something."""
    program = f"const tf = require('@tensorflow/tfjs'); process.exit({text} ? 0 : 1)"
    done = subprocess.run(["node", "-e", program], capture_output=True, text=True)
    return done.returncode == 0, "" if done.returncode == 0 else f"{text} is undefined"


def tried() -> list[dict[str, object]]:
    """Try all pairs."""
    rows: list[dict[str, object]] = []
    for pair in PAIRS:
        (old, said), (new, answer) = outcome(pair.old), outcome(pair.new)
        wrong = not new or old != (pair.state == CHANGED)
        rows.append(pair._asdict() | {"said": said, "answer": answer, "wrong": wrong})
    return rows


def main() -> None:
    """Try, print, write."""
    check_writable()
    rows = tried()
    for row in rows:
        print(f"{row['old']}\n    {row['said'] or 'runs'}\n    -> {row['new']}", end="")
        print(f" = {row['answer']}" if row["answer"] else "")
    with whole("old_names.json") as file:
        file.write_text(json.dumps(rows, indent=1))
    if wrong := [str(row["old"]) for row in rows if row["wrong"]]:
        raise ProgramError(f"not as expected: {', '.join(wrong)}")


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    run(main)
