"""Emulate Android's Interpreter."""

import numpy

from recordings.engine import Run, recipe


@recipe(
    uses=["interpret.py", "plain_mistake.py"],
    reads=[
        *("mnist_cnn.tflite", "mnist_cnn_int8.tflite"),
        *("mnist_cnn_samples.npz", "mnist_cnn_labels.txt"),
    ],
)
def interpret(run: Run) -> None:
    """Run it on right and on wrong input."""
    run("interpret", "python interpret.py")
    run("interpret_int8", "python interpret.py --model mnist_cnn_int8.tflite")
    run("plain_mistake", "python plain_mistake.py")
    run("interpret_help", "python interpret.py --help")
    run.fails("interpret_missing", "python interpret.py --model no_such_model.tflite")
    run.fails(
        "interpret_truncated",
        "python interpret.py --model broken.tflite",
        broken="mnist_cnn.tflite",
    )
    (run.folder / "three_labels.txt").write_text("red\ngreen\nblue\n")
    run.fails("interpret_labels", "python interpret.py --labels three_labels.txt")
    numpy.save(run.folder / "photo.npy", numpy.zeros((28, 28, 3), numpy.uint8))
    run.fails("interpret_wrong_shape", "python interpret.py --picture photo.npy")
    run.fails(
        "interpret_wrong_size",
        """python -c "from interpret import *; Interpreter(load_model_file('mnist_cnn.tflite'))"""
        """.run(DirectBuffer(4 * 28 * 28 * 3), [[0.0] * 10])" """.strip(),
    )
