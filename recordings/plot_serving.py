"""Query the model server over REST and gRPC, from three languages, and wrongly."""

import shutil

from recordings.engine import Run, recipe
from recordings.server import PROGRAM, ask, identity, refuse, serving

SERVER = "python -m model_server --rest_api_port=8501 --port=8500 --model_name=mnist"
MODEL = "http://localhost:8501/v1/models/mnist"
PREDICT = f"curl --silent {MODEL}:predict --data"
PLAIN = ["plain_rest.py", "plain_grpc.py", "plain_rest.mjs"]
CLIENTS = ["rest_client.py", "rest_client.mjs", "grpc_client.py", "request_json.py"]
# A request over gRPC with a mistake in it; the hardened client would not make it.
WRONG = (
    "import grpc; from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc;"
    " r = predict_pb2.PredictRequest(); r.model_spec.name = 'mnist'; {mistake};"
    " prediction_service_pb2_grpc.PredictionServiceStub("
    "grpc.insecure_channel('localhost:8500')).Predict(r)"
)


@recipe(
    uses=[PROGRAM, *PLAIN, *CLIENTS, "compare_interfaces.py"],
    reads=["saved_model/1", "mnist_cnn.keras", "mnist_cnn_samples.npz"],
    writes=["request.json", "interfaces.json", "model_server.json"],
    tools=["curl", "node"],
    also=identity,
    alone=True,
)
def ask_all(run: Run) -> None:
    """Start a server and query it; then start servers that cannot answer."""
    with serving(
        run, "serving_start", f'{SERVER} --model_base_path="$PWD/saved_model"', named=True
    ):
        answers(run)
        mistakes(run)
        run("compare_interfaces", "python compare_interfaces.py --seconds 1")
        silent_servers(run)
    run.fails("rest_no_server", "python rest_client.py --rest http://localhost:8509")
    refuse(run, "serving_relative_path", f"{SERVER} --model_base_path=saved_model")
    # What is in a folder that someone made with Keras 3 and `save` in place of `export`.
    (run.folder / "keras_model" / "1").mkdir(parents=True)
    shutil.copy(run.folder / "mnist_cnn.keras", run.folder / "keras_model" / "1")
    refuse(
        run,
        "serving_keras_folder",
        f'{SERVER} --model_base_path="$PWD/keras_model" --max_num_load_retries=0',
    )


def answers(run: Run) -> None:
    """Ask as one should."""
    run("plain_rest", f"python plain_rest.py {MODEL}:predict")
    run("rest_client", "python rest_client.py")
    run("request_json", "python request_json.py")
    ask(run, "curl_status", f"curl --silent {MODEL}")
    ask(run, "curl_metadata", f"curl --silent {MODEL}/metadata")
    ask(run, "curl_predict", f'curl --silent --data "@request.json" {MODEL}:predict')
    run("gzip_request", "python -m gzip request.json")
    ask(
        run,
        "curl_gzip",
        'curl --silent --data-binary "@request.json.gz" --header "Content-Encoding: gzip"'
        f" {MODEL}:predict",
    )
    run("plain_javascript", f"node plain_rest.mjs {MODEL}:predict")
    run("rest_javascript", "node rest_client.mjs request.json")
    run("plain_grpc", "python plain_grpc.py localhost:8500")
    run("grpc_client", "python grpc_client.py")


def mistakes(run: Run) -> None:
    """Ask for what there is not, and with what does not fit."""
    run.fails("rest_unknown_model", "python rest_client.py --model nope")
    run.fails("rest_unknown_version", "python rest_client.py --version 99")
    run.fails("client_unknown_signature", "python rest_client.py --signature nope")
    unknown = '{"signature_name": "nope", "instances": [0]}'
    ask(run, "rest_unknown_signature", f"{PREDICT} '{unknown}'")
    without_channel = '{"instances": [[[0.5, 0.5], [0.5, 0.5]]]}'
    ask(run, "rest_no_channel", f"{PREDICT} '{without_channel}'")
    small = '{"instances": [[[[0.5], [0.5]], [[0.5], [0.5]]]]}'
    ask(run, "rest_wrong_shape", f"{PREDICT} '{small}'")
    ask(run, "rest_wrong_type", f"""{PREDICT} '{{"instances": ["7"]}}'""")
    ask(run, "rest_wrong_key", f"""{PREDICT} '{{"images": []}}'""")
    ask(run, "rest_no_verb", f"""curl --silent {MODEL} --data '{{"instances": []}}'""")
    signature = WRONG.format(mistake="r.model_spec.signature_name = 'nope'")
    run.fails("grpc_unknown_signature", f'python -c "{signature}"')
    name = WRONG.format(mistake="r.inputs['picture'].dtype = 1")
    run.fails("grpc_wrong_input", f'python -c "{name}"')


def silent_servers(run: Run) -> None:
    """Start servers beside the first whose port is taken, or whose folder holds no version."""
    taken = "python -m model_server --rest_api_port=8511 --port=8500 --model_name=mnist"
    run.environment["GRPC_VERBOSITY"] = "NONE"  # gRPC's own line has the time and the process
    refuse(run, "serving_grpc_port_in_use", f'{taken} --model_base_path="$PWD/saved_model"')
    del run.environment["GRPC_VERBOSITY"]
    (run.folder / "no_version").mkdir()
    for name, port, folder, log in (
        (
            "serving_port_in_use",
            "--rest_api_port=8501",
            '--model_base_path="$PWD/saved_model"',
            "Entering the event loop",
        ),
        (
            "serving_no_version",
            "--rest_api_port=8511",
            '--model_base_path="$PWD/no_version"',
            "No versions of servable",
        ),
    ):
        start = f"python -m model_server {port} --port=8510 --model_name=mnist {folder}"
        with serving(run, name, start, until=log):
            pass


@recipe(uses=["rest_client.py"])
def helps(run: Run) -> None:
    """Print the options of a client."""
    run("rest_client_help", "python rest_client.py --help")
