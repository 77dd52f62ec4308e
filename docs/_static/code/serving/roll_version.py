"""Bring a new version of a model in, or take it back, while a client keeps asking.

The new version is copied aside and renamed: the server looks at the folder once a second and may
load what is only half copied. Writes roll_version.json: when which version answered.
"""

from __future__ import annotations

import argparse
import json
import shutil
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import model_client
from artifacts import (
    ProgramError,
    at_least,
    check_writable,
    existing,
    existing_saved_model,
    run,
    whole,
)
from grpc_client import OPTIONS, call, predict_request, signature

WAIT_SECONDS = 60
PAUSE_SECONDS = 0.005  # between two requests
SETTLED_SECONDS = 0.5  # for which the client goes on in the end

States = dict[int, str]  # of the versions that the server knows


class Server:
    """A model on a server: the states of its versions, and when they changed."""

    def __init__(self, channel: Any, model: str) -> None:
        """Ask over an open channel."""
        from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

        self._states = get_model_status_pb2.ModelVersionStatus.State
        self._request = get_model_status_pb2.GetModelStatusRequest()
        self._request.model_spec.name = model
        self._stub = model_service_pb2_grpc.ModelServiceStub(channel)
        self.changes: list[tuple[float, States]] = []

    def states(self) -> States:
        """Return the state of each version."""
        versions = call(self._stub.GetModelStatus, self._request).model_version_status
        return {v.version: self._states.Name(v.state) for v in sorted(versions, key=by_number)}

    def wait_for(self, wanted: States) -> None:
        """Wait until the versions have these states, and print each change on the way.

        Raises:
            ProgramError: if they do not get there in time.
        """
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            now = self.states()
            if not self.changes or now != self.changes[-1][1]:
                print(", ".join(f"{number}: {state}" for number, state in now.items()), flush=True)
                self.changes.append((time.monotonic(), now))
            if now.items() >= wanted.items():
                return
            time.sleep(0.02)
        raise ProgramError(f"the server did not get to {wanted} in {WAIT_SECONDS} s; see its log")


def by_number(status: Any) -> int:
    """Return the number of the version that a status is about."""
    number: int = status.version
    return number


class Asking:
    """A client in a thread of its own that sends one sample after the other."""

    def __init__(self, channel: Any, options: argparse.Namespace) -> None:
        """Prepare a request with the first sample."""
        from tensorflow_serving.apis import prediction_service_pb2_grpc

        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        spec = model_client.model_spec(options.model, options.signature)
        inputs, _ = model_client.fitting_samples(options, signature(self._stub, spec))
        self._request = predict_request(spec, {name: v[:1] for name, v in inputs.items()})
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.answers: list[tuple[float, float, int]] = []  # when, milliseconds, version
        self.failures: Counter[str] = Counter()

    def _ask(self) -> None:
        while not self._done.wait(PAUSE_SECONDS):
            start = time.monotonic()
            try:
                answer = call(self._stub.Predict, self._request)
            except ProgramError as error:
                self.failures[str(error)] += 1
                continue
            took = 1e3 * (time.monotonic() - start)
            self.answers.append((start, took, answer.model_spec.version.value))

    def __enter__(self) -> Asking:
        """Begin to ask."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the thread."""
        self._done.set()
        self._thread.join()


def roll(server: Server, source: Path, target: Path, old: int, *, back: bool) -> None:
    """Bring `source` in as version `target`; with `back`, or if it does not load, take it out."""
    new, loaded = int(target.name), False
    # `whole` copies to .partial-2, which is no number, and renames: 2 is there at once or not.
    with whole(target) as path:
        shutil.copytree(source, path)
    try:
        server.wait_for({new: "AVAILABLE", old: "END"})
        loaded = True
    finally:
        if back or not loaded:
            # Away at once, too: what has no number as its name is no version.
            aside = target.rename(target.with_name(f".withdrawn-{new}"))
            if loaded:
                server.wait_for({new: "END", old: "AVAILABLE"})
            shutil.rmtree(aside)


def write(server: Server, asking: Asking) -> None:
    """Write what happened when, in seconds from the first answer on."""
    start = asking.answers[0][0]
    answers = [(round(at - start, 4), round(ms, 3), v) for at, ms, v in asking.answers]
    states = [(round(at - start, 4), now) for at, now in server.changes]
    with whole("roll_version.json") as path:
        path.write_text(json.dumps({"answers": answers, "states": states}))


def main() -> None:
    """Roll forward to version --to, and with --back to the old one again."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    model_client.add_grpc(parser)
    model_client.add_model(parser)
    parser.add_argument("--base_path", default="saved_model", help="(default: %(default)s)")
    parser.add_argument("--source", default="saved_model/1", help="folder of the new version")
    parser.add_argument(
        "--to", type=at_least(0), default=2, metavar="N", help="its number (default: 2)"
    )
    parser.add_argument("--back", action="store_true", help="roll back afterwards")
    options = parser.parse_args()
    source = existing_saved_model(options.source)
    target = existing(options.base_path, "python mnist_cnn.py") / str(options.to)
    if target.exists():
        raise ProgramError(f"{target} is already there; choose another number with --to")
    check_writable()
    check_writable(target.parent)
    import grpc

    with grpc.insecure_channel(options.grpc, options=OPTIONS) as channel:
        server = Server(channel, options.model)
        old = max((n for n, state in server.states().items() if state == "AVAILABLE"), default=-1)
        if not 0 <= old < options.to:
            raise ProgramError(f"version {old} is served, not an older one than --to {options.to}")
        with Asking(channel, options) as asking:
            roll(server, source, target, old, back=options.back)
            time.sleep(SETTLED_SECONDS)
    if asking.failures:
        raise ProgramError(f"requests failed meanwhile: {dict(asking.failures)}")
    write(server, asking)
    print("no request failed meanwhile")


if __name__ == "__main__":
    run(main)
