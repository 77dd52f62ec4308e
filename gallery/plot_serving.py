"""
向模型服务器提问
================

这一页启动模型服务器，用 curl、Python 和 JavaScript 向它提问，走 REST 和 gRPC 两种接口，再看看出错时它怎样回答。逐步的说明见 :doc:`/serving/index`。
"""

# %%
# 启动
# ----
#
# .. console:: serving_start
#
# REST
# ----
#
# .. console:: rest_client
#
# .. console:: rest_javascript
#
# gRPC
# ----
#
# .. console:: grpc_client
#
# 哪一种更快
# ----------
#
# 同样的图片，各问一秒钟，取中位数。橙色是模型自己的时间，两种接口都省不掉。
#
# .. console:: compare_interfaces
#

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_serving")
# sphinx_gallery_end_ignore
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

rows = json.loads(Path("interfaces.json").read_text())
positions = np.arange(len(rows))
figure, (times, sizes) = plt.subplots(1, 2, figsize=(9, 3.2))
for offset, name in ((-0.2, "rest"), (0.2, "grpc")):
    color = "C0" if name == "rest" else "C2"
    label = "REST" if name == "rest" else "gRPC"
    milliseconds = [row[name]["ms"] for row in rows]
    bars = times.bar(positions + offset, milliseconds, 0.38, color=color, label=label)
    times.bar_label(bars, fmt="%.1f", padding=2, fontsize=8)
    kilobytes = [row[name]["sent"] / 1000 for row in rows]
    bars = sizes.bar(positions + offset, kilobytes, 0.38, color=color, label=label)
    sizes.bar_label(bars, fmt="%.0f", padding=2, fontsize=8)

model = [row["model_ms"] for row in rows]
times.bar(positions, model, 0.78, color="C1", label="the model itself")
times.set(title="Median time in ms", yscale="log")
sizes.set(title="Size of the request in kB", yscale="log")
for axis in (times, sizes):
    axis.set_xticks(positions, ["1 image", *(f"{row['images']} images" for row in rows[1:])])
    axis.margins(y=0.15)
    axis.legend(fontsize=8)

figure.tight_layout()
