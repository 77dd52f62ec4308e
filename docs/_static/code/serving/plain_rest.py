"""Ask the model server for a prediction over REST, in the fewest lines."""

import sys

import numpy as np
import requests

image = np.load("mnist_cnn_samples.npz")["image"][0]
answer = requests.post(sys.argv[1], json={"instances": [image.tolist()]})
print(np.argmax(answer.json()["predictions"][0]))
