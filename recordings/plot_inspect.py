"""Look into .tflite files."""

from recordings.engine import Run, recipe


@recipe(uses=["inspect_tflite.py"], reads=["mnist_cnn.tflite", "mnist_cnn_int8.tflite"])
def inspect(run: Run) -> None:
    """List what two of them hold."""
    run("inspect_float32", "python inspect_tflite.py mnist_cnn.tflite")
    run("inspect_int8", "python inspect_tflite.py mnist_cnn_int8.tflite")
    run.fails(
        "inspect_truncated", "python inspect_tflite.py broken.tflite", broken="mnist_cnn.tflite"
    )
