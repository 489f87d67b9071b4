"""Phases of a recording."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybench.errors import DataError
from tinybench.meters.phases import above_baseline_j, baseline_w, median_energy_j, split, windows
from tinybench.meters.trace import PowerTrace

POWER = np.repeat([0.01, 0.05, 0.02, 0.06, 0.01], 1000)
TRACE = PowerTrace(1000.0, POWER)
EDGES = (0.9995, 1.9995, 2.9995, 3.9995)


def test_each_sample_is_in_one_phase() -> None:
    phases = split(TRACE, EDGES, "x")
    assert [phase.kind for phase in phases] == ["before", "inference", "between", "inference", "after"]
    assert [phase.energy_j for phase in phases] == pytest.approx([0.01, 0.05, 0.02, 0.06, 0.01])
    assert [phase.power_w for phase in phases] == pytest.approx([0.01, 0.05, 0.02, 0.06, 0.01])
    assert [phase.duration_s for phase in phases] == pytest.approx([0.9995, 1, 1, 1, 1.0005])
    assert median_energy_j(phases, 10) == pytest.approx(0.0055)


def test_the_baseline_is_a_figure_of_its_own() -> None:
    idle_w = baseline_w(TRACE)
    assert idle_w == pytest.approx(0.01)
    assert idle_w is not None
    first, second = windows(split(TRACE, EDGES, "x"))
    assert above_baseline_j(first, idle_w) == pytest.approx(0.04)
    assert first.energy_j == pytest.approx(0.05)
    assert above_baseline_j(second, idle_w) == pytest.approx(0.05)
    assert baseline_w(PowerTrace(1000.0, POWER[:400])) is None


def test_a_recording_that_is_one_window() -> None:
    (only,) = split(TRACE, (0.0, TRACE.duration_s), "x")
    assert only.kind == "inference"
    assert only.energy_j == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ((), "has no edges"),
        ((1.0,), "has 1 edges of the board's pin: a window has two"),
        ((1.0, 2.0, 3.0), "has 3 edges"),
        ((2.0, 1.0), "an edge at 1 s comes behind one at 2 s"),
        ((1.0, float("nan")), "an edge at nan s"),
        ((1.0, 6.0), "go from 1 to 6 s, but it has 5.000 s"),
        ((-1.0, 1.0), "go from -1 to 1 s"),
    ],
)
def test_edges_that_make_no_windows(edges: tuple[float, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        split(TRACE, edges, "x")


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12).map(sorted), st.integers(1, 300))
def test_the_phases_add_up_to_the_whole(parts: list[float], samples: int) -> None:
    power_w = np.random.default_rng(samples).uniform(0, 1, samples)
    trace = PowerTrace(1000.0, power_w)
    edges = [part * trace.duration_s for part in parts[: len(parts) // 2 * 2]]
    phases = split(trace, edges, "x")
    assert sum(phase.energy_j for phase in phases) == pytest.approx(power_w.sum() / 1000)
    assert sum(phase.duration_s for phase in phases) == pytest.approx(trace.duration_s)
