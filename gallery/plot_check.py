"""
您的模型能部署吗
================

同一个程序，把我们的模型和二十多个与它不同的小模型送到每一种部署方式上，哪里能用，哪里不能？逐步的说明见 :doc:`/check`。
"""

# %%
# 我们的模型
# ----------
#
# .. console:: check_deployment
#
# 一个样本的用时，以 Keras 的为 1：

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_check")
# sphinx_gallery_end_ignore
import json
from pathlib import Path

import matplotlib.pyplot as plt

checked = json.loads(Path("mnist_cnn_check.json").read_text())
rows = {name: row for name, row in checked["targets"].items() if "bytes" in row}
figure, axis = plt.subplots(
    num="Bars: the bytes to ship for each target", figsize=(5.6, 5), layout="constrained"
)
bars = axis.barh(list(rows), [row["bytes"] / 1e6 for row in rows.values()], color="C1")
axis.bar_label(bars, fmt="%.1f MB", padding=5)
axis.set(title="Size to ship", xticks=[])
axis.tick_params(labelfontfamily="monospace")
axis.margins(x=0.35, y=0.02)
axis.invert_yaxis()

timed = [name for name, row in rows.items() if "milliseconds" in row]
ratios = [rows[name]["milliseconds"] / checked["milliseconds"] for name in timed]
figure, axis = plt.subplots(
    num="Dots on a logarithmic scale: the time of one sample on each target, with Keras at 1",
    figsize=(5.6, 5),
    layout="constrained",
)
axis.plot(ratios, timed, "o")
axis.axvline(1, color="C5", linewidth=1)
axis.set(title="Time of one sample (Keras: 1)", xscale="log", xlim=(0.008, 12))
axis.set_xticks([0.01, 0.1, 1, 10], ["0.01", "0.1", "1", "10"])
axis.tick_params("y", labelfontfamily="monospace")
axis.grid()
axis.invert_yaxis()

# %%
# 其他模型
# --------
#
# 绿色的圆点：能用；蓝色的菱形：只有把各维的大小固定，或者在 TensorFlow.js 里换用 cpu 后端才能用；红色的叉：不能用；空白：没有试。

models = json.loads(Path("check_zoo.json").read_text())["results"]
tried = [target for results in models.values() for target in results]
targets = [target for target in models["dense"] if tried.count(target) > 1]
kinds = {"works": 1, "fixed sizes": 2, "cpu backend": 2, "not installed": 0}
figure, axis = plt.subplots(
    num="A mark for each model on each target: works, works with a change, does not work",
    figsize=(5.6, 9),
    layout="constrained",
)
for kind, marker, color, label in (
    (1, "o", "C2", "works"),
    (2, "d", "C0", "with a change"),
    (3, "x", "C3", "does not work"),
):
    places = [
        (targets.index(target), row)
        for row, results in enumerate(models.values())
        for target, result in results.items()
        if target in targets and kinds.get(result, 3) == kind
    ]
    axis.plot([x for x, _ in places], [y for _, y in places], marker, color=color, label=label)

axis.set_xticks(range(len(targets)), targets, rotation=90)
axis.set_yticks(range(len(models)), list(models))
axis.tick_params(labelfontfamily="monospace")
axis.xaxis.tick_top()
axis.spines.left.set_visible(False)
axis.margins(x=0.05, y=0.02)
axis.grid()
axis.invert_yaxis()
figure.legend(loc="outside lower left", ncols=3)

# %%
# .. dropdown:: 全部结果
#
#    .. console:: check_zoo
