"""Write models.config: several models, versions and labels for one model server.

The paths in it must be absolute, so it is written for the folder it is used in.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from artifacts import ProgramError, check_writable, run, whole

MODELS = ["mnist=saved_model", "digit_reader=custom_model"]


def pair(text: str) -> tuple[str, str]:
    """Return the two sides of NAME=VALUE (a type for argparse)."""
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def label(text: str) -> tuple[str, int]:
    """Return label and version of LABEL=N (a type for argparse)."""
    name, version = pair(text)
    if not version.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not LABEL=VERSION, such as stable=1")
    return name, int(version)


def check_versions(folder: Path, wanted: Iterable[int]) -> None:
    """Raise a ProgramError if `folder` does not hold these versions, or none at all."""
    found = {int(path.name) for path in folder.glob("*/") if path.name.isdecimal()}
    if not found:
        raise ProgramError(f"{folder} has no version folder such as {folder}/1; export a model")
    if missing := sorted(set(wanted) - found):
        has = ", ".join(map(str, sorted(found)))
        raise ProgramError(f"{folder} has no version {missing[0]}, only {has}")


def main() -> None:
    """Write a configuration with these models; versions and labels are the first one's."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "models",
        nargs="*",
        type=pair,
        metavar="NAME=FOLDER",
        default=[pair(text) for text in MODELS],
        help=f"names and folders of the models (default: {' '.join(MODELS)})",
    )
    parser.add_argument("--versions", nargs="*", type=int, default=[], metavar="N", help="1 2 ...")
    parser.add_argument("--labels", nargs="*", type=label, default=[], metavar="LABEL=N")
    options = parser.parse_args()
    labels = dict(options.labels)
    versions = sorted({*options.versions, *labels.values()})
    for number, (_, folder) in enumerate(options.models):
        check_versions(Path(folder), [] if number else versions)
    check_writable()
    from google.protobuf import text_format
    from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

    config = ModelServerConfig()
    for name, folder in options.models:
        config.model_config_list.config.add(
            name=name, base_path=str(Path(folder).absolute()), model_platform="tensorflow"
        )
    first = config.model_config_list.config[0]
    first.version_labels.update(labels)
    if versions:  # without: the newest one
        first.model_version_policy.specific.versions.extend(versions)
    with whole("models.config") as path:
        path.write_text(text_format.MessageToString(config), encoding="utf-8")
    print(f"models.config: {', '.join(name for name, _ in options.models)}")


if __name__ == "__main__":
    run(main)
