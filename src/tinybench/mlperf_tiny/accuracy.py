"""Accuracy from raw outputs, by the rules of both runners."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinybench.auc import roc_auc
from tinybench.errors import DataError
from tinybench.mlperf_tiny.runs import Sample

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Labelled:
    """Outputs beside what they should have been."""

    outputs: Floats
    """One row for each sample (n, k)."""
    labels: Labels
    """Class of each sample (n,)."""
    files: tuple[str, ...]
    """Name of each sample."""


def labelled(samples: Iterable[Sample], label_of: Callable[[str], int | None]) -> Labelled:
    """Put the outputs of a run beside their labels.

    Several samples of one file are the windows of one recording (anomaly detection): its output is their
    mean.

    Args:
        samples: of an accuracy run.
        label_of: class of a sample by its name; None if unknown.

    Raises:
        DataError: there are no samples, or one has no name, no label or no output, or another number of
            outputs than the rest.
    """
    outputs: dict[str, list[tuple[float, ...]]] = {}
    for k, sample in enumerate(samples):
        if sample.input_file is None:
            raise DataError(f"sample {k} of the log has no name")
        if not sample.results:
            raise DataError(f"{sample.input_file}: the log has no output of the device that can be read")
        outputs.setdefault(sample.input_file, []).append(sample.results)
    if not outputs:
        raise DataError("the log has no samples")
    labels = {}
    for file in outputs:
        label = label_of(file)
        if label is None:
            raise DataError(f"{file}: nobody knows its class", hint="give a y_labels.csv that lists it")
        labels[file] = label
    if len({len(values) for windows in outputs.values() for values in windows}) > 1:
        raise DataError("the samples of the log have different numbers of outputs")
    rows = [windows[0] if len(windows) == 1 else np.mean(windows, axis=0) for windows in outputs.values()]
    return Labelled(
        np.array(rows, dtype=np.float64).reshape(len(rows), -1),
        np.array(list(labels.values()), dtype=np.int64),
        tuple(outputs),
    )


def top1(outputs: Floats, labels: Labels) -> float:
    """Share of samples whose largest output is that of their label; a tie counts for the lowest index.

    Raises:
        DataError: there are no samples.
    """
    _check(outputs, labels)
    return float(np.count_nonzero(outputs.argmax(axis=1) == labels)) / len(labels)


def auc_eembc(outputs: Floats, labels: Labels) -> float:
    """The area under the ROC curve as EEMBC's runner reckons it, over the classes of an output vector.

    For each class the thresholds 0.01, 0.02, ... 1.00 give points by ``output > threshold``, (1, 1) takes the
    place of the threshold 0, and trapezoids join them; the mean over the classes is printed with two
    decimals. It is not the area under the true curve: outputs are taken as they are, and the curve ends
    at the last threshold. Source: ``eval_functions_eembc.py`` of the reference models of MLPerf Tiny.

    Raises:
        DataError: there is only one output, or a class has no samples, or all of them.
    """
    _check(outputs, labels)
    if outputs.shape[1] < 2:
        raise DataError("this area is defined for two classes and more")
    thresholds = np.arange(0.0, 1.01, 0.01)[1:]
    areas = []
    for k in _classes(outputs, labels):
        rest, own = np.sort(outputs[labels != k, k]), np.sort(outputs[labels == k, k])
        areas.append(_area(rest, own, thresholds))
    return float(np.mean(areas))


def auc_eembc_scores(outputs: Floats, labels: Labels) -> float:
    """The area under the ROC curve as EEMBC's rule has it for one score of each sample (anomaly detection).

    As ``auc_eembc``, but with the hundred thresholds evenly between the lowest and the highest score. Source:
    ``calculate_ae_auc`` in the same file.

    Raises:
        DataError: there is more than one output, or not both kinds of samples.
    """
    _check(outputs, labels)
    normal, anomalous = np.sort(outputs[labels == 0, 0]), np.sort(outputs[labels == 1, 0])
    if outputs.shape[1] != 1 or len(normal) == 0 or len(anomalous) == 0:
        raise DataError("this area is defined for one score of each sample, normal and anomalous")
    lowest, highest = float(outputs.min()), float(outputs.max())
    thresholds = (lowest + np.arange(0.0, 1.01, 0.01) * (highest - lowest))[1:]
    return _area(normal, anomalous, thresholds)


def auc_exact(outputs: Floats, labels: Labels) -> float:
    """The area under the ROC curve as MLCommons' runner reckons it.

    Each vector is divided by its sum; with two classes the second one counts, with more the mean of each
    class against the rest. A single output is a score: higher means class 1.

    Raises:
        DataError: a class has no samples, or all of them; a vector has the sum 0.
    """
    _check(outputs, labels)
    if outputs.shape[1] > 1:
        sums = outputs.sum(axis=1, keepdims=True)
        if not np.all(np.isfinite(sums) & (sums != 0)):
            raise DataError("an output vector has the sum 0 and cannot be normalised")
        outputs = outputs / sums
    if outputs.shape[1] == 1:
        outputs, classes = np.hstack([-outputs, outputs]), [1]
    else:
        classes = _classes(outputs, labels)
        classes = [1] if outputs.shape[1] == 2 else classes
    areas = []
    for k in classes:
        rest, own = outputs[labels != k, k], outputs[labels == k, k]
        if len(rest) == 0 or len(own) == 0:
            raise DataError(f"class {k} has no samples, or all of them")
        areas.append(roc_auc(rest, own))
    return math.fsum(areas) / len(areas)


def _area(rest: Floats, own: Floats, thresholds: Floats) -> float:
    """Trapezoids under (1, 1) and a point for each threshold; both arrays of scores sorted."""
    false_positive, true_positive = (
        np.concatenate([[1.0], (len(ranked) - np.searchsorted(ranked, thresholds, "right")) / len(ranked)])
        for ranked in (rest, own)
    )
    heights = (true_positive[1:] + true_positive[:-1]) / 2
    return float(np.sum(heights * -np.diff(false_positive)))


def _classes(outputs: Floats, labels: Labels) -> list[int]:
    """The classes that occur. Some models have more outputs than the task has classes."""
    classes = [int(k) for k in np.unique(labels)]
    if len(classes) < 2:
        raise DataError("all samples have the same class")
    if classes[0] < 0 or classes[-1] >= outputs.shape[1]:
        raise DataError(f"there is a class {classes[-1]}, but only {outputs.shape[1]} outputs")
    return classes


def _check(outputs: Floats, labels: Labels) -> None:
    if len(labels) == 0 or len(outputs) != len(labels):
        raise DataError(f"{len(outputs)} outputs and {len(labels)} labels do not make an accuracy")
    if not np.isfinite(outputs).all():
        raise DataError("an output is no finite number")
