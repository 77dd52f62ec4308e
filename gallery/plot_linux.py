"""
嵌入式 Linux
============

同一个模型由 C 程序运行，一次在本机，一次作为 Arm 程序在模拟的开发板上：与 Python 的结果差多少，要占多少空间？逐步的说明见 :doc:`/lite/linux`。
"""

# %%
# 与 Python 比较
# --------------
#
# .. console:: agreement_board
#
# .. console:: agreement_board_int8
#
# “c” 是本机的程序，“arm” 是 QEMU 模拟的 Cortex-A72 上的 Arm 程序，两者都用真正的 LiteRT。“same label” 是与 Python 标签相同的比例，“largest difference” 是概率相差最大的一次。
#
# float32 的尾数可能不同，因为两种处理器求和的次序不同；int8 输出的一级是 1/256。
#
# 占用的空间
# ----------
#
# 几乎全是库和模型，程序本身微不足道：

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_linux")
# sphinx_gallery_end_ignore
import json
from pathlib import Path

import matplotlib.pyplot as plt

figures = json.loads(Path("linux.json").read_text())
names = {
    "arm_library": "LiteRT (Arm)",
    "model": "model, float32",
    "int8_model": "model, int8",
    "arm_program": "program (Arm)",
}
figure, axis = plt.subplots(
    num="Bars: what the library, two models and the program take on the board",
    figsize=(5.6, 2.3),
    layout="constrained",
)
bars = axis.barh(list(names.values()), [figures[name] / 1e6 for name in names], color="C1")
axis.bar_label(bars, fmt="%.2f MB", padding=5)
axis.set(title="Size on the board", xticks=[])
axis.margins(x=0.25)
axis.invert_yaxis()
