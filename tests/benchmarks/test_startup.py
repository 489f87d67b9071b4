"""How long a user waits before anything happens, as a multiple of starting Python itself."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import Any

import pytest

HELP = [sys.executable, "-c", "from tinybench.cli import main; raise SystemExit(main(['--help']))"]
NOTHING = [sys.executable, "-c", "pass"]
IMPORT = [sys.executable, "-c", "import tinybench"]


def start(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def median_s(command: list[str], rounds: int = 15) -> float:
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        start(command)
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


@pytest.mark.parametrize(
    ("command", "most"), [pytest.param(HELP, 10.0, id="help"), pytest.param(IMPORT, 3.0, id="import")]
)
def test_startup(benchmark: Any, command: list[str], most: float) -> None:
    start(command)
    python_s = median_s(NOTHING)
    benchmark.pedantic(start, args=(command,), rounds=15, warmup_rounds=2)
    ratio = benchmark.stats.stats.median / python_s
    benchmark.extra_info.update(python_s=python_s, ratio=ratio)
    assert ratio < most, f"{ratio:.1f} times as long as 'python -c pass'"
    assert benchmark.stats.stats.median < 0.3
