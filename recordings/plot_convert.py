"""Convert to TensorFlow Lite on the command line and in Python."""

from recordings.engine import Run, recipe

LSTM = (
    "import keras, numpy; keras.utils.set_random_seed(0); sequence = keras.Input((10, 3), name='sequence'); "
    "keras.Model(sequence, keras.layers.LSTM(4)(sequence)).save('lstm.keras'); "
    "numpy.savez('lstm_samples.npz', sequence=numpy.ones((8, 10, 3), 'float32'))"
)
FLEX = (
    "import keras, pathlib, tensorflow as tf; "
    "model = keras.models.load_model('lstm.keras'); "
    "converter = tf.lite.TFLiteConverter.from_keras_model(model); "
    "converter.target_spec.supported_ops = "
    "[tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]; "
    "converter._experimental_lower_tensor_list_ops = False; "
    "pathlib.Path('select.tflite').write_bytes(converter.convert())"
)


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
    uses=["plain_convert.py", "plain_interpret.py", "plain_quantize.py"],
    reads=["mnist_cnn.keras", "mnist_cnn_samples.npz", "mnist_cnn_calibration.npz"],
)
def plain(run: Run) -> None:
    """Convert and run in the fewest lines."""
    run("plain_convert", "python plain_convert.py")
    run("plain_interpret", "python plain_interpret.py")
    run("plain_quantize", "python plain_quantize.py")


@recipe(
    uses=["convert.py"],
    reads=["mnist_cnn.keras", "mnist_cnn_samples.npz", "mnist_cnn_calibration.npz"],
    writes=[
        "mnist_cnn.tflite",
        "mnist_cnn_float16.tflite",
        "mnist_cnn_dynamic.tflite",
        "mnist_cnn_int8.tflite",
        "mnist_cnn_convert.json",
    ],
)
def python(run: Run) -> None:
    """Convert in four precisions."""
    run("convert", "python convert.py mnist_cnn.keras")
    run.fails("convert_missing", "python convert.py no_such_model.keras")
    run.fails("convert_truncated", "python convert.py broken.keras", broken="mnist_cnn.keras")
    (run.folder / "mnist_cnn_samples.npz").rename(run.folder / "others.npz")
    run.fails("convert_no_samples", "python convert.py mnist_cnn.keras")


@recipe(
    uses=["convert.py", "inspect_tflite.py"],
    reads=["mnist_cnn.keras", "mnist_cnn_samples.npz", "mnist_cnn_calibration.npz"],
)
def what_does_not_fit(run: Run) -> None:
    """Convert with samples of another model, and a recurrent model."""
    assert run.execute(f'python -c "{LSTM}"')[0] == 0
    assert run.execute(f'python -c "{FLEX}"')[0] == 0
    run.fails("convert_samples", "python convert.py lstm.keras --samples mnist_cnn_samples.npz")
    run.fails("convert_lstm", "python convert.py lstm.keras")
    run.fails("convert_lstm_batch", "python convert.py lstm.keras --batch 1")
    run("inspect_select", "python inspect_tflite.py select.tflite")
