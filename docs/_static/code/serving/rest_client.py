"""Send samples to the model server over REST and print what it predicts."""

from __future__ import annotations

from typing import Any

import model_client
from artifacts import ProgramError, run

TIMEOUT_SECONDS = 30


def call(session: Any, url: str, body: bytes | None = None) -> Any:
    """Return the JSON that the server answers to a GET or, with a body, to a POST."""
    import requests  # here, so that --help needs nothing

    try:
        method = "POST" if body else "GET"
        answer = session.request(method, url, data=body, timeout=TIMEOUT_SECONDS)
        content = answer.json()
    except requests.RequestException as error:
        reason = type(error).__name__
        raise ProgramError(
            f"no answer from {url} ({reason}); is the server up, and is this its REST port?"
        ) from error
    if not answer.ok:
        raise ProgramError(f"{url}: {answer.status_code} {' '.join(content['error'].split())}")
    return content


def signature(session: Any, url: str, name: str) -> dict[str, model_client.Tensor]:
    """Return the inputs of a signature by name, from the model's metadata."""
    known = call(session, f"{url}/metadata")["metadata"]["signature_def"]["signature_def"]
    inputs = model_client.chosen(known, name)["inputs"]
    return {
        name: model_client.tensor(info["dtype"], [d["size"] for d in info["tensor_shape"]["dim"]])
        for name, info in sorted(inputs.items())
    }


def main() -> None:
    """Ask for the inputs of the model, send samples, print the predictions."""
    parser = model_client.prediction_parser(__doc__)
    model_client.add_rest(parser)
    options = parser.parse_args()
    import requests

    url = options.rest + model_client.path(options)
    with requests.Session() as session:  # one connection, which stays open
        wanted = signature(session, url, options.signature)
        inputs, labels = model_client.fitting_samples(options, wanted)
        body = model_client.json_body({"signature_name": options.signature, "inputs": inputs})
        outputs = call(session, f"{url}:predict", body)["outputs"]
    model_client.print_predictions(outputs, labels)


if __name__ == "__main__":
    run(main)
