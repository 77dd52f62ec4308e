"""Judge what Sphinx's linkcheck builder wrote to output.json.

Exit codes:
    0  every link that was checked works
    1  there are dead links, or a pattern of `links_ignored` in conf.py that no link matches
    2  there is nothing to judge: no file, no link in it, or an ignored link without a reason
    3  no network: not a single host answered, so nothing is known about the links

Sphinx itself repeats a check that failed (`linkcheck_retries`); its last word is judged here.
"""

from __future__ import annotations

import argparse
import json
import re
import runpy
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

DEAD, NOTHING, NO_NETWORK = 1, 2, 3

# What is said when no connection came about. A refused certificate, a cut connection and a slow
# answer are not among them: there, somebody answered.
_UNREACHED = re.compile(
    r"NameResolutionError|NewConnectionError|ProxyError|ConnectTimeoutError"
    r"|connect timeout|Failed to resolve|Name or service not known|Network is unreachable"
)


class JudgeError(Exception):
    """There is nothing that could be judged."""


@dataclass
class Verdict:
    """The links by what is known about them, each as a line for the terminal."""

    alive: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """Return 0, DEAD or NO_NETWORK."""
        if self.unreached and not (self.alive or self.moved or self.dead):
            return NO_NETWORK
        return DEAD if self.dead or self.unreached or self.unused else 0

    def report(self) -> str:
        """Return what to print: what is wrong in full, the rest as a summary."""
        checked = len(self.alive) + len(self.moved) + len(self.dead) + len(self.unreached)
        lines = [f"moved: {line}" for line in self.moved]
        lines += [f"ignored: {line}" for line in self.ignored]
        if self.exit_code == NO_NETWORK:
            lines.append(f"no network: none of {checked} links reached its host, as here:")
            return "\n".join([*lines, f"  {self.unreached[0]}"])
        lines += [f"dead: {line}" for line in self.dead + self.unreached]
        lines += [f"unused: no link matches {line!r} of links_ignored" for line in self.unused]
        dead = len(self.dead) + len(self.unreached)
        lines.append(f"{checked} links checked, {dead} dead, {len(self.ignored)} ignored")
        return "\n".join(lines)


def judge(results: Iterable[Mapping[str, object]], reasons: Mapping[str, str]) -> Verdict:
    """Sort the results of linkcheck.

    Args:
        results: the lines of its output.json: filename, lineno, status, code, uri, info.
        reasons: why links are not checked, by the pattern that they match.

    Raises:
        JudgeError: if a link was ignored without a reason, or no link was looked at.
    """
    verdict, used = Verdict(), set()
    for result in results:
        uri, status, info = str(result["uri"]), result["status"], str(result["info"])
        line = f"{result['filename']}:{result['lineno']}: {uri}"
        if status == "working":
            verdict.alive.append(line)
        elif status == "redirected":
            verdict.moved.append(f"{line} -> {info}")
        elif status in ("broken", "timeout"):
            unreached = urlsplit(uri).scheme in ("http", "https") and _UNREACHED.search(info)
            (verdict.unreached if unreached else verdict.dead).append(f"{line}: {info}")
        elif status == "ignored":
            pattern = next((p for p in reasons if re.match(p, uri)), None)
            used.add(pattern)
            # Sphinx gives a reason of its own where no pattern is at work.
            reason = reasons[pattern] if pattern is not None else info
            if not reason:
                raise JudgeError(f"{line} is ignored without a reason: add one to links_ignored")
            verdict.ignored.append(f"{line}: {reason}")
    verdict.unused = [pattern for pattern in reasons if pattern not in used]
    if not (verdict.alive or verdict.moved or verdict.dead or verdict.unreached):
        raise JudgeError("no link was checked: linkcheck did not finish, or the site has no link")
    return verdict


def read(path: Path) -> list[dict[str, object]]:
    """Return the results in linkcheck's output.json, which holds one JSON object a line."""
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise JudgeError(f"{path} cannot be read; linkcheck did not finish: {error}") from error


def main() -> int:
    """Print the verdict on the results in a file; return the exit code."""
    parser = argparse.ArgumentParser(prog="links", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("results", type=Path, help="output.json of the linkcheck builder")
    parser.add_argument("--conf", type=Path, default=Path("conf.py"), help="holds links_ignored")
    arguments = parser.parse_args()
    try:
        reasons = runpy.run_path(str(arguments.conf)).get("links_ignored", {})
        verdict = judge(read(arguments.results), reasons)
    except JudgeError as error:
        print(f"links: error: {error}", file=sys.stderr)
        return NOTHING
    print(verdict.report())
    return verdict.exit_code


if __name__ == "__main__":
    sys.exit(main())
