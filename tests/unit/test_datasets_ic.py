"""Image classification: CIFAR-10 as it is published, and images of one's own."""

from __future__ import annotations

import contextlib
import pickle
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import cifar_fixtures as cifar
import numpy as np
import pytest
from data_fixtures import member, write_tar
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from tinybench import content, specs
from tinybench.datasets import ic, store
from tinybench.datasets.importing import import_path
from tinybench.datasets.names import read_names
from tinybench.datasets.samples import load_samples
from tinybench.errors import DataError
from tinybench.files import hashing
from tinybench.specs import TaskSpec

COUNT = 20
LABELS = [number % 10 for number in range(COUNT)]
NAMES = [f"thing_s_{number:06d}.png" for number in range(COUNT)]


@pytest.fixture(scope="session")
def images() -> NDArray[np.uint8]:
    return np.random.default_rng(11).integers(0, 256, (COUNT, 32, 32, 3), dtype=np.uint8)


@pytest.fixture
def official(tmp_path: Path, images: NDArray[np.uint8]) -> Path:
    """The official layout with 20 images."""
    return cifar.write_cifar(tmp_path / "cifar-10-batches-py", images, LABELS, NAMES)


def rows(count: int = COUNT) -> NDArray[np.uint8]:
    return np.zeros((count, 3072), np.uint8)


def test_the_official_layout(official: Path, images: NDArray[np.uint8]) -> None:
    samples = ic.scan(official)
    assert [sample.label for sample in samples] == LABELS
    assert samples[3].name == "test_batch/thing_s_000003"
    assert {sample.file for sample in samples} == {"test_batch"}
    order = [7, 0, 19]
    np.testing.assert_array_equal(ic.load(official, [samples[i] for i in order]), images[order])


def test_training_batches_are_read_as_well(official: Path, images: NDArray[np.uint8]) -> None:
    (official / "data_batch_3").write_bytes((official / "test_batch").read_bytes())
    samples = ic.scan(official)
    assert len({sample.name for sample in samples}) == 2 * COUNT
    np.testing.assert_array_equal(ic.load(official, samples), np.concatenate([images, images]))


def test_a_batch_that_changes_on_disk_is_read_again(official: Path, images: NDArray[np.uint8]) -> None:
    first = ic.scan(official)[0]
    cifar.write_cifar(official, 255 - images, LABELS, [f"other{name}" for name in NAMES])
    assert ic.scan(official)[0].name != first.name
    np.testing.assert_array_equal(ic.load(official, ic.scan(official)), 255 - images)


def test_labels_that_are_not_those_of_the_task(official: Path) -> None:
    (official / "batches.meta").write_bytes(cifar.meta(COUNT, [*cifar.LABEL_NAMES[1:], "airplane"]))
    with pytest.raises(DataError, match=r"batches\.meta: the labels are automobile, .*; expected airplane,"):
        ic.scan(official)


def test_names_of_labels_are_needed(official: Path) -> None:
    (official / "batches.meta").unlink()
    with pytest.raises(DataError, match=r"batches\.meta: is missing"):
        ic.scan(official)


def test_names_of_labels_alone_are_no_data(official: Path) -> None:
    (official / "test_batch").unlink()
    with pytest.raises(DataError, match=r"has batches\.meta but no batch"):
        ic.scan(official)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cannot be read"),
        (cifar.batch(rows(), LABELS, NAMES)[:-2000], "cannot be read"),
        (b"hello", "cannot be read"),
        (pickle.dumps([1, 2]), "holds no dictionary"),
        (cifar.batch(rows(), LABELS, NAMES, data=b""), "no labels, file names and pixels"),
        (cifar.batch(rows(), LABELS, NAMES, labels=b""), "no labels, file names and pixels"),
        (cifar.batch(rows(19), LABELS, NAMES), "20 labels, 20 file names and 19 images"),
        (cifar.batch(rows(), LABELS[1:], NAMES), "19 labels, 20 file names"),
        (cifar.batch(rows(19), LABELS[1:], NAMES[1:]), r"19 images, but batches\.meta says 20"),
        (cifar.batch(rows(), [*LABELS[1:], 10], NAMES), "label 10 is none of 0 to 9"),
        (cifar.batch(rows(), [*LABELS[1:], -1], NAMES), "label -1 is none"),
        (cifar.batch(rows(), LABELS, [*NAMES[1:], NAMES[1]]), "thing_s_000001 is there twice"),
        (cifar.batch(rows(), LABELS, [*NAMES[1:], "a\nb"]), "is not a name"),
        (cifar.batch(rows(), LABELS, NAMES, data=cifar.array(rows(), b"f4")), "rows of 3072 bytes"),
        (cifar.batch(rows(), LABELS, NAMES, data=cifar.array(rows(), rows=21)), "rows of 3072 bytes"),
        (
            cifar.batch(rows(), LABELS, NAMES, data=cifar.array(np.zeros((20, 3071), np.uint8))),
            "rows of 3072 bytes",
        ),
        (
            cifar.batch(rows(), LABELS, NAMES, data=b"cnumpy\nndarray\n)\x81"),
            "rows of 3072 bytes",
        ),
    ],
)
def test_a_batch_that_is_not_right(official: Path, content: bytes, reason: str) -> None:
    (official / "test_batch").write_bytes(content)
    with pytest.raises(DataError, match=reason) as caught:
        ic.scan(official)
    assert str(official / "test_batch") in caught.value.message
    assert caught.value.hint


class Attack:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.call


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("file", ["test_batch", "batches.meta"])
def test_nothing_in_a_batch_is_run(official: Path, file: str, protocol: int) -> None:
    trace = official / "trace"
    (official / file).write_bytes(pickle.dumps({"labels": Attack(open, str(trace), "w")}, protocol))
    with pytest.raises(
        DataError, match=r"cannot be read \(it wants to use (__builtin__|builtins|io|_io)\.open\)"
    ):
        ic.scan(official)
    assert not trace.exists()


@pytest.mark.parametrize("kind", [np.zeros(3), np.dtype("u1"), np.float64(1), Path("x")])
def test_other_objects_are_refused(official: Path, kind: Any) -> None:
    (official / "test_batch").write_bytes(pickle.dumps({b"data": kind}))
    with pytest.raises(DataError):
        ic.scan(official)


@given(st.integers(0, 62_000), st.binary(min_size=1, max_size=30))
def test_damage_is_a_data_error_or_changes_bytes_only(at: int, noise: bytes) -> None:
    good = cifar.batch(rows(), LABELS, NAMES)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "batches.meta").write_bytes(cifar.meta(COUNT))
        (root / "test_batch").write_bytes(good[:at] + noise + good[at + len(noise) :])
        with contextlib.suppress(DataError):
            samples = ic.scan(root)
            assert ic.load(root, samples).shape == (COUNT, 32, 32, 3)
            assert {sample.label for sample in samples} <= set(range(10))


def test_images_of_ones_own(tmp_path: Path, images: NDArray[np.uint8]) -> None:
    for number, label in enumerate(ic.LABELS):
        (tmp_path / label).mkdir()
        Image.fromarray(images[number]).save(tmp_path / label / "a.png")
    samples = ic.scan(tmp_path)
    assert [sample.name for sample in samples] == [f"{label}/a.png" for label in ic.LABELS]
    np.testing.assert_array_equal(ic.load(tmp_path, samples), images[:10])


def test_features_are_the_pixels(images: NDArray[np.uint8]) -> None:
    values = ic.features(images)
    assert (values.shape, values.dtype) == ((COUNT, 1, 32, 32, 3), np.float32)
    np.testing.assert_array_equal(values[:, 0], images)


def test_the_official_scale_gives_pixel_minus_128() -> None:
    pixels = np.arange(256, dtype=np.uint8)
    quantised = ic.quantize(ic.features(pixels), 1.0, -128)
    np.testing.assert_array_equal(quantised.ravel(), np.arange(256) - 128)


@pytest.fixture
def published(tmp_path: Path, official: Path) -> Path:
    """The archive that the official files are published in, with what else is in it."""
    names = ("batches.meta", "test_batch")
    members = [member("cifar-10-batches-py", type=tarfile.DIRTYPE)]
    members += [member(f"cifar-10-batches-py/{name}", (official / name).read_bytes()) for name in names]
    members += [member("cifar-10-batches-py/data_batch_1", b"x"), member("cifar-10-batches-py/readme.html")]
    return write_tar(tmp_path / "cifar-10-python.tar.gz", members)


def described(archive: Path) -> TaskSpec:
    """The task with the checksums of a made archive in place of the published ones."""
    task = specs.task("ic")
    checksums = {"bytes": archive.stat().st_size, "sha256": hashing.file_sha256(archive)}
    archives = (task.dataset.archives[0].model_copy(update=checksums),)
    subset = task.dataset.subsets["test"].model_copy(update={"sha256": None})
    dataset = task.dataset.model_copy(update={"archives": archives, "subsets": {"test": subset}})
    return task.model_copy(update={"dataset": dataset})


@pytest.mark.parametrize("source", ["archive", "folder"])
def test_from_the_archive_to_the_inputs_of_a_model(
    published: Path, official: Path, images: NDArray[np.uint8], data_cache: Path, source: str
) -> None:
    task = described(published)
    manifest = import_path(task.dataset, "test", published if source == "archive" else official.parent)
    assert manifest.files == 2
    samples = load_samples(task, "official", scale=1.0, zero_point=-128)
    assert (len(samples.names), samples.dataset_sha256) == (COUNT, manifest.sha256)
    numbers = [int(name[-6:]) for name in samples.names]
    np.testing.assert_array_equal(samples.inputs[:, 0], images[numbers].astype(int) - 128)
    assert samples.labels is not None
    assert samples.labels.tolist() == [LABELS[number] for number in numbers]


def test_a_truncated_archive(published: Path, data_cache: Path) -> None:
    task = described(published)
    published.write_bytes(published.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"not the published cifar-10-python\.tar\.gz"):
        import_path(task.dataset, "test", published)
    with pytest.raises(DataError, match="cannot be unpacked"):
        import_path(described(published).dataset, "test", published)
    assert store.status(task.dataset, "test").state == "incomplete"


def test_other_bytes_than_the_published_ones(official: Path, data_cache: Path) -> None:
    with pytest.raises(DataError, match=r"sha256 is [0-9a-f]+, expected 6e479a13"):
        import_path(specs.task("ic").dataset, "test", official)


def test_a_list_of_samples(
    published: Path, data_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = described(published)
    import_path(task.dataset, "test", published)
    with pytest.raises(DataError, match=r"mlperf-200\.txt: names test_batch/"):
        load_samples(task, "mlperf-200", scale=1.0, zero_point=-128)
    (tmp_path / "ic").mkdir()
    (tmp_path / "ic/mlperf-200.txt").write_text("".join(f"test_batch/thing_s_{i:06d}\n" for i in range(10)))
    monkeypatch.setattr(content, "tasks_dir", lambda: tmp_path)
    assert len(load_samples(task, "mlperf-200", scale=1.0, zero_point=-128).names) == 10


def test_the_list_of_samples_is_that_of_mlperf_tiny(shared_data: Path) -> None:
    rows = (shared_data / "golden_logs/labels/ic01_y_labels.csv").read_text().split()
    names = read_names(specs.task("ic").folder / "mlperf-200.txt")
    assert set(names) == {f"test_batch/{row.partition('.')[0]}" for row in rows}
    assert len(names) == 200
