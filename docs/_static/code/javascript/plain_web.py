"""Convert for LiteRT.js, in the fewest lines."""

import keras

model = keras.models.load_model("mnist_cnn.keras")
image = model.inputs[0]
one = keras.InputSpec(shape=(1, *image.shape[1:]), dtype=image.dtype, name=image.name)
model.export("my_web.tflite", format="litert", input_signature=[one], verbose=False)
