"""Configuration and versions as the tests of the real server pin them down, without a model.

The names are those of server_core_test.cc (ServerCoreTest), file_system_storage_path_source_test.cc
(FileSystemStoragePathSourceTest), availability_preserving_policy_test.cc and
aspired_versions_manager_test.cc in tensorflow_serving.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from google.protobuf import text_format
from model_server.manager import ManagerOptions, ModelManager, State
from model_server.protocol import Code, ModelAddress, ServingError
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

ALL = "model_version_policy { all {} }"
SPECIFIC = "model_version_policy { specific { %s } }"


class Loads:
    """Loads nothing, and notes in which order what was loaded and closed."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.broken: set[int] = set()
        self.paths: dict[int, str] = {}

    def __call__(self, name: str, number: int, path: Path) -> Any:
        if number in self.broken:
            raise ServingError(Code.CANCELLED, "injected error")
        self.seen.append(f"load {number}")
        self.paths[number] = path.name
        closed = f"close {number}"
        return SimpleNamespace(close=lambda: self.seen.append(closed), runner=None)


@pytest.fixture
def loads() -> Loads:
    return Loads()


@pytest.fixture
def manager(loads: Loads) -> ModelManager:
    return made(loads)


def made(loads: Loads, **options: Any) -> ModelManager:
    options = {"load_retries": 0, "retry_seconds": 0.0} | options
    return ModelManager(cast(Any, loads), ManagerOptions(**options))


def config(base: Path, policy: str = "", name: str = "m", platform: str = "tensorflow") -> str:
    kind = f'model_platform: "{platform}"' if platform else ""
    return f'config {{ name: "{name}" base_path: "{base}" {kind} {policy} }}'


def listed(*configs: str) -> ModelServerConfig:
    return text_format.Parse(f"model_config_list {{ {' '.join(configs)} }}", ModelServerConfig())


def folders(base: Path, *names: str) -> Path:
    for name in names:
        (base / name).mkdir(parents=True)
    return base


def states(manager: ModelManager, name: str = "m") -> dict[int, str]:
    return {s.version: s.state.name for s in manager.status(ModelAddress(name))}


def available(manager: ModelManager, name: str = "m") -> list[int]:
    return sorted(n for n, state in states(manager, name).items() if state == "AVAILABLE")


def refused(manager: ModelManager, wanted: ModelServerConfig, *, wait: bool = False) -> str:
    with pytest.raises(ServingError) as caught:
        manager.apply(wanted, wait=wait)
    return str(caught.value)


# --- which versions ------------------------------------------------------------------------------

NAMES = ("non_numerical_child", "42", "33", "30", "21", "17")
POLICIES = [
    ("MultipleVersionsAtTheSameTime", NAMES, ALL, [17, 21, 30, 33, 42]),
    ("NLatestVersions", NAMES, "model_version_policy { latest { num_versions: 3 } }", [30, 33, 42]),
    ("SpecificVersions", NAMES, SPECIFIC % "versions: 17 versions: 30", [17, 30]),
    ("SpecificVersionsLeadingZeros", ("42", "33", "30", "21", "00017"),
     SPECIFIC % "versions: 17 versions: 30", [17, 30]),
    ("DefaultVersionPolicy", NAMES, "", [42]),
    ("DefaultNumLatestVersions", NAMES, "model_version_policy { latest {} }", [42]),
    ("ParseTimestampedVersion", ("20170111173521",), ALL, [20170111173521]),
    ("DuplicateVersions", ("non_numerical_child", "0001", "001", "00001"), "", [1]),
    ("ServableHandleLatestVersionIsZero", ("0",), "", [0]),
]  # fmt: skip


@pytest.mark.parametrize("case", POLICIES, ids=lambda case: case[0])
def test_policies(manager: ModelManager, tmp_path: Path, case: tuple[Any, ...]) -> None:
    """FileSystemStoragePathSourceTest."""
    _, names, policy, expected = case
    manager.apply(listed(config(folders(tmp_path, *names), policy)))
    assert available(manager) == expected


def test_leading_zeros_are_part_of_the_folder(
    manager: ModelManager, loads: Loads, tmp_path: Path
) -> None:
    """FileSystemStoragePathSourceTest.SpecificVersionsLeadingZeros."""
    manager.apply(listed(config(folders(tmp_path, "30", "00017"), ALL)))
    assert loads.paths == {17: "00017", 30: "30"}


def test_no_version_is_asked_for(manager: ModelManager, tmp_path: Path) -> None:
    """FileSystemStoragePathSourceTest.SpecificVersionsEmpty."""
    folders(tmp_path, *NAMES)
    text = refused(manager, listed(config(tmp_path, SPECIFIC % "")))
    assert text.startswith("UNKNOWN: 1 model(s) did not become available: {")


def test_versions_come_later(manager: ModelManager, tmp_path: Path) -> None:
    """FileSystemStoragePathSourceTest.NoVersionsAtStartup, .FilesAppearAfterStartup."""
    base = tmp_path / "base"
    with pytest.raises(ServingError):
        manager.apply(listed(config(base)))
    folders(base, "3")
    manager.poll()
    assert available(manager) == [3]


def test_fail_if_there_is_no_version(loads: Loads, tmp_path: Path) -> None:
    """FileSystemStoragePathSourceTest.NoVersionsAtStartup, fail_if_zero_versions_at_startup."""
    manager = made(loads, fail_without_versions=True)
    text = refused(manager, listed(config(tmp_path / "base")))
    assert text.startswith("NOT_FOUND: Unable to find a numerical version path for servable m at: ")


def test_folders_are_renamed(manager: ModelManager, tmp_path: Path) -> None:
    """FileSystemStoragePathSourceTest.ServableVersionDirRenamed."""
    folders(tmp_path, "1", "2", "3", "5", "8")
    manager.apply(listed(config(tmp_path, ALL)))
    for name in ("2", "5"):
        (tmp_path / name).rename(tmp_path / f"{name}.denied")
    (tmp_path / "8").rmdir()
    manager.poll()
    assert available(manager) == [1, 3]
    assert states(manager)[8] == "END"


def test_the_last_version_goes(manager: ModelManager, loads: Loads, tmp_path: Path) -> None:
    """FileSystemStoragePathSourceTest.LastVersionNotRemoved, versions not always present."""
    manager.apply(listed(config(folders(tmp_path, "42"))))
    (tmp_path / "42").rmdir()
    manager.poll()
    assert loads.seen == ["load 42", "close 42"]


def test_another_policy(manager: ModelManager, tmp_path: Path) -> None:
    """FileSystemStoragePathSourceTest.ChangeVersionPolicy."""
    folders(tmp_path, *NAMES)
    for policy, expected in ((ALL, [17, 21, 30, 33, 42]), ("", [42]), (SPECIFIC % "versions: 17", [17])):  # fmt: skip  # noqa: E501
        manager.apply(listed(config(tmp_path, policy)))
        manager.poll()
        assert available(manager) == expected


# --- the order of loading and unloading ----------------------------------------------------------


def test_the_new_one_comes_before_the_old_one_goes(
    manager: ModelManager, loads: Loads, tmp_path: Path
) -> None:
    """AvailabilityPreservingPolicyTest.LoadsNewAspired, .DoesNotUnloadWhenOtherNotReady."""
    manager.apply(listed(config(folders(tmp_path, "1"))))
    folders(tmp_path, "2")
    manager.poll()
    assert loads.seen == ["load 1", "load 2", "close 1"]
    (tmp_path / "2").rmdir()  # RevertToSmallerVersionNumber
    manager.poll()
    assert loads.seen[3:] == ["load 1", "close 2"]


def test_the_old_one_stays_while_the_new_one_is_broken(
    manager: ModelManager, loads: Loads, tmp_path: Path
) -> None:
    """AvailabilityPreservingPolicyTest.DoesNotUnloadWhenOtherInError."""
    manager.apply(listed(config(folders(tmp_path, "1"))))
    loads.broken = {2}
    folders(tmp_path, "2")
    manager.poll()
    assert states(manager) == {1: "AVAILABLE", 2: "END"}


def test_the_base_path_vanishes(manager: ModelManager, tmp_path: Path) -> None:
    """AspiredVersionsManagerTest.AspireErrorDontUnload."""
    base = folders(tmp_path / "base", "1")
    manager.apply(listed(config(base)))
    base.rename(tmp_path / "elsewhere")
    manager.poll()
    assert available(manager) == [1]


def test_a_load_is_tried_again(loads: Loads, tmp_path: Path) -> None:
    """AspiredVersionsManagerTest.RetryOnLoadErrorFinallySucceeds, …FinallyFails."""
    loads.broken = {1}
    manager = made(loads, load_retries=1)
    with pytest.raises(ServingError):
        manager.apply(listed(config(folders(tmp_path, "1"))))
    loads.broken = set()
    manager.poll()
    assert available(manager) == [1]


ADDRESSES = [
    ("ServableHandleLatest", ModelAddress("m"), 2),
    ("ServableHandleSpecificVersion", ModelAddress("m", 1), 1),
    ("ServableHandleNotFoundMissingLoaderName", ModelAddress("no"), "NOT_FOUND: Servable not found for request: Latest(no)"),  # noqa: E501
    ("ServableHandleNotFoundMissingVersion", ModelAddress("m", 0), "NOT_FOUND: Servable not found for request: Specific(m, 0)"),  # noqa: E501
    ("ServableHandleInvalidArgument", ModelAddress(""), "INVALID_ARGUMENT: ModelSpec has no name specified."),  # noqa: E501
]  # fmt: skip


@pytest.mark.parametrize("case", ADDRESSES, ids=lambda case: case[0])
def test_addresses(manager: ModelManager, tmp_path: Path, case: tuple[Any, ...]) -> None:
    """AspiredVersionsManagerTest."""
    _, address, expected = case
    manager.apply(listed(config(folders(tmp_path, "1", "2"), ALL)))
    if isinstance(expected, int):
        with manager.use(address) as (_, number):
            assert number == expected
        return
    with pytest.raises(ServingError) as caught, manager.use(address):
        pass
    assert str(caught.value) == expected


# --- configurations ------------------------------------------------------------------------------


def test_reloading(manager: ModelManager, tmp_path: Path) -> None:
    """ServerCoreTest.ReloadConfigUnloadsModels, .ReloadConfigHandlesLoadingAPreviouslyUnloadedModel."""  # noqa: E501
    one = listed(config(folders(tmp_path, "123")))
    manager.apply(one)
    manager.apply(listed())
    assert states(manager) == {123: "END"}
    manager.apply(one)
    assert states(manager) == {123: "AVAILABLE"}


def test_another_base_path(manager: ModelManager, tmp_path: Path) -> None:
    """ServerCoreTest.ReloadConfigChangeModelBasePath."""
    one, two = folders(tmp_path / "one", "123"), folders(tmp_path / "two", "123", "124")
    for base, expected in ((one, [123]), (two, [124]), (one, [123])):
        manager.apply(listed(config(base)))
        manager.poll()
        assert available(manager) == expected


def test_several_models(manager: ModelManager, tmp_path: Path) -> None:
    """ServerCoreTest.MultiplePlatformsWithConfigChange, of one platform."""
    a, b, c = (config(folders(tmp_path / n, "0"), name=n) for n in "abc")
    manager.apply(listed(a, b))
    assert (available(manager, "a"), available(manager, "b")) == ([0], [0])
    manager.apply(listed(b, c))
    assert (available(manager, "b"), available(manager, "c")) == ([0], [0])
    assert states(manager, "a") == {0: "END"}


def test_an_erroring_model(manager: ModelManager, loads: Loads, tmp_path: Path) -> None:
    """ServerCoreTest.ErroringModel."""
    loads.broken = {1}
    text = refused(manager, listed(config(folders(tmp_path, "1"))), wait=True)
    assert text == (
        "UNKNOWN: 1 servable(s) did not become available: {{{name: m version: 1} due to error:"
        " CANCELLED: injected error}, }"
    )
    (status,) = manager.status(ModelAddress("m"))
    assert status.state is State.END
    assert str(status.error) == "CANCELLED: injected error"


BAD = [
    ("IllegalConfigModelTypeAndPlatformSet", ["model_type: TENSORFLOW"], "tensorflow",
     "INVALID_ARGUMENT: Illegal setting both ModelServerConfig::model_type (deprecated) and"
     " ModelServerConfig::model_platform, model name is m"),
    ("GetPlatform", [""], "",
     "INVALID_ARGUMENT: Illegal setting neither ModelServerConfig::model_type (deprecated) nor"
     " ModelServerConfig::model_platform, model name is m"),
    ("DuplicateModelNameInConfig", ["", ""], "tensorflow",
     "INVALID_ARGUMENT: Illegal to list model m multiple times in config list"),
    ("UnknownModelPlatform", [""], "not_a_known_platform",
     "INVALID_ARGUMENT: Invalid platform: not_a_known_platform"),
]  # fmt: skip


@pytest.mark.parametrize("case", BAD, ids=lambda case: case[0])
def test_bad_configurations(
    manager: ModelManager, tmp_path: Path, case: tuple[str, list[str], str, str]
) -> None:
    """ServerCoreTest."""
    _, more, platform, text = case
    configs = [
        config(folders(tmp_path / str(n), "1"), m, "m", platform) for n, m in enumerate(more)
    ]
    assert refused(manager, listed(*configs)) == text


def test_the_deprecated_type_is_taken(manager: ModelManager, tmp_path: Path) -> None:
    """ServerCoreTest.DeprecatedModelTypeConfig."""
    wanted = config(folders(tmp_path, "123"), "model_type: TENSORFLOW", platform="")
    manager.apply(listed(wanted))
    assert available(manager) == [123]


@pytest.mark.parametrize("mixed", [False, True], ids=["RelativePathFails", "MixedAbsoluteRelativeFails"])  # fmt: skip  # noqa: E501
def test_relative_paths(manager: ModelManager, tmp_path: Path, mixed: bool) -> None:
    """RelativePathsServerCoreTest."""
    absolute = [config(folders(tmp_path, "1"))] if mixed else []
    text = refused(manager, listed(*absolute, config(Path("models"), name="r")))
    assert text == (
        "INVALID_ARGUMENT: Expected model r to have an absolute path or URI; got base_path()=models"
    )


def test_configurations_of_another_kind(manager: ModelManager, tmp_path: Path) -> None:
    """ServerCoreTest.IllegalReconfigurationToCustomConfig; an empty one changes nothing."""
    manager.apply(ModelServerConfig())
    custom = text_format.Parse("custom_model_config {}", ModelServerConfig())
    manager.apply(listed(config(folders(tmp_path, "1"))))
    text = refused(manager, custom)
    assert text.startswith("FAILED_PRECONDITION: Cannot transition to requested config. It is only")
    assert available(manager) == [1]


LABEL = 'version_labels { key: "A" value: %d }'
NOT_READY = (
    "FAILED_PRECONDITION: Request to assign label to version %d of model m, which is not currently"
    " available for inference"
)


@pytest.mark.parametrize("allowed", [False, True])
def test_labels(loads: Loads, tmp_path: Path, allowed: bool) -> None:
    """ServerCoreTest.AssignLabelToUnavailableVersion, …Allowed, …ExistingLabel…Disallowed."""
    manager = made(loads, labels_for_unavailable=allowed)
    base = folders(tmp_path, "123", "124")
    with_label = config(base, SPECIFIC % "versions: 123" + LABEL % 123)
    if allowed:
        manager.apply(listed(with_label))
    else:
        assert refused(manager, listed(with_label)) == NOT_READY % 123
        manager.apply(listed(config(base, SPECIFIC % "versions: 123")))
        manager.apply(listed(with_label))
    with manager.use(ModelAddress("m", label="A")) as (_, number):
        assert number == 123
    # A label that is there may not move to a version that is not, with the flag or without.
    moved = listed(config(base, SPECIFIC % "versions: 123 versions: 124" + LABEL % 124))
    assert refused(manager, moved) == NOT_READY % 124


def test_several_versions_and_a_label(manager: ModelManager, tmp_path: Path) -> None:
    """ServerCoreTest.ModelSpecMultipleVersionsAvailable."""
    policy = SPECIFIC % "versions: 123 versions: 124"
    base = folders(tmp_path, "123", "124")
    manager.apply(listed(config(base, policy)))
    manager.apply(listed(config(base, policy + LABEL % 123)))
    for address, expected in (
        (ModelAddress("m"), 124),
        (ModelAddress("m", 123), 123),
        (ModelAddress("m", label="A"), 123),
    ):
        with manager.use(address) as (_, number):
            assert number == expected
    with pytest.raises(ServingError, match="Unrecognized servable version label: B"):
        manager._acquire(ModelAddress("m", label="B"))
