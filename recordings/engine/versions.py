"""Which software a recording depends on: packages with all that they require, and tools."""

from __future__ import annotations

import functools
import importlib.metadata
import json
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from recordings.engine.site import Site

# Instead of --version. Of Maven it matters only whether it is there: its pom.xml pins the rest.
_HOW = {"aapt2": "version", "mvn": ""}


def of_stages(site: Site, stages: Iterable[Path]) -> dict[str, str]:
    """Return the versions of all that the programs in these folders require.

    A folder says so in requirements*.txt (the first stage's counts for all, as readers install it
    first) and package.json; what they name brings along what it requires itself.
    """
    folders = {site.code / "modelsave", *stages}
    files = [file for folder in folders for file in folder.glob("requirements*.txt")]
    named = [line for file in files if not file.is_symlink() for line in _lines(file)]
    found = closure(named)
    if any((folder / "package.json").exists() for folder in stages):
        found |= node_packages(site.root / "node_modules")
    return found


def _lines(file: Path) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in file.read_text().splitlines())
    return [line for line in lines if line]


def closure(requirements: Iterable[str]) -> dict[str, str]:
    """Return the versions of packages and of all that they require, extras left out."""
    found: dict[str, str] = {}
    queue = [Requirement(line) for line in requirements]
    while queue:
        needed = queue.pop()
        name = canonicalize_name(needed.name)
        if name in found or (needed.marker and not needed.marker.evaluate({"extra": ""})):
            continue
        found[name], more = _installed(name)
        queue += more
    return found


@functools.cache
def _installed(name: str) -> tuple[str, list[Requirement]]:
    try:
        package = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return "missing", []
    return package.version, [Requirement(line) for line in package.requires or []]


def node_packages(folder: Path) -> dict[str, str]:
    """Return the versions of the npm packages installed in `folder`."""
    lock = folder / ".package-lock.json"
    packages = json.loads(lock.read_text())["packages"] if lock.exists() else {}
    return {name.rpartition("node_modules/")[2]: p["version"] for name, p in packages.items()}


def of_tool(site: Site, tool: str) -> dict[str, str]:
    """Return the versions behind a command: those of its packages, or what it says itself."""
    scripts = importlib.metadata.entry_points(group="console_scripts", name=tool)
    if packages := [script.dist.name for script in scripts if script.dist]:
        return closure(packages)
    if path := shutil.which(tool, path=str(site.converter / "bin")):
        places = [str(p) for p in Path(path).parents[1].glob("lib/python*/site-packages")]
        found = importlib.metadata.distributions(path=places)
        return {f"{package.name} of the converter": package.version for package in found}
    return {tool: _said(shutil.which(tool), _HOW.get(tool, "--version"))}


@functools.cache
def _said(path: str | None, option: str) -> str:
    if path is None or not option:
        return "there" if path else "missing"
    said = subprocess.run(
        [path, *option.split()], capture_output=True, text=True, check=False, timeout=60
    )
    return (said.stdout + said.stderr).partition("\n")[0]


@functools.cache
def processor() -> str:
    """Return the kind of processor, as the system calls it; "" if it does not say."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        named = re.search(r"(?m)^model name\s*: (.*)$", info.read_text(encoding="utf-8"))
        return f"{named[1].strip() if named else ''} {platform.machine()}".strip()
    if platform.system() == "Darwin":
        return _said(shutil.which("sysctl"), "-n machdep.cpu.brand_string")
    return platform.processor()


def of_machine() -> dict[str, str]:
    """Return what the machine itself is."""
    return {
        "Python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
    }
