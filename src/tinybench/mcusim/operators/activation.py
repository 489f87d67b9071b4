"""Activations and requantisation (``activation_s8.c``), and softmax (``softmax_s8.c``)."""

from __future__ import annotations

from tinybench.mcusim.emit import Context, Layer, activation_input, struct, unsupported
from tinybench.mcusim.fixedpoint import (
    activation_range,
    hard_swish_scaling,
    logistic_scaling,
    quantize_multiplier,
    quantized_value,
    softmax_scaling,
)
from tinybench.mcusim.operators.registry import lowers
from tinybench.models import Operator, Tensor

_MAX_SHIFT = 22
"""A centred int8 value has 8 bits and a sign."""


@lowers("QUANTIZE", inputs=1, kernel="`tinybench_requantize_s8`", limits="int8 to int8")
def _quantize(context: Context, operator: Operator) -> Layer:
    return _requantize(context, operator, (-128, 127))


@lowers("RELU", inputs=1, kernel="`tinybench_requantize_s8`", limits="none")
def _relu(context: Context, operator: Operator) -> Layer:
    out = operator.outputs[0]
    return _requantize(context, operator, activation_range(1, out.scale, out.zero_point))


@lowers("RELU6", inputs=1, kernel="`tinybench_clamp_s8`", limits="the input's scale, as in TFLite Micro")
def _relu6(context: Context, operator: Operator) -> Layer:
    source, out = _same_shape(context, operator)
    six = min(127, quantized_value(6.0, source.scale, source.zero_point))
    call = (
        f"tinybench_clamp_s8({context.pointer(source)}, {source.zero_point}, {six}, "
        f"{context.pointer(out)}, {out.elements});\n    return 0;"
    )
    return Layer(constants=(), call=call)


@lowers("LOGISTIC", inputs=1, kernel="`tinybench_logistic_s8`", limits="output scale 1/256, zero point -128")
def _logistic(context: Context, operator: Operator) -> Layer:
    source, _ = _same_shape(context, operator)
    _check_probabilities(context, operator)
    multiplier, shift, radius = logistic_scaling(source.scale)
    fields = -source.zero_point, radius, multiplier, shift
    params = struct("tinybench_logistic_params", operator, *fields)
    return _unary("tinybench_logistic_s8", context, operator, params)


@lowers(
    "HARD_SWISH",
    inputs=1,
    kernel="`tinybench_hard_swish_s8`",
    limits="output scale at least 1/128 and at most 256 times the input's",
)
def _hard_swish(context: Context, operator: Operator) -> Layer:
    source, out = _same_shape(context, operator)
    scaling = hard_swish_scaling(source.scale, out.scale)
    params = struct("tinybench_hard_swish_params", operator, -source.zero_point, out.zero_point, *scaling)
    return _unary("tinybench_hard_swish_s8", context, operator, params)


@lowers(
    "SOFTMAX",
    inputs=1,
    options="SoftmaxOptions",
    kernel="`tinybench_softmax_s8`",
    limits="over the last axis; output scale 1/256, zero point -128",
)
def _softmax(context: Context, operator: Operator) -> Layer:
    source, out = _same_shape(context, operator)
    _check_probabilities(context, operator)
    multiplier, shift, diff_min = softmax_scaling(operator.options["beta"], source.scale)
    row = out.shape[-1]
    return Layer(
        constants=(),
        call=(
            f"tinybench_softmax_s8({context.pointer(source)}, {out.elements // row}, {row},\n"
            f"        {multiplier}, {shift}, {diff_min}, {context.pointer(out)});\n    return 0;"
        ),
    )


def _requantize(context: Context, operator: Operator, limits: tuple[int, int]) -> Layer:
    source, out = _same_shape(context, operator)
    multiplier, shift = quantize_multiplier(source.scale / out.scale)
    if shift > _MAX_SHIFT:
        raise unsupported(context, operator, "its output scale is too small for its input's")
    fields = -source.zero_point, (out.zero_point, multiplier, shift), *limits
    params = struct("tinybench_requantize_params", operator, *fields)
    return _unary("tinybench_requantize_s8", context, operator, params)


def _unary(function: str, context: Context, operator: Operator, params: str) -> Layer:
    source, out = activation_input(context, operator), operator.outputs[0]
    call = (
        f"{function}({context.pointer(source)}, &params{operator.index}, {context.pointer(out)}, "
        f"{out.elements});\n    return 0;"
    )
    return Layer(constants=(params,), call=call)


def _same_shape(context: Context, operator: Operator) -> tuple[Tensor, Tensor]:
    source, out = activation_input(context, operator), operator.outputs[0]
    if source.shape != out.shape:
        raise unsupported(context, operator, "its input and output differ in shape")
    return source, out


def _check_probabilities(context: Context, operator: Operator) -> None:
    out = operator.outputs[0]
    if (out.scale, out.zero_point) != (1 / 256, -128):
        raise unsupported(
            context, operator, "its output is not quantised with scale 1/256 and zero point -128"
        )
