"""The paths of the REST interface: which model, which version, which verb."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from .protocol import ModelAddress, invalid


@dataclass(frozen=True)
class RestCall:
    """A parsed path; verb is predict, classify, regress, status or metadata."""

    address: ModelAddress
    verb: str


_WHERE = r"(?:(?:/versions/(\d+))|(?:/labels/([^/:]+)))?"
# re.ASCII: \d is 0-9 only. Letters of both cases match, but `:PREDICT` is no verb in the end.
_FLAGS = re.IGNORECASE | re.ASCII
_INFER = re.compile(rf"/v1/models/([^/:]+){_WHERE}:(classify|regress|predict)", _FLAGS)
_DESCRIBE = re.compile(rf"/v1/models(?:/([^/:]+))?{_WHERE}(?:/(metadata))?", _FLAGS)
_VERBS = {"classify", "regress", "predict"}


def parse_rest_call(method: str, path: str) -> RestCall:
    """Read the method and the path as it was sent: escaped, with its query.

    Raises ServingError if there is no such call, no model's name, or a version beyond 64 bits.
    """
    pattern = {"POST": _INFER, "GET": _DESCRIBE}.get(method)
    found = pattern.fullmatch(path) if pattern else None
    if found is None:
        raise invalid(f"Malformed request: {method} {path}")
    name, digits, label, word = found.groups()
    version = _version(digits)
    if method == "POST" and word not in _VERBS:
        raise invalid(f"Malformed request: {method} {path}")
    if not name:
        raise invalid("Missing model name in request.")
    address = ModelAddress(_plain(name), version, _plain(label) if label else None)
    if method == "POST":
        return RestCall(address, word)
    return RestCall(address, "metadata" if word == "metadata" else "status")


def _plain(escaped: str) -> str:
    return unquote(escaped, errors="surrogateescape")


def _version(digits: str | None) -> int | None:
    if digits is None:
        return None
    if len(digits.lstrip("0")) > 19 or int(digits) >= 2**63:
        raise invalid(f"Failed to convert version: {digits} to numeric.")
    return int(digits)
