"""Builds and programs that are killed, that meet each other or a full disk."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from recordings.documented import Documented
from sphinxext.layout import Site
from tests.minisite import ROOT, MiniSite

# Says that it got here, then blocks until the test opens the gate; without a gate it goes on.
GATE = """
import os
if os.path.exists(os.environ["GATE"]):
    open(os.environ["HERE"], "w").close()
    open(os.environ["GATE"]).read()
"""


class GatedSite(MiniSite):
    """A small site in which a program, or the writing of a page, can be held at a gate."""

    def __init__(self, folder: Path, held: str) -> None:
        """Hold `held`: the program `first.py` or the file `conf.py`."""
        super().__init__(folder)
        self.gate, self.here = folder / "gate", folder / "here"
        os.mkfifo(self.gate)
        os.mkfifo(self.here)
        self.environment |= {"GATE": str(self.gate), "HERE": str(self.here)}
        if held == "first.py":
            self.replace("docs/_static/code/stage/first.py", "import os\n", GATE)
        else:
            hold = GATE.strip().replace("\n", "\n    ")
            text = f"\ndef hold(*_):\n    {hold}\n"
            text += "\ndef setup(app):\n    app.connect('html-page-context', hold)\n"
            self.write("conf.py", (self.root / "conf.py").read_text() + text)

    def wait_until_held(self) -> None:
        """Return when the build is at the gate."""
        self.here.open().read()

    def open_gate(self) -> None:
        """Let who waits at the gate go on, and nobody wait there again."""
        with self.gate.open("w"):
            self.gate.unlink()


def pages(site: MiniSite) -> dict[str, str]:
    """Return the html files of a site by name."""
    folder = site.root / "build" / "html"
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.html")}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    site = MiniSite(tmp_path_factory.mktemp("undisturbed"))
    site.build()
    return pages(site)


@pytest.mark.parametrize("held", ["first.py", "conf.py"])
def test_a_killed_build_is_made_good(
    tmp_path: Path, held: str, undisturbed: dict[str, str]
) -> None:
    site = GatedSite(tmp_path, held)
    build = site.start()
    site.wait_until_held()
    build.send_signal(signal.SIGKILL)
    if held == "conf.py":
        site.gate.unlink()  # nobody waits there any more
        (site.root / "build" / "html" / "index.html").write_text("<html><bo")  # half written
    following = site.start()
    if held == "first.py":  # its orphan still writes into the workspace
        assert following.stdout
        lines = iter(following.stdout.readline, "")
        assert any("another build is running" in line for line in lines)
        site.open_gate()
    said = following.communicate()[0]
    assert following.returncode == 0, said
    assert pages(site) == undisturbed


def test_two_builds_at_once_take_turns(tmp_path: Path, undisturbed: dict[str, str]) -> None:
    site = GatedSite(tmp_path, "first.py")
    one = site.start()
    site.wait_until_held()
    two = site.start()
    assert two.stdout
    lines = iter(two.stdout.readline, "")
    assert any(f"another build is running (process {one.pid})" in line for line in lines)
    site.open_gate()
    for build in (one, two):
        said = build.communicate()[0]
        assert build.returncode == 0, said
    assert site.ran() == ["first", "second"]
    assert pages(site) == undisturbed


def test_a_failing_page_fails_the_build(tmp_path: Path) -> None:
    site = MiniSite(tmp_path)
    site.replace("docs/_static/code/stage/second.py", "with open", "raise SystemExit(3)\nwith open")
    assert "ended with exit code 3, not 0" in site.build(fails=True)
    site.replace("docs/_static/code/stage/second.py", "raise SystemExit(3)\n", "")
    site.ran()
    site.build()
    assert site.ran() == ["second"], "the first page was whole"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import warnings; warnings.warn('old', DeprecationWarning)", "DeprecationWarning"),
        ("print('WARNING: frob is deprecated')", "uses something deprecated"),
        ("Path('a.txt').unlink()", "did not write a.txt"),
    ],
)
def test_what_run_refuses(tmp_path: Path, code: str, message: str) -> None:
    site = MiniSite(tmp_path)
    program = site.root / "docs/_static/code/stage/first.py"
    program.write_text(program.read_text() + code + "\n")
    assert message in site.build(fails=True)


def test_what_reaches_the_page(tmp_path: Path) -> None:
    """All streams in their order, without progress, noise and the paths of this machine."""
    site = MiniSite(tmp_path)
    program = site.root / "docs/_static/code/stage/first.py"
    program.write_text(
        program.read_text()
        + """
import subprocess, sys
os.write(2, b"native\\n")
print("50 %", end="\\r")
print("done", Path("a.txt").absolute())
subprocess.run(["sh", "-c", "echo from a child"])
print("I0000 00:00:1795389638.436325    8103 port.cc:153] oneDNN is on.", file=sys.stderr)
"""
    )
    site.build()
    output = (site.root / "build/outputs/first.txt").read_text()
    expected = ["$ python first.py", "first: some words letters", "native"]
    assert output.splitlines() == [*expected, "done a.txt", "from a child"]


def mounting_is_allowed() -> bool:
    """Return whether a test may mount a small file system of its own."""
    probe = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs none /mnt"]
    return shutil.which("unshare") is not None and subprocess.run(probe).returncode == 0


def in_small_folder(folder: Path, command: str, then: str = "true") -> tuple[int, str, set[str]]:
    """Run a program in a file system of 6 MiB; return exit code, output and the files left."""
    for name, path in Site(ROOT).programs().items():
        shutil.copy(path, folder / name)
    script = f"""
        mount -t tmpfs -o size=6m none {folder}/disk && cp {folder}/*.py {folder}/disk
        cd {folder}/disk && {then}
        {command} > {folder}/said 2>&1; echo $? > {folder}/status; ls -A > {folder}/left"""
    (folder / "disk").mkdir()
    environment = {**os.environ, "MNIST_DATA": "digits", "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(["unshare", "-rm", "sh", "-c", script], env=environment, check=True)
    left = {name for name in (folder / "left").read_text().split() if not name.endswith(".py")}
    return int((folder / "status").read_text()), (folder / "said").read_text(), left


needs_mount = pytest.mark.skipif(
    not mounting_is_allowed(), reason="this user may not mount a file system"
)


@needs_mount
def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    status, said, left = in_small_folder(tmp_path, f"{sys.executable} mnist_cnn.py --epochs 1")
    assert status == 1
    error = "mnist_cnn.py: error: cannot write mnist_cnn.keras: no space left on the disk;"
    assert said.splitlines()[-1].startswith(error), said
    assert left == set()


@needs_mount
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    command = f"""{sys.executable} -c "
from artifacts import run, whole
def main():
    with whole('a.txt') as path:
        path.write_text('a')
run(main)" """
    status, said, left = in_small_folder(tmp_path, command, then="mount -o remount,ro .")
    assert status == 1
    assert "error: cannot write a.txt: the folder is not writable" in said
    assert left == set()


def test_the_real_site_killed_in_training_and_in_conversion(tmp_path: Path) -> None:
    """Two real pages on the embedded digits; what they print then is what is documented."""
    tree = tmp_path / "site"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(tree)], check=True)
    (tree / "docs" / "index.md").write_text("# Two pages\n")
    conf = (tree / "conf.py").read_text()
    short = 'gallery_pages = ["plot_train", "plot_convert"]\n'
    ignored = 'exclude_patterns += ["[a-hj-z]*.md", "lite", "gallery"]\nnitpicky = False\n'
    (tree / "conf.py").write_text(conf + short + ignored)
    for page, names in {"train": ["mnist_cnn"], "convert": ["convert"]}.items():
        path = tree / "gallery" / f"plot_{page}.py"
        runs = {
            "mnist_cnn": 'run("mnist_cnn", "python mnist_cnn.py", deprecated="HDF5",'
            ' writes=["mnist_cnn.h5", "mnist_cnn.keras"])',
            "convert": 'run("convert", "python convert.py", writes=["mnist_cnn.tflite"])',
        }
        code = "\n".join(runs[name] for name in names)
        path.write_text(f'"""\n{page}\n=====\n"""\nfrom sphinxext.runner import run\n{code}\n')

    def build() -> subprocess.Popen[str]:
        options = ["-c", ".", "-b", "html", "-d", "build/doctrees", "docs", "build/html"]
        return subprocess.Popen(
            [sys.executable, "-m", "sphinx", *options],
            cwd=tree,
            env={**os.environ, "MNIST_DATA": "digits"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def kill_at(process: subprocess.Popen[str], words: str) -> None:
        assert process.stdout
        said = ""
        for line in iter(process.stdout.readline, ""):
            said += line
            if words in line:
                process.kill()
                process.wait()
                return
        pytest.fail(f"the build never said {words!r}:\n{said}")

    kill_at(build(), "epoch ")
    assert not (tree / "build/records/plot_train.json").exists()
    kill_at(build(), "python convert.py")
    assert (tree / "build/records/plot_train.json").exists()
    assert not (tree / "build/records/plot_convert.json").exists()
    last = build()
    said = last.communicate()[0]
    assert last.returncode == 0, said
    assert "plot_train runs" not in said, "what was whole is kept"
    for name in ("mnist_cnn", "convert"):
        problem = Documented(tree).problem(name)
        assert problem is None, problem.plain()
