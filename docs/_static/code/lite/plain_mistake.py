"""Feed a network the integers of getPixels, as the tutorial of 2018 did: this is wrong."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter

samples = np.load("mnist_cnn_samples.npz")
gray = (samples["image"][15] * 255).round()  # 0 is black, 255 is white
pixels = gray * 0x010101 - 0x01000000  # as getPixels returns them: black is -16777216

interpreter = Interpreter("mnist_cnn.tflite")
interpreter.allocate_tensors()
for name, values in {"gray / 255": gray / 255, "raw pixels": pixels}.items():
    interpreter.set_tensor(
        interpreter.get_input_details()[0]["index"], values[np.newaxis].astype("float32")
    )
    interpreter.invoke()
    probabilities = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]
    print(f"{name}: top label {probabilities.argmax()}, exact zeros: {(probabilities == 0).sum()}")
print(f"label: {samples['labels'][15]}")
