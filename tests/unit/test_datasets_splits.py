"""Splits beside the official one: folders of the user's, named lists, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from data_fixtures import FOLDERS, Corpus

from tinybench import content
from tinybench.datasets import folders, kws
from tinybench.datasets.importing import import_path
from tinybench.datasets.samples import load_samples
from tinybench.datasets.splits import split_names
from tinybench.errors import ContentError, DataError, ModelError
from tinybench.files import hashing
from tinybench.specs import SubsetSplit, TaskSpec

SCALE, ZERO_POINT = 0.5847029, 83


def test_a_folder_of_ones_own_is_the_split_custom(corpus: Corpus) -> None:
    samples = load_samples(corpus.task, "custom", folder=corpus.folder, scale=SCALE, zero_point=ZERO_POINT)
    assert (samples.split, samples.dataset, len(samples.names)) == ("custom", "custom", 36)
    assert samples.labels is not None
    assert samples.labels.tolist() == list(range(12)) * 3
    files = hashing.hash_files(corpus.folder, samples.names)
    assert samples.dataset_sha256 == hashing.set_sha256(files)


def test_a_class_that_is_missing_is_named(corpus: Corpus, tmp_path: Path) -> None:
    for name in FOLDERS[:-2]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.wav").write_bytes(corpus.clips[f"{name}/00000000_nohash_0.wav"])
    with pytest.raises(DataError, match=r"no sample of 2 of 12 classes: silence, unknown"):
        load_samples(corpus.task, "custom", folder=tmp_path, scale=SCALE, zero_point=ZERO_POINT)


class TestLabelFile:
    def scan(self, root: Path, text: str) -> int:
        for name in ("no", "yes"):
            (root / name).mkdir(exist_ok=True)
            (root / name / "a.wav").touch()
        (root / folders.LABEL_FILE).write_text(text)
        return len(kws.scan(root))

    def test_one_that_agrees(self, tmp_path: Path) -> None:
        assert self.scan(tmp_path, "file,label\nyes/a.wav,yes\nno/a.wav,no\n") == 2

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (
                "file,label\nyes/a.wav,no\nno/a.wav,no\n",
                r"says 'no' of yes/a\.wav, but .* 'yes'",
            ),
            ("file,label\nyes/a.wav,yes\n", r"no/a\.wav is not named in it"),
            (
                "file,label\nyes/a.wav,yes\nno/a.wav,no\nno/b.wav,no\n",
                r"no/b\.wav is not in the label",
            ),
            ("name,label\nyes/a.wav,yes\n", r"no column 'file'"),
        ],
    )
    def test_one_that_disagrees_is_refused(self, tmp_path: Path, text: str, message: str) -> None:
        with pytest.raises(DataError, match=rf"labels\.csv: .*{message}"):
            self.scan(tmp_path, text)


@pytest.fixture
def task(corpus: Corpus, data_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TaskSpec:
    """A task with the split ``few``, a list of two clips of the data set that is present."""
    import_path(corpus.dataset, "test", corpus.archive)
    (tmp_path / "tasks/kws").mkdir(parents=True)
    (tmp_path / "tasks/kws/few.txt").write_text(
        "# two\nyes/00000001_nohash_1.wav\nno/00000000_nohash_0.wav # the other\n\n"
    )
    monkeypatch.setattr(content, "tasks_dir", lambda: tmp_path / "tasks")
    few = SubsetSplit(subset="test", names="few.txt")
    splits = corpus.task.splits.model_copy(update={"named": {"few": few}})
    return corpus.task.model_copy(update={"splits": splits})


def test_a_named_split_holds_what_its_list_names(task: TaskSpec) -> None:
    samples = load_samples(task, "few", scale=SCALE, zero_point=ZERO_POINT)
    assert (samples.split, samples.dataset) == ("few", "mini")
    assert samples.names == ("no/00000000_nohash_0.wav", "yes/00000001_nohash_1.wav")
    assert "few" in split_names(task)


@pytest.mark.parametrize(("text", "error"), [("yes/nobody.wav\n", DataError), (None, ContentError)])
def test_a_list_that_does_not_fit(task: TaskSpec, text: str | None, error: type[Exception]) -> None:
    path = task.folder / "few.txt"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(error, match=r"few\.txt"):
        load_samples(task, "few", scale=SCALE, zero_point=ZERO_POINT)


@pytest.mark.parametrize(("scale", "zero_point"), [(SCALE, ZERO_POINT), (0.6, 80), (0.75, 40)])
def test_the_scale_of_a_model_changes_bytes_not_values(corpus: Corpus, scale: float, zero_point: int) -> None:
    samples = load_samples(corpus.task, "custom", folder=corpus.folder, scale=scale, zero_point=zero_point)
    values = (samples.inferences.astype(np.float32) - zero_point) * scale
    features = kws.features(np.stack([kws.load_clip(corpus.folder / name) for name in samples.names]))
    inside = (samples.inferences[..., 0] > -128) & (samples.inferences[..., 0] < 127)
    assert np.abs(values[..., 0] - features)[inside].max() <= scale
    assert inside.mean() > 0.9


@pytest.mark.parametrize(("scale", "zero_point"), [(1 / 255, -128), (60.0, 0)])
def test_a_scale_that_cannot_be_right_is_refused(corpus: Corpus, scale: float, zero_point: int) -> None:
    with pytest.raises(ModelError, match="int8 input of the model stands for"):
        load_samples(corpus.task, "custom", folder=corpus.folder, scale=scale, zero_point=zero_point)
