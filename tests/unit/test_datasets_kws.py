"""The keyword spotting front end: clips, features, quantisation, and agreement with MLPerf Tiny."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tinybench.datasets import kws
from tinybench.errors import DataError

# kws_ref_model.tflite on every fourth of the 1,240 shared test clips (sorted as scan does), features
# by TensorFlow 2.21 (tf.signal, the steps of get_dataset.py, clip by clip), cast to int8 as make_bin_files.py
# does, run with tf.lite.Interpreter and its reference kernels: 271 of 310 right. On all: 1,110 (89.5 %).
TENSORFLOW_FRONT_END_TOP1 = 271 / 310
# Published: 90.1 % of the 1,000 ready-made inputs.
READY_INPUTS_TOP1 = 0.901
# Of the 1,240 shared test clips, 246 are among the ready-made inputs to the byte; a few may differ elsewhere,
# where floating-point sums come out differently.
IDENTICAL_INPUTS = 240
# tf.signal.linear_to_mel_weight_matrix(40, 257, 16000, 20.0, 4000.0), TensorFlow 2.21.
GOLDEN_MEL = {
    (1, 0): 0.338830,
    (2, 0): 0.746632,
    (2, 1): 0.253368,
    (3, 1): 0.868835,
    (10, 7): 0.450688,
    (40, 20): 0.225900,
    (64, 28): 0.885961,
    (100, 36): 0.497938,
    (127, 39): 0.145796,
}
GOLDEN_MEL_SUM = 123.43523

SECOND = np.arange(kws.CLIP_SAMPLES) / kws.SAMPLE_RATE_HZ


def tone(frequency_hz: float, amplitude: float = 0.5) -> NDArray[np.float32]:
    return (amplitude * np.sin(2 * np.pi * frequency_hz * SECOND)).astype(np.float32)


def write(path: Path, samples: NDArray[Any], rate_hz: int = kws.SAMPLE_RATE_HZ, **options: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate_hz, **options)
    return path


class TestLoadClip:
    def test_a_short_clip_is_padded_at_the_end_and_a_long_one_is_cut(self, tmp_path: Path) -> None:
        values = np.full(20_000, 1000, dtype=np.int16)
        short = kws.load_clip(write(tmp_path / "short.wav", values[:10_000]))
        assert short.shape == (kws.CLIP_SAMPLES,)
        assert np.all(short[:10_000] == np.float32(1000 / 2**15))
        assert not short[10_000:].any()
        assert kws.load_clip(write(tmp_path / "long.wav", values)).shape == (kws.CLIP_SAMPLES,)


class TestMelMatrix:
    def test_shape_and_edges(self) -> None:
        matrix = kws.mel_matrix()
        assert matrix.shape == (257, 40)
        assert matrix.dtype == np.float32
        assert not matrix[0].any()
        # Nothing from 4 kHz (bin 128) on; the last band reaches the bin below it.
        assert not matrix[128:].any()
        assert matrix[127, 39] > 0

    def test_triangles_rise_to_at_most_one_and_overlap_to_one(self) -> None:
        matrix = kws.mel_matrix()
        assert matrix.min() == 0.0
        assert matrix.max() <= 1.0
        # Between the centres of the first and the last band two neighbouring triangles always add up to one.
        inside = slice(2, 122)
        np.testing.assert_allclose(matrix[inside].sum(axis=1), 1.0, atol=1e-5)

    def test_golden_weights(self) -> None:
        matrix = kws.mel_matrix()
        for (row, column), expected in GOLDEN_MEL.items():
            assert matrix[row, column] == pytest.approx(expected, abs=2e-5)
        assert matrix.sum() == pytest.approx(GOLDEN_MEL_SUM, rel=1e-5)

    def test_it_cannot_be_changed_by_accident(self) -> None:
        with pytest.raises(ValueError, match="read-only"):
            kws.mel_matrix()[0, 0] = 1.0


class TestFeatures:
    def test_shape_and_type(self) -> None:
        assert kws.FEATURE_SHAPE == (49, 10)
        values = kws.mfcc(tone(440))
        assert values.shape == kws.FEATURE_SHAPE
        assert values.dtype == np.float32

    def test_a_batch_is_its_clips(self) -> None:
        clips = np.stack([tone(200.0 + 10 * i) for i in range(131)])
        batch = kws.features(clips)
        for index in (0, 127, 128, 130):
            np.testing.assert_allclose(batch[index], kws.mfcc(clips[index]), rtol=1e-5, atol=1e-4)

    def test_digital_silence_is_finite(self) -> None:
        values = kws.mfcc(np.zeros(kws.CLIP_SAMPLES, np.float32))
        # DCT of 40 equal values: 2 * 40 * log(1e-6) / sqrt(80) in the first, nothing in the others.
        np.testing.assert_allclose(values[:, 0], 80 * np.log(1e-6) / np.sqrt(80), rtol=1e-5)
        np.testing.assert_allclose(values[:, 1:], 0.0, atol=1e-3)

    def test_it_divides_by_the_largest_signed_sample(self) -> None:
        clip = tone(500)
        clip[100] = -0.9
        np.testing.assert_allclose(kws.mfcc(clip), kws.mfcc(clip / clip.max()), atol=1e-3)
        assert np.abs(kws.mfcc(clip) - kws.mfcc(-clip)).max() > 0.1

    def test_wrong_shapes_are_refused(self) -> None:
        with pytest.raises(ValueError, match="16000"):
            kws.features(np.zeros((2, 8000), np.float32))
        with pytest.raises(ValueError, match="16000"):
            kws.features(np.zeros(16_000, np.float32))

    @settings(deadline=None, max_examples=20)
    @given(gain=st.floats(0.01, 1.0), seed=st.integers(0, 2**32 - 1))
    def test_gain_does_not_matter(self, gain: float, seed: int) -> None:
        clip = np.random.default_rng(seed).normal(0, 0.1, kws.CLIP_SAMPLES).astype(np.float32)
        np.testing.assert_allclose(kws.mfcc(clip * np.float32(gain)), kws.mfcc(clip), atol=2e-3)

    @settings(deadline=None, max_examples=10)
    @given(steps=st.integers(1, 20), seed=st.integers(0, 2**32 - 1))
    def test_a_shift_by_whole_steps_shifts_the_frames(self, steps: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        clip = np.zeros(kws.CLIP_SAMPLES, np.float32)
        clip[4000:8000] = rng.normal(0, 0.1, 4000)
        later = np.roll(clip, steps * kws.STEP_SAMPLES)
        np.testing.assert_allclose(kws.mfcc(later)[steps:], kws.mfcc(clip)[:-steps], atol=2e-3)

    @pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed")
    @pytest.mark.filterwarnings("ignore")
    def test_tensorflow_computes_the_same(self) -> None:
        import tensorflow as tf

        rng = np.random.default_rng(3)
        noise = rng.normal(0, 0.1, kws.CLIP_SAMPLES)
        # A little noise under the tones: in bands that hold nothing, both are float32 rounding and no more.
        clips = np.stack([tone(300) + noise / 100, tone(3999) + noise / 100, noise]).astype(np.float32)
        matrix = tf.signal.linear_to_mel_weight_matrix(40, 257, 16000, 20.0, 4000.0)
        np.testing.assert_allclose(kws.mel_matrix(), matrix.numpy(), atol=2e-5)
        for clip in clips:
            samples = tf.cast(np.round(clip * 2**15).astype(np.int16), tf.float32)
            stft = tf.signal.stft(samples / tf.reduce_max(samples), frame_length=480, frame_step=320)
            log_mel = tf.math.log(tf.tensordot(tf.abs(stft), matrix, 1) + 1e-6)
            expected = tf.signal.mfccs_from_log_mel_spectrograms(log_mel)[..., :10].numpy()
            np.testing.assert_allclose(kws.mfcc(np.round(clip * 2**15)), expected, atol=1e-3)


class TestQuantize:
    def test_it_rounds_towards_zero_as_mlperf_tiny_does(self) -> None:
        values = np.array([0.9, 1.0, -0.9, -1.0, -1.9])
        np.testing.assert_array_equal(kws.quantize(values, 1.0, 0), [0, 1, 0, -1, -1])

    def test_what_does_not_fit_is_limited(self) -> None:
        np.testing.assert_array_equal(kws.quantize(np.array([1e6, -1e6]), 0.5, 83), [127, -128])

    @given(scale=st.floats(0.01, 2.0), zero_point=st.integers(-128, 127), value=st.floats(-200, 50))
    def test_the_error_is_below_one_step(self, scale: float, zero_point: int, value: float) -> None:
        quantised = int(kws.quantize(np.array([value]), scale, zero_point)[0])
        assert -128 <= quantised <= 127
        if -128 < quantised < 127:
            assert abs((quantised - zero_point) * scale - value) < scale * 1.001


class TestScanFolder:
    def make(self, root: Path, *names: str) -> Path:
        for name in names:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(b"x")
        return root

    def test_it_is_sorted_and_knows_both_spellings(self, tmp_path: Path) -> None:
        root = self.make(
            tmp_path, "yes/b.wav", "yes/a.flac", "_silence_/n.wav", "unknown/cat.opus", "notes.txt"
        )
        found = [(sample.name, sample.label) for sample in kws.scan(root)]
        assert found == [
            ("_silence_/n.wav", kws.LABELS.index("silence")),
            ("unknown/cat.opus", kws.LABELS.index("unknown")),
            ("yes/a.flac", kws.LABELS.index("yes")),
            ("yes/b.wav", kws.LABELS.index("yes")),
        ]

    def test_an_unknown_label_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="'maybe' is not a label"):
            kws.scan(self.make(tmp_path, "maybe/a.wav"))

    def test_an_empty_class_is_named(self, tmp_path: Path) -> None:
        self.make(tmp_path, "go/a.wav", "stop/readme.txt")
        with pytest.raises(DataError, match=r"stop: no sample in this class"):
            kws.scan(tmp_path)

    def test_one_class_under_two_names_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="'silence' is already in"):
            kws.scan(self.make(tmp_path, "_silence_/a.wav", "silence/a.wav"))

    def test_a_missing_or_empty_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="no such folder"):
            kws.scan(tmp_path / "absent")
        with pytest.raises(DataError, match="no label folder"):
            kws.scan(tmp_path)


def predict(model: bytes, inputs: NDArray[np.int8]) -> NDArray[np.int64]:
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(model)
    predicted = []
    for features in inputs:
        interpreter.set_input(features.reshape(1, 49, 10, 1), 0)
        interpreter.invoke()
        predicted.append(int(np.argmax(interpreter.get_output(0))))
    return np.array(predicted)


class TestReferenceModelOfMlperfTiny:
    """With the front end in front of it, the published model scores what it scores with TensorFlow's."""

    def test_on_recorded_clips(self, shared_data: Path) -> None:
        model = (shared_data / "mlperf_models/kws_ref_model.tflite").read_bytes()
        clips = kws.scan(shared_data / "kws/test")[::4]
        values = kws.features(kws.load(shared_data / "kws/test", clips))
        predicted = predict(model, kws.quantize(values, 0.5847029089927673, 83))
        top1 = float(np.mean(predicted == [clip.label for clip in clips]))
        assert top1 == pytest.approx(TENSORFLOW_FRONT_END_TOP1, abs=0.02)

    def test_on_ready_made_inputs(self, shared_data: Path) -> None:
        model = (shared_data / "mlperf_models/kws_ref_model.tflite").read_bytes()
        inputs = np.fromfile(shared_data / "kws01/features_int8_1000x49x10.bin", np.int8).reshape(-1, 49, 10)
        with (shared_data / "kws01/y_labels.csv").open(newline="") as file:
            labels = np.array([int(row[2]) for row in csv.reader(file)])
        assert float(np.mean(predict(model, inputs) == labels)) == pytest.approx(READY_INPUTS_TOP1, abs=1e-3)

    def test_ready_made_inputs_are_reproduced_byte_for_byte(self, shared_data: Path) -> None:
        """Some test clips are among the inputs: their features come out identical, rounding included."""
        inputs = np.fromfile(shared_data / "kws01/features_int8_1000x49x10.bin", np.int8).reshape(1000, -1)
        known = {row.tobytes() for row in inputs}
        clips = kws.scan(shared_data / "kws/test")
        values = kws.features(kws.load(shared_data / "kws/test", clips))
        made = kws.quantize(values, 0.5847029089927673, 83)
        assert sum(row.tobytes() in known for row in made) >= IDENTICAL_INPUTS
