"""The samples of a split: which ones, in which order, and that they are what was recorded."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from pathlib import Path
from random import Random
from types import ModuleType

import numpy as np
import pytest
from data_fixtures import CLIPS_EACH, FOLDERS, Corpus, sha256
from hypothesis import given
from hypothesis import strategies as st

from tinybench import content, specs
from tinybench.datasets import kws, store
from tinybench.datasets.base import Sample
from tinybench.datasets.importing import import_path
from tinybench.datasets.samples import load_samples, select
from tinybench.datasets.splits import default_split
from tinybench.errors import ContentError, DataError, UnknownNameError, UsageError
from tinybench.files import hashing
from tinybench.specs import TaskSpec

SCALE, ZERO_POINT = 0.5847029, 83


def chosen_names(labels: dict[str, int], limit: int | None) -> list[str]:
    return [sample.name for sample in select([Sample(n, n, label) for n, label in labels.items()], limit)]


@st.composite
def labelled(draw: st.DrawFn) -> dict[str, int]:
    sizes = draw(st.lists(st.integers(1, 12), min_size=1, max_size=12))
    return {f"{label:02d}/{i:02d}.wav": label for label, size in enumerate(sizes) for i in range(size)}


@given(labelled(), st.integers(1, 160))
def test_limit_takes_so_many_and_none_twice(labels: dict[str, int], limit: int) -> None:
    chosen = chosen_names(labels, limit)
    assert len(chosen) == len(set(chosen)) == min(limit, len(labels))
    assert set(chosen) <= labels.keys()


@given(labelled(), st.integers(1, 160))
def test_limit_is_balanced_as_far_as_the_labels_reach(labels: dict[str, int], limit: int) -> None:
    sizes, taken = Counter(labels.values()), Counter(labels[name] for name in chosen_names(labels, limit))
    largest = max(taken.values())
    for label, size in sizes.items():
        assert taken[label] >= min(size, largest - 1)


@given(labelled(), st.integers(1, 160))
def test_every_beginning_is_balanced(labels: dict[str, int], length: int) -> None:
    sizes, taken = (
        Counter(labels.values()),
        Counter(labels[name] for name in chosen_names(labels, None)[:length]),
    )
    largest = max(taken.values())
    for label, size in sizes.items():
        assert taken[label] >= min(size, largest - 1)


@given(labelled(), st.integers(1, 160), st.randoms())
def test_the_choice_does_not_depend_on_the_order_of_the_files(
    labels: dict[str, int], limit: int, random: Random
) -> None:
    shuffled = list(labels.items())
    random.shuffle(shuffled)
    assert chosen_names(dict(shuffled), limit) == chosen_names(labels, limit)


def test_the_choice_is_spread_evenly() -> None:
    labels = {f"{i:02d}": 0 for i in range(12)}
    assert chosen_names(labels, 3) == ["02", "06", "10"]
    assert chosen_names(labels, 12) == chosen_names(labels, None) == sorted(labels)


@pytest.fixture
def task(corpus: Corpus, data_cache: Path) -> TaskSpec:
    """Keyword spotting on the miniature data set, which is present."""
    import_path(corpus.dataset, "test", corpus.archive)
    return corpus.task


def test_official_samples_are_the_clips_through_the_front_end(task: TaskSpec, corpus: Corpus) -> None:
    samples = load_samples(task, "official", scale=SCALE, zero_point=ZERO_POINT)
    assert samples.inputs.shape == (36, 1, 49, 10, 1)
    assert samples.inferences.shape == (36, 49, 10, 1)
    assert samples.inputs.dtype == np.int8
    assert samples.labels is not None
    assert samples.labels.dtype == np.int64
    assert (samples.split, samples.dataset) == ("official", "mini")
    assert samples.dataset_sha256 == store.read_manifest(corpus.dataset, "test").sha256
    for index in (0, 17, 35):
        clip = kws.load_clip(corpus.folder / samples.names[index])
        expected = kws.quantize(kws.mfcc(clip), SCALE, ZERO_POINT)
        np.testing.assert_array_equal(samples.inferences[index, :, :, 0], expected)
        folder = samples.names[index].split("/")[0].strip("_")
        assert task.labels[samples.labels[index]] == folder


def test_the_order_is_one_clip_of_each_label_in_turn(task: TaskSpec) -> None:
    samples = load_samples(task, "official", scale=SCALE, zero_point=ZERO_POINT)
    assert samples.labels is not None
    assert samples.labels.tolist() == list(range(12)) * CLIPS_EACH
    assert [name.split("/")[0] for name in samples.names[:12]] == list(FOLDERS)


def test_limit_changes_neither_samples_nor_hash(task: TaskSpec) -> None:
    everything = load_samples(task, "official", scale=SCALE, zero_point=ZERO_POINT)
    some = load_samples(task, "official", scale=SCALE, zero_point=ZERO_POINT, limit=12)
    assert some.labels is not None
    assert some.labels.tolist() == list(range(12))
    assert some.dataset_sha256 == everything.dataset_sha256
    positions = [everything.names.index(name) for name in some.names]
    np.testing.assert_array_equal(some.inputs, everything.inputs[positions])


def test_more_clips_than_a_batch_holds(task: TaskSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = load_samples(task, "official", scale=SCALE, zero_point=ZERO_POINT)
    monkeypatch.setattr("tinybench.datasets.samples._BATCH_SAMPLES", 5)
    steps: list[tuple[str, int, int]] = []
    parts = load_samples(
        task, "official", scale=SCALE, zero_point=ZERO_POINT, progress=lambda *step: steps.append(step)
    )
    np.testing.assert_array_equal(parts.inputs, whole.inputs)
    assert [done for step, done, _ in steps if step == "preprocess"] == [0, 5, 10, 15, 20, 25, 30, 35, 36]


def test_a_changed_clip_is_noticed_even_outside_the_limit(task: TaskSpec, corpus: Corpus) -> None:
    chosen = load_samples(task, "official", scale=SCALE, zero_point=ZERO_POINT, limit=1).names
    path = store.files_dir(corpus.dataset, "test") / "_unknown_/00000002_nohash_2.wav"
    assert "_unknown_/00000002_nohash_2.wav" not in chosen
    path.write_bytes(corpus.clips["yes/00000002_nohash_2.wav"])
    with pytest.raises(DataError, match=r"_unknown_/00000002_nohash_2\.wav: is not the file"):
        load_samples(task, "official", scale=SCALE, zero_point=ZERO_POINT, limit=1)


def test_a_clip_of_another_kind_is_noticed(task: TaskSpec, corpus: Corpus) -> None:
    clip = store.files_dir(corpus.dataset, "test") / "yes" / "extra.flac"
    clip.write_bytes(b"")
    with pytest.raises(DataError, match=r"yes/extra\.flac was added or removed") as caught:
        load_samples(task, "official", scale=SCALE, zero_point=ZERO_POINT)
    assert caught.value.hint == "tinybench data verify kws --subset test"


def test_official_without_data_says_how_to_get_it(corpus: Corpus, data_cache: Path) -> None:
    with pytest.raises(DataError, match="official split of kws is not on this machine") as caught:
        load_samples(corpus.task, "official", scale=SCALE, zero_point=ZERO_POINT)
    assert "tinybench data fetch kws" in str(caught.value.hint)


def test_the_default_is_official_once_it_is_there(corpus: Corpus, data_cache: Path) -> None:
    assert default_split(corpus.task) == "smoke"
    import_path(corpus.dataset, "test", corpus.archive)
    assert default_split(corpus.task) == "official"
    (store.subset_dir(corpus.dataset, "test") / "manifest.json").unlink()
    assert default_split(corpus.task) == "smoke"


def test_unknown_splits(corpus: Corpus, data_cache: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown split 'offical'") as caught:
        load_samples(corpus.task, "offical", scale=SCALE, zero_point=ZERO_POINT)
    assert "did you mean 'official'" in str(caught.value.hint)


@pytest.mark.parametrize("limit", [0, -1])
def test_limits_that_make_no_sense(corpus: Corpus, limit: int) -> None:
    with pytest.raises(UsageError, match="at least one"):
        load_samples(corpus.task, "smoke", scale=SCALE, zero_point=ZERO_POINT, limit=limit)


@pytest.fixture
def smoke(corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A smoke split of one clip per label, in a tasks folder of its own; the path of its manifest."""
    folder = tmp_path / "tasks" / "kws" / "smoke"
    rows = []
    for name in FOLDERS:
        label, data = name.strip("_"), corpus.clips[f"{name}/00000000_nohash_0.wav"]
        (folder / label).mkdir(parents=True)
        (folder / label / "a.wav").write_bytes(data)
        rows.append({"file": f"{label}/a.wav", "label": label, "voice": "x", "sha256": sha256(data)})
    with (folder / "manifest.csv").open("w", newline="") as handle:
        writer = csv.DictWriter(handle, ["file", "label", "voice", "sha256"])
        writer.writeheader()
        writer.writerows(rows)
    specs.tasks()  # read where they are: only the samples are in the folder of its own
    monkeypatch.setattr(content, "tasks_dir", lambda: tmp_path / "tasks")
    return folder / "manifest.csv"


def load_smoke(task: TaskSpec) -> None:
    load_samples(task, "smoke", scale=SCALE, zero_point=ZERO_POINT)


def test_smoke_samples_come_from_the_manifest(corpus: Corpus, smoke: Path) -> None:
    samples = load_samples(corpus.task, "smoke", scale=SCALE, zero_point=ZERO_POINT)
    assert (samples.split, samples.dataset) == ("smoke", "kws-smoke")
    assert samples.labels is not None
    assert samples.labels.tolist() == list(range(12))
    assert samples.names[0] == "down/a.wav"
    files = hashing.hash_files(smoke.parent, samples.names)
    assert samples.dataset_sha256 == hashing.set_sha256(files)


def test_a_smoke_clip_that_was_changed(corpus: Corpus, smoke: Path) -> None:
    (smoke.parent / "yes" / "a.wav").write_bytes(corpus.clips["no/00000000_nohash_0.wav"])
    with pytest.raises(DataError, match=r"yes/a\.wav: is not the file that was recorded"):
        load_smoke(corpus.task)


def test_a_smoke_clip_that_is_missing(corpus: Corpus, smoke: Path) -> None:
    (smoke.parent / "yes" / "a.wav").unlink()
    with pytest.raises(DataError, match=r"yes/a\.wav: cannot be read"):
        load_smoke(corpus.task)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("yes/a.wav,yes", "yes/a.wav,yep", "not in tuple"),
        ("sha256", "md5", "no column 'sha256'"),
        ("yes/a.wav,yes", "no/a.wav,no", r"no/a\.wav is there twice"),
    ],
)
def test_a_broken_smoke_manifest(corpus: Corpus, smoke: Path, old: str, new: str, message: str) -> None:
    text = smoke.read_text()
    assert old in text
    smoke.write_text(text.replace(old, new))
    with pytest.raises(ContentError, match=rf"manifest\.csv: .*{message}"):
        load_smoke(corpus.task)


@pytest.mark.parametrize("text", [None, "", "file,label,sha256\n"])
def test_a_smoke_manifest_without_clips(corpus: Corpus, smoke: Path, text: str | None) -> None:
    smoke.unlink() if text is None else smoke.write_text(text)
    with pytest.raises(ContentError, match=r"manifest\.csv"):
        load_smoke(corpus.task)


def test_a_new_task_needs_one_module_and_no_list(
    corpus: Corpus, smoke: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("tinybench.datasets.door_bell")
    vars(module).update(
        LABELS=corpus.task.labels,
        load=lambda root, samples: np.zeros((len(samples), 8), np.float32),
        features=lambda clips: clips,
        quantize=lambda values, scale, zero_point: np.full(values.shape, zero_point, np.int8),
        scan=kws.scan,
        stimuli=dict,
    )
    monkeypatch.setitem(sys.modules, module.__name__, module)
    smoke.parent.parent.rename(smoke.parent.parent.with_name("door-bell"))
    task = corpus.task.model_copy(update={"id": "door-bell", "input_shape": (2, 2)})
    samples = load_samples(task, "smoke", scale=1.0, zero_point=7)
    assert samples.inputs.shape == (12, 2, 2, 2), "two inferences of each sample"
    assert (samples.inputs == 7).all()


def test_a_task_without_a_module(corpus: Corpus) -> None:
    with pytest.raises(ContentError, match="task nosuch: there is no module"):
        load_smoke(corpus.task.model_copy(update={"id": "nosuch"}))


def test_a_module_that_is_no_front_end(corpus: Corpus) -> None:
    with pytest.raises(ContentError, match=r"lacks LABELS, scan, load, features, quantize, stimuli"):
        load_smoke(corpus.task.model_copy(update={"id": "store"}))


def test_a_front_end_with_other_labels(corpus: Corpus) -> None:
    with pytest.raises(ContentError, match="labels differ"):
        load_smoke(corpus.task.model_copy(update={"labels": corpus.task.labels[::-1]}))


def test_a_front_end_with_another_shape(corpus: Corpus, smoke: Path) -> None:
    with pytest.raises(
        ContentError, match=r"input_shape is \[49, 40, 1\], but the front end makes \[49, 10\]"
    ):
        load_smoke(corpus.task.model_copy(update={"input_shape": (49, 40, 1)}))


def test_the_smoke_split_of_the_project_loads() -> None:
    samples = load_samples(specs.task("kws"), "smoke", scale=SCALE, zero_point=ZERO_POINT)
    assert set(samples.labels.tolist()) == set(range(12))
    assert len(set(samples.names)) == len(samples.names) == len(samples.inputs)
