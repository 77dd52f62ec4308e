"""Do on the desktop, step for step, what an Android app does with a model for pictures.

This is an emulation: the steps and the error texts are those of the Java class
org.tensorflow.lite.Interpreter, the arithmetic is the same runtime (LiteRT) under Python.
Size, channels, type and number of classes come from the model.
"""

from __future__ import annotations

import argparse
import mmap
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import samples
from artifacts import ProgramError, existing, existing_tflite, reading, run

if TYPE_CHECKING:  # each function imports what it needs, so that --help needs nothing
    import numpy as np


# [load]
def load_model_file(path: str) -> mmap.mmap:
    """Map a model into memory: its pages are read when they are needed."""
    with reading(existing_tflite(path), "a model"), open(path, "rb") as file:
        try:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:
            raise ProgramError(f"{path} is empty; convert the model again") from error


# [tensor]
@dataclass
class Tensor:
    """What the interpreter says of an input or output: real = (number - zero_point) * scale."""

    name: str
    shape: list[int]
    dtype: str
    scale: float
    zero_point: int

    def num_bytes(self) -> int:
        """Return how large a buffer for it is."""
        size = 4 if self.dtype == "float32" else 1
        for length in self.shape:
            size *= length
        return size


# [buffer]
class DirectBuffer:
    """A buffer outside the Java heap, in the byte order of the machine (java.nio.ByteBuffer)."""

    def __init__(self, size: int) -> None:
        """Allocate `size` bytes, all zero."""
        self.bytes = bytearray(size)
        self.position = 0

    def rewind(self) -> None:
        """Set the position to zero: the next value is the first."""
        self.position = 0

    def put_float(self, value: float) -> None:
        """Write four bytes at the position and move it behind them."""
        struct.pack_into("=f", self.bytes, self.position, value)  # "=": native byte order
        self.position += 4

    def put(self, value: int) -> None:
        """Write one byte, signed or not, and move the position behind it."""
        self.bytes[self.position] = value & 0xFF
        self.position += 1


# [pixels]
def get_pixels(picture: np.ndarray) -> list[int]:
    """Return bytes (height, width, 1 or 3) as Bitmap.getPixels does: signed 32-bit ARGB.

    Alpha is 255 throughout, so black is 0xFF000000, which is -16777216 as a Java int.
    """
    import numpy as np

    colors = np.broadcast_to(picture, (*picture.shape[:2], 3)).astype(np.uint32).reshape(-1, 3)
    red, green, blue = colors.T
    return (0xFF000000 | red << 16 | green << 8 | blue).astype(np.uint32).view(np.int32).tolist()


# [input]
def channel_values(pixel: int, channels: int) -> list[float]:
    """Return red, green and blue of an ARGB pixel, or its gray value, 0..255 (BT.601 weights)."""
    red, green, blue = pixel >> 16 & 0xFF, pixel >> 8 & 0xFF, pixel & 0xFF
    return [red, green, blue] if channels == 3 else [0.299 * red + 0.587 * green + 0.114 * blue]


def fill_input(buffer: DirectBuffer, pixels: list[int], tensor: Tensor, white: float = 1) -> None:
    """Write the picture as the network was trained: from 0 to `white`, in the model's type."""
    buffer.rewind()
    for pixel in pixels:
        for value in channel_values(pixel, tensor.shape[-1]):
            if tensor.dtype == "float32":
                buffer.put_float(value / 255 * white)
            else:
                buffer.put(quantize(value / 255 * white, tensor))


def quantize(value: float, tensor: Tensor) -> int:
    """Return the integer that stands for a real value."""
    least, largest = (-128, 127) if tensor.dtype == "int8" else (0, 255)
    return max(least, min(largest, round(value / tensor.scale) + tensor.zero_point))


# [run]
class Interpreter:
    """The part of org.tensorflow.lite.Interpreter that the app uses."""

    def __init__(self, model: mmap.mmap) -> None:
        """Prepare the model in `model`; raise a ProgramError if it is damaged."""
        content = model[:]  # Java hands the mapping over; the Python runtime takes only bytes
        if content[4:8] != b"TFL3":  # the runtime tells less about a wrong file
            raise ProgramError("not a TensorFlow Lite model; convert it again")
        from ai_edge_litert.interpreter import Interpreter as Runtime

        try:
            self._runtime = Runtime(model_content=content)
            self._runtime.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            damage = "Select TensorFlow op" not in reason and "custom op" not in reason
            cure = "is damaged ({}); convert it again" if damage else "cannot run here: {}"
            raise ProgramError(f"the model {cure.format(reason)}") from error

    def get_input_tensor_count(self) -> int:
        """Return how many inputs the model has."""
        return len(self._runtime.get_input_details())

    def get_input_tensor(self) -> Tensor:
        """Return what the model takes."""
        return _tensor(self._runtime.get_input_details()[0])

    def get_output_tensor(self) -> Tensor:
        """Return what the model gives."""
        return _tensor(self._runtime.get_output_details()[0])

    def run(self, source: DirectBuffer, result: list[list[float]]) -> None:
        """Run the network on the bytes of `source` and write float[1][n] into `result`."""
        import numpy as np

        tensor = self.get_input_tensor()
        if len(source.bytes) != tensor.num_bytes():
            raise ProgramError(
                f"Cannot copy to a TensorFlowLite tensor ({tensor.name}) with "
                f"{tensor.num_bytes()} bytes from a Java Buffer with {len(source.bytes)} bytes."
            )
        values = np.frombuffer(source.bytes, tensor.dtype).reshape(tensor.shape)
        self._runtime.set_tensor(self._runtime.get_input_details()[0]["index"], values)
        self._runtime.invoke()
        output = self._runtime.get_tensor(self._runtime.get_output_details()[0]["index"])
        for row, answer in zip(result, output, strict=True):
            row[:] = answer.tolist()


def _tensor(details: dict[str, Any]) -> Tensor:
    scale, zero_point = details["quantization"]
    return Tensor(
        details["name"], details["shape"].tolist(), details["dtype"].__name__, scale, zero_point
    )


# [result]
def java_float(value: float) -> str:
    """Write a float as Java does: 1.0, 0.0123, 4.2E-9 (java.lang.Float.toString)."""
    import numpy as np

    number = np.float32(value)
    if number == 0 or 1e-3 <= abs(number) < 1e7:
        return str(np.format_float_positional(number, unique=True, trim="0"))
    mantissa, exponent = np.format_float_scientific(number, unique=True, trim="0").split("e")
    return f"{mantissa}E{int(exponent)}"


def print_result(label_prob: list[float], labels: list[str]) -> None:
    """Print the probability of each label, then the label of the largest."""
    for index, probability in enumerate(label_prob):
        print(f"index {index} prob is {java_float(probability)}")
    print(f"top label: {labels[max(range(len(labels)), key=label_prob.__getitem__)]}")


# [main]
def read_labels(path: str, count: int) -> list[str]:
    """Return the lines of a text file, one for each label."""
    with (
        reading(existing(path, "python mnist_cnn.py"), "a text"),
        open(path, encoding="utf-8") as file,
    ):
        labels = file.read().splitlines()
    if len(labels) != count:
        raise ProgramError(
            f"{path} has {len(labels)} lines, the model gives {count} numbers; "
            "name the labels of this model with --labels"
        )
    return labels


def read_picture(path: str, shape: list[int]) -> np.ndarray:
    """Return the uint8 picture of a shape (height, width, channels) in an .npy file."""
    import numpy as np

    existing(path, f"numpy.save({path!r}, picture)")
    with reading(path, "an .npy file"), open(path, "rb") as file:
        picture = np.lib.format.read_array(file, allow_pickle=False)
    if picture.ndim == 2:
        picture = picture[..., np.newaxis]
    if picture.dtype != np.uint8 or list(picture.shape) != shape:
        raise ProgramError(
            f"{path} holds {picture.dtype} {picture.shape}; a picture is uint8 {tuple(shape)}"
        )
    return np.asarray(picture)


def sample_picture(
    path: str, number: int, shape: list[int]
) -> tuple[np.ndarray, float, int | None]:
    """Return a sample as a uint8 picture, what stands for white in it, and its label if any."""
    import numpy as np

    arrays, labels = samples.for_model(path, {"picture": shape})
    pictures = arrays["picture"]
    if not 0 <= number < len(pictures):
        raise ProgramError(f"--sample goes from 0 to {len(pictures) - 1}")
    least, largest = pictures.min(), pictures.max()
    if least < 0 or largest > 255:
        raise ProgramError(
            f"{path} has values from {least:.1f} to {largest:.1f}; fill_input prepares pictures "
            "to 0 to 1 or 0 to 255, change it for others"
        )
    white = 255.0 if largest > 1 else 1.0
    picture = np.round(pictures[number] / white * 255).astype(np.uint8)
    return picture, white, None if labels is None else int(labels[number])


def parse_options() -> argparse.Namespace:
    """Return the options of the command line; samples and labels are named after the model."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--model", default="mnist_cnn.tflite", help="default: %(default)s")
    parser.add_argument("--samples", metavar="FILE", help="default: NAME_samples.npz")
    parser.add_argument("--sample", type=int, default=0, help="which of them (default: 0)")
    parser.add_argument("--picture", metavar="FILE", help="an .npy picture instead")
    parser.add_argument("--labels", metavar="FILE", help="one per line; default: NAME_labels.txt")
    parser.add_argument(
        "--white", type=float, default=1, help="with --picture: what the model takes for white"
    )
    options = parser.parse_args()
    name = re.sub("_(float16|dynamic|int8)$", "", Path(options.model).stem)
    options.samples = options.samples or f"{name}_samples.npz"
    options.labels = options.labels or f"{name}_labels.txt"
    return options


def main() -> None:
    """Read one picture."""
    options = parse_options()
    interpreter = Interpreter(load_model_file(options.model))
    tensor, output = interpreter.get_input_tensor(), interpreter.get_output_tensor()
    if interpreter.get_input_tensor_count() > 1:
        raise ProgramError(f"{options.model} takes more than a picture; this emulation does not")
    if len(tensor.shape) != 4 or tensor.shape[3] not in (1, 3):
        raise ProgramError(f"{options.model} takes {tensor.shape}, which is no picture")
    labels = read_labels(options.labels, output.shape[-1])
    if options.picture:
        picture, white = read_picture(options.picture, tensor.shape[1:]), options.white
    else:
        picture, white, label = sample_picture(options.samples, options.sample, tensor.shape[1:])
        if label is not None:
            print(f"sample {options.sample} is {labels[label]}")
    pixels = get_pixels(picture)
    print(f"the first of {len(pixels)} pixels is {pixels[0]}")
    buffer = DirectBuffer(tensor.num_bytes())
    fill_input(buffer, pixels, tensor, white)
    label_prob = [[0.0] * output.shape[-1]]
    interpreter.run(buffer, label_prob)
    if output.dtype != "float32":
        label_prob = [[(n - output.zero_point) * output.scale for n in label_prob[0]]]
    print_result(label_prob[0], labels)


if __name__ == "__main__":
    run(main)
