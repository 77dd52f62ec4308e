"""Check where models can be deployed: our own, one with a recurrent layer, and a zoo."""

from recordings.engine import Run, recipe
from recordings.server import PROGRAM, identity

PROGRAMS = ["check_deployment.py", "check_targets.py", "check_node.mjs", PROGRAM]
TOOLS = ["tensorflowjs_converter", "node"]
VERSIONS = "requirements-embedded.txt"  # the interpreter of microcontrollers is one of the targets
MODELS = (
    "import keras; from keras import layers; keras.utils.set_random_seed(0); "
    "start = keras.Input((None, 3), name='sequence'); "
    "keras.Sequential([start, layers.LSTM(4), layers.Dense(2)]).save('lstm.keras'); "
    "keras.Sequential([start, layers.Lambda(lambda x: x * 2)]).save('own_code.keras')"
)


@recipe(
    uses=[*PROGRAMS, VERSIONS],
    reads=["mnist_cnn.keras", "mnist_cnn_samples.npz"],
    writes=["mnist_cnn_check.json", "mnist_cnn_answers.npz"],
    tools=TOOLS,
    also=identity,
    alone=True,
)
def own(run: Run) -> None:
    """Check the model of the tutorial with 1,000 digits."""
    options = "--samples mnist_cnn_samples.npz --json mnist_cnn_check.json"
    answers = "--answers mnist_cnn_answers.npz"
    run("check_deployment", f"python check_deployment.py mnist_cnn.keras {options} {answers}")


@recipe(uses=[*PROGRAMS, VERSIONS], tools=TOOLS, also=identity)
def what_fails(run: Run) -> None:
    """Check a recurrent model and one that only its author's program can load."""
    assert run.execute(f'python -c "{MODELS}"')[0] == 0
    targets = "--targets tflite_float32,tflite_int8,litertjs"
    run.fails("check_lstm", f"python check_deployment.py lstm.keras {targets}")
    run.fails("check_own_code", "python check_deployment.py own_code.keras")
    run.fails("check_no_target", "python check_deployment.py lstm.keras --targets ios", status=2)


@recipe(
    uses=[*PROGRAMS, VERSIONS, "check_zoo.py", "requirements-qat.txt"],
    writes=["check_zoo.json"],
    tools=TOOLS,
    also=identity,
)
def zoo(run: Run) -> None:
    """Check models of all kinds, and that each does what is expected of it."""
    run("check_zoo", "python check_zoo.py")
