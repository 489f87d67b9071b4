"""Arithmetic of the firmware against exact fractions and against NumPy."""

from __future__ import annotations

import ctypes
import math
import struct
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_harness import numbers
from tinybench import specs
from tinybench.datasets import ad
from tinybench.firmware.configuration import quantization

SCALES = st.floats(2**-60, 60_000, width=32).filter(lambda scale: 255 * scale < 2**24)
VALUES = st.floats(-(2.0**23), 2.0**23, width=32, allow_subnormal=False)
INT8 = st.integers(-128, 127)


def bits(value: float) -> int:
    return int(struct.unpack("<I", struct.pack("<f", value))[0])


def half_even(value: Fraction) -> int:
    return round(value)


@given(VALUES, SCALES, INT8)
def test_it_quantises_as_the_host_does(value: float, scale: float, zero_point: int) -> None:
    expected = ad.quantize(np.array([value], np.float32), scale, zero_point)[0]
    assert numbers().host_quantize(bits(value), *quantization(scale, zero_point)) == expected


@given(st.integers(-300, 300), SCALES, INT8, st.integers(-2, 2))
def test_it_quantises_as_the_host_does_near_halves(
    steps: int, scale: float, zero_point: int, nearby: int
) -> None:
    value = np.float32((steps + 0.5) * np.float64(scale))
    for _ in range(abs(nearby)):
        value = np.nextafter(value, np.float32(math.copysign(np.inf, nearby)))
    if not abs(value) < 2**24 or 0 < abs(value) < 2**-126:
        return
    expected = ad.quantize(np.array([value], np.float32), scale, zero_point)[0]
    assert numbers().host_quantize(bits(value), *quantization(scale, zero_point)) == expected


@pytest.mark.parametrize(
    ("value", "usable"),
    [
        *((value, True) for value in (0.0, -0.0, 1e-45, 2.0**24 - 1)),
        *((value, False) for value in (2.0**24, -(2.0**24), math.inf, -math.inf, math.nan)),
    ],
)
def test_what_is_no_number_below_2_24_is_refused(value: float, usable: bool) -> None:
    assert bool(numbers().number_is_usable(bits(value))) == usable


@given(INT8, SCALES, INT8)
def test_thousandths_are_those_of_the_exact_product(q: int, scale: float, zero_point: int) -> None:
    found = numbers().host_thousandths(q, *quantization(scale, zero_point))
    assert found == half_even(1000 * Fraction(scale) * abs(q - zero_point))


@pytest.mark.parametrize("q", range(-128, 128))
def test_probabilities_are_printed_as_python_prints_them(q: int) -> None:
    found = numbers().host_thousandths(q, *quantization(1 / 256, -128))
    assert f"{found / 1000:.3f}" == f"{(q + 128) / 256:.3f}"


@given(st.lists(st.tuples(VALUES, INT8), min_size=1, max_size=40), SCALES, INT8)
def test_the_mean_squared_error_is_rounded_once(
    pairs: list[tuple[float, int]], scale: float, zero_point: int
) -> None:
    def grid(value: Fraction) -> Fraction:  # numbers.h: exact to 2^-32
        return Fraction(half_even(value * 2**32), 2**32)

    given_bits = (ctypes.c_uint32 * len(pairs))(*(bits(value) for value, _ in pairs))
    outputs = (ctypes.c_int8 * len(pairs))(*(q for _, q in pairs))
    found = numbers().host_mse(given_bits, outputs, len(pairs), *quantization(scale, zero_point))
    errors = (grid(Fraction(value)) - grid(Fraction(scale) * (q - zero_point)) for value, q in pairs)
    assert found == half_even(1000 * sum((error**2 for error in errors), Fraction()) / len(pairs))


def test_the_mean_squared_error_of_a_whole_window_at_its_limits() -> None:
    n = 8192
    given_bits = (ctypes.c_uint32 * n)(*[bits(-(2.0**24) + 1)] * n)
    outputs = (ctypes.c_int8 * n)(*[127] * n)
    scale = float(np.float32(65_000))
    found = numbers().host_mse(given_bits, outputs, n, *quantization(scale, -128))
    assert found == half_even(1000 * (Fraction(2**24 - 1) + 255 * Fraction(scale)) ** 2)


@pytest.mark.parametrize("count", [9, 7919, 8192])
@pytest.mark.parametrize("rest", [0, 8, -8])
def test_a_mean_next_to_a_tie_is_rounded_to_its_side(count: int, rest: int) -> None:
    ties = (count * (2 * k + 1) * 2**63 + rest for k in range(20, 4020, 2))
    total = next(tie // 1000 for tie in ties if tie % 1000 == 0)
    limbs = (ctypes.c_uint32 * 5)(*(total >> 32 * k & 0xFFFF_FFFF for k in range(5)))
    assert numbers().host_mean(limbs, count) == half_even(Fraction(1000 * total, count * 2**64))


@given(st.integers(0, 2**64 - 1))
def test_digits(value: int) -> None:
    text = ctypes.create_string_buffer(21)
    assert numbers().host_digits(ctypes.c_uint64(value), text) == len(str(value))
    assert text.value.decode() == str(value)


def test_rounding_is_that_of_printf() -> None:
    """``%0.3f`` rounds the exact value, ties to even: so does Decimal."""
    for scale in (0.0005, 0.0015, 1 / 2048, 3 / 2048):
        single = float(np.float32(scale))
        found = numbers().host_thousandths(1, *quantization(single, 0))
        exact = Decimal(single).quantize(Decimal("0.001"), ROUND_HALF_EVEN)
        assert Decimal(found) / 1000 == exact


def test_the_reference_models_are_within_limits() -> None:
    from tinybench.models.reference import load_named

    for task in specs.tasks().values():
        model = load_named(task.reference_model)
        for tensor in (model.input, model.output):
            mantissa, exponent, zero_point = quantization(tensor.scale, tensor.zero_point)
            assert 2**23 <= mantissa < 2**24
            assert mantissa * 2.0**exponent == np.float32(tensor.scale)
            assert zero_point == tensor.zero_point
