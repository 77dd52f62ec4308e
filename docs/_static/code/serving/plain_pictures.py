"""Turn the samples back into pictures as a camera gives them: uint8 arrays, and a PNG file."""

import numpy as np
from PIL import Image

samples = np.load("mnist_cnn_samples.npz")
pictures = (samples["image"][..., 0] * 255).round().astype("uint8")
np.savez_compressed("pictures.npz", pictures=pictures, labels=samples["labels"])
Image.fromarray(pictures[0]).save("digit.png")
