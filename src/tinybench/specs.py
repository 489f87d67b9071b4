"""TaskSpec, ModelSpec and DeviceSpec: what the content folders say, typed and frozen.

Each is read from one TOML file. A file that is broken, incomplete or has a key that nobody reads is a
``ContentError`` that names the file and the key. There is no central list: a new folder or file is enough.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tinybench import content
from tinybench.errors import ContentError, UnknownNameError

T = TypeVar("T")
S = TypeVar("S", bound="_Spec")

Identifier = Annotated[str, Field(pattern=r"^[a-z0-9]+(?:[-_.][a-z0-9]+)*$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class _Spec(_Frozen):
    id: Identifier
    title: str


class Sourced(_Frozen, Generic[T]):
    """A constant and the document (with table, figure or section) that it was read from."""

    value: T
    source: Annotated[str, Field(min_length=8)]


# ---------------------------------------------------------------------------------------------- tasks


class OfficialSplit(_Frozen):
    """The split that results may be published on: part of a data set of the catalogue."""

    dataset: Identifier
    subset: str


class SmokeSplit(_Frozen):
    """A small split that ships with the task; never published."""

    folder: str
    manifest: str


class Splits(_Frozen):
    """The splits of a task."""

    official: OfficialSplit
    smoke: SmokeSplit


class TaskSpec(_Spec):
    """``tasks/<id>/task.toml``: one standard task."""

    version: str
    summary: str
    metric: Literal["top1"]
    target: Annotated[float, Field(gt=0, le=1)]
    labels: tuple[str, ...]
    input_shape: tuple[int, ...]
    """Shape of one preprocessed input, without the batch dimension."""
    output_shape: tuple[int, ...]
    """Shape of one output, without the batch dimension."""
    reference_model: Identifier
    default_device: Identifier
    splits: Splits


# --------------------------------------------------------------------------------------------- models


class AccuracyClaim(_Frozen):
    """An accuracy that was measured when the model was made."""

    data: str
    metric: Literal["top1"]
    precision: Literal["int8", "float32"]
    value: Annotated[float, Field(ge=0, le=1)]
    samples: Annotated[int, Field(gt=0)]
    ci95: tuple[float, float]


class Provenance(_Frozen):
    """How a reference model came to be."""

    recipe: str
    tensorflow: str
    seed: int
    data: str
    calibration: str


class ModelSpec(_Spec):
    """``reference_models/<id>/model.toml``: one int8 reference model."""

    task: Identifier
    file: str
    sha256: Sha256
    license: str
    macs: Annotated[int, Field(gt=0)]
    parameters: Annotated[int, Field(gt=0)]
    operators: tuple[str, ...]
    accuracy: tuple[AccuracyClaim, ...]
    provenance: Provenance

    @property
    def path(self) -> Path:
        """The .tflite file."""
        return content.models_dir() / self.id / self.file


# -------------------------------------------------------------------------------------------- devices


class Region(_Frozen):
    """One memory of the chip, as the linker sees it."""

    base: int
    bytes: Annotated[int, Field(gt=0)]
    source: str


class FlashTiming(_Frozen):
    """How long the core waits for its flash, and what hides it."""

    wait_states: Sourced[int]
    """Extra core cycles of one flash access at this clock and voltage."""
    width_bytes: Sourced[int]
    """Bytes that one flash access reads."""
    line_bytes: Sourced[int]
    """Bytes of one instruction or data cache line."""
    instruction_lines: Sourced[int]
    data_lines: Sourced[int]
    prefetch: Sourced[bool]
    """Whether the next flash word is read ahead on instruction fetch."""


class Power(_Frozen):
    """Supply and current while the core runs from flash."""

    supply_v: Sourced[float]
    run_a_per_hz: Sourced[float]
    """Core and flash, peripherals off: ampere per hertz."""
    run_offset_a: Sourced[float]
    """What the board draws on the measured rail beside the core: the fitted number, if there is one."""


class DeviceSpec(_Spec):
    """``runners/devices/<id>.toml``: one board at one clock, each constant with its source."""

    vendor: str
    chip: str
    core: Literal["cortex-m4"]
    clock_hz: Sourced[int]
    flash: Region
    ram: Region
    flash_timing: FlashTiming
    power: Power


# -------------------------------------------------------------------------------------------- reading


def read_toml(path: Path) -> dict[str, Any]:
    """Parse one content file.

    Raises:
        ContentError: the file is missing, not UTF-8, or not TOML; the message names it.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ContentError(f"{path} is missing", hint="restore it or remove its folder") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ContentError(f"{path}: {error}", hint="correct the file") from None


def validate(kind: type[S], document: Mapping[str, Any], path: Path, expected_id: str) -> S:
    """Check a document against its spec; the file or folder name must equal ``id``."""
    try:
        spec = kind.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "(the whole file)"
        raise ContentError(f"{path}: {key}: {first['msg'].lower()}", hint="correct the file") from None
    if spec.id != expected_id:
        raise ContentError(f"{path}: id: is '{spec.id}' but the name says '{expected_id}'", hint="make them equal")
    return spec


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
