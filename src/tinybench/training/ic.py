"""Trains the image classification reference model: the ResNet-8 of MLPerf Tiny, quantised to int8.

The network is that of mlcommons/tiny (benchmark/training/image_classification/keras_model.py,
``resnet_v1_eembc``), so that its int8 file has the operators and shapes of ``pretrainedResnet_quant.tflite``
and takes the same time on a device. The recipe is this project's own and short: shifts and mirroring, SGD
with a cosine learning rate, smaller squares first.

TensorFlow (extra ``train``) is imported inside the functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybench.datasets.ic import IMAGE_SHAPE, LABELS, features, load, quantize, scan
from tinybench.errors import DataError
from tinybench.training.export import calibration_indices
from tinybench.training.fitting import Floats, tensorflow
from tinybench.training.image_augmentation import crop_and_flip
from tinybench.training.image_recipe import CRITERION, HELD_OUT_EVERY, ImageRecipe, fit_images
from tinybench.training.image_sets import ImageSet, read_images, read_mosaics
from tinybench.training.release import EvaluationSet, Kind, TrainingResult, release

__all__ = ["KIND", "TrainingConfig", "build_model", "read", "split", "train"]

KIND = Kind("ic", "ic_resnet8_int8.tflite", "Image classification ResNet-8, int8", LABELS, quantize)
SIDE = IMAGE_SHAPE[0]


@dataclass(frozen=True)
class TrainingConfig(ImageRecipe):
    """Every choice of the recipe; written to ``history.json`` next to the model."""

    epochs: int = 48
    restarts: tuple[tuple[int, float], ...] = ((26, 0.04),)
    small_share: float = 0.35
    small_side: int = 24
    weight_decay: float = 1e-4
    """As in MLPerf Tiny."""
    shift_pixels: int = 4
    calibration_per_class: int = 20


def build_model(config: TrainingConfig) -> Any:
    """ResNet-8: pixels (n, side, side, 3) from 0 to 255 in, (n, 10) probabilities out; a Keras model."""
    keras = tensorflow().keras
    layers = keras.layers

    def convolution(x: Any, filters: int, size: int, stride: int) -> Any:
        return layers.Conv2D(
            filters,
            size,
            strides=stride,
            padding="same",
            kernel_initializer="he_normal",
            kernel_regularizer=keras.regularizers.L2(config.weight_decay),
        )(x)

    inputs = keras.Input((None, None, 3))
    x = layers.ReLU()(layers.BatchNormalization()(convolution(inputs, 16, 3, 1)))
    for filters, stride in ((16, 1), (32, 2), (64, 2)):
        y = layers.ReLU()(layers.BatchNormalization()(convolution(x, filters, 3, stride)))
        y = layers.BatchNormalization()(convolution(y, filters, 3, 1))
        if stride != 1:
            x = convolution(x, filters, 1, stride)
        x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.GlobalAveragePooling2D()(x)
    outputs = layers.Dense(len(LABELS), activation="softmax", kernel_initializer="he_normal")(x)
    return keras.Model(inputs, outputs, name="ic_resnet8")


def read(data_dir: Path) -> tuple[ImageSet, ImageSet]:
    """Training and test images, from one of three layouts.

    - the python batches of CIFAR-10 (``data_batch_1`` to ``data_batch_5``, ``test_batch``),
    - ``train/<class>/<file>`` and ``test/<class>/<file>``, images of 32 x 32 pixels,
    - class mosaics: ``train_<class>.<suffix>`` and ``test_<class>.<suffix>``, grids of 32 x 32 tiles.

    Raises:
        DataError: none of these is there, or something in it is broken.
    """
    if (data_dir / "train").is_dir():
        train, test = (data_dir / part for part in ("train", "test"))
        return (
            read_images(train, scan(train), load, "train/"),
            read_images(test, scan(test), load, "test/"),
        )
    if (data_dir / "test_batch").is_file():
        samples = scan(data_dir)
        of_test = [sample for sample in samples if sample.file == "test_batch"]
        of_train = [sample for sample in samples if sample.file != "test_batch"]
        return read_images(data_dir, of_train, load), read_images(data_dir, of_test, load)
    if any(data_dir.glob("train_*")):
        return (
            read_mosaics(data_dir, "train", LABELS, SIDE),
            read_mosaics(data_dir, "test", LABELS, SIDE),
        )
    raise DataError(
        f"{data_dir}: no CIFAR-10 in it",
        hint="expected test_batch and data_batch_1 to 5, or train/<class>, or train_<class>.png",
    )


def split(images: ImageSet) -> tuple[ImageSet, ImageSet]:
    """What is trained on, and every twentieth image, which is held out for the choice of the epoch."""
    held_out = np.arange(len(images)) % HELD_OUT_EVERY == 0
    return images[~held_out], images[held_out]


def epoch_images(fitted: ImageSet, config: TrainingConfig, epoch: int) -> tuple[NDArray[np.uint8], Floats]:
    """Images (n, side, side, 3) and targets (n, 10) of an epoch: shuffled, shifted, mirrored.

    The draw depends on the seed and the epoch only.
    """
    rng = np.random.default_rng([config.seed, epoch])
    order = rng.permutation(len(fitted))
    side, margin = (config.small_side, 0) if config.is_small(epoch) else (SIDE, config.shift_pixels)
    targets = np.eye(len(LABELS), dtype=np.float32)[fitted.labels[order]]
    return crop_and_flip(fitted.images[order], rng, side=side, margin=margin), targets


def train(data_dir: Path, out_dir: Path, config: TrainingConfig | None = None) -> TrainingResult:
    """Train, choose the epoch by accuracy on the held-out images, quantise and measure.

    ``data_dir`` is read by :func:`read`. ``out_dir`` receives what
    :func:`tinybench.training.release.release` writes and, under ``work``, the checkpoint from which a stopped
    run goes on. Test images are only measured, after the choice.

    Raises:
        DataError: the data are missing or broken, or the checkpoint is of another configuration.
    """
    config = config or TrainingConfig()
    images, test = read(data_dir)
    fitted, validation = split(images)
    chosen = calibration_indices(fitted.labels, LABELS, config.calibration_per_class)
    calibration = fitted[chosen]
    val = EvaluationSet("val", "cifar-10 held out of train", _inputs(validation.images), validation.labels)
    network, history = fit_images(
        config,
        out_dir / "work",
        lambda: build_model(config),
        lambda epoch: epoch_images(fitted, config, epoch),
        _inputs,
        val,
    )
    sets = (
        val,
        EvaluationSet("test", "cifar-10 test", _inputs(test.images), test.labels),
    )
    provenance: dict[str, str | bool] = {
        "recipe": "tinybench train ic (tinybench.training.ic)",
        "data": f"{len(fitted)} training images of CIFAR-10, {len(validation)} held out of them",
        "calibration": f"{len(calibration)} unchanged training images, {config.calibration_per_class} per "
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


def _inputs(images: NDArray[np.uint8]) -> Floats:
    return features(images)[:, 0]
