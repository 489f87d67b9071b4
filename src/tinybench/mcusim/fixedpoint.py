"""Real multipliers as Q31 integers and shifts, exactly as the TFLite reference computes them.

Source: tensorflow/lite/kernels/internal/quantization_util.cc.
"""

from __future__ import annotations

import math

import numpy as np

from tinybench.errors import ModelError


def quantize_multiplier(real: float) -> tuple[int, int]:
    """Split ``real`` into (multiplier, shift) with real = multiplier / 2**31 * 2**shift.

    ``QuantizeMultiplier``: the mantissa is rounded half away from zero.
    """
    if real == 0.0:
        return 0, 0
    mantissa, shift = math.frexp(real)
    multiplier = _round_half_away(mantissa * (1 << 31))
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    if shift > 30:
        raise ModelError(f"a requantisation factor of {real:g} does not fit 31 bits", hint="check the scales")
    return multiplier, shift


def quantize_multiplier_below_one(real: float) -> tuple[int, int]:
    """``QuantizeMultiplierSmallerThanOneExp``: as ``quantize_multiplier``, for factors in (0, 1)."""
    multiplier, shift = quantize_multiplier(real) if 0.0 < real < 1.0 else (0, 1)
    if shift > 0:
        raise ModelError(f"a requantisation factor of {real:g} is not in (0, 1)", hint="check the scales")
    return multiplier, shift


def mean_scaling(multiplier: int, shift: int, count: int) -> tuple[int, int]:
    """(multiplier, shift) of a mean of ``count`` values, with the division in it.

    ``QuantizedMeanOrSum`` of tensorflow/lite/kernels/internal/reference/reduce.h.
    """
    extra = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << extra) // count, shift - extra


def logistic_scaling(input_scale: float) -> tuple[int, int, int]:
    """(multiplier, left shift, radius beyond which it is saturated) of an int8 logistic function.

    ``CalculateArithmeticOpDataLogistic`` with 4 integer bits.
    """
    integer_bits = 4
    multiplier, shift = quantize_multiplier(input_scale * (1 << (31 - integer_bits)))
    if shift < 0:
        raise ModelError(f"a logistic input scale of {input_scale:g} is too small", hint="check the scales")
    radius = math.floor(((1 << integer_bits) - 1) * (1 << (31 - integer_bits)) / (1 << shift))
    return multiplier, shift, radius


def hard_swish_scaling(input_scale: float, output_scale: float) -> tuple[int, int, int, int]:
    """Q15 multiplier and exponent of the output, then of the gate in [0, 1], of an int8 hard swish.

    ``HardSwishPrepare``, which works in single precision.
    """
    fine = np.float32(1 / 128) * np.float32(input_scale)
    multiplier, exponent = quantize_multiplier(float(fine / np.float32(output_scale)))
    gate, gate_exponent = quantize_multiplier(float(fine / (np.float32(3) / np.float32(32768))))
    if not (-15 <= exponent <= 0 and gate_exponent >= -15):
        raise ModelError(
            f"a hard swish from scale {input_scale:g} to {output_scale:g} is out of range",
            hint="check the scales",
        )
    # 16 shifts every int16 but 0 into saturation; more does the same.
    return _to_q15(multiplier), exponent, _to_q15(gate), min(gate_exponent, 16)


def _to_q15(multiplier: int) -> int:
    """``DownScaleInt32ToInt16Multiplier``."""
    return min((multiplier + (1 << 15)) >> 16, (1 << 15) - 1)


def softmax_scaling(beta: float, input_scale: float) -> tuple[int, int, int]:
    """(multiplier, left shift, smallest difference that counts) of an int8 softmax.

    ``PreprocessSoftmaxScaling`` and ``CalculateInputRadius`` with 5 integer bits.
    """
    integer_bits = 5
    real = min(beta * input_scale * (1 << (31 - integer_bits)), (1 << 31) - 1.0)
    multiplier, shift = quantize_multiplier(real)
    if shift < 0 or real <= 1.0:
        raise ModelError(f"a softmax input scale of {input_scale:g} is too small", hint="check the scales")
    radius = math.floor(((1 << integer_bits) - 1) * (1 << (31 - integer_bits)) / (1 << shift))
    return multiplier, shift, -radius


def activation_range(kind: int, scale: float, zero_point: int) -> tuple[int, int]:
    """Smallest and largest int8 output under a fused activation (``CalculateActivationRangeQuantized``).

    ``kind`` is the schema's ActivationFunctionType: 0 none, 1 RELU, 2 RELU_N1_TO_1, 3 RELU6.
    """

    def quantize(real: float) -> int:
        return quantized_value(real, scale, zero_point)

    if kind == 0:
        return -128, 127
    if kind == 1:
        return max(-128, quantize(0.0)), 127
    if kind == 2:
        return max(-128, quantize(-1.0)), min(127, quantize(1.0))
    if kind == 3:
        return max(-128, quantize(0.0)), min(127, quantize(6.0))
    raise ModelError(
        f"fused activation {kind} is not one of none, RELU, RELU_N1_TO_1, RELU6", hint="export again"
    )


def quantized_value(real: float, scale: float, zero_point: int) -> int:
    """The quantised value of a real one; the reference divides in single precision."""
    steps = float(np.float32(real) / np.float32(scale))
    if abs(steps) >= 2**31 - 256:  # the reference converts it to 32 bits unchecked
        raise ModelError(f"{real:g} does not fit 32 bits at a scale of {scale:g}", hint="check the scales")
    return zero_point + _round_half_away(steps)


def _round_half_away(value: float) -> int:
    return math.floor(abs(value) + 0.5) * (1 if value >= 0 else -1)
