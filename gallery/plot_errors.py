"""
错误信息的重现
==============

错误信息页上的错误是这样重现的：一个程序逐一犯错，再逐一改正。哪一类异常最多？逐条的说明见 :doc:`/errors`。
"""

# %%
# 一次犯错
# --------
#
# 先打印读者会看到的错误信息，再打印改正以后的结果：
#
# .. console:: error_got_value_of_type_float64
#
# 全部犯一遍是 ``python mistakes.py --all``。
#
# 异常的种类
# ----------
#
# 异常的种类说明不了什么：多半是 ``ValueError``。有用的是冒号后面的话，所以错误信息页按原文来查。

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_errors")
# sphinx_gallery_end_ignore
import json
from collections import Counter
from pathlib import Path

import matplotlib.pyplot as plt

made = json.loads(Path("mistakes.json").read_text())
names, counts = zip(*Counter(made.values()).most_common(), strict=True)
figure, axis = plt.subplots(
    num="Bars: how many of the mistakes raise each exception",
    figsize=(5.6, 3.6),
    layout="constrained",
)
axis.bar_label(axis.barh(names, counts, color="C1"), padding=5)
axis.set(title="Mistakes by exception", xticks=[])
axis.tick_params(labelfontfamily="monospace")
axis.margins(x=0.15)
axis.invert_yaxis()
