"""One function per operator: checks it, and gives the C that calls its kernel as TFLite Micro calls it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from tinybench.errors import UnsupportedOperatorError
from tinybench.mcusim.emit import (
    Context,
    Layer,
    activation,
    activation_input,
    array,
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
from tinybench.mcusim.fixedpoint import quantize_multiplier, softmax_scaling
from tinybench.models import Operator, Tensor


def emit(context: Context, operator: Operator) -> Layer:
    """Lower one operator.

    Raises:
        UnsupportedOperatorError: there is no kernel for it or for one of its options.
    """
    kernel = _KERNELS.get(operator.kind)
    if kernel is None:
        raise UnsupportedOperatorError(
            f"{context.model.path}: {operator} has no kernel in the simulator",
            hint=f"supported: {', '.join(sorted(_KERNELS))}",
        )
    for tensor in operator.outputs:
        if tensor.dtype != "INT8":
            raise unsupported(context, operator, f"its output is {tensor.dtype.lower()}, not int8")
    try:
        return kernel(context, operator)
    except (KeyError, IndexError, ValueError, TypeError, ZeroDivisionError, OverflowError):
        raise unsupported(context, operator, "its shapes or options are malformed") from None


def _conv(context: Context, operator: Operator) -> Layer:
    in_shape, out_shape = image(context, operator)
    source, weights, bias = weights_and_bias(context, operator, 4, out_shape[3])
    if weights.shape[0] != out_shape[3] or weights.shape[3] != in_shape[3]:
        raise unsupported(context, operator, "grouped convolution")
    window = _window(context, operator, weights)
    pointwise = window.padding == (0, 0) and weights.shape[1:3] == (1, 1) and window.dilation == (1, 1)
    # The formulas of arm_convolve_wrapper_s8_get_buffer_size for cores without MVE.
    scratch = 0 if pointwise else 2 * in_shape[3] * math.prod(weights.shape[1:3]) * 2
    params = struct(
        "cmsis_nn_conv_params",
        operator,
        -source.zero_point,
        operator.outputs[0].zero_point,
        *window.fields(),
        activation(operator),
    )
    return _convolution("arm_convolve_wrapper_s8", context, operator, weights, bias, params, scratch)


def _depthwise(context: Context, operator: Operator) -> Layer:
    in_shape, out_shape = image(context, operator)
    source, weights, bias = weights_and_bias(context, operator, 4, out_shape[3])
    multiplier = out_shape[3] // in_shape[3]
    if weights.shape[0] != 1 or weights.shape[3] != out_shape[3] or multiplier * in_shape[3] != out_shape[3]:
        raise unsupported(context, operator, "its weights do not fit its input and output channels")
    window = _window(context, operator, weights)
    plain = multiplier == 1 and in_shape[0] == 1 and window.dilation == (1, 1)
    # The formula of arm_depthwise_conv_wrapper_s8_get_buffer_size for cores with DSP and without MVE.
    scratch = in_shape[3] * math.prod(weights.shape[1:3]) * 2 if plain else 0
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
    dilation: tuple[int, int] = (1, 1)

    def fields(self) -> tuple[tuple[int, int], ...]:
        """As CMSIS-NN's structs hold them: (width, height)."""
        return self.stride[::-1], self.padding[::-1], self.dilation[::-1]


def _window(context: Context, operator: Operator, weights: Tensor) -> _Window:
    kernel = weights.shape[1:3]
    dilation = operator.options["dilationHFactor"], operator.options["dilationWFactor"]
    stride = check_window(context, operator, kernel, dilation)
    return _Window(stride, padding(operator, kernel, dilation), dilation)


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
    multipliers, shifts = per_channel(context, operator, weights, channels)
    quantisation = f"{{(int32_t *)multiplier{i}, (int32_t *)shift{i}}}"
    return Layer(
        constants=(
            *constants(weights, bias),
            array(f"multiplier{i}", "int32_t", multipliers),
            array(f"shift{i}", "int32_t", shifts),
            params,
        ),
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


def _fully_connected(context: Context, operator: Operator) -> Layer:
    i, out = operator.index, operator.outputs[0]
    source, weights, bias = weights_and_bias(context, operator, 2, out.shape[-1])
    channels, depth = weights.shape
    rows = source.elements // depth
    fits = rows * depth == source.elements and rows * channels == out.elements
    if not fits or operator.options["weightsFormat"] != 0:
        raise unsupported(context, operator, "its weights do not fit its input and output")
    if weights.quantization is None or len(weights.quantization.scales) != 1 or weights.zero_point != 0:
        raise unsupported(context, operator, "its weights are not quantised symmetrically with one scale")
    # GetQuantizedConvolutionMultipler multiplies the two scales in single precision.
    product = float(np.float32(source.scale) * np.float32(weights.scale))
    multiplier, shift = quantize_multiplier(product / out.scale)
    offsets = -source.zero_point, 0, out.zero_point
    filter_dims = dims(depth, 1, 1, channels)
    return Layer(
        constants=(
            *constants(weights, bias),
            struct("cmsis_nn_fc_params", operator, *offsets, activation(operator)),
        ),
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


def _average_pool(context: Context, operator: Operator) -> Layer:
    in_shape, out_shape = image(context, operator)
    i, source, out = operator.index, activation_input(context, operator), operator.outputs[0]
    kernel = operator.options["filterHeight"], operator.options["filterWidth"]
    stride = check_window(context, operator, kernel, (1, 1))
    window = _Window(stride, padding(operator, kernel, (1, 1)))
    if in_shape[0] != 1 or in_shape[3] != out_shape[3]:
        raise unsupported(context, operator, "its batch size is not 1 or it changes the channels")
    if (source.scale, source.zero_point) != (out.scale, out.zero_point):
        raise unsupported(context, operator, "its input and output are quantised differently")
    scratch = in_shape[3] * 4  # arm_avgpool_s8_get_buffer_size with DSP: one int32 per channel
    return Layer(
        constants=(struct("cmsis_nn_pool_params", operator, *window.fields()[:2], activation(operator)),),
        call=(
            f"const cmsis_nn_context context = {context.scratch(operator, scratch)};\n"
            f"    return arm_avgpool_s8(&context, &params{i}, {dims_of(source)}, {context.pointer(source)},\n"
            f"        {dims(1, kernel[0], kernel[1], 1)}, {dims_of(out)}, {context.pointer(out)});"
        ),
        scratch_bytes=scratch,
        scratch_query=f"arm_avgpool_s8_get_buffer_size({out_shape[2]}, {in_shape[3]})",
    )


def _reshape(context: Context, operator: Operator) -> Layer:
    source, out = activation_input(context, operator), operator.outputs[0]
    if source.elements != out.elements:
        raise unsupported(context, operator, "its input and output differ in size")
    call = f"memcpy({context.pointer(out)}, {context.pointer(source)}, {out.nbytes});\n    return 0;"
    return Layer(constants=(), call=call)


def _softmax(context: Context, operator: Operator) -> Layer:
    source, out = activation_input(context, operator), operator.outputs[0]
    if source.shape != out.shape:
        raise unsupported(context, operator, "its input and output differ in shape")
    if (out.scale, out.zero_point) != (1 / 256, -128):
        raise unsupported(
            context, operator, "its output is not quantised with scale 1/256 and zero point -128"
        )
    multiplier, shift, diff_min = softmax_scaling(operator.options["beta"], source.scale)
    row = out.shape[-1]
    return Layer(
        constants=(),
        call=(
            f"tinybench_softmax_s8({context.pointer(source)}, {out.elements // row}, {row},\n"
            f"        {multiplier}, {shift}, {diff_min}, {context.pointer(out)});\n    return 0;"
        ),
    )


def _add(context: Context, operator: Operator) -> Layer:
    first, second = (activation_input(context, operator, position) for position in (0, 1))
    i, out = operator.index, operator.outputs[0]
    if first.shape != second.shape or first.shape != out.shape:
        raise unsupported(context, operator, "broadcasting")
    twice_max = 2.0 * max(first.scale, second.scale)
    left_shift = 20  # tensorflow/lite/kernels/add.cc
    scaled = (
        (-first.zero_point, *quantize_multiplier(first.scale / twice_max)),
        (-second.zero_point, *quantize_multiplier(second.scale / twice_max)),
        (out.zero_point, *quantize_multiplier(twice_max / ((1 << left_shift) * out.scale))),
    )
    return Layer(
        constants=(struct("tinybench_add_params", operator, *scaled, left_shift, *activation(operator)),),
        call=(
            f"tinybench_add_s8({context.pointer(first)}, {context.pointer(second)}, &params{i},\n"
            f"        {context.pointer(out)}, {out.elements});\n    return 0;"
        ),
    )


_KERNELS: Mapping[str, Callable[[Context, Operator], Layer]] = {
    "ADD": _add,
    "AVERAGE_POOL_2D": _average_pool,
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "RESHAPE": _reshape,
    "SOFTMAX": _softmax,
}
