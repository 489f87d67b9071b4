"""Anomalies injected into normal recordings, where real ones are missing.

Four kinds, each at three strengths that are given in physical units and were fixed before any model was
judged by them. Whoever reports a figure on them calls it what it is: of *injected* anomalies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from tinybench.datasets.audio import SAMPLE_RATE_HZ

__all__ = ["KINDS", "STRENGTHS", "Kind", "inject"]

Floats = NDArray[np.float32]
Wave = NDArray[np.float64]
STRENGTHS = ("weak", "middle", "strong")
LEVELS_DB = (-20.0, -10.0, 0.0)
"""Of an added sound for each strength: its power over the recording, against that of the recording."""
SPEEDS_PERCENT = (5.0, 10.0, 20.0)
"""Change of speed for each strength; up or down."""


@dataclass(frozen=True)
class Kind:
    """One kind of anomaly."""

    name: str
    description: str
    unit: str
    amounts: tuple[float, float, float]
    """In ``unit``, for each of ``STRENGTHS``."""
    apply: Callable[[Floats, float, np.random.Generator], Floats]


def inject(clip: Floats, kind: Kind, strength: int, seed: int, name: str) -> Floats:
    """The clip with one anomaly, float32, 16 kHz; ``speed`` makes it shorter or longer, the others do not.

    What is random depends on the seed, the kind and the name of the clip only, so that a stronger anomaly is
    the same one, stronger.

    Args:
        clip: shape (n,).
        kind: one of ``KINDS``.
        strength: index into ``STRENGTHS``.
        seed: of everything random.
        name: of the clip.
    """
    digest = hashlib.sha256(f"{kind.name}/{name}".encode()).digest()
    rng = np.random.default_rng([seed, int.from_bytes(digest[:8], "little")])
    return kind.apply(clip, kind.amounts[strength], rng)


def _add(clip: Floats, sound: Wave, level_db: float) -> Floats:
    """Add a sound whose mean power is ``level_db`` above that of the clip."""
    clip_power, power = float(np.mean(np.square(clip, dtype=np.float64))), float(np.mean(sound**2))
    gain = np.sqrt(clip_power / power) * 10 ** (level_db / 20)
    return np.asarray(clip + gain * sound, dtype=np.float32)


def _ringing(samples: int, times_s: Wave, heights: Wave, frequency_hz: float, decay_s: float) -> Wave:
    """A structure that is hit at the given times and rings at one frequency; shape (samples,)."""
    from scipy.signal import oaconvolve  # half a second to import

    impacts = np.zeros(samples)
    at = np.round(times_s * SAMPLE_RATE_HZ).astype(int)
    inside = at < samples
    np.add.at(impacts, at[inside], heights[inside])
    time_s = np.arange(int(8 * decay_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    ring = np.exp(-time_s / decay_s) * np.sin(2 * np.pi * frequency_hz * time_s)
    return np.asarray(oaconvolve(impacts, ring)[:samples])


def _knocks(clip: Floats, level_db: float, rng: np.random.Generator) -> Floats:
    """A loose part: knocks at random times."""
    length_s = clip.shape[0] / SAMPLE_RATE_HZ
    rate_hz, frequency_hz = rng.uniform(2, 6), rng.uniform(1000, 4000)
    # The gaps of a Poisson process, enough of them to fill the clip.
    times_s = np.cumsum(rng.exponential(1 / rate_hz, int(3 * rate_hz * length_s) + 10))
    heights = rng.uniform(0.5, 1.5, times_s.shape)
    return _add(clip, _ringing(clip.shape[0], times_s, heights, frequency_hz, decay_s=0.004), level_db)


def _bearing(clip: Floats, level_db: float, rng: np.random.Generator) -> Floats:
    """A defect on the race of a rolling bearing.

    An impact each time a ball passes the defect, with a little slip, heavier when the defect is in the load
    zone (once per turn of the shaft), ringing a resonance of the housing: the model of P. D. McFadden and
    J. D. Smith, "Model for the vibration produced by a single point defect in a rolling element bearing",
    Journal of Sound and Vibration 96, 1984.
    """
    length_s = clip.shape[0] / SAMPLE_RATE_HZ
    shaft_hz, balls_per_turn = rng.uniform(20, 30), rng.uniform(3, 5.5)
    period_s = 1 / (shaft_hz * balls_per_turn)
    # 1 % slip, a usual figure for rolling bearings.
    times_s = np.cumsum(period_s * rng.normal(1.0, 0.01, int(1.1 * length_s / period_s) + 10))
    heights: Wave = 1 + 0.8 * np.cos(2 * np.pi * shaft_hz * times_s)
    frequency_hz = rng.uniform(2000, 5000)
    return _add(clip, _ringing(clip.shape[0], times_s, heights, frequency_hz, decay_s=0.0015), level_db)


def _hum(clip: Floats, level_db: float, rng: np.random.Generator) -> Floats:
    """Another machine beside this one: a steady hum with overtones."""
    time_s = np.arange(clip.shape[0]) / SAMPLE_RATE_HZ
    base_hz = rng.uniform(80, 200)
    overtones = range(1, 13)
    sound = sum(np.sin(2 * np.pi * n * base_hz * time_s + rng.uniform(0, 2 * np.pi)) / n for n in overtones)
    return _add(clip, np.asarray(sound), level_db)


def _speed(clip: Floats, percent: float, rng: np.random.Generator) -> Floats:
    """The machine runs faster or slower: every frequency moves, as by playing the recording at that speed."""
    from scipy.signal import resample_poly  # half a second to import

    sign = 1 if rng.random() < 0.5 else -1
    speed = Fraction(1 + sign * percent / 100).limit_denominator(1000)
    return np.asarray(resample_poly(clip, speed.denominator, speed.numerator), dtype=np.float32)


KINDS = (
    Kind(
        "knocks",
        "a loose part: knocks at random, 2 to 6 in a second, ringing at 1 to 4 kHz",
        "dB",
        LEVELS_DB,
        _knocks,
    ),
    Kind(
        "bearing",
        "a defect of a rolling bearing: 60 to 165 impacts in a second, ringing at 2 to 5 kHz",
        "dB",
        LEVELS_DB,
        _bearing,
    ),
    Kind("hum", "another machine: a hum of 80 to 200 Hz with eleven overtones", "dB", LEVELS_DB, _hum),
    Kind("speed", "the machine runs faster or slower", "%", SPEEDS_PERCENT, _speed),
)
