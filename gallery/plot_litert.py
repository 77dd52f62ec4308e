"""
LiteRT 的新接口
===============

同一个模型，六个 ``.tflite`` 文件：由转换器或 Keras 写出，由转换器、``litert-quantizer`` 或量化感知训练量化。逐步的说明见 :doc:`/lite/litert`。
"""

# %%
# 一张表
# ------
#
# .. console:: compare_tflite
#
# 大小与标签
# ----------
#
# 左边是文件的大小；右边是与 Keras 模型标签不同的样本，每一万个里有几个。都是越短越好。

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_litert")
# sphinx_gallery_end_ignore
import json
from pathlib import Path

import matplotlib.pyplot as plt

figures = json.loads(Path("mnist_cnn_compare.json").read_text())
labels = [name.removeprefix("mnist_").replace("_", " ") for name in figures]
figure, (sizes, changed) = plt.subplots(1, 2, figsize=(8, 2.6), sharey=True)
sizes.barh(labels, [row["bytes"] / 1e6 for row in figures.values()], color="C0")
sizes.set(xlabel="MB")
others = [1e4 * (1 - row["same_label"]) for row in figures.values()]
bars = changed.barh(labels, others, color="C1")
changed.bar_label(bars, fmt="%.0f", padding=3)
changed.set(xlabel="other label, in 10,000")
changed.margins(x=0.15)
sizes.invert_yaxis()
figure.tight_layout()
