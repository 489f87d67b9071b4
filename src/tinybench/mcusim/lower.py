"""Lower a .tflite graph to C that calls the CMSIS-NN entry points TFLite Micro's own kernels call.

One function per operator, weights and quantisation parameters as constants in flash, activations and
scratch in one static arena. An operator or option without a kernel is an ``UnsupportedOperatorError`` that
names operator and index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tinybench.errors import UnsupportedOperatorError
from tinybench.mcusim.fixedpoint import activation_range, quantize_multiplier, softmax_scaling
from tinybench.mcusim.plan import ArenaPlan, Buffer, plan_arena
from tinybench.models import Model, Operator, Tensor


@dataclass(frozen=True)
class Program:
    """The generated C of one model."""

    source: str
    layers: tuple[str, ...]
    """Name of the C function of each operator, in execution order."""
    arena: ArenaPlan
    input_offset: int
    output_offset: int
    input_bytes: int
    output_bytes: int


@dataclass(frozen=True)
class _Layer:
    """C of one operator: file-level constants, the call, and the scratch it needs."""

    constants: tuple[str, ...]
    call: str
    scratch_bytes: int = 0
    scratch_query: str = "0"
    """C expression of what the kernel itself asks for; compared with ``scratch_bytes`` at start."""


_Emit = Callable[["_Context", Operator], _Layer]


@dataclass(frozen=True)
class _Context:
    """Names under which the generated C knows tensors."""

    model: Model

    def pointer(self, tensor: Tensor) -> str:
        if tensor.is_constant:
            return f"t{tensor.index}"
        return f"(tinybench_arena + OFFSET_t{tensor.index})"

    def scratch(self, operator: Operator) -> str:
        return f"(tinybench_arena + OFFSET_s{operator.index})"


def lower(model: Model) -> Program:
    """Generate the C program of a model.

    Raises:
        UnsupportedOperatorError: an operator or one of its options has no kernel.
    """
    context = _Context(model)
    emitted = [_emit(context, operator) for operator in model.operators]
    plan = plan_arena(_buffers(model, emitted))
    names = tuple(f"layer_{op.index:02d}_{op.kind.lower()}" for op in model.operators)
    return Program(
        source=_assemble(model, emitted, names, plan),
        layers=names,
        arena=plan,
        input_offset=plan.offsets[f"t{model.input.index}"],
        output_offset=plan.offsets[f"t{model.output.index}"],
        input_bytes=model.input.nbytes,
        output_bytes=model.output.nbytes,
    )


def _emit(context: _Context, operator: Operator) -> _Layer:
    emit = _KERNELS.get(operator.kind)
    if emit is None:
        raise UnsupportedOperatorError(
            f"{context.model.path}: {operator} has no kernel in the simulator",
            hint=f"supported: {', '.join(sorted(_KERNELS))}",
        )
    for tensor in operator.outputs:
        if tensor.dtype != "INT8":
            raise _unsupported(context, operator, f"its output is {tensor.dtype.lower()}, not int8")
    return emit(context, operator)


def _unsupported(context: _Context, operator: Operator, reason: str) -> UnsupportedOperatorError:
    return UnsupportedOperatorError(
        f"{context.model.path}: {operator}: {reason}", hint="export the model without it"
    )


def _buffers(model: Model, emitted: Sequence[_Layer]) -> dict[str, Buffer]:
    last_operator = len(model.operators) - 1
    buffers: dict[str, Buffer] = {}
    for tensor in model.tensors:
        if tensor.is_constant:
            continue
        writes = [op.index for op in model.operators if tensor in op.outputs]
        reads = [op.index for op in model.operators if tensor in op.inputs]
        if not writes and tensor is not model.input:
            continue
        first = 0 if tensor is model.input else writes[0]
        last = last_operator if tensor is model.output else max(reads, default=first)
        buffers[f"t{tensor.index}"] = Buffer(tensor.nbytes, first, last)
    for operator, layer in zip(model.operators, emitted, strict=True):
        if layer.scratch_bytes:
            buffers[f"s{operator.index}"] = Buffer(layer.scratch_bytes, operator.index, operator.index)
    return buffers


# ------------------------------------------------------------------------------------------ C fragments


def _array(name: str, ctype: str, values: Iterable[int], *, align: int = 4) -> str:
    numbers = [str(v) for v in values]
    lines = [", ".join(numbers[i : i + 24]) for i in range(0, len(numbers), 24)]
    return f"static const {ctype} {name}[] __attribute__((aligned({align}))) = {{\n" + ",\n".join(lines) + "};"


def _constant(tensor: Tensor) -> str:
    ctype = {"INT8": "int8_t", "INT32": "int32_t"}[tensor.dtype]
    # 16-byte alignment as in a .tflite flatbuffer, so that word reads of weights stay aligned.
    assert tensor.data is not None
    return _array(f"t{tensor.index}", ctype, tensor.data.ravel().tolist(), align=16)


def _dims(n: int, h: int, w: int, c: int) -> str:
    return f"&(const cmsis_nn_dims){{{n}, {h}, {w}, {c}}}"


def _dims_of(tensor: Tensor) -> str:
    return _dims(*tensor.shape)


def _activation(operator: Operator) -> str:
    output = operator.outputs[0]
    low, high = activation_range(operator.options["fusedActivationFunction"], output.scale, output.zero_point)
    return f"{{{low}, {high}}}"


def _padding(operator: Operator, kernel: Sequence[int], dilation: Sequence[int]) -> tuple[int, int]:
    """Rows and columns of padding before the input (``ComputePadding`` of the TFLite reference)."""
    if operator.options["padding"] == 1:  # VALID
        return 0, 0
    stride = operator.options["strideH"], operator.options["strideW"]
    before = []
    for axis in (0, 1):
        size, out = _shape(operator.inputs[0])[1 + axis], operator.outputs[0].shape[1 + axis]
        total = (out - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1 - size
        before.append(max(0, total) // 2)
    return before[0], before[1]


def _shape(tensor: Tensor | None) -> tuple[int, ...]:
    return () if tensor is None else tensor.shape


def _per_channel(
    context: _Context, operator: Operator, weights: Tensor, channels: int
) -> tuple[list[int], list[int]]:
    """Multiplier and shift of each output channel (``PopulateConvolutionQuantizationParams``)."""
    if weights.quantization is None:
        raise _unsupported(context, operator, "its weights have no quantisation")
    if any(weights.quantization.zero_points):
        raise _unsupported(context, operator, "its weights have a zero point other than 0")
    scales = weights.quantization.scales
    if len(scales) == 1:
        scales *= channels
    first = operator.inputs[0]
    assert first is not None
    pairs = [quantize_multiplier(first.scale * s / operator.outputs[0].scale) for s in scales]
    return [m for m, _ in pairs], [s for _, s in pairs]


def _weights_and_bias(
    context: _Context, operator: Operator, rank: int, channels: int
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Input, weights and bias of a convolution or fully connected operator, checked."""
    source, weights = operator.inputs[0], operator.inputs[1]
    bias = operator.inputs[2] if len(operator.inputs) > 2 else None
    if source is None or source.is_constant or source.dtype != "INT8":
        raise _unsupported(context, operator, "its input is not an int8 activation")
    if weights is None or not weights.is_constant or weights.dtype != "INT8" or len(weights.shape) != rank:
        raise _unsupported(context, operator, f"its weights are not a constant int8 tensor of rank {rank}")
    if bias is not None and (not bias.is_constant or bias.dtype != "INT32" or bias.elements != channels):
        raise _unsupported(context, operator, "its bias is not a constant int32 vector of one value per channel")
    return source, weights, bias


def _image(context: _Context, operator: Operator) -> tuple[tuple[int, ...], tuple[int, ...]]:
    source, output = operator.inputs[0], operator.outputs[0]
    if source is None or len(source.shape) != 4 or len(output.shape) != 4 or source.shape[0] != output.shape[0]:
        raise _unsupported(context, operator, "its input and output are not NHWC tensors of one batch size")
    return source.shape, output.shape


def _check_window(
    context: _Context, operator: Operator, kernel: Sequence[int], dilation: Sequence[int]
) -> tuple[int, int]:
    """Check the output size against kernel, stride and padding; give (stride_h, stride_w)."""
    stride = operator.options["strideH"], operator.options["strideW"]
    if min(*stride, *kernel, *dilation) < 1:
        raise _unsupported(context, operator, "a stride, kernel size or dilation is below 1")
    same = operator.options["padding"] == 0
    for axis in (0, 1):
        size = _shape(operator.inputs[0])[1 + axis]
        extent = (kernel[axis] - 1) * dilation[axis] + 1
        expected = -(-size // stride[axis]) if same else -(-(size - extent + 1) // stride[axis])
        if operator.outputs[0].shape[1 + axis] != expected:
            raise _unsupported(context, operator, f"its output shape is not the {expected} that its window gives")
    return stride


# --------------------------------------------------------------------------------------------- kernels


def _conv(context: _Context, operator: Operator) -> _Layer:
    in_shape, out_shape = _image(context, operator)
    source, weights, bias = _weights_and_bias(context, operator, 4, out_shape[3])
    kernel = weights.shape[1:3]
    if weights.shape[0] != out_shape[3] or weights.shape[3] != in_shape[3]:
        raise _unsupported(context, operator, "grouped convolution")
    dilation = operator.options["dilationHFactor"], operator.options["dilationWFactor"]
    stride = _check_window(context, operator, kernel, dilation)
    pad = _padding(operator, kernel, dilation)
    multipliers, shifts = _per_channel(context, operator, weights, out_shape[3])
    i, out = operator.index, operator.outputs[0]
    pointwise = pad == (0, 0) and kernel == (1, 1) and dilation == (1, 1)
    # The formulas of arm_convolve_wrapper_s8_get_buffer_size for cores without MVE.
    scratch = 0 if pointwise else 2 * in_shape[3] * kernel[0] * kernel[1] * 2
    params = (
        f"static const cmsis_nn_conv_params params{i} = {{{-source.zero_point}, {out.zero_point}, "
        f"{{{stride[1]}, {stride[0]}}}, {{{pad[1]}, {pad[0]}}}, {{{dilation[1]}, {dilation[0]}}}, "
        f"{_activation(operator)}}};"
    )
    shapes = [_dims_of(source), _dims_of(weights), _dims_of(out)]
    return _Layer(
        constants=(*_parameters(weights, bias), _array(f"multiplier{i}", "int32_t", multipliers),
                   _array(f"shift{i}", "int32_t", shifts), params),
        call=_convolution_call("arm_convolve_wrapper_s8", context, operator, source, weights, bias, scratch),
        scratch_bytes=scratch,
        scratch_query=f"arm_convolve_wrapper_s8_get_buffer_size(&params{i}, {', '.join(shapes)})",
    )


def _depthwise(context: _Context, operator: Operator) -> _Layer:
    in_shape, out_shape = _image(context, operator)
    source, weights, bias = _weights_and_bias(context, operator, 4, out_shape[3])
    kernel = weights.shape[1:3]
    multiplier = out_shape[3] // in_shape[3]
    if weights.shape[0] != 1 or weights.shape[3] != out_shape[3] or multiplier * in_shape[3] != out_shape[3]:
        raise _unsupported(context, operator, "its weights do not fit its input and output channels")
    dilation = operator.options["dilationHFactor"], operator.options["dilationWFactor"]
    stride = _check_window(context, operator, kernel, dilation)
    pad = _padding(operator, kernel, dilation)
    multipliers, shifts = _per_channel(context, operator, weights, out_shape[3])
    i, out = operator.index, operator.outputs[0]
    plain = multiplier == 1 and in_shape[0] == 1 and dilation == (1, 1)
    # The formula of arm_depthwise_conv_wrapper_s8_get_buffer_size for cores with DSP and without MVE.
    scratch = in_shape[3] * kernel[0] * kernel[1] * 2 if plain else 0
    params = (
        f"static const cmsis_nn_dw_conv_params params{i} = {{{-source.zero_point}, {out.zero_point}, {multiplier}, "
        f"{{{stride[1]}, {stride[0]}}}, {{{pad[1]}, {pad[0]}}}, {{{dilation[1]}, {dilation[0]}}}, "
        f"{_activation(operator)}}};"
    )
    shapes = [_dims_of(source), _dims_of(weights), _dims_of(out)]
    return _Layer(
        constants=(*_parameters(weights, bias), _array(f"multiplier{i}", "int32_t", multipliers),
                   _array(f"shift{i}", "int32_t", shifts), params),
        call=_convolution_call("arm_depthwise_conv_wrapper_s8", context, operator, source, weights, bias, scratch),
        scratch_bytes=scratch,
        scratch_query=f"arm_depthwise_conv_wrapper_s8_get_buffer_size(&params{i}, {', '.join(shapes)})",
    )


def _parameters(weights: Tensor, bias: Tensor | None) -> tuple[str, ...]:
    return (_constant(weights),) if bias is None else (_constant(weights), _constant(bias))


def _convolution_call(
    function: str, context: _Context, operator: Operator, source: Tensor, weights: Tensor, bias: Tensor | None,
    scratch: int,
) -> str:
    i, out = operator.index, operator.outputs[0]
    buffer = f"{context.scratch(operator)}, {scratch}" if scratch else "NULL, 0"
    return (
        f"const cmsis_nn_context context = {{{buffer}}};\n"
        f"    const cmsis_nn_per_channel_quant_params quantisation = {{(int32_t *)multiplier{i}, (int32_t *)shift{i}}};\n"
        f"    return {function}(&context, &params{i}, &quantisation, {_dims_of(source)}, {context.pointer(source)},\n"
        f"        {_dims_of(weights)}, {context.pointer(weights)}, {_dims(1, 1, 1, out.shape[3])}, "
        f"{'NULL' if bias is None else context.pointer(bias)}, {_dims_of(out)}, {context.pointer(out)});"
    )


def _fully_connected(context: _Context, operator: Operator) -> _Layer:
    out = operator.outputs[0]
    source, weights, bias = _weights_and_bias(context, operator, 2, out.shape[-1])
    channels, depth = weights.shape
    rows = source.elements // depth
    if rows * depth != source.elements or rows * channels != out.elements or operator.options["weightsFormat"] != 0:
        raise _unsupported(context, operator, "its weights do not fit its input and output")
    if weights.quantization is None or len(weights.quantization.scales) != 1 or weights.zero_point != 0:
        raise _unsupported(context, operator, "its weights are not quantised symmetrically with one scale")
    # GetQuantizedConvolutionMultipler multiplies the two scales in single precision.
    product = float(np.float32(source.scale) * np.float32(weights.scale))
    multiplier, shift = quantize_multiplier(product / out.scale)
    i = operator.index
    params = (
        f"static const cmsis_nn_fc_params params{i} = {{{-source.zero_point}, 0, {out.zero_point}, "
        f"{_activation(operator)}}};"
    )
    return _Layer(
        constants=(*_parameters(weights, bias), params),
        call=(
            "const cmsis_nn_context context = {NULL, 0};\n"
            f"    const cmsis_nn_per_tensor_quant_params quantisation = {{{multiplier}, {shift}}};\n"
            f"    return arm_fully_connected_s8(&context, &params{i}, &quantisation, {_dims(rows, 1, 1, depth)},\n"
            f"        {context.pointer(source)}, {_dims(depth, 1, 1, channels)}, {context.pointer(weights)},\n"
            f"        {_dims(1, 1, 1, channels)}, {'NULL' if bias is None else context.pointer(bias)}, "
            f"{_dims(rows, 1, 1, channels)}, {context.pointer(out)});"
        ),
        scratch_query=f"arm_fully_connected_s8_get_buffer_size({_dims(depth, 1, 1, channels)})",
    )


def _average_pool(context: _Context, operator: Operator) -> _Layer:
    in_shape, out_shape = _image(context, operator)
    source, out = operator.inputs[0], operator.outputs[0]
    assert source is not None
    kernel = operator.options["filterHeight"], operator.options["filterWidth"]
    stride = _check_window(context, operator, kernel, (1, 1))
    pad = _padding(operator, kernel, (1, 1))
    if in_shape[0] != 1 or in_shape[3] != out_shape[3]:
        raise _unsupported(context, operator, "its batch size is not 1 or it changes the channels")
    if (source.scale, source.zero_point) != (out.scale, out.zero_point):
        raise _unsupported(context, operator, "its input and output are quantised differently")
    scratch = in_shape[3] * 4
    i = operator.index
    params = (
        f"static const cmsis_nn_pool_params params{i} = {{{{{stride[1]}, {stride[0]}}}, {{{pad[1]}, {pad[0]}}}, "
        f"{_activation(operator)}}};"
    )
    return _Layer(
        constants=(params,),
        call=(
            f"const cmsis_nn_context context = {{{context.scratch(operator)}, {scratch}}};\n"
            f"    return arm_avgpool_s8(&context, &params{i}, {_dims_of(source)}, {context.pointer(source)}, "
            f"{_dims(1, kernel[0], kernel[1], 1)}, {_dims_of(out)}, {context.pointer(out)});"
        ),
        scratch_bytes=scratch,
        scratch_query=f"arm_avgpool_s8_get_buffer_size({out_shape[2]}, {in_shape[3]})",
    )


def _reshape(context: _Context, operator: Operator) -> _Layer:
    source, out = operator.inputs[0], operator.outputs[0]
    if source is None or source.dtype != "INT8" or source.elements != out.elements:
        raise _unsupported(context, operator, "its input and output differ in size or type")
    call = f"memcpy({context.pointer(out)}, {context.pointer(source)}, {out.nbytes});\n    return 0;"
    return _Layer(constants=(), call=call)


def _softmax(context: _Context, operator: Operator) -> _Layer:
    source, out = operator.inputs[0], operator.outputs[0]
    if source is None or source.dtype != "INT8" or source.shape != out.shape:
        raise _unsupported(context, operator, "its input and output differ in shape or type")
    if (out.scale, out.zero_point) != (1 / 256, -128):
        raise _unsupported(context, operator, "its output is not quantised with scale 1/256 and zero point -128")
    multiplier, shift, diff_min = softmax_scaling(operator.options["beta"], source.scale)
    row = out.shape[-1]
    return _Layer(
        constants=(),
        call=(
            f"tinybench_softmax_s8({context.pointer(source)}, {out.elements // row}, {row}, {multiplier}, {shift}, "
            f"{diff_min}, {context.pointer(out)});\n    return 0;"
        ),
    )


def _add(context: _Context, operator: Operator) -> _Layer:
    first, second = operator.inputs[0], operator.inputs[1]
    out = operator.outputs[0]
    if first is None or second is None or first.dtype != "INT8" or second.dtype != "INT8":
        raise _unsupported(context, operator, "its inputs are not int8")
    if first.is_constant or second.is_constant or first.shape != second.shape or first.shape != out.shape:
        raise _unsupported(context, operator, "broadcasting or a constant input")
    twice_max = 2.0 * max(first.scale, second.scale)
    left_shift = 20  # tensorflow/lite/kernels/add.cc
    scalings = [
        quantize_multiplier(first.scale / twice_max),
        quantize_multiplier(second.scale / twice_max),
        quantize_multiplier(twice_max / ((1 << left_shift) * out.scale)),
    ]
    offsets = -first.zero_point, -second.zero_point, out.zero_point
    fields = ", ".join(f"{{{o}, {m}, {s}}}" for o, (m, s) in zip(offsets, scalings, strict=True))
    low_high = _activation(operator).strip("{}")
    params = f"static const tinybench_add_params params{operator.index} = {{{fields}, {left_shift}, {low_high}}};"
    return _Layer(
        constants=(params,),
        call=(
            f"tinybench_add_s8({context.pointer(first)}, {context.pointer(second)}, &params{operator.index}, "
            f"{context.pointer(out)}, {out.elements});\n    return 0;"
        ),
    )


_KERNELS: Mapping[str, _Emit] = {
    "ADD": _add,
    "AVERAGE_POOL_2D": _average_pool,
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "RESHAPE": _reshape,
    "SOFTMAX": _softmax,
}


# -------------------------------------------------------------------------------------------- assembly


def _assemble(model: Model, emitted: Sequence[_Layer], names: Sequence[str], plan: ArenaPlan) -> str:
    constants = dict.fromkeys(text for layer in emitted for text in layer.constants)  # shared weights only once
    offsets = [f"#define OFFSET_{name} {offset}" for name, offset in sorted(plan.offsets.items())]
    functions = [
        f"__attribute__((noinline, used)) static int32_t {name}(void)\n{{\n    {layer.call}\n}}"
        for name, layer in zip(names, emitted, strict=True)
    ]
    checks = [
        f"    if ({layer.scratch_query} > {layer.scratch_bytes})\n        return {i + 1};"
        for i, layer in enumerate(emitted)
        if layer.scratch_query != "0"
    ]
    calls = [f"    status += {name}();" for name in names]
    parts = [
        "/* Generated; do not edit. */",
        '#include <string.h>\n#include "arm_nnfunctions.h"\n#include "tinybench_kernels.h"\n#include "tinybench_model.h"',
        "\n".join(offsets),
        f"int8_t tinybench_arena[{plan.bytes}] __attribute__((aligned(16)));",
        f"int8_t *const tinybench_input = tinybench_arena + OFFSET_t{model.input.index};",
        f"const int8_t *const tinybench_output = tinybench_arena + OFFSET_t{model.output.index};",
        *constants,
        *functions,
        "int32_t tinybench_check(void)\n{\n" + "\n".join(checks) + "\n    return 0;\n}",
        "int32_t tinybench_infer(void)\n{\n    int32_t status = 0;\n" + "\n".join(calls) + "\n    return status;\n}",
    ]
    return "\n\n".join(parts) + "\n"
