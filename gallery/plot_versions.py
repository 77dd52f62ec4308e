"""
发布与回滚
==========

这一页在不停发送预测请求的同时发布模型的新版本，再回滚；然后给版本贴标签，让一个服务器同时提供两个模型，最后看看它的指标。逐步的说明见 :doc:`/serving/versions`。
"""

# %%
# 哪个版本在何时返回结果
# ----------------------
#
# 版本 3 先写好预热请求，再复制到旁边，改名就位；然后回滚到版本 2：
#
# .. console:: write_warmup
#
# .. console:: roll_back
#
# ``roll_version.py`` 记下了每个请求是哪个版本处理的，用了多久：

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_versions")
# sphinx_gallery_end_ignore
import json
from pathlib import Path

import matplotlib.pyplot as plt

record = json.loads(Path("roll_version.json").read_text())
figure, axis = plt.subplots(
    num="Dots: the time of each request, colored by version; there is no gap between versions",
    figsize=(5.6, 3.8),
    layout="constrained",
)
for version in sorted({version for _, _, version in record["answers"]}):
    points = [(at, ms) for at, ms, answered in record["answers"] if answered == version]
    axis.plot(*zip(*points, strict=True), "o", markersize=4, label=f"version {version}")

top = axis.get_xaxis_transform()  # seconds across, parts of the height upwards
for at, states in record["states"]:
    for number, state in states.items():
        if state == "LOADING":
            axis.axvline(at, color="C5", linestyle=":")
            axis.annotate(
                f"loading {number}", (at, 0.94), (5, 0), xycoords=top, textcoords="offset points"
            )

axis.set(title="Time of a request (ms)", xlabel="seconds")
axis.margins(y=0.2)
axis.set_ylim(bottom=0)
axis.grid(axis="y")
figure.legend(loc="outside lower left", ncols=2, markerscale=2)

# %%
# 新版本加载好之前，一直是旧版本在处理请求：两种颜色首尾相接，没有空档，也没有失败。加载时请求可能慢一些，因为加载和预热也要用 CPU；预热过的版本，第一个请求不会比别的慢很多。
#
# 标签与多个模型
# --------------
#
# .. console:: models_config
#
# .. console:: rest_canary
#
# .. console:: rest_raw
#
# 指标
# ----
#
# .. console:: metrics
#    :match: request_count\{|warmup_latency_count
