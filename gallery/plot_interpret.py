"""
模拟 Android 的 Interpreter
===========================

``interpret.py`` 在桌面上一步不差地做 Android 应用要做的事：把模型映射进内存，填充输入缓冲区，运行，取出十个概率。它是模拟：步骤和错误信息与 Java 的 ``Interpreter`` 相同，计算由同一个运行时完成。逐步的说明见 :doc:`/lite/emulation`。
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
# .. console:: interpret_raw
#
# 程序没有报错，概率正好是 1.0 和 0.0，看上去十分肯定。这正是输入有误的征兆。
#
# 同样的数字，两种输入
# --------------------

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_interpret")
# sphinx_gallery_end_ignore
import interpret
import matplotlib.pyplot as plt
import mnist_data
import numpy as np

data = mnist_data.load()
model = interpret.Interpreter(interpret.load_model_file("mnist_cnn.tflite"))


def probabilities(picture, fill):
    buffer, result = interpret.allocate_input(), [[0.0] * 10]
    fill(buffer, interpret.get_pixels(picture))
    model.run(buffer, result)
    return result[0]


figure, axes = plt.subplots(3, 5, figsize=(8, 4.2), gridspec_kw={"height_ratios": [2, 1, 1]})
for column, (picture, label) in enumerate(zip(data.x_test[:5], data.y_test[:5], strict=True)):
    axes[0, column].imshow(picture, cmap="gray")
    axes[0, column].set_title(f"a {label}", fontsize=9)
    axes[0, column].axis("off")
    for row, fill in ((1, interpret.fill_input), (2, interpret.fill_input_raw)):
        answer = probabilities(picture, fill)
        colors = ["C2" if i == label else "C3" for i in range(10)]
        axes[row, column].bar(range(10), answer, color=colors)
        axes[row, column].set(ylim=(0, 1), yticks=[], xticks=range(10))
        axes[row, column].tick_params(labelsize=7)

axes[1, 0].set_ylabel("grey / 255", fontsize=8)
axes[2, 0].set_ylabel("raw ARGB", fontsize=8)
figure.suptitle("Probabilities: right input above, raw ARGB below")
figure.tight_layout()

# %%
# 在前 200 张测试图片上，各答对多少：
first = list(zip(data.x_test[:200], data.y_test[:200], strict=True))
right, raw = (
    np.mean([np.argmax(probabilities(picture, fill)) == label for picture, label in first])
    for fill in (interpret.fill_input, interpret.fill_input_raw)
)
figure, axis = plt.subplots(figsize=(7, 1.5))
bars = axis.barh(["grey / 255", "raw ARGB"], [100 * right, 100 * raw], color=["C2", "C3"])
axis.bar_label(bars, fmt="%.0f %%", padding=3)
axis.set(title="Right answers of 200", xlim=(0, 115))
axis.invert_yaxis()
figure.tight_layout()
