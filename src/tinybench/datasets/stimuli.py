"""Inputs that nobody recorded: tones, noise, gradients and shapes, the same on every machine.

They are what golden vectors are made from: free of anybody's rights, and varied enough that a kernel with a
wrong rounding, stride or padding gives another output on some of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SEED = 20_261_121
_PEAK = 0.5
"""Of every sound but silence; full scale is 1."""


def sounds(samples: int, rate_hz: int) -> dict[str, NDArray[np.float32]]:
    """Sixteen sounds by name, each float32 of shape (samples,) within [-1, 1)."""
    t = np.arange(samples) / rate_hz
    rng = np.random.default_rng(_SEED)
    length_s = samples / rate_hz
    sweep = 2 * np.pi * 100 * length_s / np.log(60) * np.expm1(t / length_s * np.log(60))  # 100 Hz to 6 kHz
    clicks = (np.arange(samples) % (rate_hz // 20) == 0).astype(float)
    white = rng.standard_normal(samples)
    made: dict[str, NDArray[np.floating]] = {
        "silence": np.zeros(samples),
        **{f"tone {f} Hz": np.sin(2 * np.pi * f * t) for f in (110, 440, 1000, 3000)},
        "chord 200 300 500 Hz": np.sum([np.sin(2 * np.pi * f * t) for f in (200, 300, 500)], axis=0),
        "sweep 100 to 6000 Hz": np.sin(sweep),
        "sweep 6000 to 100 Hz": np.sin(sweep)[::-1],
        "square 150 Hz": np.sign(np.sin(2 * np.pi * 150 * t) + 1e-9),
        "beating 440 443 Hz": np.sin(2 * np.pi * 440 * t) + np.sin(2 * np.pi * 443 * t),
        "tone 700 Hz in pulses": np.sin(2 * np.pi * 700 * t) * (np.sin(2 * np.pi * 8 * t) > 0),
        "clicks 20 Hz": clicks,
        "noise": white,
        "noise swelling": white * t,
        "noise brown": np.cumsum(white - white.mean()),
        "noise and tone 1500 Hz": 0.2 * rng.standard_normal(samples) + np.sin(2 * np.pi * 1500 * t),
    }
    return {name: _scaled(wave) for name, wave in made.items()}


def images(side: int) -> dict[str, NDArray[np.uint8]]:
    """Sixteen RGB images by name, each uint8 of shape (side, side, 3)."""
    y, x = np.mgrid[0:side, 0:side] / (side - 1)
    rng = np.random.default_rng(_SEED)
    radius = np.hypot(x - 0.5, y - 0.5)
    coarse = rng.random((8, 8, 3)).repeat(-(-side // 8), axis=0).repeat(-(-side // 8), axis=1)
    ones = np.ones((side, side))

    def grey(values: NDArray[np.floating]) -> NDArray[np.floating]:
        return np.repeat(values[..., None], 3, axis=2)

    def striped(phase: NDArray[np.floating]) -> NDArray[np.floating]:
        return grey((np.sin(2 * np.pi * phase) > 0).astype(float))

    made: dict[str, NDArray[np.floating]] = {
        "black": grey(0 * ones),
        "white": grey(ones),
        "red": np.dstack([ones, 0 * ones, 0 * ones]),
        "gradient across": grey(x),
        "gradient down": grey(y),
        "gradient of colours": np.dstack([x, y, 1 - x]),
        "stripes across": striped(4 * y),
        "stripes down": striped(8 * x),
        "checkerboard": grey((np.floor(8 * x * 0.999) + np.floor(8 * y * 0.999)) % 2),
        "checkerboard of pixels": grey(np.indices((side, side)).sum(axis=0) % 2.0),
        "disc": grey((radius < 0.3).astype(float)),
        "rings": grey(0.5 + 0.5 * np.cos(40 * radius)),
        "cross": grey(((np.abs(x - 0.5) < 0.08) | (np.abs(y - 0.5) < 0.08)).astype(float)),
        "blob of colours": np.dstack([np.exp(-8 * radius**2), x * y, np.exp(-20 * (radius - 0.3) ** 2)]),
        "noise": rng.random((side, side, 3)),
        "noise coarse": coarse[:side, :side],
    }
    return {name: np.round(255 * values).astype(np.uint8) for name, values in made.items()}


def _scaled(wave: NDArray[np.floating]) -> NDArray[np.float32]:
    peak = float(np.abs(wave).max())
    return np.asarray(wave * (_PEAK / peak if peak else 0.0), dtype=np.float32)
