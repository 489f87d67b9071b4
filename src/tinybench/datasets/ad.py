"""Anomaly detection in machine sounds: clips, labels and the log-mel front end of MLPerf Tiny, in NumPy.

The front end repeats ``file_to_vector_array`` in ``benchmark/training/anomaly_detection/common.py`` of
mlcommons/tiny (after the baseline of DCASE 2020, task 2): short-time Fourier transform of 64 ms frames every
32 ms, power, 128 mel bands, decibels, frames 50 to 249, and 5 frames in a row as one input. It computes the
spectrogram with librosa (0.6.0 in its requirements.txt), which is not needed here: this is
``librosa.feature.melspectrogram`` with ``n_fft=1024, hop_length=512, n_mels=128, power=2.0`` and otherwise
defaults, to 1e-4 dB. How librosa pads a clip has changed between its versions (``reflect``, since 0.9
``constant``); the frames that are kept touch no padding, so they are the same with each.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from tinybench.datasets.audio import AUDIO_SUFFIXES, SAMPLE_RATE_HZ, load_audio
from tinybench.datasets.base import Sample
from tinybench.datasets.folders import scan_labelled
from tinybench.datasets.stimuli import sounds
from tinybench.errors import DataError

__all__ = [
    "CLIP_SAMPLES",
    "LABELS",
    "MEL_BANDS",
    "WINDOWS",
    "features",
    "load",
    "load_clip",
    "log_mel",
    "mel_matrix",
    "quantize",
    "scan",
    "stimuli",
    "windows",
]

interface = 1
LABELS = ("normal", "anomaly")

FFT_SAMPLES = 1024
"""64 ms, ``n_fft`` of MLPerf Tiny."""
STEP_SAMPLES = 512
"""32 ms, ``hop_length`` of MLPerf Tiny."""
MEL_BANDS = 128
FIRST_FRAME, FRAMES = 50, 200
"""``log_mel_spectrogram[:, 50:250]``: "take central part only"."""
STACKED = 5
"""Frames of one input, ``frames`` of MLPerf Tiny."""
WINDOWS = FRAMES - STACKED + 1
"""Inputs of a clip; each begins one frame after the one before."""
LOG_OFFSET = float(np.finfo(np.float64).eps)
"""``sys.float_info.epsilon``: digital silence is -156.5 dB."""
FIRST_SAMPLE = FIRST_FRAME * STEP_SAMPLES - FFT_SAMPLES // 2
"""librosa centres frame t at sample t * hop_length."""
CLIP_SAMPLES = FIRST_SAMPLE + (FRAMES - 1) * STEP_SAMPLES + FFT_SAMPLES
"""128,000, 8 s: where the last frame that is kept ends. What comes after it is not looked at."""

_OFFICIAL_NAME = re.compile(r"(normal|anomaly)_(id_\d+)_\d+")
"""How DCASE names a clip, for example ``anomaly_id_01_00000263.wav``: label, machine, number."""
_LAYOUT = "expected files like normal_id_01_00000000.wav, or folders normal and anomaly"
_MACHINE = re.compile(r"(?:^|_)(id_\d+)(?:_|$)")

Floats = NDArray[np.float32]


def scan(root: Path) -> list[Sample]:
    """Every clip below a folder, in order of label and name; the group of a clip is its machine, ``id_01``.

    Two layouts are known: label folders ``normal`` and ``anomaly``, and that of DCASE 2020, where label and
    machine are in the name of each file: in the folder itself, or in its folder ``test`` or ``ToyCar/test``.

    Raises:
        DataError: the folder is missing, holds no clip, or one that says no label.
    """
    if any((root / label).is_dir() for label in LABELS):
        found = scan_labelled(root, LABELS, AUDIO_SUFFIXES)
        return [Sample(clip.name, clip.file, clip.label, _machine(clip.name)) for clip in found]
    if not root.is_dir():
        raise DataError(f"{root}: no such folder", hint="expected a folder of clips")
    folder = next(f for f in (root / "ToyCar" / "test", root / "test", root) if f.is_dir())
    samples = []
    for path in folder.iterdir():
        if path.suffix.lower() not in AUDIO_SUFFIXES or path.name.startswith(".") or not path.is_file():
            continue
        match = _OFFICIAL_NAME.fullmatch(path.stem)
        if match is None:
            raise DataError(f"{path}: the name does not say label and machine", hint=_LAYOUT)
        file = path.relative_to(root).as_posix()
        samples.append(Sample(file, file, LABELS.index(match[1]), match[2]))
    if not samples:
        raise DataError(f"{folder}: no clip in it", hint=_LAYOUT)
    return sorted(samples, key=lambda sample: (sample.label, sample.name))


def _machine(name: str) -> str:
    match = _MACHINE.search(Path(name).stem)
    return match[1] if match else ""


def load(root: Path, samples: Sequence[Sample]) -> Floats:
    """Decode clips, shape (n, 128000): see :func:`load_clip`."""
    return np.stack([load_clip(root / sample.file) for sample in samples])


def load_clip(path: Path | str) -> Floats:
    """Decode the first 8 s of a clip: shape (128000,), int16 units / 2^15, 16 kHz.

    Raises:
        DataError: the clip is shorter, or see :func:`tinybench.datasets.audio.load_audio`.
    """
    samples = load_audio(path)
    if samples.shape[0] < CLIP_SAMPLES:
        length_s, needed_s = samples.shape[0] / SAMPLE_RATE_HZ, CLIP_SAMPLES / SAMPLE_RATE_HZ
        raise DataError(
            f"{path}: the clip is {length_s:.2f} s long, at least {needed_s:g} s are needed",
            hint="remove it: frames 50 to 249 of the spectrogram are what the task is defined on",
        )
    return samples[:CLIP_SAMPLES]


@functools.cache
def mel_matrix() -> Floats:
    """Triangular mel filters, shape (513, 128): from FFT bin (15.625 Hz apart) to band, 0 Hz to 8 kHz.

    ``librosa.filters.mel`` with its defaults, transposed: the mel scale of Slaney's Auditory Toolbox (1998),
    linear below 1 kHz, and triangles that are linear in frequency and have the same area.
    """
    bins_hz = np.linspace(0.0, SAMPLE_RATE_HZ / 2, FFT_SAMPLES // 2 + 1)[:, None]
    edges_hz = _mel_to_hertz(np.linspace(0.0, _hertz_to_mel(SAMPLE_RATE_HZ / 2), MEL_BANDS + 2))
    lower, centre, upper = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    rising = (bins_hz - lower) / (centre - lower)
    falling = (upper - bins_hz) / (upper - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    matrix = np.asarray(triangles * (2.0 / (upper - lower)), dtype=np.float32)
    matrix.flags.writeable = False
    return matrix


# Slaney's scale: 3 mel in 200 Hz up to 1 kHz (15 mel), above it 27 mel in a factor of 6.4.
_MEL_HZ, _KNEE_HZ, _KNEE_MEL, _LOG_STEP = 200.0 / 3.0, 1000.0, 15.0, float(np.log(6.4)) / 27.0


def _hertz_to_mel(frequency_hz: float) -> float:
    if frequency_hz < _KNEE_HZ:
        return frequency_hz / _MEL_HZ
    return _KNEE_MEL + float(np.log(frequency_hz / _KNEE_HZ)) / _LOG_STEP


def _mel_to_hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _KNEE_HZ * np.exp(_LOG_STEP * (mel - _KNEE_MEL))
    return np.where(mel < _KNEE_MEL, mel * _MEL_HZ, above)


@functools.cache
def _window() -> NDArray[np.float64]:
    # Periodic Hann window, the default of librosa.stft.
    phase = 2.0 * np.pi * np.arange(FFT_SAMPLES) / FFT_SAMPLES
    return np.asarray(0.5 - 0.5 * np.cos(phase))


def log_mel(clips: NDArray[np.floating]) -> Floats:
    """Spectrogram of each clip: shape (n, 128000) to (n, 200, 128), float32, decibels.

    ``10 log10(power + eps)`` of frames 50 to 249; 0 dB is a power of 1 in units of full scale. It is computed
    in double precision, so that weak bands beside strong ones, and other processors, give the same.

    Raises:
        ValueError: the shape is not (n, 128000).
    """
    samples = np.asarray(clips)
    if samples.ndim != 2 or samples.shape[1] != CLIP_SAMPLES:
        raise ValueError(f"expected clips of shape (n, {CLIP_SAMPLES}), got {samples.shape}")
    spectrogram = np.empty((samples.shape[0], FRAMES, MEL_BANDS), dtype=np.float32)
    matrix = mel_matrix().astype(np.float64)
    for clip, out in zip(samples, spectrogram, strict=True):
        kept = clip[FIRST_SAMPLE:].astype(np.float64)
        frames = np.lib.stride_tricks.sliding_window_view(kept, FFT_SAMPLES)[::STEP_SAMPLES]
        spectrum = scipy.fft.rfft(frames * _window(), axis=-1)
        power = spectrum.real**2 + spectrum.imag**2
        out[:] = 10.0 * np.log10(power @ matrix + LOG_OFFSET)
    return spectrogram


def windows(spectrogram: Floats) -> Floats:
    """Five frames in a row as one vector: shape (n, frames, 128) to (n, frames - 4, 640).

    Vector i holds frame i, then frame i + 1, and so on. It is a read-only view: memory is that of the
    spectrogram.
    """
    clips, frames, bands = spectrogram.shape
    flat = np.ascontiguousarray(spectrogram).reshape(clips, frames * bands)
    view: Floats = np.lib.stride_tricks.sliding_window_view(flat, STACKED * bands, axis=1)[:, ::bands]
    return view


def features(raw: NDArray[Any]) -> Floats:
    """The inputs of many clips: shape (n, 128000) to (n, 196, 640), float32, decibels; a read-only view."""
    return windows(log_mel(raw))


def quantize(values: NDArray[np.floating], scale: float, zero_point: int) -> NDArray[np.int8]:
    """Decibels to int8 of the same shape: ``round(values / scale) + zero_point``, limited to [-128, 127].

    Halves are rounded away from zero. That is what MLPerf Tiny does in both places: on the device
    (``QuantizeFloatToInt8`` in its reference submission) and in ``03_tflite_test.py``, which leaves it to the
    QUANTIZE operator of a model with float input. It differs from keyword spotting, where inputs are cast.

    Args:
        values: any shape.
        scale: step of the model's input tensor.
        zero_point: zero point of the model's input tensor.
    """
    steps = (values.astype(np.float32) / np.float32(scale)).astype(np.float64)
    rounded = np.trunc(steps + np.copysign(0.5, steps))
    return np.asarray(np.clip(rounded + zero_point, -128, 127), dtype=np.int8)


def stimuli() -> dict[str, Floats]:
    """Made clips by name, shape (128000,) each, see :mod:`tinybench.datasets.stimuli`."""
    return sounds(CLIP_SAMPLES, SAMPLE_RATE_HZ)
