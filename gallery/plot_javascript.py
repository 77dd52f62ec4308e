"""
转换为 TensorFlow.js 和 LiteRT.js
=================================

这一页把模型转换成浏览器能用的文件，在 Node 里运行它，与 Keras 的回答比较，再打包成网页。逐步的说明见 :doc:`/javascript`。
"""

# %%
# 图模型
# ------
#
# ``tfjs_convert.py`` 把 SavedModel 转换成三种精度的图模型，各有一个 ``model.json``，加上权重文件。权重可以是 float32，也可以量化成 float16 或 uint8，文件随之变小：
#
# .. console:: tfjs_convert
#
# 在 Node 里运行
# --------------
#
# 用同样的测试图片比较 TensorFlow.js 与 Keras 的结果：
#
# .. console:: predict_node
#
# “same class” 是与 Keras 模型判为同一类的比例，“largest difference” 是概率相差最大的一次。左图是文件的大小，右图是这个最大的差，横轴是对数刻度：

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_javascript")
# sphinx_gallery_end_ignore
import json
from pathlib import Path

import matplotlib.pyplot as plt

sizes = json.loads(Path("saved_model_tfjs.json").read_text())
answers = json.loads(Path("mnist_cnn_js_wasm.json").read_text())
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 2.2), sharey=True)
names = list(sizes)
bars = left.barh(names, [sizes[name]["bytes"] / 1e6 for name in names], color="C1")
left.bar_label(bars, fmt="%.2f MB", padding=3)
left.set(title="Size", xlim=(0, 6.2))
left.invert_yaxis()
differences = [answers[f"saved_model_tfjs_{name}"]["largest_difference"] for name in names]
bars = right.barh(names, differences)
right.bar_label(bars, fmt="%.0e", padding=3)
right.set(title="Largest difference from Keras", xscale="log", xlim=(1e-7, 1))
figure.tight_layout()

# %%
# 纯 JavaScript 的 cpu 后端给出同样的结果，只是慢得多：
#
# .. console:: predict_node_cpu
#
# LiteRT.js 的模型
# ----------------
#
# .. console:: tflite_web
#
# 网页
# ----
#
# ``bundle.mjs`` 把演示的源文件、运行时和模型放进 ``page/``。浏览器只下载所选运行方式需要的文件：
#
# .. console:: bundle
parts = json.loads(Path("bundle.json").read_text())["parts"]
models = {"litert": ".tflite"}
runtimes = ["tfjs-cpu", "tfjs-wasm", "tfjs-webgl", "litert"]
figure, axis = plt.subplots(figsize=(7.5, 2.4))
left = [0.0] * len(runtimes)
for label, names in (
    ("page", ["page"] * len(runtimes)),
    ("runtime", runtimes),
    ("model", [models.get(name, "graph model") for name in runtimes]),
):
    widths = [parts[name]["brotli"] / 1e6 for name in names]
    bars = axis.barh(runtimes, widths, left=left, label=label)
    left = [a + b for a, b in zip(left, widths, strict=True)]

axis.bar_label(bars, [f"{total:.2f} MB" for total in left], padding=3)
axis.set(title="Fetched until the first prediction, with brotli", xlim=(0, 1.2 * max(left)))
axis.legend(loc="upper left", bbox_to_anchor=(0, -0.12), ncols=3, fontsize=8)
axis.invert_yaxis()
figure.tight_layout()
