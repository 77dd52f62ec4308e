"""Look at the data, train and save mnist_cnn."""

from recordings.engine import Run, recipe


@recipe(
    uses=["mnist_cnn.py"],
    writes=[
        *("mnist_cnn.keras", "mnist_cnn.h5", "saved_model/1", "mnist_cnn.json"),
        *("mnist_cnn_samples.npz", "mnist_cnn_calibration.npz", "mnist_cnn_labels.txt"),
    ],
    dataset=True,
    alone=True,
)
def train(run: Run) -> None:
    """Train."""
    # The chapter explains the very warning about HDF5.
    run("mnist_cnn", "python mnist_cnn.py", deprecated="HDF5")


@recipe(uses=["plain_train.py"], writes=["plain_model.keras", "plain_model/1"], dataset=True)
def plain(run: Run) -> None:
    """Train in the fewest lines."""
    run("plain_train", "python plain_train.py")


@recipe(
    uses=["mnist_data.py", "mnist_cnn.py", "optimizer_defaults.py"],
    reads=["mnist_cnn.keras"],
    dataset=True,
)
def look(run: Run) -> None:
    """Show the data, the options, and the learning rate that changed."""
    run("mnist_data", "python mnist_data.py")
    run("mnist_cnn_help", "python mnist_cnn.py --help")
    run.fails("data_missing", "python mnist_cnn.py --data nowhere.npz")
    run.fails(
        "mnist_data_truncated", "python mnist_data.py --data broken.npz", broken="mnist_cnn.keras"
    )
    run("optimizer_defaults", "python optimizer_defaults.py")
