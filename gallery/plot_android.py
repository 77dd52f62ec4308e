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
# 每一行比较两边的结果：标签相同的比例，概率相差最大的一次。“2021”指真正的 Java API 和它在 2021 年的原生库，它误读今天的 int8 模型，却不报错。
#
# 应用的界面
# ----------
#
# ``MainActivity`` 连同布局、文字和颜色一字不改，在 JVM 上运行；笔画是发给它的触摸事件，图是它自己画出来的。
#
# .. image:: ../../build/workspace/screen_light.png
#    :width: 32%
#    :alt: 浅色的界面，写的是第一张测试图片
#
# .. image:: ../../build/workspace/screen_night.png
#    :width: 32%
#    :alt: 深色的界面，手写的 3
#
# 屏幕上写着什么，Python 对同一个画面说什么：
#
# .. console:: app_screen
#    :show: output
#
# 每一种错误，各有各的样子
# ------------------------
#
# 最上面是正确的做法，其余各有一处错误，读的是同一张图片。没有一种会抛出异常。绿色是正确的标签，红色是别的标签，右边写着各自的结果：

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_android")
# sphinx_gallery_end_ignore
import json
from pathlib import Path

import matplotlib.pyplot as plt

titles = {
    "none": "as it should be",
    "raw": "raw ARGB",
    "inverted": "not inverted",
    "scale": "no / 255",
    "order": "wrong byte order",
}
answers = json.loads(Path("android.json").read_text())
figure, axes = plt.subplots(
    len(titles),
    num="Bars: the ten probabilities for one digit, done right and with four mistakes",
    figsize=(5.6, 5.6),
    sharex=True,
    layout="constrained",
)
for axis, (name, title) in zip(axes, titles.items(), strict=True):
    found = answers["found"][name]
    right = found["label"] == str(answers["label"])
    colors = ["C2" if i == answers["label"] else "C3" for i in range(10)]
    axis.bar(range(10), found["probabilities"], color=colors)
    axis.axhline(0, color="C5", linewidth=1)
    axis.set_title(title)
    said = f"→ {found['label']}"
    axis.set_title(said, loc="right", family="monospace", color="C2" if right else "C3")
    axis.set(xlim=(-0.7, 9.7), ylim=(0, 1.05), xticks=range(10), yticks=[])
    axis.spines.left.set_visible(False)

# %%
# 有的错误，这张图片碰巧仍然答对。概率只有两种、其余恰好是 0，或者是 NaN，才是可靠的征兆。
