"""Figures beside the limits that they fail."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tinybench.submissions.rules.agreement import apart, beyond


@pytest.mark.parametrize(
    ("value", "limit", "places", "shown"),
    [
        (8.5, 10, 3, "8.500"),
        (9.9996, 10, 3, "9.9996"),
        (9.999_999, 10, 3, "9.999999"),
        (0.899_99, 0.9, 4, "0.89999"),
    ],
)
def test_what_fails_is_seen_to_fail(value: float, limit: float, places: int, shown: str) -> None:
    assert beyond(value, limit, places) == shown


@given(st.floats(0, 1e3), st.sampled_from([0.05, 0.85, 0.9, 10.0]))
def test_rounding_never_reaches_the_limit(value: float, limit: float) -> None:
    assume(abs(value - limit) > 1e-12)
    assert (float(beyond(value, limit, 3)) < limit) == (value < limit)


@pytest.mark.parametrize(
    ("difference", "shown"),
    [(0.066_38, "+6.6%"), (-0.279_15, "-27.9%"), (0.0502, "+5.02%"), (-0.0502, "-5.02%")],
)
def test_shares_are_percent_with_a_sign(difference: float, shown: str) -> None:
    assert apart(difference, 0.05) == shown
