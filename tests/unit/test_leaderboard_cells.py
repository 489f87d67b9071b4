"""How figures look in tables."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("pandas")

from tinybench.leaderboard import cells, frame


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (36.1, "36.1"),
        (0.018738, "0.01874"),
        (12.125, "12.13"),
        (999.96, "1000"),
        (12345.6, "12346"),
        (120.0, "120"),
        (123456789012345.6, "123456789012346"),
        (4.08276e17, "408300000000000000"),
        (1.23456e33, "1.235e+33"),
        (1e36, "1e+36"),
        (0.00000123456, "0.000001235"),
        (1.23456e-7, "1.235e-7"),
        (9.99999e-7, "0.000001"),
        (1e-300, "1e-300"),
    ],
)
def test_figures_have_four_digits_and_no_zeros_that_were_not_measured(value: float, text: str) -> None:
    assert cells.rounded(value) == text


@given(st.floats(min_value=1e-5, max_value=1e12))
def test_a_rounded_figure_is_within_half_of_its_last_digit(value: float) -> None:
    text = cells.rounded(value)
    assert "e" not in text.lower()
    assert abs(Decimal(text) - Decimal(value)) <= Decimal(value) * Decimal("0.0005")


@given(st.floats(min_value=1e-5, max_value=1e12), st.floats(min_value=1e-5, max_value=1e12))
def test_rounding_keeps_the_order(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert float(cells.rounded(low)) <= float(cells.rounded(high))


def test_every_column_is_one_of_the_downloads() -> None:
    assert {column.source for column in cells.COLUMNS} <= {column.name for column in frame.COLUMNS}
    assert len(cells.BY_KEY) == len(cells.COLUMNS)
