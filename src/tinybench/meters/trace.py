"""A recorded power trace and the energy between two moments of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PowerTrace:
    """Power at equal intervals, from time 0 on."""

    rate_hz: float
    power_w: Floats
    """Mean power of each interval, shape (n,)."""

    @cached_property
    def times_s(self) -> Floats:
        """When each sample begins, and the end of the last one: shape (n + 1,).

        The clock is accumulated in float64, one period after the other. That is what EEMBC's energy runner
        does (found by recomputing every published window): k / rate is another number, and moves a sample
        across the edge of a window now and then.
        """
        return np.concatenate([[0.0], np.cumsum(np.full(len(self.power_w), 1.0 / self.rate_hz))])

    @property
    def duration_s(self) -> float:
        """End of the last sample."""
        return float(self.times_s[-1])

    def covers(self, start_s: float, end_s: float) -> bool:
        """Whether the trace was recording from ``start_s`` to ``end_s``."""
        return 0 <= start_s <= end_s <= self.duration_s

    def energy_j(self, start_s: float, end_s: float) -> float:
        """Energy of the samples that begin at or after ``start_s`` and before ``end_s``.

        Raises:
            ValueError: the trace does not cover that time.
        """
        return float(np.sum(self._between(start_s, end_s))) / self.rate_hz

    def mean_power_w(self, start_s: float, end_s: float) -> float | None:
        """Mean of the same samples; None if there are none. Errors as in ``energy_j``."""
        samples = self._between(start_s, end_s)
        return float(np.mean(samples)) if len(samples) else None

    def power_range_w(self) -> tuple[float, float]:
        """Lowest and highest sample."""
        return float(self.power_w.min()), float(self.power_w.max())

    def _between(self, start_s: float, end_s: float) -> Floats:
        if not self.covers(start_s, end_s):
            raise ValueError(f"{start_s} s to {end_s} s is not within {self.duration_s:.3f} s of trace")
        first, last = np.searchsorted(self.times_s[:-1], [start_s, end_s], side="left")
        return self.power_w[first:last]
