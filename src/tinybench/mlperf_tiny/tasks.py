"""The benchmarks of MLPerf Tiny: quality targets, and the sets on which accuracy is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class AccuracySet:
    """The samples of the accuracy run."""

    split: str
    dataset: str
    samples: int | None
    """None where the round allows more than one set."""


@dataclass(frozen=True)
class Benchmark:
    """One benchmark, called as the task of this project that it is."""

    task: str
    version: str | None
    """Version of the task here that is this benchmark; None if there is none."""
    metric: str | None
    """Of its quality, as in ``task.toml``; None for the one that counts detections."""
    target: float | None
    """Quality target: the same in the rules of every round since v0.5 (MLPerfTiny_Rules.adoc)."""
    samples: int | None
    """Of its whole accuracy set (README of eembc/energyrunner); None if outputs are of a stream."""
    words: tuple[str, ...]
    """What results repositories call its folder, in lower case without separators."""


BENCHMARKS: Final = {
    benchmark.task: benchmark
    for benchmark in (
        Benchmark("kws", "1.0.0", "top1", 0.90, 1000, ("kws", "kws01", "keywordspotting")),
        Benchmark("vww", "1.0.0", "top1", 0.80, 1000, ("vww", "vww01", "visualwakewords", "persondetection")),
        Benchmark("ic", "1.0.0", "top1", 0.85, 200, ("ic", "ic01", "imageclassification")),
        Benchmark("ad", "1.0.0", "auc", 0.85, 248, ("ad", "ad01", "anomalydetection")),
        Benchmark("sww", None, None, None, None, ("sww", "sww01", "strww01", "streamingwakeword")),
    )
}


def accuracy_set(task: str, round_: str | None = None) -> AccuracySet:
    """The set that a round measures the accuracy of a benchmark on; without a round, its whole set.

    Names: README of eembc/energyrunner and y_labels.csv of mlcommons/tiny.
    """
    match task, round_:
        case "sww", _:
            return AccuracySet("mlperf-sww", "MLPerf Tiny sww01", None)
        case "ic", "v0.5":
            # Other images than in all later rounds: eembc/energyrunner datasets/ic01.
            return AccuracySet("mlperf-200-v0.5", "MLPerf Tiny ic01 of v0.5", BENCHMARKS["ic"].samples)
        case "ad", str() if round_ not in ("v0.5", "v0.7", "v1.0", "v1.1"):
            # Since v1.2 the checker takes y_labels_alt.csv, 72 files, as well.
            return AccuracySet("mlperf-ad", "MLPerf Tiny ad01, 248 files or the 72 of y_labels_alt.csv", None)
    samples = BENCHMARKS[task].samples
    return AccuracySet(f"mlperf-{samples}", f"MLPerf Tiny {task}01", samples)
