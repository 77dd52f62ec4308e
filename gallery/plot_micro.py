"""
单片机
======

同一个解释器，两个网络：哪些板子的 Flash 和 RAM 装得下？逐步的说明见 :doc:`/lite/micro`。
"""

# %%
# 小网络
# ------
#
# .. console:: run_micro
#
# 大网络
# ------
#
# .. console:: run_micro_large
#
# 需要多少，板子有多少
# --------------------
#
# 圆点是板子的存储器，两轴都是对数刻度；叉是网络和程序的其余部分合起来的需要。叉的右上方的板子装得下它。

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_micro")
# sphinx_gallery_end_ignore
import json
from pathlib import Path

import matplotlib.pyplot as plt
from run_micro import BOARDS, KB, REST_FLASH, REST_RAM

figure, axis = plt.subplots(
    num="Dots: flash and RAM of five boards; crosses: what two networks need of both",
    figsize=(5.6, 4.6),
    layout="constrained",
)
for board in BOARDS:
    flash, ram = board.flash / KB, board.ram / KB
    axis.plot(flash, ram, "o", color="C0")
    below = board.name.startswith("Arduino")
    axis.annotate(
        board.name,
        (flash, ram),
        (0, -20 if below else 8),
        textcoords="offset points",
        ha="right" if flash > 1024 else "center",
    )

for name, label, color in (
    ("mnist_small", "small network", "C2"),
    ("mnist_cnn", "large network", "C1"),
):
    figures = json.loads(Path(f"{name}_micro.json").read_text())
    if figures:  # without the interpreter there are none
        flash = (figures["bytes"] + REST_FLASH) / KB
        ram = (figures["arena"] + REST_RAM) / KB
        axis.plot(flash, ram, "x", color=color, markeredgewidth=2)
        axis.annotate(
            label, (flash, ram), (8, -5), textcoords="offset points", color=color, weight="bold"
        )

axis.set(xscale="log", yscale="log", xlabel="flash (kB)", ylabel="RAM (kB)")
axis.set(xlim=(70, 16000), ylim=(20, 800))
flash = [128, 512, 2048, 8192]
axis.set_xticks(flash, [f"{kilobytes:,}" for kilobytes in flash])
axis.set_yticks([32, 64, 128, 256, 512], ["32", "64", "128", "256", "512"])
axis.minorticks_off()
axis.grid()
