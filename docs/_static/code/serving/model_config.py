"""Write models.config: several models, versions and labels for one model server.

The paths in it must be absolute, so it is written for the folder it is used in.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from artifacts import ProgramError, run, whole
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig


def read_labels(texts: list[str]) -> dict[str, int]:
    """Read label=version pairs."""
    try:
        pairs = [text.split("=") for text in texts]
        return {label: int(version) for label, version in pairs}
    except ValueError:
        raise ProgramError("--labels takes pairs like stable=1 canary=2") from None


def main() -> None:
    """Write a configuration with mnist, its labels, and the custom model if it is here."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--labels", nargs="*", default=[], metavar="LABEL=N", help="stable=1 ...")
    parser.add_argument("--versions", nargs="*", type=int, default=[], metavar="N", help="1 2 ...")
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="folder of the models")
    args = parser.parse_args()
    labels = read_labels(args.labels)
    config = ModelServerConfig()
    for name, folder in {"mnist": "saved_model", "digit_reader": "custom_model"}.items():
        path = args.root / folder
        if path.is_dir() or name == "mnist":
            config.model_config_list.config.add(
                name=name, base_path=str(path), model_platform="tensorflow"
            )
    mnist = config.model_config_list.config[0]
    mnist.version_labels.update(labels)
    if versions := sorted({*args.versions, *labels.values()}):  # without: the newest one
        mnist.model_version_policy.specific.versions.extend(versions)
    with whole("models.config") as path:
        path.write_text(text_format.MessageToString(config), encoding="utf-8")
    print(f"models.config: {', '.join(model.name for model in config.model_config_list.config)}")


if __name__ == "__main__":
    run(main)
