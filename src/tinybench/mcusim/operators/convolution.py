"""Convolutions and fully connected layers: CMSIS-NN where it has a kernel, else ``per_channel_s8.c``."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinybench.mcusim.emit import (
    Context,
    Layer,
    activation,
    activation_input,
    array,
    check_accumulator,
    check_window,
    constants,
    dims,
    dims_of,
    image,
    padding,
    per_channel,
    struct,
    unsupported,
    weights_and_bias,
)
from tinybench.mcusim.fixedpoint import quantize_multiplier
from tinybench.mcusim.operators.registry import lowers
from tinybench.models import Operator, Tensor

_BIAS = "int8 constant weights, zero point 0, scale per tensor or per channel; constant int32 bias or none"
_MAX_UINT16 = 2**16 - 1
"""CMSIS-NN's convolutions hold sizes, and the length of an unrolled window, in 16 bits."""


@lowers(
    "CONV_2D",
    inputs=(2, 3),
    options="Conv2DOptions",
    kernel="`arm_convolve_wrapper_s8`; groups: `tinybench_grouped_convolve_s8`",
    limits=f"{_BIAS}; any stride, dilation, padding, batch",
)
def _conv(context: Context, operator: Operator) -> Layer:
    in_shape, out_shape = image(context, operator)
    source, weights, bias = weights_and_bias(context, operator, 4, out_shape[3])
    groups, rest = divmod(in_shape[3], weights.shape[3])
    if weights.shape[0] != out_shape[3] or rest or out_shape[3] % groups:
        raise unsupported(context, operator, "its weights do not fit its input and output channels")
    window = _window(context, operator, weights)
    _check_sizes(context, operator, weights)
    params = struct(
        "cmsis_nn_conv_params",
        operator,
        -source.zero_point,
        operator.outputs[0].zero_point,
        *window.fields(),
        activation(operator),
    )
    if groups > 1:
        return _grouped(context, operator, weights, bias, params)
    pointwise = window.padding == (0, 0) and weights.shape[1:3] == (1, 1) and window.dilation == (1, 1)
    # The formulas of arm_convolve_wrapper_s8_get_buffer_size for cores without MVE, with and without DSP.
    scratch = 0 if pointwise else 2 * in_shape[3] * math.prod(weights.shape[1:3]) * 2
    return _convolution("arm_convolve_wrapper_s8", context, operator, weights, bias, params, scratch)


@lowers(
    "DEPTHWISE_CONV_2D",
    inputs=(2, 3),
    options="DepthwiseConv2DOptions",
    kernel="`arm_depthwise_conv_wrapper_s8`",
    limits=f"{_BIAS}; any stride, dilation, padding, channel multiplier, batch",
)
def _depthwise(context: Context, operator: Operator) -> Layer:
    in_shape, out_shape = image(context, operator)
    source, weights, bias = weights_and_bias(context, operator, 4, out_shape[3])
    multiplier = out_shape[3] // in_shape[3]
    if weights.shape[0] != 1 or weights.shape[3] != out_shape[3] or multiplier * in_shape[3] != out_shape[3]:
        raise unsupported(context, operator, "its weights do not fit its input and output channels")
    if operator.options["depthMultiplier"] != multiplier:
        raise unsupported(context, operator, f"its depth multiplier is not the {multiplier} of its shapes")
    if bias is None and len(operator.inputs) == 3:  # TFLite Micro reads through a null pointer
        raise unsupported(context, operator, "its bias is declared and absent")
    window = _window(context, operator, weights)
    _check_sizes(context, operator, weights)
    plain = multiplier == 1 and in_shape[0] == 1 and window.dilation == (1, 1)
    # The formula of arm_depthwise_conv_wrapper_s8_get_buffer_size for cores without MVE.
    scratch = in_shape[3] * math.prod(weights.shape[1:3]) * 2 if plain and context.dsp else 0
    params = struct(
        "cmsis_nn_dw_conv_params",
        operator,
        -source.zero_point,
        operator.outputs[0].zero_point,
        multiplier,
        *window.fields(),
        activation(operator),
    )
    return _convolution("arm_depthwise_conv_wrapper_s8", context, operator, weights, bias, params, scratch)


@dataclass(frozen=True)
class _Window:
    """Stride, padding and dilation, each (height, width)."""

    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]

    def fields(self) -> tuple[tuple[int, int], ...]:
        """As CMSIS-NN's structs hold them: (width, height)."""
        return self.stride[::-1], self.padding[::-1], self.dilation[::-1]


def _window(context: Context, operator: Operator, weights: Tensor) -> _Window:
    kernel = weights.shape[1:3]
    dilation = operator.options["dilationHFactor"], operator.options["dilationWFactor"]
    stride = check_window(context, operator, kernel, dilation)
    return _Window(stride, padding(operator, kernel, dilation), dilation)


def _check_sizes(context: Context, operator: Operator, weights: Tensor) -> None:
    shapes = *activation_input(context, operator).shape, *operator.outputs[0].shape, *weights.shape
    if max(*shapes, math.prod(weights.shape[1:])) > _MAX_UINT16:
        raise unsupported(context, operator, f"a dimension or its window is larger than {_MAX_UINT16}")


def _convolution(
    function: str,
    context: Context,
    operator: Operator,
    weights: Tensor,
    bias: Tensor | None,
    params: str,
    scratch: int,
) -> Layer:
    """The layer of either kind of convolution: their CMSIS-NN entry points take the same arguments."""
    i, source, out = operator.index, activation_input(context, operator), operator.outputs[0]
    channels = out.shape[3]
    arrays, quantisation = _quantisation(context, operator, weights, bias, channels)
    return Layer(
        constants=(*arrays, params),
        call=(
            f"const cmsis_nn_context context = {context.scratch(operator, scratch)};\n"
            f"    const cmsis_nn_per_channel_quant_params quantisation = {quantisation};\n"
            f"    return {function}(&context, &params{i}, &quantisation,\n"
            f"        {dims_of(source)}, {context.pointer(source)},\n"
            f"        {dims_of(weights)}, {context.pointer(weights)},\n"
            f"        {dims(1, 1, 1, channels)}, {context.pointer(bias)},\n"
            f"        {dims_of(out)}, {context.pointer(out)});"
        ),
        scratch_bytes=scratch,
        scratch_query=(
            f"{function}_get_buffer_size(&params{i}, {dims_of(source)}, {dims_of(weights)}, {dims_of(out)})"
        ),
    )


def _grouped(
    context: Context, operator: Operator, weights: Tensor, bias: Tensor | None, params: str
) -> Layer:
    i, source, out = operator.index, activation_input(context, operator), operator.outputs[0]
    arrays, quantisation = _quantisation(context, operator, weights, bias, out.shape[3])
    return Layer(
        constants=(*arrays, params),
        call=(
            f"const cmsis_nn_per_channel_quant_params quantisation = {quantisation};\n"
            f"    tinybench_grouped_convolve_s8(&params{i}, &quantisation,\n"
            f"        {dims_of(source)}, {context.pointer(source)},\n"
            f"        {dims_of(weights)}, {context.pointer(weights)}, {context.pointer(bias)},\n"
            f"        {dims_of(out)}, {context.pointer(out)});\n    return 0;"
        ),
    )


def _quantisation(
    context: Context, operator: Operator, weights: Tensor, bias: Tensor | None, channels: int
) -> tuple[tuple[str, ...], str]:
    """Definitions of weights, bias and multipliers, and the initialiser that refers to the latter."""
    i = operator.index
    multipliers, shifts = per_channel(context, operator, weights, channels)
    check_accumulator(context, operator, weights, bias, shifts)
    arrays = (
        *constants(weights, bias),
        array(f"multiplier{i}", "int32_t", multipliers),
        array(f"shift{i}", "int32_t", shifts),
    )
    return arrays, f"{{(int32_t *)multiplier{i}, (int32_t *)shift{i}}}"


@lowers(
    "FULLY_CONNECTED",
    inputs=(2, 3),
    options="FullyConnectedOptions",
    kernel="`arm_fully_connected_s8`; scales per channel: `tinybench_fully_connected_per_channel_s8`",
    limits=f"{_BIAS}; default weights format; output of rank 2 with scales per channel",
)
def _fully_connected(context: Context, operator: Operator) -> Layer:
    i, out = operator.index, operator.outputs[0]
    source, weights, bias = weights_and_bias(context, operator, 2, out.shape[-1])
    channels, depth = weights.shape
    rows = source.elements // depth
    fits = rows * depth == source.elements and rows * channels == out.elements and out.shape[-1] == channels
    if not fits or operator.options["weightsFormat"] != 0:
        raise unsupported(context, operator, "its weights do not fit its input and output")
    if weights.quantization is None or any(weights.quantization.zero_points):
        raise unsupported(context, operator, "its weights are not quantised symmetrically")
    offsets = -source.zero_point, 0, out.zero_point
    params = struct("cmsis_nn_fc_params", operator, *offsets, activation(operator))
    if len(weights.quantization.scales) > 1:
        if len(out.shape) != 2:
            raise unsupported(context, operator, "its output is not of rank 2, with scales per channel")
        arrays, quantisation = _quantisation(context, operator, weights, bias, channels)
        return Layer(
            constants=(*arrays, params),
            call=(
                f"const cmsis_nn_per_channel_quant_params quantisation = {quantisation};\n"
                f"    tinybench_fully_connected_per_channel_s8(&params{i}, &quantisation,\n"
                f"        {context.pointer(source)}, {rows}, {depth}, {context.pointer(weights)},\n"
                f"        {context.pointer(bias)}, {channels}, {context.pointer(out)});\n    return 0;"
            ),
        )
    # GetQuantizedConvolutionMultipler multiplies the two scales in single precision.
    product = float(np.float32(source.scale) * np.float32(weights.scale))
    multiplier, shift = quantize_multiplier(product / out.scale)
    check_accumulator(context, operator, weights, bias, [shift] * channels)
    filter_dims = dims(depth, 1, 1, channels)
    return Layer(
        constants=(*constants(weights, bias), params),
        call=(
            f"const cmsis_nn_context context = {context.scratch(operator, 0)};\n"
            f"    const cmsis_nn_per_tensor_quant_params quantisation = {{{multiplier}, {shift}}};\n"
            f"    return arm_fully_connected_s8(&context, &params{i}, &quantisation,\n"
            f"        {dims(rows, 1, 1, depth)}, {context.pointer(source)},\n"
            f"        {filter_dims}, {context.pointer(weights)},\n"
            f"        {dims(1, 1, 1, channels)}, {context.pointer(bias)},\n"
            f"        {dims(rows, 1, 1, channels)}, {context.pointer(out)});"
        ),
        scratch_query=f"arm_fully_connected_s8_get_buffer_size({filter_dims})",
    )
