"""From outputs to the accuracy of a task: one formula for every runner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinybench import auc
from tinybench.errors import UsageError
from tinybench.results.schema import MetricName
from tinybench.results.tables import csv_bytes
from tinybench.statistics import wilson_interval

if TYPE_CHECKING:
    from tinybench.datasets.base import Samples
    from tinybench.models import Model
    from tinybench.specs import TaskSpec


@dataclass(frozen=True)
class Accuracy:
    """The accuracy of a model on labelled samples, and what it was computed from."""

    name: MetricName
    value: float
    ci95: tuple[float, float]
    """95 % confidence interval."""
    note: str | None
    evidence: dict[str, bytes]
    """File name -> content: what each sample got."""


def accuracy(task: TaskSpec, model: Model, samples: Samples, outputs: NDArray[np.int8]) -> Accuracy | None:
    """Judge the outputs of all inferences, int8 (n * k, output elements); None without labels."""
    if samples.labels is None:
        return None
    if task.metric == "auc":
        return _auc(model, samples, samples.labels, outputs)
    return _top1(samples, samples.labels, outputs)


def printed_accuracy(task: TaskSpec, samples: Samples, values: NDArray[np.float64]) -> Accuracy | None:
    """Judge what a board printed for all inferences, (n * k, values); None without labels.

    Where the metric is an area under the ROC curve, that is one value: the mean squared error of a window.
    """
    if samples.labels is None:
        return None
    if task.metric == "auc":
        scores = values.reshape(samples.inputs.shape[:2]).mean(axis=1)
        return _auc_of_scores(samples, samples.labels, scores)
    return _top1(samples, samples.labels, values)


def _top1(
    samples: Samples, labels: NDArray[np.int64], outputs: NDArray[np.int8] | NDArray[np.float64]
) -> Accuracy:
    """Share of samples whose largest output is that of their label; a tie counts for the lowest index."""
    correct = int(np.count_nonzero(outputs.argmax(axis=1) == labels))
    header = ("sample", "label", *(f"output_{i}" for i in range(outputs.shape[1])))
    rows = ((n, int(y), *o) for n, y, o in zip(samples.names, labels, outputs.tolist(), strict=True))
    interval = wilson_interval(correct, len(labels))
    evidence = {"outputs.csv": csv_bytes(header, rows)}
    return Accuracy("accuracy.top1", correct / len(labels), interval, None, evidence)


def _auc(model: Model, samples: Samples, labels: NDArray[np.int64], outputs: NDArray[np.int8]) -> Accuracy:
    """Area under the ROC curve over recordings (label 1: anomaly), and that of each machine in the note."""
    if samples.features is None:
        raise ValueError("the score of a recording is computed from its features")
    scores = auc.clip_scores(samples.features, outputs, model.output.scale, model.output.zero_point)
    return _auc_of_scores(samples, labels, scores)


def _auc_of_scores(samples: Samples, labels: NDArray[np.int64], scores: NDArray[np.float64]) -> Accuracy:
    if not 0 < np.count_nonzero(labels) < len(labels):
        raise UsageError("an AUC needs normal and anomalous recordings", hint="take a larger limit")
    normal, anomalous = scores[labels == 0], scores[labels == 1]
    value = auc.roc_auc(normal, anomalous)
    by_group = _auc_by_group(samples.groups, labels, scores)
    listed = ", ".join(f"{group} {area:.4f}" for group, area in by_group.items())
    groups = samples.groups or ("",) * len(scores)
    rows = (
        (name, group, int(label), repr(float(score)))
        for name, group, label, score in zip(samples.names, groups, labels, scores, strict=True)
    )
    return Accuracy(
        "accuracy.auc",
        value,
        auc.auc_interval(value, len(normal), len(anomalous)),
        f"by machine: {listed}" if listed else None,
        {"scores.csv": csv_bytes(("sample", "group", "label", "score"), rows)},
    )


def _auc_by_group(
    groups: tuple[str, ...], labels: NDArray[np.int64], scores: NDArray[np.float64]
) -> dict[str, float]:
    """The area of each group that has both kinds of recordings."""
    names, found = np.array(groups), {}
    for group in sorted(set(groups)):
        normal, anomalous = (scores[(names == group) & (labels == label)] for label in (0, 1))
        if len(normal) and len(anomalous):
            found[group] = auc.roc_auc(normal, anomalous)
    return found
