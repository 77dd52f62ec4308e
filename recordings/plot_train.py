"""Look at the data, train and save mnist_cnn."""

from recordings.engine import Run, recipe


@recipe(
    uses=["mnist_cnn.py"],
    writes=["mnist_cnn.keras", "mnist_cnn.h5", "saved_model/1", "mnist_cnn.json"],
    dataset=True,
)
def train(run: Run) -> None:
    """Train."""
    # The chapter explains the very warning about HDF5.
    run("mnist_cnn", "python mnist_cnn.py", deprecated="HDF5")


@recipe(
    uses=["mnist_data.py", "mnist_cnn.py", "optimizer_defaults.py"],
    reads=["mnist_cnn.keras"],
    dataset=True,
)
def look(run: Run) -> None:
    """Show the data, the options, and the learning rate that changed."""
    run("mnist_data", "python mnist_data.py")
    run("mnist_cnn_help", "python mnist_cnn.py --help")
    run.fails(
        "mnist_data_truncated", "python mnist_data.py --data broken.npz", broken="mnist_cnn.keras"
    )
    run("optimizer_defaults", "python optimizer_defaults.py")
