"""All four models on all eleven Ethos-U: how long without, and how long with what was compiled before."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from npu_comparison import TASKS, estimate, npus
from tinybench import specs
from tinybench.models import Model

pytest.importorskip("ethosu")

FRESH_S = 60.0
CACHED_S = 3.0


def compile_all() -> int:
    models = [Model.load(specs.model(task).path) for task in TASKS]
    return sum(estimate(model, name).cycles > 0 for model in models for name in npus())


def test_44_configurations(benchmark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYBENCH_CACHE", str(tmp_path))
    begin = time.perf_counter()
    assert benchmark.pedantic(compile_all, rounds=1) == 44
    fresh_s = time.perf_counter() - begin
    begin = time.perf_counter()
    assert compile_all() == 44
    cached_s = time.perf_counter() - begin
    benchmark.extra_info.update(fresh_s=fresh_s, cached_s=cached_s)
    assert fresh_s < FRESH_S
    assert cached_s < CACHED_S
