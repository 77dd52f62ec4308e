"""
另一个模型，走到每一处
======================

同样的程序，换成一个分辨彩色小图的模型 ``patches``：转换、服务器、网页，逐一得到同样的答案。逐步的说明见 :doc:`/own_model`。
"""

# %%
# 它看到的是什么
# --------------
#
# 上排来自庙的照片，下排来自花。标题是 ``.tflite`` 模型的答案，绿色的是对的，红色的是错的：

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_own_model")
# sphinx_gallery_end_ignore
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from ai_edge_litert.interpreter import Interpreter

samples = np.load("patches_samples.npz")
names = Path("patches_labels.txt").read_text().split()
predict = Interpreter("patches.tflite").get_signature_runner()
(answers,) = predict(patch=samples["patch"][:200]).values()

figure, axes = plt.subplots(
    2,
    4,
    num="Patches of two photos, a temple and a flower, each below the answer of the model",
    figsize=(5.6, 3.6),
    layout="constrained",
)
for label, row in enumerate(axes):
    of_label = np.flatnonzero(samples["labels"][:200] == label)
    for axis, index in zip(row, of_label, strict=False):
        answer = answers[index].argmax()
        color = "C2" if answer == label else "C3"
        axis.imshow(samples["patch"][index].astype("uint8"))
        axis.set_title(names[answer], loc="center", family="monospace", color=color)
        axis.axis("off")

# %%
# 四种精度
# --------
#
# .. console:: patches_convert
