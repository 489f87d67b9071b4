"""From outputs to the accuracy of a task: one formula for every runner."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinybench.results.schema import MetricName
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
    return _top1(samples, samples.labels, outputs)


def _top1(samples: Samples, labels: NDArray[np.int64], outputs: NDArray[np.int8]) -> Accuracy:
    """Share of samples whose largest output is that of their label; a tie counts for the lowest index."""
    correct = int(np.count_nonzero(outputs.argmax(axis=1) == labels))
    header = ("sample", "label", *(f"output_{i}" for i in range(outputs.shape[1])))
    rows = ((n, int(y), *map(int, o)) for n, y, o in zip(samples.names, labels, outputs, strict=True))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return Accuracy(
        "accuracy.top1",
        correct / len(labels),
        wilson_interval(correct, len(labels)),
        None,
        {"outputs.csv": text.getvalue().encode()},
    )
