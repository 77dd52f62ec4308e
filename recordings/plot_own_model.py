"""Take another model, of color patches, to every target with the same programs."""

from recordings.engine import Run, recipe
from recordings.server import PROGRAM, identity, serving

SERVER = "python -m model_server --rest_api_port=8501 --port=8500 --model_name=patches"
SAMPLES = ["patches_samples.npz", "patches_calibration.npz", "patches_labels.txt"]
OWN = "--samples patches_samples.npz"


@recipe(uses=["patches.py"], writes=["patches.keras", "patches/1", *SAMPLES])
def train(run: Run) -> None:
    """Train it."""
    run("patches", "python patches.py")


@recipe(
    uses=["load_models.py", "convert.py", "inspect_tflite.py", "interpret.py"],
    reads=["patches.keras", "patches/1", "mnist_cnn_samples.npz", *SAMPLES],
    writes=["patches.tflite", "patches_int8.tflite"],
)
def convert(run: Run) -> None:
    """Load it again, convert it, run it as Android does; hand it the samples of another model."""
    run("patches_load", f"python load_models.py patches.keras patches/1 {OWN}")
    run.fails("patches_misfit", "python convert.py patches.keras --samples mnist_cnn_samples.npz")
    run("patches_convert", "python convert.py patches.keras")
    run("patches_inspect", "python inspect_tflite.py patches_int8.tflite")
    run("patches_interpret", "python interpret.py --model patches.tflite")


@recipe(
    uses=[PROGRAM, "rest_client.py", "grpc_client.py"],
    reads=["patches/1", *SAMPLES],
    also=identity,
)
def serve(run: Run) -> None:
    """Serve it over REST and gRPC."""
    with serving(run, "patches_server", f'{SERVER} --model_base_path="$PWD/patches"'):
        run("patches_rest", f"python rest_client.py --model patches {OWN}")
        run("patches_grpc", f"python grpc_client.py --model patches {OWN}")


@recipe(
    uses=["tfjs_convert.py", "samples_for_js.py", "predict_node.mjs"],
    reads=["patches.keras", "patches/1", *SAMPLES],
    tools=["tensorflowjs_converter", "node"],
)
def browser(run: Run) -> None:
    """Convert it for TensorFlow.js and run it in Node."""
    run("patches_tfjs", "python tfjs_convert.py patches/1")
    run("patches_samples_js", f"python samples_for_js.py patches.keras {OWN}")
    run("patches_node", "node predict_node.mjs --samples patches_js.json patches_tfjs_uint8")
