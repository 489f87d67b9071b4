"""Whether a stated figure is a recomputed one, as exactly as it was stated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median
from typing import Final

from tinybench.mlperf_tiny.printed import Figure
from tinybench.mlperf_tiny.runs import RunnerName

THROUGHPUT_STEP: Final = 1e-3
"""Both runners print the median throughput with three decimals."""

SECONDS_STEP: Final = 1e-3
"""EnergyRunner prints durations in milliseconds; MLCommons' runner in microseconds."""


def agrees(stated: float, exact: float, step: float) -> bool:
    """Whether a stated figure is ``exact``: in full, or rounded to a multiple of ``step``.

    A figure that has more places than ``step`` was not rounded to it, and has to be right in all of them.
    """
    if math.isclose(stated, exact, rel_tol=1e-9):
        return True
    places = stated / step
    if not abs(places) < 1e15:  # no float has that many places
        return False
    return math.isclose(places, round(places), abs_tol=1e-6) and Figure(stated, step).agrees(exact)


def same_seconds(stated: float, exact: float, runner: RunnerName) -> bool:
    """Whether a window in a result is as long as its log says.

    The runners of MLPerf Tiny print it in milliseconds, and it may be copied from there; ours writes log and
    result alike.
    """
    if runner == "board":
        return math.isclose(stated, exact, rel_tol=1e-9)
    return agrees(stated, exact, SECONDS_STEP)


def within(stated: float, exact: float, tolerance: float) -> bool:
    """Whether two figures are at most so far apart; exactly as far, as floats have it, is still within."""
    return abs(stated - exact) <= tolerance * (1 + 1e-6)


def beyond(value: float, limit: float, places: int) -> str:
    """A figure that fails a limit, with ``places`` decimals, or as many more as show that it fails.

    9.9996 s would be 10.000 s, which is no reason to fail.
    """
    while places < 15 and float(f"{value:.{places}f}") == limit:
        places += 1
    return f"{value:.{places}f}"


def apart(difference: float, limit: float) -> str:
    """By how much two figures differ that may differ by ``limit``, both as shares, in percent with a sign."""
    return f"{'+' if difference > 0 else '-'}{beyond(abs(difference) * 100, limit * 100, 1)}%"


def instead(stated: float, values: Sequence[float], step: float) -> str:
    """What was stated in place of the median, if one can tell; else nothing."""
    if len(values) < 2 or agrees(stated, median(values), step):
        return ""
    known = {"mean": fmean(values), "highest": max(values), "lowest": min(values)}
    found = next((name for name, value in known.items() if agrees(stated, value, step)), None)
    return f"; it is the {found} of the windows, not their median" if found else ""
