"""TaskSpec, ModelSpec and DeviceSpec: what the content folders say, typed and frozen.

Each is read from one TOML file. A file that is broken, incomplete or has a key that nobody reads is a
``ContentError`` that names the file and the key. There is no central list: a new folder or file is enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from tinybench import content
from tinybench.errors import UnknownNameError
from tinybench.specs.base import Identifier, S, Sha256, Source, Sourced, T, first_error, read_toml, validate
from tinybench.specs.device_spec import (
    BatterySpec,
    BoardSpec,
    Cache,
    DeviceSpec,
    FlashTiming,
    Power,
    RamTiming,
    Region,
    WaitStates,
)
from tinybench.specs.model_spec import AccuracyClaim, ModelSpec, Provenance
from tinybench.specs.task_spec import (
    Archive,
    DatasetSpec,
    SerialSpec,
    SmokeSplit,
    Splits,
    Subset,
    SubsetSplit,
    TaskSpec,
)

__all__ = [
    "AccuracyClaim",
    "Archive",
    "BatterySpec",
    "BoardSpec",
    "Cache",
    "DatasetSpec",
    "DeviceSpec",
    "FlashTiming",
    "Identifier",
    "ModelSpec",
    "Power",
    "Provenance",
    "RamTiming",
    "Region",
    "SerialSpec",
    "Sha256",
    "SmokeSplit",
    "Source",
    "Sourced",
    "Splits",
    "Subset",
    "SubsetSplit",
    "TaskSpec",
    "WaitStates",
    "batteries",
    "battery",
    "device",
    "devices",
    "first_error",
    "model",
    "models",
    "read_toml",
    "task",
    "tasks",
    "validate",
]


def _read_all(kind: type[S], paths: Iterator[tuple[str, Path]]) -> dict[str, S]:
    return {name: validate(kind, read_toml(path), path, name) for name, path in paths}


def _folders(parent: Path, file: str) -> Iterator[tuple[str, Path]]:
    for folder in sorted(parent.iterdir()) if parent.is_dir() else ():
        if folder.is_dir() and not folder.name.startswith((".", "_")):
            yield folder.name, folder / file


@cache
def tasks() -> dict[str, TaskSpec]:
    """All tasks by id, in alphabetical order."""
    return _read_all(TaskSpec, _folders(content.tasks_dir(), "task.toml"))


@cache
def models() -> dict[str, ModelSpec]:
    """All reference models by id, in alphabetical order."""
    return _read_all(ModelSpec, _folders(content.models_dir(), "model.toml"))


@cache
def devices() -> dict[str, DeviceSpec]:
    """All devices by id, in alphabetical order."""
    found = ((path.stem, path) for path in sorted(content.devices_dir().glob("*.toml")))
    return _read_all(DeviceSpec, found)


@cache
def batteries() -> dict[str, BatterySpec]:
    """All batteries by id, in alphabetical order."""
    found = ((path.stem, path) for path in sorted(content.batteries_dir().glob("*.toml")))
    return _read_all(BatterySpec, found)


def battery(name: str) -> BatterySpec:
    """The battery called ``name``, in either case: ``CR2032`` is ``cr2032``."""
    return _lookup("battery", name.lower(), batteries())


def task(name: str) -> TaskSpec:
    """The task called ``name``, or an ``UnknownNameError`` that lists what there is."""
    return _lookup("task", name, tasks())


def model(name: str) -> ModelSpec:
    """The reference model called ``name``."""
    return _lookup("model", name, models())


def device(name: str) -> DeviceSpec:
    """The device called ``name``."""
    return _lookup("device", name, devices())


def _lookup(kind: str, name: str, known: Mapping[str, T]) -> T:
    try:
        return known[name]
    except KeyError:
        raise UnknownNameError(kind, name, known) from None
