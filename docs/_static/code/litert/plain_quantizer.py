"""Quantize a .tflite that is there already, in the fewest lines."""

import numpy as np
from litert_quantizer import quantizer, recipe

images = np.load("mnist_cnn_calibration.npz")["image"]
samples = [{"image": image[np.newaxis]} for image in images]

weights = quantizer.Quantizer("mnist_cnn_litert.tflite")
weights.load_quantization_recipe(recipe.dynamic_wi8_afp32())
weights.quantize().export_model("mnist_cnn_litert_dynamic.tflite", overwrite=True)

everything = quantizer.Quantizer("mnist_cnn_litert.tflite")
everything.load_quantization_recipe(recipe.static_wi8_ai8())
ranges = everything.calibrate({"serving_default": samples})
everything.quantize(ranges).export_model("mnist_cnn_litert_int8.tflite", overwrite=True)
