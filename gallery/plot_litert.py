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
# 第一张图是文件的大小；第二张是与 Keras 模型标签不同的样本，每一万个里有几个。都是越短越好。

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_litert")
# sphinx_gallery_end_ignore
import json
from pathlib import Path

import matplotlib.pyplot as plt

figures = json.loads(Path("mnist_cnn_compare.json").read_text())
names = list(figures)
figure, axis = plt.subplots(
    num="Bars: the size of the six files", figsize=(5.6, 3), layout="constrained"
)
bars = axis.barh(names, [row["bytes"] / 1e6 for row in figures.values()], color="C1")
axis.bar_label(bars, fmt="%.2f MB", padding=5)
axis.set(title="Size", xticks=[])
axis.tick_params(labelfontfamily="monospace")
axis.margins(x=0.45)
axis.invert_yaxis()

figure, axis = plt.subplots(
    num="Bars: how many of 10,000 samples get a label that differs from that of Keras",
    figsize=(5.6, 3),
    layout="constrained",
)
bars = axis.barh(names, [1e4 * (1 - row["same_label"]) for row in figures.values()], color="C0")
axis.bar_label(bars, fmt="%.0f", padding=5)
axis.set(title="Labels that differ, of 10,000", xticks=[])
axis.tick_params(labelfontfamily="monospace")
axis.margins(x=0.25)
axis.invert_yaxis()
