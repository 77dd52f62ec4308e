"""Run a model in TensorFlow Lite for Microcontrollers, in the fewest lines."""

import numpy as np
from tflite_micro import runtime

image = np.load("mnist_small_samples.npz")["image"][:1]

interpreter = runtime.Interpreter.from_file("mnist_small_int8.tflite", arena_size=64 * 1024)
quantization = interpreter.get_input_details(0)["quantization_parameters"]
numbers = np.round(image / quantization["scales"] + quantization["zero_points"])
interpreter.set_input(np.clip(numbers, -128, 127).astype("int8"), 0)
interpreter.invoke()
answer = interpreter.get_output(0)
print(answer.shape, "top label:", answer[0].argmax())
