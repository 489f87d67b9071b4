"""The result of one measurement: schema ``tinybench.result/2``.

One JSON per (task, model, device, engine, runner). The models here validate what is written and what is
read; ``json_schema()`` exports them, and ``migrations.migrate`` keeps older files readable.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    StringConstraints,
    field_validator,
    model_validator,
)

SCHEMA: Final = "tinybench.result/2"

Mode = Literal["measured", "simulated", "predicted"]
"""``measured`` on hardware, ``simulated`` instruction by instruction, ``predicted`` by a model."""

Gate = Literal["edges", "timestamps"]

MetricName = Literal[
    "accuracy.top1",
    "accuracy.auc",
    "latency.per_inference",
    "throughput",
    "energy.per_inference",
    "energy.above_baseline",
    "power.active",
    "memory.arena",
    "memory.ram",
    "memory.flash",
    "cycles.per_inference",
    "instructions.per_inference",
    "power.average",
    "streaming.true_positives",
    "streaming.false_negatives",
    "streaming.false_positives",
    "streaming.duty_cycle",
    "streaming.period",
]
Unit = Literal["fraction", "1", "s", "1/s", "J", "W", "bytes", "cycles", "instructions", "count"]

UNITS: Final[dict[MetricName, Unit]] = {
    "accuracy.top1": "fraction",
    "accuracy.auc": "1",
    "latency.per_inference": "s",
    "throughput": "1/s",
    "energy.per_inference": "J",
    "energy.above_baseline": "J",
    "power.active": "W",
    "memory.arena": "bytes",
    "memory.ram": "bytes",
    "memory.flash": "bytes",
    "cycles.per_inference": "cycles",
    "instructions.per_inference": "instructions",
    "power.average": "W",
    "streaming.true_positives": "count",
    "streaming.false_negatives": "count",
    "streaming.false_positives": "count",
    "streaming.duty_cycle": "fraction",
    "streaming.period": "s",
}
"""The one unit of each metric. Files hold SI units and bytes; only the command line shows ms, µJ or KiB."""

METRIC_NAMES: Final[tuple[MetricName, ...]] = get_args(MetricName)

BESIDE_METRICS: Final[tuple[MetricName, ...]] = ("energy.above_baseline",)
"""What a result may state beside the rest, and none has to explain the lack of.

``energy.above_baseline`` is the energy per inference above the power that the idle board drew before the
window. It never takes the place of ``energy.per_inference``, which is all that the board took.
"""

DEVICE_METRICS: Final[tuple[MetricName, ...]] = tuple(
    name
    for name in METRIC_NAMES
    if not name.startswith(("accuracy.", "streaming.")) and name not in ("power.average", *BESIDE_METRICS)
)
"""What every task has beside its accuracy. The rest is for a task on a stream of samples, such as MLPerf
Tiny's ``sww``: its average power is that over the whole stream, not that of a window of inferences."""

ACCURACY: Final[dict[str, MetricName]] = {"top1": "accuracy.top1", "auc": "accuracy.auc"}
"""What the metric of a task is called in a result."""

MLPERF_SETS: Final = ("mlperf-1000", "mlperf-200", "mlperf-248")
"""Splits that are MLPerf Tiny's accuracy sets: a board takes hours for them, and days for larger ones."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, StringConstraints(min_length=1)]
SplitName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:[-_.][a-z0-9]+)*$", max_length=40)]
Count = Annotated[int, Field(ge=0)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
EvidenceName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]

_MAX_COUNT: Final = 2**63 - 1
"""Of bytes and events: what the integers of every program and of Parquet hold."""

_LEAST: Final = 1e-30
"""Of what is not 0: no figure of a device comes near, and ratios of figures stay finite."""


class _Frozen(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", protected_namespaces=(), json_schema_serialization_defaults_required=True
    )


def _optional(field: str) -> Callable[[dict[str, Any]], None]:
    """For the JSON Schema: a field that the file leaves out where it has nothing to say."""

    def remove(schema: dict[str, Any]) -> None:
        if field in schema.get("required", ()):
            schema["required"].remove(field)

    return remove


class Metric(_Frozen):
    """One figure, its unit, and how it came to be."""

    name: MetricName
    """Which figure; it decides the unit."""
    value: Annotated[int, Field(ge=0)] | Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """In ``unit``: SI units and bytes, never milli or kibi."""
    unit: Unit
    """The one that the name prescribes."""
    mode: Mode
    """How the figure came to be: ``measured`` on hardware, ``simulated`` instruction by instruction, or
    ``predicted`` by a model."""
    note: str | None = None
    """What a reader of this figure should know."""
    ci95: tuple[Finite, Finite] | None = None
    """95 % confidence interval, in the unit of the metric."""
    interval95: Annotated[tuple[Finite, Finite] | None, Field(exclude_if=lambda value: value is None)] = None
    """95 % prediction interval of a simulated or predicted figure: where hardware would be, in the unit of
    the metric. It says how far the simulator may be off, the same on every run, and nothing about sampling.
    Left out of the file where there is none, so that results without it keep their bytes and their id."""

    model_config = ConfigDict(json_schema_extra=_optional("interval95"))

    @classmethod
    def of(
        cls,
        name: MetricName,
        value: float,
        mode: Mode,
        *,
        note: str | None = None,
        ci95: tuple[float, float] | None = None,
        interval95: tuple[float, float] | None = None,
    ) -> Metric:
        """A metric in the unit that its name prescribes."""
        return cls(
            name=name,
            value=value,
            unit=UNITS[name],
            mode=mode,
            note=note,
            ci95=ci95,
            interval95=interval95,
        )

    @field_validator("value", mode="before")
    @classmethod
    def _plain_number(cls, value: object) -> object:
        """Turn NumPy scalars into Python numbers; nothing else is converted."""
        if isinstance(value, bool | str):
            raise ValueError("must be a number")
        return value.item() if hasattr(value, "item") else value

    @model_validator(mode="after")
    def _check(self) -> Metric:
        if self.unit != UNITS[self.name]:
            raise ValueError(f"{self.name} is given in '{UNITS[self.name]}', not in '{self.unit}'")
        counted = self.unit in ("bytes", "cycles", "instructions", "count")
        value = self.value
        if counted and float(value).is_integer():
            value = int(value)
        elif self.unit in ("bytes", "count"):
            raise ValueError(f"{self.name} must be a whole number")
        elif not counted:
            value = float(value)
        if self.unit in ("bytes", "count") and value > _MAX_COUNT:
            raise ValueError(f"{self.name} is more than 64 bits hold")
        if 0 < value < _LEAST:
            raise ValueError(f"{self.name} is nearer to 0 than {_LEAST:g}")
        if self.unit in ("fraction", "1") and value > 1:
            raise ValueError(f"{self.name} must be between 0 and 1")
        if self.ci95 is not None and self.ci95[0] > self.ci95[1]:
            raise ValueError("ci95 must be (lower, upper)")
        if self.interval95 is not None:
            if self.mode == "measured":
                raise ValueError("interval95 is for simulated and predicted figures")
            if self.interval95[0] > self.interval95[1]:
                raise ValueError("interval95 must be (lower, upper)")
        # One number has one spelling: 12 cycles are never written as 12.0, nor 1 second as 1.
        object.__setattr__(self, "value", value)
        return self


class Unavailable(_Frozen):
    """A metric that this run could not give, and why."""

    name: MetricName
    """Which figure."""
    reason: Text
    """Why there is none."""


class Layer(_Frozen):
    """What one operator of the model costs."""

    index: Count
    """Place in the order of execution, from 0."""
    operator: Text
    """The builtin operator's name in the TFLite schema, such as ``CONV_2D``."""
    name: str
    """Of the tensor that it writes, as the file calls it."""
    cycles: Count
    """Of one inference; so are the others."""
    instructions: Count
    """That were executed."""
    macs: Count
    """Multiply-accumulates."""
    share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    """Part of the cycles of one inference."""


class Engine(_Frozen):
    """Inference runtime, kernel library and compiler: alone they move latency by several times."""

    name: Text
    """Inference runtime."""
    version: Text | None
    """Of the runtime. None here and in all fields below: whoever published it does not say."""
    kernels: Text | None
    """Kernel library; None also where it is part of the runtime."""
    kernels_version: Text | None
    """Of the kernel library."""
    compiler: Text | None
    """With its version."""
    flags: tuple[str, ...] = ()
    """Of the compiler, one by one."""
    in_ram: Annotated[tuple[Literal["code", "weights"], ...], Field(exclude_if=lambda value: not value)] = ()
    """What the start-up code copies from flash to RAM; left out of the file if there is nothing, so that
    results of firmware in flash keep their bytes and their id."""

    model_config = ConfigDict(json_schema_extra=_optional("in_ram"))


class Tool(_Frozen):
    """The tinybench that measured."""

    name: Literal["tinybench"] = "tinybench"
    """Always this program."""
    version: Text
    """Of tinybench."""
    commit: str | None
    """Commit of the checkout, ``-dirty`` if files differ from it; null for an installed wheel."""


class TaskRef(_Frozen):
    """Which task, in which version."""

    id: Text
    """Such as ``kws``."""
    version: Text | None
    """None for a task that this project does not define."""


class DataRef(_Frozen):
    """Which samples were classified."""

    split: SplitName
    """``official``, ``smoke``, ``custom`` (a folder of the user's), ``golden`` (no labelled data), or another
    split that the task names; of what is measured here only ``official`` is ever published. Published
    elsewhere: that source's accuracy set, such as ``mlperf-1000``."""
    dataset: Text
    """Name of the data set."""
    dataset_sha256: Sha256 | None
    """Over the hashes of all files of the split; None if the source gives no hash."""
    samples: Annotated[int, Field(gt=0)] | None
    """How many were classified; None if the source does not say."""
    limit: Annotated[int, Field(gt=0)] | None
    """How many were asked for; None: all of the split."""


class ModelRef(_Frozen):
    """Which model."""

    name: Text
    """Id of a reference model, or name of the file."""
    sha256: Sha256 | None
    """Of the ``.tflite`` file. None here and in all fields below: whoever published the result does not say
    which file it was."""
    macs: Count | None
    """Multiply-accumulates of one inference."""
    parameters: Count | None
    """Elements of all weights and biases."""


class Accelerator(_Frozen):
    """What executes the model beside the core, or in its place."""

    name: Text
    """As its maker calls it."""
    clock_hz: Annotated[int, Field(gt=0)] | None
    """In hertz; None if it is not known."""


class DeviceRef(_Frozen):
    """Which device, at which clock. None: whoever published the result does not say."""

    id: Text
    """Id of the device profile, if there is one."""
    board: Text | None
    """Name of the board."""
    chip: Text | None
    """Name of the chip, as exact as it is known."""
    core: Text | None
    """As in the device profiles, such as ``cortex-m4``; for what has none, its kind: ``npu``, ``fpga``."""
    clock_hz: Annotated[int, Field(gt=0)] | None
    """Core clock while measuring, in hertz."""
    supply_v: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] | None
    """In volt: the supply at which energy and power were measured, or for which they were predicted."""
    accelerator: Accelerator | None
    """None: the core alone executes the model."""


class HostRef(_Frozen):
    """No device: accuracy alone was computed, on a machine that stands in the environment."""

    id: Literal["host"] = "host"
    """Says that no device took part."""


class Evidence(_Frozen):
    """A file beside the result: log, raw outputs, trace, firmware."""

    name: EvidenceName
    """File name; evidence lies in one folder without others in it."""
    bytes: Count
    """Size of the file."""
    sha256: Sha256
    """Of the bytes of the file."""
    media_type: Text
    """Such as ``text/csv``."""


class Window(_Frozen):
    """Consecutive inferences between two timestamps of the device."""

    run: Literal["performance", "energy"]
    """Whether only time was taken, or energy, too."""
    index: Annotated[int, Field(gt=0)]
    """From 1, in the order in which they were measured, for each run."""
    input: Text | None
    """Name of the sample that was classified again and again."""
    inferences: Annotated[int, Field(gt=0)]
    """How many there are in the window."""
    seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """Length of the window, by the clock of the device."""
    joules: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None
    """Energy of the window; None where there was no meter."""

    @property
    def throughput(self) -> float:
        """Inferences per second."""
        return self.inferences / self.seconds


class Analyser(_Frozen):
    """A power analyser, as it was set while measuring."""

    kind: Text
    """Name of its driver, such as ``joulescope``."""
    title: Text
    """Make and model."""
    serial: Text | None
    """Serial number. None: it does not tell; so for firmware and calibration."""
    firmware: Text | None
    """Version of its firmware."""
    calibration: Text | None
    """What it says of its calibration: a date, an identifier, or where the constants are from."""
    rate_hz: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """Samples per second of the trace."""
    native_rate_hz: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """Samples per second that it takes; where this is more, the trace holds means."""
    range: Text
    """Of the current, in words: ``automatic, 200 nA to 1 A``."""
    voltage_v: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] | None
    """Supply of the board, in volt; None where the trace was recorded without it."""
    voltage: Literal["set", "measured", "stated"]
    """Whether the analyser supplies that voltage, measured it, or the user said so."""
    power_cycles: bool
    """Whether opening it took the board's power away for a moment."""
    edges: Text | None
    """Its input that saw the board's pin; None: it has none."""
    synthetic: bool
    """Whether its figures come from a formula: then nothing was measured."""


class Instrument(Analyser):
    """The power analyser that measured energy, and how its windows were found."""

    gate: Gate
    """What bounds the windows of energy: falling edges of the board's pin, recorded with the trace; or
    timestamps of the host's clock, which lag a few milliseconds behind the board."""


class Source(_Frozen):
    """Where a result was published, if not here."""

    kind: Literal["mlperf-tiny"]
    """Which publication."""
    round: Text
    """Such as ``v1.2``."""
    division: Literal["closed", "open"]
    """As published."""
    organisation: Text
    """As the source spells it; so is ``system``."""
    system: Text
    """Name of the system."""
    repository: Annotated[str, StringConstraints(pattern=r"^https://[^\s]+$")] | None
    """Address; None if the source is no repository."""
    path: Text
    """Folder of the result in the repository."""
    licence: Text
    """Of the published results."""
    attribution: Text
    """What the publisher asks to be said beside the figures."""
    original: dict[str, str]
    """The fields of the source that were normalised, as they stand there."""


class Environment(_Frozen):
    """Where it was measured. Not part of the content id."""

    python: Text
    """Version of the interpreter."""
    os: Text
    """Operating system."""
    machine: Text
    """Instruction set of the host."""
    packages: dict[str, str]
    """Version of each package that takes part."""


class Result(_Frozen):
    """One measurement of one model on one device."""

    model_config = ConfigDict(
        validate_by_name=True, validate_by_alias=True, json_schema_extra=_optional("instrument")
    )

    schema_: Literal["tinybench.result/2"] = Field(default=SCHEMA, alias="schema")
    """Which schema this is."""
    id: Annotated[str, StringConstraints(pattern=r"^r-[0-9a-f]{16}$")]
    """Content id: the first 16 hex digits of the SHA-256 of what was measured (see ``content_id``)."""
    created: AwareDatetime
    """When it was measured: UTC, to the second."""
    tool: Tool
    """What measured it."""
    task: TaskRef
    """What was solved."""
    data: DataRef
    """Which samples were classified."""
    model: ModelRef
    """What was executed."""
    device: DeviceRef | HostRef
    """What it ran on; ``host`` where accuracy alone was computed."""
    engine: Engine
    """What executed the model."""
    runner: Text
    """How it was measured: name of the runner."""
    instrument: Annotated[Instrument | None, Field(exclude_if=lambda value: value is None)] = None
    """What measured energy and power. Left out of the file where nothing is known of one, so that results
    without it keep their bytes and their id."""
    source: Source | None
    """None: measured with tinybench by whoever submits it."""
    metrics: tuple[Metric, ...]
    """The figures."""
    unavailable: tuple[Unavailable, ...]
    """Figures that this run could not give."""
    windows: tuple[Window, ...]
    """What latency and energy are the medians of; empty where nothing was timed by a clock."""
    layers: tuple[Layer, ...]
    """What each operator costs; empty where that is not known."""
    evidence: tuple[Evidence, ...]
    """Files that the figures can be recomputed from."""
    notes: tuple[str, ...]
    """What a reader should know, in words."""
    target: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None
    """Quality target of the task, in the unit of its accuracy metric; null if that has none."""
    target_met: bool | None
    """Null unless the accuracy is that of the whole official split, where the target is defined (for what was
    published elsewhere: the whole accuracy set of the source), and not predicted."""
    publishable: bool
    """Whether the rules of the suite let it be published."""
    not_publishable_because: tuple[Text, ...]
    """The reasons, if it is not."""
    environment: Environment | None
    """None for a result that another program measured, here or elsewhere."""

    _path: Path | None = PrivateAttr(default=None)

    @property
    def path(self) -> Path | None:
        """Where this result was written to or read from."""
        return self._path

    def at(self, path: Path) -> Result:
        """The same result, knowing where it is kept."""
        placed = self.model_copy()
        placed._path = path
        return placed

    def metric(self, name: MetricName) -> Metric | None:
        """The metric called ``name``, or None if it was not available."""
        return next((metric for metric in self.metrics if metric.name == name), None)

    @property
    def performance_only(self) -> bool:
        """Whether it is a simulation on golden vectors that says nothing of accuracy, and claims none.

        What an int8 kernel computes decides its cycles to within 0.1 %, whatever the sample: latency, energy
        and memory of a model that is known need no data set.
        """
        latency = self.metric("latency.per_inference")
        return (
            (self.data.split, self.data.limit) == ("golden", None)
            and latency is not None
            and latency.mode == "simulated"
            and not any(metric.name.startswith("accuracy.") for metric in self.metrics)
        )

    def to_json(self) -> bytes:
        """The bytes of the result file: UTF-8, two spaces, fields in schema order, one final newline."""
        document = self.model_dump(mode="json", by_alias=True)
        return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()

    @field_validator("created")
    @classmethod
    def _utc_seconds(cls, value: datetime) -> datetime:
        try:
            return value.astimezone(UTC).replace(microsecond=0)
        except OverflowError:
            raise ValueError("has no counterpart in UTC between the years 1 and 9999") from None

    @model_validator(mode="after")
    def _check(self) -> Result:
        names = [metric.name for metric in self.metrics] + [missing.name for missing in self.unavailable]
        _unique("metric", names)
        _unique("evidence file", [item.name for item in self.evidence])
        _unique("layer", [layer.index for layer in self.layers])
        _unique("window", [(window.run, window.index) for window in self.windows])
        if self.instrument is not None and self.instrument.synthetic:
            for metric in self.metrics:
                if metric.unit in ("J", "W") and metric.mode == "measured":
                    raise ValueError(f"{metric.name} cannot be measured: the instrument is synthetic")
        if self.publishable == bool(self.not_publishable_because):
            raise ValueError("publishable and not_publishable_because contradict each other")
        accuracy = next((metric for metric in self.metrics if metric.name.startswith("accuracy.")), None)
        decisive = is_decisive(self.data, self.source, accuracy)
        if self.publishable and not decisive:
            raise ValueError("only a result on the whole official split is publishable")
        met = meets(self.target, accuracy) if decisive else None
        if self.target_met != met:
            raise ValueError(f"target_met is {self.target_met}, but accuracy, target and split say {met}")
        return self


def is_decisive(data: DataRef, source: Source | None, accuracy: Metric | None) -> bool:
    """Whether the accuracy on these samples is one that a quality target is about.

    That is the whole official split; for what hardware computed also the whole accuracy set of MLPerf Tiny,
    on which the targets were set; and for what was published elsewhere the whole accuracy set of the source.
    """
    if data.limit is not None:
        return False
    by_hardware = accuracy is not None and accuracy.mode == "measured"
    return source is not None or data.split == "official" or (by_hardware and data.split in MLPERF_SETS)


def meets(target: float | None, accuracy: Metric | None) -> bool | None:
    """Whether an accuracy meets the target; None if that is not decided.

    A predicted accuracy decides nothing: a device may score differently.
    """
    if target is None or accuracy is None or accuracy.mode == "predicted":
        return None
    return accuracy.value >= target


def _unique(kind: str, values: list[Any]) -> None:
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{kind} '{value}' is listed more than once")
        seen.add(value)


_NOT_MEASURED: Final = ("id", "created", "environment")


def content_id(document: dict[str, Any]) -> str:
    """The content id of a result document (JSON types).

    It covers everything but the id itself, ``created``, ``environment`` and ``tool.commit``: the same
    version measures the same, whether it runs from a checkout or from a wheel.
    """
    measured = {key: value for key, value in document.items() if key not in _NOT_MEASURED}
    measured["tool"] = {key: value for key, value in measured["tool"].items() if key != "commit"}
    canonical = json.dumps(measured, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return f"r-{hashlib.sha256(canonical.encode()).hexdigest()[:16]}"


def new_result(**fields: Any) -> Result:
    """Validate the fields of a result and give it its content id."""
    draft = Result(id="r-" + "0" * 16, **fields)
    document = draft.model_dump(mode="json", by_alias=True)
    return Result.model_validate(document | {"id": content_id(document)})


def json_schema() -> dict[str, Any]:
    """JSON Schema of the result file."""
    generated = Result.model_json_schema(by_alias=True, mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA} | generated


def json_schema_bytes() -> bytes:
    """What ``site/docs/schema/tinybench.result-2.json`` must hold."""
    return (json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n").encode()
