"""Train the network of mnist_cnn.py as the original program did; the bench compares with it.

Adadelta at a learning rate of 1.0, batches of 128, twelve epochs, tested after each of them.
"""

import sys

import keras
import mnist_data
from mnist_cnn import build_model, prepare

keras.utils.set_random_seed(int(sys.argv[1]))
data = mnist_data.load()
model = build_model()
dropouts = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
dropouts[0].rate, dropouts[1].rate = 0.25, 0.5
model.compile(
    keras.optimizers.Adadelta(1.0), "sparse_categorical_crossentropy", metrics=["accuracy"]
)
test = (prepare(data.x_test), data.y_test)
model.fit(
    prepare(data.x_train),
    data.y_train,
    batch_size=128,
    epochs=12,
    verbose=0,
    validation_data=test,
)
print(f"test accuracy: {model.evaluate(*test, verbose=0)[1]:.4f}")
