"""Trains the keyword spotting reference model: the DS-CNN of MLPerf Tiny, quantised to int8.

The network is that of mlcommons/tiny (benchmark/training/keyword_spotting/keras_model.py, after Zhang et
al., "Hello Edge", 2017), so that its int8 file has the operators and shapes of ``kws_ref_model.tflite`` and
takes the same time on a device. The recipe around it is this project's own: augmentation on the waveform,
synthetic voices beside the recorded ones, balanced classes, cosine learning rate, choice of the epoch by
balanced validation accuracy.

TensorFlow (extra ``train``) is imported inside the functions.
"""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybench.datasets.kws import FEATURE_SHAPE, LABELS
from tinybench.errors import DataError, TinybenchError
from tinybench.training.accuracy import Score, score
from tinybench.training.augmentation import mixup, time_mask
from tinybench.training.card import model_toml
from tinybench.training.features import FeatureSet, augmented_features, clean_features
from tinybench.training.speakers import has_test_speakers

__all__ = [
    "TrainingConfig",
    "TrainingResult",
    "build_model",
    "calibration_indices",
    "epoch_batch",
    "export_int8",
    "learning_rate",
    "predict_int8",
    "train",
]

Floats = NDArray[np.float32]
DATA_NAMES = {
    "val": "speech-commands-custom val",
    "test": "speech-commands-custom test",
    "smoke": "tinybench kws smoke (synthetic voices)",
}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingConfig:
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


@dataclass(frozen=True)
class TrainingResult:
    """What a run made and measured."""

    model_path: Path
    best_epoch: int
    scores: tuple[Score, ...]
    calibration: tuple[str, ...]
    """Names of the training clips that set the quantisation ranges."""


def build_model(config: TrainingConfig) -> Any:
    """The DS-CNN, input (n, 49, 10, 1) float MFCC, output (n, 12) probabilities; a Keras model."""
    keras = _tensorflow().keras
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
    x = layers.AveragePooling2D(pool_size=(x.shape[1], x.shape[2]))(x)
    x = layers.Flatten()(x)
    return keras.Model(inputs, layers.Dense(len(LABELS), activation="softmax")(x), name="kws_dscnn")


def learning_rate(config: TrainingConfig, epoch: float) -> float:
    """Linear warm-up, then a cosine from the peak to 1 % of it; ``epoch`` is fractional, from 0."""
    if epoch < config.warmup_epochs:
        return config.peak_learning_rate * (epoch + 1) / (config.warmup_epochs + 1)
    progress = (epoch - config.warmup_epochs) / max(1.0, config.epochs - config.warmup_epochs)
    return config.peak_learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


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


def calibration_indices(labels: NDArray[np.int64], per_class: int) -> NDArray[np.int64]:
    """Indices of the calibration set: ``per_class`` clips of each class, evenly spaced in the sorted list."""
    picked = []
    for label in range(len(LABELS)):
        clips = np.flatnonzero(labels == label)
        if clips.shape[0] == 0:
            raise DataError(f"no clip of class '{LABELS[label]}' to train on", hint="check the train folder")
        picked.append(clips[np.linspace(0, clips.shape[0] - 1, min(per_class, clips.shape[0])).astype(int)])
    return np.concatenate(picked)


def export_int8(model: Any, calibration: Floats) -> bytes:
    """Post-training quantisation to a fully int8 .tflite with a fixed batch of 1.

    Args:
        model: Keras model of :func:`build_model`.
        calibration: features (n, 49, 10) that set the ranges.
    """
    tf = _tensorflow()
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    def forward(x: Any) -> Any:
        for layer in model.layers[1:]:
            # A Flatten of Keras 3 asks for the batch at run time (SHAPE, STRIDED_SLICE, PACK); this does not.
            flatten = isinstance(layer, tf.keras.layers.Flatten)
            x = tf.reshape(x, (-1, layer.output.shape[-1])) if flatten else layer(x, training=False)
        return x

    signature = tf.function(
        forward,
        input_signature=[tf.TensorSpec((None, *FEATURE_SHAPE, 1), tf.float32, name="mfcc")],
    )
    # Variables have to be constants before calibration, which runs the graph without their initialisers.
    frozen = convert_variables_to_constants_v2(signature.get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([x[None, ..., None]] for x in calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    # One scale for the dense layer, as in the MLPerf Tiny model; arm_fully_connected_s8 knows no other.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return _fix_batch(bytes(converter.convert()))


def _fix_batch(content: bytes) -> bytes:
    """Make the batch of a converted model 1 for good.

    Converting with a fixed batch would drop the RESHAPE that the MLPerf Tiny model has; converting with an
    open one and then removing the open dimension from the tensors keeps it. The tensors are stored with
    batch 1 already.
    """
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(content)
    for tensor in model.subgraphs[0].tensors:
        tensor.shapeSignature = None
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def predict_int8(model: bytes, values: NDArray[np.floating]) -> NDArray[np.int64]:
    """Predicted class of each feature map (n, 49, 10), with the TFLite Micro interpreter: shape (n,)."""
    from tflite_micro import runtime

    from tinybench.datasets.kws import quantize

    interpreter = runtime.Interpreter.from_bytes(model)
    details = interpreter.get_input_details(0)
    parameters = details["quantization_parameters"]
    inputs = quantize(values, float(parameters["scales"][0]), int(parameters["zero_points"][0]))
    shape = tuple(details["shape"])
    predicted = np.empty(inputs.shape[0], dtype=np.int64)
    for i, features in enumerate(inputs):
        interpreter.set_input(features.reshape(shape), 0)
        interpreter.invoke()
        predicted[i] = int(np.argmax(interpreter.get_output(0)))
    return predicted


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
    model, history = _fit(real, synthetic, validation, config, work, teacher)
    best = _best(history)
    chosen = calibration_indices(real.labels, config.calibration_per_class)
    calibration = real.values[chosen, 0].astype(np.float32)
    content = export_int8(model, calibration)
    model_path = out_dir / "kws_dscnn_int8.tflite"
    model_path.write_bytes(content)
    names = tuple(real.names[i] for i in chosen)
    (out_dir / "calibration.txt").write_text("".join(f"{name}\n" for name in names))

    scores: list[Score] = []
    sets = {"val": data_dir / "val", "test": data_dir / "test"} | ({"smoke": smoke_dir} if smoke_dir else {})
    for name, folder in sets.items():
        clips = validation if name == "val" else clean_features(folder)
        values = clips.values[:, 0].astype(np.float32)
        scores.append(score(name, "float32", _predict_float(model, clips), clips.labels))
        scores.append(score(name, "int8", predict_int8(content, values), clips.labels))
    _write_json(out_dir / "history.json", {"config": asdict(config), "best_epoch": best, "epochs": history})
    _write_json(out_dir / "scores.json", [asdict(entry) for entry in scores])
    provenance = {
        "recipe": "tinybench train kws (tinybench.training.kws, tinybench.training.synthesis)",
        "tensorflow": _tensorflow().__version__,
        "seed": config.seed,
        "data": f"{real.labels.shape[0]} recorded and "
        f"{0 if synthetic is None else synthetic.labels.shape[0]} synthetic training clips",
        "calibration": f"{len(names)} unchanged training clips, {config.calibration_per_class} per class, "
        "named in calibration.txt",
        "seen_official_test": has_test_speakers((*real.names, *validation.names)),
    }
    (out_dir / "model.toml").write_text(
        model_toml(
            model_path,
            scores,
            DATA_NAMES,
            provenance,
            task="kws",
            title="Keyword spotting DS-CNN, int8",
        )
    )
    return TrainingResult(model_path, best, tuple(scores), names)


def _fit(
    real: FeatureSet,
    synthetic: FeatureSet | None,
    validation: FeatureSet,
    config: TrainingConfig,
    work: Path,
    teacher: Any,
) -> tuple[Any, list[dict[str, Any]]]:
    """Train one network, or go on with it; returns the one of the best epoch and the history of all."""
    keras = _tensorflow().keras
    work.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(config.seed)
    model, history = _resume(work, config)
    for epoch in range(len(history), config.epochs):
        x, targets = epoch_batch(real, synthetic, config, epoch)
        if teacher is not None:
            answers: Floats = np.asarray(teacher.predict(x, batch_size=256, verbose=0))
            targets = targets * (1 - config.teacher_weight) + answers * np.float32(config.teacher_weight)
        loss = _run_epoch(model, x, targets, config, epoch)
        predicted = _predict_float(model, validation)
        entry = {
            "epoch": epoch,
            "loss": loss,
            "val_top1": float(np.mean(predicted == validation.labels)),
            "val_balanced": _balanced(predicted, validation.labels),
        }
        history.append(entry)
        if _best(history) == epoch:
            _save(model, work / "best.keras")
        _save(model, work / "last.keras")
        _write_json(work / "history.json", {"config": asdict(config), "epochs": history})
        _log.info("epoch %(epoch)d loss %(loss).4f val %(val_top1).4f balanced %(val_balanced).4f", entry)
    return keras.models.load_model(work / "best.keras"), history


def _best(history: list[dict[str, Any]]) -> int:
    # The later of two equals: it had the lower learning rate.
    return max(range(len(history)), key=lambda i: (history[i]["val_balanced"], i))


def _tensorflow() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        import tensorflow  # lazy: an extra, slow to import
    except ImportError as error:
        raise TinybenchError(
            "training needs TensorFlow, which is not installed",
            hint="pip install 'tinybench-suite[train]'",
        ) from error
    return tensorflow


def _compile(model: Any, config: TrainingConfig) -> Any:
    keras = _tensorflow().keras
    model.compile(
        optimizer=keras.optimizers.Adam(config.peak_learning_rate),
        loss=keras.losses.CategoricalCrossentropy(),
    )
    return model


def _resume(work: Path, config: TrainingConfig) -> tuple[Any, list[dict[str, Any]]]:
    checkpoint, record = work / "last.keras", work / "history.json"
    if not (checkpoint.is_file() and record.is_file()):
        return _compile(build_model(config), config), []
    saved = json.loads(record.read_text())
    if saved["config"] != json.loads(json.dumps(asdict(config))):
        raise DataError(
            f"{work}: holds a run with another configuration",
            hint="choose another --out, or remove the folder",
        )
    return _tensorflow().keras.models.load_model(checkpoint), saved["epochs"]


def _run_epoch(model: Any, x: Floats, targets: Floats, config: TrainingConfig, epoch: int) -> float:
    steps = x.shape[0] // config.batch_size or 1

    def set_rate(step: int, logs: object = None) -> None:
        model.optimizer.learning_rate.assign(learning_rate(config, epoch + step / steps))

    schedule = _tensorflow().keras.callbacks.LambdaCallback(on_train_batch_begin=set_rate)
    # epoch_batch has shuffled already.
    run = model.fit(x, targets, batch_size=config.batch_size, shuffle=False, verbose=0, callbacks=[schedule])
    return float(run.history["loss"][-1])


def _predict_float(model: Any, clips: FeatureSet) -> NDArray[np.int64]:
    values = clips.values[:, 0].astype(np.float32)[..., None]
    probabilities: Floats = np.asarray(model.predict(values, batch_size=256, verbose=0))
    return np.asarray(np.argmax(probabilities, axis=1), dtype=np.int64)


def _balanced(predicted: NDArray[np.int64], labels: NDArray[np.int64]) -> float:
    return float(np.mean([np.mean(predicted[labels == label] == label) for label in np.unique(labels)]))


def _save(model: Any, path: Path) -> None:
    part = path.with_name(f"part-{path.name}")
    model.save(part)
    part.replace(path)


def _write_json(path: Path, content: object) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(content, indent=1) + "\n")
    part.replace(path)
