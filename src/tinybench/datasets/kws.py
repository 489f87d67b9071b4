"""Keyword spotting: clips, labels and the MFCC front end of MLPerf Tiny, in NumPy.

The front end repeats what ``benchmark/training/keyword_spotting/get_dataset.py`` of mlcommons/tiny does with
TensorFlow, so that a model trained there reads the same features here: peak-divided samples, short-time
Fourier transform of 30 ms frames every 20 ms, magnitude, 40 mel bands from 20 Hz to 4 kHz, logarithm, DCT,
first ten coefficients. TensorFlow is not needed.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from tinybench.datasets.audio import AUDIO_SUFFIXES, SAMPLE_RATE_HZ, load_audio
from tinybench.datasets.base import Sample
from tinybench.datasets.folders import scan_labelled
from tinybench.datasets.stimuli import sounds

__all__ = [
    "CLIP_SAMPLES",
    "FEATURE_SHAPE",
    "LABELS",
    "SAMPLE_RATE_HZ",
    "features",
    "load",
    "load_clip",
    "mel_matrix",
    "mfcc",
    "quantize",
    "scan",
    "stimuli",
]

interface = 1
LABELS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes", "silence", "unknown")
"""Class order of MLPerf Tiny (``word_labels`` in its get_dataset.py): the index is that of the output."""

CLIP_SAMPLES = SAMPLE_RATE_HZ
FRAME_SAMPLES = 480
"""30 ms, ``window_size_ms`` of MLPerf Tiny."""
STEP_SAMPLES = 320
"""20 ms, ``window_stride_ms`` of MLPerf Tiny."""
FFT_SAMPLES = 512
"""The power of two above the frame, which tf.signal.stft takes when ``fft_length`` is None."""
MEL_BANDS = 40
MEL_LOW_HZ = 20.0
MEL_HIGH_HZ = 4000.0
COEFFICIENTS = 10
FRAMES = 1 + (CLIP_SAMPLES - FRAME_SAMPLES) // STEP_SAMPLES
FEATURE_SHAPE = (FRAMES, COEFFICIENTS)
LOG_OFFSET = 1e-6

_CHUNK_CLIPS = 128

Floats = NDArray[np.float32]


def load_clip(path: Path | str) -> Floats:
    """Decode one clip and make it one second long: zeros are added at the end, what is past 1 s is dropped.

    Returns:
        Shape (16000,), int16 units / 2^15 (so within [-1, 1)), 16 kHz.

    Raises:
        DataError: see :func:`tinybench.datasets.audio.load_audio`.
    """
    samples = load_audio(path)[:CLIP_SAMPLES]
    return np.pad(samples, (0, CLIP_SAMPLES - samples.shape[0]))


@functools.cache
def mel_matrix() -> Floats:
    """Triangular mel filters, shape (257, 40): from FFT bin (31.25 Hz apart) to band, 20 Hz to 4 kHz.

    The formula of ``tf.signal.linear_to_mel_weight_matrix``: HTK mel scale, 1127 ln(1 + f / 700), triangles
    that are linear in mel, no area normalisation, zero weight for the bin of 0 Hz.
    """
    bins_hz = np.linspace(0.0, SAMPLE_RATE_HZ / 2, FFT_SAMPLES // 2 + 1)
    bins_mel = _hertz_to_mel(bins_hz)[1:, None]
    low_mel, high_mel = _hertz_to_mel(np.array([MEL_LOW_HZ, MEL_HIGH_HZ]))
    edges_mel = np.linspace(low_mel, high_mel, MEL_BANDS + 2)
    lower, centre, upper = edges_mel[:-2], edges_mel[1:-1], edges_mel[2:]
    rising = (bins_mel - lower) / (centre - lower)
    falling = (upper - bins_mel) / (upper - centre)
    weights = np.maximum(0.0, np.minimum(rising, falling))
    matrix = np.pad(weights, ((1, 0), (0, 0))).astype(np.float32)
    matrix.flags.writeable = False
    return matrix


def _hertz_to_mel(frequency_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1127.0 * np.log1p(frequency_hz / 700.0)


@functools.cache
def _window() -> Floats:
    # Periodic Hann window, the default of tf.signal.hann_window.
    phase = 2.0 * np.pi * np.arange(FRAME_SAMPLES) / FRAME_SAMPLES
    return np.asarray(0.5 - 0.5 * np.cos(phase), dtype=np.float32)


def features(clips: NDArray[np.floating] | NDArray[np.int16]) -> Floats:
    """MFCC of many clips: shape (n, 16000) to (n, 49, 10), float32, no unit; the scale of the samples
    cancels.

    Each clip is divided by its largest *signed* sample, as MLPerf Tiny does (``wav / tf.reduce_max(wav)``),
    not by its largest magnitude. A clip whose largest sample is 0 (digital silence) would be 0 / 0 there;
    here it is left as it is, so that digital silence has finite features, those of log(1e-6).

    Source: mlcommons/tiny, benchmark/training/keyword_spotting/get_dataset.py, ``feature_type`` mfcc.

    Raises:
        ValueError: the shape is not (n, 16000).
    """
    samples = np.asarray(clips)
    if samples.ndim != 2 or samples.shape[1] != CLIP_SAMPLES:
        raise ValueError(f"expected clips of shape (n, {CLIP_SAMPLES}), got {samples.shape}")
    out = np.empty((samples.shape[0], *FEATURE_SHAPE), dtype=np.float32)
    for start in range(0, samples.shape[0], _CHUNK_CLIPS):
        out[start : start + _CHUNK_CLIPS] = _mfcc_chunk(samples[start : start + _CHUNK_CLIPS])
    return out


def _mfcc_chunk(samples: NDArray[np.floating] | NDArray[np.int16]) -> Floats:
    signed = samples.astype(np.float32)
    peak = signed.max(axis=1, keepdims=True)
    peak[peak == 0.0] = 1.0
    scaled = signed / peak
    frames = np.lib.stride_tricks.sliding_window_view(scaled, FRAME_SAMPLES, axis=1)[:, ::STEP_SAMPLES]
    magnitude = np.abs(scipy.fft.rfft(frames * _window(), n=FFT_SAMPLES, axis=-1)).astype(np.float32)
    log_mel = np.log(magnitude @ mel_matrix() + np.float32(LOG_OFFSET))
    # tf.signal.mfccs_from_log_mel_spectrograms: DCT-II without normalisation, times 1 / sqrt(2 * bands).
    cepstrum = scipy.fft.dct(log_mel, type=2, axis=-1)[..., :COEFFICIENTS] / np.sqrt(2.0 * MEL_BANDS)
    return np.asarray(cepstrum, dtype=np.float32)


def mfcc(clip: NDArray[np.floating] | NDArray[np.int16]) -> Floats:
    """MFCC of one clip: shape (16000,) to (49, 10), float32; see :func:`features`."""
    single: Floats = features(np.asarray(clip)[None])[0]
    return single


def quantize(values: NDArray[np.floating], scale: float, zero_point: int) -> NDArray[np.int8]:
    """Float features to int8 of the same shape: ``trunc(values / scale + zero_point)``, limited to [-128,
    127].

    MLPerf Tiny casts (``np.array(dat / input_scale + input_zero_point, dtype=np.int8)`` in
    make_bin_files.py and eval_quantized_model.py), which rounds towards zero, and its ready-made inputs are
    made that way; rounding to nearest would be another stimulus set. Its cast wraps around what does not
    fit; here that is limited instead.

    Args:
        values: any shape, features in float.
        scale: step of the model's input tensor.
        zero_point: zero point of the model's input tensor.
    """
    shifted = values.astype(np.float32) / np.float32(scale) + np.float32(zero_point)
    return np.asarray(np.clip(np.trunc(shifted), -128, 127), dtype=np.int8)


def scan(root: Path) -> list[Sample]:
    """List the clips of a ``<label>/<file>`` tree; ``_silence_`` and ``_unknown_`` are ``silence`` and
    ``unknown``.

    Raises:
        DataError: see :func:`tinybench.datasets.folders.scan_labelled`.
    """
    return scan_labelled(root, LABELS, AUDIO_SUFFIXES, {"_silence_": "silence", "_unknown_": "unknown"})


def load(root: Path, samples: Sequence[Sample]) -> Floats:
    """Decode clips, see :func:`load_clip`: shape (n, 16000)."""
    return np.stack([load_clip(root / sample.file) for sample in samples])


def stimuli() -> dict[str, Floats]:
    """Made clips by name, shape (16000,) each, see :mod:`tinybench.datasets.stimuli`."""
    return dict(sounds(CLIP_SAMPLES, SAMPLE_RATE_HZ))
