"""Convert a Keras model to TensorFlow Lite, in the fewest lines."""

from pathlib import Path

import keras
import tensorflow as tf

model = keras.models.load_model("mnist_cnn.keras", compile=False)
converter = tf.lite.TFLiteConverter.from_keras_model(model)
content = converter.convert()
Path("mnist_cnn.tflite").write_bytes(content)
print(f"mnist_cnn.tflite: {len(content):,} bytes")
