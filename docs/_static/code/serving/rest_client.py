"""Ask the model server over REST: status, metadata, and what some digits are."""

from __future__ import annotations

import argparse
import base64
from typing import Any

import mnist_data
import numpy as np
import requests
from artifacts import ProgramError, run
from serving_address import add_rest_url, model_path

TIMEOUT_SECONDS = 30


class RestClient:
    """One model on one server, over one connection that stays open."""

    def __init__(self, url: str, model: str) -> None:
        """Keep the model's address; `model` is a path from `model_path`."""
        self._model = url.rstrip("/") + model
        self._session = requests.Session()

    def get(self, suffix: str = "") -> Any:
        """Return the status ("") or the metadata ("/metadata") of the model."""
        return self._ask("GET", suffix, None)

    def predict(self, body: dict[str, Any]) -> Any:
        """Return `predictions` for a body with instances, `outputs` for one with inputs."""
        answer = self._ask("POST", ":predict", body)
        return answer["predictions" if "instances" in body else "outputs"]

    def _ask(self, method: str, suffix: str, body: Any) -> Any:
        url = self._model + suffix
        try:
            answer = self._session.request(method, url, json=body, timeout=TIMEOUT_SECONDS)
        except requests.RequestException as error:
            raise ProgramError(
                f"no answer from {url} ({type(error).__name__}); is it up?"
            ) from error
        if answer.status_code != requests.codes.ok:
            raise ProgramError(f"{url}: {answer.status_code} {_error_text(answer)}")
        return answer.json()


def _error_text(answer: requests.Response) -> str:
    try:
        return " ".join(str(answer.json()["error"]).split())  # in one line
    except (ValueError, KeyError, TypeError):  # not from the model server: a proxy, another program
        return answer.reason


def request_body(args: argparse.Namespace, pictures: np.ndarray) -> dict[str, Any]:
    """Return the request for uint8 pictures, shape (n, 28, 28), in the format of `args`."""
    if args.signature == "read_png":
        import tensorflow as tf

        pngs = [tf.io.encode_png(p[..., np.newaxis]).numpy() for p in pictures]
        items = [{"b64": base64.b64encode(png).decode()} for png in pngs]
    elif args.raw:
        items = pictures.tolist()
    else:
        # Light on dark in 0..1, the channel last: (n, 28, 28, 1). Four digits are exact enough.
        items = (pictures[..., np.newaxis] / 255.0).round(4).tolist()
    body: dict[str, Any] = {"inputs" if args.columns else "instances": items}
    if args.signature:
        body["signature_name"] = args.signature
    return body


def print_digits(answers: Any, labels: np.ndarray) -> None:
    """Print one line for each digit: probabilities by class, or label and probability by name."""
    if isinstance(answers, dict):  # columns of several outputs
        names = list(answers)
        answers = [
            dict(zip(names, row, strict=True)) for row in zip(*answers.values(), strict=True)
        ]
    for number, (answer, label) in enumerate(zip(answers, labels, strict=True)):
        if isinstance(answer, dict):
            found, probability = answer["label"], answer["probability"]
        else:
            found, probability = int(np.argmax(answer)), max(answer)
        print(f"digit {number}: is {label}, found {found} with probability {probability:.4f}")


def print_status(client: RestClient) -> None:
    """Print the state of each version and the inputs and outputs of each signature."""
    for version in client.get()["model_version_status"]:
        print(f"version {version['version']}: {version['state']}")
    signatures = client.get("/metadata")["metadata"]["signature_def"]["signature_def"]
    for name, signature in sorted(signatures.items()):
        if signature["method_name"]:
            print(f"{name}: {_tensors(signature['inputs'])} -> {_tensors(signature['outputs'])}")


def _tensors(infos: dict[str, Any]) -> str:
    texts = []
    for name, info in sorted(infos.items()):
        sizes = ", ".join(dim["size"] for dim in info["tensor_shape"]["dim"])
        texts.append(f"{name} {info['dtype']} ({sizes})")
    return "; ".join(texts)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_rest_url(parser)
    parser.add_argument("--model", default="mnist", help="name of the model (default: mnist)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--version", type=int, help="ask this version instead of the newest")
    which.add_argument("--label", help="ask the version that has this label")
    parser.add_argument("--signature", default="", help="signature other than serving_default")
    parser.add_argument("--raw", action="store_true", help="send uint8 pictures, for custom_model")
    parser.add_argument("--columns", action="store_true", help="column format instead of rows")
    parser.add_argument("--digits", type=int, default=3, help="how many digits (default: 3)")
    parser.add_argument("--status", action="store_true", help="print status and metadata first")
    mnist_data.add_argument(parser)
    return parser.parse_args()


def main() -> None:
    """Send the first digits of the test set and print what the server finds."""
    args = parse_args()
    client = RestClient(args.rest, model_path(args.model, args.version, args.label))
    if args.status:
        print_status(client)
    data = mnist_data.load(args.data)
    answers = client.predict(request_body(args, data.x_test[: args.digits]))
    print_digits(answers, data.y_test[: args.digits])


if __name__ == "__main__":
    run(main)
