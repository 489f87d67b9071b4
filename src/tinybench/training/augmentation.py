"""Audio augmentation for the keyword spotting recipe, in NumPy: each function takes and returns one-second
clips.

Clips are float32 of shape (16000,) at 16 kHz. Gain alone is of no use here, because the front end divides
each clip by its peak; what changes the features is the speech *relative to* the noise, the channel, the
room and the timing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from tinybench.datasets.kws import CLIP_SAMPLES, FEATURE_SHAPE, LABELS, SAMPLE_RATE_HZ

__all__ = [
    "AugmentationConfig",
    "augment",
    "change_speed",
    "colour",
    "mix_noise",
    "mixup",
    "noise_clip",
    "reverberate",
    "shift",
    "time_mask",
]

Floats = NDArray[np.float32]
SILENCE = LABELS.index("silence")


@dataclass(frozen=True)
class AugmentationConfig:
    """How often and how strongly each step is applied; probabilities per version of a clip."""

    shift_s: float = 0.1
    """Largest shift in either direction, as ``time_shift_ms`` of MLPerf Tiny."""
    speed_probability: float = 0.6
    speed_range: tuple[float, float] = (0.82, 1.18)
    noise_probability: float = 0.75
    noise_snr_db: tuple[float, float] = (3.0, 35.0)
    colour_probability: float = 0.5
    colour_db: float = 6.0
    room_probability: float = 0.2
    room_decay_s: tuple[float, float] = (0.05, 0.35)


def shift(clip: Floats, samples: int) -> Floats:
    """Move the clip later by ``samples`` (earlier when negative); zeros fill the gap."""
    out = np.zeros_like(clip)
    if samples >= 0:
        out[samples:] = clip[: clip.shape[0] - samples]
    else:
        out[:samples] = clip[-samples:]
    return out


def change_speed(clip: Floats, factor: float) -> Floats:
    """Play the clip ``factor`` times as fast (pitch moves along), about its middle; zeros where there is
    nothing.

    Linear interpolation: its error lies above the 4 kHz that the front end looks at.
    """
    middle = (clip.shape[0] - 1) / 2
    positions = middle + (np.arange(clip.shape[0]) - middle) * factor
    values = np.interp(positions, np.arange(clip.shape[0]), clip, left=0.0, right=0.0)
    return np.asarray(values, dtype=np.float32)


def colour(clip: Floats, gains_db: Sequence[float]) -> Floats:
    """Apply a smooth frequency response, in dB at evenly spaced frequencies from 0 to 8 kHz."""
    spectrum = scipy.fft.rfft(clip)
    at = np.linspace(0, len(gains_db) - 1, spectrum.shape[0])
    response_db = np.interp(at, np.arange(len(gains_db)), np.asarray(gains_db))
    coloured = scipy.fft.irfft(spectrum * 10 ** (response_db / 20), n=clip.shape[0])
    return np.asarray(coloured, dtype=np.float32)


def reverberate(clip: Floats, decay_s: float, rng: np.random.Generator) -> Floats:
    """Add the tail of a room: noise that decays by 60 dB in ``decay_s`` s, 6 dB below the direct sound."""
    samples = max(2, int(decay_s * SAMPLE_RATE_HZ))
    tail = rng.standard_normal(samples) * 10 ** (-3.0 * np.arange(samples) / samples)
    tail *= 0.5 / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    size = scipy.fft.next_fast_len(clip.shape[0] + samples - 1)
    wet = scipy.fft.irfft(scipy.fft.rfft(clip, size) * scipy.fft.rfft(tail, size), size)
    return np.asarray(wet[: clip.shape[0]], dtype=np.float32)


def noise_clip(noises: Sequence[Floats], rng: np.random.Generator) -> Floats:
    """One second from one of the noise recordings (each longer than 1 s), scaled to an RMS of 1."""
    noise = noises[int(rng.integers(len(noises)))]
    start = int(rng.integers(noise.shape[0] - CLIP_SAMPLES + 1))
    piece = noise[start : start + CLIP_SAMPLES]
    return (piece / max(float(np.sqrt(np.mean(piece**2))), 1e-9)).astype(np.float32)


def mix_noise(clip: Floats, noise: Floats, snr_db: float) -> Floats:
    """Add noise so that RMS of the clip over RMS of the noise is ``snr_db``; a silent clip stays silent."""
    clip_rms = float(np.sqrt(np.mean(clip**2)))
    noise_rms = float(np.sqrt(np.mean(noise**2)))
    if clip_rms == 0.0 or noise_rms == 0.0:
        return clip.copy()
    return (clip + noise * np.float32(clip_rms / noise_rms * 10 ** (-snr_db / 20))).astype(np.float32)


def augment(
    clip: Floats, label: int, noises: Sequence[Floats], rng: np.random.Generator, config: AugmentationConfig
) -> Floats:
    """One random version of a clip. Half of the time, silence becomes another piece of noise."""
    if label == SILENCE and noises and rng.random() < 0.5:
        out = noise_clip(noises, rng)
        if rng.random() < 0.5:
            out = out + noise_clip(noises, rng) * np.float32(rng.random())
    else:
        out = clip
        if rng.random() < config.speed_probability:
            out = change_speed(out, float(rng.uniform(*config.speed_range)))
        limit = int(config.shift_s * SAMPLE_RATE_HZ)
        out = shift(out, int(rng.integers(-limit, limit + 1)))
    if rng.random() < config.colour_probability:
        out = colour(out, list(rng.uniform(-config.colour_db, config.colour_db, 6)))
    if rng.random() < config.room_probability:
        out = reverberate(out, float(rng.uniform(*config.room_decay_s)), rng)
    if noises and rng.random() < config.noise_probability:
        out = mix_noise(out, noise_clip(noises, rng), float(rng.uniform(*config.noise_snr_db)))
    # The front end divides by the largest signed sample, so the polarity of a recording matters a little.
    return -out if rng.random() < 0.5 else out


def time_mask(batch: Floats, rng: np.random.Generator, *, probability: float, longest_frames: int) -> Floats:
    """SpecAugment's time mask on features (n, 49, 10): a run of frames becomes the clip's mean frame.

    Cepstral coefficients have no frequency axis to mask, so only time is masked. Returns a new array.
    """
    count, frames = batch.shape[0], FEATURE_SHAPE[0]
    length = rng.integers(1, longest_frames + 1, count) * (rng.random(count) < probability)
    start = (rng.random(count) * (frames - length + 1)).astype(int)
    index = np.arange(frames)
    masked = (index >= start[:, None]) & (index < (start + length)[:, None])
    return np.where(masked[:, :, None], batch.mean(axis=1, keepdims=True), batch).astype(np.float32)


def mixup(
    batch: Floats, targets: Floats, rng: np.random.Generator, *, alpha: float, probability: float
) -> tuple[Floats, Floats]:
    """Mixup (Zhang et al., 2018): features (n, 49, 10) and targets (n, 12) blended with a shuffled copy."""
    count = batch.shape[0]
    drawn = np.asarray(rng.beta(alpha, alpha, count), dtype=np.float32)
    weight = np.where(rng.random(count) < probability, np.maximum(drawn, 1 - drawn), np.float32(1.0))
    other = rng.permutation(count)
    blended = batch * weight[:, None, None] + batch[other] * (1 - weight)[:, None, None]
    return (
        blended.astype(np.float32),
        (targets * weight[:, None] + targets[other] * (1 - weight)[:, None]).astype(np.float32),
    )
