"""
同样的数字，每一种运行方式
==========================

前面各页在不同的机器和语言里运行过同一个模型。这一页把它们对同样一批测试图片的回答放进一张表。逐一检查的办法见 :doc:`/check`。
"""

# %%
# 一张表
# ------
#
# 点击表头排序。``java_…`` 是 Android 应用的代码在 JVM 上运行，``c_…`` 是 C 程序，``arm_…`` 是它在模拟的 Arm 开发板上，``browser_…`` 是真实的浏览器，其余由 ``check_deployment.py`` 运行。准确率、相同和最大差都是头 1,000 张测试图片的；跑得快的还回答了全部测试图片。没有用时的，是在这台机器上模拟的处理器，量出来没有意义；浏览器的 webgl 在这里由软件计算，也不代表显卡。
#
# .. result-table:: matrix.html
#    :files: matrix.json matrix_all.json
#
# 把它们合在一起的程序也检查容差：超出了，就以错误结束。
#
# 差多少，要多久
# --------------
#
# 第一张图是与 Keras 相差最大的一个概率，第二张是一个样本的用时，以 Keras 的为 1。都是越靠左越好，没有差别的画在最左边；颜色是数值的种类。

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_matrix")
# sphinx_gallery_end_ignore
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

matrix = json.loads(Path("matrix.json").read_text())
rows = matrix["rows"]
colors = {"float32": "C0", "float16": "C1", "dynamic": "C2", "uint8": "C4", "int8": "C3"}
names = list(rows)


def plot(value, axis):
    for kind, color in colors.items():
        places = [
            (value(row), names.index(name))
            for name, row in rows.items()
            if row["kind"] == kind and value(row) is not None
        ]
        axis.plot([x for x, _ in places], [y for _, y in places], "o", color=color, label=kind)
    axis.set(xscale="log", yticks=range(len(names)), ylim=(len(names) - 0.5, -0.5))
    axis.set_yticklabels(names, family="monospace")
    axis.grid()


figure, axis = plt.subplots(
    num="Dots on a logarithmic scale: the largest difference from Keras for each way to run it",
    figsize=(5.6, 8.4),
    layout="constrained",
)
plot(lambda row: max(row["largest_difference"], 1e-8), axis)
axis.set(title="Largest difference")
axis.xaxis.set_major_formatter("{x:g}")
figure.legend(loc="outside lower left", ncols=3, prop={"family": "monospace"})

figure, axis = plt.subplots(
    num="Dots on a logarithmic scale: the time of one sample for each way to run it, Keras at 1",
    figsize=(5.6, 8.4),
    layout="constrained",
)
plot(lambda row: row["ratio"], axis)
axis.axvline(1, color="C5", linewidth=1)
axis.set(title="Time of one sample (Keras: 1)")
axis.set_xticks([0.1, 1, 10], ["0.1", "1", "10"])
figure.legend(loc="outside lower left", ncols=3, prop={"family": "monospace"})

# %%
# 意见不一的数字
# --------------
#
# 全部测试图片里，不是每一处都得出同一个标签的：上面写着真实的数字，下面写着得出的标签和各有几处这样说。它们大多连人也要看上两眼：模型对这样的图片本来就没有把握，量化的一点误差就换了名次。
#
# .. console:: join_all
#    :match: samples

images = np.load("mnist_cnn_samples.npz")["image"]
differ = json.loads(Path("matrix_all.json").read_text())["disagreements"][:4]
figure, axes = plt.subplots(
    1,
    4,
    num="Four test digits with different answers: each below its label and above the answers",
    figsize=(5.6, 2),
    layout="constrained",
)
for axis, sample in zip(axes, differ, strict=False):
    axis.imshow(images[sample["index"]].squeeze(), cmap="gray")
    axis.set_title(sample["label"], loc="center")
    said = sorted(sample["said"].items(), key=lambda item: -len(item[1]))
    axis.set_xlabel(", ".join(f"{label} ×{len(who)}" for label, who in said))

for axis in axes:
    axis.set(xticks=[], yticks=[])
    axis.spines.left.set_visible(False)
