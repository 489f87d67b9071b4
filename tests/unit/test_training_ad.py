"""The recipe of anomaly detection: which recording is for what, what is injected, and one tiny run."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from numpy.typing import NDArray

from tinybench.cli.train import command
from tinybench.datasets import ad
from tinybench.errors import DataError, TinybenchError
from tinybench.training import anomalies
from tinybench.training.ad import TrainingConfig, build_model, in_decibels, injected, split, train
from tinybench.training.fitting import predict

needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="TensorFlow (extra 'train') is not installed"
)
CONFIG = TrainingConfig()


def machine(seed: int, seconds: float = 10.0, tone_hz: float = 120.0) -> NDArray[np.float32]:
    """A hum in noise."""
    time_s = np.arange(int(seconds * 16_000)) / 16_000
    noise = np.random.default_rng(seed).normal(0, 0.01, time_s.shape[0])
    return np.asarray(0.05 * np.sin(2 * np.pi * tone_hz * time_s) + noise, dtype=np.float32)


def touch(root: Path, names: list[str]) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


class TestSplit:
    def test_held_out_recordings_are_in_no_other_part(self, tmp_path: Path) -> None:
        names = [f"normal/normal_id_00_{i:08}.flac" for i in range(75)]
        touch(tmp_path, [*names, "anomaly/anomaly_id_00_00000000.flac"])
        parts = split(tmp_path, CONFIG)
        assert [len(part) for part in (parts.train, parts.val, parts.normal, parts.anomalous)] == [
            47,
            8,
            20,
            1,
        ]
        assert sorted([*parts.train, *parts.val, *parts.normal]) == names
        assert parts == split(tmp_path, CONFIG)
        assert parts.normal != split(tmp_path, replace(CONFIG, seed=2)).normal

    def test_the_folders_of_dcase_are_what_they_are_called(self, tmp_path: Path) -> None:
        learned = [f"train/normal_id_0{m}_{i:08}.wav" for m in (1, 2) for i in range(20)]
        tested = [f"test/{label}_id_01_{i:08}.wav" for label in ("anomaly", "normal") for i in range(3)]
        parts = split(touch(tmp_path, [*learned, *tested]), CONFIG)
        assert sorted([*parts.train, *parts.val]) == learned
        assert len(parts.val) == 4
        assert [*parts.anomalous, *parts.normal] == tested

    def test_an_anomaly_to_learn_from_and_too_little_are_errors(self, tmp_path: Path) -> None:
        touch(tmp_path / "a", ["train/anomaly_id_01_00000000.wav", "test/normal_id_01_00000000.wav"])
        with pytest.raises(DataError, match=r"anomaly_id_01_00000000\.wav: is an anomaly to learn from"):
            split(tmp_path / "a", CONFIG)
        touch(tmp_path / "b", ["normal/1.wav", "normal/2.wav"])
        with pytest.raises(DataError, match="2 normal recordings are too few"):
            split(tmp_path / "b", CONFIG)


class TestInjected:
    def test_every_kind_is_injected_into_every_recording(self, tmp_path: Path) -> None:
        names = ["a.wav", "b.wav"]
        for seed, name in enumerate(names):
            soundfile.write(tmp_path / name, machine(seed), 16_000, subtype="PCM_16")
        clips = np.stack([ad.load_clip(tmp_path / name) for name in names])
        for kind, changed in injected(tmp_path, names, 1, 2):
            assert changed.shape == (2, ad.CLIP_SAMPLES)
            assert np.all(np.abs(changed - clips).max(axis=1) > 0.01), kind

    def test_a_recording_that_is_too_short_to_speed_up_is_named(self, tmp_path: Path) -> None:
        names = [f"{i}.wav" for i in range(8)]
        for name in names:
            soundfile.write(tmp_path / name, machine(0, 8.0), 16_000)
        with pytest.raises(DataError, match=r"\d\.wav: too short"):
            list(injected(tmp_path, names, 1, 2))


@pytest.fixture
def tiny_data(tmp_path: Path) -> Path:
    for i in range(10):
        (tmp_path / "data/normal").mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / f"data/normal/hum_id_01_{i}.wav", machine(i), 16_000)
    return tmp_path / "data"


class TestTrain:
    def test_without_tensorflow_it_says_what_to_install(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "tensorflow", None)
        with pytest.raises(TinybenchError, match="needs TensorFlow"):
            train(tmp_path, tmp_path / "out")

    @needs_tensorflow
    @pytest.mark.filterwarnings("ignore")
    def test_standardised_windows_become_part_of_the_network(self) -> None:
        rng = np.random.default_rng(0)
        network = build_model()
        mean, deviation = rng.normal(-30, 10, 640).astype(np.float32), 4.5
        values = rng.normal(mean, deviation, (5, 640)).astype(np.float32)
        expected = predict(network, (values - mean) / np.float32(deviation)) * deviation + mean
        found = predict(in_decibels(network, mean, deviation), values)
        np.testing.assert_allclose(found, expected, atol=1e-3)

    @needs_tensorflow
    @pytest.mark.filterwarnings("ignore")
    def test_a_tiny_run_makes_a_model_with_its_card_and_goes_on_where_it_stopped(
        self, tiny_data: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        config = replace(CONFIG, epochs=2, windows_per_epoch=600, batch_size=64, calibration_clips=2)
        result = train(tiny_data, out, config)
        card = tomllib.loads((out / "model.toml").read_text())
        assert card["operators"] == ["FULLY_CONNECTED"] * 10
        assert (card["macs"], card["parameters"]) == (264_192, 265_864)
        assert card["sha256"] == hashlib.sha256(result.model_path.read_bytes()).hexdigest()
        # Its recordings are of a machine of ToyCar and not out of train: nobody knows.
        assert card["provenance"]["seen_official_test"] is True
        assert {claim["metric"] for claim in card["accuracy"]} == {"auc"}
        assert len(card["accuracy"]) == 2 * len(anomalies.STRENGTHS)
        assert len(result.scores) == 3 * len(anomalies.STRENGTHS) * (1 + len(anomalies.KINDS))
        assert json.loads((out / "split.json").read_text())["normal"] == list(result.parts.normal)
        assert len((out / "calibration.txt").read_text().split()) == 2
        assert (out / "roc.svg").read_bytes().startswith(b"<svg")

        # A second call finds everything done and comes to the same bytes.
        before = {path.name: path.read_bytes() for path in out.glob("*.*")}
        train(tiny_data, out, config)
        assert {path.name: path.read_bytes() for path in out.glob("*.*")} == before
        with pytest.raises(DataError, match="another configuration"):
            train(tiny_data, out, replace(config, seed=2))

    @needs_tensorflow
    @pytest.mark.filterwarnings("ignore")
    def test_real_anomalies_are_measured_where_there_are_enough(self, tmp_path: Path) -> None:
        data = tmp_path / "ToyCar"
        for part, label, count, tone_hz in (
            ("train", "normal", 10, 120.0),
            ("test", "normal", 3, 120.0),
            ("test", "anomaly", 10, 900.0),
        ):
            (data / part).mkdir(parents=True, exist_ok=True)
            for i in range(count):
                name = f"{label}_id_01_{i:08}.wav"
                soundfile.write(data / part / name, machine(i + len(part), tone_hz=tone_hz), 16_000)
        arguments = ["ad", "--data", str(data), "--out", str(tmp_path / "out"), "--epochs", "4"]
        said = CliRunner().invoke(command, arguments, catch_exceptions=False)
        assert said.exit_code == 0
        assert "3 normal, 10 anomalous" in said.output
        card = tomllib.loads((tmp_path / "out/model.toml").read_text())
        assert [claim["data"] for claim in card["accuracy"]] == [
            "real anomalies, 3 held-out normal clips"
        ] * 2
        assert card["provenance"]["seen_official_test"] is False
        int8 = next(claim for claim in card["accuracy"] if claim["precision"] == "int8")
        assert int8["value"] > 0.9
