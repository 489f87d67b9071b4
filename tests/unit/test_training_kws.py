"""The keyword spotting recipe: voices, smoke split, augmentation, sampling, and one tiny run."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import json
import math
import shutil
import sys
import tomllib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tinybench.datasets import kws
from tinybench.errors import DataError, TinybenchError, ToolchainError
from tinybench.training import accuracy, augmentation, features, synthesis, voices, words
from tinybench.training.export import calibration_indices
from tinybench.training.fitting import learning_rate
from tinybench.training.kws import TrainingConfig, epoch_batch, train

needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="TensorFlow (extra 'train') is not installed"
)


@pytest.fixture(scope="session")
def smoke(repository: Path) -> Path:
    return repository / "tasks/kws/smoke"


@pytest.fixture(scope="session")
def manifest(smoke: Path) -> list[dict[str, str]]:
    with (smoke / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


class TestVoices:
    def test_no_voice_speaker_or_variant_is_in_both_sets(self) -> None:
        train_set, smoke_set = voices.voices_of("train"), voices.voices_of("smoke")
        assert train_set
        assert smoke_set
        assert {v.speaker for v in train_set}.isdisjoint(v.speaker for v in smoke_set)
        assert {(v.engine, v.name) for v in train_set}.isdisjoint((v.engine, v.name) for v in smoke_set)
        for part in (0, 1):  # accent, variant
            names = [
                {v.name.split("+")[part] for v in group if v.engine == "espeak-ng"}
                for group in (train_set, smoke_set)
            ]
            assert names[0].isdisjoint(names[1])

    def test_every_voice_is_listed_once(self) -> None:
        assert max(Counter((v.engine, v.name) for v in voices.VOICES).values()) == 1


class TestSmokeSplit:
    def test_every_file_is_listed_with_its_checksum(
        self, smoke: Path, manifest: list[dict[str, str]]
    ) -> None:
        assert tuple(manifest[0]) == synthesis.MANIFEST_FIELDS
        on_disk = {path.relative_to(smoke).as_posix() for path in smoke.glob("*/*")}
        assert {row["file"] for row in manifest} == on_disk
        for row in manifest:
            assert hashlib.sha256((smoke / row["file"]).read_bytes()).hexdigest() == row["sha256"]
            assert row["file"].startswith(f"{row['label']}/")

    def test_it_is_small_and_has_enough_of_every_class(
        self, smoke: Path, manifest: list[dict[str, str]]
    ) -> None:
        assert sum(path.stat().st_size for path in smoke.rglob("*") if path.is_file()) < 1_500_000
        counts = Counter(row["label"] for row in manifest)
        assert set(counts) == set(kws.LABELS)
        assert min(counts.values()) >= 10
        assert sum(bool(row["word"]) for row in manifest) >= 120

    def test_it_is_spoken_by_smoke_voices_only(self, manifest: list[dict[str, str]]) -> None:
        allowed = {(v.engine, v.name) for v in voices.voices_of("smoke")}
        spoken = {(row["engine"], row["voice"]) for row in manifest if row["word"]}
        assert spoken == allowed

    def test_words_fit_their_labels(self, manifest: list[dict[str, str]]) -> None:
        for row in manifest:
            if row["label"] == "unknown":
                assert row["word"] not in synthesis.KEYWORDS
            else:
                assert row["word"] == ("" if row["label"] == "silence" else row["label"])

    def test_the_clips_are_a_second_long_and_heard(self, smoke: Path, manifest: list[dict[str, str]]) -> None:
        for row in manifest:
            info = soundfile.info(smoke / row["file"])
            assert (info.samplerate, info.channels, info.frames) == (16_000, 1, 16_000)
            assert (info.format, info.subtype) == ("FLAC", "PCM_16")
            peak = float(np.abs(kws.load_clip(smoke / row["file"])).max())
            assert 0.01 < peak <= synthesis.PEAK
        assert len(kws.scan(smoke)) == len(manifest)

    def test_the_plan_is_what_the_split_holds(self, manifest: list[dict[str, str]]) -> None:
        planned = {f"{u.label}/{u.name}.flac": u for u in synthesis.plan("smoke", seed=1)}
        assert set(planned) == {row["file"] for row in manifest}
        for row in manifest:
            utterance = planned[row["file"]]
            if utterance.voice is not None:
                assert (row["voice"], float(row["rate"])) == (utterance.voice.name, utterance.rate)


class TestSynthesis:
    def test_no_other_word_is_a_keyword(self) -> None:
        for group in (words.COMMANDS_WORDS, words.OTHER_WORDS, words.SMOKE_UNKNOWN_WORDS):
            assert not set(group) & set(synthesis.KEYWORDS)
            assert len(set(group)) == len(group)

    def test_another_seed_is_another_plan_of_the_same_words(self) -> None:
        first, second = (synthesis.plan("train", seed) for seed in (1, 2))
        assert first != second
        assert synthesis.plan("train", 1) == first
        names = Counter(utterance.name for utterance in first)
        assert max(names.values()) == 1

    def test_a_word_lands_near_the_middle(self) -> None:
        rng = np.random.default_rng(0)
        word = np.zeros(12_000, np.float32)
        word[1000:7000] = rng.normal(0, 0.1, 6000)
        clip = synthesis.place(word, rng)
        assert clip is not None
        loud = np.flatnonzero(np.abs(clip) > 0.01)
        assert abs((loud[0] + loud[-1]) / 2 - 8000) < 0.07 * kws.SAMPLE_RATE_HZ
        assert synthesis.place(rng.normal(0, 0.1, 16_000).astype(np.float32), rng) is None

    @pytest.mark.parametrize("colour", synthesis.NOISE_COLOURS)
    def test_noise_has_unit_level_and_ends_at_4_khz(self, colour: str) -> None:
        noise = synthesis.background(colour, np.random.default_rng(1))
        assert float(np.sqrt(np.mean(noise**2))) == pytest.approx(1.0, rel=1e-4)
        spectrum = np.abs(np.fft.rfft(noise)) ** 2
        assert spectrum[5000:].sum() < 1e-3 * spectrum.sum()

    def test_a_missing_engine_is_named_with_its_packages(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(ToolchainError, match="is not installed") as caught:
            synthesis.synthesise(tmp_path / "out", "smoke", 1)
        assert caught.value.hint is not None
        assert "apt install" in caught.value.hint

    def test_it_does_not_mix_with_older_clips(self, tmp_path: Path) -> None:
        (tmp_path / "yes").mkdir()
        (tmp_path / "yes/a.flac").write_bytes(b"x")
        with pytest.raises(DataError, match="holds clips already"):
            synthesis.synthesise(tmp_path, "smoke", 1)

    @pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
    def test_the_same_word_is_spoken_the_same(self, tmp_path: Path) -> None:
        voice = next(v for v in voices.voices_of("smoke") if v.engine == "espeak-ng")
        utterance = synthesis.Utterance("yes-00", "yes", "yes", voice, 1.0, 1.0, 20.0, "pink")
        first, second = (synthesis.render([utterance], tmp_path)[0] for _ in range(2))
        assert first.shape[0] > 2000
        np.testing.assert_array_equal(first, second)


def clip_of(seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 0.1, kws.CLIP_SAMPLES).astype(np.float32)


class TestAugmentation:
    @given(samples=st.integers(-16_000, 16_000))
    @settings(deadline=None)
    def test_shift_keeps_what_stays_inside(self, samples: int) -> None:
        clip = clip_of(0)
        moved = augmentation.shift(clip, samples)
        assert moved.shape == clip.shape
        if samples >= 0:
            np.testing.assert_array_equal(moved[samples:], clip[: clip.shape[0] - samples])
            assert not moved[:samples].any()
        else:
            np.testing.assert_array_equal(moved[:samples], clip[-samples:])
            assert not moved[samples:].any()

    def test_speed_moves_the_pitch(self) -> None:
        time_s = np.arange(kws.CLIP_SAMPLES) / kws.SAMPLE_RATE_HZ
        clip = np.sin(2 * np.pi * 400 * time_s).astype(np.float32)
        faster = augmentation.change_speed(clip, 1.25)
        # A second of tone played 1.25 times as fast takes 0.8 s, at 500 Hz.
        spectrum = np.abs(np.fft.rfft(faster[2000:14_000]))
        assert spectrum.argmax() * kws.SAMPLE_RATE_HZ / 12_000 == pytest.approx(500, abs=2)
        assert not faster[:1500].any()

    @given(snr_db=st.floats(-10, 40))
    @settings(deadline=None)
    def test_noise_comes_at_the_asked_level(self, snr_db: float) -> None:
        clip, noise = clip_of(1), clip_of(2) * 7
        added = augmentation.mix_noise(clip, noise, snr_db) - clip
        found = 10 * math.log10(float(np.mean(clip**2)) / float(np.mean(added**2)))
        assert found == pytest.approx(snr_db, abs=0.05)

    def test_silence_takes_no_noise(self) -> None:
        silent = np.zeros(kws.CLIP_SAMPLES, np.float32)
        assert not augmentation.mix_noise(silent, clip_of(1), 10.0).any()

    def test_flat_colour_changes_nothing_and_gain_is_in_db(self) -> None:
        clip = clip_of(3)
        np.testing.assert_allclose(augmentation.colour(clip, [0.0, 0.0, 0.0]), clip, atol=1e-6)
        np.testing.assert_allclose(augmentation.colour(clip, [20.0, 20.0]), clip * 10, rtol=1e-3, atol=1e-5)

    def test_a_room_only_adds_what_comes_later(self) -> None:
        clip = np.zeros(kws.CLIP_SAMPLES, np.float32)
        clip[8000] = 1.0
        wet = augmentation.reverberate(clip, 0.1, np.random.default_rng(0))
        assert float(np.abs(wet[:8000]).max()) < 1e-6
        assert wet[8000] == pytest.approx(1.0, abs=1e-5)
        assert 0.1 < float(np.sum(wet[8001:9600] ** 2)) < 0.3

    @given(seed=st.integers(0, 1000), label=st.integers(0, 11))
    @settings(deadline=None, max_examples=25)
    def test_a_version_is_finite_one_second_long_and_repeatable(self, seed: int, label: int) -> None:
        noises = [np.tile(clip_of(4), 2)]
        config = augmentation.AugmentationConfig()
        first, second = (
            augmentation.augment(clip_of(5), label, noises, np.random.default_rng(seed), config) for _ in "ab"
        )
        assert first.shape == (kws.CLIP_SAMPLES,)
        assert first.dtype == np.float32
        assert np.isfinite(first).all()
        np.testing.assert_array_equal(first, second)

    def test_the_time_mask_hides_one_run_of_frames(self) -> None:
        batch = np.random.default_rng(0).normal(size=(50, *kws.FEATURE_SHAPE)).astype(np.float32)
        masked = augmentation.time_mask(batch, np.random.default_rng(1), probability=1.0, longest_frames=8)
        for before, after in zip(batch, masked, strict=True):
            changed = np.flatnonzero((before != after).any(axis=1))
            assert 1 <= changed.shape[0] <= 8
            assert changed[-1] - changed[0] + 1 == changed.shape[0]
        kept = augmentation.time_mask(batch, np.random.default_rng(1), probability=0.0, longest_frames=8)
        np.testing.assert_array_equal(kept, batch)

    def test_mixup_keeps_targets_probabilities_and_the_first_class_on_top(self) -> None:
        rng = np.random.default_rng(0)
        batch = rng.normal(size=(200, *kws.FEATURE_SHAPE)).astype(np.float32)
        targets = np.eye(12, dtype=np.float32)[rng.integers(12, size=200)]
        mixed, blended = augmentation.mixup(batch, targets, rng, alpha=0.2, probability=0.5)
        np.testing.assert_allclose(blended.sum(axis=1), 1.0, atol=1e-5)
        assert np.all((blended * targets).sum(axis=1) >= 0.5)
        changed = (mixed != batch).any(axis=(1, 2))
        assert 0.3 < changed.mean() < 0.7


def feature_set(per_class: dict[str, int], versions: int = 2, offset: float = 0.0) -> features.FeatureSet:
    labels = np.concatenate([np.full(n, kws.LABELS.index(name)) for name, n in per_class.items()])
    values = np.broadcast_to(
        (labels + offset)[:, None, None, None], (labels.shape[0], versions, *kws.FEATURE_SHAPE)
    )
    names = tuple(f"train/{kws.LABELS[label]}/{i}.wav" for i, label in enumerate(labels))
    return features.FeatureSet(values.astype(np.float16), labels, names)


PLAIN = TrainingConfig(
    mixup_probability=0.0,
    mask_probability=0.0,
    label_smoothing=0.0,
    keyword_samples=20,
    silence_samples=10,
    unknown_samples=30,
    teacher_filters=0,
)


class TestEpoch:
    def test_classes_are_balanced_as_configured(self) -> None:
        real = feature_set(dict.fromkeys(kws.LABELS, 7))
        x, targets = epoch_batch(real, None, PLAIN, 0)
        assert x.shape == (240, 49, 10, 1)
        drawn = targets.argmax(axis=1)
        assert Counter(kws.LABELS[i] for i in drawn) == dict.fromkeys(kws.LABELS, 20) | {
            "silence": 10,
            "unknown": 30,
        }
        np.testing.assert_array_equal(x[:, 0, 0, 0], drawn)

    def test_synthetic_voices_have_their_share_where_there_are_any(self) -> None:
        real = feature_set(dict.fromkeys(kws.LABELS, 7))
        synthetic = feature_set({"yes": 5}, offset=100.0)
        x, targets = epoch_batch(real, synthetic, PLAIN, 0)
        of_yes = x[targets[:, kws.LABELS.index("yes")] == 1, 0, 0, 0]
        assert (of_yes > 50).sum() == 5
        assert (x[:, 0, 0, 0] > 50).sum() == 5

    def test_an_epoch_depends_on_seed_and_number_only(self) -> None:
        real = feature_set(dict.fromkeys(kws.LABELS, 7))
        config = TrainingConfig(keyword_samples=20, silence_samples=10, unknown_samples=30)
        first, again, other = (epoch_batch(real, None, config, n)[0] for n in (3, 3, 4))
        np.testing.assert_array_equal(first, again)
        assert (first != other).any()

    def test_the_learning_rate_warms_up_and_falls(self) -> None:
        config = TrainingConfig(epochs=50)
        rates = [learning_rate(config, epoch / 4) for epoch in range(200)]
        top = rates.index(max(rates))
        assert rates[: top + 1] == sorted(rates[: top + 1])
        assert rates[top:] == sorted(rates[top:], reverse=True)
        assert max(rates) == pytest.approx(config.peak_learning_rate, rel=0.01)
        assert rates[-1] < 0.02 * config.peak_learning_rate

    def test_after_a_restart_it_falls_from_the_new_peak(self) -> None:
        config = TrainingConfig(epochs=50, restarts=((30, 1e-3),))
        plain = TrainingConfig(epochs=30)
        for epoch in (0.0, 2.5, 17.0, 29.9):
            assert learning_rate(config, epoch) == learning_rate(plain, epoch)
        second = [learning_rate(config, 30 + step / 4) for step in range(80)]
        assert second[0] == pytest.approx(1e-3)
        assert second == sorted(second, reverse=True)
        assert second[-1] < 0.02 * 1e-3

    def test_calibration_takes_the_same_number_of_every_class(self) -> None:
        labels = feature_set({"yes": 100, "no": 7}).labels
        with pytest.raises(DataError, match="no sample of class"):
            calibration_indices(labels, kws.LABELS, 5)
        every = feature_set({name: 7 + i for i, name in enumerate(kws.LABELS)}).labels
        chosen = calibration_indices(every, kws.LABELS, 5)
        assert Counter(every[chosen].tolist()) == dict.fromkeys(range(12), 5)
        assert len(set(chosen.tolist())) == 60


class TestAccuracy:
    def test_classes_are_counted_apart(self) -> None:
        labels = np.array([0, 0, 1, 1])
        score = accuracy.score("val", "int8", np.array([0, 1, 1, 1]), labels, ["down", "go", "left"])
        assert (score.value, score.samples) == (0.75, 4)
        assert score.per_class == {"down": 0.5, "go": 1.0}
        assert score.confusion == ((1, 1, 0), (0, 2, 0), (0, 0, 0))


class TestReferenceModel:
    def test_the_card_is_about_this_file_and_recognises_the_smoke_split(
        self, repository: Path, smoke: Path
    ) -> None:
        from tinybench.models import Model
        from tinybench.training.release import predict_int8

        folder = repository / "reference_models/kws"
        card = tomllib.loads((folder / "model.toml").read_text())
        model = Model.load(folder / card["file"])
        assert model.sha256 == card["sha256"]
        claim = next(a for a in card["accuracy"] if "smoke" in a["data"] and a["precision"] == "int8")
        clips = kws.scan(smoke)
        values = kws.features(kws.load(smoke, clips))
        hits = predict_int8(model, values, kws.quantize) == [clip.label for clip in clips]
        assert claim["samples"] == len(clips)
        # One clip of room for other floating-point sums.
        assert float(np.mean(hits)) == pytest.approx(claim["value"], abs=1.1 / len(clips))
        assert float(np.mean(hits)) >= 0.8


@pytest.fixture
def tiny_data(tmp_path: Path) -> Path:
    """Two tones per class in each split, and noise: learnable, and quick."""
    rng = np.random.default_rng(0)
    time_s = np.arange(kws.CLIP_SAMPLES) / kws.SAMPLE_RATE_HZ
    for split in ("train", "val", "test"):
        for index, label in enumerate(kws.LABELS):
            (tmp_path / split / label).mkdir(parents=True)
            for take in range(2):
                clip = 0.3 * np.sin(2 * np.pi * (150 + 300 * index) * time_s)
                clip += 0.01 * rng.standard_normal(kws.CLIP_SAMPLES)
                soundfile.write(tmp_path / split / label / f"{take}.wav", clip, kws.SAMPLE_RATE_HZ)
    (tmp_path / "background_noise").mkdir()
    soundfile.write(
        tmp_path / "background_noise/noise.wav", 0.1 * rng.standard_normal(20_000), kws.SAMPLE_RATE_HZ
    )
    return tmp_path


class TestFeatureCache:
    def test_the_first_version_is_the_clip_and_the_cache_is_used(
        self, tiny_data: Path, tmp_path: Path
    ) -> None:
        folders = (tiny_data / "train", tiny_data / "background_noise", tmp_path / "cache")
        made = features.augmented_features(*folders, versions=3, seed=1, workers=1)
        plain = features.clean_features(tiny_data / "train")
        np.testing.assert_array_equal(made.values[:, 0], plain.values[:, 0].astype(np.float16))
        assert (made.values[:, 1] != made.values[:, 2]).any()
        assert made.names[0] == "train/down/0.wav"
        (cached,) = (tmp_path / "cache").iterdir()
        np.save(cached, np.zeros_like(made.values))
        assert not features.augmented_features(*folders, versions=3, seed=1, workers=1).values.any()
        assert features.augmented_features(*folders, versions=3, seed=2, workers=1).values.any()

    def test_missing_noise_is_named(self, tiny_data: Path, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="no noise recordings"):
            features.augmented_features(
                tiny_data / "train", tmp_path / "nothing", tmp_path / "cache", versions=2, seed=1, workers=1
            )


class TestTrain:
    def test_without_tensorflow_it_says_what_to_install(
        self, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "tensorflow", None)
        with pytest.raises(TinybenchError, match="needs TensorFlow") as caught:
            train(tiny_data, tmp_path / "out")
        assert caught.value.hint == "pip install 'tinybench-suite[train]'"

    @needs_tensorflow
    @pytest.mark.filterwarnings("ignore")
    def test_a_tiny_run_makes_a_model_with_its_card_and_goes_on_where_it_stopped(
        self, tiny_data: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        config = replace(
            PLAIN,
            epochs=2,
            versions=2,
            batch_size=32,
            warmup_epochs=0,
            calibration_per_class=2,
            teacher_filters=8,
            teacher_epochs=1,
        )
        result = train(tiny_data, out, config)
        card = tomllib.loads((out / "model.toml").read_text())
        assert card["operators"][-4:] == ["AVERAGE_POOL_2D", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX"]
        assert (card["macs"], card["parameters"]) == (2_656_768, 22_604)
        assert card["sha256"] == hashlib.sha256(result.model_path.read_bytes()).hexdigest()
        assert [(s.data, s.precision) for s in result.scores] == [
            (data, precision) for data in ("val", "test") for precision in ("float32", "int8")
        ]
        assert len((out / "calibration.txt").read_text().split()) == 24
        history = json.loads((out / "history.json").read_text())
        assert [entry["epoch"] for entry in history["epochs"]] == [0, 1]

        # A second call finds everything done and comes to the same bytes.
        before = result.model_path.read_bytes()
        assert train(tiny_data, out, config).model_path.read_bytes() == before
        with pytest.raises(DataError, match="another configuration"):
            train(tiny_data, out, replace(config, seed=2))
