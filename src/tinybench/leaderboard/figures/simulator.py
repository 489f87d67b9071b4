"""Simulated against published: how good the simulator is, as a figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from tinybench.leaderboard import addresses
from tinybench.leaderboard.figures import words
from tinybench.leaderboard.figures.canvas import Canvas, Drawing, Sample, log_axis, log_limits
from tinybench.leaderboard.figures.families import FAMILIES, Family
from tinybench.leaderboard.figures.figure import FOLDER, Figure
from tinybench.leaderboard.figures.labels import label
from tinybench.leaderboard.figures.marks import mark
from tinybench.leaderboard.figures.palette import BAND, GREY, GRID, MUTED
from tinybench.leaderboard.figures.points import ENERGY, LATENCY, Quantity
from tinybench.leaderboard.figures.svg import Mark
from tinybench.quantities import frequency
from tinybench.results.schema import Mode
from tinybench.validation.cases import CheckedCase
from tinybench.validation.compare import MAX_CALIBRATION_ERROR
from tinybench.validation.documents import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_PLOT: Final = 250.0
_ERRORS: Final = 110.0
_WITHIN: Final = f"{100 * MAX_CALIBRATION_ERROR:.0f} %"


@dataclass(frozen=True)
class Kind:
    """Cases that share an outline."""

    title: str
    outline: Mode
    """Whose outline it borrows: nothing of another mode is in these figures."""


CALIBRATION: Final = Kind("calibration", "simulated")
PREDICTION: Final = Kind("prediction", "measured")
EARLY: Final = Kind("early kernels (v0.5)", "predicted")
KINDS: Final = (CALIBRATION, PREDICTION, EARLY)


@dataclass(frozen=True)
class Pair:
    """A published figure and its simulation, in SI units."""

    case: CheckedCase
    published: float
    simulated: float
    error: float

    @property
    def kind(self) -> Kind:
        """Which outline it has."""
        if self.case.role == "calibration":
            return CALIBRATION
        return PREDICTION if self.case.interval else EARLY


def simulator(cases: Sequence[CheckedCase], results: Mapping[str, str]) -> list[Figure]:
    """Latency and energy, each if at least two cases have it.

    Args:
        cases: published results and their simulations.
        results: source of a published result -> its id, where it is on this site.
    """
    # A board looks the same in both.
    looks = dict(zip(sorted({case.device for case in cases}), FAMILIES * len(cases), strict=False))
    made = []
    for quantity in (LATENCY, ENERGY):
        pairs = _pairs(cases, quantity)
        if len(pairs) > 1:
            made.append(_figure(pairs, quantity, looks, results))
    return made


def _pairs(cases: Sequence[CheckedCase], quantity: Quantity) -> list[Pair]:
    found = []
    for case in cases:
        figures = (
            (case.latency_published_s, case.latency_simulated_s, case.latency_error)
            if quantity is LATENCY
            else (case.energy_published_j, case.energy_simulated_j, case.energy_error)
        )
        published, simulated, error = figures
        if published is not None and simulated is not None and error is not None:
            found.append(Pair(case, published, simulated, error))
    return found


def _figure(
    pairs: list[Pair], quantity: Quantity, looks: Mapping[str, Family], results: Mapping[str, str]
) -> Figure:
    mode = "simulated" if quantity is LATENCY else "predicted"
    heading = f"{quantity.name.capitalize()}, {mode} with the simulator, against published"
    return Figure(
        name=f"simulator-{quantity.name}",
        title=heading,
        alt=_alt(pairs, quantity, heading),
        caption=_caption(pairs, quantity, mode),
        n=len(pairs),
        data=_data(pairs, quantity),
        draw=lambda: _draw(pairs, quantity, heading, mode, looks, results),
    )


def _mean(pairs: Sequence[Pair]) -> str:
    return percent(fmean(abs(pair.error) for pair in pairs), sign=False)


def _boards(pairs: Sequence[Pair]) -> list[str]:
    return sorted({pair.case.device for pair in pairs})


def _alt(pairs: list[Pair], quantity: Quantity, heading: str) -> str:
    published = [pair.published for pair in pairs]
    inside = sum(abs(pair.error) <= MAX_CALIBRATION_ERROR for pair in pairs)
    worst = max(pairs, key=lambda pair: abs(pair.error))
    parts = [
        f"{heading}: {words.count(len(pairs), 'published result')} on "
        f"{words.count(len(_boards(pairs)), 'board')}, "
        f"{quantity.text(min(published))} to {quantity.text(max(published))}; {inside} are within "
        f"{_WITHIN} of equal."
    ]
    for kind in KINDS:
        own = [pair for pair in pairs if pair.kind is kind]
        if own:
            parts.append(f"{kind.title.capitalize()}: n = {len(own)}, mean error {_mean(own)}.")
    parts.append(
        f"Furthest off: {percent(worst.error)}, {worst.case.task} on {worst.case.device} "
        f"({worst.case.round} {words.plain(worst.case.organisation)})."
    )
    return " ".join(parts)


def _caption(pairs: list[Pair], quantity: Quantity, mode: str) -> str:
    current = [pair for pair in pairs if pair.case.interval]
    parts = [
        f"{words.count(len(pairs), 'result')} that others measured and published with CMSIS-NN kernels "
        f"({words.rounds(pair.case.round for pair in pairs)}), and what the simulator gives for the same "
        f"model, board and clock ({mode}). Mean absolute error {_mean(current)} over the {len(current)} "
        "with today's kernels."
    ]
    early = [pair for pair in pairs if not pair.case.interval]
    if early:
        parts.append(f"The {len(early)} of v0.5 ran early kernels: they are off by {_mean(early)}.")
    calibration = [pair for pair in pairs if pair.kind is CALIBRATION]
    if quantity is ENERGY and calibration:
        parts.append("One current was fitted, on the calibration results; nothing else was.")
    else:
        parts.append("No latency was fitted.")
    parts.append(
        "Left out: results with other kernels, which the simulator does not claim to predict"
        + (", and those without a comparable energy." if quantity is ENERGY else ".")
    )
    return " ".join(parts)


def _data(pairs: list[Pair], quantity: Quantity) -> pd.DataFrame:
    unit = "s" if quantity is LATENCY else "j"
    return pd.DataFrame(
        [
            {
                "round": pair.case.round,
                "organisation": pair.case.organisation,
                "device": pair.case.device,
                "engine": pair.case.engine,
                "clock_hz": pair.case.clock_hz,
                "task": pair.case.task,
                "kind": pair.kind.title,
                f"published_{unit}": pair.published,
                f"simulated_{unit}": pair.simulated,
                "error": pair.error,
                "source": pair.case.source,
            }
            for pair in pairs
        ]
    )


def _draw(
    pairs: list[Pair],
    quantity: Quantity,
    heading: str,
    mode: str,
    looks: Mapping[str, Family],
    results: Mapping[str, str],
) -> Drawing:
    canvas = Canvas()
    canvas.title(heading, f"n = {len(pairs)} published results with CMSIS-NN kernels")
    looks = {board: looks[board] for board in _boards(pairs)}

    def published(pair: Pair) -> float:
        return pair.published * quantity.scale

    def simulated(pair: Pair) -> float:
        return pair.simulated * quantity.scale

    def marked(pair: Pair) -> Mark:
        return _mark(pair, quantity, mode, results)

    low, high = log_limits([figure(pair) for pair in pairs for figure in (published, simulated)])

    def plot(axes: Axes) -> None:
        _equal(axes, low, high)
        axes.set_yscale("log")
        log_axis(axes.yaxis, low, high)
        axes.set_ylim(low, high)
        axes.set_ylabel(f"{quantity.name}, {mode} [{quantity.unit}]", labelpad=3)
        _across(axes, low, high)
        _series(canvas, axes, pairs, looks, published, simulated, marked)
        _tasks(axes, pairs, quantity)

    def errors(axes: Axes) -> None:
        most = 100 * MAX_CALIBRATION_ERROR
        ends = [100 * pair.error for pair in pairs] + [-most, most]
        axes.axhspan(-most, most, color=BAND, linewidth=0, zorder=0.5)
        axes.axhline(0, color=MUTED, linewidth=0.9, zorder=1)
        axes.set_ylim(min(ends) - 7, max(ends) + 7)
        axes.grid(axis="y", color=GRID, linewidth=0.6)
        axes.set_ylabel("error [%]", labelpad=3)
        _across(axes, low, high)
        axes.set_xlabel(f"{quantity.name}, published (measured) [{quantity.unit}]", labelpad=3)
        _series(canvas, axes, pairs, looks, published, lambda pair: 100 * pair.error, marked)

    canvas.plot(plot, _PLOT, below=20.0)
    canvas.plot(errors, _ERRORS)
    canvas.legend(
        [Sample(board, mark("measured", look.pattern), look.color) for board, look in looks.items()]
    )
    kinds = [kind for kind in KINDS if any(pair.kind is kind for pair in pairs)]
    samples = [Sample(kind.title, mark(kind.outline, "full"), GREY) for kind in kinds]
    samples += [
        Sample("equal", line="-", color=MUTED),
        Sample(f"within {_WITHIN}", band=True, color=BAND),
    ]
    canvas.legend(samples)
    return canvas.drawn()


def _across(axes: Axes, low: float, high: float) -> None:
    axes.set_xscale("log")
    log_axis(axes.xaxis, low, high)
    axes.set_xlim(low, high)


def _equal(axes: Axes, low: float, high: float) -> None:
    ends = [low, high]
    factor = 1 + MAX_CALIBRATION_ERROR
    axes.fill_between(
        ends,
        [low / factor, high / factor],
        [low * factor, high * factor],
        color=BAND,
        linewidth=0,
        zorder=0.5,
    )
    axes.plot(ends, ends, color=MUTED, linewidth=0.9, zorder=1)


def _series(
    canvas: Canvas,
    axes: Axes,
    pairs: list[Pair],
    looks: Mapping[str, Family],
    across: Callable[[Pair], float],
    up: Callable[[Pair], float],
    marked: Callable[[Pair], Mark],
) -> None:
    """Points by board and kind, what numbers were fitted on above the rest."""
    for board, look in looks.items():
        for kind in reversed(KINDS):
            own = [pair for pair in pairs if pair.case.device == board and pair.kind is kind]
            if own:
                path = mark(kind.outline, look.pattern)
                x, y = [across(pair) for pair in own], [up(pair) for pair in own]
                canvas.series(axes, x, y, path, look.color, [marked(pair) for pair in own], 1.15)


def _mark(pair: Pair, quantity: Quantity, mode: str, results: Mapping[str, str]) -> Mark:
    case = pair.case
    tip = "\n".join(
        (
            f"{case.task} on {case.device} at {frequency(case.clock_hz)}",
            f"{words.plain(case.engine)}, {words.plain(case.organisation)}, {case.round}",
            f"{quantity.text(pair.published)} published (measured)",
            f"{quantity.text(pair.simulated)} {mode}: {percent(pair.error)}",
        )
    )
    result = results.get(case.source)
    there = addresses.result(result) if result else "methodology.html"
    return Mark(tip, addresses.link(f"{FOLDER}figure.svg", there))


def _tasks(axes: Axes, pairs: list[Pair], quantity: Quantity) -> None:
    """The name of each task, beside its slowest case with today's kernels."""
    shown = [pair for pair in pairs if pair.case.interval]
    points = np.array([(pair.published * quantity.scale, pair.simulated * quantity.scale) for pair in pairs])
    slowest = {pair.case.task: pair for pair in sorted(shown, key=lambda pair: pair.published)}
    named = [(pairs.index(pair), task) for task, pair in sorted(slowest.items())]
    label(axes, points, named, [(0.7, -0.7), (1, -0.4), (0.4, -1), (-0.7, 0.7), (-1, 0.4)])
