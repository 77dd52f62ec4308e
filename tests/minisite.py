"""A site of two small pages, built by the project's own configuration and extensions.

The recipe of `plot_one` runs `first.py`, which reads `words.txt` and the dataset, imports the
package `letters` and writes `a.txt`; that of `plot_two` runs `second.py`, which reads `a.txt`. Each
program adds its name to the file RUNS outside of the site, so that a test sees what ran.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

FILES = {
    "conf.py": f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
exec(open({str(ROOT / "conf.py")!r}).read())
gallery_pages = ["plot_one", "plot_two"]
sphinx_gallery_conf["within_subsection_order"] = "FileNameSortKey"
templates_path, html_static_path, html_css_files, html_js_files = [], [], [], []
extensions.remove("sphinxext.address")  # its pages are templates
html_theme, html_theme_options, html_sidebars, html_favicon = "basic", {{}}, {{}}, None
""",
    "docs/index.md": """
# Start

正文。

```{console} first
```

```{toctree}
gallery/index
```
""",
    "gallery/GALLERY_HEADER.rst": "Pages\n=====\n",
    "gallery/plot_one.py": '''"""
One
===

The first sentence.
"""

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_one")
# sphinx_gallery_end_ignore

# %%
# A picture:
import matplotlib.pyplot as plt

plt.figure("A blank", figsize=(1, 1))  # small
''',
    "gallery/plot_two.py": '''"""
Two
===

The second sentence.
"""

# sphinx_gallery_start_ignore
if "sphinx" in __import__("sys").modules:  # a reader has the files already
    __import__("recordings").take("plot_two")
# sphinx_gallery_end_ignore

# %%
# Its output:
#
# .. console:: second
''',
    "recordings/plot_one.py": '''"""Run the first program."""
from recordings.engine import recipe


@recipe(
    uses=["first.py", "words.txt"], writes=["a.txt"], tools=["frob"], dataset=True
)
def first(run):
    # a comment
    run("first", "python first.py")
''',
    "recordings/plot_two.py": '''"""Run the second program."""
from recordings.engine import recipe


@recipe(uses=["second.py"], reads=["a.txt"])
def second(run):
    run("second", "python second.py")
''',
    "docs/_static/code/modelsave/requirements.txt": "letters\n",
    "docs/_static/code/stage/first.py": '''"""Write a.txt."""
import os
from pathlib import Path

import letters
import mnist_data
from shared import used

# a comment
with open(os.environ["RUNS"], "a") as runs:
    runs.write("first\\n")
Path("a.txt").write_text("a")
mnist_data.read()
print("first:", Path("words.txt").read_text().strip(), letters.NAME)
print(used())
''',
    "docs/_static/code/stage/second.py": '''"""Read a.txt."""
import os
from pathlib import Path

with open(os.environ["RUNS"], "a") as runs:
    runs.write("second\\n")
print("second:", Path("a.txt").read_text())
''',
    "docs/_static/code/stage/mnist_data.py": '''"""Stand in for the real one."""
from pathlib import Path

import os

KERAS_FILE = Path("nowhere")


def read():
    """Want a dataset."""
    if not os.environ["MNIST_DATA"].endswith((".npz", "digits")):
        raise FileNotFoundError(os.environ["MNIST_DATA"])


def download(path):
    """Find no network."""
    return False
''',
    "docs/_static/code/stage/shared.py": '''"""Definitions for several programs."""
# a comment


def used():
    """Return what one program prints."""
    return "used"


def unused():
    """Return what nobody wants."""
    return "unused"
''',
    "docs/_static/code/stage/words.txt": "some words",
    "locale/en/LC_MESSAGES/index.po": 'msgid "正文。"\nmsgstr "The text."\n',
    "../packages/letters.py": 'NAME = "letters"\n',
    "../packages/letters-1.0.dist-info/METADATA": (
        "Metadata-Version: 2.1\nName: letters\nVersion: 1.0\nRequires-Dist: vowels\n"
    ),
    "../packages/letters-1.0.dist-info/RECORD": "letters.py,,\nletters-1.0.dist-info/METADATA,,\n",
    "../packages/letters-1.0.dist-info/top_level.txt": "letters\n",
    "../packages/vowels-1.0.dist-info/METADATA": (
        "Metadata-Version: 2.1\nName: vowels\nVersion: 1.0\n"
    ),
    "../packages/apart-1.0.dist-info/METADATA": (
        "Metadata-Version: 2.1\nName: apart\nVersion: 1.0\n"
    ),
    "../tools/frob": "#!/bin/sh\necho frob 1.0\n",
    "../dataset.npz": "digits",
}


RECORD = """
from pathlib import Path
from recordings.engine.recorder import Recorder
from recordings.engine.site import Site

recorder = Recorder(Site(Path.cwd()))
for recipe in recorder.recipes():
    recorder.publish([recorder.find(recipe, runs=True)])
"""


class MiniSite:
    """The site in a folder of its own, with the commands that the tests need."""

    def __init__(self, folder: Path) -> None:
        """Write the files into `folder`/site."""
        self.root = folder / "site"
        self.runs = folder / "runs"
        self.runs.touch()
        for name, text in FILES.items():
            self.write(name, text)
        (folder / "tools" / "frob").chmod(0o755)
        self.environment = {
            **os.environ,
            "RUNS": str(self.runs),
            "PYTHONPATH": str(folder / "packages"),
            "PATH": f"{folder / 'tools'}{os.pathsep}{os.environ['PATH']}",
            "MNIST_DATA": str(folder / "dataset.npz"),
            "HOME": str(folder),
        }
        library = "node_modules/minisearch"  # the search needs it
        target = self.root / library
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to((ROOT / library).resolve())

    def write(self, name: str, text: str) -> None:
        """Write a file of the site."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def replace(self, name: str, old: str, new: str) -> None:
        """Replace text that must be in a file."""
        text = (self.root / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def command(self, *options: str, builder: str = "html", language: str = "zh_CN") -> list[str]:
        """Return the command that builds one language, as the Makefile does."""
        out = "html/en" if language == "en" else builder
        return [
            *(sys.executable, "-m", "sphinx", "-n", "-W", "--keep-going", "-c", ".", "-b", builder),
            *("-D", f"gallery_run={'none' if language == 'en' else 'stale'}"),
            *("-D", f"language={language}", "-d", f"build/doctrees/{builder}-{language}"),
            *(*options, "docs", f"build/{out}"),
        ]

    def start(self, *options: str, **how: str) -> subprocess.Popen[str]:
        """Start a build and return its process."""
        return subprocess.Popen(
            self.command(*options, **how),
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def build(self, *options: str, fails: bool = False, **how: str) -> str:
        """Build, and return what the build said."""
        process = self.start(*options, **how)
        said = process.communicate()[0]
        assert bool(process.returncode) == fails, said
        return said

    def record(self, *, fails: bool = False) -> str:
        """Make all recordings, without Sphinx; return what was said."""
        (self.root / "build").mkdir(exist_ok=True)
        done = subprocess.run(
            [sys.executable, "-c", RECORD],
            cwd=self.root,
            env={**self.environment, "PYTHONPATH": f"{self.environment['PYTHONPATH']}:{ROOT}"},
            capture_output=True,
            text=True,
        )
        said = done.stdout + done.stderr
        assert bool(done.returncode) == fails, said
        return said

    def ran(self) -> list[str]:
        """Return the programs that ran since the last call."""
        names = self.runs.read_text().split()
        self.runs.write_text("")
        return names

    def html(self, page: str, language: str = "zh_CN") -> str:
        """Return a page of the built site."""
        folder = "build/html/en" if language == "en" else "build/html"
        return (self.root / folder / f"{page}.html").read_text(encoding="utf-8")
