"""The board as a table: one row per result, one column per fact, SI units, nothing rounded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import pandas as pd

from tinybench.leaderboard import titles
from tinybench.leaderboard.board import Board, Row
from tinybench.results.schema import ACCURACY, MetricName

Kind = Literal["text", "number", "integer", "boolean", "time"]


@dataclass(frozen=True)
class Column:
    """One column of the table, as it is downloaded and described."""

    name: str
    kind: Kind
    unit: str | None
    """SI; None for what has none."""
    meaning: str
    value: Callable[[Row], Any]
    """None where it is not known."""


def _of_metric(name: MetricName) -> Callable[[Row], Any]:
    def value(row: Row) -> Any:
        metric = row.result.metric(name)
        return metric.value if metric else None

    return value


def _mode_of(name: MetricName) -> Callable[[Row], Any]:
    def value(row: Row) -> Any:
        metric = row.result.metric(name)
        return metric.mode if metric else None

    return value


def _bound(name: MetricName, end: int) -> Callable[[Row], Any]:
    def value(row: Row) -> Any:
        metric = row.result.metric(name)
        return metric.interval95[end] if metric and metric.interval95 else None

    return value


def _of_device(key: str) -> Callable[[Row], Any]:
    return lambda row: getattr(row.device, key) if row.device else None


def _accuracy(key: str) -> Callable[[Row], Any]:
    return lambda row: getattr(row.accuracy, key) if row.accuracy else None


_METRIC_OF: Final[Mapping[str, str]] = {name: short for short, name in ACCURACY.items()}

COLUMNS: Final[tuple[Column, ...]] = (
    Column("id", "text", None, "Content id of the result, and its permanent address", lambda row: row.id),
    Column("task", "text", None, "Benchmark task", lambda row: row.task),
    Column("task_version", "text", None, "Version of the task", lambda row: row.result.task.version),
    Column("round", "text", None, "Round in which it was submitted", lambda row: row.place.round),
    Column("organisation", "text", None, "Who submitted, as displayed", lambda row: row.organisation),
    Column("organisation_slug", "text", None, "The same in addresses", lambda row: row.place.organisation),
    Column("system", "text", None, "Board and engine, as the submitter calls them", lambda row: row.title),
    Column(
        "system_path", "text", None, "Round, organisation and system in addresses", lambda row: row.place.path
    ),
    Column("division", "text", None, "closed: a reference model; open: any model", lambda row: row.division),
    Column(
        "availability", "text", None, "available, preview or research", lambda row: row.system.availability
    ),
    Column(
        "published",
        "boolean",
        None,
        "Copied from a publication elsewhere, such as MLPerf Tiny; not measured with tinybench",
        lambda row: row.result.source is not None,
    ),
    Column("tier", "text", None, "Trust tier: what stands behind the figures", lambda row: row.tier),
    Column(
        "mode",
        "text",
        None,
        "measured, simulated or predicted: how the figures came to be",
        lambda row: row.mode,
    ),
    Column("board", "text", None, "Board", _of_device("board")),
    Column("chip", "text", None, "Chip", _of_device("chip")),
    Column("device", "text", None, "Device id", lambda row: row.result.device.id),
    Column("core", "text", None, "Core that runs the model or drives the accelerator", _of_device("core")),
    Column("clock_hz", "integer", "Hz", "Clock of the core", _of_device("clock_hz")),
    Column("supply_v", "number", "V", "Supply for energy and power", _of_device("supply_v")),
    Column(
        "accelerator",
        "text",
        None,
        "What executes the model beside the core, or in its place",
        lambda row: row.device.accelerator.name if row.device and row.device.accelerator else None,
    ),
    Column(
        "engine",
        "text",
        None,
        "Inference runtime with its version",
        lambda row: titles.joined(row.result.engine.name, row.result.engine.version),
    ),
    Column("engine_name", "text", None, "Inference runtime", lambda row: row.result.engine.name),
    Column(
        "kernels",
        "text",
        None,
        "Kernel library with its version; empty where it is part of the runtime",
        lambda row: titles.joined(row.result.engine.kernels, row.result.engine.kernels_version) or None,
    ),
    Column("compiler", "text", None, "Compiler with its version", lambda row: row.result.engine.compiler),
    Column(
        "flags", "text", None, "Flags of the compiler", lambda row: " ".join(row.result.engine.flags) or None
    ),
    Column(
        "in_ram",
        "text",
        None,
        "What was copied from flash to RAM before: code, weights",
        lambda row: " ".join(row.result.engine.in_ram) or None,
    ),
    Column("runner", "text", None, "What executed and measured", lambda row: row.result.runner),
    Column("model", "text", None, "Model", lambda row: row.result.model.name),
    Column("model_sha256", "text", None, "SHA-256 of the model file", lambda row: row.result.model.sha256),
    Column(
        "macs", "integer", None, "Multiply-accumulates of one inference", lambda row: row.result.model.macs
    ),
    Column("parameters", "integer", None, "Parameters of the model", lambda row: row.result.model.parameters),
    Column("split", "text", None, "Samples that were classified", lambda row: row.result.data.split),
    Column("samples", "integer", None, "How many samples", lambda row: row.result.data.samples),
    Column(
        "metric",
        "text",
        None,
        "What accuracy is: top1 or auc",
        lambda row: _METRIC_OF[row.accuracy.name] if row.accuracy else None,
    ),
    Column("accuracy", "number", "1", "Top-1 accuracy or AUC, from 0 to 1", _accuracy("value")),
    Column("accuracy_mode", "text", None, "Mode of the accuracy", _accuracy("mode")),
    Column("target", "number", "1", "Quality target of the task", lambda row: row.result.target),
    Column(
        "target_met",
        "boolean",
        None,
        "Whether the target is met; empty: not decided",
        lambda row: row.result.target_met,
    ),
    Column(
        "decisive",
        "boolean",
        None,
        "Whether the accuracy is one that the target is about: of a whole official split or accuracy set",
        lambda row: row.decisive,
    ),
    Column("latency_s", "number", "s", "Latency of one inference", _of_metric("latency.per_inference")),
    Column(
        "latency_low_s",
        "number",
        "s",
        "Lower end of the 95 % prediction interval of a simulated latency",
        _bound("latency.per_inference", 0),
    ),
    Column("latency_high_s", "number", "s", "Upper end of it", _bound("latency.per_inference", 1)),
    Column("throughput", "number", "1/s", "Inferences per second", _of_metric("throughput")),
    Column("energy_j", "number", "J", "Energy of one inference", _of_metric("energy.per_inference")),
    Column(
        "energy_mode",
        "text",
        None,
        "Mode of energy and power: predicted from a current where latency is simulated",
        _mode_of("energy.per_inference"),
    ),
    Column(
        "energy_low_j",
        "number",
        "J",
        "Lower end of the 95 % prediction interval of a simulated energy",
        _bound("energy.per_inference", 0),
    ),
    Column("energy_high_j", "number", "J", "Upper end of it", _bound("energy.per_inference", 1)),
    Column(
        "energy_above_baseline_j",
        "number",
        "J",
        "Energy of one inference above what the idle board drew before; a part of energy_j",
        _of_metric("energy.above_baseline"),
    ),
    Column(
        "instrument",
        "text",
        None,
        "Make and model of the power analyser",
        lambda row: row.result.instrument.title if row.result.instrument else None,
    ),
    Column("power_w", "number", "W", "Power while it infers", _of_metric("power.active")),
    Column(
        "ram_bytes", "integer", "bytes", "RAM: static data, tensor arena and stack", _of_metric("memory.ram")
    ),
    Column(
        "flash_bytes", "integer", "bytes", "Flash: code, constants and weights", _of_metric("memory.flash")
    ),
    Column(
        "arena_bytes",
        "integer",
        "bytes",
        "Tensor arena; if simulated, of the TFLite Micro interpreter on a host, not of the firmware",
        _of_metric("memory.arena"),
    ),
    Column("cycles", "number", None, "Cycles of one inference", _of_metric("cycles.per_inference")),
    Column(
        "instructions",
        "number",
        None,
        "Instructions of one inference",
        _of_metric("instructions.per_inference"),
    ),
    Column(
        "created", "time", None, "When the result was made or imported, UTC", lambda row: row.result.created
    ),
    Column(
        "tool_version",
        "text",
        None,
        "Version of tinybench that wrote it",
        lambda row: row.result.tool.version,
    ),
    Column(
        "publishable",
        "boolean",
        None,
        "Whether it has an accuracy that may be published; if not, it says latency, energy and memory alone",
        lambda row: row.result.publishable,
    ),
)

_DTYPES: Final[Mapping[Kind, str]] = {
    "text": "string",
    "number": "float64",
    "integer": "Int64",
    "boolean": "boolean",
    "time": "datetime64[s, UTC]",
}


def frame(board: Board) -> pd.DataFrame:
    """One row per result in the order of the board, with :data:`COLUMNS`; NA where it is not known."""
    return pd.DataFrame(
        {
            column.name: pd.Series([column.value(row) for row in board.rows], dtype=_DTYPES[column.kind])
            for column in COLUMNS
        }
    )
