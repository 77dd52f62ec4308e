"""Load the three formats again; look at the signatures of SavedModels."""

from recordings.engine import Run, recipe

CLI = "saved_model_cli run --dir {folder} --tag_set serve --signature_def serving_default"
DIGIT = "numpy.save('digit.npy', numpy.load('mnist_cnn_samples.npz')['image'][:1])"

VARIABLES = (
    "import tensorflow as tf; "
    "found = tf.train.list_variables('saved_model/1/variables/variables'); "
    "print(*sorted(str(shape) for name, shape in found), sep='\\n')"
)


@recipe(
    uses=["plain_load.py", "load_models.py", "named_signature.py"],
    reads=["mnist_cnn.keras", "mnist_cnn.h5", "saved_model/1", "mnist_cnn_samples.npz"],
    writes=["digit.npy", "custom_model/1", "picture.npy"],
    tools=["saved_model_cli"],
)
def load(run: Run) -> None:
    """Load and run them, in programs and on the command line."""
    run("plain_load", "python plain_load.py")
    run("load_models", "python load_models.py")
    run("one_digit", f'python -c "import numpy; {DIGIT}"')
    run("saved_model_variables", f'python -c "{VARIABLES}"')
    run("saved_model_show", "saved_model_cli show --dir saved_model/1 --all")
    run(
        "saved_model_signature",
        "saved_model_cli show --dir saved_model/1 --tag_set serve --signature_def serving_default",
    )
    run("saved_model_run", CLI.format(folder="saved_model/1") + " --inputs image=digit.npy")
    run("named_signature", "python named_signature.py")
    run("custom_model_run", CLI.format(folder="custom_model/1") + " --inputs pictures=picture.npy")
    run(
        "custom_model_show",
        "saved_model_cli show --dir custom_model/1 --tag_set serve --signature_def read_png",
    )
    run.fails("load_missing", "python load_models.py --samples nowhere.npz")
    run.fails(
        "save_folder",
        'python -c "import keras; '
        """keras.Sequential([keras.Input((1,))]).save('folder')\"""",
    )
