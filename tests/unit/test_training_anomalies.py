"""Anomalies injected into normal recordings."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tinybench.training.anomalies import KINDS, LEVELS_DB, SPEEDS_PERCENT, STRENGTHS, Kind, inject

ADDED = [kind for kind in KINDS if kind.unit == "dB"]
RATE_HZ = 16_000


def clip(seconds: float = 10.0) -> NDArray[np.float32]:
    return np.random.default_rng(7).normal(0, 0.01, int(seconds * RATE_HZ)).astype(np.float32)


@pytest.mark.parametrize("kind", ADDED, ids=lambda kind: kind.name)
@pytest.mark.parametrize("strength", range(3))
def test_an_added_sound_has_the_level_that_its_strength_says(kind: Kind, strength: int) -> None:
    added = inject(clip(), kind, strength, 1, "a").astype(np.float64) - clip()
    level_db = 10 * np.log10(np.mean(added**2) / np.mean(clip().astype(np.float64) ** 2))
    assert level_db == pytest.approx(LEVELS_DB[strength], abs=0.01)


@pytest.mark.parametrize("kind", ADDED, ids=lambda kind: kind.name)
def test_a_stronger_anomaly_is_the_same_one_stronger(kind: Kind) -> None:
    weak, strong = (inject(clip(), kind, strength, 1, "a") - clip() for strength in (0, 2))
    assert np.corrcoef(weak, strong)[0, 1] > 0.999


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_it_depends_on_seed_and_name_and_nothing_else(kind: Kind) -> None:
    def made(seed: int, name: str) -> bytes:
        return inject(clip(), kind, 1, seed, name).tobytes()

    assert made(1, "a") == made(1, "a")
    assert len({made(seed, name) for seed in (1, 2, 3) for name in "abc"}) > (
        1 if kind.name == "speed" else 8
    )


def spectrum_peak_hz(sound: NDArray[np.float32]) -> float:
    return float(np.abs(np.fft.rfft(sound)).argmax() * RATE_HZ / sound.shape[0])


@pytest.mark.parametrize("strength", range(3))
def test_speed_moves_every_frequency_by_its_percentage(strength: int) -> None:
    kind = next(kind for kind in KINDS if kind.name == "speed")
    tone = np.sin(2 * np.pi * 1000 * np.arange(10 * RATE_HZ) / RATE_HZ).astype(np.float32)
    found = set()
    for name in "abcdefgh":
        changed = inject(tone, kind, strength, 1, name)
        speed = round(spectrum_peak_hz(changed[1000:-1000]) / 1000, 3)
        assert changed.shape[0] == pytest.approx(tone.shape[0] / speed, rel=0.001)
        found.add(speed)
    percent = SPEEDS_PERCENT[strength]
    assert sorted(found) == pytest.approx([1 - percent / 100, 1 + percent / 100], abs=1e-3)


def test_impacts_of_a_bearing_come_at_its_rate_and_ring() -> None:
    kind = next(kind for kind in KINDS if kind.name == "bearing")
    added = inject(clip(), kind, 2, 1, "a").astype(np.float64) - clip()
    assert 1500 < spectrum_peak_hz(added.astype(np.float32)) < 5500
    envelope = np.abs(added) - np.abs(added).mean()
    spectrum = np.abs(np.fft.rfft(envelope))
    frequencies_hz = np.fft.rfftfreq(envelope.shape[0], 1 / RATE_HZ)
    impacts = (frequencies_hz > 55) & (frequencies_hz < 170)
    assert spectrum[impacts].max() > 10 * np.median(spectrum[frequencies_hz < 500])


def test_there_are_at_least_three_kinds_and_strengths_that_rise() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS) >= 3
    for kind in KINDS:
        assert len(kind.amounts) == len(STRENGTHS) == 3
        assert list(kind.amounts) == sorted(kind.amounts)
