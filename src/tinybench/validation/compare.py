"""Errors of the simulator against published results, and those of a constant number of cycles per MAC."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Literal

from tinybench.errors import DataError
from tinybench.progress import Progress, silent
from tinybench.specs import DeviceSpec
from tinybench.validation.published import Published
from tinybench.validation.simulate import (
    Case,
    Simulated,
    Simulations,
    case_of,
    find_models,
    simulate_cases,
)

MAX_CALIBRATION_ERROR = 0.15
"""Of any calibration row, latency or energy."""
MAX_CALIBRATION_MAPE = 0.08
"""Of the latency of all calibration rows."""

_SAME_SUPPLY = 0.02

Metric = Literal["latency", "energy"]
Method = Literal["simulated", "baseline", "leave_one_out"]


@dataclass(frozen=True)
class Row:
    """One published result with CMSIS-NN kernels beside what the simulator and the baselines say."""

    published: Published
    simulated: Simulated
    baseline_s: float
    """MACs times one constant, which was fitted on all calibration rows."""
    leave_one_out_s: float | None
    """The same with a constant fitted on the calibration rows of the other tasks."""
    energy_unavailable: str | None
    """Why there is no energy to compare; None if there is."""

    def latency_s(self, method: Method = "simulated") -> float | None:
        """Seconds of one inference."""
        if method == "simulated":
            return self.simulated.latency_s
        return self.baseline_s if method == "baseline" else self.leave_one_out_s

    def energy_j(self, method: Method = "simulated") -> float | None:
        """Joules of one inference: the profile's power times the method's latency."""
        latency_s, power_w = self.latency_s(method), self.simulated.power_w
        if self.energy_unavailable or latency_s is None or power_w is None:
            return None
        return latency_s * power_w

    def error(self, metric: Metric, method: Method = "simulated") -> float | None:
        """Predicted over published, less one; None where either is missing."""
        if metric == "latency":
            predicted, published = self.latency_s(method), self.published.latency_s
        else:
            predicted, published = self.energy_j(method), self.published.energy_j or 0.0
        return predicted / published - 1 if predicted is not None and published else None


@dataclass(frozen=True)
class Summary:
    """Mean absolute percentage error of some rows, as fractions."""

    rows: int
    mape: float
    baseline_mape: float
    leave_one_out_mape: float | None
    worst: Row
    worst_error: float


@dataclass(frozen=True)
class Validation:
    """Everything that is known about the simulator's errors."""

    rows: tuple[Row, ...]
    """Same kernels: CMSIS-NN."""
    context: tuple[Published, ...]
    """Other kernels on boards that have a profile."""
    simulations: Simulations
    uncovered: Mapping[str, int]
    """Board without a profile, or case that could not be simulated -> published CMSIS-NN rows."""
    cycles_per_mac: float

    def boards(self) -> tuple[str, ...]:
        """Boards with CMSIS-NN rows, in alphabetical order."""
        return tuple(sorted({row.published.device for row in self.rows}))

    def summary(self, metric: Metric, keep: Callable[[Row], bool] = lambda row: True) -> Summary | None:
        """Summary over the rows that ``keep`` picks; None if none of them has the metric."""
        rows = [row for row in self.rows if keep(row) and row.error(metric) is not None]
        if not rows:
            return None
        worst = max(rows, key=lambda row: abs(row.error(metric) or 0.0))
        return Summary(
            rows=len(rows),
            mape=_mape(rows, metric, "simulated") or 0.0,
            baseline_mape=_mape(rows, metric, "baseline") or 0.0,
            leave_one_out_mape=_mape(rows, metric, "leave_one_out"),
            worst=worst,
            worst_error=worst.error(metric) or 0.0,
        )

    def failures(self) -> tuple[str, ...]:
        """Why the simulator is not good enough on its calibration rows; empty if it is."""
        found = []
        for row in self.rows:
            metrics: tuple[Metric, ...] = ("latency", "energy")
            for metric in metrics if is_calibration(row) else ():
                error = row.error(metric)
                if error is not None and abs(error) > MAX_CALIBRATION_ERROR:
                    found.append(
                        f"{metric} of {row.published.label} is off by {error:+.1%}, "
                        f"more than {MAX_CALIBRATION_ERROR:.0%}"
                    )
        summary = self.summary("latency", is_calibration)
        if summary is not None and summary.mape > MAX_CALIBRATION_MAPE:
            found.append(
                f"latency of the {summary.rows} calibration rows is off by {summary.mape:.1%} on average, "
                f"more than {MAX_CALIBRATION_MAPE:.0%}"
            )
        return tuple(found)


def is_calibration(row: Row) -> bool:
    """Whether a number was fitted on the row."""
    return row.published.role == "calibration"


def is_current(row: Row) -> bool:
    """Whether the row has today's kernels, so that prediction intervals rest on it."""
    return row.published.interval


def validate(
    published: Sequence[Published],
    models_folder: Path,
    devices: Mapping[str, DeviceSpec],
    progress: Progress = silent,
) -> Validation:
    """Simulate every published row whose board has a profile, and compare.

    Raises:
        DataError: the folder lacks a model, or no calibration row is on a board with a profile.
        MismatchError: a simulated output is not TFLite Micro's.
    """
    here = [row for row in published if row.device in devices]
    official = {row.task: row.model_sha256 for row in published if row.model_sha256}
    # A context row with a model of its own stands beside the official one.
    cases = {Case(row.device, row.clock_hz, sha) for row in here if (sha := official.get(row.task))}
    models = find_models(models_folder, {case.model_sha256 for case in cases})
    return compare(published, simulate_cases(cases, models, devices, progress), devices)


def compare(
    published: Sequence[Published], simulations: Simulations, devices: Mapping[str, DeviceSpec]
) -> Validation:
    """Put published rows beside simulations that were made before.

    Raises:
        DataError: no calibration row was simulated.
    """
    pairs: list[tuple[Published, Simulated]] = []
    uncovered: dict[str, int] = {}
    for row in published:
        if row.role == "context":
            continue
        case = case_of(row)
        if case is not None and case in simulations.done:
            pairs.append((row, simulations.done[case]))
        else:
            reason = _not_covered(row, case, simulations, devices)
            uncovered[reason] = uncovered.get(reason, 0) + 1
    fitted = [pair for pair in pairs if pair[0].role == "calibration"]
    if not fitted:
        raise DataError(
            "none of the published rows that were simulated is a calibration row",
            hint="the calibration rows are those of MLPerf Tiny v1.0 on the NUCLEO-L4R5ZI",
        )
    constant = cycles_per_mac(fitted)
    rows = []
    for row, simulated in pairs:
        others = [pair for pair in fitted if pair[0].task != row.task]
        rows.append(
            Row(
                published=row,
                simulated=simulated,
                baseline_s=constant * simulated.macs / row.clock_hz,
                leave_one_out_s=cycles_per_mac(others) * simulated.macs / row.clock_hz if others else None,
                energy_unavailable=_no_energy(row, simulated),
            )
        )
    context = tuple(row for row in published if row.role == "context" and row.device in devices)
    return Validation(tuple(rows), context, simulations, uncovered, constant)


def cycles_per_mac(pairs: Iterable[tuple[Published, Simulated]]) -> float:
    """Geometric mean of published cycles per MAC: the least squared error of the logarithm."""
    logs = [math.log(row.latency_s * row.clock_hz / simulated.macs) for row, simulated in pairs]
    return math.exp(fmean(logs))


def _not_covered(
    row: Published, case: Case | None, simulations: Simulations, devices: Mapping[str, DeviceSpec]
) -> str:
    if row.device not in devices:
        return f"{row.device} has no profile"
    return simulations.refused.get(case, "no simulation") if case else f"{row.label}: model not known"


def _no_energy(row: Published, simulated: Simulated) -> str | None:
    if row.energy_j is None:
        return "not published"
    if simulated.power_w is None or simulated.supply_v is None:
        return "the profile has no currents"
    if row.supply_v is None or abs(row.supply_v / simulated.supply_v - 1) > _SAME_SUPPLY:
        return f"the profile is for {simulated.supply_v:g} V"
    return None


def _mape(rows: Sequence[Row], metric: Metric, method: Method) -> float | None:
    errors = [row.error(metric, method) for row in rows]
    found = [abs(error) for error in errors if error is not None]
    return fmean(found) if found else None
