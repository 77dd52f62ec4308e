"""Roll versions forward and back under load; labels, several models, metrics."""

from recordings.engine import Run, recipe
from recordings.server import PROGRAM, ask, identity, serving

PROGRAMS = [PROGRAM, "write_warmup.py", "roll_version.py", "model_config.py"]
CLIENTS = ["rest_client.py", "reload_config.py", "plain_pictures.py", "plain_png.py"]
CONFIGURATION = ["batching.config", "monitoring.config"]


@recipe(
    uses=[*PROGRAMS, *CLIENTS, *CONFIGURATION],
    reads=["saved_model/1", "custom_model/1", "mnist_cnn_samples.npz"],
    writes=["models.config", "roll_version.json"],
    tools=["curl"],
    also=identity,
    alone=True,
)
def roll(run: Run) -> None:
    """Do all of it on one server, in the order of the chapter."""
    with serving(
        run,
        "versions_start",
        "python -m model_server --rest_api_port=8501 --port=8500"
        ' --model_name=mnist --model_base_path="$PWD/saved_model"'
        ' --enable_batching --batching_parameters_file="$PWD/batching.config"'
        ' --monitoring_config_file="$PWD/monitoring.config"',
    ):
        copy = "import shutil; shutil.copytree('saved_model/1', 'new_version')"
        run("new_version", f'python -c "{copy}"')
        run("write_warmup", "python write_warmup.py --saved_model new_version")
        run("roll_version", "python roll_version.py --source new_version --to 2")
        run("roll_back", "python roll_version.py --source new_version --to 3 --back")
        run("model_config_early", "python model_config.py --labels stable=1 canary=2")
        run.fails("reload_config_early", "python reload_config.py")
        run("model_config", "python model_config.py --versions 1 2")
        run("reload_config", "python reload_config.py")
        run("model_config_labels", "python model_config.py --labels stable=1 canary=2")
        run("models_config", "cat models.config")
        run("reload_labels", "python reload_config.py")
        run("rest_canary", "python rest_client.py --label canary")
        run.fails("rest_unknown_label", "python rest_client.py --label beta")
        run("plain_pictures", "python plain_pictures.py")
        run("rest_raw", "python rest_client.py --model digit_reader --samples pictures.npz")
        run("rest_png", "python plain_png.py http://localhost:8501/v1/models/digit_reader:predict")
        run.fails("roll_existing", "python roll_version.py --to 2")
        run.fails("warmup_other_samples", "python write_warmup.py --samples pictures.npz")
        ask(run, "metrics", "curl --silent http://localhost:8501/monitoring/prometheus/metrics")


@recipe(
    uses=["deploy/compose.yaml", "deploy/kubernetes.yaml"],
    tools=["check-jsonschema", "kubernetes-validate"],
)
def check(run: Run) -> None:
    """Validate the files for compose and Kubernetes against their schemas."""
    run(
        "check_compose",
        "check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yaml",
    )
    run("check_kubernetes", "kubernetes-validate --strict deploy/kubernetes.yaml")
