"""The streaming wake word task of MLPerf Tiny v1.3: what the device heard in 20 minutes of audio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

GRACE_S: Final = 2.0
"""How long after a wake word a detection still counts for it.

The runner's documentation says one second; its code (``calc_detection_stats``) adds that second twice, and
the published counts are those of the code."""

DEBOUNCE_S: Final = 1.0
"""False detections within this time after another false one count as one with it."""


@dataclass(frozen=True, kw_only=True)
class Detections:
    """Wake words heard, missed, and heard where there were none."""

    true_positives: int
    false_negatives: int
    false_positives: int


@dataclass(frozen=True, kw_only=True)
class StreamingRun:
    """One pass over the recording."""

    file: str | None
    seconds: float | None
    words_s: tuple[tuple[float, float], ...]
    """Start and end of each wake word."""
    detections_s: tuple[float, ...]
    """When the device raised its pin, on the interface board's clock; the first marks the start."""
    busy_from_s: tuple[float, ...]
    """When the device began to work on a frame, for a part of the frames."""
    busy_until_s: tuple[float, ...]

    @property
    def detections(self) -> Detections | None:
        """The counts, by the rule of the runner; None without a mark of the start."""
        if not self.detections_s:
            return None
        # Milliseconds, as the board gives them: differences of seconds are not exact.
        times_ms = np.round(np.array(self.detections_s) * 1000).astype(np.int64)
        times_ms = times_ms[1:] - times_ms[0]
        heard = 0
        for start_s, end_s in self.words_s:
            within = (times_ms / 1000 >= start_s) & (times_ms / 1000 <= end_s + GRACE_S)
            heard += bool(within.any())
            times_ms = times_ms[~within]
        false_positives, quiet_until_ms = 0, -1.0
        for time_ms in times_ms.tolist():
            if time_ms > quiet_until_ms:
                false_positives += 1
                quiet_until_ms = time_ms + DEBOUNCE_S * 1000
        return Detections(
            true_positives=heard,
            false_negatives=len(self.words_s) - heard,
            false_positives=false_positives,
        )

    @property
    def period_s(self) -> float | None:
        """Mean time from one frame to the next."""
        starts = self.busy_from_s
        return (starts[-1] - starts[0]) / (len(starts) - 1) if len(starts) > 1 else None

    @property
    def duty_cycle(self) -> float | None:
        """Share of the time that the device works."""
        busy_s = self._busy_s()
        return busy_s / self.period_s if busy_s is not None and self.period_s else None

    @property
    def throughput(self) -> float | None:
        """Inferences per second if the device never waited."""
        busy_s = self._busy_s()
        return 1 / busy_s if busy_s else None

    def _busy_s(self) -> float | None:
        if not self.busy_from_s or len(self.busy_from_s) != len(self.busy_until_s):
            return None
        mean = float(np.mean(np.array(self.busy_until_s) - np.array(self.busy_from_s)))
        return mean if mean > 0 else None
