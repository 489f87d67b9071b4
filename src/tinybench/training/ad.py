"""Trains the anomaly detection reference model: the autoencoder of MLPerf Tiny, quantised to int8.

The network is that of mlcommons/tiny (benchmark/training/anomaly_detection/keras_model.py, after the
baseline of DCASE 2020, task 2), so that its int8 file has the operators and shapes of ``ad01_int8.tflite``
and takes the same time on a device. As there, it learns from normal recordings only, to give back windows of
their spectrograms, by Adam and the mean squared error. Other than there, it learns on windows of mean 0 and
variance 1, which then becomes part of its first and last layer; and the epoch is chosen by normal recordings
that it did not learn from.

Real anomalies are judged where the data has them. Where it has few, others are injected into recordings that
took no part in training (:mod:`tinybench.training.anomalies`).

TensorFlow (extra ``train``) is imported inside the functions.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybench.atomic import write_atomically
from tinybench.auc import auc_interval, clip_scores, roc_auc
from tinybench.datasets import ad
from tinybench.datasets.audio import load_audio
from tinybench.errors import DataError
from tinybench.models import Model
from tinybench.runners.tflm import Interpreter
from tinybench.training import anomalies, roc
from tinybench.training.accuracy import Measured
from tinybench.training.card import model_toml
from tinybench.training.export import export_int8
from tinybench.training.fitting import Recipe, best_epoch, fit, predict, tensorflow, write_json

__all__ = [
    "AreaScore",
    "Parts",
    "TrainingConfig",
    "TrainingResult",
    "build_model",
    "in_decibels",
    "injected",
    "split",
    "train",
]

Floats = NDArray[np.float32]
Scores = NDArray[np.float64]
_CRITERION = "val_explained"
_FEW = 10
"""Real anomalies below which their area under the curve says too little to be claimed for a model."""
_TOYCAR = re.compile(r"id_0[1-7]")
"""Machines of ToyCar in DCASE 2020: 1 to 4 in the development set, 5 to 7 in the evaluation set."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingConfig(Recipe):
    """Every choice of the recipe; written to ``history.json`` next to the model."""

    epochs: int = 40
    batch_size: int = 128
    peak_learning_rate: float = 1e-3
    warmup_epochs: int = 1
    windows_per_epoch: int = 20_000
    held_out_share: float = 0.27
    """Of the normal recordings, to measure on: only where there is no folder ``test``."""
    validation_share: float = 0.1
    """Of the normal recordings, to choose the epoch by."""
    calibration_clips: int = 16


@dataclass(frozen=True)
class Parts:
    """Which recording is for what: paths relative to the folder of the data."""

    train: tuple[str, ...]
    val: tuple[str, ...]
    normal: tuple[str, ...]
    """Held out: seen by nothing but the measurement."""
    anomalous: tuple[str, ...]
    """Real anomalies."""


@dataclass(frozen=True)
class AreaScore(Measured):
    """Area under the ROC curve of one set of anomalies against the normal held-out clips.

    ``data`` is ``real``, ``injected <strength>`` for all kinds together, or ``injected <strength> <kind>``.
    ``precision`` may also be ``baseline``: no network, but the distance to the mean training window.
    """

    anomalous: int
    """How many of the samples are anomalous."""


@dataclass(frozen=True)
class TrainingResult:
    """What a run made and measured."""

    model_path: Path
    best_epoch: int
    scores: tuple[AreaScore, ...]
    parts: Parts


def build_model() -> Any:
    """The autoencoder, compiled: windows (n, 640) in and out; a Keras model."""
    keras = tensorflow().keras
    layers = keras.layers
    x = inputs = keras.Input((ad.STACKED * ad.MEL_BANDS,))
    # Named, because Keras numbers layers over the whole process and the names are in the .tflite.
    for number, units in enumerate((128, 128, 128, 128, 8, 128, 128, 128, 128)):
        x = layers.Dense(units, name=f"dense_{number}")(x)
        x = layers.BatchNormalization(name=f"norm_{number}")(x)
        x = layers.ReLU(name=f"relu_{number}")(x)
    model = keras.Model(inputs, layers.Dense(inputs.shape[1], name="output")(x), name="ad_autoencoder")
    model.compile(optimizer=keras.optimizers.Adam(), loss="mse")
    return model


def split(data_dir: Path, config: TrainingConfig) -> Parts:
    """Decide which recordings are learned from, chosen by and measured on; the same for the same names.

    ``data_dir`` is the ``ToyCar`` folder of DCASE 2020, or holds label folders, see
    :func:`tinybench.datasets.ad.scan`. Of the former, ``train`` and ``test`` are what they are called. Of the
    latter, normal recordings are held out for the test, drawn by the seed.

    Raises:
        DataError: there are not enough normal recordings, or anomalous ones among those to learn from.
    """
    official = (data_dir / "train").is_dir()
    clips = ad.scan(data_dir / "train" if official else data_dir)
    names = sorted(f"train/{clip.file}" if official else clip.file for clip in clips if clip.label == 0)
    drawn = [names[i] for i in np.random.default_rng(config.seed).permutation(len(names))]
    tested = ad.scan(data_dir) if official else [clip for clip in clips if clip.label == 1]
    if official:
        if len(names) != len(clips):
            odd = next(clip.file for clip in clips if clip.label == 1)
            raise DataError(
                f"{data_dir / 'train' / odd}: is an anomaly to learn from", hint="move it to test"
            )
        normal = [clip.file for clip in tested if clip.label == 0]
    else:
        held_out = round(config.held_out_share * len(names))
        normal, drawn = sorted(drawn[:held_out]), drawn[held_out:]
    chosen_by = round(config.validation_share * len(names))
    parts = Parts(
        train=tuple(sorted(drawn[chosen_by:])),
        val=tuple(sorted(drawn[:chosen_by])),
        normal=tuple(normal),
        anomalous=tuple(clip.file for clip in tested if clip.label == 1),
    )
    if not (parts.train and parts.val and parts.normal):
        raise DataError(
            f"{data_dir}: {len(names)} normal recordings are too few", hint="at least 10 are needed"
        )
    return parts


def injected(data_dir: Path, names: Sequence[str], seed: int, strength: int) -> Iterator[tuple[str, Floats]]:
    """The recordings with each kind of anomaly in turn: name of the kind, clips (n, 128000).

    Args:
        data_dir: the folder of the data.
        names: of normal recordings, relative to it.
        seed: of everything random.
        strength: index into ``anomalies.STRENGTHS``.

    Raises:
        DataError: a recording is too short to be played faster.
    """
    clips = {name: load_audio(data_dir / name) for name in names}
    for kind in anomalies.KINDS:
        changed = [anomalies.inject(clip, kind, strength, seed, name) for name, clip in clips.items()]
        for name, clip in zip(names, changed, strict=True):
            if clip.shape[0] < ad.CLIP_SAMPLES:
                raise DataError(
                    f"{data_dir / name}: too short to inject anomalies",
                    hint="10 s are enough for the anomaly 'speed'",
                )
        yield kind.name, np.stack([clip[: ad.CLIP_SAMPLES] for clip in changed])


def train(data_dir: Path, out_dir: Path, config: TrainingConfig | None = None) -> TrainingResult:
    """Train, choose the epoch by normal recordings, quantise and measure.

    ``out_dir`` receives ``ad_autoencoder_int8.tflite``, ``model.toml``, ``scores.json``, ``history.json``,
    ``split.json``, ``calibration.txt``, ``roc.svg`` and, under ``work``, the checkpoint from which a stopped
    run goes on. Held-out recordings and anomalies are only measured, after the choice.

    Raises:
        DataError: a folder or recording is missing or broken, or the checkpoint is of another configuration.
    """
    config = config or TrainingConfig()
    tensorflow()
    out_dir.mkdir(parents=True, exist_ok=True)
    parts = split(data_dir, config)
    learned = _log_mel(data_dir, parts.train)
    network, history = _fit(learned, _log_mel(data_dir, parts.val), config, out_dir / "work")

    calibration = np.linspace(
        0, len(parts.train) - 1, min(config.calibration_clips, len(parts.train))
    ).astype(int)
    model_path = out_dir / "ad_autoencoder_int8.tflite"
    write_atomically(model_path, export_int8(network, _flat(ad.windows(learned[calibration]))))
    names = [parts.train[i] for i in calibration]
    write_atomically(out_dir / "calibration.txt", "".join(f"{name}\n" for name in names).encode())
    write_json(out_dir / "split.json", asdict(parts))

    scores, figure = _measure(data_dir, parts, _scorers(network, Model.load(model_path), learned), config)
    best = best_epoch(history, _CRITERION)
    write_json(out_dir / "history.json", {"config": asdict(config), "best_epoch": best, "epochs": history})
    write_json(out_dir / "scores.json", [asdict(score) for score in scores])
    write_atomically(out_dir / "roc.svg", figure)
    write_atomically(out_dir / "model.toml", _model_toml(model_path, parts, scores, names, config).encode())
    return TrainingResult(model_path, best, tuple(scores), parts)


def _log_mel(data_dir: Path, names: Sequence[str]) -> Floats:
    """Spectrograms one by one: the sound of thousands of recordings would not fit into memory."""
    made = [ad.log_mel(ad.load_clip(data_dir / name)[None])[0] for name in names]
    return np.stack(made)


def _flat(windows: Floats) -> Floats:
    return windows.reshape(-1, windows.shape[-1])


def _fit(
    learned: Floats, validation: Floats, config: TrainingConfig, work: Path
) -> tuple[Any, list[dict[str, Any]]]:
    """The network of the best epoch, for windows in decibels, and the history of all."""
    windows, unseen = ad.windows(learned), _flat(ad.windows(validation))
    clips, each = windows.shape[:2]
    mean = _mean_window(learned)
    deviation = float(np.sqrt(np.mean(np.square(_flat(windows) - mean), dtype=np.float64)))
    variance = float(np.var(unseen, axis=0, dtype=np.float64).mean())

    def standard(values: Floats) -> Floats:
        return (values - mean) / np.float32(deviation)

    def epoch_data(epoch: int) -> tuple[Floats, Floats]:
        rng = np.random.default_rng([config.seed, epoch])
        # Whole permutations of the windows, so that each is drawn about equally often.
        rounds = -(-config.windows_per_epoch // (clips * each))
        drawn = np.concatenate([rng.permutation(clips * each) for _ in range(rounds)])
        drawn = drawn[: config.windows_per_epoch]
        batch = standard(windows[drawn // each, drawn % each])
        return batch, batch

    def validate(network: Any) -> dict[str, float]:
        wanted = standard(unseen)
        error = deviation**2 * float(np.mean(np.square(predict(network, wanted) - wanted), dtype=np.float64))
        return {"val_mse": error, _CRITERION: 1 - error / variance}

    network, history = fit(config, work, build_model, epoch_data, lambda batch: batch, validate, _CRITERION)
    return in_decibels(network, mean, deviation), history


def in_decibels(network: Any, mean: Floats, deviation: float) -> Any:
    """The network that does to x what the given one does to (x - mean) / deviation, and back.

    A dense layer is affine: scale and offset become part of the first and the last one.

    Args:
        network: of :func:`build_model`.
        mean: of each element of a window, (640,).
        deviation: one for all elements.
    """
    folded = build_model()
    folded.set_weights(network.get_weights())
    first, last = folded.layers[1], folded.layers[-1]
    kernel, bias = (np.asarray(values, dtype=np.float64) for values in first.get_weights())
    first.set_weights([kernel / deviation, bias - mean @ kernel / deviation])
    kernel, bias = (np.asarray(values, dtype=np.float64) for values in last.get_weights())
    last.set_weights([kernel * deviation, bias * deviation + mean])
    return folded


def _mean_window(spectrograms: Floats) -> Floats:
    return np.tile(spectrograms.mean(axis=(0, 1), dtype=np.float64), ad.STACKED).astype(np.float32)


Scorer = Callable[[Floats], Scores]
"""Windows of recordings (n, 196, 640) to their scores (n,)."""


def _scorers(network: Any, model: Model, learned: Floats) -> dict[str, Scorer]:
    interpreter = Interpreter(model)
    mean = _mean_window(learned)

    def error(windows: Floats, reconstructed: Floats) -> Scores:
        return np.asarray(np.mean(np.square(windows - reconstructed), axis=(1, 2), dtype=np.float64))

    def quantised(windows: Floats) -> Scores:
        inputs = ad.quantize(_flat(windows), model.input.scale, model.input.zero_point)
        return clip_scores(windows, interpreter.run(inputs), model.output.scale, model.output.zero_point)

    return {
        "float32": lambda windows: error(windows, predict(network, _flat(windows)).reshape(windows.shape)),
        "int8": quantised,
        "baseline": lambda windows: error(windows, mean),
    }


def _measure(
    data_dir: Path, parts: Parts, scorers: Mapping[str, Scorer], config: TrainingConfig
) -> tuple[list[AreaScore], bytes]:
    """Every area, and the figure of the int8 model."""
    few = len(parts.anomalous) < _FEW
    sets: dict[str, dict[str, Scores]] = {}
    if parts.anomalous:
        _log.info("measuring on %d real anomalies", len(parts.anomalous))
        windows = ad.windows(_log_mel(data_dir, parts.anomalous))
        sets["real"] = {name: scorer(windows) for name, scorer in scorers.items()}
    for strength, title in enumerate(anomalies.STRENGTHS if few else ()):
        _log.info("measuring on injected anomalies, %s", title)
        kinds = {}
        for kind, clips in injected(data_dir, parts.normal, config.seed, strength):
            windows = ad.features(clips)
            kinds[kind] = {name: scorer(windows) for name, scorer in scorers.items()}
        sets[f"injected {title}"] = {
            name: np.concatenate([scores[name] for scores in kinds.values()]) for name in scorers
        }
        sets |= {f"injected {title} {kind}": scores for kind, scores in kinds.items()}
    windows = ad.windows(_log_mel(data_dir, parts.normal))
    normal = {name: scorer(windows) for name, scorer in scorers.items()}
    areas = [
        _area(data, precision, normal[precision], scores)
        for data, of_scorers in sets.items()
        for precision, scores in of_scorers.items()
    ]
    drawn = [f"injected {title}" for title in anomalies.STRENGTHS] if few else ["real"]
    title = "Anomaly detection, int8"
    return areas, roc.svg(title, normal["int8"], {name: sets[name]["int8"] for name in drawn})


def _area(data: str, precision: str, normal: Scores, anomalous: Scores) -> AreaScore:
    value = roc_auc(normal, anomalous)
    interval = auc_interval(value, len(normal), len(anomalous))
    return AreaScore(data, precision, value, len(normal) + len(anomalous), interval, len(anomalous))


def _model_toml(
    path: Path, parts: Parts, scores: Sequence[AreaScore], calibration: Sequence[str], config: TrainingConfig
) -> str:
    few = len(parts.anomalous) < _FEW
    claimed = [f"injected {title}" for title in anomalies.STRENGTHS] if few else ["real"]
    titles = {name: f"{name} anomalies, {len(parts.normal)} held-out normal clips" for name in claimed}
    provenance: dict[str, str | int | bool] = {
        "recipe": "tinybench train ad (tinybench.training.ad, tinybench.training.anomalies)",
        "tensorflow": tensorflow().__version__,
        "seed": config.seed,
        "data": f"{len(parts.train)} normal recordings, {len(parts.val)} to choose the epoch; see split.json",
        "calibration": f"{len(calibration)} training recordings, named in calibration.txt",
        "seen_official_test": _may_be_official_test((*parts.train, *parts.val)),
    }
    kept = [score for score in scores if score.data in titles and score.precision != "baseline"]
    return model_toml(
        path, kept, titles, provenance, task="ad", title="Anomaly detection autoencoder, int8", metric="auc"
    )


def _may_be_official_test(names: Sequence[str]) -> bool:
    """Whether clips of ToyCar's test folder may be among them: its machines, and not out of ``train``."""
    return any(_TOYCAR.search(name) and not name.startswith("train/") for name in names)
