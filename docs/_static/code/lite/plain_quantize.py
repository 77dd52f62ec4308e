"""Convert a Keras model to TensorFlow Lite in int8, in the fewest lines."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

images = np.load("mnist_cnn_calibration.npz")["image"]

model = keras.models.load_model("mnist_cnn.keras", compile=False)
converter = tf.lite.TFLiteConverter.from_keras_model(model)
converter.optimizations = [tf.lite.Optimize.DEFAULT]
converter.representative_dataset = lambda: ([image[np.newaxis]] for image in images)
converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
converter.inference_input_type = converter.inference_output_type = tf.int8
content = converter.convert()
Path("mnist_cnn_int8.tflite").write_bytes(content)
print(f"mnist_cnn_int8.tflite: {len(content):,} bytes")
