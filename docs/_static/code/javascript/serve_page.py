"""Serve a folder on this machine with the headers that a page with a model needs.

  Cache-Control   files with a hash in their name for a year, the others asked for again each time
  compression     file.br instead of file, where it exists and the browser takes it
  CSP             scripts, models and pictures from this server only; WebAssembly, but no eval
  CORS            pages of another origin may read the files only with --cors

For trying things out: a public server is nginx, a CDN or GitHub Pages, with the same headers.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO
from urllib.error import URLError
from urllib.request import Request, urlopen

try:
    from artifacts import ProgramError, existing, run
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name}.py is not beside this program; both are in programs.zip")

CSP = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    ]
)
HASHED = re.compile(r"-[A-Z0-9]{8}\.js$")
TYPES = {
    ".js": "text/javascript",
    ".wasm": "application/wasm",
    ".tflite": "application/octet-stream",
}


class Handler(SimpleHTTPRequestHandler):
    """Files of one folder with the headers above."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and content in one packet
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, **TYPES}

    def __init__(self, *args: object, cors: str | None, **kwargs: object) -> None:
        """Remember which origin may read the files, if any."""
        self.cors = cors
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]

    def send_head(self) -> BinaryIO | None:
        """Send file.br in the place of file if the browser takes it."""
        path = Path(self.translate_path(self.path))
        self.packed_type = None
        accepted = re.split(r"[,;\s]+", self.headers.get("Accept-Encoding", ""))
        if "br" in accepted and path.with_name(f"{path.name}.br").is_file():
            self.packed_type = self.guess_type(str(path))
            self.path = f"{self.path.partition('?')[0]}.br"
        return super().send_head()

    def end_headers(self) -> None:
        """Add the headers that every response has."""
        if self.packed_type:
            self.send_header("Content-Encoding", "br")
        name = self.path.partition("?")[0].removesuffix(".br")
        cache = "public, max-age=31536000, immutable" if HASHED.search(name) else "no-cache"
        self.send_header("Cache-Control", cache)
        self.send_header("Vary", "Accept-Encoding")
        self.send_header("Content-Security-Policy", CSP)
        self.send_header("X-Content-Type-Options", "nosniff")
        if self.cors:
            self.send_header("Access-Control-Allow-Origin", self.cors)
        super().end_headers()

    def guess_type(self, path: str | os.PathLike[str]) -> str:
        """Return the type of the file as it is after unpacking."""
        return self.packed_type or super().guess_type(path)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing for each request."""


def named(folder: Path, pattern: str) -> str:
    """Return the name of the first file in `folder` that fits `pattern`.

    Raises:
        ProgramError: if there is none.
    """
    found = sorted(path for path in folder.glob(pattern) if path.suffix != ".br")
    if not found:
        raise ProgramError(f"no {pattern} in {folder}; name a file that is there")
    return found[0].relative_to(folder).as_posix()


def print_headers(server: ThreadingHTTPServer, file: str) -> None:
    """Request `file` as a browser does, and print the headers of the response.

    Raises:
        ProgramError: if the file is not served.
    """
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/{file}"
    try:
        request = Request(address, headers={"Accept-Encoding": "gzip, br"}, method="HEAD")
        with urlopen(request) as response:
            headers = response.headers
    except URLError as error:
        raise ProgramError(f"{file}: {error}") from error
    finally:
        server.shutdown()
    for name, value in headers.items():
        if name not in ("Server", "Date", "Last-Modified"):
            print(f"{name}: {value}")


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", default="page", help="default: %(default)s")
    parser.add_argument("--port", type=int, default=8000, help="default: %(default)s; 0: any")
    parser.add_argument("--cors", metavar="ORIGIN", help="let pages of ORIGIN, or of *, read it")
    parser.add_argument(
        "--headers",
        metavar="FILE",
        help="print the headers of a file and end; may hold a *",
    )
    options = parser.parse_args()
    folder = existing(options.folder, "node bundle.mjs")
    handler = partial(Handler, directory=str(folder), cors=options.cors)
    try:
        server = ThreadingHTTPServer(("127.0.0.1", options.port), handler)
    except (OSError, OverflowError) as error:
        raise ProgramError(f"port {options.port}: {error}; take another --port") from error
    if options.headers:
        print_headers(server, named(folder, options.headers))
        return
    print(f"http://127.0.0.1:{server.server_port}/", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    run(main)
