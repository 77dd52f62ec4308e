"""Export and run with LiteRT's new interface, quantize a .tflite, train aware of quantization."""

from recordings.engine import Run, recipe

EXPORTED = "mnist_cnn_litert.tflite"
QUANTIZED = ["mnist_cnn_litert_dynamic.tflite", "mnist_cnn_litert_int8.tflite"]
AWARE = "mnist_cnn_qat_int8.tflite"


@recipe(uses=["plain_export.py"], reads=["mnist_cnn.keras"], writes=[EXPORTED])
def export(run: Run) -> None:
    """Write the .tflite in one line of Keras."""
    run("plain_export", "python plain_export.py")


@recipe(
    uses=["plain_compiled.py"],
    reads=[EXPORTED, "mnist_cnn_int8.tflite", "mnist_cnn_samples.npz"],
)
def compiled(run: Run) -> None:
    """Run it with CompiledModel; give it what does not fit."""
    run("plain_compiled", "python plain_compiled.py")
    program = run.folder / "plain_compiled.py"
    text = program.read_text(encoding="utf-8")
    for name, old, new in (
        ("compiled_batch", '["image"][:1]', '["image"][:10]'),
        ("compiled_float", EXPORTED, "mnist_cnn_int8.tflite"),
    ):
        assert old in text
        program.write_text(text.replace(old, new), encoding="utf-8")
        run.fails(name, "python plain_compiled.py")


@recipe(
    uses=["plain_quantizer.py"],
    reads=[EXPORTED, "mnist_cnn_calibration.npz"],
    writes=QUANTIZED,
)
def quantize(run: Run) -> None:
    """Quantize the .tflite."""
    run("plain_quantizer", "python plain_quantizer.py")


@recipe(
    uses=["plain_qat.py", "qat.py"],
    reads=["mnist_cnn.keras"],
    writes=[AWARE],
    dataset=True,
)
def aware(run: Run) -> None:
    """Train aware of quantization: with Keras 3, which fails, and with Keras 2."""
    run.fails("plain_qat", "python plain_qat.py")
    run("qat", "python qat.py")


@recipe(
    uses=["compare_tflite.py", "convert.py"],
    reads=[
        *("mnist_cnn.keras", "mnist_cnn_samples.npz", "mnist_cnn.tflite", "mnist_cnn_int8.tflite"),
        *(EXPORTED, *QUANTIZED, AWARE),
    ],
    writes=["mnist_cnn_compare.json"],
    alone=True,
)
def compare(run: Run) -> None:
    """Put all of them into one table."""
    files = ["mnist_cnn.tflite", EXPORTED, *QUANTIZED, "mnist_cnn_int8.tflite", AWARE]
    run("compare_tflite", f"python compare_tflite.py mnist_cnn.keras {' '.join(files)}")
    run.fails("compare_missing", "python compare_tflite.py mnist_cnn.keras no_such_model.tflite")
