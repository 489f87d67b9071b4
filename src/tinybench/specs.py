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
from tinybench.errors import ContentError, UnknownNameError, UsageError

T = TypeVar("T")
S = TypeVar("S", bound="_Spec")

Identifier = Annotated[str, Field(pattern=r"^[a-z0-9]+(?:[-_.][a-z0-9]+)*$")]
Source = Annotated[str, Field(min_length=8)]
"""The document, with table, figure or section, that a constant was read from."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class _Spec(_Frozen):
    id: Identifier
    title: str


class Sourced(_Frozen, Generic[T]):
    """A constant and the document (with table, figure or section) that it was read from."""

    value: T
    source: Source


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
    seen_official_test: bool
    """Whether clips of the official test split, or of its speakers, took part in training or selection."""


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
    source: Source


class WaitStates(_Frozen):
    """Extra core cycles of a flash access against the clock: (highest clock in hertz, cycles), ascending."""

    table: Annotated[tuple[tuple[int, int], ...], Field(min_length=1)]
    source: Source

    @model_validator(mode="after")
    def _ascending(self) -> WaitStates:
        clocks = [clock for clock, _ in self.table]
        if clocks != sorted(set(clocks)):
            raise ValueError("the clocks of the table must ascend")
        return self

    def at(self, clock_hz: int) -> int:
        """Wait states that the manual demands at a clock."""
        return next(states for highest, states in self.table if clock_hz <= highest)


class Cache(_Frozen):
    """A cache or a set of line buffers between core and flash, least recently used first out."""

    bytes: Annotated[int, Field(gt=0)]
    line_bytes: Annotated[int, Field(gt=0)]
    ways: Annotated[int, Field(ge=0)]
    """0: fully associative."""
    fills: Literal["word", "line"]
    """What a miss reads: one flash word of a line, or all of the line."""
    source: Source

    @property
    def sets(self) -> int:
        """Number of sets; 1 if fully associative."""
        return 1 if self.ways == 0 else self.bytes // (self.line_bytes * self.ways)

    @model_validator(mode="after")
    def _whole_sets(self) -> Cache:
        for name in ("bytes", "line_bytes"):
            value = getattr(self, name)
            if value & (value - 1):
                raise ValueError(f"{name} must be a power of two")
        if self.bytes % (self.line_bytes * max(1, self.ways)):
            raise ValueError("bytes must be a multiple of line_bytes and ways")
        return self


class RamTiming(_Frozen):
    """How long the core waits for its RAM; none of it by default."""

    wait_cycles: int
    """Stall of every word loaded; stores wait in a buffer."""
    above_hz: int = 0
    """Only at clocks above this one."""
    source: Source


class FlashTiming(_Frozen):
    """How long the core waits for its flash, and what hides it."""

    wait_states: WaitStates
    bus_cycles: Sourced[int] | None = None
    """More cycles of every miss: what lies between core and flash."""
    width_bytes: Sourced[int]
    """Bytes that one flash access reads."""
    prefetch: Sourced[bool]
    """Whether the next flash word is read ahead on instruction fetch."""
    instruction_cache: Cache | None = None
    data_cache: Cache | None = None
    shared_cache: Cache | None = None
    """One cache for instructions and data, in place of the other two."""

    @model_validator(mode="after")
    def _one_kind_of_cache(self) -> FlashTiming:
        if self.shared_cache and (self.instruction_cache or self.data_cache):
            raise ValueError("shared_cache takes the place of instruction_cache and data_cache")
        return self


class Power(_Frozen):
    """Supply, and current in each mode, typical at 25 degrees Celsius."""

    supply_v: Sourced[float]
    run_a_per_hz: Sourced[float]
    """Core and flash, peripherals off: ampere per hertz."""
    run_offset_a: Sourced[float]
    """What the rail draws beside, whatever the clock: a static current of the data sheet, or fitted."""
    idle_a: Sourced[float] | None = None
    """Core stopped by WFI, clocks running at the default clock."""
    sleep_a: Sourced[float] | None = None
    """The deepest mode that keeps the RAM."""


class DeviceSpec(_Spec):
    """``runners/devices/<id>.toml``: one board, each constant with its source."""

    vendor: str
    chip: str
    core: Literal["cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33"]
    clock_hz: Sourced[int]
    """The default clock; ``at_clock`` gives others."""
    flash: Region
    ram: Region
    flash_timing: FlashTiming
    ram_timing: RamTiming | None = None
    power: Power | None = None
    """None: no current with a source is known, and energy is not available."""

    @model_validator(mode="after")
    def _clock_is_legal(self) -> DeviceSpec:
        highest = self.flash_timing.wait_states.table[-1][0]
        if not 0 < self.clock_hz.value <= highest:
            raise ValueError(
                f"clock_hz must be above 0 and at most {highest}, the last clock of the wait states"
            )
        return self

    def at_clock(self, clock_hz: int) -> DeviceSpec:
        """The same device at another clock, with the wait states that it demands there.

        Raises:
            UsageError: the device does not run at that clock.
        """
        highest = self.flash_timing.wait_states.table[-1][0]
        if not 0 < clock_hz <= highest:
            raise UsageError(
                f"{self.id} does not run at {clock_hz / 1e6:g} MHz",
                hint=f"up to {highest / 1e6:g} MHz are legal",
            )
        chosen = self.clock_hz.model_copy(update={"value": clock_hz})
        return self.model_copy(update={"clock_hz": chosen})

    @property
    def ram_wait_cycles(self) -> int:
        """Stall of every word loaded from RAM at the chosen clock."""
        timing = self.ram_timing
        return 0 if timing is None or self.clock_hz.value <= timing.above_hz else timing.wait_cycles

    @property
    def miss_cycles(self) -> int:
        """Core cycles that a read costs which no cache or buffer serves, beyond those of a hit."""
        timing = self.flash_timing
        bus_cycles = timing.bus_cycles.value if timing.bus_cycles else 0
        return timing.wait_states.at(self.clock_hz.value) + bus_cycles


# ------------------------------------------------------------------------------------------ batteries


class BatterySpec(_Spec):
    """``runners/batteries/<id>.toml``: one kind of battery, each figure with its source."""

    capacity_ah: Sourced[Annotated[float, Field(gt=0)]]
    """Charge in ampere hours, new, at room temperature, from full to ``empty_v`` at ``rated_a``."""
    rated_a: Sourced[Annotated[float, Field(gt=0)]]
    """The current that the capacity is given for; a larger one gets less out of the battery."""
    nominal_v: Sourced[Annotated[float, Field(gt=0)]]
    empty_v: Sourced[Annotated[float, Field(gt=0)]]


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
