"""Results as points: what their figures are called, how certain their modes are, and where they lead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from tinybench.leaderboard import addresses
from tinybench.leaderboard.board import MODES
from tinybench.leaderboard.figures.figure import FOLDER
from tinybench.leaderboard.figures.svg import Mark
from tinybench.leaderboard.figures.words import plain
from tinybench.quantities import frequency, quantity

if TYPE_CHECKING:
    Record = Mapping[str, Any]


@dataclass(frozen=True)
class Quantity:
    """One figure of a result."""

    name: str
    column: str
    mode: str
    """Column of its mode."""
    unit: str
    """Of the axis."""
    scale: float
    """From the SI unit to that of the axis."""
    text: Callable[[float], str]
    """A value in SI units, in words."""
    more_is_better: bool = False

    @property
    def logarithmic(self) -> bool:
        """Whether its axis is."""
        return not self.more_is_better

    @property
    def label(self) -> str:
        """Of its axis."""
        return f"{self.name} [{self.unit}]"


LATENCY: Final = Quantity("latency", "latency_s", "mode", "ms", 1e3, lambda value: quantity(value, "s"))
ENERGY: Final = Quantity("energy", "energy_j", "energy_mode", "µJ", 1e6, lambda value: quantity(value, "J"))
TOP1: Final = Quantity(
    "accuracy", "accuracy", "accuracy_mode", "%", 100.0, lambda value: f"{100 * value:.1f} %", True
)
AUC: Final = Quantity(
    "accuracy", "accuracy", "accuracy_mode", "AUC", 1.0, lambda value: f"AUC {value:.3f}", True
)


_USED: Final = (
    *("id", "task", "round", "organisation", "organisation_slug", "system", "division", "published"),
    *("mode", "energy_mode", "accuracy_mode", "device", "core", "clock_hz", "supply_v", "engine", "kernels"),
    *("model", "samples", "metric", "accuracy", "target", "target_met", "decisive"),
    *("latency_s", "latency_low_s", "latency_high_s", "energy_j"),
)


def narrowed(frame: pd.DataFrame) -> pd.DataFrame:
    """What figures need of the frame, with texts as Python objects: a hundred of them read it row by row."""
    used = frame[list(_USED)]
    return used.astype({name: object for name in _USED if used[name].dtype == "string"})


def weakest_mode(frame: pd.DataFrame, columns: list[str]) -> pd.Series[str]:
    """Of several figures of a result, the least certain mode: all that a point of both can claim."""
    ranks = pd.DataFrame({name: frame[name].map(MODES.index).astype("float64") for name in columns})
    return ranks.max(axis=1).map(lambda rank: MODES[int(rank)])


def text_of(value: object) -> str | None:
    """A text of the frame; None where it is missing."""
    return None if pd.isna(value) else str(value)  # type: ignore[call-overload]


def system(record: Record) -> str:
    """System and engine of a result, in one line."""
    return f"{plain(record['system'])}, {plain(record['engine'])}"


def clocked_core(record: Record) -> str:
    """Core and clock, as far as they are known."""
    core = text_of(record["core"])
    clock = record["clock_hz"]
    parts = [plain(core) if core else "core not known"]
    return " at ".join(parts if pd.isna(clock) else [*parts, frequency(int(clock))])


def result_mark(record: Record, figures: str, mode: str) -> Mark:
    """Tooltip and link of a result."""
    lines = (
        system(record),
        f"{plain(record['organisation'])}, {record['round']}, {record['division']} division",
        clocked_core(record),
        f"{figures} ({mode})",
    )
    return Mark("\n".join(lines), addresses.link(f"{FOLDER}figure.svg", addresses.result(record["id"])))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dictionaries."""
    columns = [frame[name].astype(object).tolist() for name in frame.columns]
    return [dict(zip(frame.columns, values, strict=True)) for values in zip(*columns, strict=True)]
