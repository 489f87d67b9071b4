"""Real multipliers as Q31 integers and shifts, exactly as the TFLite reference computes them.

Source: tensorflow/lite/kernels/internal/quantization_util.cc.
"""

from __future__ import annotations

import math

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


def softmax_scaling(beta: float, input_scale: float) -> tuple[int, int, int]:
    """(multiplier, left shift, smallest difference that counts) of an int8 softmax.

    ``PreprocessSoftmaxScaling`` and ``CalculateInputRadius`` with 5 integer bits.
    """
    integer_bits = 5
    real = min(beta * input_scale * (1 << (31 - integer_bits)), (1 << 31) - 1.0)
    multiplier, shift = quantize_multiplier(real)
    if shift < 0 or real < 1.0:
        raise ModelError(f"a softmax input scale of {input_scale:g} is too small", hint="check the scales")
    radius = math.floor(((1 << integer_bits) - 1) * (1 << (31 - integer_bits)) / (1 << shift))
    return multiplier, shift, -radius


def activation_range(kind: int, scale: float, zero_point: int) -> tuple[int, int]:
    """Smallest and largest int8 output under a fused activation (``CalculateActivationRangeQuantized``).

    ``kind`` is the schema's ActivationFunctionType: 0 none, 1 RELU, 2 RELU_N1_TO_1, 3 RELU6.
    """

    def quantize(real: float) -> int:
        return zero_point + _round_half_away(real / scale)

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


def _round_half_away(value: float) -> int:
    return math.floor(abs(value) + 0.5) * (1 if value >= 0 else -1)
