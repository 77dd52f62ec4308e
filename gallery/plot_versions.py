"""
版本、标签与多个模型
====================

这一页在不停提问的同时换上模型的新版本，再退回来；给版本贴标签；让一个服务器同时提供两个模型；最后看看它的计数。逐步的说明见 :doc:`/serving/versions`。
"""

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_versions")
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
