"""The vision recipes: reading, augmentation, sampling, and one tiny run of each."""

from __future__ import annotations

import importlib.util
import json
import tomllib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cifar_fixtures import batch, meta
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from tinybench.cli.train import command
from tinybench.datasets.ic import LABELS
from tinybench.errors import DataError
from tinybench.models import Model
from tinybench.training import ic, vww
from tinybench.training.image_augmentation import colour_jitter, crop_and_flip, random_resized_crop
from tinybench.training.image_sets import ImageSet, read_mosaics

needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="TensorFlow (extra 'train') is not installed"
)
Images = NDArray[np.uint8]
UNCHANGED: dict[str, float] = {
    "brightness": 0.0,
    "contrast": 0.0,
    "saturation": 0.0,
    "tint": 0.0,
    "grey_probability": 0.0,
}


def noise(count: int, side: int, seed: int = 0) -> Images:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


class TestCropAndFlip:
    def test_without_room_to_move_images_are_only_mirrored(self) -> None:
        images = noise(200, 8)
        out = crop_and_flip(images, rng(), side=8, margin=0)
        same = (out == images).all(axis=(1, 2, 3))
        mirrored = (out == images[:, :, ::-1]).all(axis=(1, 2, 3))
        assert (same | mirrored).all()
        assert 60 < mirrored.sum() < 140

    def test_every_square_comes_and_nothing_else(self) -> None:
        row, column = np.indices((6, 6), dtype=np.uint8)
        images = np.repeat(np.dstack([row, column, row])[None], 500, axis=0)
        out = crop_and_flip(images, rng(), side=4, margin=0)
        corners = Counter((int(i[0, 0, 0]), int(min(i[0, 0, 1], i[0, -1, 1]))) for i in out)
        assert set(corners) == {(top, left) for top in range(3) for left in range(3)}
        assert (np.diff(out[..., 0].astype(int), axis=1) == 1).all()

    def test_the_margin_is_black(self) -> None:
        out = crop_and_flip(np.full((300, 8, 8, 3), 255, np.uint8), rng(), side=8, margin=2)
        black = (out == 0).all(axis=3).sum(axis=(1, 2))
        assert set(black.tolist()) == {64 - (8 - a) * (8 - b) for a in range(3) for b in range(3)}


class TestRandomResizedCrop:
    def test_whole_images_stay_as_they_are(self) -> None:
        images = noise(40, 16)
        out = random_resized_crop(images, rng(), side=16, least_area=1.0, largest_aspect=1.0)
        assert all((o == i).all() or (o == i[:, ::-1]).all() for o, i in zip(out, images, strict=True))

    @given(seed=st.integers(0, 2**32 - 1), area=st.floats(0.05, 1.0), aspect=st.floats(1.0, 3.0))
    @settings(deadline=None, max_examples=30)
    def test_parts_lie_inside_and_have_the_asked_size(self, seed: int, area: float, aspect: float) -> None:
        # A ramp from left to right: what comes out says where the part began, and how wide it was.
        ramp = np.repeat(np.linspace(0, 255, 64, dtype=np.uint8)[None, :, None], 64, axis=0).repeat(3, axis=2)
        out = random_resized_crop(
            np.repeat(ramp[None], 8, axis=0), rng(seed), side=32, least_area=area, largest_aspect=aspect
        )
        assert out.shape == (8, 32, 32, 3)
        wide = np.abs(out[:, 16, -1, 0].astype(float) - out[:, 16, 0, 0]) / 255
        assert (wide >= np.sqrt(area / aspect) * 0.9 - 0.1).all()
        assert (wide <= 1.0).all()


class TestColourJitter:
    def test_without_spread_nothing_changes(self) -> None:
        images = noise(300, 6)
        np.testing.assert_array_equal(colour_jitter(images, rng(), **UNCHANGED), images)

    def test_grey_images_have_the_luma_of_the_colours(self) -> None:
        images = noise(5, 6)
        out = colour_jitter(images, rng(), **(UNCHANGED | {"grey_probability": 1.0}))
        assert (out == out[..., :1]).all()
        luma = images @ np.array([0.299, 0.587, 0.114])
        assert np.abs(out[..., 0] - luma).max() <= 0.51

    def test_contrast_keeps_the_mean_grey_and_brightness_does_not(self) -> None:
        images = np.random.default_rng(0).integers(100, 156, (50, 8, 8, 3), dtype=np.uint8)
        contrast = colour_jitter(images, rng(), **(UNCHANGED | {"contrast": 0.4}))
        luma = np.array([0.299, 0.587, 0.114])
        moved = (contrast @ luma).mean(axis=(1, 2)) - (images @ luma).mean(axis=(1, 2))
        assert np.abs(moved).max() < 0.6
        spread = contrast.std(axis=(1, 2, 3)) / images.std(axis=(1, 2, 3))
        assert 0.55 < spread.min() < 0.75
        assert 1.25 < spread.max() < 1.45
        brighter = colour_jitter(images, rng(), **(UNCHANGED | {"brightness": 0.4}))
        gain = brighter.mean(axis=(1, 2, 3)) / images.mean(axis=(1, 2, 3))
        assert 0.59 < gain.min() < 0.75
        assert 1.25 < gain.max() < 1.41

    def test_images_do_not_influence_each_other(self) -> None:
        images = noise(300, 6)
        options = {
            "brightness": 0.3,
            "contrast": 0.3,
            "saturation": 0.3,
            "tint": 0.1,
            "grey_probability": 0.1,
        }
        changed = images.copy()
        changed[7] = 0
        before, after = (colour_jitter(x, rng(), **options) for x in (images, changed))
        differing = np.flatnonzero((before != after).any(axis=(1, 2, 3)))
        assert differing.tolist() == [7]


def write(path: Path, pixels: Images) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def write_mosaics(folder: Path, rows: int, columns: int) -> None:
    for part in ("train", "test"):
        for number, label in enumerate(LABELS):
            tiles = np.arange(rows * columns, dtype=np.uint8).reshape(rows, columns)
            pixels = np.kron(tiles, np.ones((32, 32), np.uint8))
            write(folder / f"{part}_{label}.png", np.dstack([pixels, pixels * 0 + number, pixels * 0]))


class TestReadImageClassification:
    def test_mosaics_are_cut_row_by_row(self, tmp_path: Path) -> None:
        write_mosaics(tmp_path, rows=2, columns=3)
        train, test = ic.read(tmp_path)
        assert train.images.shape == test.images.shape == (60, 32, 32, 3)
        assert (train.images[:, :, :, 0] == np.tile(np.arange(6), 10)[:, None, None]).all()
        assert (train.images[:, 0, 0, 1] == train.labels).all()
        assert train.names[7] == "train_automobile.png#1"
        assert test.names[-1] == "test_truck.png#5"

    def test_broken_mosaics_are_named(self, tmp_path: Path) -> None:
        write_mosaics(tmp_path, rows=1, columns=1)
        (tmp_path / "train_cat.png").write_bytes(b"no image")
        with pytest.raises(DataError, match=r"train_cat\.png: cannot be decoded"):
            ic.read(tmp_path)
        write(tmp_path / "train_cat.png", noise(1, 48)[0])
        with pytest.raises(DataError, match="48 x 48 pixels are no tiles of 32"):
            ic.read(tmp_path)
        (tmp_path / "train_cat.png").unlink()
        with pytest.raises(DataError, match=r"0 files train_cat\.\*, expected one"):
            ic.read(tmp_path)

    def test_folders_of_classes(self, tmp_path: Path) -> None:
        for part in ("train", "test"):
            for label in LABELS:
                write(tmp_path / part / label / "a.png", noise(1, 32)[0])
        train, test = ic.read(tmp_path)
        assert train.names[3] == "train/cat/a.png"
        assert test.labels.tolist() == list(range(10))
        np.testing.assert_array_equal(test.images[3], noise(1, 32)[0])

    def test_the_batches_of_the_archive_are_parted_into_training_and_test(self, tmp_path: Path) -> None:
        (tmp_path / "batches.meta").write_bytes(meta(4))
        names = ("test_batch", *(f"data_batch_{i}" for i in range(1, 6)))
        for number, name in enumerate(names):
            rows = np.full((4, 3072), number, np.uint8)
            files = [f"{name}_{i}.png" for i in range(4)]
            (tmp_path / name).write_bytes(batch(rows, [0, 1, 2, 3], files))
        train, test = ic.read(tmp_path)
        assert sorted(set(train.images.ravel().tolist())) == [1, 2, 3, 4, 5]
        assert not test.images.any()
        assert test.names[0] == "test_batch/test_batch_0"

    def test_nothing_there_is_an_error_that_says_what_is_expected(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="no CIFAR-10 in it") as caught:
            ic.read(tmp_path)
        assert caught.value.hint is not None
        assert "test_batch" in caught.value.hint

    def test_one_in_twenty_is_held_out_of_every_class(self, tmp_path: Path) -> None:
        write_mosaics(tmp_path, rows=4, columns=10)
        images = read_mosaics(tmp_path, "train", LABELS, 32)
        fitted, held_out = ic.split(images)
        assert Counter(held_out.labels.tolist()) == dict.fromkeys(range(10), 2)
        assert set(fitted.names) | set(held_out.names) == set(images.names)
        assert len(fitted) + len(held_out) == len(images)


class TestReadVisualWakeWords:
    @pytest.fixture
    def official(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
        """The unpacked archive in small: 44 images of each label, of which the list names two."""
        (tmp_path / "tasks/vww").mkdir(parents=True)
        (tmp_path / "tasks/vww/official.txt").write_text(
            "# ids\nnon_person/000000000003.jpg\nperson/000000000107.jpg\n"
        )
        monkeypatch.setattr("tinybench.content.tasks_dir", lambda: tmp_path / "tasks")
        for number, label in enumerate(("non_person", "person")):
            for i in range(44):
                side = "train" if i % 2 else "val"
                file = f"COCO_{side}2014_{100 * number + i:012}.jpg"
                write(tmp_path / "images" / label / file, noise(1, 96, i)[0])
        return tmp_path / "images"

    def test_no_image_of_the_official_split_is_trained_on_or_chosen_by(self, official: Path) -> None:
        fitted, validation, test = vww.read(official)
        assert test.names == (
            "non_person/COCO_train2014_000000000003.jpg",
            "person/COCO_train2014_000000000107.jpg",
        )
        assert test.labels.tolist() == [0, 1]
        every = [*fitted.names, *validation.names, *test.names]
        assert len(every) == len(set(every)) == 88
        assert len(validation) == 5
        assert set(validation.labels.tolist()) == {0, 1}

    def test_a_missing_image_of_the_official_split_is_an_error(self, official: Path) -> None:
        (official / "person/COCO_train2014_000000000107.jpg").unlink()
        with pytest.raises(DataError, match="holds 1 of the 2 images of the official split"):
            vww.read(official)

    def test_three_folders(self, vww_like: Path) -> None:
        parts = vww.read(vww_like)
        assert [part.names[0] for part in parts] == [f"{p}/no_person/0.png" for p in ("train", "val", "test")]


def image_set(names: list[str], side: int = 96) -> ImageSet:
    labels = [vww.LABELS.index(name.split("/")[1]) for name in names]
    return ImageSet(noise(len(names), side), np.array(labels), tuple(names))


class TestSampling:
    def test_early_epochs_are_smaller_and_an_epoch_depends_on_seed_and_number_only(self) -> None:
        fitted = ImageSet(noise(30, 32), np.arange(30) % 10, tuple(map(str, range(30))))
        config = ic.TrainingConfig(epochs=3, small_share=0.5)
        sizes = [ic.epoch_images(fitted, config, epoch)[0].shape for epoch in range(3)]
        assert sizes == [(30, 24, 24, 3), (30, 24, 24, 3), (30, 32, 32, 3)]
        first, again, other = (ic.epoch_images(fitted, config, epoch) for epoch in (1, 1, 0))
        np.testing.assert_array_equal(first[0], again[0])
        assert (first[1] != other[1]).any()
        assert Counter(first[1].argmax(axis=1).tolist()) == dict.fromkeys(range(10), 3)

    def test_sources_are_drawn_evenly(self) -> None:
        # No person: 20 photos of one source, 4 of another; person: 24 of one.
        names = [f"train/no_person/a{i}.jpg" for i in range(20)]
        names += [f"train/no_person/b{i}.jpg" for i in range(4)]
        names += [f"train/person/c{i}.jpg" for i in range(24)]
        fitted = image_set(names, side=8)
        fitted.images[:] = np.arange(48)[:, None, None, None]
        index = {name: vww.Origin(name.split("/")[2][0]) for name in names}
        grouped = vww.groups(fitted, index)
        assert [[len(group) for group in of_class] for of_class in grouped] == [[20, 4], [24]]
        plain = replace(
            vww.TrainingConfig(epochs=2, small_share=1.0),
            brightness=0,
            contrast=0,
            saturation=0,
            tint=0,
            grey_probability=0,
        )
        images, targets = vww.epoch_images(fitted, grouped, plain, 0)
        assert images.shape == (48, 64, 64, 3)
        drawn = Counter(images[:, 0, 0, 0].tolist())
        assert {drawn[i] for i in range(20, 24)} == {3}
        assert sum(drawn[i] for i in range(20)) == 12
        assert {drawn[i] for i in range(24, 48)} == {1}
        assert targets.sum(axis=0).tolist() == [24, 24]
        assert vww.epoch_images(fitted, grouped, plain, 1)[0].shape == (48, 64, 64, 3)
        assert vww.epoch_images(fitted, grouped, replace(plain, epochs=1, small_share=0.0), 0)[0].shape == (
            48,
            96,
            96,
            3,
        )

    def test_the_index_is_optional_and_its_faults_are_named(self, tmp_path: Path) -> None:
        assert vww.read_index(tmp_path) == {}
        path = tmp_path / "index.csv"
        path.write_text("split,label,source,file,dog\ntest,person,flickr8k,a.jpg,1\n")
        assert vww.read_index(tmp_path) == {"test/person/a.jpg": vww.Origin("flickr8k", True)}
        path.write_text("split,label,file\ntest,person,a.jpg\n")
        with pytest.raises(DataError, match="has no column 'source'"):
            vww.read_index(tmp_path)
        path.write_bytes(b"split,label\n\xff\xfe\n")
        with pytest.raises(DataError, match=r"index\.csv"):
            vww.read_index(tmp_path)


@pytest.fixture
def cifar_like(tmp_path: Path) -> Path:
    """Ten colours in 32 x 32 tiles: learnable, and quick."""
    folder = tmp_path / "data"
    folder.mkdir()
    for part, seed in (("train", 0), ("test", 1)):
        for number, label in enumerate(LABELS):
            base = np.array([number * 25, 255 - number * 25, (number % 3) * 120])
            pixels = base + np.random.default_rng(seed).integers(-20, 20, (64, 320, 3))
            write(folder / f"{part}_{label}.png", np.clip(pixels, 0, 255).astype(np.uint8))
    return folder


@pytest.fixture
def vww_like(tmp_path: Path) -> Path:
    """Dark and bright photos, from two sources, one of them with dogs."""
    folder = tmp_path / "data"
    rows = ["split,label,source,file,dog"]
    for part in ("train", "val", "test", "coco128"):
        for number, label in enumerate(vww.LABELS):
            for i in range(6):
                pixels = np.random.default_rng(i).integers(0, 100, (96, 96, 3)) + 150 * number
                write(folder / part / label / f"{i}.png", pixels.astype(np.uint8))
                rows.append(f"{part},{label},{'ab'[i % 2]},{i}.png,{i % 2}")
    (folder / "index.csv").write_text("\n".join(rows) + "\n")
    return folder


@needs_tensorflow
@pytest.mark.filterwarnings("ignore")
class TestTrain:
    def check(self, out: Path, official: Path, title: str) -> dict[str, Any]:
        """The files of a run agree with each other, and the model is like MLPerf Tiny's."""
        card = tomllib.loads((out / "model.toml").read_text())
        model = Model.load(out / card["file"])
        assert (card["sha256"], card["title"]) == (model.sha256, title)
        theirs = Model.load(official)
        assert card["operators"] == [operator.kind for operator in theirs.operators]
        assert (card["macs"], card["parameters"]) == (theirs.macs, theirs.parameters)
        assert (model.input.zero_point, card["flash_bytes"]) == (-128, (out / card["file"]).stat().st_size)
        assert card["arena_bytes"] > 10_000
        assert b"<svg" in (out / "confusion.svg").read_bytes()
        return card

    def test_image_classification(self, cifar_like: Path, tmp_path: Path, shared_data: Path) -> None:
        out = tmp_path / "out"
        config = ic.TrainingConfig(epochs=2, small_share=0.5, batch_size=16, calibration_per_class=3)
        result = ic.train(cifar_like, out, config)
        self.check(
            out,
            shared_data / "mlperf_models/pretrainedResnet_quant.tflite",
            "Image classification ResNet-8, int8",
        )
        assert [(s.data, s.precision, s.samples) for s in result.scores] == [
            ("val", "float32", 10),
            ("val", "int8", 10),
            ("test", "float32", 200),
            ("test", "int8", 200),
        ]
        assert len((out / "calibration.txt").read_text().split()) == 30
        saved = json.loads((out / "scores.json").read_text())
        assert sum(map(sum, saved[-1]["confusion"])) == 200
        before = result.model_path.read_bytes()
        assert ic.train(cifar_like, out, config).model_path.read_bytes() == before
        with pytest.raises(DataError, match="another configuration"):
            ic.train(cifar_like, out, replace(config, seed=2))

    def test_visual_wake_words(self, vww_like: Path, tmp_path: Path, shared_data: Path) -> None:
        out = tmp_path / "out"
        config = vww.TrainingConfig(epochs=1, small_share=0.0, batch_size=6, calibration_per_class=3)
        result = vww.train(vww_like, out, config)
        self.check(
            out, shared_data / "mlperf_models/vww_96_int8.tflite", "Visual wake words MobileNetV1 0.25, int8"
        )
        assert {(s.data, s.samples) for s in result.scores} == {
            ("val", 12),
            ("test", 12),
            ("test a", 6),
            ("test b", 6),
            ("test with dogs", 6),
            ("coco128", 12),
        }


def test_the_command_says_which_data_it_wants(tmp_path: Path) -> None:
    for recipe, expected in (("ic", "python batches"), ("vww", "person and no_person"), ("kws", "clips")):
        shown = CliRunner().invoke(command, [recipe, "--help"])
        assert shown.exit_code == 0
        assert expected in " ".join(shown.output.split())
    missing = CliRunner().invoke(command, ["ic", "--data", str(tmp_path / "no"), "--out", str(tmp_path)])
    assert missing.exit_code == 2
