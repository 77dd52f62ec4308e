"""The commands of a page as a reader meets them: what is one, where it runs, what it needs.

Who follows the built pages (tests/reader.py) and who writes their notebooks
(sphinxext/notebooks.py) go by this.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

FIRST = "modelsave"  # what it leaves is what the others need
CHAPTERS = {
    "serving": ["serving/index", "serving/versions", "serving/operate"],
    "lite": ["lite/convert", "lite/emulation", "lite/android"],
    "boards": ["lite/convert", "lite/litert", "lite/linux", "lite/micro"],
    "javascript": ["javascript"],
    "own_model": ["own_model"],
    "check": ["check"],
}
WITH_SERVER = {"serving", "own_model"}
INSTALLS = re.compile(r"pip install|npm ci|tfjs_env\.py|-m venv")  # a reader with --fresh does it
NOT_HERE = {  # what a reader has and this machine does not
    "android-apk": "an APK built by Android Studio",
    "android-apk-compressed": "an APK built by Android Studio",
    "android-page-size": "the library out of an APK",
    "board-check": "the headers of the interpreter of microcontrollers",
    "compiled-batch": "a program with the mistake in it",
    "compiled-float": "a program with the mistake in it",
    "convert-no-samples": "a folder without samples",
    "linux-cpuinfo": "a shell that says what ended the program",
    "join-all": "the answers of all ways to all digits",
    "join-answers": "the answers of Java, C and a browser",
    "micro-float": "a program with the mistake in it",
    "tfjs-no-converter": "a machine without the converter",
}
# Files that the examples of errors are about: recipes break them, a reader has them already.
BROKEN = re.compile(
    r"\b(broken|lstm|own_code|select|photo|three_labels|part|cut|swapped)\.\w+|\belsewhere/|\btfjs_cut\b|\bno_such|keras_model"
)
# What a page needs in an empty folder: packages, what a command sets up, what the command behind an
# output makes. A page that is not here has no command that can run there.
TFJS = ["npm ci --omit=dev", "python tfjs_env.py"]
CONVERTED = ["mnist_cnn", "convert"]
SERVED = ["requirements-serving.txt", "mnist_cnn"]
SMALL = ["requirements-embedded.txt", "train_small", "convert_small"]
BEFORE = {
    "modelsave": [],
    "lite/convert": ["mnist_cnn"],
    "lite/emulation": CONVERTED,
    "lite/litert": CONVERTED,
    "lite/linux": CONVERTED,
    "lite/micro": CONVERTED,
    "serving/index": ["mnist_cnn"],
    "serving/versions": ["requirements-serving.txt", "mnist_cnn", "named_signature"],
    "serving/operate": [],
    "javascript": ["mnist_cnn"],
    "own_model": ["requirements-serving.txt", *TFJS, "mnist_cnn"],
    "check": [*TFJS, "mnist_cnn"],
    "gallery/plot_train": [],
    "gallery/plot_export": ["mnist_cnn", "one_digit"],
    "gallery/plot_convert": ["mnist_cnn"],
    "gallery/plot_inspect": CONVERTED,
    "gallery/plot_interpret": CONVERTED,
    "gallery/plot_micro": [*CONVERTED, *SMALL],
    "gallery/plot_serving": [*SERVED, "request_json", "serving_start"],
    "gallery/plot_javascript": [*TFJS, "mnist_cnn", "samples_for_js"],
    "gallery/plot_own_model": ["patches"],
    "gallery/plot_check": [*TFJS, "mnist_cnn"],
    "gallery/plot_matrix": ["mnist_cnn"],
    "gallery/plot_errors": [],
}
# Figures that a page plots and only the build measures: with a board, a browser, a virtual machine.
FIGURES = {
    "gallery/plot_android": ["android.json"],
    "gallery/plot_errors": ["mistakes.json"],
    "gallery/plot_linux": ["linux.json"],
    "gallery/plot_litert": ["mnist_cnn_compare.json"],
    "gallery/plot_matrix": ["matrix.json", "matrix_all.json"],
    "gallery/plot_micro": ["mnist_small_micro.json", "mnist_cnn_micro.json"],
    "gallery/plot_versions": ["roll_version.json"],
}


@dataclass(frozen=True)
class Block:
    """A block of a page with its commands, as its copy button gives them."""

    page: str
    output: str  # the name of the output, as an HTML class
    commands: list[str]
    shown: list[str]
    terminal: bool  # runs in a terminal of its own

    @classmethod
    def of(cls, page: str, text: str, classes: Iterable[str]) -> Block:
        """Read the text of a block and its HTML classes."""
        lines = text.rstrip("\n").split("\n")
        commands = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        outputs = (name.removeprefix("output-") for name in classes if name.startswith("output-"))
        shown = [line for line in lines if not line.startswith("$ ")]
        return cls(page, next(outputs, ""), commands, shown, "terminal-2" in classes)

    @property
    def executed(self) -> bool:
        """Whether the build has run it."""
        return bool(self.output)

    def can_run(self, command: str) -> bool:
        """Return whether one of its commands finds what it needs in a reader's folder."""
        return not BROKEN.search(command) and self.output not in NOT_HERE
