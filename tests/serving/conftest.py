"""Fixtures of the serving tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from serving_support import Server, export, serve_folder, serving


@pytest.fixture(scope="session")
def many_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with version 1 of a model that has signatures of every kind."""
    folder = tmp_path_factory.mktemp("many")
    export(folder / "1", "many")
    return folder


@pytest.fixture(scope="session")
def many(many_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with that model under the name m."""
    monitoring = tmp_path_factory.mktemp("config") / "monitoring.config"
    monitoring.write_text("prometheus_config { enable: true }")
    with serve_folder("m", many_model, f"--monitoring_config_file={monitoring}") as server:
        yield server.ready()


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with version 123 of a model that the tests of the real server ask, label stable."""
    folder = tmp_path_factory.mktemp("upstream")
    export(folder / "123", "upstream")
    config = tmp_path_factory.mktemp("config") / "models.config"
    config.write_text(
        f'model_config_list {{ config {{ name: "m" base_path: "{folder}" model_platform:'
        ' "tensorflow" model_version_policy { specific { versions: 123 } }'
        ' version_labels { key: "stable" value: 123 } } }'
    )
    flags = (f"--model_config_file={config}", "--allow_version_labels_for_unavailable_models")
    with serving(*flags) as server:
        yield server.ready()
