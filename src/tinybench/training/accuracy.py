"""Accuracy with its uncertainty, as the model cards state it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinybench.statistics import wilson_interval

__all__ = ["Measured", "Score", "score"]


@dataclass(frozen=True)
class Measured:
    """The accuracy of one model on one set, whatever the metric."""

    data: str
    precision: str
    """``float32`` or ``int8``."""
    value: float
    samples: int
    ci95: tuple[float, float]


@dataclass(frozen=True)
class Score(Measured):
    """Top-1."""

    per_class: dict[str, float]
    """Share of each class that is recognised, by label; classes without samples are left out."""
    confusion: tuple[tuple[int, ...], ...]
    """Number of samples by true class (rows) and predicted class (columns)."""


def score(
    data: str,
    precision: str,
    predicted: NDArray[np.int64],
    labels: NDArray[np.int64],
    names: Sequence[str],
) -> Score:
    """Top-1, its interval, and what was taken for what, from class indices of shape (n,).

    Args:
        data: what the set is called.
        precision: ``float32`` or ``int8``.
        predicted: the model's answers.
        labels: the truth.
        names: of the classes.
    """
    classes = len(names)
    confusion = np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)
    correct, samples = int(np.trace(confusion)), int(labels.shape[0])
    per_class = {
        name: float(row[i] / row.sum())
        for i, (name, row) in enumerate(zip(names, confusion, strict=True))
        if row.sum()
    }
    return Score(
        data,
        precision,
        correct / samples,
        samples,
        wilson_interval(correct, samples),
        per_class,
        tuple(tuple(map(int, row)) for row in confusion),
    )
