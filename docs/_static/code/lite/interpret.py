"""Do on the desktop, step for step, what an Android app does with mnist_cnn.tflite.

This is an emulation: the steps and the error texts are those of the Java class
org.tensorflow.lite.Interpreter, the arithmetic is the same runtime (LiteRT) under Python.
"""

from __future__ import annotations

import argparse
import mmap
import struct

import mnist_data
import numpy as np
from ai_edge_litert.interpreter import Interpreter as Runtime
from artifacts import ProgramError, existing, reading, run

MODEL_PATH = "mnist_cnn.tflite"
BATCH, HEIGHT, WIDTH, CHANNELS = 1, 28, 28, 1
BYTES_PER_FLOAT = 4
LABELS = 10


# [load]
def load_model_file(path: str) -> mmap.mmap:
    """Map a model into memory: its pages are read when they are needed."""
    with reading(existing(path, "python convert.py"), "a model"), open(path, "rb") as file:
        try:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:
            raise ProgramError(f"{path} is empty; convert the model again") from error


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
        self.position += BYTES_PER_FLOAT


def allocate_input() -> DirectBuffer:
    """Return the buffer for one picture: 1 x 28 x 28 x 1 floats of four bytes."""
    return DirectBuffer(BYTES_PER_FLOAT * BATCH * HEIGHT * WIDTH * CHANNELS)


# [pixels]
def get_pixels(picture: np.ndarray) -> list[int]:
    """Return grey bytes (28, 28) as Bitmap.getPixels does: signed 32-bit ARGB, row by row.

    Alpha is 255 throughout, so black is 0xFF000000, which is -16777216 as a Java int.
    """
    grey = picture.astype(np.uint32).ravel()
    return (0xFF000000 | grey << 16 | grey << 8 | grey).astype(np.uint32).view(np.int32).tolist()


# [input]
def grey_value(pixel: int) -> float:
    """Return the brightness 0..255 of an ARGB pixel (ITU-R BT.601 weights)."""
    red, green, blue = pixel >> 16 & 0xFF, pixel >> 8 & 0xFF, pixel & 0xFF
    return 0.299 * red + 0.587 * green + 0.114 * blue


def fill_input(buffer: DirectBuffer, pixels: list[int]) -> None:
    """Write the picture as the network was trained: brightness between 0 and 1."""
    buffer.rewind()
    for pixel in pixels:
        buffer.put_float(grey_value(pixel) / 255)


# [mistake]
def fill_input_raw(buffer: DirectBuffer, pixels: list[int]) -> None:
    """Write the raw ARGB integers, as the tutorial of 2018 did. This is wrong."""
    buffer.rewind()
    for pixel in pixels:
        buffer.put_float(pixel)


# [run]
class Interpreter:
    """The part of org.tensorflow.lite.Interpreter that the app uses."""

    def __init__(self, model: mmap.mmap) -> None:
        """Prepare the model in `model`; raise a ProgramError if it is damaged."""
        content = model[:]  # Java hands the mapping over; the Python runtime takes only bytes
        if content[4:8] != b"TFL3":  # the runtime tells less about a wrong file
            raise ProgramError("not a TensorFlow Lite model; convert it again")
        try:
            self._runtime = Runtime(model_content=content)
            self._runtime.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise ProgramError(f"the model is damaged ({reason}); convert it again") from error
        self._input = self._runtime.get_input_details()[0]
        self._output = self._runtime.get_output_details()[0]

    def run(self, source: DirectBuffer, result: list[list[float]]) -> None:
        """Run the network on the bytes of `source` and write float[1][10] into `result`."""
        tensor, size = self._input, int(np.prod(self._input["shape"])) * BYTES_PER_FLOAT
        if tensor["dtype"] is not np.float32:
            raise ProgramError(f"the model takes {tensor['dtype'].__name__}, the buffer has floats")
        if len(source.bytes) != size:
            raise ProgramError(
                f"Cannot copy to a TensorFlowLite tensor ({tensor['name']}) with {size} bytes "
                f"from a Java Buffer with {len(source.bytes)} bytes."
            )
        values = np.frombuffer(source.bytes, np.float32).reshape(tensor["shape"])
        self._runtime.set_tensor(tensor["index"], values)
        self._runtime.invoke()
        probabilities = self._runtime.get_tensor(self._output["index"])
        for row, answer in zip(result, probabilities, strict=True):
            row[:] = answer.tolist()


# [result]
def java_float(value: float) -> str:
    """Write a float as Java does: 1.0, 0.0123, 4.2E-9 (java.lang.Float.toString)."""
    number = np.float32(value)
    if number == 0 or 1e-3 <= abs(number) < 1e7:
        return str(np.format_float_positional(number, unique=True, trim="0"))
    mantissa, exponent = np.format_float_scientific(number, unique=True, trim="0").split("e")
    return f"{mantissa}E{int(exponent)}"


def print_result(label_prob: list[list[float]]) -> None:
    """Print all ten probabilities, then the label of the largest."""
    for index, probability in enumerate(label_prob[0]):
        print(f"index {index} prob is {java_float(probability)}")
    print(f"top label: {max(range(LABELS), key=label_prob[0].__getitem__)}")


# [main]
def read_picture(path: str) -> np.ndarray:
    """Return the uint8 picture (28, 28) in an .npy file."""
    existing(path, f"numpy.save({path!r}, picture)")
    with reading(path, "an .npy file"), open(path, "rb") as file:
        picture = np.lib.format.read_array(file, allow_pickle=False)
    if picture.shape != (HEIGHT, WIDTH) or picture.dtype != np.uint8:
        raise ProgramError(
            f"{path} holds {picture.dtype} {picture.shape}; a picture is uint8 (28, 28), 0 to 255"
        )
    return picture


def main() -> None:
    """Read one digit."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--model", default=MODEL_PATH, help="default: %(default)s")
    parser.add_argument("--digit", type=int, default=0, help="which test digit (default: 0)")
    parser.add_argument("--picture", metavar="FILE", help="an .npy picture instead")
    parser.add_argument("--raw", action="store_true", help="make the mistake of 2018: raw ARGB")
    mnist_data.add_argument(parser)
    options = parser.parse_args()

    interpreter = Interpreter(load_model_file(options.model))
    if options.picture:
        picture = read_picture(options.picture)
    else:
        data = mnist_data.load(options.data)
        if not 0 <= options.digit < len(data.x_test):
            raise ProgramError(f"--digit goes from 0 to {len(data.x_test) - 1}")
        picture = data.x_test[options.digit]
        print(f"test digit {options.digit} is a {data.y_test[options.digit]}")
    pixels = get_pixels(picture)
    print(f"the first pixel is {pixels[0]}, the buffer gets ", end="")
    print(f"{pixels[0]:.1f}" if options.raw else f"{grey_value(pixels[0]) / 255}")
    buffer = allocate_input()
    (fill_input_raw if options.raw else fill_input)(buffer, pixels)
    label_prob = [[0.0] * LABELS]
    interpreter.run(buffer, label_prob)
    print_result(label_prob)


if __name__ == "__main__":
    run(main)
