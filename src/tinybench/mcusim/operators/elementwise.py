"""Sums, differences and products of two tensors, with broadcasting (``add_s8.c``, ``elementwise_s8.c``)."""

from __future__ import annotations

import numpy as np

from tinybench.mcusim.emit import (
    Context,
    Layer,
    activation,
    constants,
    int8_input,
    loops,
    struct,
    unsupported,
)
from tinybench.mcusim.fixedpoint import quantize_multiplier, quantize_multiplier_below_one
from tinybench.mcusim.operators.registry import lowers
from tinybench.models import Operator, Tensor

_LEFT_SHIFT = 20  # tensorflow/lite/micro/kernels/add_common.cc, sub_common.cc
_MAX_PRODUCT_SHIFT = 15
"""The product of two centred int8 values has 16 bits and a sign."""
_LIMITS = "either input may be constant; broadcasting up to rank 4"


@lowers(
    "ADD",
    inputs=2,
    options="AddOptions",
    kernel="`tinybench_add_s8`, `tinybench_add_broadcast_s8`",
    limits=_LIMITS,
)
def _add(context: Context, operator: Operator) -> Layer:
    first, second, out = _operands(context, operator)
    i = operator.index
    twice_max = 2.0 * max(first.scale, second.scale)
    reals = first.scale / twice_max, second.scale / twice_max, twice_max / ((1 << _LEFT_SHIFT) * out.scale)
    params = _sum_params(operator, first, second, reals)
    if first.shape != second.shape:
        return _broadcast("tinybench_add_broadcast_s8", context, operator, params)
    return Layer(
        constants=(*constants(first, second), params),
        call=(
            f"tinybench_add_s8({context.pointer(first)}, {context.pointer(second)}, &params{i},\n"
            f"        {context.pointer(out)}, {out.elements});\n    return 0;"
        ),
    )


@lowers("SUB", inputs=2, options="SubOptions", kernel="`tinybench_sub_s8`", limits=_LIMITS)
def _sub(context: Context, operator: Operator) -> Layer:
    first, second, out = _operands(context, operator)
    # Unlike ADD, the reference does this in single precision.
    a, b, c = np.float32(first.scale), np.float32(second.scale), np.float32(out.scale)
    twice_max = np.float32(2) * max(a, b)
    reals = float(a / twice_max), float(b / twice_max), float(twice_max / (np.float32(1 << _LEFT_SHIFT) * c))
    return _broadcast("tinybench_sub_s8", context, operator, _sum_params(operator, first, second, reals))


@lowers("MUL", inputs=2, options="MulOptions", kernel="`tinybench_mul_s8`", limits=_LIMITS)
def _mul(context: Context, operator: Operator) -> Layer:
    first, second, out = _operands(context, operator)
    multiplier, shift = quantize_multiplier(first.scale * second.scale / out.scale)
    if shift > _MAX_PRODUCT_SHIFT:
        raise unsupported(context, operator, "its output scale is too small for its products")
    params = struct(
        "tinybench_mul_params",
        operator,
        -first.zero_point,
        -second.zero_point,
        (out.zero_point, multiplier, shift),
        *activation(operator),
    )
    return _broadcast("tinybench_mul_s8", context, operator, params)


def _sum_params(operator: Operator, first: Tensor, second: Tensor, reals: tuple[float, float, float]) -> str:
    scaled = (
        (-first.zero_point, *quantize_multiplier_below_one(reals[0])),
        (-second.zero_point, *quantize_multiplier_below_one(reals[1])),
        (operator.outputs[0].zero_point, *quantize_multiplier_below_one(reals[2])),
    )
    return struct("tinybench_add_params", operator, *scaled, _LEFT_SHIFT, *activation(operator))


def _operands(context: Context, operator: Operator) -> tuple[Tensor, Tensor, Tensor]:
    first, second = (int8_input(context, operator, position) for position in (0, 1))
    out = operator.outputs[0]
    try:
        expected = np.broadcast_shapes(first.shape, second.shape)
    except ValueError:
        expected = None
    if expected != out.shape:
        raise unsupported(context, operator, "its shapes do not broadcast to its output")
    if first.shape != second.shape and len(out.shape) > 4:
        raise unsupported(context, operator, "broadcasting beyond rank 4")
    return first, second, out


def _broadcast(function: str, context: Context, operator: Operator, params: str) -> Layer:
    first, second, out = _operands(context, operator)
    i = operator.index
    strides = [_strides(tensor, len(out.shape)) for tensor in (first, second)]
    sizes, steps = loops(4, out.shape, *strides)
    shape = struct("tinybench_broadcast", operator, sizes, *steps, name="shape")
    return Layer(
        constants=(*constants(first, second), params, shape),
        call=(
            f"{function}({context.pointer(first)}, {context.pointer(second)}, &shape{i}, &params{i},\n"
            f"        {context.pointer(out)});\n    return 0;"
        ),
    )


def _strides(tensor: Tensor, rank: int) -> list[int]:
    """Step of a tensor along each output dimension; 0 where it has a single value."""
    strides, step = [], 1
    for size in reversed((1,) * (rank - len(tensor.shape)) + tensor.shape):
        strides.append(step if size > 1 else 0)
        step *= size
    return strides[::-1]
