"""Find a Chromium: the named one, the system's, or the one that an npm package carries."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
ARGUMENTS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
# It unpacks itself to the temporary folder and prints where to.
UNPACK = (
    "import('@sparticuz/chromium').then(async (m) => console.log(await m.default.executablePath()))"
)


def browser_path() -> str | None:
    """Return the path of a Chromium, or None where there is none of the three."""
    found = (shutil.which(name) for name in NAMES)
    return os.environ.get("BROWSER_PATH") or next((p for p in found if p), None) or from_npm()


def from_npm() -> str | None:
    """Return the Chromium of @sparticuz/chromium, unpacked, or None."""
    node = shutil.which("node")
    if node is None:
        return None
    done = subprocess.run([node, "-e", UNPACK], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip().splitlines()[-1] if done.returncode == 0 else None
