"""Anomaly detection: the published .zip, its licence, and MLPerf Tiny's list of clips."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
from data_fixtures import write_zip

from tinybench import content, specs
from tinybench.datasets import store
from tinybench.datasets.importing import import_path
from tinybench.datasets.names import read_names
from tinybench.datasets.samples import load_samples
from tinybench.errors import UsageError
from tinybench.files import hashing
from tinybench.specs import TaskSpec

CLIPS = (
    *("normal_id_01_00000003", "normal_id_02_00000000"),
    *("anomaly_id_01_00000003", "anomaly_id_04_00000007"),
)


def wav(seed: int) -> bytes:
    buffer = BytesIO()
    noise = np.random.default_rng(seed).normal(0, 0.1, 176_000).astype(np.float32)
    soundfile.write(buffer, noise, 16_000, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Four test clips and one to train on, laid out as the published archive."""
    members = {f"ToyCar/test/{name}.wav": wav(number) for number, name in enumerate(CLIPS)}
    return write_zip(
        tmp_path / "dev_data_ToyCar.zip", members | {"ToyCar/train/normal_id_01_00000000.wav": b""}
    )


@pytest.fixture
def task(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TaskSpec:
    """The task, for that archive and a list of two."""
    spec = specs.task("ad")
    (tmp_path / "ad").mkdir()
    (tmp_path / "ad/mlperf-248.txt").write_text(f"test/{CLIPS[0]}.wav\ntest/{CLIPS[2]}.wav\n")
    monkeypatch.setattr(content, "tasks_dir", lambda: tmp_path)
    assert spec.dataset.archives[0].sha256 is None
    checksums = {"bytes": archive.stat().st_size, "md5": hashing.file_digest(archive, "md5")}
    archives = (spec.dataset.archives[0].model_copy(update=checksums),)
    subset = spec.dataset.subsets["test"].model_copy(update={"files": len(CLIPS)})
    dataset = spec.dataset.model_copy(update={"archives": archives, "subsets": {"test": subset}})
    return spec.model_copy(update={"dataset": dataset})


def test_the_licence_comes_first(task: TaskSpec, archive: Path, data_cache: Path) -> None:
    with pytest.raises(UsageError, match=r"its licence, CC-BY-NC-SA-4\.0, has to be accepted") as caught:
        import_path(task.dataset, "test", archive)
    assert "https://creativecommons.org/licenses/by-nc-sa/4.0/" in str(caught.value.hint)
    assert not data_cache.exists()


def test_one_archive_serves_both_splits(task: TaskSpec, archive: Path, data_cache: Path) -> None:
    manifest = import_path(task.dataset, "test", archive, accept_license=True)
    assert manifest.accepted_license == "CC-BY-NC-SA-4.0"
    assert store.status(task.dataset, "test").detail == "4 files"
    official = load_samples(task, "official", scale=0.39, zero_point=89)
    everything = load_samples(task, "dcase-2020", scale=0.39, zero_point=89)
    assert set(official.names) == {f"test/{CLIPS[0]}.wav", f"test/{CLIPS[2]}.wav"}
    assert set(everything.names) == {f"test/{name}.wav" for name in CLIPS}
    assert official.dataset_sha256 != everything.dataset_sha256 == manifest.sha256
    assert everything.labels is not None
    assert {n: int(y) for n, y in zip(everything.names, everything.labels, strict=True)} == {
        f"test/{name}.wav": int(name.startswith("anomaly")) for name in CLIPS
    }


def test_the_official_clips_are_those_of_mlperf_tiny(shared_data: Path) -> None:
    rows = (shared_data / "golden_logs/labels/ad01_y_labels.csv").read_text().split()
    task = specs.task("ad")
    assert task.splits.official.names == "mlperf-248.txt"
    names = read_names(task.folder / "mlperf-248.txt")
    assert set(names) == {f"test/{row.partition('_hist_librosa')[0]}.wav" for row in rows}
    assert len(names) == 248
