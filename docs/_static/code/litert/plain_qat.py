"""Quantization-aware training of a model of Keras 3: this is wrong, it takes those of Keras 2."""

import keras
import tensorflow_model_optimization as tfmot

model = keras.models.load_model("mnist_cnn.keras", compile=False)
tfmot.quantization.keras.quantize_model(model)
