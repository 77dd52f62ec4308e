"""
版本、标签与多个模型
====================

这一页在不停提问的同时换上模型的新版本，再退回来；给版本贴标签；让一个服务器同时提供两个模型；最后看看它的计数。逐步的说明见 :doc:`/serving/versions`。
"""

# sphinx_gallery_start_ignore
import shutil
from pathlib import Path

from sphinxext.runner import provoke, run
from sphinxext.server import ask, serving


def tidy():
    for folder in ("saved_model/2", "saved_model/3", "saved_model/withdrawn-3", "new_version"):
        shutil.rmtree(folder, ignore_errors=True)
    Path("models.config").unlink(missing_ok=True)


tidy()  # what a killed build left
with serving(
    "versions_start",
    "python model_server.py --rest_api_port=8501 --port=8500"
    ' --model_name=mnist --model_base_path="$PWD/saved_model"'
    ' --enable_batching --batching_parameters_file="$PWD/batching.config"'
    ' --monitoring_config_file="$PWD/monitoring.config"',
):
    run("new_version", "cp -r saved_model/1 new_version")
    run("write_warmup", "python write_warmup.py --saved_model new_version")
    run("roll_version", "python roll_version.py --source new_version --to 2")
    run("roll_back", "python roll_version.py --to 3 --back")
    run("model_config", "python model_config.py --versions 1 2")
    run("reload_config", "python reload_config.py")
    run("model_config_labels", "python model_config.py --labels stable=1 canary=2")
    run("models_config", "cat models.config")
    run("reload_labels", "python reload_config.py")
    run("rest_stable", "python rest_client.py --status --label stable")
    run("rest_canary", "python rest_client.py --label canary")
    run("rest_raw", "python rest_client.py --model digit_reader --raw")
    run("rest_png", "python rest_client.py --model digit_reader --signature read_png")
    provoke("rest_unknown_label", "python rest_client.py --label beta")
    run("model_config_early", "python model_config.py --labels stable=1 canary=9")
    provoke("reload_config_early", "python reload_config.py")
    ask("metrics", "curl --silent http://localhost:8501/monitoring/prometheus/metrics")
tidy()
run("check_compose", "check-jsonschema --builtin-schema vendor.compose-spec serving_compose.yaml")
run("check_kubernetes", "kubernetes-validate --strict serving_kubernetes.yaml")
# sphinx_gallery_end_ignore

# %%
# 换版本
# ------
#
# 新版本先复制到旁边，写好预热请求，再改名就位：
#
# .. console:: write_warmup
#
# .. console:: roll_version
#
# 退回去，就是把新版本的文件夹改成不是数字的名字：
#
# .. console:: roll_back
#
# 标签与多个模型
# --------------
#
# .. console:: models_config
#
# .. console:: reload_config
#
# .. console:: rest_stable
#
# .. console:: rest_raw
#
# .. console:: rest_png
#
# 计数
# ----
#
# .. console:: metrics
#    :match: request_count|model_warmup
