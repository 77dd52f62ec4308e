"""
向模型服务器提问
================

这一页启动模型服务器，用 curl、Python 和 JavaScript 向它提问，走 REST 和 gRPC 两种接口，再看看出错时它怎样回答。逐步的说明见 :doc:`/serving/index`。
"""

# sphinx_gallery_start_ignore
import shutil
from pathlib import Path

from sphinxext.runner import provoke, run
from sphinxext.server import ask, refuse, serving

SERVER = "python model_server.py --rest_api_port=8501 --port=8500 --model_name=mnist"
# What is in a folder that someone made with Keras 3 and `save` in place of `export`.
Path("keras_model/1").mkdir(parents=True, exist_ok=True)
shutil.copy("mnist_cnn.keras", "keras_model/1")
Path("no_version").mkdir(exist_ok=True)

with serving("serving_start", f'{SERVER} --model_base_path="$PWD/saved_model"', named=True):
    ask("serving_status", "curl --silent http://localhost:8501/v1/models/mnist")
    run("rest_client", "python rest_client.py --status")
    run("rest_columns", "python rest_client.py --columns --version 1")
    run("digits_json", "python digits_json.py", writes=["digits.json"])
    run("rest_javascript", "node rest_client.mjs digits.json")
    ask("serving_curl", "sh serving_curl.sh")
    run("grpc_client", "python grpc_client.py")
    provoke("rest_unknown_model", "python rest_client.py --model nope")
    provoke("rest_unknown_version", "python rest_client.py --version 99")
    provoke("rest_unknown_signature", "python rest_client.py --signature nope")
    provoke("rest_no_channel", "python rest_client.py --raw")
    shape = '{"instances": [[[[0.5], [0.5]], [[0.5], [0.5]]]]}'
    predict = "curl --silent http://localhost:8501/v1/models/mnist:predict --data"
    ask("rest_wrong_shape", f"{predict} '{shape}'")
    ask("rest_wrong_type", f"""{predict} '{{"instances": ["7"]}}'""")
    ask("rest_wrong_key", f"""{predict} '{{"images": []}}'""")
    provoke("grpc_unknown_signature", "python grpc_client.py --signature nope")
    provoke("grpc_wrong_input", "python grpc_client.py --input picture")
    run(
        "compare_interfaces", "python compare_interfaces.py --seconds 1", writes=["interfaces.json"]
    )
    with serving(
        "serving_port_in_use",
        "python model_server.py --rest_api_port=8501 --port=8510 --model_name=mnist"
        ' --model_base_path="$PWD/saved_model"',
        until="Entering the event loop",
    ):
        pass
    with serving(
        "serving_no_version",
        "python model_server.py --rest_api_port=8511 --port=8510 --model_name=mnist"
        ' --model_base_path="$PWD/no_version"',
        until="No versions of servable",
    ):
        pass
provoke("rest_no_server", "python rest_client.py --rest http://localhost:8509")
refuse("serving_relative_path", f"{SERVER} --model_base_path=saved_model")
refuse(
    "serving_keras_folder",
    f'{SERVER} --model_base_path="$PWD/keras_model" --max_num_load_retries=0',
)
shutil.rmtree("keras_model")
Path("no_version").rmdir()
# sphinx_gallery_end_ignore

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
