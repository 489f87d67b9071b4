"""Judging anomaly detection: the score of each recording, and the area under the ROC curve of many."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["auc_interval", "clip_scores", "roc_auc", "roc_curve"]

Floats = NDArray[np.float64]

_Z = 1.959963984540054  # the 97.5 % point of the standard normal distribution


def clip_scores(
    features: NDArray[np.float32], outputs: NDArray[np.int8], scale: float, zero_point: int
) -> Floats:
    """How badly an autoencoder reconstructs each recording: shape (n,), in squared units of the features.

    The mean, over the windows of a recording, of the mean squared error between the *float* input and the
    dequantised output, as MLPerf Tiny computes it on the device (``th_infer`` of its reference submission)
    and on the host (``03_tflite_test.py``). One recording is dequantised at a time.

    Args:
        features: what the inputs were quantised from, (n, windows, elements).
        outputs: of the model, n * windows * elements in the same order, whatever their shape.
        scale: of the model's output tensor.
        zero_point: of the model's output tensor.
    """
    given = outputs.reshape(features.shape)
    scores = np.empty(len(features), dtype=np.float64)
    for i, (wanted, got) in enumerate(zip(features, given, strict=True)):
        error = wanted - np.float32(scale) * (got.astype(np.float32) - np.float32(zero_point))
        scores[i] = np.mean(np.square(error), dtype=np.float64)
    return scores


def roc_auc(normal: NDArray[np.floating], anomalous: NDArray[np.floating]) -> float:
    """Area under the ROC curve: the share of pairs where the anomaly has the higher score; a tie counts half.

    Args:
        normal: scores of the normal recordings, shape (m,).
        anomalous: scores of the anomalous ones, shape (n,); higher means more suspicious.

    Raises:
        ValueError: one of the two is empty or holds a NaN.
    """
    _check(normal, anomalous)
    ranked = np.sort(normal)
    below = np.searchsorted(ranked, anomalous, side="left")
    not_above = np.searchsorted(ranked, anomalous, side="right")
    return int(below.sum() + not_above.sum()) / (2 * len(normal) * len(anomalous))


def auc_interval(auc: float, normal: int, anomalous: int) -> tuple[float, float]:
    """95 % confidence interval of the area under a ROC curve from ``normal`` and ``anomalous`` recordings.

    Source: R. G. Newcombe, "Confidence intervals for an effect size measure based on the Mann-Whitney
    statistic. Part 2", Statistics in Medicine 25, 2006, method 5: the areas whose Hanley-McNeil variance (for
    two groups of the same size together) makes what was measured plausible. As Wilson's interval of a
    proportion it stays within [0, 1], and an area of 1 does not get the interval from 1 to 1, which DeLong's
    variance would give. The recordings have to be independent of each other.
    """
    if not (0.0 <= auc <= 1.0 and normal > 0 and anomalous > 0):
        raise ValueError(f"{auc} of {normal} and {anomalous} recordings is not an area under a ROC curve")

    def plausible(area: float) -> bool:
        others = (normal + anomalous) / 2 - 1
        spread = 1 + others * ((1 - area) / (2 - area) + area / (1 + area))
        return (area - auc) ** 2 <= _Z**2 * area * (1 - area) * spread / (normal * anomalous)

    def end(outside: float) -> float:
        inside = auc
        while abs(inside - outside) > 1e-12:
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if plausible(middle) else (inside, middle)
        return inside

    return end(0.0), end(1.0)


def roc_curve(normal: NDArray[np.floating], anomalous: NDArray[np.floating]) -> tuple[Floats, Floats]:
    """False and true positive rate at each threshold, from (0, 0) to (1, 1): two arrays of the same length.

    Raises:
        ValueError: one of the two is empty or holds a NaN.
    """
    _check(normal, anomalous)
    thresholds = np.unique(np.concatenate([normal, anomalous]))[::-1]
    rates = [
        np.searchsorted(-np.sort(scores)[::-1], -thresholds, side="right") / len(scores)
        for scores in (normal, anomalous)
    ]
    false_positive, true_positive = (np.concatenate([[0.0], rate]) for rate in rates)
    return false_positive, true_positive


def _check(normal: NDArray[np.floating], anomalous: NDArray[np.floating]) -> None:
    if len(normal) == 0 or len(anomalous) == 0:
        raise ValueError("a ROC curve needs normal and anomalous recordings")
    if np.isnan(normal).any() or np.isnan(anomalous).any():
        raise ValueError("a score is not a number")
