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
figure, axes = plt.subplots(2, 8, figsize=(8, 2.8))
for axis, image, label in zip(axes.flat, data.x_test, data.y_test, strict=False):
    axis.imshow(image, cmap="gray")
    axis.set_title(label, fontsize=9)
    axis.axis("off")

figure.suptitle(f"The first test digits ({data.name})")
figure.tight_layout()

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
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 2.8))
left.plot(epochs, history["loss"], "o-")
left.set(title="Training loss", xlabel="epoch", ylim=(0, None))
right.plot(epochs, history["accuracy"], "o-", label="training")
right.axhline(figures["test_accuracy"], color="C1", label="test, at the end")
right.set(title="Accuracy", xlabel="epoch")
right.legend()
figure.tight_layout()

# %%
# 它认错了哪些
# ------------
#
# 混淆矩阵的行是真实的数字，列是模型的回答；对角线以外的都是错误。测试集上的准确率是
# :measured:`mnist_cnn.json test_accuracy .2%`\ 。
import numpy as np

confusion = np.array(figures["confusion"])
wrong = confusion - np.diag(np.diag(confusion))
figure, axis = plt.subplots(figsize=(4.6, 4.6))
axis.imshow(wrong, cmap="Oranges")
for (row, column), count in np.ndenumerate(confusion):
    if count:
        axis.text(column, row, count, ha="center", va="center", fontsize=7)

axis.set(title="Confusion matrix", xlabel="answer", ylabel="digit")
axis.set(xticks=range(10), yticks=range(10))
figure.tight_layout()

# %%
# 下面是认错的前几个，标题是“真实的数字 → 模型的答案，概率”。有些连人也会认错，也有模型十分肯定却错了的：概率高不等于正确。
figure, axes = plt.subplots(2, 6, figsize=(8, 3.2))
for axis, wrong in zip(axes.flat, figures["misread"], strict=False):
    digit = wrong["digit"]
    axis.imshow(data.x_test[digit], cmap="gray")
    axis.set_title(
        f"{data.y_test[digit]} → {wrong['answer']}, {wrong['probability']:.0%}", fontsize=9
    )

for axis in axes.flat:
    axis.axis("off")

figure.tight_layout()

# %%
# 一个悄悄改变的默认值
# --------------------
#
# 2018 年的程序用的是默认参数的 Adadelta。那时默认学习率是 1.0，现在不是了，而且没有任何警告：程序照常运行，只是几乎学不到东西。下面用少量数据、两种学习率各训练一轮：
#
# .. console:: optimizer_defaults
