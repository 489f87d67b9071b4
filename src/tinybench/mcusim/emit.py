"""What every lowered operator is made of: C fragments, and checks of shapes and quantisation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tinybench.errors import UnsupportedOperatorError
from tinybench.mcusim.fixedpoint import activation_range, quantize_multiplier
from tinybench.models import Model, Operator, Tensor


@dataclass(frozen=True)
class Layer:
    """C of one operator: file-level constants, the call, and the scratch it needs."""

    constants: tuple[str, ...]
    call: str
    scratch_bytes: int = 0
    scratch_query: str = "0"
    """C expression of what the kernel itself asks for; compared with ``scratch_bytes`` at start."""


@dataclass(frozen=True)
class Context:
    """Names under which the generated C knows tensors."""

    model: Model
    dsp: bool = True
    """Whether the core has the DSP extension; CMSIS-NN's scratch sizes depend on it."""

    def pointer(self, tensor: Tensor | None) -> str:
        """C expression for the address of a tensor's data; NULL for an optional one that is absent."""
        if tensor is None:
            return "NULL"
        if tensor.is_constant:
            return f"t{tensor.index}"
        return f"(tinybench_arena + OFFSET_t{tensor.index})"

    def scratch(self, operator: Operator, size: int) -> str:
        """C initialiser of the ``cmsis_nn_context`` of an operator with ``size`` bytes of scratch."""
        if size == 0:
            return "{NULL, 0}"
        return f"{{tinybench_arena + OFFSET_s{operator.index}, {size}}}"


def unsupported(context: Context, operator: Operator, reason: str) -> UnsupportedOperatorError:
    """The error for an operator that is known but asks for what has no kernel."""
    return UnsupportedOperatorError(
        f"{context.model.path}: {operator}: {reason}", hint="export the model without it"
    )


def array(name: str, ctype: str, values: Iterable[int], *, align: int = 4) -> str:
    """C definition of a constant array."""
    numbers = [str(v) for v in values]
    lines = [", ".join(numbers[i : i + 24]) for i in range(0, len(numbers), 24)]
    return (
        f"static const {ctype} {name}[] __attribute__((aligned({align}))) = {{\n" + ",\n".join(lines) + "};"
    )


def struct(ctype: str, operator: Operator, *fields: object, name: str = "params") -> str:
    """C definition of the parameters of an operator; tuples become nested initialisers."""
    return f"static const {ctype} {name}{operator.index} = {_initialiser(fields)};"


def _initialiser(value: object) -> str:
    if isinstance(value, tuple):
        return "{" + ", ".join(_initialiser(item) for item in value) + "}"
    return str(value)


def constants(*tensors: Tensor | None) -> tuple[str, ...]:
    """C definitions of weights and biases; absent ones are left out."""
    present = [(t, t.data) for t in tensors if t is not None and t.data is not None]
    ctypes = {"INT8": "int8_t", "INT32": "int32_t"}
    # 16-byte alignment as in a .tflite flatbuffer, so that word reads of weights stay aligned.
    return tuple(
        array(f"t{t.index}", ctypes[t.dtype], data.ravel().tolist(), align=16) for t, data in present
    )


def dims(n: int, h: int, w: int, c: int) -> str:
    """C compound literal of a ``cmsis_nn_dims``."""
    return f"&(const cmsis_nn_dims){{{n}, {h}, {w}, {c}}}"


def dims_of(tensor: Tensor) -> str:
    """``dims`` of a tensor of rank 4."""
    return dims(*tensor.shape)


def activation(operator: Operator) -> tuple[int, int]:
    """Smallest and largest output under the operator's fused activation."""
    output = operator.outputs[0]
    return activation_range(operator.options["fusedActivationFunction"], output.scale, output.zero_point)


def padding(operator: Operator, kernel: Sequence[int], dilation: Sequence[int]) -> tuple[int, int]:
    """Rows and columns of padding before the input (``ComputePadding`` of the TFLite reference)."""
    if operator.options["padding"] == 1:  # VALID
        return 0, 0
    stride = operator.options["strideH"], operator.options["strideW"]
    before = []
    for axis in (0, 1):
        size, out = _height_width(operator)[axis], operator.outputs[0].shape[1 + axis]
        total = (out - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1 - size
        before.append(max(0, total) // 2)
    return before[0], before[1]


def _height_width(operator: Operator) -> tuple[int, ...]:
    source = operator.inputs[0]
    return () if source is None else source.shape[1:3]


def per_channel(
    context: Context, operator: Operator, weights: Tensor, channels: int
) -> tuple[list[int], list[int]]:
    """Multiplier and shift of each output channel (``PopulateConvolutionQuantizationParams``)."""
    if weights.quantization is None:
        raise unsupported(context, operator, "its weights have no quantisation")
    if any(weights.quantization.zero_points):
        raise unsupported(context, operator, "its weights have a zero point other than 0")
    scales = weights.quantization.scales
    if len(scales) == 1:
        scales *= channels
    if len(scales) != channels:
        raise unsupported(context, operator, f"its weights have {len(scales)} scales for {channels} channels")
    pairs = [
        quantize_multiplier(activation_input(context, operator).scale * s / operator.outputs[0].scale)
        for s in scales
    ]
    return [m for m, _ in pairs], [s for _, s in pairs]


def weights_and_bias(
    context: Context, operator: Operator, rank: int, channels: int
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Input, weights and bias of a convolution or fully connected operator, checked."""
    source, weights = activation_input(context, operator), operator.inputs[1]
    bias = operator.inputs[2] if len(operator.inputs) > 2 else None
    if weights is None or not weights.is_constant or weights.dtype != "INT8" or len(weights.shape) != rank:
        raise unsupported(context, operator, f"its weights are not a constant int8 tensor of rank {rank}")
    if bias is not None and (not bias.is_constant or bias.dtype != "INT32" or bias.elements != channels):
        raise unsupported(
            context, operator, "its bias is not a constant int32 vector of one value per channel"
        )
    return source, weights, bias


def activation_input(context: Context, operator: Operator, position: int = 0) -> Tensor:
    """An input that must be an int8 activation."""
    tensor = operator.inputs[position]
    if tensor is None or tensor.is_constant or tensor.dtype != "INT8":
        raise unsupported(context, operator, f"its input {position} is not an int8 activation")
    return tensor


def int8_input(context: Context, operator: Operator, position: int) -> Tensor:
    """An int8 input, constant or not."""
    tensor = operator.inputs[position]
    if tensor is None or tensor.dtype != "INT8":
        raise unsupported(context, operator, f"its input {position} is not int8")
    return tensor


def integers(context: Context, operator: Operator, position: int) -> list[int]:
    """Values of an input that must be a constant int32 tensor, such as axes."""
    tensor = operator.inputs[position]
    if tensor is None or tensor.data is None or tensor.dtype != "INT32":
        raise unsupported(context, operator, f"its input {position} is not a constant int32 tensor")
    return [int(value) for value in tensor.data.ravel()]


def loops(
    depth: int, shape: Sequence[int], *strides: Sequence[int]
) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]:
    """Nested loops over a shape: ``depth`` sizes, and the steps of each operand, outermost first.

    Dimensions that every operand steps through evenly become one, so that the innermost run is long.
    """
    merged: list[list[int]] = []
    for size, *steps in zip(shape, *strides, strict=True):
        if size == 1:
            continue
        if merged and all(outer == inner * size for outer, inner in zip(merged[-1][1:], steps, strict=True)):
            merged[-1] = [merged[-1][0] * size, *steps]
        else:
            merged.append([size, *steps])
    if not merged:
        merged.append([1, *(1 for _ in strides)])
    padded = [[1, *(0 for _ in strides)]] * (depth - len(merged)) + merged
    sizes, *steps_of = (tuple(column) for column in zip(*padded, strict=True))
    return sizes, tuple(steps_of)


def check_accumulator(
    context: Context, operator: Operator, weights: Tensor, bias: Tensor | None, shifts: Sequence[int]
) -> None:
    """Refuse an operator whose sums may leave 32 bits, where overflow is undefined in C."""
    if weights.data is None:
        raise unsupported(context, operator, "its weights are not constant")
    channels = len(shifts)
    values = np.abs(weights.data.astype(np.int64))
    depthwise = operator.kind == "DEPTHWISE_CONV_2D"  # the channels are its last dimension
    per_output = values.reshape(-1, channels).sum(0) if depthwise else values.reshape(channels, -1).sum(1)
    largest = per_output * 255
    if bias is not None and bias.data is not None:
        largest = largest + np.abs(bias.data.astype(np.int64)).ravel()
    if any(int(value) << max(shift, 0) >= 2**31 for value, shift in zip(largest, shifts, strict=True)):
        raise unsupported(context, operator, "its sums may not fit 32 bits")


def image(context: Context, operator: Operator) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Shapes of input and output, both NHWC."""
    source, output = activation_input(context, operator), operator.outputs[0]
    if len(source.shape) != 4 or len(output.shape) != 4 or source.shape[0] != output.shape[0]:
        raise unsupported(context, operator, "its input and output are not NHWC tensors of one batch size")
    return source.shape, output.shape


def check_window(
    context: Context, operator: Operator, kernel: Sequence[int], dilation: Sequence[int]
) -> tuple[int, int]:
    """Check the output size against kernel, stride and padding; give (stride_h, stride_w)."""
    stride = operator.options["strideH"], operator.options["strideW"]
    if min(*stride, *kernel, *dilation) < 1:
        raise unsupported(context, operator, "a stride, kernel size or dilation is below 1")
    if operator.options["padding"] not in (0, 1):
        raise unsupported(context, operator, "its padding is neither SAME nor VALID")
    same = operator.options["padding"] == 0
    for axis in (0, 1):
        size = _height_width(operator)[axis]
        extent = (kernel[axis] - 1) * dilation[axis] + 1
        expected = -(-size // stride[axis]) if same else -(-(size - extent + 1) // stride[axis])
        if operator.outputs[0].shape[1 + axis] != expected:
            raise unsupported(
                context, operator, f"its output shape is not the {expected} that its window gives"
            )
    return stride
