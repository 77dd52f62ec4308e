"""Train, evaluate, save and export, in the fewest lines."""

import keras
import mnist_data

keras.utils.set_random_seed(0)  # the same result each time
data = mnist_data.load()
model = keras.Sequential(
    [
        keras.Input((28, 28, 1), name="image"),
        keras.layers.Conv2D(32, 3, strides=2, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(data.x_train[..., None] / 255, data.y_train, epochs=1, batch_size=32, verbose=0)
loss, accuracy = model.evaluate(data.x_test[..., None] / 255, data.y_test, verbose=0)
print(f"test accuracy: {accuracy:.2f}")
model.save("plain_model.keras")  # to go on in Keras
model.export("plain_model/1", verbose=False)  # to deploy: a SavedModel
