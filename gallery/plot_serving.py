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
# 下面的图里，橙色是不经过服务器、直接运行模型的时间，上面的一段是接口多用的时间：写请求、传送、读请求、写结果、读结果。每一格的纵轴都从零开始，各自的刻度不同。

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_serving")
# sphinx_gallery_end_ignore
import json
from pathlib import Path

import matplotlib.pyplot as plt

INTERFACES = {"rest": ("REST", "C0"), "grpc": ("gRPC", "C2")}
rows = json.loads(Path("interfaces.json").read_text())
figure, panels = plt.subplots(1, len(rows), figsize=(9, 3.4), layout="constrained")
for axis, row in zip(panels, rows, strict=True):
    for name, (label, color) in INTERFACES.items():
        total, model = row[name]["ms"], min(row["model_ms"], row[name]["ms"])
        axis.bar(label, model, 0.6, color="C1", label="the model itself")
        rest = {"bottom": model, "color": color, "label": f"what {label} adds"}
        bar = axis.bar(label, total - model, 0.6, **rest)
        axis.bar_label(bar, [f"{total:.1f} ms"], padding=2)
    axis.set(title=f"{row['samples']} pictures in a request" if row["samples"] > 1 else "1 picture")
    axis.margins(y=0.15)

panels[0].set(ylabel="milliseconds")
handles, labels = panels[0].get_legend_handles_labels()
figure.legend(handles[1:], labels[1:], loc="outside lower center", ncols=3)

# %%
# 只有一张图片时，两种接口都快，差别多半感觉不到。图片越多，REST 多用的时间越可观：每个数都要写成文字，再读回来。gRPC 传送的就是数组的字节，多用的时间少得多。
#
# 请求有多大
# ----------

figure, axis = plt.subplots(figsize=(7, 1.8))
for name, (label, color) in INTERFACES.items():
    bytes_each = rows[-1][name]["sent"] / rows[-1]["samples"]
    bar = axis.barh(label, bytes_each, color=color)
    axis.bar_label(bar, [f"{bytes_each:,.0f}"], padding=3)

axis.set(title="Bytes of a request for each picture")
axis.invert_yaxis()
axis.margins(x=0.15)
figure.tight_layout()

# %%
# gRPC 的每个像素总是四个字节。手写数字大多是零，而 ``0.0`` 加上逗号写成文字也是四个字节，所以这里的 JSON 还不算大；换成照片，像素大多是长长的小数，差别可能大得多。
