"""Convert for TensorFlow.js and LiteRT.js, run in Node, bundle the page."""

import shutil
import tempfile

from recordings.engine import Run, recipe

MODELS = ["tfjs_float32", "tfjs_float16", "tfjs_uint8"]
PAGE = ["index.html", "digit.css", "digit.mjs", "digit_loader.mjs", "preparation.mjs"]
RUNTIMES = ["runtimes.mjs", "tfjs_runtime.mjs", "litert_runtime.mjs", "digit_texts.mjs"]


@recipe(
    uses=["tfjs_convert.py", "load_layers.mjs"],
    reads=["saved_model/1", "mnist_cnn.h5", "mnist_cnn.keras"],
    writes=[*MODELS, "tfjs_convert.json", "tfjs_layers"],
    tools=["tensorflowjs_converter", "node"],
)
def convert(run: Run) -> None:
    """Convert to graph models, and to a layers model that TensorFlow.js cannot load."""
    run("tfjs_convert", "python tfjs_convert.py")
    run("tfjs_layers", "python tfjs_convert.py --layers")
    run("load_layers", "node load_layers.mjs")
    run.fails("tfjs_keras_file", "python tfjs_convert.py --layers mnist_cnn.keras")
    run.fails("tfjs_no_converter", "python tfjs_convert.py --converter tfjs-env/bin/nothing")


@recipe(
    uses=["tflite_web.py", "digits_for_js.py"],
    reads=["mnist_cnn.keras"],
    writes=[
        *("mnist_cnn_web.tflite", "mnist_cnn_web_int8.tflite", "tflite_web.json"),
        *("test_digits.bin", "test_digits.json", "pick_digits.json"),
    ],
    dataset=True,
)
def prepare(run: Run) -> None:
    """Make the .tflite files for LiteRT.js and the digits for Node and the page."""
    run("tflite_web", "python tflite_web.py")
    run("digits_for_js", "python digits_for_js.py")


@recipe(
    uses=["predict_node.mjs", "node_model.mjs", "model_files.mjs"],
    reads=[*MODELS, "test_digits.bin", "test_digits.json"],
    writes=["predict_wasm.json", "predict_cpu.json"],
    tools=["node"],
)
def predict(run: Run) -> None:
    """Run the graph models in Node, whole, cut short and without packages."""
    run_without_packages(run)
    run("predict_node", "node predict_node.mjs")
    run("predict_node_cpu", "node predict_node.mjs --backend cpu --count 100 tfjs_uint8")
    shutil.copytree(run.folder / "tfjs_uint8", run.folder / "tfjs_cut")
    weights = run.folder / "tfjs_cut" / "group1-shard1of1.bin"
    weights.write_bytes(weights.read_bytes()[:500_000])
    run.fails("tfjs_cut", "node predict_node.mjs tfjs_cut")


@recipe(
    uses=["bundle.mjs", "serve_page.py", *PAGE, *RUNTIMES],
    reads=[
        *("tfjs_uint8", "mnist_cnn_web.tflite", "mnist_cnn_web_int8.tflite"),
        *("pick_digits.json", "test_digits.bin", "test_digits.json"),
    ],
    writes=["page", "bundle.json"],
    tools=["node"],
)
def bundle(run: Run) -> None:
    """Bundle the page and look at the headers with which it is served."""
    run("bundle", "node bundle.mjs --compress")
    headers = "python serve_page.py --port 0 --headers"
    run("page_headers", f"{headers} tfjs-backend-wasm-simd.wasm")
    digit = min(path.name for path in (run.folder / "page").glob("digit-*.js"))
    run("page_headers_js", f"{headers} {digit}")


def run_without_packages(run: Run) -> None:
    """Run a program in a folder above which nobody has installed the npm packages."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("predict_node.mjs", "node_model.mjs", "model_files.mjs"):
            shutil.copy(run.folder / name, folder)
        (run.folder / "elsewhere").symlink_to(folder)
        run.fails("no_packages", "node elsewhere/predict_node.mjs")
