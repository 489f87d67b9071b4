"""Energy between two moments of a power trace."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybench.meters.trace import PowerTrace

POWERS = st.lists(st.floats(0, 10), min_size=1, max_size=300)


def test_the_clock_is_accumulated() -> None:
    trace = PowerTrace(1000.0, np.ones(200_000))
    time_s = 0.0
    for k in range(200_000):
        assert trace.times_s[k] == time_s
        time_s += 1 / 1000.0
    assert trace.duration_s == time_s


def test_the_accumulated_clock_and_not_k_over_rate_decides_at_an_edge() -> None:
    trace = PowerTrace(1000.0, np.arange(100_000.0))
    begins = trace.times_s[:-1]
    late = int(np.flatnonzero(begins > np.arange(100_000) / 1000)[0])
    assert trace.energy_j(late / 1000, trace.times_s[late + 1]) == pytest.approx(late / 1000)
    early = int(np.flatnonzero(begins < np.arange(100_000) / 1000)[0])
    assert trace.energy_j(early / 1000, trace.times_s[early + 2]) == pytest.approx((early + 1) / 1000)


def test_the_first_edge_is_inside_and_the_last_one_is_not() -> None:
    trace = PowerTrace(2.0, np.array([1.0, 2.0, 4.0, 8.0]))
    assert trace.energy_j(0.5, 1.5) == 3.0
    assert trace.energy_j(0.5001, 1.5001) == 6.0
    assert trace.energy_j(0.0, 2.0) == 7.5
    assert trace.energy_j(1.0, 1.0) == 0.0


@pytest.mark.parametrize(("start_s", "end_s"), [(-0.1, 1), (0, 2.1), (1.5, 1.0), (0, float("nan"))])
def test_outside_of_the_trace(start_s: float, end_s: float) -> None:
    trace = PowerTrace(2.0, np.ones(4))
    assert not trace.covers(start_s, end_s)
    with pytest.raises(ValueError, match="not within"):
        trace.energy_j(start_s, end_s)


def test_mean_power_is_that_of_the_samples_and_not_of_the_time_between_the_edges() -> None:
    trace = PowerTrace(2.0, np.array([1.0, 2.0, 4.0, 8.0]))
    assert trace.mean_power_w(0.4, 1.4) == 3.0
    assert trace.mean_power_w(0.1, 1.1) == 3.0
    assert trace.mean_power_w(0.1, 0.4) is None


def test_power_range() -> None:
    assert PowerTrace(1.0, np.array([0.5, 0.1, 0.9])).power_range_w() == (0.1, 0.9)


@given(POWERS, st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.sampled_from([7.0, 1000.0, 3333.3]))
def test_adjacent_windows_add_up(power: list[float], a: float, b: float, c: float, rate_hz: float) -> None:
    trace = PowerTrace(rate_hz, np.array(power))
    first, middle, last = sorted(part * trace.duration_s for part in (a, b, c))
    whole = trace.energy_j(first, last)
    assert trace.energy_j(first, middle) + trace.energy_j(middle, last) == pytest.approx(whole, abs=1e-9)


@given(POWERS, st.floats(0, 1), st.floats(0, 1))
def test_energy_is_bounded_by_the_range_of_power(power: list[float], a: float, b: float) -> None:
    trace = PowerTrace(1000.0, np.array(power))
    start_s, end_s = sorted(part * trace.duration_s for part in (a, b))
    low, high = trace.power_range_w()
    energy_j, slack_s = trace.energy_j(start_s, end_s), 1.001 / 1000
    assert low * (end_s - start_s - slack_s) - 1e-12 <= energy_j <= high * (end_s - start_s + slack_s) + 1e-12
