"""TaskSpec, ModelSpec and DeviceSpec: what the content folders say, typed and frozen.

Each is read from one TOML file. A file that is broken, incomplete or has a key that nobody reads is a
``ContentError`` that names the file and the key. There is no central list: a new folder or file is enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from tinybench import content
from tinybench.errors import ContentError, UnknownNameError
from tinybench.specs.base import Identifier, S, Sha256, Source, Sourced, T, first_error, read_toml, validate
from tinybench.specs.device_spec import (
    BatterySpec,
    BoardSpec,
    Cache,
    DeviceSpec,
    FlashTiming,
    NpuSpec,
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
    "NpuSpec",
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
    found: dict[str, Path] = {}
    for name, path in paths:
        first = found.setdefault(name, path)
        if first != path:
            raise ContentError(
                f"{path}: '{name}' is there already: {first}",
                hint="rename one of the two, or uninstall the package that brings it",
            )
    return {name: validate(kind, read_toml(path), path, name) for name, path in sorted(found.items())}


def _folders(parents: Iterable[Path], file: str) -> Iterator[tuple[str, Path]]:
    for parent in parents:
        for folder in sorted(parent.iterdir()) if parent.is_dir() else ():
            if folder.is_dir() and not folder.name.startswith((".", "_")):
                yield folder.name, folder / file


def _files(parents: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    for parent in parents:
        for path in sorted(parent.glob("*.toml")):
            yield path.stem, path


@cache
def tasks() -> dict[str, TaskSpec]:
    """All tasks by id, in alphabetical order."""
    return _read_all(TaskSpec, _folders(content.task_dirs(), "task.toml"))


@cache
def models() -> dict[str, ModelSpec]:
    """All reference models by id, in alphabetical order."""
    return _read_all(ModelSpec, _folders(content.model_dirs(), "model.toml"))


@cache
def devices() -> dict[str, DeviceSpec]:
    """All devices by id, in alphabetical order."""
    return _read_all(DeviceSpec, _files(content.device_dirs()))


@cache
def batteries() -> dict[str, BatterySpec]:
    """All batteries by id, in alphabetical order."""
    return _read_all(BatterySpec, _files(content.battery_dirs()))


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
        error = UnknownNameError(kind, name, known)
        for broken in content.PLUGINS.broken().values():  # it may be there
            error.hint = f"{error.hint}; not looked at: {broken.message}"
        raise error from None
