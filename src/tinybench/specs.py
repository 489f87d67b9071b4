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

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

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


class Archive(_Frozen):
    """One file that a data set is downloaded as."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\.(tar\.gz|tgz)$")]
    url: Annotated[str, Field(pattern=r"^https?://")]
    bytes: Annotated[int, Field(gt=0)]
    sha256: Sha256
    license: str


class Subset(_Frozen):
    """A named part of a data set: the clips in the label folders of one archive."""

    title: str
    archive: str
    """Name of the archive that holds it; its other files are left out."""
    folders: Annotated[tuple[str, ...], Field(min_length=1)]
    """Label folders, each directly in the root of the archive."""
    suffix: Annotated[str, Field(pattern=r"^\.[a-z0-9]+$")]
    """How the file name of a clip ends."""
    clips: Annotated[int, Field(gt=0)]
    sha256: Sha256 | None = None
    """Hash of the whole set (``tinybench.datasets.hashing``), where it is known."""


class DatasetSpec(_Spec):
    """A public data set: where it comes from, under which licence, and how it is cited."""

    license: str
    license_url: str
    homepage: str
    citation: str
    archives: Annotated[tuple[Archive, ...], Field(min_length=1)]
    subsets: Annotated[dict[Identifier, Subset], Field(min_length=1)]

    @model_validator(mode="after")
    def _subsets_name_archives(self) -> DatasetSpec:
        names = [archive.name for archive in self.archives]
        for name, subset in self.subsets.items():
            if subset.archive not in names:
                raise ValueError(f"subsets.{name}.archive: '{subset.archive}' is none of {', '.join(names)}")
        return self

    def archive_of(self, subset: str) -> Archive:
        """The archive that holds ``subset``."""
        name = self.subsets[subset].archive
        return next(archive for archive in self.archives if archive.name == name)


class OfficialSplit(_Frozen):
    """The split that results may be published on: a subset of the task's data set."""

    subset: str


class SmokeSplit(_Frozen):
    """A small split that ships with the task; never published. Paths start at the task's folder."""

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
    dataset: DatasetSpec
    splits: Splits

    @model_validator(mode="after")
    def _official_split_exists(self) -> TaskSpec:
        if self.splits.official.subset not in self.dataset.subsets:
            known = ", ".join(sorted(self.dataset.subsets))
            raise ValueError(f"splits.official.subset: '{self.splits.official.subset}' is none of {known}")
        return self

    @property
    def folder(self) -> Path:
        """The folder of ``task.toml``."""
        return content.tasks_dir() / self.id


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
        raise ContentError(
            f"{path}: id: is '{spec.id}' but the name says '{expected_id}'", hint="make them equal"
        )
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
