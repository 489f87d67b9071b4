"""Accuracy with its uncertainty, as the model cards state it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinybench.datasets.kws import LABELS

__all__ = ["Score", "score", "wilson"]


@dataclass(frozen=True)
class Score:
    """Top-1 of one model on one set."""

    data: str
    precision: str
    """``float32`` or ``int8``."""
    value: float
    samples: int
    ci95: tuple[float, float]
    per_class: dict[str, float]
    """Share of each class that is recognised, by label; classes without samples are left out."""


def wilson(correct: int, samples: int) -> tuple[float, float]:
    """95 % Wilson score interval of a proportion (Wilson, 1927), both ends within [0, 1]."""
    if not 0 <= correct <= samples or samples == 0:
        raise ValueError(f"{correct} of {samples} is not a proportion")
    z = 1.959964
    share = correct / samples
    centre = share + z * z / (2 * samples)
    spread = z * math.sqrt(share * (1 - share) / samples + z * z / (4 * samples * samples))
    scale = 1 + z * z / samples
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def score(data: str, precision: str, predicted: NDArray[np.int64], labels: NDArray[np.int64]) -> Score:
    """Top-1, its interval and the accuracy per class, from predicted and true class indices of shape (n,)."""
    hits = predicted == labels
    per_class = {
        name: float(hits[labels == i].mean()) for i, name in enumerate(LABELS) if np.any(labels == i)
    }
    correct, samples = int(hits.sum()), int(labels.shape[0])
    return Score(data, precision, correct / samples, samples, wilson(correct, samples), per_class)
