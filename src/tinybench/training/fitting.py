"""What the recipes have in common: epochs that can be resumed, the choice of the best one, predictions.

TensorFlow (extra ``train``) is imported inside the functions.
"""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybench.atomic import write_atomically
from tinybench.errors import DataError, TinybenchError
from tinybench.extras import installing

__all__ = ["Recipe", "best_epoch", "fit", "learning_rate", "predict", "tensorflow", "write_json"]

Floats = NDArray[np.float32]
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """The choices that every recipe has; all of them are written to ``history.json`` next to the model."""

    epochs: int = 100
    seed: int = 1
    batch_size: int = 128
    peak_learning_rate: float = 1e-3
    warmup_epochs: int = 3
    restarts: tuple[tuple[int, float], ...] = ()
    """Epochs at which the learning rate rises again, with the new peaks (Loshchilov and Hutter, 2017)."""


def tensorflow() -> Any:
    """The TensorFlow module.

    Raises:
        TinybenchError: it is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        import tensorflow  # lazy: an extra, slow to import
    except ImportError as error:
        raise TinybenchError(
            "training needs TensorFlow, which is not installed",
            hint=installing("train"),
        ) from error
    return tensorflow


def learning_rate(recipe: Recipe, epoch: float) -> float:
    """Linear warm-up, then a cosine from the peak to 1 % of it, and the same after each restart; ``epoch`` is
    fractional, from 0.
    """
    if epoch < recipe.warmup_epochs:
        return recipe.peak_learning_rate * (epoch + 1) / (recipe.warmup_epochs + 1)
    first = (recipe.warmup_epochs, recipe.peak_learning_rate)
    begun = [first, *((at, peak) for at, peak in recipe.restarts if at <= epoch)]
    start, peak = begun[-1]
    end = min([at for at, _ in recipe.restarts if at > epoch] + [recipe.epochs])
    progress = (epoch - start) / max(1.0, end - start)
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def fit(
    recipe: Recipe,
    work: Path,
    build: Callable[[], Any],
    epoch_data: Callable[[int], tuple[NDArray[Any], Floats]],
    inputs: Callable[[NDArray[Any]], Floats],
    validate: Callable[[Any], Mapping[str, float]],
    criterion: str,
) -> tuple[Any, list[dict[str, Any]]]:
    """Train one network, or go on with it; returns the one of the best epoch and the history of all.

    Args:
        recipe: number of epochs, learning rate, batch size and seed.
        work: folder of the checkpoints ``last.keras`` and ``best.keras`` and of ``history.json``.
        build: makes the compiled Keras model.
        epoch_data: samples and targets of an epoch, shuffled; it must depend on the number of the epoch only,
            so that a resumed run sees what an uninterrupted one would have.
        inputs: what the network takes for a batch of these samples.
        validate: figures of a model on the validation set.
        criterion: which of these figures chooses the epoch; larger is better.

    Raises:
        DataError: ``work`` holds a run of another recipe.
    """
    keras = tensorflow().keras
    work.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(recipe.seed)
    model, history = _resume(work, recipe, build)
    for epoch in range(len(history), recipe.epochs):
        samples, targets = epoch_data(epoch)
        loss = _run_epoch(model, samples, targets, inputs, recipe, epoch)
        entry = {"epoch": epoch, "loss": loss, **validate(model)}
        history.append(entry)
        if best_epoch(history, criterion) == epoch:
            _save(model, work / "best.keras")
        _save(model, work / "last.keras")
        write_json(work / "history.json", {"config": asdict(recipe), "epochs": history})
        _log.info(" ".join(f"{key} {round(value, 4)}" for key, value in entry.items()))
    return keras.models.load_model(work / "best.keras"), history


def best_epoch(history: Sequence[Mapping[str, Any]], criterion: str) -> int:
    """The epoch with the largest ``criterion``; of equals the last one, which had a lower learning rate."""
    return max(range(len(history)), key=lambda i: (history[i][criterion], i))


def predict(model: Any, values: NDArray[Any]) -> Floats:
    """Outputs of a Keras model for inputs of shape (n, ...): float32, (n, ...)."""
    return np.asarray(model.predict(values, batch_size=256, verbose=0), dtype=np.float32)


def write_json(path: Path, content: object) -> None:
    """Write a JSON file, whole or not at all."""
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())


def _resume(work: Path, recipe: Recipe, build: Callable[[], Any]) -> tuple[Any, list[dict[str, Any]]]:
    checkpoint, record = work / "last.keras", work / "history.json"
    if not (checkpoint.is_file() and record.is_file()):
        return build(), []
    saved = json.loads(record.read_text())
    if saved["config"] != json.loads(json.dumps(asdict(recipe))):
        raise DataError(
            f"{work}: holds a run with another configuration",
            hint="choose another --out, or remove the folder",
        )
    return tensorflow().keras.models.load_model(checkpoint), saved["epochs"]


def _run_epoch(
    model: Any, data: Any, targets: Floats, inputs: Callable[[Any], Floats], recipe: Recipe, epoch: int
) -> float:
    total = 0.0
    for start in range(0, targets.shape[0], recipe.batch_size):
        model.optimizer.learning_rate.assign(learning_rate(recipe, epoch + start / targets.shape[0]))
        batch = slice(start, start + recipe.batch_size)
        loss = float(model.train_on_batch(inputs(data[batch]), targets[batch]))
        total += loss * len(targets[batch])
    return total / len(targets)


def _save(model: Any, path: Path) -> None:
    part = path.with_name(f"part-{path.name}")
    model.save(part)
    part.replace(path)
