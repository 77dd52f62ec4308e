"""Run a TensorFlow Lite model, in the fewest lines."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter

image = np.load("mnist_cnn_samples.npz")["image"][:1]

model = Interpreter("mnist_cnn.tflite").get_signature_runner()
probabilities = model(image=image)["output_0"]
print(probabilities.shape, "top label:", probabilities[0].argmax())
