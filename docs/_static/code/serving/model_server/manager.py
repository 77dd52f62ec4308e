"""Which versions of which models are in memory: configuration, polling, hot reload, labels."""

from __future__ import annotations

import contextlib
import enum
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tensorflow_serving.config.model_server_config_pb2 import (
    ModelConfig,
    ModelServerConfig,
    ModelType,
)

from .inference import Runner
from .loader import LoadedVersion
from .protocol import Code, ModelAddress, ServingError, invalid

log = logging.getLogger("model_server")


class State(enum.IntEnum):
    """The states of a version, numbered as in ModelVersionStatus."""

    UNKNOWN = 0
    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass(frozen=True)
class ManagerOptions:
    """How often to look, how often to try again."""

    poll_seconds: float = 1.0
    load_retries: int = 5
    retry_seconds: float = 60.0
    labels_for_unavailable: bool = False
    fail_without_versions: bool = False


@dataclass
class ManagedVersion:
    """What is known of a version, from the moment that it is wanted."""

    model: str
    number: int
    path: Path
    state: State = State.START
    error: ServingError | None = None
    loaded: LoadedVersion | None = None
    users: int = 0
    attempts: int = 0
    next_attempt: float = 0.0

    def __str__(self) -> str:
        """Print like the server's ServableId."""
        return f"{{name: {self.model} version: {self.number}}}"


@dataclass(frozen=True)
class VersionStatus:
    """One line of a status answer."""

    version: int
    state: State
    error: ServingError | None


@dataclass
class _Model:
    config: ModelConfig
    versions: dict[int, ManagedVersion] = field(default_factory=dict)


class ModelManager:
    """Loads a new version before it unloads the old one; requests in flight keep theirs."""

    def __init__(
        self, load: Callable[[str, int, Path], LoadedVersion], options: ManagerOptions
    ) -> None:
        """Serve nothing yet: see ``apply`` and ``start_polling``."""
        self._load_version = load
        self._options = options
        self._models: dict[str, _Model] = {}
        self._removed: dict[str, _Model] = {}  # their END is still reported
        self._labels: dict[str, dict[str, int]] = {}
        self._configured = False
        self._lock = threading.Lock()  # the tables above; never held while a model loads
        self._changing = threading.RLock()  # one poll or configuration at a time
        self.stopped = threading.Event()  # set by close()
        self._poller: threading.Thread | None = None

    # --- requests --------------------------------------------------------------------------------

    @contextlib.contextmanager
    def use(self, address: ModelAddress) -> Iterator[tuple[Runner, int]]:
        """Hold a version for one request: what runs it, and its number."""
        version = self._acquire(address)
        try:
            assert version.loaded is not None
            yield version.loaded.runner, version.number
        finally:
            self._release(version)

    def _acquire(self, address: ModelAddress) -> ManagedVersion:
        with self._lock:
            address = self._resolve(address)
            model = self._models.get(address.name)
            ready = (
                [v for v in model.versions.values() if v.state is State.AVAILABLE] if model else []
            )
            if address.version is not None:
                ready = [v for v in ready if v.number == address.version]
            if not ready:
                raise ServingError(Code.NOT_FOUND, f"Servable not found for request: {address}")
            version = max(ready, key=lambda v: v.number)
            version.users += 1
            return version

    def _release(self, version: ManagedVersion) -> None:
        with self._lock:
            version.users -= 1
            last = version.users == 0 and version.state is State.UNLOADING
        if last:
            self._finish_unloading(version)

    def _resolve(self, address: ModelAddress) -> ModelAddress:
        if not address.name:
            raise invalid("ModelSpec has no name specified.")
        if address.label is None:
            return address
        number = self._labels.get(address.name, {}).get(address.label)
        if number is None:
            raise invalid(f"Unrecognized servable version label: {address.label}")
        return ModelAddress(address.name, number)

    def status(self, address: ModelAddress) -> list[VersionStatus]:
        """Return the state of one version or of all, the newest first; labels do not matter."""
        with self._lock:
            model = self._models.get(address.name) or self._removed.get(address.name)
            versions = sorted(model.versions.items(), reverse=True) if model else []
            found = [VersionStatus(n, v.state, v.error) for n, v in versions]
        if address.version is not None:
            found = [status for status in found if status.version == address.version]
            if not found:
                raise ServingError(
                    Code.NOT_FOUND,
                    f"Could not find version {address.version} of model {address.name}",
                )
        if not found:
            raise ServingError(
                Code.NOT_FOUND, f"Could not find any versions of model {address.name}"
            )
        return found

    # --- configuration ---------------------------------------------------------------------------

    def apply(self, config: ModelServerConfig, *, wait: bool = False) -> None:
        """Serve what ``config`` lists and nothing else; return when it is loaded.

        With ``wait``, models whose folder is not there yet are waited for, as at start-up.
        Raises ServingError if the configuration is illegal or a model fails to load. Labels come
        first, as in the server: they name versions that are there before anything is loaded.
        """
        if config.WhichOneof("config") is None:
            log.info("Taking no action for empty config.")
            return
        if config.WhichOneof("config") != "model_config_list":
            if self._configured:
                raise ServingError(
                    Code.FAILED_PRECONDITION,
                    "Cannot transition to requested config. It is only legal to transition from one"
                    " ModelConfigList to another.",
                )
            raise invalid("ModelServer does not yet support custom model config.")
        configs = list(config.model_config_list.config)
        _check_configs(configs)
        with self._changing:
            self._configured = True
            self._set_labels(configs)
            log.info("Adding/updating models.")
            self._fail_without_versions(configs)
            self._set_configs(configs)
            self.poll()
            while wait and self._unsettled() and not self.stopped.wait(self._wait_seconds()):
                self.poll()
            self._check_loaded(wait)
        log.info("Finished adding/updating models")

    def _wait_seconds(self) -> float:
        return min(max(self._options.poll_seconds, 0.05), 1.0)

    def _fail_without_versions(self, configs: list[ModelConfig]) -> None:
        for config in configs if self._options.fail_without_versions else []:
            if not _numbered(Path(config.base_path)):
                raise ServingError(
                    Code.NOT_FOUND,
                    "Unable to find a numerical version path for servable"
                    f" {config.name} at: {config.base_path}",
                )

    def _set_configs(self, configs: list[ModelConfig]) -> None:
        with self._lock:
            for config in configs:
                log.info(" (Re-)adding model: %s", config.name)
                model = self._models.get(config.name) or self._removed.pop(config.name, None)
                if model is None:
                    model = _Model(config)
                model.config = config
                self._models[config.name] = model
            kept = {config.name for config in configs}
            gone = [model for name, model in self._models.items() if name not in kept]
            for model in gone:
                self._removed[model.config.name] = self._models.pop(model.config.name)
                self._labels.pop(model.config.name, None)
            leaving = [v for model in gone for v in model.versions.values()]
        for version in leaving:
            self._unload(version)

    def _unsettled(self) -> bool:
        """Say whether a model has neither an available version nor a final error."""
        with self._lock:
            return any(
                not any(v.state in (State.AVAILABLE, State.END) for v in m.versions.values())
                for m in self._models.values()
            )

    def _check_loaded(self, wait: bool) -> None:
        failed = []
        with self._lock:
            for name, model in self._models.items():
                if any(v.state is State.AVAILABLE for v in model.versions.values()):
                    continue
                errors = [v for v in model.versions.values() if v.error is not None]
                failed += [f"{{{v} due to error: {v.error}}}, " for v in errors]
                if not errors and not wait:
                    failed.append(f"{{name: {name}}} due to no version, ")
        if failed and not self.stopped.is_set():
            what = f"{len(failed)} {'servable' if wait else 'model'}(s)"
            raise ServingError(
                Code.UNKNOWN, f"{what} did not become available: {{{''.join(failed)}}}"
            )

    def _set_labels(self, configs: list[ModelConfig]) -> None:
        labels = {config.name: dict(config.version_labels) for config in configs}
        with self._lock:
            for name, by_label in labels.items():
                for label, number in by_label.items():
                    model = self._models.get(name)
                    version = model.versions.get(number) if model else None
                    ready = version is not None and version.state is State.AVAILABLE
                    new = self._labels.get(name, {}).get(label, number) == number
                    if not ready and not (self._options.labels_for_unavailable and new):
                        raise ServingError(
                            Code.FAILED_PRECONDITION,
                            f"Request to assign label to version {number} of model {name},"
                            " which is not currently available for inference",
                        )
            self._labels = labels

    # --- polling ---------------------------------------------------------------------------------

    def start_polling(self) -> None:
        """Look at the file system in a thread of its own, until ``close``."""
        if self._options.poll_seconds > 0 and self._poller is None:
            self._poller = threading.Thread(target=self._poll_for_ever, name="poll", daemon=True)
            self._poller.start()

    def _poll_for_ever(self) -> None:
        while not self.stopped.wait(self._options.poll_seconds):
            try:
                self.poll()
            except Exception:  # whatever happens: go on serving the last good version
                log.exception("Polling the file system failed")

    def poll(self) -> None:
        """Look once: load what is new, then unload what is no longer wanted."""
        with self._changing:
            with self._lock:
                models = list(self._models.values())
            for model in models:
                try:
                    wanted = _wanted(model.config)
                except ServingError as error:
                    log.error(
                        "FileSystemStoragePathSource encountered a filesystem access error: %s",
                        error.message,
                    )
                    continue
                self._load_wanted(model, wanted)
                self._unload_unwanted(model, wanted)

    def _load_wanted(self, model: _Model, wanted: dict[int, Path]) -> None:
        for number, path in sorted(wanted.items()):
            with self._lock:
                version = model.versions.get(number)
                ended = version is not None and version.state is State.END and version.error is None
                if version is None or ended:
                    version = ManagedVersion(model.config.name, number, path)
                    model.versions[number] = version
            retry = version.state is State.LOADING and time.monotonic() >= version.next_attempt
            if version.state is State.START or retry:
                self._load(version)

    def _load(self, version: ManagedVersion) -> None:
        version.state = State.LOADING
        version.attempts += 1
        log.info("Loading servable: %s", version)
        try:
            loaded = self._load_version(version.model, version.number, version.path)
        except ServingError as error:
            self._load_failed(version, error)
            return
        with self._lock:
            version.loaded = loaded
            version.error = None
            version.state = State.AVAILABLE
        log.info("Successfully loaded servable version %s", version)

    def _load_failed(self, version: ManagedVersion, error: ServingError) -> None:
        log.error("Loading servable: %s failed: %s", version, error)
        with self._lock:
            if version.attempts <= self._options.load_retries:
                version.next_attempt = time.monotonic() + self._options.retry_seconds
            else:
                version.error = error
                version.state = State.END

    def _unload_unwanted(self, model: _Model, wanted: dict[int, Path]) -> None:
        with self._lock:
            ready = {n for n, v in model.versions.items() if v.state is State.AVAILABLE}
            unwanted = [v for n, v in model.versions.items() if n not in wanted]
        for version in unwanted:
            # Never leave a gap: the last good version stays while none of the wanted ones is ready.
            if version.state is State.AVAILABLE and (ready & wanted.keys() or not wanted):
                self._unload(version)
            elif version.state is State.LOADING or version.error is not None:
                version.state, version.error = State.END, None

    def _unload(self, version: ManagedVersion) -> None:
        with self._lock:
            if version.state is not State.AVAILABLE:
                return
            version.state = State.UNLOADING
            idle = version.users == 0
        log.info("Quiescing servable version %s", version)
        if idle:
            self._finish_unloading(version)

    def _finish_unloading(self, version: ManagedVersion) -> None:
        with self._lock:
            loaded, version.loaded = version.loaded, None
        if loaded is not None:
            loaded.close()
        version.state = State.END
        log.info("Done unloading servable version %s", version)

    def close(self) -> None:
        """Stop polling and unload everything."""
        self.stopped.set()
        if self._poller is not None:
            self._poller.join()
        with self._lock:
            versions = [v for model in self._models.values() for v in model.versions.values()]
        for version in versions:
            self._unload(version)


# --- the file system -----------------------------------------------------------------------------


def _numbered(base: Path) -> dict[int, Path]:
    """Return the version folders in ``base`` by number."""
    try:
        names = os.listdir(base)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ServingError(Code.PERMISSION_DENIED, f"{base}; {error.strerror}") from None
    digits = (name for name in sorted(names) if re.fullmatch(r"[0-9]{1,19}", name))
    return {int(name): base / name for name in digits if int(name) < 2**63}


def _wanted(config: ModelConfig) -> dict[int, Path]:
    """Return the versions that the policy of a model asks for, of those that are there."""
    base = Path(config.base_path)
    if not base.exists():
        raise invalid(
            f"Could not find base path {base} for servable {config.name}"
            f" with error NOT_FOUND: {base} not found"
        )
    present = _numbered(base)
    policy = config.model_version_policy
    choice = policy.WhichOneof("policy_choice") or "latest"
    if choice == "all":
        wanted = present
    elif choice == "specific":
        wanted = {n: present[n] for n in policy.specific.versions if n in present}
        for number in sorted(set(policy.specific.versions) - present.keys()):
            log.warning(
                "Version %d of servable %s, which was requested to be served as a 'specific'"
                " version in the servable's version policy, was not found in the file system",
                *(number, config.name),
            )
    else:
        newest = sorted(present, reverse=True)[: max(policy.latest.num_versions, 1)]
        wanted = {number: present[number] for number in newest}
    if not wanted:
        log.warning(
            "No versions of servable %s found under base path %s. Did you forget to name your leaf"
            " directory as a number (eg. '/1/')?",
            *(config.name, config.base_path),
        )
    return wanted


def _check_configs(configs: list[ModelConfig]) -> None:
    names = [config.name for config in configs]
    for config in configs:
        if names.count(config.name) > 1:
            raise invalid(f"Illegal to list model {config.name} multiple times in config list")
        if not Path(config.base_path).is_absolute():
            raise invalid(
                f"Expected model {config.name} to have an absolute path or URI;"
                f" got base_path()={config.base_path}"
            )
        _check_platform(config)


def _check_platform(config: ModelConfig) -> None:
    if config.model_type == ModelType.MODEL_TYPE_UNSPECIFIED:
        platform = config.model_platform
    elif config.model_platform:
        raise invalid(
            "Illegal setting both ModelServerConfig::model_type (deprecated) and"
            f" ModelServerConfig::model_platform, model name is {config.name}"
        )
    elif config.model_type != ModelType.TENSORFLOW:
        raise invalid(f"ModelServerConfig::model_type choice {config.model_type} not supported.")
    else:
        platform = "tensorflow"
    if not platform:
        raise invalid(
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor"
            f" ModelServerConfig::model_platform, model name is {config.name}"
        )
    if platform != "tensorflow":
        raise invalid(f"Invalid platform: {platform}")
