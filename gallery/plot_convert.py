"""
转换为 TensorFlow Lite
======================

同一个模型转换成四种精度，文件各有多大，结果各差多少？逐步的说明见 :doc:`/lite/convert`。
"""

# %%
# 四种精度
# --------
#
# .. console:: convert
#
# “accuracy” 是测试图片上的准确率；“same label” 是与 Keras 模型标签相同的测试图片所占的比例；“largest difference” 是概率相差最大的一次。
#
# 大小与误差
# ----------
#
# float16 把文件减半，int8 减到四分之一。误差的图是对数刻度：量化以后与 Keras 的差别大了许多，但只有当两个标签的概率本来就接近时，标签才会变。

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_convert")
# sphinx_gallery_end_ignore
import json
from pathlib import Path

import matplotlib.pyplot as plt

figures = json.loads(Path("mnist_cnn_convert.json").read_text())
names = list(figures)
figure, axis = plt.subplots(
    num="Bars: the size of the model in four precisions", figsize=(5.6, 2.4), layout="constrained"
)
bars = axis.barh(names, [figures[name]["bytes"] / 1e6 for name in names], color="C1")
axis.bar_label(bars, fmt="%.2f MB", padding=5)
axis.set(title="Size", xticks=[])
axis.tick_params(labelfontfamily="monospace")
axis.margins(x=0.25)
axis.invert_yaxis()

figure, axis = plt.subplots(
    num="Dots on a logarithmic scale: the largest difference from Keras in four precisions",
    figsize=(5.6, 2.4),
    layout="constrained",
)
differences = [figures[name]["largest_difference"] for name in names]
axis.plot(differences, names, "o")
for name, difference in zip(names, differences, strict=True):
    axis.annotate(f"{difference:.0e}", (difference, name), (9, -5), textcoords="offset points")

axis.set(title="Largest difference from Keras", xscale="log", xlim=(1e-7, 1))
axis.xaxis.set_major_formatter("{x:g}")
axis.tick_params("y", labelfontfamily="monospace")
axis.margins(y=0.2)
axis.grid()
axis.invert_yaxis()
