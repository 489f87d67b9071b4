"""From a trained network to the files of a reference model: quantised, measured, described."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybench.atomic import write_atomically
from tinybench.models import Model
from tinybench.runners.classify import classify
from tinybench.runners.tflm import Interpreter
from tinybench.training.accuracy import Score, score
from tinybench.training.card import model_toml
from tinybench.training.confusion import svg
from tinybench.training.export import export_int8
from tinybench.training.fitting import Floats, Recipe, best_epoch, predict, tensorflow, write_json

__all__ = ["EvaluationSet", "Kind", "TrainingResult", "predict_int8", "release"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kind:
    """What stays the same between two trainings of one task."""

    task: str
    """Id of the task and of the model."""
    file: str
    """Name of the .tflite file."""
    title: str
    labels: tuple[str, ...]
    quantize: Callable[[NDArray[np.float32], float, int], NDArray[np.int8]]
    """Of the task's front end: features, scale and zero point to int8."""


@dataclass(frozen=True)
class EvaluationSet:
    """Labelled inputs to measure on."""

    name: str
    """``val``, ``test``, ..., as in ``scores.json``."""
    title: str
    """What ``model.toml`` calls it."""
    inputs: Floats
    """Preprocessed, (n, *input shape)."""
    labels: NDArray[np.int64]
    """Class indices, (n,)."""
    parts: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    """Subsets whose accuracy is given too: what they are called, and which samples they hold, (n,)."""


@dataclass(frozen=True)
class TrainingResult:
    """What a run made and measured."""

    model_path: Path
    best_epoch: int
    scores: tuple[Score, ...]
    calibration: tuple[str, ...]
    """Names of the training samples that set the quantisation ranges."""


def predict_int8(
    model: Model,
    inputs: Floats,
    quantize: Callable[[NDArray[np.float32], float, int], NDArray[np.int8]],
) -> NDArray[np.int64]:
    """Predicted class of each preprocessed input, with the TFLite Micro interpreter: shape (n,)."""
    quantized = quantize(inputs, model.input.scale, model.input.zero_point)
    return np.asarray(classify(Interpreter(model), quantized).argmax(axis=1), dtype=np.int64)


def release(
    kind: Kind,
    recipe: Recipe,
    network: Any,
    history: Sequence[Mapping[str, Any]],
    criterion: str,
    calibration: tuple[Sequence[str], Floats],
    sets: Sequence[EvaluationSet],
    drawn: str,
    provenance: Mapping[str, str | bool],
    out_dir: Path,
) -> TrainingResult:
    """Quantise, measure, and write model, ``model.toml``, ``scores.json``, ``history.json``,
    ``calibration.txt`` and ``confusion.svg``.

    Args:
        kind: the task's facts.
        recipe: what the network was trained with.
        network: Keras model of the chosen epoch.
        history: of all epochs.
        criterion: what chose the epoch.
        calibration: names and inputs (n, *input shape) of the samples that set the quantisation ranges.
        sets: what to measure on.
        drawn: name of the set whose confusion matrices are drawn.
        provenance: fields of ``tinybench.specs.Provenance`` but for ``tensorflow`` and ``seed``.
        out_dir: an existing folder.
    """
    names, values = calibration
    model_path = out_dir / kind.file
    write_atomically(model_path, export_int8(network, values))
    write_atomically(out_dir / "calibration.txt", "".join(f"{name}\n" for name in names).encode())
    model, scores, titles = Model.load(model_path), [], {}
    for entry in sets:
        _log.info("measuring on %s, %d samples", entry.name, entry.labels.shape[0])
        answers = {
            "float32": predict(network, entry.inputs).argmax(axis=1),
            "int8": predict_int8(model, entry.inputs, kind.quantize),
        }
        whole = np.ones(entry.labels.shape, dtype=bool)
        for part, chosen in {"": whole, **entry.parts}.items():
            name = f"{entry.name} {part}".strip()
            titles[name] = f"{entry.title} {part}".strip()
            scores += [
                score(name, precision, predicted[chosen], entry.labels[chosen], kind.labels)
                for precision, predicted in answers.items()
            ]
    best = best_epoch(history, criterion)
    write_json(out_dir / "history.json", {"config": asdict(recipe), "best_epoch": best, "epochs": history})
    write_json(out_dir / "scores.json", [asdict(entry) for entry in scores])
    made_with = {"tensorflow": tensorflow().__version__, "seed": recipe.seed}
    text = model_toml(
        model_path, scores, titles, {**provenance, **made_with}, task=kind.task, title=kind.title
    )
    write_atomically(out_dir / "model.toml", text.encode())
    figure = svg(kind.labels, [entry for entry in scores if entry.data == drawn], titles[drawn])
    write_atomically(out_dir / "confusion.svg", figure)
    return TrainingResult(model_path, best, tuple(scores), tuple(names))
