"""Run a TensorFlow Lite model, in the fewest lines."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter

image = np.load("mnist_cnn_samples.npz")["image"][:1]

interpreter = Interpreter("mnist_cnn.tflite")
interpreter.allocate_tensors()
model_input = interpreter.get_input_details()[0]
model_output = interpreter.get_output_details()[0]
interpreter.set_tensor(model_input["index"], image)
interpreter.invoke()
probabilities = interpreter.get_tensor(model_output["index"])
print(probabilities.shape, "top label:", probabilities[0].argmax())
