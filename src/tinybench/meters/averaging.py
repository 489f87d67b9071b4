"""From the rate at which an analyser samples to that of a trace."""

from __future__ import annotations

import numpy as np

from tinybench.errors import UsageError
from tinybench.meters.trace import Floats


def whole_factor(native_rate_hz: float, rate_hz: float, title: str) -> int:
    """How many samples of an analyser make one of the trace.

    Raises:
        UsageError: they do not fit into each other.
    """
    factor = round(native_rate_hz / rate_hz) if rate_hz > 0 else 0
    if factor < 1 or abs(factor * rate_hz - native_rate_hz) > 1e-6 * native_rate_hz:
        raise UsageError(
            f"{title} samples at {native_rate_hz:g} Hz, which cannot become a trace at {rate_hz:g} Hz",
            hint=f"a whole number of samples makes one: {native_rate_hz:g} Hz divided by 1, 2, 3 ...",
        )
    return factor


class Averager:
    """Means of ``factor`` samples each, whatever the pieces in which the samples come."""

    def __init__(self, factor: int) -> None:
        self._factor = factor
        self._left = np.empty(0)

    def push(self, samples: Floats) -> Floats:
        """The means that are complete now, shape (m,), of samples of shape (n,); the rest is kept."""
        samples = np.concatenate([self._left, samples])
        whole = len(samples) // self._factor * self._factor
        self._left = samples[whole:]
        means: Floats = samples[:whole].reshape(-1, self._factor).mean(axis=1)
        return means
