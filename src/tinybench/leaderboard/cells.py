"""What stands in the tables: their columns, and for each result what each column shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, Final, Literal

from tinybench.leaderboard import frame
from tinybench.leaderboard.board import Row
from tinybench.results.schema import MetricName

_VALUES: Final[Mapping[str, Callable[[Row], Any]]] = {column.name: column.value for column in frame.COLUMNS}

_ROUNDED: Final = Context(prec=4, rounding=ROUND_HALF_UP)
_EXACT: Final = Decimal("1e15")
_TINY, _HUGE = Decimal("1e-6"), Decimal("1e21")
"""Where JavaScript begins to write numbers with an exponent (ECMA-262, Number::toString)."""


@dataclass(frozen=True)
class Column:
    """One column as it is shown."""

    key: str
    """In the address of a view."""
    title: str
    source: str
    """Name in the frame and in downloads, where figures are in SI."""
    kind: Literal["text", "word", "badge", "number", "figure"] = "text"
    """``word``: short enough for one line; ``figure``: with a mode of its own, and a reason if missing."""
    shown: bool = True
    """Unless the reader chooses otherwise, or the table has none of it."""
    unit: str = ""
    factor: float = 1.0
    """Of SI, to get to the unit."""
    metric: MetricName | None = None
    """None: the accuracy of the task."""

    def value(self, row: Row) -> Any:
        """Of a result, in SI; None if it is not known."""
        return _VALUES[self.source](row)


COLUMNS: Final[tuple[Column, ...]] = (
    Column("task", "Task", "task", "word"),
    Column("system", "System", "system"),
    Column("organisation", "Organisation", "organisation"),
    Column("engine", "Engine", "engine"),
    Column("core", "Core", "core", "word"),
    Column("clock", "Clock", "clock_hz", "number", unit="MHz", factor=1e-6),
    Column("accuracy", "Accuracy", "accuracy", "figure"),
    Column(
        "latency", "Latency", "latency_s", "figure", unit="ms", factor=1e3, metric="latency.per_inference"
    ),
    Column("energy", "Energy", "energy_j", "figure", unit="µJ", factor=1e6, metric="energy.per_inference"),
    Column("ram", "RAM", "ram_bytes", "figure", unit="KiB", factor=1 / 1024, metric="memory.ram"),
    Column("mode", "Mode", "mode", "badge"),
    Column("tier", "Trust tier", "tier", "badge"),
    Column("division", "Division", "division", "word"),
    Column("round", "Round", "round", "word"),
    Column(
        "flash", "Flash", "flash_bytes", "figure", False, unit="KiB", factor=1 / 1024, metric="memory.flash"
    ),
    Column("board", "Board", "board", shown=False),
    Column("chip", "Chip", "chip", shown=False),
    Column("accelerator", "Accelerator", "accelerator", shown=False),
    Column("kernels", "Kernels", "kernels", shown=False),
    Column("model", "Model", "model", shown=False),
    Column("split", "Split", "split", shown=False),
    Column("id", "Result", "id", shown=False),
)
"""In the order in which they are shown: on most screens, those with figures are seen without scrolling."""

BY_KEY: Final[Mapping[str, Column]] = {column.key: column for column in COLUMNS}


@dataclass(frozen=True)
class Figure:
    """A figure of a result, or why there is none."""

    value: float | None
    """In SI."""
    note: str
    """Its mode; or the reason why it is missing."""
    apart: str
    """Why it is not ranked with the others of its table; empty if it is."""
    auc: bool
    """Whether it is an AUC, which is not ranked with shares of right answers."""
    text: str
    """Without its unit, unless that differs from row to row."""


def figure(row: Row, column: Column) -> Figure:
    """What a column of kind ``figure`` shows of a result."""
    metric = row.result.metric(column.metric) if column.metric else row.accuracy
    if metric is None:
        wanted = column.metric or "accuracy."
        reasons = (missing.reason for missing in row.result.unavailable if missing.name.startswith(wanted))
        return Figure(None, next(reasons, "not stated"), "", False, "–")
    apart: str = metric.mode if metric.mode != row.mode else ""
    value = metric.value
    if column.metric is not None:
        return Figure(value, metric.mode, apart, False, number(value, column))
    if not row.decisive:
        apart = "not decisive"
    auc = metric.name == "accuracy.auc"
    text = f"AUC {rounded(value)}" if auc else f"{rounded(value * 100)} %"
    return Figure(value, metric.mode, apart, auc, text)


def number(value: float, column: Column) -> str:
    """A number in the unit of a column, which its header names."""
    return rounded(value * column.factor)


def rounded(value: float) -> str:
    """Four significant digits, or all before the point of less than 1e15; no zeros at the end.

    With an exponent below 1e-6 and from 1e21 on. Halves are rounded up. All as in assets/results.js.
    """
    exact = Decimal(value)
    if 1000 <= exact < _EXACT:
        return f"{exact.quantize(Decimal(1), ROUND_HALF_UP)}"
    short = _ROUNDED.plus(exact).normalize()
    return f"{short:e}" if short and not _TINY <= short < _HUGE else f"{short:f}"


def order(row: Row) -> tuple[str, bool, float]:
    """Sort key within a mode: by task, then by latency; what has none, or one of another mode, comes last."""
    latency = figure(row, BY_KEY["latency"])
    return row.task, bool(latency.apart), float("inf") if latency.value is None else latency.value
