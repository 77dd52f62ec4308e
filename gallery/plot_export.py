"""
重新加载三种格式
================

保存下来的模型能不能用，要重新加载才知道。这一页把 ``mnist_cnn.keras``、``mnist_cnn.h5`` 和 ``saved_model/1`` 各加载一次，比较它们的预测，再看看 SavedModel 的签名。逐步的说明见 :doc:`/modelsave`。
"""

# %%
# 同样的图片，同样的回答
# ----------------------
#
# .. console:: load_models
#
# 三种格式各占多少空间？``.keras`` 和 ``.h5`` 还带着优化器的状态，可以接着训练；SavedModel 只用来推理。

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_export")
# sphinx_gallery_end_ignore
from pathlib import Path

import matplotlib.pyplot as plt


def megabytes(path):
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


names = ["mnist_cnn.keras", "mnist_cnn.h5", "saved_model/1"]
figure, axis = plt.subplots(
    num="Bars: the size of the three saved models", figsize=(5.6, 1.9), layout="constrained"
)
bars = axis.barh(names, [megabytes(Path(name)) for name in names], color="C1")
axis.bar_label(bars, fmt="%.1f MB", padding=5)
axis.set(title="Size of the saved models", xticks=[])
axis.tick_params(labelfontfamily="monospace")
axis.margins(x=0.3)
axis.invert_yaxis()

# %%
# SavedModel 的签名
# -----------------
#
# 签名是模型对外的接口：名字、输入、输出。用 ``saved_model_cli`` 查看：
#
# .. console:: saved_model_signature
#
# 也可以不写程序就运行它，``digit.npy`` 是上面的程序保存的一张测试图片：
#
# .. console:: saved_model_run
#
# 自己命名的签名
# --------------
#
# .. console:: named_signature
#
# .. console:: custom_model_show
#
# .. console:: custom_model_run
