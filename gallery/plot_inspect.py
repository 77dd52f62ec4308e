"""
看看 .tflite 里面
=================

``inspect_tflite.py`` 列出一个 ``.tflite`` 文件的签名、输入输出、算子和量化参数。部署时遇到“形状不对”“类型不对”“不支持的算子”，答案都在这里。
"""

# %%
# float32
# -------
#
# .. console:: inspect_float32
#
# 形状里的 -1 表示任意数量的图片；dropout 只在训练时起作用，转换后已经消失；最后一层的 softmax 成了一个算子。
#
# 全整数
# ------
#
# .. console:: inspect_int8
#
# 输入变成了 int8：实际值 = (整数 − zero point) × scale。权重按输出通道各有一个 scale。
#
# 为什么 int8 够用
# ----------------
#
# 量化只能表示 256 个不同的值。下面是最大的一层（第一个全连接层）的权重，和它们量化以后的样子：

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_inspect")
# sphinx_gallery_end_ignore
import matplotlib.pyplot as plt
from ai_edge_litert.interpreter import Interpreter


def largest_weights(path):
    interpreter = Interpreter(path)
    tensor = max(interpreter.get_tensor_details(), key=lambda tensor: tensor["shape"].prod())
    values, scales = interpreter.tensor(tensor["index"])(), tensor["quantization_parameters"]
    return values * scales["scales"][:, None] if len(scales["scales"]) else values


figure, axis = plt.subplots(
    num="Two overlaid histograms: the weights in float32 and in int8",
    figsize=(5.6, 3.4),
    layout="constrained",
)
for name, label, how in (
    ("mnist_cnn.tflite", "float32", {"histtype": "stepfilled", "alpha": 0.4}),
    ("mnist_cnn_int8.tflite", "int8", {"histtype": "step", "linewidth": 1.2}),
):
    axis.hist(largest_weights(name).ravel(), bins=200, label=label, log=True, **how)

axis.set(title="Weights of the first dense layer", xlabel="value", ylabel="count")
axis.yaxis.set_major_formatter("{x:,.0f}")
axis.legend(prop={"family": "monospace"})
axis.grid(axis="y")
