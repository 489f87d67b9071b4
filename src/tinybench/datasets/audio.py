"""Decoding of audio files: 16 kHz mono samples, whatever the format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinybench.errors import DataError

__all__ = ["AUDIO_SUFFIXES", "SAMPLE_RATE_HZ", "load_audio"]

SAMPLE_RATE_HZ = 16_000
AUDIO_SUFFIXES = (".flac", ".ogg", ".opus", ".wav")
_OPUS_DECODER_HZ = 48_000


def load_audio(path: Path | str) -> NDArray[np.float32]:
    """Decode a WAV, FLAC or Ogg Opus file of any length to mono samples, shape (n,), int16 units / 2^15.

    The file has to be at 16 kHz. One exception: an Opus stream has no sample rate of its own (RFC 7845),
    and a file whose header does not say 16 kHz is decoded at 48 kHz; such a file, and only such a one, is
    resampled. Several channels are averaged.

    Raises:
        DataError: the file is missing, empty, cannot be decoded, or has another sample rate.
    """
    import soundfile  # lazy: libsndfile is loaded only when a clip is decoded

    file = Path(path)
    if not file.is_file():
        raise DataError(f"{file}: no such audio file", hint="check the path of the data set")
    if file.stat().st_size == 0:
        raise DataError(f"{file}: the file is empty", hint="fetch or copy the data set again")
    try:
        with soundfile.SoundFile(file) as sound:
            rate_hz = int(sound.samplerate)
            opus = sound.subtype == "OPUS"
            samples = np.asarray(sound.read(dtype="float32", always_2d=True), dtype=np.float32)
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise DataError(
            f"{file}: cannot be decoded ({error})",
            hint="expected WAV, FLAC or Ogg Opus; fetch the data set again",
        ) from error
    if samples.shape[0] == 0:
        raise DataError(f"{file}: holds no samples", hint="remove the file or fetch the data set again")
    mono = np.ascontiguousarray(samples.mean(axis=1, dtype=np.float32))
    if rate_hz == SAMPLE_RATE_HZ:
        return mono
    if opus and rate_hz == _OPUS_DECODER_HZ:
        import scipy.signal  # half a second, and only Opus needs it

        resampled = scipy.signal.resample_poly(mono, 1, _OPUS_DECODER_HZ // SAMPLE_RATE_HZ)
        return np.asarray(resampled, dtype=np.float32)
    raise DataError(
        f"{file}: sample rate is {rate_hz} Hz, expected {SAMPLE_RATE_HZ} Hz",
        hint=f"resample it first, for example: sox {file.name} -r {SAMPLE_RATE_HZ} converted{file.suffix}",
    )
