"""The document of a profile, ``tinybench.profile/1``."""

from __future__ import annotations

import csv
import io
import json
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tinybench.results.schema import Engine


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Costs(_Frozen):
    """What a part of an inference costs. ``energy_j`` is None if the device has no current with a source."""

    cycles: int
    """Core cycles."""
    instructions: int
    """That were executed."""
    stalls_fetch: int
    """Cycles that the core waits for instructions."""
    stalls_data: int
    """Cycles that it waits for weights and constants from flash."""
    stalls_ram: int
    """Cycles that it waits for loads from RAM."""
    flash_reads: int
    """Accesses, instruction fetch not included."""
    ram_loads: int
    """Accesses to RAM that read."""
    ram_stores: int
    """Accesses that write."""
    share: float
    """Of the cycles of the inference."""
    energy_j: float | None
    """In joule, predicted."""


class LayerCosts(Costs):
    """One operator of the model."""

    index: int
    """Place in the order of execution, from 0."""
    operator: str
    """Such as ``CONV_2D``."""
    name: str
    """Of the tensor that it writes, as the file calls it."""
    macs: int
    """Multiply-accumulates."""


class FunctionCosts(Costs):
    """One function of the firmware, without the functions that it calls."""

    name: str
    """Symbol in the firmware."""
    calls: int
    """How often it is entered from another function."""


class LayerFunctionCosts(FunctionCosts):
    """One function of the firmware within one layer."""

    layer: int
    """Index of the layer."""


class ProfiledModel(_Frozen):
    """The model, by content."""

    name: str
    """Id of a reference model, or name of the file."""
    sha256: str
    """Of the ``.tflite`` file."""
    macs: int
    """Multiply-accumulates of one inference."""
    parameters: int
    """Elements of all weights and biases."""


class DeviceRef(_Frozen):
    """The simulated device, at which clock."""

    id: str
    """Id of the device profile."""
    chip: str
    """Name of the chip."""
    core: str
    """Such as ``cortex-m4``."""
    clock_hz: int
    """Core clock in hertz."""


class DutyFigures(_Frozen):
    """Average power and battery life at a fixed rate of inferences; see ``tinybench.mcusim.duty``."""

    rate_hz: float
    """Inferences per second."""
    active_fraction: float
    """Part of the time that the device computes."""
    rest_mode: str | None
    """What the device does in between: ``sleep`` or ``idle``; None if no current of either is known."""
    average_power_w: float | None
    """In watt, over computing and resting; None with a reason."""
    battery: str | None
    """Id of the battery that was asked for."""
    battery_life_s: float | None
    """In seconds; None with a reason, or without a battery."""
    reason: str | None
    """Why a figure is missing."""
    notes: tuple[str, ...]
    """What a reader should know, in words."""


class Profile(_Frozen):
    """Where the cycles, stalls, memory traffic and energy of one inference go.

    Layers add up to ``total``, and so do functions; ``layer_functions`` adds up to either. The figures
    are those of the inference with the median cycle count.
    """

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    schema_: Literal["tinybench.profile/1"] = Field(alias="schema")
    """Which schema this is."""
    tool_version: str
    """Of tinybench."""
    mode: Literal["simulated"] = "simulated"
    """Of cycles, counts and latency."""
    energy_mode: Literal["predicted"] = "predicted"
    """Of energy and power: a current of the device's profile times simulated time."""
    model: ProfiledModel
    """What was executed."""
    device: DeviceRef
    """What it ran on."""
    engine: Engine
    """What executed the model."""
    checked_inputs: int
    """Random inputs whose outputs equal TFLite Micro's, bit for bit."""
    latency_s: float
    """Of one inference, in seconds."""
    cycles_range: tuple[int, int]
    """Fewest and most cycles over the checked inputs."""
    total: Costs
    """What one inference costs."""
    layers: tuple[LayerCosts, ...]
    """In the order of execution."""
    functions: tuple[FunctionCosts, ...]
    """The costliest first."""
    layer_functions: tuple[LayerFunctionCosts, ...]
    """Functions within each layer."""
    duty: DutyFigures | None = None
    """None: no duty was asked for."""
    notes: tuple[str, ...] = ()
    """What a reader should know, in words."""

    def to_json(self) -> bytes:
        """The document: UTF-8, two spaces, one final newline; the same bytes for the same inputs."""
        document = self.model_dump(mode="json", by_alias=True)
        return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()

    def to_csv(self, *, functions: bool = False) -> bytes:
        """One row per layer, or per function."""
        rows = self.functions if functions else self.layers
        kind: type[Costs] = FunctionCosts if functions else LayerCosts
        own = [name for name in kind.model_fields if name not in Costs.model_fields]
        columns = [*own, *Costs.model_fields]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            values = [getattr(row, name) for name in columns]
            writer.writerow(["" if value is None else value for value in values])
        return text.getvalue().encode()
