"""Ask the model server over REST and gRPC, from three languages, and wrongly."""

import shutil

from recordings.engine import Run, recipe
from recordings.server import ask, identity, refuse, serving

SERVER = "python model_server.py --rest_api_port=8501 --port=8500 --model_name=mnist"
PREDICT = "curl --silent http://localhost:8501/v1/models/mnist:predict --data"
CLIENTS = ["rest_client.py", "rest_client.mjs", "grpc_client.py", "digits_json.py"]


@recipe(
    uses=["model_server.py", *CLIENTS, "serving_curl.sh", "compare_interfaces.py"],
    reads=["saved_model/1", "mnist_cnn.keras"],
    writes=["digits.json", "interfaces.json", "model_server.json"],
    tools=["curl", "node"],
    also=identity,
    dataset=True,
)
def ask_all(run: Run) -> None:
    """Start a server and ask it; then start servers that cannot answer."""
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
    ask(run, "serving_status", "curl --silent http://localhost:8501/v1/models/mnist")
    run("rest_client", "python rest_client.py --status")
    run("rest_columns", "python rest_client.py --columns --version 1")
    run("digits_json", "python digits_json.py")
    run("rest_javascript", "node rest_client.mjs digits.json")
    ask(run, "serving_curl", "sh serving_curl.sh")
    run("grpc_client", "python grpc_client.py")


def mistakes(run: Run) -> None:
    """Ask for what there is not, and with what does not fit."""
    run.fails("rest_unknown_model", "python rest_client.py --model nope")
    run.fails("rest_unknown_version", "python rest_client.py --version 99")
    run.fails("rest_unknown_signature", "python rest_client.py --signature nope")
    run.fails("rest_no_channel", "python rest_client.py --raw")
    shape = '{"instances": [[[[0.5], [0.5]], [[0.5], [0.5]]]]}'
    ask(run, "rest_wrong_shape", f"{PREDICT} '{shape}'")
    ask(run, "rest_wrong_type", f"""{PREDICT} '{{"instances": ["7"]}}'""")
    ask(run, "rest_wrong_key", f"""{PREDICT} '{{"images": []}}'""")
    run.fails("grpc_unknown_signature", "python grpc_client.py --signature nope")
    run.fails("grpc_wrong_input", "python grpc_client.py --input picture")


def silent_servers(run: Run) -> None:
    """Start servers beside the first whose port is taken, or whose folder holds no version."""
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
        start = f"python model_server.py {port} --port=8510 --model_name=mnist {folder}"
        with serving(run, name, start, until=log):
            pass
