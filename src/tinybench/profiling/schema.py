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
    instructions: int
    stalls_fetch: int
    """Cycles that the core waits for instructions."""
    stalls_data: int
    """Cycles that it waits for weights and constants from flash."""
    stalls_ram: int
    flash_reads: int
    """Accesses, instruction fetch not included."""
    ram_loads: int
    ram_stores: int
    share: float
    """Of the cycles of the inference."""
    energy_j: float | None


class LayerCosts(Costs):
    """One operator of the model."""

    index: int
    operator: str
    name: str
    macs: int


class FunctionCosts(Costs):
    """One function of the firmware, without the functions that it calls."""

    name: str
    calls: int


class LayerFunctionCosts(FunctionCosts):
    """One function of the firmware within one layer."""

    layer: int


class ProfiledModel(_Frozen):
    """The model, by content."""

    name: str
    sha256: str
    macs: int
    parameters: int


class DeviceRef(_Frozen):
    """The simulated device, at which clock."""

    id: str
    chip: str
    core: str
    clock_hz: int


class DutyFigures(_Frozen):
    """Average power and battery life at a fixed rate of inferences; see ``tinybench.mcusim.duty``."""

    rate_hz: float
    active_fraction: float
    rest_mode: str | None
    average_power_w: float | None
    battery: str | None
    battery_life_s: float | None
    reason: str | None
    notes: tuple[str, ...]


class Profile(_Frozen):
    """Where the cycles, stalls, memory traffic and energy of one inference go.

    Layers add up to ``total``, and so do functions; ``layer_functions`` adds up to either. The figures
    are those of the inference with the median cycle count.
    """

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    schema_: Literal["tinybench.profile/1"] = Field(alias="schema")
    tool_version: str
    mode: Literal["simulated"] = "simulated"
    """Of cycles, counts and latency."""
    energy_mode: Literal["predicted"] = "predicted"
    """Of energy and power: a current of the device's profile times simulated time."""
    model: ProfiledModel
    device: DeviceRef
    engine: Engine
    checked_inputs: int
    """Random inputs whose outputs equal TFLite Micro's, bit for bit."""
    latency_s: float
    cycles_range: tuple[int, int]
    total: Costs
    layers: tuple[LayerCosts, ...]
    functions: tuple[FunctionCosts, ...]
    """The costliest first."""
    layer_functions: tuple[LayerFunctionCosts, ...]
    duty: DutyFigures | None = None
    notes: tuple[str, ...] = ()

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
