"""
模拟 Android 的 Interpreter
===========================

``interpret.py`` 在桌面上一步不差地做 Android 应用要做的事。这一页看它的结果，再看看预处理出错时结果会变成什么样。逐步的说明见 :doc:`/lite/emulation`。
"""

# %%
# 正确的输入
# ----------
#
# .. console:: interpret
#
# 错误的输入
# ----------
#
# 2018 年的教程把 ``getPixels`` 得到的整数直接写进缓冲区。黑色像素的值是 -16777216，而不是 0：
#
# .. console:: plain_mistake
#
# 没有报错，其余九个概率恰好是 0。float32 模型正常的结果里，它们很小，但不是 0：这就是输入有误的征兆。
#
# 同样的数字，两种输入
# --------------------
#
# 每个数字下面是它的十个概率，先用正确的输入，再用原样的整数。绿色是正确的标签，红色是别的标签，横轴写着答案：

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_interpret")
# sphinx_gallery_end_ignore
import matplotlib.pyplot as plt
import numpy as np
from ai_edge_litert.interpreter import Interpreter

interpreter = Interpreter("mnist_cnn.tflite")
interpreter.allocate_tensors()
samples = np.load("mnist_cnn_samples.npz")
images, labels = samples["image"], samples["labels"]
inputs = {
    "gray / 255": lambda gray: gray / 255,
    "raw ARGB": lambda gray: gray * 0x010101 - (1 << 24),
}


def probabilities(image, prepare):
    values = prepare((image * 255).round())[np.newaxis].astype("float32")
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]


shown = range(12, 17)
figure, axes = plt.subplots(
    3,
    5,
    num="Five digits; below each its ten probabilities from correct input, then from raw ARGB",
    figsize=(5.6, 3.9),
    gridspec_kw={"height_ratios": [2, 1, 1]},
    layout="constrained",
)
for column, index in enumerate(shown):
    axes[0, column].imshow(images[index, ..., 0], cmap="gray")
    axes[0, column].axis("off")
    for axis, prepare in zip(axes[1:, column], inputs.values(), strict=True):
        colors = ["C2" if label == labels[index] else "C3" for label in range(10)]
        found = probabilities(images[index], prepare)
        axis.bar(range(10), found, color=colors)
        axis.set(xlim=(-0.5, 9.5), ylim=(0, 1), xticks=[found.argmax()], yticks=[])
        axis.axhline(0, color="C5", linewidth=1)
        axis.spines.left.set_visible(False)

for axis, name in zip(axes[1:, 0], inputs, strict=True):
    axis.set_title(name, loc="left")

# %%
# 在前 200 张测试图片上，各答对多少：
shares = {
    name: 100
    * np.mean([probabilities(images[i], prepare).argmax() == labels[i] for i in range(200)])
    for name, prepare in inputs.items()
}
figure, axis = plt.subplots(
    num="Bars: the share of correct answers from correct input and from raw ARGB",
    figsize=(5.6, 1.5),
    layout="constrained",
)
bars = axis.barh(list(shares), list(shares.values()), color=["C2", "C3"])
axis.bar_label(bars, fmt="%.1f%%", padding=5)
axis.set(title="Correct answers of 200", xticks=[], xlim=(0, 120))
axis.invert_yaxis()

# %%
# 原样写入的整数虽然放大了一千多万倍，但亮处仍比暗处大，所以有些图片碰巧答对。这样的错误最难发现。
