"""Builds and programs that are killed, that meet each other or a full disk."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from recordings.engine.site import Site
from recordings.engine.store import Store
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


def test_a_program_that_is_saved_while_it_runs_runs_again(tmp_path: Path) -> None:
    site = GatedSite(tmp_path, "first.py")
    build = site.start()
    site.wait_until_held()
    for name in ("first", "second"):
        site.replace(f"docs/_static/code/stage/{name}.py", 'print("', 'print("new ')
    site.open_gate()
    said = build.communicate()[0]
    assert build.returncode == 0, said
    assert sorted(site.ran()) == ["first", "first", "second"], "the second wants it as it is now"
    site.build()
    assert site.ran() == []
    assert "new first: some words" in site.html("index")
    assert "new second: a" in site.html("gallery/plot_two")


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
        ("Path('a.txt').unlink()", "plot_one.first did not write a.txt"),
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
    expected = ["$ python first.py", "first: some words letters", "used", "native"]
    assert output.splitlines() == [*expected, "done a.txt", "from a child"]


def mounting_is_allowed() -> bool:
    """Return whether a test may mount a small file system of its own."""
    probe = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs none /mnt"]
    return shutil.which("unshare") is not None and subprocess.run(probe).returncode == 0


def in_small_folder(folder: Path, command: str, then: str = "true") -> tuple[int, str, set[str]]:
    """Run a program in a file system of 6 MiB; return exit code, output and the files left."""
    for name, path in Site(ROOT).programs().items():
        (folder / name).parent.mkdir(exist_ok=True)
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


def test_the_real_training_killed_leaves_no_recording(tmp_path: Path) -> None:
    """What the small sites above show for every point, once with the real programs."""
    tree = tmp_path / "site"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(tree)], check=True)
    code = """
from pathlib import Path
from recordings.engine.recorder import Recorder
from recordings.engine.site import Site
recorder = Recorder(Site(Path.cwd()))
recipe = next(r for r in recorder.recipes() if "mnist_cnn.h5" in r.writes)
recorder.find(recipe, runs=True)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tree,
        env={**os.environ, "MNIST_DATA": "digits"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    assert any("step " in line for line in iter(process.stdout.readline, ""))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert Store(Site(tree).store).recordings() == []
    assert list(tree.glob("build/workspace/*")) == []


def test_a_damaged_recording_is_made_again(tmp_path: Path) -> None:
    site = MiniSite(tmp_path)
    site.record()
    assert site.ran() == ["first", "second"]
    artifact = next(site.root.glob("build/store/*/files/a.txt"))
    for damage in (b"", b"b"):
        artifact.write_bytes(damage)
        (site.root / "build/workspace/a.txt").unlink()
        site.record()
        assert site.ran() == ["first"]
        assert (site.root / "build/workspace/a.txt").read_text() == "a"


def test_the_store_is_bounded(tmp_path: Path) -> None:
    store = Store(tmp_path, limit=250)
    for number, key in enumerate("abcd"):
        with store.add(key, {}) as folder:
            (folder / "outputs").write_bytes(bytes(100))
        os.utime(tmp_path / key, (number, number))
    assert store.get("a"), "now it was used last"
    size = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    store.limit = size // 2
    store.trim()
    left = {recording.key for recording in store.recordings()}
    assert "a" in left
    assert not {"b", "c"} & left


def test_what_a_killed_build_left_in_the_store_goes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for name, age in (("old", 7200), ("new", 0)):
        folder = tmp_path / f".partial-{name}"
        (folder / "key").mkdir(parents=True)
        os.utime(folder, (time.time() - age,) * 2)
    store.trim()
    assert [path.name for path in tmp_path.iterdir()] == [".partial-new"], "somebody may fill it"


def test_two_stores_in_one_folder_do_not_meet(tmp_path: Path) -> None:
    one, two = Store(tmp_path), Store(tmp_path)
    with one.add("key", {"by": "one"}) as mine, two.add("key", {"by": "two"}) as theirs:
        (mine / "a").write_text("one")
        (theirs / "a").write_text("two")
        assert one.get("key") is None, "not there before it is whole"
    recording = one.get("key")
    assert recording
    assert recording.facts["by"] == (recording.folder / "a").read_text() == "two"
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
