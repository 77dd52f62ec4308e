"""Configuration of Sphinx. What needs logic is an extension in sphinxext/."""

import os
import sys
from pathlib import Path

from sphinx_gallery.sorting import ExplicitOrder

sys.path.insert(0, str(Path(__file__).parent))

project = "TensorFlow 模型部署"
author = "TensorFlow 模型部署的作者们"
version = "2026"  # of the books

# Each language: its name, the folder that its pages are built into, the title of the site in it.
languages = {
    "zh_CN": {"tag": "zh-CN", "name": "中文", "folder": "", "title": "TensorFlow 模型部署"},
    "en": {"tag": "en", "name": "English", "folder": "en/", "title": "Deploying TensorFlow Models"},
}
language = os.environ.get("SITE_LANGUAGE", "zh_CN")

# Known when the site is published only: its address, and its repository, OWNER/NAME.
site_url = os.environ["SITE_URL"].rstrip("/") + "/" if os.environ.get("SITE_URL") else ""
repository = os.environ.get("SITE_REPOSITORY", "")

moved = {"serving": "serving/index"}  # pages of old, and where they are now

extensions = [
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "sphinxext.gallery",
    "sphinxext.plots",
    "sphinxext.cards",
    "sphinxext.compatibility",
    "sphinxext.console",
    "sphinxext.outputs",
    "sphinxext.provenance",
    "sphinxext.results",
    "sphinxext.downloads",
    "sphinxext.errors",
    "sphinxext.demo",
    "sphinxext.search",
    "sphinxext.anchors",
    "sphinxext.description",
    "sphinxext.address",
    "sphinxext.assets",
    "sphinxext.markdown",
    "sphinxext.notebooks",
    "sphinxext.books",
    "sphinxext.incremental",
]
nitpicky = True
exclude_patterns = ["**/__pycache__", "_static/code/**/*.md"]
templates_path = [str(Path(__file__).parent / "docs" / "_templates")]  # gettext wants it absolute

# The order in which the pages run: each reads what earlier ones wrote.
gallery_pages = [
    "plot_train",
    "plot_export",
    "plot_convert",
    "plot_inspect",
    "plot_litert",
    "plot_interpret",
    "plot_android",
    "plot_linux",
    "plot_micro",
    "plot_serving",
    "plot_versions",
    "plot_javascript",
    "plot_own_model",
    "plot_check",
    "plot_matrix",
    "plot_errors",
]
sphinx_gallery_conf = {
    "examples_dirs": "../build/workspace",  # the pages lie there as links, beside what they read
    "gallery_dirs": "gallery",
    "ignore_pattern": r"^(?!plot_)",
    "within_subsection_order": ExplicitOrder([f"{page}.py" for page in gallery_pages]),
    "reset_modules": ("matplotlib", "sphinxext.plots.use_style"),
    "image_scrapers": ("sphinxext.plots.scrape",),
    "capture_repr": (),
    "abort_on_example_error": True,
    "notebook_extensions": set(),
    "write_computation_times": False,
    "download_all_examples": False,
    "min_reported_time": float("inf"),  # a time on the page would differ in each build
    "show_memory": False,
    "show_signature": False,
}

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3
myst_heading_anchors_html_ids = language == "zh_CN"  # links of old lead to these
copybutton_prompt_text = "$ "

locale_dirs = ["../locale"]
gettext_compact = False
gettext_location = False
gettext_uuid = False

html_theme = "furo"
html_title = languages[language]["title"]
html_baseurl = site_url and site_url + languages[language]["folder"]
html_context = {
    "languages": languages,
    "site_url": site_url,
    "repository": repository,
}
html_static_path = [
    "docs/_static",
    "node_modules/sortable-tablesort/dist/standalone/sortable.min.js",
]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": ""}), ("copy_page.js", {"defer": ""})]
html_favicon = "docs/_static/favicon.svg"
html_copy_source = False
html_use_index = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {
    "light_css_variables": {
        "font-stack": "system-ui, -apple-system, 'Segoe UI', 'PingFang SC', 'Microsoft YaHei',"
        " 'Noto Sans CJK SC', 'Noto Sans SC', sans-serif",
        "color-brand-primary": "#b3500a",
        "color-brand-content": "#a8480a",
    },
    "dark_css_variables": {
        "color-brand-primary": "#ffab6b",
        "color-brand-content": "#ffab6b",
    },
}
if repository:  # the theme links to the source of a page, to edit it
    html_theme_options |= {
        "source_repository": f"https://github.com/{repository}",
        "source_branch": "main",
        "source_directory": "docs/",
        "top_of_page_buttons": ["edit"],
    }
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/languages.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}

epub_title = html_title
epub_author = epub_publisher = epub_contributor = {"zh_CN": author}.get(
    language, "The authors of " + html_title
)
epub_language = languages[language]["tag"]
epub_basename = "tutorial"
epub_identifier = epub_uid = "tutorial"
epub_scheme = "ID"
epub_copyright = "CC BY 4.0, Apache-2.0"
epub_description = html_title
epub_css_files = ["book.css"]
epub_show_urls = "no"
epub_tocdepth = 2
epub_tocdup = False

linkcheck_ignore: list[str] = []  # each pattern with its reason
linkcheck_retries = 3
linkcheck_timeout = 20
