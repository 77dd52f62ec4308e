"""The environment of the converter: what it shares with that of TensorFlow, and what it does not.

pip works offline here, on packages of a few bytes; the build sets the real environment up.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest
import tfjs_convert
from artifacts import ProgramError

from recordings.engine.site import Site
from tests.minisite import ROOT

PROGRAMS = Site(ROOT).programs()


def scripts(environment: Path) -> Path:
    return Path(sysconfig.get_path("scripts", "venv", {"base": str(environment)}))


def packages(environment: Path) -> Path:
    return Path(sysconfig.get_path("purelib", "venv", {"base": str(environment)}))


def wheel(folder: Path, name: str, version: str) -> str:
    """Write a package that says where it is from, with a command; return its locked requirement."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"def main():\n    print({version!r}, __file__)\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name}_command = {name}:main\n",
    }
    record = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(file, text)
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


class Reader:
    """A reader's folder with tfjs_env.py, an environment `.venv`, and packages to install."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.wheels = folder, folder / "wheels"
        self.wheels.mkdir(parents=True)
        for name in ("tfjs_env.py", "artifacts.py"):
            shutil.copy(PROGRAMS[name], folder / name)
        self.call(sys.executable, "-m", "venv", "--without-pip", ".venv")
        pip = distribution("pip")
        for name in ("pip", f"pip-{pip.version}.dist-info"):
            (packages(folder / ".venv") / name).symlink_to(str(pip.locate_file(name)))

    def call(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command in the folder; pip finds nothing but the packages here."""
        pip = {
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
            "PIP_CONFIG_FILE": os.devnull,
        }
        inherited = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        return subprocess.run(
            command, cwd=self.folder, env={**inherited, **pip}, capture_output=True, text=True
        )

    def has(self, name: str, version: str, environment: str = ".venv") -> None:
        """Put a package into an environment, as pip leaves it."""
        wheel(self.wheels, name, version)
        with zipfile.ZipFile(self.wheels / f"{name}-{version}-py3-none-any.whl") as archive:
            archive.extractall(packages(self.folder / environment))

    def locks(self, *requirements: str) -> None:
        (self.folder / "requirements-tfjs.txt").write_text("".join(requirements))

    def sets_up(self, *arguments: str, by: str = ".venv") -> subprocess.CompletedProcess[str]:
        """Run tfjs_env.py with the Python of an environment."""
        return self.call(scripts(self.folder / by) / "python", "tfjs_env.py", *arguments)

    def imports(self, name: str, environment: str = "tfjs-env") -> list[str]:
        """Return the version of a package that an environment imports, and where it lies."""
        python = scripts(self.folder / environment) / "python"
        done = self.call(python, "-c", f"import {name}; {name}.main()")
        assert done.returncode == 0, done.stderr
        version, path = done.stdout.split(maxsplit=1)
        return [version, Path(path).relative_to(self.folder).parts[0]]


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path.resolve() / "数字")  # no path of pure ASCII


def test_what_tensorflows_environment_has_is_not_installed_again(reader: Reader) -> None:
    reader.has("tensorflow", "2.0")
    reader.has("common", "1.0")
    reader.has("differing", "1.0")
    before = sorted(packages(reader.folder / ".venv").rglob("*"))
    new, differing = (wheel(reader.wheels, name, "3.0") for name in ("new", "differing"))
    missing = [f"{name} --hash=sha256:{'0' * 64}\n" for name in ("tensorflow==2.0", "common==1.0")]
    reader.locks(*missing, differing, new)
    for _ in range(2):  # the second time it has nothing to do
        done = reader.sets_up()
        assert done.returncode == 0, done.stderr
        assert done.stdout == "tfjs-env has tensorflowjs_converter\n"
        assert done.stderr == ""
        assert reader.imports("tensorflow") == ["2.0", ".venv"]
        assert reader.imports("common") == ["1.0", ".venv"]
        assert reader.imports("differing") == ["3.0", "tfjs-env"]
        assert reader.imports("new") == ["3.0", "tfjs-env"]
    command = reader.call(scripts(reader.folder / "tfjs-env") / "new_command")
    assert command.stdout.startswith("3.0 "), command.stderr
    assert reader.imports("differing", ".venv") == ["1.0", ".venv"]
    left = [
        path for path in packages(reader.folder / ".venv").rglob("*") if "pycache" not in str(path)
    ]
    assert sorted(left) == before, "the environment of TensorFlow has changed"

    # The reader upgrades one of them, and runs the program again.
    shutil.rmtree(packages(reader.folder / ".venv") / "common-1.0.dist-info")
    reader.has("common", "2.0")
    reader.locks(*missing[:1], wheel(reader.wheels, "common", "1.0"), differing, new)
    assert reader.sets_up().returncode == 0
    assert reader.imports("common") == ["1.0", "tfjs-env"]
    assert reader.imports("common", ".venv") == ["2.0", ".venv"]


def test_where_there_is_no_tensorflow_everything_is_installed(reader: Reader) -> None:
    reader.has("tensorflow", "2.0")
    reader.has("common", "1.0")
    names = {"tensorflow": "2.0", "common": "1.0", "tensorflowjs": "4.0"}
    reader.locks(*(wheel(reader.wheels, name, version) for name, version in names.items()))
    done = reader.sets_up()
    assert done.returncode == 0, done.stderr
    assert reader.imports("tensorflow") == ["2.0", ".venv"]

    # The same folder, but now from an environment that has lost it.
    shutil.rmtree(packages(reader.folder / ".venv") / "tensorflow-2.0.dist-info")
    done = reader.sets_up()
    assert done.returncode == 0, done.stderr
    for name, version in names.items():
        assert reader.imports(name) == [version, "tfjs-env"]
    python = scripts(reader.folder / "tfjs-env") / "python"
    stub = reader.call(python, "-c", "import tensorflow_decision_forests")
    assert stub.returncode == 0, stub.stderr


def test_a_converter_beside_tensorflow_does_not_keep_the_command_away(reader: Reader) -> None:
    names = ("tensorflow", "tensorflowjs")
    for name in names:
        reader.has(name, "1.0")
    reader.locks(*(wheel(reader.wheels, name, "1.0") for name in names))
    done = reader.sets_up()
    assert done.returncode == 0, done.stderr
    command = reader.call(scripts(reader.folder / "tfjs-env") / "tensorflowjs_command")
    assert command.stdout.startswith("1.0 "), command.stderr


def fails(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("tfjs_env.py: error: "), done.stderr
    for word in words:
        assert word in last


def test_what_does_not_match_its_hash_is_not_installed(reader: Reader) -> None:
    reader.has("tensorflow", "2.0")
    good = wheel(reader.wheels, "good", "1.0")
    reader.locks(
        good, re.sub("sha256:.*", f"sha256:{'0' * 64}", wheel(reader.wheels, "bad", "1.0"))
    )
    done = reader.sets_up()
    fails(done, "pip could not install requirements-tfjs.txt")
    assert "DO NOT MATCH THE HASHES" in done.stderr
    installed = {path.name for path in packages(reader.folder / "tfjs-env").iterdir()}
    assert not installed & {"good.py", "bad.py"}


def test_without_its_requirements_it_makes_nothing(reader: Reader) -> None:
    fails(reader.sets_up(), "requirements-tfjs.txt is not beside this program")
    assert not (reader.folder / "tfjs-env").exists()


def test_a_place_where_no_folder_can_be(reader: Reader) -> None:
    reader.locks()
    fails(reader.sets_up("artifacts.py"), "cannot create artifacts.py: ")
    fails(reader.sets_up("artifacts.py/below"), "cannot create artifacts.py/below: ")


def test_it_does_not_touch_the_environment_that_runs_it(reader: Reader) -> None:
    reader.locks()
    before = sorted((reader.folder / ".venv").rglob("*"))
    fails(reader.sets_up(".venv"), ".venv is the environment that runs this program")
    assert sorted((reader.folder / ".venv").rglob("*")) == before


# The converter is found where it was put


def test_the_converter_is_looked_for_in_the_environment_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    with pytest.raises(ProgramError, match="no tensorflowjs_converter here; install it"):
        tfjs_convert.find_converter()
    for folder in (tmp_path / "path", scripts(tmp_path / "tfjs-env")):
        folder.mkdir(parents=True)
        (folder / "tensorflowjs_converter").touch(0o755)
        found = tfjs_convert.find_converter()
        assert Path(found).absolute() == folder / "tensorflowjs_converter"


# What was installed for the build


def test_one_tensorflow_serves_both_environments() -> None:
    """Ask the real converter's Python where its packages are, without importing them."""
    python = scripts(ROOT / ".venv-tfjs") / "python"
    code = "import importlib.util as u; print(u.find_spec({!r}).origin)"
    for name, environment in (("tensorflow", ".venv"), ("tensorflowjs", ".venv-tfjs")):
        done = subprocess.run([python, "-c", code.format(name)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        inside = packages((ROOT / environment).resolve())
        assert Path(done.stdout.strip()).resolve().is_relative_to(inside), done.stdout
