"""
Android 的代码，在 JVM 上运行
==============================

Android 工程里的 Java 源文件一字不改，在桌面的 JVM 上编译、运行，读的是真正打包出来的 APK，用的是本次构建的模型。逐步的说明见 :doc:`/lite/android`，什么代替了什么见那里的 :ref:`android-stand-ins`。
"""

# %%
# 第一张测试图片
# --------------
#
# .. console:: android_java
#    :show: output
#
# 同样的图片，处处相同
# --------------------
#
# .. console:: android_agreement
#    :show: output
#
# 每一行比较两边的回答：标签相同的比例，概率相差最大的一次。“2021”指真正的 Java API 和它在 2021 年的原生库，它读不懂今天的 int8 模型，却不报错。
#
# 每一种错误，各有各的样子
# ------------------------
#
# 左边是正确的做法，其余是故意犯下的错误，读的是同一张图片。没有一种会抛出异常：

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_android")
# sphinx_gallery_end_ignore
import json
from pathlib import Path

import matplotlib.pyplot as plt
import mnist_data

mistakes = {
    "none": "as it should be",
    "raw": "raw ARGB",
    "inverted": "not inverted",
    "scale": "no / 255",
    "order": "wrong byte order",
}
answers = json.loads(Path("android.json").read_text())
figure, axes = plt.subplots(1, len(mistakes), figsize=(9, 2.4), sharey=True)
for axis, (name, title) in zip(axes, mistakes.items(), strict=True):
    answer = answers.get(name, [])
    axis.bar(range(len(answer)), answer, color="C2" if name == "none" else "C3")
    if any(number != number for number in answer):
        axis.text(4.5, 0.5, "NaN", ha="center")
    axis.set_title(title, fontsize=9)
    axis.set(ylim=(0, 1.05), xticks=range(10))
    axis.tick_params(labelsize=7)

figure.suptitle(f"Ten probabilities for the same {mnist_data.load().y_test[15]}")
figure.tight_layout()
