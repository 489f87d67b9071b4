"""The front end of anomaly detection: clips, spectrogram, windows, quantisation; agreement with librosa."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as np_st
from numpy.typing import NDArray

from tinybench.datasets import ad
from tinybench.datasets.base import Sample
from tinybench.errors import DataError

# librosa.filters.mel(sr=16000, n_fft=1024, n_mels=128), librosa 0.11.0: (bin, band) -> weight.
GOLDEN_MEL = {
    (1, 0): 0.02857778,
    (2, 0): 0.02837754,
    (2, 1): 0.01438901,
    (46, 30): 0.03158133,
    (92, 57): 0.02338369,
    (274, 102): 0.00899831,
    (511, 127): 0.00043527,
}
GOLDEN_MEL_SUM = 8.18838
# The steps of file_to_vector_array on golden_clip(), librosa 0.11.0: (window, element) -> decibels.
GOLDEN_WINDOWS = {
    (0, 0): -32.85147,
    (0, 19): 0.27290,
    (0, 127): -29.95450,
    (7, 128): -30.83048,
    (60, 300): -28.05196,
    (100, 639): -31.22375,
    (195, 0): -30.66325,
    (195, 512): -30.75729,
    (195, 639): -29.98392,
}
GOLDEN_MEAN, GOLDEN_DEVIATION = -29.844673, 9.017077


def golden_clip() -> NDArray[np.float32]:
    """A chirp, a tone and noise, the same on every machine: shape (1, 128000)."""
    n = np.arange(ad.CLIP_SAMPLES)
    time_s = n / 16_000
    noise = (n * n * 7919 + n * 104729) % 65521 / 65521 - 0.5
    chirp = np.sin(2 * np.pi * (100 * time_s + 350 * time_s * time_s))
    tone = np.sin(2 * np.pi * 440 * time_s)
    return np.asarray(0.3 * chirp + 0.05 * tone + 0.02 * noise, dtype=np.float32)[None]


def write(path: Path, samples: NDArray[Any] | None = None, rate_hz: int = 16_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(ad.CLIP_SAMPLES, np.int16) if samples is None else samples, rate_hz)
    return path


class TestScan:
    def test_the_layout_of_dcase_gives_label_and_machine(self, tmp_path: Path) -> None:
        names = ("normal_id_02_00000001", "anomaly_id_01_00000000", "normal_id_01_00000000")
        for name in names:
            write(tmp_path / "ToyCar/test" / f"{name}.wav")
        write(tmp_path / "ToyCar/train/normal_id_01_00000000.wav")
        assert [(s.name, s.label, s.group) for s in ad.scan(tmp_path)] == [
            ("ToyCar/test/normal_id_01_00000000.wav", 0, "id_01"),
            ("ToyCar/test/normal_id_02_00000001.wav", 0, "id_02"),
            ("ToyCar/test/anomaly_id_01_00000000.wav", 1, "id_01"),
        ]
        for inner in ("ToyCar", "ToyCar/test"):
            found = ad.scan(tmp_path / inner)
            assert [Path(sample.file).name for sample in found] == [
                "normal_id_01_00000000.wav",
                "normal_id_02_00000001.wav",
                "anomaly_id_01_00000000.wav",
            ]
            assert all((tmp_path / inner / sample.file).is_file() for sample in found)

    def test_label_folders_are_taken_too(self, tmp_path: Path) -> None:
        for name in ("normal/pump.wav", "normal/normal_id_07_3.flac", "anomaly/night_id_12.wav"):
            write(tmp_path / name)
        assert ad.scan(tmp_path) == [
            Sample("anomaly/night_id_12.wav", "anomaly/night_id_12.wav", 1, "id_12"),
            Sample("normal/normal_id_07_3.flac", "normal/normal_id_07_3.flac", 0, "id_07"),
            Sample("normal/pump.wav", "normal/pump.wav", 0, ""),
        ]

    def test_what_says_no_label_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"nothing: no such folder"):
            ad.scan(tmp_path / "nothing")
        with pytest.raises(DataError, match="no clip in it"):
            ad.scan(tmp_path)
        write(tmp_path / "test/id_05_00000000.wav")  # the evaluation set of DCASE has no labels
        with pytest.raises(DataError, match=r"id_05_00000000\.wav: the name does not say") as caught:
            ad.scan(tmp_path)
        assert "normal_id_01_00000000.wav" in (caught.value.hint or "")


class TestLoad:
    def test_the_first_8_seconds_are_taken(self, tmp_path: Path) -> None:
        values = np.arange(160_000).astype(np.int16)
        write(tmp_path / "normal/a.wav", values)
        write(tmp_path / "normal/b.wav", values[: ad.CLIP_SAMPLES] // 2)
        clips = ad.load(tmp_path, ad.scan(tmp_path))
        assert (clips.shape, clips.dtype) == ((2, 128_000), np.float32)
        np.testing.assert_array_equal(clips[0] * 2**15, values[:128_000])

    def test_a_clip_with_too_few_frames_is_named(self, tmp_path: Path) -> None:
        path = write(tmp_path / "short.wav", np.zeros(ad.CLIP_SAMPLES - 1, np.int16))
        with pytest.raises(DataError, match=r"short\.wav: the clip is 8\.00 s long, at least 8 s"):
            ad.load_clip(path)

    def test_broken_and_wrong_files_are_named(self, tmp_path: Path) -> None:
        (tmp_path / "empty.wav").write_bytes(b"")
        write(tmp_path / "slow.wav", rate_hz=8000)
        for name, problem in (("empty.wav", "is empty"), ("slow.wav", "sample rate is 8000 Hz")):
            with pytest.raises(DataError, match=rf"{name}.*{problem}"):
                ad.load_clip(tmp_path / name)


class TestLogMel:
    def test_the_filters_are_those_of_librosa(self) -> None:
        matrix = ad.mel_matrix()
        assert (matrix.shape, matrix.dtype) == ((513, 128), np.float32)
        for cell, weight in GOLDEN_MEL.items():
            assert matrix[cell] == pytest.approx(weight, abs=1e-8), cell
        assert float(matrix.sum()) == pytest.approx(GOLDEN_MEL_SUM, abs=1e-5)

    def test_the_windows_are_those_of_librosa_and_mlperf_tiny(self) -> None:
        found = ad.features(golden_clip())
        assert (found.shape, found.dtype) == ((1, 196, 640), np.float32)
        for (window, element), decibels in GOLDEN_WINDOWS.items():
            assert found[0, window, element] == pytest.approx(decibels, abs=1e-4), (window, element)
        assert float(found.mean(dtype=np.float64)) == pytest.approx(GOLDEN_MEAN, abs=1e-5)
        assert float(found.std(dtype=np.float64)) == pytest.approx(GOLDEN_DEVIATION, abs=1e-5)

    def test_only_frames_50_to_249_are_looked_at(self) -> None:
        clip = golden_clip()
        first = 50 * 512 - 512
        changed = clip.copy()
        changed[0, :first] = 0.9
        np.testing.assert_array_equal(ad.log_mel(changed), ad.log_mel(clip))
        changed[0, first + 1] = 0.9  # the periodic window is zero at its first sample
        assert (ad.log_mel(changed)[0, 0] != ad.log_mel(clip)[0, 0]).any()

    def test_digital_silence_is_finite(self) -> None:
        silent = ad.log_mel(np.zeros((1, ad.CLIP_SAMPLES), np.float32))
        np.testing.assert_allclose(silent, -156.5356, atol=1e-3)

    @pytest.mark.parametrize("gain_db", [-40.0, -3.0, 10.0])
    def test_a_louder_clip_is_that_many_decibels_up(self, gain_db: float) -> None:
        clip = golden_clip()
        louder = ad.log_mel(clip * 10 ** (gain_db / 20))
        np.testing.assert_allclose(louder - ad.log_mel(clip), gain_db, atol=0.01)

    def test_clips_do_not_depend_on_each_other(self) -> None:
        one, other = golden_clip(), golden_clip()[:, ::-1]
        both = ad.log_mel(np.concatenate([one, other]))
        np.testing.assert_array_equal(both[0], ad.log_mel(one)[0])
        np.testing.assert_array_equal(both[1], ad.log_mel(other)[0])

    def test_another_length_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"\(n, 128000\), got \(2, 100\)"):
            ad.log_mel(np.zeros((2, 100), np.float32))


@given(
    spectrogram=np_st.arrays(
        np.float32,
        st.tuples(st.integers(1, 3), st.integers(5, 12), st.integers(1, 6)),
        elements=st.floats(-99, 9, width=32),
    )
)
def test_a_window_is_five_frames_in_a_row(spectrogram: NDArray[np.float32]) -> None:
    clips, frames, bands = spectrogram.shape
    found = ad.windows(spectrogram)
    assert found.shape == (clips, frames - 4, 5 * bands)
    for i in range(frames - 4):
        np.testing.assert_array_equal(found[:, i], spectrogram[:, i : i + 5].reshape(clips, -1))
    assert np.shares_memory(found, spectrogram)


class TestQuantize:
    def test_it_rounds_halves_away_from_zero_before_the_zero_point(self) -> None:
        steps = np.array([-2.5, -1.5, -0.5, -0.49, 0.49, 0.5, 1.5, 2.5], np.float32)
        np.testing.assert_array_equal(ad.quantize(steps, 1.0, 0), [-3, -2, -1, 0, 0, 1, 2, 3])
        np.testing.assert_array_equal(
            ad.quantize(steps * 0.25, 0.25, 89), 89 + np.array([-3, -2, -1, 0, 0, 1, 2, 3])
        )

    @given(
        values=np_st.arrays(np.float32, 50, elements=st.floats(-157, 60, width=32)),
        scale=st.floats(0.05, 2.0),
        zero_point=st.integers(-128, 127),
    )
    def test_what_fits_comes_back_to_half_a_step_and_the_rest_is_limited(
        self, values: NDArray[np.float32], scale: float, zero_point: int
    ) -> None:
        found = ad.quantize(values, scale, zero_point)
        assert found.dtype == np.int8
        back = (found.astype(np.float64) - zero_point) * scale
        low, high = scale * (-128 - zero_point), scale * (127 - zero_point)
        np.testing.assert_allclose(back, np.clip(values, low, high), atol=scale * 0.5001)
