"""Intervals of proportions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybench.statistics import wilson_interval


def test_wilson_interval_of_known_proportions() -> None:
    # R: prop.test(90, 100, correct = FALSE), binom::binom.confint(0, 10, methods = "wilson")
    assert wilson_interval(90, 100) == pytest.approx((0.8256343, 0.9447708), abs=1e-6)
    assert wilson_interval(0, 10) == pytest.approx((0.0, 0.2775328), abs=1e-6)
    # Newcombe (1998), table I.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)


@given(trials=st.integers(1, 5000), data=st.data())
def test_the_interval_holds_the_share(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    low, high = wilson_interval(successes, trials)
    assert 0 <= low <= successes / trials + 1e-9
    assert successes / trials - 1e-9 <= high <= 1


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (3, 0), (4, 3), (-1, 3)])
def test_what_is_no_proportion_is_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="not a proportion"):
        wilson_interval(successes, trials)
