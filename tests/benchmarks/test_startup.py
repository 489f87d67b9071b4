"""How long a user waits: before anything happens, and for the first command that everyone types.

Whole processes, the best of several rounds: what another program does on this machine is not measured.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

HELP = [sys.executable, "-c", "from tinybench.cli import main; raise SystemExit(main(['--help']))"]
NOTHING = [sys.executable, "-c", "pass"]
IMPORT = [sys.executable, "-c", "import tinybench"]
RUN = [sys.executable, "-m", "tinybench", "run", "kws", "--runner", "tflm-sim", "--split", "smoke"]

HELP_S = 0.3
RUN_S = 8.0


def start(command: list[str], folder: Path | None = None) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)


def best_s(command: list[str], rounds: int = 15) -> float:
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        start(command)
        times.append(time.perf_counter() - begin)
    return min(times)


@pytest.mark.parametrize(
    ("command", "most"), [pytest.param(HELP, 10.0, id="help"), pytest.param(IMPORT, 3.0, id="import")]
)
def test_startup(benchmark: Any, command: list[str], most: float) -> None:
    start(command)
    python_s = best_s(NOTHING)
    benchmark.pedantic(start, args=(command,), rounds=15, warmup_rounds=2)
    seconds = benchmark.stats.stats.min
    ratio = seconds / python_s
    benchmark.extra_info.update(python_s=python_s, ratio=ratio)
    assert ratio < most, f"{ratio:.1f} times as long as 'python -c pass'"
    assert seconds < HELP_S


def test_a_warm_run_on_the_smoke_split(benchmark: Any, tmp_path: Path) -> None:
    benchmark.pedantic(start, args=(RUN, tmp_path), rounds=3, warmup_rounds=1)
    assert list((tmp_path / "results").glob("*.json"))
    assert benchmark.stats.stats.min < RUN_S
