"""Lighthouse on the pages of the last build, over HTTP with compression: `make lighthouse`.

Prints the medians of each page that misses a limit, and of all pages together; exits with 1 if one
does. npx fetches Lighthouse, which nothing else here needs.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from recordings.chromium import ARGUMENTS, browser_path

ROOT = Path(__file__).parent.parent
HTML = ROOT / "build" / "html"
VERSION = "13.5.0"
LIMITS = {"performance": 97, "accessibility": 100, "best-practices": 100, "seo": 100}
TEXT = {".html", ".css", ".js", ".json", ".svg", ".txt", ".xml"}


class Compressing(SimpleHTTPRequestHandler):
    """What hosts do: compress texts, and let browsers keep what is named by its content."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with a compressed file."""
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            self.send_error(404)
            return
        body = packed(path) if path.suffix in TEXT else path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        if path.suffix in TEXT:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Cache-Control", "max-age=31536000" if "?v=" in self.path else "no-cache")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@cache
def packed(path: Path) -> bytes:
    """Return a file's content, compressed."""
    return gzip.compress(path.read_bytes())


@contextmanager
def served() -> Iterator[str]:
    """Serve the site; yield its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Compressing, directory=str(HTML))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def scores(address: str) -> dict[str, float]:
    """Return what one run says of a page, 0 to 100."""
    npx = [str(Path(sys.executable).with_name("npx")), "--yes", f"lighthouse@{VERSION}"]
    flags = " ".join(["--headless=new", *ARGUMENTS])
    done = subprocess.run(
        [*npx, address, "--quiet", "--output=json", f"--chrome-flags={flags}"],
        env=os.environ
        | {
            "CHROME_PATH": str(browser_path()),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    report = json.loads(done.stdout)
    failed = {
        reference["id"]
        for name in LIMITS
        for reference in report["categories"][name]["auditRefs"]
        if reference["weight"] and (report["audits"][reference["id"]]["score"] or 0) < 0.9
        if report["audits"][reference["id"]]["score"] is not None
    }
    if failed:
        print(f"  {address}: {', '.join(sorted(failed))}", flush=True)
    return {name: 100 * report["categories"][name]["score"] for name in LIMITS}


def main() -> int:
    """Look at pages; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("pages", nargs="*", help="paths below build/html (default: all)")
    parser.add_argument("--runs", type=int, default=3, help="of which the median counts")
    args = parser.parse_args()
    found = (path.relative_to(HTML) for path in sorted(HTML.rglob("*.html")))
    every = [p.as_posix() for p in found if not {"_static", "_downloads"} & {*p.parts}]
    every = [page for page in every if not page.endswith(("serving.html", "404.html"))]
    missed, lowest = 0, dict.fromkeys(LIMITS, 100.0)
    with served() as site:
        for page in args.pages or every:
            runs = [scores(f"{site}/{page}") for _ in range(args.runs)]
            medians = {name: statistics.median(run[name] for run in runs) for name in LIMITS}
            lowest = {name: min(value, medians[name]) for name, value in lowest.items()}
            if any(medians[name] < limit for name, limit in LIMITS.items()):
                missed += 1
                print(page, medians, flush=True)
    print(f"{len(args.pages or every)} pages, {missed} miss a limit; lowest medians: {lowest}")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
