"""Prediction intervals from the errors against published CMSIS-NN rows.

The error of a row is ln(published / simulated). Repeats of one engine on one board count once, with their
mean. The simulated figure is not corrected, so that errors count from zero:

- a board with published rows: root mean square of its errors, as many degrees of freedom as models, one less
  for energy where a current was fitted on them;
- any other board: mean of the boards' mean squares, as many degrees of freedom as boards, because the errors
  of one board resemble each other. For energy, a board on which a current was fitted does not count.

The interval is value / f to value * f with f = exp(t * rms), t being Student's for 95 % on both sides. It
takes the errors as normal, and boards and models as drawn from the same lot as the published ones: few.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from tinybench.mcusim.intervals import Interval, Quantity
from tinybench.validation.compare import Metric, Row, Validation, is_calibration, is_current

COVERAGE = 0.95
TOOLCHAIN = "zig"
METRICS: dict[Metric, Quantity] = {"latency": "latency.per_inference", "energy": "energy.per_inference"}

METHOD = (
    "ln(published / simulated), repeats of one engine averaged; factor = exp(t * rms). A board of its own: "
    "degrees of freedom = models (energy: one less, for the fitted current). Other boards: mean of the "
    "boards' mean squares, degrees of freedom = boards; boards with a fitted current do not count for energy."
)


@dataclass(frozen=True)
class BoardErrors:
    """Log errors of one board at one clock, one for each engine and model."""

    device: str
    clock_hz: int
    errors: tuple[float, ...]
    fitted: int
    """Numbers that were fitted on them."""

    @property
    def mean_square(self) -> float:
        """Unbiased by what was fitted."""
        return sum(error * error for error in self.errors) / (len(self.errors) - self.fitted)


@dataclass(frozen=True)
class LeftOut:
    """How intervals from all other boards do on each board."""

    inside: int
    cases: int


def board_errors(rows: Iterable[Row], metric: Metric) -> tuple[BoardErrors, ...]:
    """Errors by board and clock, in alphabetical order."""
    found: dict[tuple[str, int], dict[tuple[str, str], list[float]]] = {}
    fitted: set[tuple[str, int]] = set()
    for row in rows:
        error = row.error(metric)
        if error is None or not is_current(row):
            continue
        board = (row.published.device, row.published.clock_hz)
        key = (row.published.engine, row.published.task)
        found.setdefault(board, {}).setdefault(key, []).append(-math.log1p(error))
        if metric == "energy" and is_calibration(row):
            fitted.add(board)
    return tuple(
        BoardErrors(*board, tuple(fmean(repeats) for repeats in cases.values()), int(board in fitted))
        for board, cases in sorted(found.items())
        if len(cases) > int(board in fitted)
    )


def intervals(validation: Validation) -> tuple[Interval, ...]:
    """All intervals that the rows support: each board of its own, then other boards."""
    made = []
    for metric, name in METRICS.items():
        boards = board_errors(validation.rows, metric)
        made += [_own(name, board) for board in boards]
        unfitted = [board for board in boards if not board.fitted]
        if unfitted:
            made.append(_other(name, unfitted))
    return tuple(made)


def left_out(validation: Validation, metric: Metric) -> LeftOut | None:
    """Judge the intervals for other boards: each board's errors against an interval from all others."""
    boards = [board for board in board_errors(validation.rows, metric) if not board.fitted]
    if len(boards) < 2:
        return None
    inside = 0
    for board in boards:
        rest = [other for other in boards if other is not board]
        limit = math.log(_other(METRICS[metric], rest).factor)
        inside += sum(abs(error) <= limit for error in board.errors)
    return LeftOut(inside, sum(len(board.errors) for board in boards))


def intervals_toml(validation: Validation) -> bytes:
    """Content of ``runners/validation/intervals.toml``."""
    lines = [
        "# Written by 'tinybench sim validate --output DIR': prediction intervals of simulated figures.",
        f"# {METHOD}",
        "",
        f"coverage = {COVERAGE}",
        f'toolchain = "{TOOLCHAIN}"',
    ]
    for item in intervals(validation):
        lines += ["", "[[interval]]"]
        for key, value in item.model_dump(exclude_none=True).items():
            shown = f'"{value}"' if isinstance(value, str) else f"{value:.4f}"
            lines.append(f"{key} = {value if isinstance(value, int) else shown}")
    return ("\n".join(lines) + "\n").encode()


def _own(metric: Quantity, board: BoardErrors) -> Interval:
    freedom = len(board.errors) - board.fitted
    return _interval(metric, board.mean_square, freedom, [board], board.device, board.clock_hz)


def _other(metric: Quantity, boards: list[BoardErrors]) -> Interval:
    return _interval(metric, fmean(board.mean_square for board in boards), len(boards), boards, None, None)


def _interval(
    metric: Quantity,
    mean_square: float,
    freedom: int,
    boards: list[BoardErrors],
    device: str | None,
    clock_hz: int | None,
) -> Interval:
    from scipy.stats import t

    rms = math.sqrt(mean_square)
    return Interval(
        metric=metric,
        device=device,
        clock_hz=clock_hz,
        factor=math.exp(float(t.ppf((1 + COVERAGE) / 2, freedom)) * rms),
        rms_log_error=rms,
        degrees_of_freedom=freedom,
        cases=sum(len(board.errors) for board in boards),
        boards=len({board.device for board in boards}),
    )
