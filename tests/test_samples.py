"""What a model is tried with: an .npz of the reader's own, which has to fit the model."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "docs" / "_static" / "code" / "modelsave"))

import artifacts
import samples


def save(folder: Path, **arrays: np.ndarray) -> str:
    path = folder / "my_samples.npz"
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return str(path)


def test_inputs_and_labels_are_told_apart(tmp_path: Path) -> None:
    path = save(tmp_path, a=np.zeros((3, 2)), b=np.ones((3, 4)), labels=np.arange(3))
    inputs, labels = samples.read(path)
    assert {name: array.shape for name, array in inputs.items()} == {"a": (3, 2), "b": (3, 4)}
    assert labels is not None
    assert labels.tolist() == [0, 1, 2]


def test_labels_may_be_missing(tmp_path: Path) -> None:
    inputs, labels = samples.read(save(tmp_path, a=np.zeros((3, 2))))
    assert list(inputs) == ["a"]
    assert labels is None


@pytest.mark.parametrize(
    "arrays",
    [
        {"labels": np.arange(3)},
        {"a": np.zeros((3, 2)), "labels": np.arange(4)},
        {"a": np.zeros((3, 2)), "b": np.zeros((2, 2))},
        {"a": np.ones(())},
    ],
)
def test_arrays_of_different_lengths_are_refused(
    tmp_path: Path, arrays: dict[str, np.ndarray]
) -> None:
    with pytest.raises(artifacts.ProgramError, match="an array for each input, all of one length"):
        samples.read(save(tmp_path, **arrays))


@pytest.mark.parametrize(
    "labels", [np.array([[2], [0], [1]]), np.array([2.0, 0.0, 1.0]), np.array([2, 0, 1], np.uint8)]
)
def test_whole_numbers_are_labels_however_they_are_stored(
    tmp_path: Path, labels: np.ndarray
) -> None:
    _, found = samples.read(save(tmp_path, a=np.zeros((3, 2)), labels=labels))
    assert found is not None
    assert found.dtype == np.int64
    assert found.tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    "labels", [np.eye(3), np.array(["cat", "dog", "cat"]), np.array([0.5, 1, 2]), [np.nan, 0, 1]]
)
def test_what_is_no_label_is_refused(tmp_path: Path, labels: np.ndarray) -> None:
    with pytest.raises(artifacts.ProgramError, match=r"whole number: .* labels\.argmax\(1\)"):
        samples.read(save(tmp_path, a=np.zeros((3, 2)), labels=labels))


@pytest.mark.parametrize(
    ("values", "words"), [([], "no samples"), ([1, np.nan], "in a that are NaN or infinite")]
)
def test_samples_that_prove_nothing_are_refused(
    tmp_path: Path, values: list[float], words: str
) -> None:
    with pytest.raises(artifacts.ProgramError, match=words):
        samples.read(save(tmp_path, a=np.array(values)))


def test_samples_of_different_sizes_are_to_be_padded(tmp_path: Path) -> None:
    ragged = np.array([np.zeros(2), np.zeros(3)], dtype=object)
    with pytest.raises(artifacts.ProgramError, match="different sizes; pad them"):
        samples.read(save(tmp_path, a=ragged))


def test_the_output_with_the_classes() -> None:
    outputs = {"z": np.zeros((3, 4)), "a": np.zeros((3, 1)), "b": np.zeros((3, 2)), "c": np.ones(3)}
    assert samples.class_output(outputs) == "b"
    assert samples.class_output({"a": np.zeros((3, 1))}) is None


def test_advice_for_a_missing_file_fits_whose_file_it_is() -> None:
    with pytest.raises(artifacts.ProgramError, match="run `python mnist_cnn"):
        artifacts.existing("mnist_cnn.keras", "python mnist_cnn.py")
    with pytest.raises(artifacts.ProgramError, match="check its name and folder"):
        artifacts.existing("my_model.keras", "python mnist_cnn.py")


def test_a_folder_of_versions_is_no_saved_model(tmp_path: Path) -> None:
    for version in (1, 2):
        (tmp_path / str(version)).mkdir()
        (tmp_path / str(version) / "saved_model.pb").touch()
    assert artifacts.existing_saved_model(tmp_path / "2") == tmp_path / "2"
    with pytest.raises(artifacts.ProgramError, match=f"name a version: {tmp_path}/2"):
        artifacts.existing_saved_model(tmp_path)


def test_a_missing_file_and_another_kind_of_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(artifacts.ProgramError, match="is not here"):
        samples.read(str(tmp_path / "nothing.npz"))
    (tmp_path / "text.npz").write_text("text")
    with pytest.raises(artifacts.ProgramError, match=r"text\.npz cannot be read as an \.npz file"):
        samples.read(str(tmp_path / "text.npz"))


def test_the_only_input_may_have_any_name(tmp_path: Path) -> None:
    path = save(tmp_path, picture=np.zeros((3, 8, 8, 1)))
    inputs, _ = samples.for_model(path, {"image": (8, None, 1)})
    assert inputs["image"].shape == (3, 8, 8, 1)


def test_several_inputs_go_by_their_names(tmp_path: Path) -> None:
    path = save(tmp_path, b=np.zeros((3, 4)), a=np.zeros((3, 2)), unused=np.zeros((3, 1)))
    inputs, _ = samples.for_model(path, {"a": (2,), "b": (-1,)})
    assert list(inputs) == ["a", "b"]
    with pytest.raises(artifacts.ProgramError, match="the model takes c"):
        samples.for_model(path, {"a": (2,), "c": (4,)})


@given(
    st.lists(st.integers(1, 4), max_size=3).map(tuple),
    st.none() | st.lists(st.none() | st.integers(1, 4), max_size=3).map(tuple),
)
def test_a_shape_fits_if_each_size_does(found: tuple[int, ...], wanted: samples.Shape) -> None:
    fits = wanted is None or (
        len(found) == len(wanted)
        and all(w is None or w == f for f, w in zip(found, wanted, strict=True))
    )
    assert samples._fits(found, wanted) == fits


def test_what_does_not_fit_is_described(tmp_path: Path) -> None:
    path = save(tmp_path, image=np.zeros((3, 28, 28, 1)))
    with pytest.raises(artifacts.ProgramError) as error:
        samples.for_model(path, {"patch": (24, None, 3)})
    assert "the model takes patch (24, any, 3)" in str(error.value)
    assert samples._text((13,)) == str((13,))
    assert "has image (28, 28, 1)" in str(error.value)
    assert "--samples" in str(error.value)


def test_a_folder_that_cannot_be_written_is_noticed_before_the_work(tmp_path: Path) -> None:
    artifacts.check_writable(tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(artifacts.ProgramError, match="cannot write here"):
        artifacts.check_writable(tmp_path / "nowhere")
    with pytest.raises(artifacts.ProgramError, match="cannot write here"):
        artifacts.check_writable("/proc")
