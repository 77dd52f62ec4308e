"""
REST 与 gRPC 的比较
===================

这一页启动模型服务器，用 Python、curl 和 JavaScript 发送预测请求，再比较 REST 和 gRPC 两种接口的时间和大小。逐步的说明见 :doc:`/serving/index`。
"""

# %%
# 同样的图片，同样的结果
# ----------------------
#
# .. console:: plain_rest
#
# .. console:: plain_javascript
#
# .. console:: plain_grpc
#
# 出错时服务器用 JSON 说明原因，例如图片少了通道这一维：
#
# .. console:: rest_no_channel
#
# 时间花在哪里
# ------------
#
# 同样的图片，用两种接口各发送一秒钟，取中位数：
#
# .. console:: compare_interfaces
#
# 下面的图里，橙色是不经过服务器、直接运行模型的时间，后面的一段是接口多用的时间：写请求、传送、读请求、写结果、读结果。三格各是一个请求里有几张图片，都从零开始，各自的刻度不同。

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_serving")
# sphinx_gallery_end_ignore
import json
from pathlib import Path

import matplotlib.pyplot as plt

rows = json.loads(Path("interfaces.json").read_text())
figure, panels = plt.subplots(
    len(rows),
    num="Bars: the time of a request over REST and gRPC, and the share of the model in it",
    figsize=(5.6, 5),
    layout="constrained",
)
for axis, row in zip(panels, rows, strict=True):
    times = [row[name]["ms"] for name in ("rest", "grpc")]
    models = [min(row["model_ms"], time) for time in times]
    adds = [time - model for time, model in zip(times, models, strict=True)]
    axis.barh(["REST", "gRPC"], models, color="C1", label="the model itself")
    bars = axis.barh(
        ["REST", "gRPC"], adds, left=models, color="C0", label="added by the interface"
    )
    axis.bar_label(bars, [f"{time:.1f} ms" for time in times], padding=5)
    axis.set(title=f"{row['samples']} pictures" if row["samples"] > 1 else "1 picture", xticks=[])
    axis.margins(x=0.22)
    axis.invert_yaxis()

figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower left", ncols=2)

# %%
# 只有一张图片时，两种接口都快，差别多半感觉不到。图片越多，REST 多用的时间越可观：每个数都要写成文字，再读回来。gRPC 传送的就是数组的字节，多用的时间少得多。
#
# 请求有多大
# ----------

sizes = [rows[-1][name]["sent"] / rows[-1]["samples"] for name in ("rest", "grpc")]
figure, axis = plt.subplots(
    num="Bars: the bytes that a picture takes in a request over REST and gRPC",
    figsize=(5.6, 1.5),
    layout="constrained",
)
bars = axis.barh(["REST", "gRPC"], sizes, color="C0")
axis.bar_label(bars, [f"{size:,.0f}" for size in sizes], padding=5)
axis.set(title="Bytes of a request for each picture", xticks=[])
axis.margins(x=0.2)
axis.invert_yaxis()

# %%
# gRPC 的每个像素总是四个字节。手写数字大多是零，而 ``0.0`` 加上逗号写成文字也是四个字节，所以这里的 JSON 还不算大；换成照片，像素大多是长长的小数，差别可能大得多。
