"""An emulated board: a program for 64-bit Arm, run by QEMU on this machine.

What stands in for what: QEMU for the processor, a Cortex-A72 as in a Raspberry Pi 4; this machine's
kernel for the board's; Debian's cross libraries for the board's C library. The program and
libLiteRt.so are those that run on a board. Nothing here says how fast a board is.
"""

from __future__ import annotations

import functools
import importlib.metadata
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CACHE = ROOT / "build" / "arm"  # the library by its version: a recording fetches it once
LIBRARIES = Path("/usr/aarch64-linux-gnu")
QEMU = f"qemu-aarch64 -cpu cortex-a72 -L {LIBRARIES}"
CPUINFO = "cpuinfo_arm.txt"  # a program file: what a Raspberry Pi 4 says in /proc/cpuinfo


def missing() -> str:
    """Say what this machine lacks to compile for Arm and to emulate it; "" if it lacks nothing."""
    tools = ("aarch64-linux-gnu-gcc", "qemu-aarch64")
    lacking = [tool for tool in tools if not shutil.which(tool)]
    if not (LIBRARIES / "lib" / "libstdc++.so.6").exists():
        lacking.append("libstdc++ for Arm")
    if lacking:
        packages = "qemu-user, gcc-aarch64-linux-gnu, libc6-dev-arm64-cross, libstdc++6-arm64-cross"
        return f"no {', '.join(lacking)}: install Debian's {packages}"
    if not arm_cpuinfo() and subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
        return "this machine lets nobody mount; QEMU 8.1 or later needs no mounting"
    return ""


@functools.cache
def arm_cpuinfo() -> bool:
    """Return whether QEMU itself shows its programs an Arm /proc/cpuinfo: from 8.1 on."""
    said = subprocess.run(["qemu-aarch64", "--version"], capture_output=True, text=True, check=True)
    version = re.search(r"version (\d+)\.(\d+)", said.stdout)
    assert version
    return (int(version[1]), int(version[2])) >= (8, 1)


def handled() -> bool:
    """Return whether the kernel starts programs for Arm by itself, through QEMU."""
    return Path("/proc/sys/fs/binfmt_misc/qemu-aarch64").exists()


def library(folder: Path) -> str:
    """Lay LiteRT's library for Arm into `folder`, fetched before or now; return why not, or "".

    `folder` holds the Makefile, which knows how to fetch it.
    """
    kept = CACHE / importlib.metadata.version("ai-edge-litert") / "libLiteRt.so"
    target = folder / "arm" / "ai_edge_litert" / "libLiteRt.so"
    if not kept.exists():
        command = ["make", "--silent", f"PYTHON={sys.executable}"]
        command += [target.relative_to(folder).as_posix()]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            shutil.rmtree(folder / "arm", ignore_errors=True)
            said = (done.stderr.strip() or "nothing").splitlines()[-1]
            return f"the library for Arm could not be fetched: {said}"
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(".partial")
        shutil.copyfile(target, partial)
        partial.replace(kept)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(kept, target)
    return ""


def emulated(command: str) -> str:
    """Return the command for a shell that runs a program for Arm."""
    return f"{QEMU} {command}" if arm_cpuinfo() else with_cpuinfo(command)


def with_cpuinfo(command: str) -> str:
    """Return the same for any version of QEMU; it needs the file CPUINFO."""
    return f"unshare -rm sh -c 'mount --bind {CPUINFO} /proc/cpuinfo && exec {QEMU} {command}'"
