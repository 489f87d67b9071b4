"""Trains the visual wake words reference model: the MobileNetV1 0.25 of MLPerf Tiny, quantised to int8.

The network is that of mlcommons/tiny (benchmark/training/visual_wake_words/vww_model.py), so that its int8
file has the operators and shapes of ``vww_96_int8.tflite`` and takes the same time on a device. The recipe is
this project's own: random parts and colours of the images, sources drawn evenly, SGD with a cosine learning
rate, smaller images first.

TensorFlow (extra ``train``) is imported inside the functions.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybench import content
from tinybench.datasets.names import read_names
from tinybench.datasets.vww import IMAGE_SHAPE, LABELS, features, load, quantize, scan
from tinybench.errors import DataError
from tinybench.training.export import calibration_indices
from tinybench.training.fitting import Floats, tensorflow
from tinybench.training.image_augmentation import colour_jitter, random_resized_crop
from tinybench.training.image_recipe import CRITERION, HELD_OUT_EVERY, ImageRecipe, fit_images
from tinybench.training.image_sets import ImageSet, read_images
from tinybench.training.release import EvaluationSet, Kind, TrainingResult, release

__all__ = [
    "KIND",
    "Origin",
    "TrainingConfig",
    "build_model",
    "epoch_images",
    "groups",
    "read",
    "read_index",
    "train",
]

KIND = Kind(
    "vww", "vww_mobilenetv1_int8.tflite", "Visual wake words MobileNetV1 0.25, int8", LABELS, quantize
)
OFFICIAL_NAMES = "vww/official.txt"
INDEX = "index.csv"
OUT_OF_DOMAIN = "coco128"
_BLOCKS = ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *((128, 1),) * 5, (256, 2), (256, 1))
"""Filters and stride of each pair of depthwise and pointwise convolution: MobileNetV1 with a quarter of the
filters (Howard et al., 2017, table 1)."""


@dataclass(frozen=True)
class TrainingConfig(ImageRecipe):
    """Every choice of the recipe; written to ``history.json`` next to the model."""

    epochs: int = 76
    restarts: tuple[tuple[int, float], ...] = ((60, 0.05),)
    small_share: float = 0.52
    small_side: int = 64
    batch_size: int = 64
    weight_decay: float = 2e-4
    label_smoothing: float = 0.1
    least_area: float = 0.35
    largest_aspect: float = 1.33
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.5
    tint: float = 0.1
    grey_probability: float = 0.1
    calibration_per_class: int = 100


@dataclass(frozen=True)
class Origin:
    """What the index says of an image."""

    source: str = ""
    dog: bool = False
    """A dog is in it: what most easily passes for a person."""


def build_model(config: TrainingConfig) -> Any:
    """MobileNetV1 0.25: pixels (n, side, side, 3) from 0 to 1 in, (n, 2) probabilities out; a Keras model."""
    keras = tensorflow().keras
    layers = keras.layers

    def convolution(x: Any, filters: int, size: int, stride: int) -> Any:
        x = layers.Conv2D(
            filters,
            size,
            strides=stride,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            kernel_regularizer=keras.regularizers.L2(config.weight_decay),
        )(x)
        return layers.ReLU()(layers.BatchNormalization()(x))

    inputs = keras.Input((None, None, 3))
    x = convolution(inputs, 8, 3, 2)
    for filters, stride in _BLOCKS:
        x = layers.DepthwiseConv2D(
            3, strides=stride, padding="same", use_bias=False, depthwise_initializer="he_normal"
        )(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = convolution(x, filters, 1, 1)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(len(LABELS), activation="softmax")(x), name="vww_mobilenetv1")


def read_index(data_dir: Path) -> dict[str, Origin]:
    """Origin of each image by ``<split>/<label>/<file>``, from ``index.csv`` (columns split, label, file,
    source, dog); empty if there is no such file.

    Raises:
        DataError: the file is damaged or lacks a column.
    """
    path = data_dir / INDEX
    if not path.is_file():
        return {}
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            return {
                f"{row['split']}/{row['label']}/{row['file']}": Origin(row["source"], row["dog"] == "1")
                for row in csv.DictReader(handle, strict=True)
            }
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: {error}", hint="correct or remove it") from error
    except KeyError as error:
        raise DataError(f"{path}: has no column {error}", hint="correct or remove it") from None


def read(data_dir: Path) -> tuple[ImageSet, ImageSet, ImageSet]:
    """Training, validation and test images, from one of two layouts, all of 96 x 96 pixels.

    - ``train``, ``val`` and ``test``, each ``<label>/<file>``,
    - the official archive as it is unpacked, ``person`` and ``non_person``: test images are those of the
      official split; every twentieth of the others is held out for validation.

    Raises:
        DataError: a folder is missing or broken, or not all of the official split is there.
    """
    if not (data_dir / "person").is_dir():
        train, val, test = (_read(data_dir, part) for part in ("train", "val", "test"))
        return train, val, test
    samples = scan(data_dir)
    official = {_image_id(name) for name in read_names(content.tasks_dir() / OFFICIAL_NAMES)}
    of_test = [sample for sample in samples if _image_id(sample.name) in official]
    if len(of_test) != len(official):
        raise DataError(
            f"{data_dir}: holds {len(of_test)} of the {len(official)} images of the official split",
            hint="expected the official archive as it is unpacked, or folders train, val and test",
        )
    others = [sample for sample in samples if _image_id(sample.name) not in official]
    held_out = others[::HELD_OUT_EVERY]
    fitted = [sample for number, sample in enumerate(others) if number % HELD_OUT_EVERY]
    return (
        read_images(data_dir, fitted, load),
        read_images(data_dir, held_out, load),
        read_images(data_dir, of_test, load),
    )


def groups(images: ImageSet, index: Mapping[str, Origin]) -> list[list[NDArray[np.int64]]]:
    """Indices of the images, by class and within it by source, sorted by the source's name."""
    sources = np.array([index.get(name, Origin()).source for name in images.names])
    return [
        [
            np.flatnonzero((images.labels == label) & (sources == source))
            for source in sorted(set(sources[images.labels == label].tolist()))
        ]
        for label in range(len(LABELS))
    ]


def epoch_images(
    fitted: ImageSet, grouped: list[list[NDArray[np.int64]]], config: TrainingConfig, epoch: int
) -> tuple[NDArray[np.uint8], Floats]:
    """Images (n, side, side, 3) and targets (n, 2) of an epoch: half of each class, as many of each source
    within it, shuffled, cut, mirrored and coloured.

    A source that shows one class only would give the class away; drawn evenly, the rarer ones count. The draw
    depends on the seed and the epoch only.
    """
    rng = np.random.default_rng([config.seed, epoch])
    drawn = []
    for of_class in grouped:
        for group in of_class:
            count = len(fitted) // (len(grouped) * len(of_class))
            # Whole permutations of the images, so that each is drawn about equally often.
            rounds = [rng.permutation(group) for _ in range(-(-count // group.shape[0]))]
            drawn.append(np.concatenate(rounds)[:count])
    order = rng.permutation(np.concatenate(drawn))
    images = random_resized_crop(
        fitted.images[order],
        rng,
        side=config.small_side if config.is_small(epoch) else IMAGE_SHAPE[0],
        least_area=config.least_area,
        largest_aspect=config.largest_aspect,
    )
    images = colour_jitter(
        images,
        rng,
        brightness=config.brightness,
        contrast=config.contrast,
        saturation=config.saturation,
        tint=config.tint,
        grey_probability=config.grey_probability,
    )
    return images, np.eye(len(LABELS), dtype=np.float32)[fitted.labels[order]]


def train(data_dir: Path, out_dir: Path, config: TrainingConfig | None = None) -> TrainingResult:
    """Train, choose the epoch by validation accuracy, quantise and measure.

    ``data_dir`` is read by :func:`read`. If there are such, ``index.csv`` (see :func:`read_index`) adds
    scores by source, and ``coco128/<label>/<file>`` is a test on other photos. ``out_dir`` receives what
    :func:`tinybench.training.release.release` writes and, under ``work``, the checkpoint from which a stopped
    run goes on. Test images are only measured, after the choice.

    Raises:
        DataError: a folder is missing or broken, or the checkpoint is of another configuration.
    """
    config = config or TrainingConfig()
    fitted, validation, test = read(data_dir)
    index = read_index(data_dir)
    grouped = groups(fitted, index)
    calibration = fitted[calibration_indices(fitted.labels, LABELS, config.calibration_per_class)]
    val = EvaluationSet("val", "vww stand-in val", _inputs(validation.images), validation.labels)
    network, history = fit_images(
        config,
        out_dir / "work",
        lambda: build_model(config),
        lambda epoch: epoch_images(fitted, grouped, config, epoch),
        _inputs,
        val,
        label_smoothing=config.label_smoothing,
    )
    sets = [
        val,
        EvaluationSet("test", "vww stand-in test", _inputs(test.images), test.labels, _parts(test, index)),
    ]
    if (data_dir / OUT_OF_DOMAIN).is_dir():
        other = _read(data_dir, OUT_OF_DOMAIN)
        sets.append(EvaluationSet(OUT_OF_DOMAIN, OUT_OF_DOMAIN, _inputs(other.images), other.labels))
    provenance: dict[str, str | bool] = {
        "recipe": "tinybench train vww (tinybench.training.vww)",
        "data": f"{len(fitted)} training and {len(validation)} validation photos",
        "calibration": f"{len(calibration)} unchanged training photos, {config.calibration_per_class} per "
        "class, named in calibration.txt",
        "seen_official_test": False,
    }
    return release(
        KIND,
        config,
        network,
        history,
        CRITERION,
        (calibration.names, _inputs(calibration.images)),
        sets,
        "test",
        provenance,
        out_dir,
    )


def _read(data_dir: Path, part: str) -> ImageSet:
    return read_images(data_dir / part, scan(data_dir / part), load, f"{part}/")


def _image_id(name: str) -> str:
    """``person/COCO_val2014_000000000724.jpg``, or without the beginning, to ``000000000724``."""
    return PurePosixPath(name).stem.rpartition("_")[2]


def _parts(images: ImageSet, index: Mapping[str, Origin]) -> dict[str, NDArray[np.bool_]]:
    """Each source, and the images with dogs."""
    origins = [index.get(name, Origin()) for name in images.names]
    sources = sorted({origin.source for origin in origins} - {""})
    parts = {source: np.array([origin.source == source for origin in origins]) for source in sources}
    dogs = np.array([origin.dog for origin in origins])
    return parts | ({"with dogs": dogs} if dogs.any() else {})


def _inputs(images: NDArray[np.uint8]) -> Floats:
    return features(images)[:, 0]
