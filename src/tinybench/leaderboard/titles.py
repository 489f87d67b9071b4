"""What tasks, results and metrics are called, everywhere the same: on pages, in the feed, in citations.

Plain text, which may hold anything that a submission holds: whoever shows it escapes it.
"""

from __future__ import annotations

from typing import Final

from tinybench import specs
from tinybench.leaderboard.board import Row
from tinybench.quantities import quantity
from tinybench.results.schema import UNITS, MetricName

METRICS: Final[dict[MetricName, str]] = {
    "accuracy.top1": "Top-1 accuracy",
    "accuracy.auc": "AUC (area under the ROC curve)",
    "latency.per_inference": "Latency per inference",
    "throughput": "Throughput",
    "energy.per_inference": "Energy per inference",
    "energy.above_baseline": "Energy per inference above idle power",
    "power.active": "Power while it infers",
    "memory.arena": "Tensor arena",
    "memory.ram": "RAM",
    "memory.flash": "Flash",
    "cycles.per_inference": "Cycles per inference",
    "instructions.per_inference": "Instructions per inference",
    "power.average": "Average power over the stream",
    "streaming.true_positives": "True positives",
    "streaming.false_negatives": "False negatives",
    "streaming.false_positives": "False positives",
    "streaming.duty_cycle": "Duty cycle",
    "streaming.period": "Period",
}

_FIRST: Final = ("kws", "vww", "ad", "ic")
"""Those of MLPerf Tiny, which most readers come for."""

_NOT_OURS: Final = {"sww": "Streaming wake word"}
"""Benchmarks of MLPerf Tiny that this project does not define."""


def printable(text: str) -> str:
    """The text with a space for every character that cannot be seen."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else " " for character in text)


def joined(*parts: str | None) -> str:
    """What is known of a name, its version and so on, with blanks between."""
    return " ".join(filter(None, parts))


def task(task_id: str) -> str:
    """The title of a task; its id if nobody here knows it."""
    spec = specs.tasks().get(task_id)
    return spec.title if spec else _NOT_OURS.get(task_id, task_id)


def task_order(task_id: str) -> tuple[int, bool, str]:
    """Sorts tasks as they are listed: MLPerf Tiny's, others that are defined here, those that are not."""
    position = _FIRST.index(task_id) if task_id in _FIRST else len(_FIRST)
    return position, task_id not in specs.tasks(), task_id


def result(row: Row) -> str:
    """What was measured on what: ``Keyword spotting on NUCLEO_L4R5ZI``."""
    return f"{task(row.task)} on {row.title}"


def target(metric: MetricName, value: float) -> str:
    """A quality target with its metric: ``Top-1 accuracy of at least 90.0 %``."""
    return f"{METRICS[metric]} of at least {quantity(value, UNITS[metric])}"


def published_in(row: Row) -> str | None:
    """Where a result was published, if not here: ``MLPerf™ Tiny v1.2, closed division``."""
    source = row.result.source
    return f"MLPerf™ Tiny {source.round}, {source.division} division" if source else None


def engine(row: Row) -> str:
    """Runtime and kernel library with their versions: ``tflm 1.2, CMSIS-NN 4.0.0``."""
    used = row.result.engine
    kernels = joined(used.kernels, used.kernels_version) if used.kernels else None
    return ", ".join(filter(None, (joined(used.name, used.version), kernels)))
