"""Bring a new version of a model in, or take it back, while a client keeps asking.

The new version is copied aside and renamed: the server looks at the folder once a second and may
load what is only half copied.
"""

from __future__ import annotations

import argparse
import shutil
import threading
import time
from collections import Counter
from pathlib import Path

import mnist_data
import numpy as np
import requests
from artifacts import ProgramError, existing, run, whole
from serving_address import add_rest_url

WAIT_SECONDS = 60


class Asking:
    """A client in a thread of its own that sends one digit after the other."""

    def __init__(self, url: str, image: np.ndarray) -> None:
        """Ask `url` about one float image, shape (28, 28, 1), until `stop`."""
        self.answers: Counter[str] = Counter()
        self._request = {"instances": [image.round(4).tolist()]}
        self._url = url
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        with requests.Session() as session:
            while not self._done.is_set():
                try:
                    answer = session.post(f"{self._url}:predict", json=self._request, timeout=30)
                    self.answers["answered" if answer.ok else f"failed: {answer.text}"] += 1
                except requests.RequestException as error:
                    self.answers[f"failed: {type(error).__name__}"] += 1

    def __enter__(self) -> Asking:
        """Begin to ask."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the thread."""
        self._done.set()
        self._thread.join()


def states(url: str) -> dict[int, str]:
    """Return the state of each version that the server knows."""
    try:
        answer = requests.get(url, timeout=30)
        answer.raise_for_status()
    except requests.RequestException as error:
        raise ProgramError(f"no status from {url} ({error}); is the server up?") from error
    return {int(v["version"]): v["state"] for v in answer.json()["model_version_status"]}


def wait_for(url: str, wanted: dict[int, str]) -> None:
    """Wait until the versions have these states, and print each change on the way."""
    deadline = time.monotonic() + WAIT_SECONDS
    last: dict[int, str] = {}
    while time.monotonic() < deadline:
        now = states(url)
        if now != last:
            print(", ".join(f"{n}: {state}" for n, state in sorted(now.items())), flush=True)
            last = now
        if all(now.get(version) == state for version, state in wanted.items()):
            return
        time.sleep(0.02)
    raise ProgramError(f"the server did not get to {wanted} in {WAIT_SECONDS} s; see its log")


def main() -> None:
    """Roll forward to version --to, and with --back to the old one again."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    add_rest_url(parser)
    parser.add_argument("--model", default="mnist", help="name of the model (default: mnist)")
    parser.add_argument("--base_path", default="saved_model", help="(default: %(default)s)")
    parser.add_argument("--source", default="saved_model/1", help="folder of the new version")
    parser.add_argument("--to", type=int, default=2, metavar="N", help="its number (default: 2)")
    parser.add_argument("--back", action="store_true", help="roll back afterwards")
    mnist_data.add_argument(parser)
    args = parser.parse_args()
    url = f"{args.rest.rstrip('/')}/v1/models/{args.model}"
    source = existing(args.source, "python mnist_cnn.py")
    target = Path(args.base_path, str(args.to))
    if target.exists():
        raise ProgramError(f"{target} is already there; choose another number with --to")
    old = max(n for n, state in states(url).items() if state == "AVAILABLE")
    image = mnist_data.load(args.data).x_test[0, ..., np.newaxis] / 255.0
    with Asking(url, image) as asking:
        # `whole` copies to .partial-2, which is no number, and renames: 2 is there at once or not.
        with whole(target) as path:
            shutil.copytree(source, path)
        wait_for(url, {args.to: "AVAILABLE", old: "END"})
        if args.back:
            target.rename(target.with_name(f"withdrawn-{args.to}"))
            wait_for(url, {args.to: "END", old: "AVAILABLE"})
    failed = {text: count for text, count in asking.answers.items() if text != "answered"}
    if failed:
        raise ProgramError(f"requests failed meanwhile: {failed}")
    print("no request failed meanwhile")


if __name__ == "__main__":
    run(main)
