"""Run a .tflite with LiteRT's CompiledModel, in the fewest lines."""

import numpy as np
from ai_edge_litert.compiled_model import CompiledModel

image = np.load("mnist_cnn_samples.npz")["image"][:1]

model = CompiledModel.from_file("mnist_cnn_litert.tflite")
inputs, outputs = model.create_input_buffers(0), model.create_output_buffers(0)
inputs[0].write(image)
model.run_by_index(0, inputs, outputs)
probabilities = outputs[0].read(10, np.float32)
print(probabilities.shape, "top label:", probabilities.argmax())
