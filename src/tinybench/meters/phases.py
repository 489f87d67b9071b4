"""What a recording is made of: inferences between the edges of the board's pin, and what lies around them.

Windows of inferences, the time before the first, between two and after the last are kept apart, and all are
computed by the sample rule of ``PowerTrace.energy_j``: no sample is in two of them. What the idle board
draws is never subtracted from an energy; it is a figure of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final, Literal

from tinybench.errors import DataError
from tinybench.meters.trace import PowerTrace

BASELINE_S: Final = 0.5
"""From the beginning of a trace: so long at least the board is idle before the first command."""

Kind = Literal["before", "inference", "between", "after"]


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A part of a recording."""

    kind: Kind
    """``inference``: between two edges; the others lie around these."""
    start_s: float
    """In seconds from the first sample; so is ``end_s``."""
    end_s: float
    """When it ends."""
    energy_j: float
    """Energy of its samples."""
    power_w: float | None
    """Mean of the same samples; None if there are none."""

    @property
    def duration_s(self) -> float:
        """How long it is."""
        return self.end_s - self.start_s


def split(trace: PowerTrace, edges: Sequence[float], name: str) -> tuple[Phase, ...]:
    """The phases of a trace in their order, without those that take no time.

    Args:
        trace: the samples.
        edges: falling edges of the board's pin in seconds, two for each window.
        name: what errors call the recording.

    Raises:
        DataError: an edge is missing, or lies outside of the trace.
    """
    if not edges:
        raise DataError(f"{name}: has no edges of the board's pin", hint="give their times with --edges FILE")
    if len(edges) % 2:
        raise DataError(f"{name}: has {len(edges)} edges of the board's pin: a window has two")
    for before, behind in pairwise(edges):
        if not before <= behind:
            raise DataError(f"{name}: an edge at {behind:g} s comes behind one at {before:g} s")
    if not trace.covers(edges[0], edges[-1]):
        raise DataError(
            f"{name}: its edges go from {edges[0]:g} to {edges[-1]:g} s, but it has {trace.duration_s:.3f} s"
        )
    inner: list[Kind] = ["between" if k % 2 else "inference" for k in range(len(edges) - 1)]
    bounds = pairwise([0.0, *edges, trace.duration_s])
    return tuple(
        _phase(trace, kind, start_s, end_s)
        for kind, (start_s, end_s) in zip(["before", *inner, "after"], bounds, strict=True)
        if end_s > start_s
    )


def _phase(trace: PowerTrace, kind: Kind, start_s: float, end_s: float) -> Phase:
    return Phase(
        kind=kind,
        start_s=start_s,
        end_s=end_s,
        energy_j=trace.energy_j(start_s, end_s),
        power_w=trace.mean_power_w(start_s, end_s),
    )


def windows(phases: Sequence[Phase]) -> tuple[Phase, ...]:
    """Those of inferences."""
    return tuple(phase for phase in phases if phase.kind == "inference")


def median_energy_j(phases: Sequence[Phase], inferences: int = 1) -> float:
    """Median of the windows, for one of ``inferences`` in each."""
    return median(window.energy_j for window in windows(phases)) / inferences


def baseline_w(trace: PowerTrace) -> float | None:
    """Mean power of the idle board at the beginning of a trace; None if the trace is too short."""
    return trace.mean_power_w(0.0, BASELINE_S) if trace.covers(0.0, BASELINE_S) else None


def above_baseline_j(window: Phase, idle_w: float) -> float:
    """Energy of a window without what the idle board would have drawn in the same time.

    Args:
        window: of inferences.
        idle_w: from ``baseline_w``.
    """
    return window.energy_j - idle_w * window.duration_s
