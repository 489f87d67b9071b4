from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybench.errors import ModelError
from tinybench.mcusim.fixedpoint import activation_range, quantize_multiplier, softmax_scaling


@given(st.floats(min_value=1e-9, max_value=1e6, allow_nan=False))
def test_a_multiplier_is_the_real_factor_to_31_bits(real: float) -> None:
    multiplier, shift = quantize_multiplier(real)
    assert 2**30 <= multiplier < 2**31
    assert multiplier / 2**31 * 2.0**shift == pytest.approx(real, rel=2**-30)


@pytest.mark.parametrize(
    ("real", "expected"),
    # From quantization_util_test.cc of TensorFlow Lite.
    [(0.5, (1 << 30, 0)), (0.25, (1 << 30, -1)), (1.0, (1 << 30, 1)), (0.0, (0, 0)), (1e-40, (0, 0))],
)
def test_known_multipliers(real: float, expected: tuple[int, int]) -> None:
    assert quantize_multiplier(real) == expected


def test_a_factor_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ModelError, match="does not fit"):
        quantize_multiplier(2.0**40)


def test_softmax_scaling_of_the_kws_reference_model() -> None:
    assert softmax_scaling(1.0, 0.14469251036643982) == (1242899200, 24, -124)


def test_a_softmax_scale_below_what_the_specification_covers_is_refused() -> None:
    with pytest.raises(ModelError, match="too small"):
        softmax_scaling(1.0, 1e-12)


@given(
    kind=st.sampled_from([0, 1, 2, 3]),
    scale=st.floats(min_value=1e-4, max_value=10),
    zero_point=st.integers(-128, 127),
)
def test_activation_ranges_are_int8_and_ordered(kind: int, scale: float, zero_point: int) -> None:
    low, high = activation_range(kind, scale, zero_point)
    assert -128 <= low <= high <= 127
    if kind in (1, 3):
        assert low == zero_point


def test_relu6_ends_at_six() -> None:
    assert activation_range(3, 0.1, -10) == (-10, 50)


def test_an_unknown_activation_is_refused() -> None:
    with pytest.raises(ModelError, match="fused activation 4"):
        activation_range(4, 0.1, 0)
