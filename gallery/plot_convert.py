"""
转换为 TensorFlow Lite
======================

这一页运行 ``tflite_convert`` 命令和 ``convert.py``，比较四种精度的大小和准确率。逐步的说明见 :doc:`/lite/convert`。
"""

# %%
# 命令行
# ------
#
# .. console:: tflite_convert
#
# Python API
# ----------
#
# .. console:: convert
#
# “same label” 是与 Keras 模型回答相同的测试图片所占的比例，“largest difference” 是概率相差最大的一次。
#
# 大小与准确率
# ------------
#
# float16 把文件减半，int8 减到四分之一，准确率几乎不变：

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_convert")
# sphinx_gallery_end_ignore
import json
from pathlib import Path

import matplotlib.pyplot as plt

figures = json.loads(Path("convert.json").read_text())
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 2.6), sharey=True)
names = list(figures)
bars = left.barh(names, [figures[name]["bytes"] / 1e6 for name in names], color="C1")
left.bar_label(bars, fmt="%.2f MB", padding=3)
left.set(title="Size", xlim=(0, 6.2))
left.invert_yaxis()
errors = [100 * (1 - figures[name]["accuracy"]) for name in names]
bars = right.barh(names, errors)
right.bar_label(bars, fmt="%.2f %%", padding=3)
right.set(title="Wrong answers on the test digits", xlim=(0, 1.4 * max(errors)))
figure.tight_layout()
