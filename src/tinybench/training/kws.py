"""Trains the keyword spotting reference model: the DS-CNN of MLPerf Tiny, quantised to int8.

The network is that of mlcommons/tiny (benchmark/training/keyword_spotting/keras_model.py, after Zhang et
al., "Hello Edge", 2017), so that its int8 file has the operators and shapes of ``kws_ref_model.tflite`` and
takes the same time on a device. The recipe around it is this project's own: augmentation on the waveform,
synthetic voices beside the recorded ones, balanced classes, cosine learning rate, choice of the epoch by
balanced validation accuracy.

TensorFlow (extra ``train``) is imported inside the functions.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybench.datasets.kws import FEATURE_SHAPE, LABELS, quantize
from tinybench.training.augmentation import mixup, time_mask
from tinybench.training.export import calibration_indices
from tinybench.training.features import FeatureSet, augmented_features, clean_features
from tinybench.training.fitting import Floats, Recipe, fit, predict, tensorflow
from tinybench.training.release import EvaluationSet, Kind, TrainingResult, release
from tinybench.training.speakers import has_test_speakers

__all__ = ["KIND", "TrainingConfig", "build_model", "epoch_batch", "train"]

KIND = Kind("kws", "kws_dscnn_int8.tflite", "Keyword spotting DS-CNN, int8", LABELS, quantize)
CRITERION = "val_balanced"
"""What chooses the epoch: validation accuracy, averaged over the classes."""
DATA_NAMES = {
    "val": "speech-commands-custom val",
    "test": "speech-commands-custom test",
    "smoke": "tinybench kws smoke (synthetic voices)",
}


@dataclass(frozen=True)
class TrainingConfig(Recipe):
    """Every choice of the recipe; written to ``history.json`` next to the model."""

    epochs: int = 110
    seed: int = 1
    versions: int = 20
    """Versions of each clip: itself and augmented ones."""
    batch_size: int = 128
    peak_learning_rate: float = 3e-3
    warmup_epochs: int = 3
    weight_decay: float = 1e-4
    """L2 on convolution kernels, as in MLPerf Tiny."""
    dropout: tuple[float, float] = (0.05, 0.1)
    """After the first convolution and before pooling; MLPerf Tiny has 0.2, 0.4. Not in the .tflite."""
    label_smoothing: float = 0.05
    mixup_alpha: float = 0.4
    mixup_probability: float = 0.5
    mask_probability: float = 0.4
    mask_frames: int = 8
    keyword_samples: int = 1000
    """Drawn per epoch and keyword."""
    silence_samples: int = 700
    unknown_samples: int = 2400
    synthetic_share: float = 0.25
    """Part of the draws of each class that comes from synthetic voices, where there are any."""
    calibration_per_class: int = 20
    filters: int = 64
    teacher_filters: int = 128
    """Width of a larger network of the same kind that is trained first; 0 for none."""
    teacher_epochs: int = 36
    teacher_dropout: tuple[float, float] = (0.1, 0.4)
    teacher_weight: float = 0.8
    """Part of the target that is the teacher's answer to the same features (Hinton et al., 2015)."""


def build_model(config: TrainingConfig) -> Any:
    """The DS-CNN, input (n, 49, 10, 1) float MFCC, output (n, 12) probabilities; a Keras model."""
    keras = tensorflow().keras
    layers, decay = keras.layers, config.weight_decay

    def regulariser() -> Any:
        return keras.regularizers.L2(decay)

    inputs = keras.Input((*FEATURE_SHAPE, 1))
    x = layers.Conv2D(
        config.filters, (10, 4), strides=(2, 2), padding="same", kernel_regularizer=regulariser()
    )(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Dropout(config.dropout[0])(x)
    for _ in range(4):
        x = layers.DepthwiseConv2D((3, 3), padding="same", depthwise_regularizer=regulariser())(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(config.filters, (1, 1), padding="same", kernel_regularizer=regulariser())(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Dropout(config.dropout[1])(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(len(LABELS), activation="softmax")(x), name="kws_dscnn")


def epoch_batch(
    real: FeatureSet, synthetic: FeatureSet | None, config: TrainingConfig, epoch: int
) -> tuple[Floats, Floats]:
    """Draw, mask and mix the samples of one epoch.

    The draw depends on the seed and the epoch only, so a resumed run sees what an uninterrupted one would
    have.

    Returns:
        Features (n, 49, 10, 1) and targets (n, 12) with label smoothing and mixup applied, shuffled.
    """
    rng = np.random.default_rng([config.seed, epoch])
    values: list[Floats] = []
    labels: list[NDArray[np.int64]] = []
    for label, name in enumerate(LABELS):
        wanted = {"silence": config.silence_samples, "unknown": config.unknown_samples}.get(
            name, config.keyword_samples
        )
        for source, count in _shares(real, synthetic, label, wanted, config.synthetic_share):
            clips = np.flatnonzero(source.labels == label)
            # Whole permutations of the clips, so that each is drawn about equally often.
            rounds = [rng.permutation(clips) for _ in range(-(-count // clips.shape[0]))]
            drawn = np.concatenate(rounds)[:count]
            versions = rng.integers(source.values.shape[1], size=count)
            values.append(source.values[drawn, versions].astype(np.float32))
            labels.append(np.full(count, label))
    order = rng.permutation(sum(part.shape[0] for part in labels))
    x = np.concatenate(values)[order]
    targets = np.eye(len(LABELS), dtype=np.float32)[np.concatenate(labels)[order]]
    targets = targets * (1 - config.label_smoothing) + np.float32(config.label_smoothing / len(LABELS))
    x = time_mask(x, rng, probability=config.mask_probability, longest_frames=config.mask_frames)
    x, targets = mixup(x, targets, rng, alpha=config.mixup_alpha, probability=config.mixup_probability)
    return x[..., None], targets


def _shares(
    real: FeatureSet, synthetic: FeatureSet | None, label: int, wanted: int, share: float
) -> Iterator[tuple[FeatureSet, int]]:
    made = 0
    if synthetic is not None and np.any(synthetic.labels == label):
        made = round(wanted * share)
        yield synthetic, made
    yield real, wanted - made


def train(
    data_dir: Path,
    out_dir: Path,
    config: TrainingConfig | None = None,
    *,
    synthetic_dir: Path | None = None,
    smoke_dir: Path | None = None,
) -> TrainingResult:
    """Train, choose the epoch by balanced validation accuracy, quantise and measure.

    ``data_dir`` holds ``train``, ``val`` and ``test`` (each ``<label>/<file>``) and ``background_noise``.
    ``synthetic_dir`` is what ``python -m tinybench.training.synthesis --set train`` wrote. ``out_dir``
    receives ``kws_dscnn_int8.tflite``, ``model.toml``, ``scores.json``, ``history.json``,
    ``calibration.txt`` and, under ``work``, caches and the checkpoint from which a stopped run goes on.
    Test and smoke clips are only measured, after the choice.

    Raises:
        DataError: a folder is missing or broken, or the checkpoint is of another configuration.
    """
    config = config or TrainingConfig()
    work = out_dir / "work"
    work.mkdir(parents=True, exist_ok=True)
    noise_dir = data_dir / "background_noise"
    options = {"versions": config.versions, "seed": config.seed, "workers": os.cpu_count() or 1}
    real = augmented_features(data_dir / "train", noise_dir, work / "cache", **options)
    synthetic = None
    if synthetic_dir is not None:
        synthetic = augmented_features(synthetic_dir, noise_dir, work / "cache", **options)
    validation = clean_features(data_dir / "val")

    teacher = None
    if config.teacher_filters:
        larger = replace(
            config,
            filters=config.teacher_filters,
            dropout=config.teacher_dropout,
            epochs=config.teacher_epochs,
            teacher_filters=0,
        )
        teacher, _ = _fit(real, synthetic, validation, larger, work / "teacher", None)
    network, history = _fit(real, synthetic, validation, config, work, teacher)
    chosen = calibration_indices(real.labels, LABELS, config.calibration_per_class)
    calibration = tuple(real.names[i] for i in chosen), _inputs(real.values[chosen, 0])
    sets = []
    folders = {"val": data_dir / "val", "test": data_dir / "test"} | (
        {"smoke": smoke_dir} if smoke_dir else {}
    )
    for name, folder in folders.items():
        clips = validation if name == "val" else clean_features(folder)
        sets.append(EvaluationSet(name, DATA_NAMES[name], _inputs(clips.values[:, 0]), clips.labels))
    provenance: dict[str, str | bool] = {
        "recipe": "tinybench train kws (tinybench.training.kws, tinybench.training.synthesis)",
        "data": f"{real.labels.shape[0]} recorded and "
        f"{0 if synthetic is None else synthetic.labels.shape[0]} synthetic training clips",
        "calibration": f"{chosen.shape[0]} unchanged training clips, {config.calibration_per_class} per "
        "class, named in calibration.txt",
        "seen_official_test": has_test_speakers((*real.names, *validation.names)),
    }
    return release(KIND, config, network, history, CRITERION, calibration, sets, "test", provenance, out_dir)


def _fit(
    real: FeatureSet,
    synthetic: FeatureSet | None,
    validation: FeatureSet,
    config: TrainingConfig,
    work: Path,
    teacher: Any,
) -> tuple[Any, list[dict[str, Any]]]:
    """Train one network, or go on with it; returns the one of the best epoch and the history of all."""
    val_inputs = _inputs(validation.values[:, 0])

    def epoch_data(epoch: int) -> tuple[Floats, Floats]:
        x, targets = epoch_batch(real, synthetic, config, epoch)
        if teacher is not None:
            answers = predict(teacher, x)
            targets = targets * (1 - config.teacher_weight) + answers * np.float32(config.teacher_weight)
        return x, targets

    def validate(model: Any) -> dict[str, float]:
        predicted = predict(model, val_inputs).argmax(axis=1)
        return {
            "val_top1": float(np.mean(predicted == validation.labels)),
            CRITERION: _balanced(predicted, validation.labels),
        }

    return fit(config, work, lambda: _compiled(config), epoch_data, lambda x: x, validate, CRITERION)


def _inputs(values: NDArray[np.floating]) -> Floats:
    return values.astype(np.float32)[..., None]


def _compiled(config: TrainingConfig) -> Any:
    keras = tensorflow().keras
    model = build_model(config)
    model.compile(
        optimizer=keras.optimizers.Adam(config.peak_learning_rate),
        loss=keras.losses.CategoricalCrossentropy(),
    )
    return model


def _balanced(predicted: NDArray[np.int64], labels: NDArray[np.int64]) -> float:
    return float(np.mean([np.mean(predicted[labels == label] == label) for label in np.unique(labels)]))
