"""Load a saved and an exported model again, in the fewest lines."""

import keras
import numpy as np
import tensorflow as tf

image = np.load("mnist_cnn_samples.npz")["image"][:1]

model = keras.models.load_model("mnist_cnn.keras")
print(model.predict(image, verbose=0).argmax())

signature = tf.saved_model.load("saved_model/1").signatures["serving_default"]
print(signature(image=image)["output_0"].numpy().argmax())
