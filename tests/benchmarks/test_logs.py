"""Speed of the log readers: the check of a submission reads megabytes of them."""

from __future__ import annotations

from typing import Any

from evidence_logs import accuracy_log
from tinybench.mlperf_tiny.energyrunner import read_accuracy

ACCURACY_LOG_S = 0.3


def test_accuracy_log(benchmark: Any) -> None:
    """1,000 samples of keyword spotting: as many device messages as in a published log."""
    content = accuracy_log(1000).encode()
    run = benchmark(read_accuracy, content, "log.txt")
    assert len(run.samples) == 1000
    assert benchmark.stats["min"] < ACCURACY_LOG_S
