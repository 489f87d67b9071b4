"""Visual wake words: the published archive, MLPerf Tiny's list of images, and images of one's own."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from data_fixtures import member, write_tar
from PIL import Image

from tinybench import content, specs
from tinybench.datasets import vww
from tinybench.datasets.importing import import_path
from tinybench.datasets.names import read_names
from tinybench.datasets.samples import load_samples
from tinybench.errors import DataError
from tinybench.files import hashing
from tinybench.specs import TaskSpec

ROOT = "vw_coco2014_96"
NAMES = ("person/000000000002.jpg", "non_person/000000000001.jpg", "non_person/000000000004.jpg")


def jpeg(shade: int) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (96, 96), (shade, shade, shade)).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Five images, named as in the published archive."""
    paths = ("non_person/COCO_train2014_000000000001.jpg", "person/COCO_val2014_000000000002.jpg")
    paths += ("person/COCO_train2014_000000000003.jpg", "non_person/COCO_val2014_000000000004.jpg")
    paths += ("non_person/COCO_val2014_000000000005.jpg",)
    members = [member(f"{ROOT}/{path}", jpeg(10 * int(path[-5]))) for path in paths]
    return write_tar(tmp_path / "vw_coco2014_96.tar.gz", members)


@pytest.fixture
def task(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TaskSpec:
    """The task, for that archive and a list of three."""
    spec = specs.task("vww")
    (tmp_path / "vww").mkdir()
    (tmp_path / "vww/official.txt").write_text("\n".join(NAMES))
    monkeypatch.setattr(content, "tasks_dir", lambda: tmp_path)
    checksums = {"bytes": archive.stat().st_size, "sha256": hashing.file_sha256(archive)}
    archives = (spec.dataset.archives[0].model_copy(update=checksums),)
    subset = spec.dataset.subsets["test"].model_copy(update={"files": len(NAMES)})
    dataset = spec.dataset.model_copy(update={"archives": archives, "subsets": {"test": subset}})
    return spec.model_copy(update={"dataset": dataset})


def test_the_archive_gives_the_images_of_the_list(task: TaskSpec, archive: Path, data_cache: Path) -> None:
    manifest = import_path(task.dataset, "test", archive)
    samples = load_samples(task, "official", scale=1 / 255, zero_point=-128)
    assert sorted(samples.names) == sorted(NAMES)
    assert samples.dataset_sha256 == manifest.sha256
    assert samples.labels is not None
    found = dict(
        zip(samples.names, zip(samples.labels, samples.inputs[:, 0, 0, 0, 0], strict=True), strict=True)
    )
    assert found == {name: (int(name[0] == "p"), 10 * int(name[-5]) - 128) for name in NAMES}


def test_an_image_that_is_in_the_other_folder(task: TaskSpec, tmp_path: Path, data_cache: Path) -> None:
    """The list says what is in a picture, and so does its folder: they have to agree."""
    for name in NAMES:
        path = tmp_path / "unpacked" / name.replace("non_person", "x").replace("person", "non_person")
        path = tmp_path / "unpacked" / ("person" if path.parent.name == "x" else "non_person") / path.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg(0))
    with pytest.raises(DataError, match="3 of 3 files missing"):
        import_path(task.dataset, "test", tmp_path / "unpacked")


def test_an_image_of_another_size(task: TaskSpec, tmp_path: Path, data_cache: Path) -> None:
    for name in NAMES:
        path = tmp_path / "unpacked" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (96, 95)).save(path)
    import_path(task.dataset, "test", tmp_path / "unpacked")
    with pytest.raises(DataError, match=r"\.jpg: is 96 x 95 pixels, expected 96 x 96"):
        load_samples(task, "official", scale=1 / 255, zero_point=-128)


def test_the_official_images_are_those_of_mlperf_tiny(shared_data: Path) -> None:
    rows = (shared_data / "golden_logs/labels/vww01_y_labels.csv").read_text().split()
    folders = ("non_person", "person")
    names = read_names(specs.task("vww").folder / "official.txt")
    assert set(names) == {f"{folders[int(row[-1])]}/{row.partition('.')[0]}.jpg" for row in rows}
    assert len(names) == 1000


def test_from_files_to_the_inputs_of_the_official_model(tmp_path: Path) -> None:
    picture = np.random.default_rng(5).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    for folder in ("non_person", "person"):
        (tmp_path / folder).mkdir()
        Image.fromarray(picture).save(tmp_path / folder / "000000000001.jpg", quality=95)
    samples = vww.scan(tmp_path)
    assert [(sample.name, sample.label) for sample in samples] == [
        ("non_person/000000000001.jpg", 0),
        ("person/000000000001.jpg", 1),
    ]
    raw = vww.load(tmp_path, samples)
    values = vww.features(raw)
    assert (values.shape, values.dtype) == ((2, 1, 96, 96, 3), np.float32)
    assert (values.min(), values.max()) == (raw.min() / np.float32(255), raw.max() / np.float32(255))
    np.testing.assert_array_equal(vww.quantize(values, 1 / 255, -128)[:, 0], raw.astype(int) - 128)
