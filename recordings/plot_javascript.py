"""Convert for TensorFlow.js and LiteRT.js, run in Node, bundle the pages."""

import os
import shutil
import sysconfig
import tempfile

from recordings.engine import Run, recipe

MODELS = [f"saved_model_tfjs_{precision}" for precision in ("float32", "float16", "uint8")]
PAGE = ["index.html", "digit.css", "digit.mjs", "digit_loader.mjs", "preparation.mjs"]
RUNTIMES = ["runtimes.mjs", "tfjs_runtime.mjs", "litert_runtime.mjs", "digit_texts.mjs"]
PLAIN = ["plain_page", "plain_litert", "plain_picture"]
SAMPLE = (
    "import json, numpy; samples = numpy.load('mnist_cnn_samples.npz')['image']; "
    "json.dump(samples[:1].tolist(), open('sample.json', 'w'))"
)


@recipe(
    uses=["plain_tfjs.mjs", "plain_layers.mjs"],
    reads=["saved_model/1", "mnist_cnn.h5", "mnist_cnn.keras", "mnist_cnn_samples.npz"],
    writes=["my_tfjs", "my_layers", "sample.json"],
    tools=["tensorflowjs_converter", "node"],
)
def plain(run: Run) -> None:
    """Convert and predict with the tools' own commands and calls."""
    converter(run, "plain_tfjs_convert", "--input_format=tf_saved_model saved_model/1 my_tfjs")
    run("plain_sample", f'python -c "{SAMPLE}"')
    run("plain_tfjs", "node plain_tfjs.mjs")
    converter(run, "tfjs_layers", "--input_format=keras mnist_cnn.h5 my_layers")
    run("plain_layers", "node plain_layers.mjs")
    converter(run, "tfjs_keras_file", "--input_format=keras mnist_cnn.keras my_layers", fails=True)


@recipe(
    uses=["tfjs_convert.py"],
    reads=["saved_model/1"],
    writes=[*MODELS, "saved_model_tfjs.json"],
    tools=["tensorflowjs_converter"],
)
def convert(run: Run) -> None:
    """Convert to graph models in three precisions."""
    run("tfjs_convert", "python tfjs_convert.py")
    run.environment["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    run.fails("tfjs_no_converter", "python tfjs_convert.py")


@recipe(
    uses=["plain_web.py", "tflite_web.py", "samples_for_js.py"],
    reads=["mnist_cnn.keras", "mnist_cnn_samples.npz"],
    writes=[
        *("my_web.tflite", "mnist_cnn_web.tflite", "mnist_cnn_web_int8.tflite"),
        *("mnist_cnn_web.json", "mnist_cnn_js.bin", "mnist_cnn_js.json"),
    ],
)
def prepare(run: Run) -> None:
    """Make the .tflite files for LiteRT.js and the samples for Node and the page."""
    run("plain_web", "python plain_web.py")
    run("tflite_web", "python tflite_web.py")
    run("samples_for_js", "python samples_for_js.py")


@recipe(
    uses=["predict_node.mjs", "tfjs_convert.py"],
    reads=[*MODELS, "mnist_cnn_js.bin", "mnist_cnn_js.json"],
    writes=["mnist_cnn_js_wasm.json", "mnist_cnn_js_cpu.json"],
    tools=["node"],
    alone=True,
)
def predict(run: Run) -> None:
    """Run the graph models in Node, whole, cut short and without packages."""
    run_alone(run)
    run("predict_node", "node predict_node.mjs")
    run("predict_node_cpu", "node predict_node.mjs --backend cpu --count 100")
    shutil.copytree(run.folder / "saved_model_tfjs_uint8", run.folder / "tfjs_cut")
    weights = run.folder / "tfjs_cut" / "group1-shard1of1.bin"
    weights.write_bytes(weights.read_bytes()[:500_000])
    run.fails("tfjs_cut", "node predict_node.mjs tfjs_cut")


@recipe(
    uses=[f"{name}.{suffix}" for name in PLAIN for suffix in ("mjs", "html")],
    writes=[f"{name}.js" for name in PLAIN],
    tools=["npx", "node"],
)
def plain_pages(run: Run) -> None:
    """Bundle the plain pages, each into one file."""
    run.environment["npm_config_loglevel"] = "error"  # of this machine's configuration it warns
    for name in PLAIN:
        options = f"--bundle --format=esm --minify --outfile={name}.js"
        run(name, f"npx esbuild {name}.mjs {options}")


@recipe(
    uses=["bundle.mjs", "serve_page.py", *PAGE, *RUNTIMES],
    reads=[
        *("saved_model_tfjs_uint8", "mnist_cnn_web_int8.tflite"),
        *("mnist_cnn_js.bin", "mnist_cnn_js.json", "mnist_cnn_labels.txt"),
    ],
    writes=["page", "bundle.json"],
    tools=["node"],
)
def bundle(run: Run) -> None:
    """Bundle the page of the demo and look at the headers with which it is served."""
    run("bundle", "node bundle.mjs --compress")
    headers = "python serve_page.py --port 0 --headers"
    run("page_headers", f"{headers} tfjs-backend-wasm-simd.wasm")
    run("page_headers_js", f'{headers} "digit-*.js"')


def converter(run: Run, name: str, options: str, *, fails: bool = False) -> None:
    """Run the converter, and keep the command as it is typed where tfjs_env.py has installed it."""
    code, printed = run.execute(f"tensorflowjs_converter {options}")
    assert (code != 0) == fails, printed
    run.keep(name, f"tfjs-env/bin/tensorflowjs_converter {options}", printed)


def run_alone(run: Run) -> None:
    """Run programs without what belongs to them: npm packages, the files beside them."""
    with tempfile.TemporaryDirectory() as folder:
        (run.folder / "elsewhere").symlink_to(folder)
        for name in ("tfjs_convert.py", "predict_node.mjs"):
            shutil.copy(run.folder / name, folder)
        run.fails("alone_python", "python elsewhere/tfjs_convert.py")
        run.fails("alone_node", "node elsewhere/predict_node.mjs")
        for name in ("node_model.mjs", "model_files.mjs"):
            shutil.copy(run.folder / name, folder)
        run.fails("no_packages", "node elsewhere/predict_node.mjs")
