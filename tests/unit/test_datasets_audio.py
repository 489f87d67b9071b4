"""Decoding of audio files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from tinybench.datasets.audio import SAMPLE_RATE_HZ, load_audio
from tinybench.errors import DataError


def write(path: Path, samples: NDArray[Any], rate_hz: int = SAMPLE_RATE_HZ, **options: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate_hz, **options)
    return path


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_lossless_formats_keep_the_int16_values(tmp_path: Path, suffix: str) -> None:
    values = np.arange(-8000, 8000, dtype=np.int16)
    clip = load_audio(write(tmp_path / f"clip{suffix}", values))
    assert clip.dtype == np.float32
    np.testing.assert_array_equal(clip * 2**15, values)


def test_channels_are_averaged(tmp_path: Path) -> None:
    left, right = np.full(16_000, 400, np.int16), np.full(16_000, 200, np.int16)
    clip = load_audio(write(tmp_path / "stereo.wav", np.stack([left, right], axis=1)))
    np.testing.assert_array_equal(clip * 2**15, 300)


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_opus_comes_out_at_16_khz_whatever_its_header_says(tmp_path: Path, rate_hz: int) -> None:
    time_s = np.arange(rate_hz) / rate_hz
    samples = 0.5 * np.sin(2 * np.pi * 1000 * time_s)
    path = write(tmp_path / "clip.opus", samples, rate_hz, format="OGG", subtype="OPUS")
    spectrum = np.abs(np.fft.rfft(load_audio(path)))
    assert abs(int(spectrum.argmax()) - 1000) <= 1


def test_another_sample_rate_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.wav", np.zeros(8000, np.int16), 8000)
    with pytest.raises(DataError, match=r"clip\.wav: sample rate is 8000 Hz") as caught:
        load_audio(path)
    assert caught.value.hint is not None
    assert "sox" in caught.value.hint


def test_broken_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "noise.flac").write_bytes(b"this is not audio at all")
    (tmp_path / "empty.wav").write_bytes(b"")
    write(tmp_path / "silent.wav", np.zeros(0, np.int16))
    for name, problem in (
        ("noise.flac", "cannot be decoded"),
        ("empty.wav", "is empty"),
        ("silent.wav", "no samples"),
        ("absent.wav", "no such"),
    ):
        with pytest.raises(DataError, match=rf"{name}.*{problem}"):
            load_audio(tmp_path / name)
