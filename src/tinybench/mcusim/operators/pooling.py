"""Pooling (CMSIS-NN) and the mean over axes (``mean_s8.c``)."""

from __future__ import annotations

import math

from tinybench.mcusim.emit import (
    Context,
    Layer,
    activation,
    activation_input,
    check_window,
    dims,
    dims_of,
    image,
    integers,
    loops,
    padding,
    struct,
    unsupported,
)
from tinybench.mcusim.fixedpoint import mean_scaling, quantize_multiplier
from tinybench.mcusim.operators.registry import lowers
from tinybench.models import Operator

_SAME_SCALE = 1e-6  # tensorflow/lite/micro/kernels/pooling_common.cc
_MAX_AXES = 2  # kMaxNumberOfReducedAxis of tensorflow/lite/micro/kernels/reduce_common.cc
_POOLING = "NHWC, batch 1; input and output quantised alike; any window, stride, padding"


@lowers("AVERAGE_POOL_2D", inputs=1, options="Pool2DOptions", kernel="`arm_avgpool_s8`", limits=_POOLING)
def _average_pool(context: Context, operator: Operator) -> Layer:
    channels, out = operator.outputs[0].shape[-1], operator.outputs[0]
    # arm_avgpool_s8_get_buffer_size: with DSP, one int32 per channel.
    scratch = channels * 4 if context.dsp else 0
    layer = _pool("arm_avgpool_s8", context, operator, scratch)
    query = f"arm_avgpool_s8_get_buffer_size({out.shape[2]}, {channels})"
    return Layer(layer.constants, layer.call, scratch, query)


@lowers("MAX_POOL_2D", inputs=1, options="Pool2DOptions", kernel="`arm_max_pool_s8`", limits=_POOLING)
def _max_pool(context: Context, operator: Operator) -> Layer:
    return _pool("arm_max_pool_s8", context, operator, 0)


def _pool(function: str, context: Context, operator: Operator, scratch: int) -> Layer:
    in_shape, out_shape = image(context, operator)
    i, source, out = operator.index, activation_input(context, operator), operator.outputs[0]
    kernel = operator.options["filterHeight"], operator.options["filterWidth"]
    stride = check_window(context, operator, kernel, (1, 1))
    before = padding(operator, kernel, (1, 1))
    if in_shape[0] != 1 or in_shape[3] != out_shape[3]:
        raise unsupported(context, operator, "its batch size is not 1 or it changes the channels")
    if abs(source.scale - out.scale) > _SAME_SCALE or source.zero_point != out.zero_point:
        raise unsupported(context, operator, "its input and output are quantised differently")
    fields = stride[::-1], before[::-1], activation(operator)
    return Layer(
        constants=(struct("cmsis_nn_pool_params", operator, *fields),),
        call=(
            f"const cmsis_nn_context context = {context.scratch(operator, scratch)};\n"
            f"    return {function}(&context, &params{i}, {dims_of(source)}, {context.pointer(source)},\n"
            f"        {dims(1, kernel[0], kernel[1], 1)}, {dims_of(out)}, {context.pointer(out)});"
        ),
    )


@lowers(
    "MEAN",
    inputs=2,
    options="ReducerOptions",
    kernel="`tinybench_mean_s8`",
    limits="rank up to 4; constant axes, at most two",
)
def _mean(context: Context, operator: Operator) -> Layer:
    source, out = activation_input(context, operator), operator.outputs[0]
    rank = len(source.shape)
    axes = integers(context, operator, 1)
    if not 1 <= rank <= 4 or not 1 <= len(axes) <= _MAX_AXES or not all(-rank <= a < rank for a in axes):
        raise unsupported(context, operator, "its axes are not one or two of an input of rank 4 or less")
    reduced = {axis % rank for axis in axes}
    kept = tuple(1 if axis in reduced else size for axis, size in enumerate(source.shape))
    squeezed = tuple(size for axis, size in enumerate(source.shape) if axis not in reduced)
    if out.shape not in (kept, squeezed):
        raise unsupported(context, operator, f"its output shape is not {list(kept)} or {list(squeezed)}")
    count = math.prod(source.shape[axis] for axis in reduced)
    multiplier, shift = mean_scaling(*quantize_multiplier(source.scale / out.scale), count)
    if max(shift, 0) + (255 * count).bit_length() > 31:
        raise unsupported(context, operator, "its sums may not fit 32 bits")
    strides, step = [0] * rank, 1
    for axis in reversed(range(rank)):
        if axis not in reduced:
            strides[axis], step = step, step * source.shape[axis]
    sizes, (steps,) = loops(4, source.shape, strides)
    scratch = 4 * out.elements
    fields = out.elements, -source.zero_point * count, (out.zero_point, multiplier, shift)
    return Layer(
        constants=(struct("tinybench_mean_params", operator, sizes, steps, *fields),),
        call=(
            f"tinybench_mean_s8({context.pointer(source)}, &params{operator.index},\n"
            f"        (int32_t *)(tinybench_arena + OFFSET_s{operator.index}), {context.pointer(out)});\n"
            f"    return 0;"
        ),
        scratch_bytes=scratch,
    )
