"""Convert to TensorFlow Lite on the command line and in Python."""

from recordings.engine import Run, recipe


@recipe(reads=["mnist_cnn.h5", "saved_model/1"], tools=["tflite_convert"])
def command_line(run: Run) -> None:
    """Run tflite_convert, and the name that the tutorial of 2018 printed."""
    run.fails("tflight_convert", "tflight_convert -h", status=127)
    run("tflite_convert_help", "tflite_convert -h")
    run.fails(
        "tflite_convert_h5",
        "tflite_convert --keras_model_file=./mnist_cnn.h5 --output_file=./mnist_cnn.tflite",
    )
    run(
        "tflite_convert",
        "tflite_convert --saved_model_dir=./saved_model/1 --output_file=./mnist_cnn.tflite",
    )


@recipe(
    uses=["convert.py"],
    reads=["mnist_cnn.h5", "mnist_cnn.keras"],
    writes=[
        "mnist_cnn.tflite",
        "mnist_cnn_float16.tflite",
        "mnist_cnn_dynamic.tflite",
        "mnist_cnn_int8.tflite",
        "convert.json",
    ],
    dataset=True,
)
def python(run: Run) -> None:
    """Convert in four precisions."""
    run("convert", "python convert.py")
    run.fails("convert_missing", "python convert.py no_such_model.h5")
    run.fails("convert_truncated", "python convert.py broken.h5", broken="mnist_cnn.h5")
