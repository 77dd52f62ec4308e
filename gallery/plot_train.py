"""
训练并保存 mnist_cnn
====================

后面的每一章都从这里训练出的模型开始。这一页运行 ``mnist_cnn.py``，再看看数据、训练过程和它认错的数字。程序本身和逐步的说明见 :doc:`/modelsave`。
"""

# %%
# 数据
# ----
#
# 本次构建使用的数据集：
#
# .. console:: mnist_data
#
# 图片是 28×28 的灰度图，黑底白字：背景是 0，笔画接近 255。这一点在部署时最容易弄反。

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_train")
# sphinx_gallery_end_ignore
import matplotlib.pyplot as plt
import mnist_data

data = mnist_data.load()
figure, axes = plt.subplots(
    2,
    8,
    num="The first sixteen test digits, white on black, each below its label",
    figsize=(5.6, 2.1),
    layout="constrained",
)
for axis, image, label in zip(axes.flat, data.x_test, data.y_test, strict=False):
    axis.imshow(image, cmap="gray")
    axis.set_title(label, loc="center")
    axis.axis("off")

# %%
# 训练
# ----
#
# .. console:: mnist_cnn
#
# 程序把这次训练的数字写进 ``mnist_cnn.json``，下面的图由它画出。训练时的准确率不能与测试时的直接相比：训练时图片被移动过，dropout 还会随机关掉一部分神经元。
import json
from pathlib import Path

figures = json.loads(Path("mnist_cnn.json").read_text())
history, epochs = figures["history"], range(1, figures["epochs"] + 1)
figure, axis = plt.subplots(
    num="A line: the training loss after each epoch", figsize=(5.6, 3), layout="constrained"
)
axis.plot(epochs, history["loss"], "o-")
axis.set(title="Training loss", xlabel="epoch", xticks=epochs, ylim=(0, None))
axis.grid(axis="y")

figure, axis = plt.subplots(
    num="A line: the accuracy in training after each epoch. Above it a dot: on the test digits",
    figsize=(5.6, 3),
    layout="constrained",
)
axis.plot(epochs, history["accuracy"], "o-")
axis.annotate("in training", (1, history["accuracy"][0]), (12, -4), textcoords="offset points")
axis.plot(figures["epochs"], figures["test_accuracy"], "D", color="C1")
axis.annotate(
    "on the test digits",
    (figures["epochs"], figures["test_accuracy"]),
    (-12, -4),
    textcoords="offset points",
    ha="right",
    color="C1",
)
axis.set(title="Accuracy", xlabel="epoch", xticks=epochs)
axis.yaxis.set_major_formatter("{x:.0%}")
axis.grid(axis="y")

# %%
# 它认错了哪些
# ------------
#
# 混淆矩阵的行是真实的数字，列是模型的回答；对角线以外的都是错误。测试集上的准确率是
# :measured:`mnist_cnn.json test_accuracy .2%`\ 。
import numpy as np

confusion = np.array(figures["confusion"])
figure, axis = plt.subplots(
    num="A table of ten by ten: how often a digit got an answer; the mistakes have dots",
    figsize=(5.6, 5.2),
    layout="constrained",
)
for (row, column), count in np.ndenumerate(confusion):
    if row == column:
        axis.text(column, row, f"{count}", ha="center", va="center", color="C5")
    elif count:
        axis.scatter(column, row, s=80 * count, color="C1", alpha=0.3, linewidth=0)
        axis.text(column, row, f"{count}", ha="center", va="center")

axis.set(title="Answers for each digit", xlabel="answer", ylabel="digit")
axis.set(xticks=range(10), yticks=range(10), xlim=(-0.5, 9.5), ylim=(9.5, -0.5))
axis.set_xticks(np.arange(0.5, 9), minor=True)
axis.set_yticks(np.arange(0.5, 9), minor=True)
axis.grid(which="minor")

# %%
# 下面是认错的前几个，标题是“真实的数字 → 模型的答案，概率”。有些连人也会认错，也有模型十分肯定却错了的：概率高不等于正确。
figure, axes = plt.subplots(
    2,
    4,
    num="Eight test digits, each below its label, the wrong answer, and its probability",
    figsize=(5.6, 3.6),
    layout="constrained",
)
for axis, wrong in zip(axes.flat, figures["misread"], strict=False):
    digit = wrong["digit"]
    axis.imshow(data.x_test[digit], cmap="gray")
    said = f"{data.y_test[digit]} → {wrong['answer']}, {wrong['probability']:.0%}"
    axis.set_title(said, loc="center", fontweight="normal")

for axis in axes.flat:
    axis.axis("off")

# %%
# 一个悄悄改变的默认值
# --------------------
#
# 2018 年的程序用的是默认参数的 Adadelta。那时默认学习率是 1.0，现在不是了，而且没有任何警告：程序照常运行，只是几乎学不到东西。下面用少量数据、两种学习率各训练一轮：
#
# .. console:: optimizer_defaults
