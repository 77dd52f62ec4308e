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
from matplotlib.colors import ListedColormap

checked = json.loads(Path("mnist_cnn_check.json").read_text())
rows = {name: row for name, row in checked["targets"].items() if "bytes" in row}
timed = [name for name, row in rows.items() if "milliseconds" in row]
ratios = [rows[name]["milliseconds"] / checked["milliseconds"] for name in timed]
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4))
left.barh(list(rows), [row["bytes"] / 1e6 for row in rows.values()], color="C1")
left.set(title="Bytes to ship (MB)")
left.invert_yaxis()
right.barh(timed, ratios, left=1e-3, color="C0")
right.axvline(1, color="gray", linewidth=1)
right.set(title="Time of one sample (Keras: 1)", xscale="log", xlim=(1e-2, 20))
right.invert_yaxis()
figure.tight_layout()

# %%
# 其他模型
# --------
#
# 绿色：能用；浅绿色：只有把各维的大小固定，或者在 TensorFlow.js 里换用 cpu 后端才能用；红色：不能用；白色：没有试。

models = json.loads(Path("check_zoo.json").read_text())["results"]
targets = list(models["dense"])
kinds = {"works": 1, "fixed sizes": 2, "cpu backend": 2, "not installed": 0}
grid = [
    [kinds.get(results[target], 3) if target in results else 0 for target in targets]
    for results in models.values()
]
figure, axis = plt.subplots(figsize=(8, 8))
axis.imshow(grid, cmap=ListedColormap(["white", "#3a9d5d", "#a8d8b0", "#d9534f"]), vmin=0, vmax=3)
axis.set_xticks(range(len(targets)), targets, rotation=45, ha="left")
axis.set_yticks(range(len(models)), list(models))
axis.xaxis.tick_top()
figure.tight_layout()

# %%
# .. dropdown:: 全部结果
#
#    .. console:: check_zoo
