"""A strict content security policy in each page: scripts of the site's own files, nothing else.

What Sphinx and its extensions load on every page and ours have no use for is left out, above all
translations.js, which evaluates a string.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

# The theme's script in each page, which chooses dark or light before anything is drawn. When it
# changes, browsers say so on the console, and tests/test_browser.py hears it.
THEME = "'sha256-ySvT2PEZeueHGC1y2crNuNTfphBynFPP7i+U21fEgX0='"
POLICY = "; ".join(
    [
        "default-src 'none'",
        f"script-src 'self' 'wasm-unsafe-eval' {THEME}",
        "style-src 'self' 'unsafe-inline'",  # the theme's colors, the widths of columns
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "base-uri 'self'",
        "form-action 'self'",
    ]
)
UNUSED = {"translations.js", "doctools.js", "sphinx_highlight.js", "sg-tags.js"}


def protect(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: object) -> None:
    """Hand the policy to the template, and only the scripts that are used (html-page-context)."""
    context["policy"] = POLICY
    scripts = context["script_files"]
    used = [s for s in scripts if str(s.filename).rpartition("/")[2] not in UNUSED]
    context["script_files"] = used


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("html-page-context", protect, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
