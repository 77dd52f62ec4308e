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
# “same class” 是与 Keras 模型判为同一类的比例，“largest difference” 是概率相差最大的一次。第一张图是文件的大小，第二张是这个最大的差，横轴是对数刻度：

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_javascript")
# sphinx_gallery_end_ignore
import json
from pathlib import Path

import matplotlib.pyplot as plt

sizes = json.loads(Path("saved_model_tfjs.json").read_text())
answers = json.loads(Path("mnist_cnn_js_wasm.json").read_text())
names = list(sizes)
figure, axis = plt.subplots(
    num="Bars: the size of the graph model in three precisions",
    figsize=(5.6, 2),
    layout="constrained",
)
bars = axis.barh(names, [sizes[name]["bytes"] / 1e6 for name in names], color="C1")
axis.bar_label(bars, fmt="%.2f MB", padding=5)
axis.set(title="Size", xticks=[])
axis.tick_params(labelfontfamily="monospace")
axis.margins(x=0.25)
axis.invert_yaxis()

figure, axis = plt.subplots(
    num="Dots on a logarithmic scale: the largest difference from Keras in three precisions",
    figsize=(5.6, 2),
    layout="constrained",
)
differences = [answers[f"saved_model_tfjs_{name}"]["largest_difference"] for name in names]
axis.plot(differences, names, "o")
for name, difference in zip(names, differences, strict=True):
    axis.annotate(f"{difference:.0e}", (difference, name), (9, -5), textcoords="offset points")

axis.set(title="Largest difference from Keras", xscale="log", xlim=(1e-7, 1))
axis.xaxis.set_major_formatter("{x:g}")
axis.tick_params("y", labelfontfamily="monospace")
axis.margins(y=0.25)
axis.grid()
axis.invert_yaxis()

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
figure, axis = plt.subplots(
    num="Bars: what a browser downloads for each runtime, split into model, runtime and page",
    figsize=(5.6, 3),
    layout="constrained",
)
left = [0.0] * len(runtimes)
for label, names in (
    ("model", [models.get(name, "graph model") for name in runtimes]),
    ("runtime", runtimes),
    ("page", ["page"] * len(runtimes)),
):
    widths = [parts[name]["brotli"] / 1e6 for name in names]
    bars = axis.barh(runtimes, widths, left=left, label=label)
    left = [a + b for a, b in zip(left, widths, strict=True)]

axis.bar_label(bars, [f"{total:.2f} MB" for total in left], padding=5)
axis.set(title="Downloaded before the first prediction", xticks=[])
axis.tick_params(labelfontfamily="monospace")
axis.margins(x=0.3)
axis.invert_yaxis()
figure.legend(loc="outside lower left", ncols=3)
