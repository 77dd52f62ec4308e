"""Make the mistakes of the errors page, each with its cure behind it."""

import os
import shutil
import sysconfig

from recordings.engine import Run, recipe
from recordings.server import PROGRAM, ask, identity, serving

SERVER = "python -m model_server --rest_api_port=8501 --port=8500 --model_name=small"
MODEL = "http://localhost:8501/v1/models/small"
SMALL = '--model_base_path="$PWD/small_model"'
GRPC = (
    "import grpc; from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc;"
    " r = predict_pb2.PredictRequest(); r.model_spec.name = 'small';"
    " r.inputs['image'].dtype = 1; r.inputs['image'].float_val.extend([1] * 4);"
    " r.inputs['image'].tensor_shape.dim.add(size=1);"
    " r.inputs['image'].tensor_shape.dim.add(size=4);"
    " stub = prediction_service_pb2_grpc.PredictionServiceStub("
    "grpc.insecure_channel('localhost:{port}'));"
    " print(*stub.Predict(r).outputs)"
)
POST = (
    "import requests; "
    "print(requests.post('{url}:predict', json={{'inputs': [[1, 2, 3, 4]]}}).json()['{key}'])"
)
# What is asked, each with what should have been.
RIGHT = '{"instances": [[1, 2, 3, 4]]}'
REQUESTS = {
    "json_parse_error_invalid_value": ('{"instances": [[1, 2, 3, None]]}', RIGHT),
    "json_parse_error_missing_a_name": ("{'instances': [[1, 2, 3, 4]]}", RIGHT),
    "missing_named_input": (
        '{"inputs": {"picture": [[1, 2, 3, 4]]}}',
        '{"inputs": {"image": [[1, 2, 3, 4]]}}',
    ),
    "does_not_have_named_input": (
        '{"instances": [{"picture": [1, 2, 3, 4]}]}',
        '{"instances": [{"image": [1, 2, 3, 4]}]}',
    ),
    "expecting_tensor_size": ('{"instances": [[1, 2, 3, 4], [1, 2]]}', RIGHT),
    "expecting_instances_to_be_a_list": ('{"instances": 1}', RIGHT),
}
IMPORT = 'python -c "from {}.interpreter import Interpreter"'
KERAS_3 = (
    "import keras; image = keras.Input((4,)); "
    "keras.Model(image, keras.layers.Dense(2)(image)).save('keras3.h5')"
)
LOAD = "import {keras}; print({keras}.models.load_model('keras3.h5', compile=False).input_shape)"


@recipe(uses=["mistakes.py"], writes=["mistakes.json", "small_model/1"])
def python(run: Run) -> None:
    """Make those of Keras, SavedModel, converter and LiteRT, in one process."""
    each(run, "python mistakes.py")


@recipe(uses=["mistakes.mjs"], tools=["node"])
def javascript(run: Run) -> None:
    """Make those of TensorFlow.js."""
    each(run, "node mistakes.mjs")


@recipe(uses=["mistakes.py"], tools=["pip", "npm"])
def installation(run: Run) -> None:
    """Start without what belongs to a program, or ask for what there is not."""
    run.fails("error_no_module_named_tensorflow", 'python -S -c "import tensorflow"')
    run("error_no_module_named_tensorflow_cured", 'python -c "import tensorflow"')
    run.fails("error_no_module_named_tflite_runtime", IMPORT.format("tflite_runtime"))
    run("error_no_module_named_tflite_runtime_cured", IMPORT.format("ai_edge_litert"))
    (run.folder / "elsewhere").mkdir()
    shutil.copy(run.folder / "mistakes.py", run.folder / "elsewhere")
    run.fails("error_no_module_named_artifacts", "python elsewhere/mistakes.py --help")
    run("error_no_module_named_artifacts_cured", "python mistakes.py --help")
    run.environment |= {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    for name, package in (("tensorflow", "tensorflow==1.15"), ("tflite_runtime",) * 2):
        pip = f"pip --isolated download --no-index {package}"
        run.fails(f"error_no_matching_distribution_{name}", pip)
    for which in ("user", "global"):
        run.environment[f"npm_config_{which}config"] = str(run.folder / f"no_{which}")
    run.environment["npm_config_update_notifier"] = "false"
    (run.folder / "package.json").write_text('{"engines": {"node": ">=99"}}')
    run("error_ebadengine", "npm install --offline --no-audit")


@recipe(tools=["tensorflowjs_converter"])
def keras_2(run: Run) -> None:
    """Read a file of Keras 3 with Keras 2, which the converter's environment has."""
    assert run.execute(f'python -c "{KERAS_3}"')[0] == 0
    name = "error_unrecognized_keyword_arguments_batch_shape"
    run(f"{name}_cured", f'python -c "{LOAD.format(keras="keras")}"')
    path = [run.site.converter / "bin", sysconfig.get_path("scripts"), os.environ["PATH"]]
    run.environment["PATH"] = os.pathsep.join(map(str, path))
    command = f'python -c "{LOAD.format(keras="tf_keras")}"'
    code, printed = run.execute(command)
    assert code == 1, printed
    run.keep(name, command, printed)  # its own functions have names like `legacy`


@recipe(
    uses=[PROGRAM],
    reads=["small_model/1"],
    tools=["curl"],
    also=identity,
    alone=True,
)
def requests(run: Run) -> None:
    """Ask a model server wrongly."""
    with serving(run, "error_server", f"{SERVER} {SMALL}"):
        for name, (wrong, right) in REQUESTS.items():
            for output, body in ((f"error_{name}", wrong), (f"error_{name}_cured", right)):
                quoted = f'"{body}"' if "'" in body else f"'{body}'"
                ask(run, output, f"curl --silent {MODEL}:predict --data {quoted}")
        post = {"url": MODEL, "key": "outputs"}
        for name, mistake in (
            ("keyerror_predictions", {"key": "predictions"}),
            ("connection_refused", {"url": MODEL.replace("8501", "8509")}),
            ("no_connection_adapters", {"url": MODEL.removeprefix("http://")}),
        ):
            run.fails(f"error_{name}", f'python -c "{POST.format(**{**post, **mistake})}"')
            run(f"error_{name}_cured", f'python -c "{POST.format(**post)}"')
        for name, port, function in (
            ("http1_x_server", 8501, run.fails),
            ("http1_x_server_cured", 8500, run),
        ):
            function(f"error_{name}", f'python -c "{GRPC.format(port=port)}"')


def each(run: Run, program: str) -> None:
    """Make all mistakes of a program at once; keep each as if it had been asked for alone."""
    code, printed = run.execute(f"{program} --all")
    assert code == 0, printed
    for section in printed.split("== ")[1:]:
        name, _, said = section.partition("\n")
        message, _, cure = said.partition("\ncured: ")
        cured = f"cured: {cure.partition(chr(10))[0]}"
        run.keep(f"error_{name}", f"{program} {name}", f"{message}\n{cured}\n")
