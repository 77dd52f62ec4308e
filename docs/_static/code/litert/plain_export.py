"""Export a Keras model to a .tflite, in the fewest lines."""

import keras

model = keras.models.load_model("mnist_cnn.keras", compile=False)
one_image = keras.InputSpec(shape=(1, 28, 28, 1), dtype="float32", name="image")
model.export("mnist_cnn_litert.tflite", format="litert", input_signature=[one_image])
