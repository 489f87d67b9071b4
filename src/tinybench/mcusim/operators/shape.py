"""Operators that move values without changing them (``shape_s8.c``)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tinybench.mcusim.emit import (
    Context,
    Layer,
    activation_input,
    constants,
    int8_input,
    integers,
    loops,
    struct,
    unsupported,
)
from tinybench.mcusim.operators.registry import lowers
from tinybench.models import Operator

_MAX_CONCATENATED = 10  # kMaxInputNum of tensorflow/lite/micro/kernels/concatenation.cc


@lowers("RESHAPE", inputs=(1, 2), kernel="`memcpy`", limits="none")
def _reshape(context: Context, operator: Operator) -> Layer:
    source, out = activation_input(context, operator), operator.outputs[0]
    if source.elements != out.elements:
        raise unsupported(context, operator, "its input and output differ in size")
    call = f"memcpy({context.pointer(out)}, {context.pointer(source)}, {out.nbytes});\n    return 0;"
    return Layer(constants=(), call=call)


@lowers(
    "CONCATENATION",
    inputs=(1, _MAX_CONCATENATED),
    options="ConcatenationOptions",
    kernel="`tinybench_copy_rows_s8`",
    limits="up to 10 inputs, each may be constant; rank up to 4; all quantised alike; no fused activation",
)
def _concatenation(context: Context, operator: Operator) -> Layer:
    sources = [int8_input(context, operator, position) for position in range(len(operator.inputs))]
    out = operator.outputs[0]
    rank = len(out.shape)
    axis = operator.options["axis"]
    axis += rank if axis < 0 else 0
    if not 1 <= rank <= 4 or not 0 <= axis < rank or operator.options["fusedActivationFunction"] != 0:
        raise unsupported(context, operator, "its axis is outside rank 4, or it has a fused activation")
    wanted = (*out.shape[:axis], *out.shape[axis + 1 :])
    if any((*s.shape[:axis], *s.shape[axis + 1 :]) != wanted or len(s.shape) != rank for s in sources):
        raise unsupported(context, operator, "its inputs do not fit its output")
    if sum(source.shape[axis] for source in sources) != out.shape[axis]:
        raise unsupported(context, operator, "its inputs do not fill its output")
    if any((s.scale, s.zero_point) != (out.scale, out.zero_point) for s in sources):
        raise unsupported(context, operator, "its inputs and output are quantised differently")
    pitch, rows, calls, offset = math.prod(out.shape[axis:]), math.prod(out.shape[:axis]), [], 0
    for source in sources:
        row = math.prod(source.shape[axis:])
        to = f"{context.pointer(out)} + {offset}"
        calls.append(
            f"tinybench_copy_rows_s8({context.pointer(source)}, {row}, {to}, {pitch}, {row}, {rows});\n    "
        )
        offset += row
    return Layer(constants=constants(*sources), call="".join(calls) + "return 0;")


@lowers(
    "SPLIT",
    inputs=2,
    kernel="`tinybench_copy_rows_s8`",
    limits="constant axis; equal parts",
    several_outputs=True,
)
def _split(context: Context, operator: Operator) -> Layer:
    source = activation_input(context, operator, 1)
    axes, parts, rank = integers(context, operator, 0), operator.outputs, len(source.shape)
    if len(axes) != 1 or not -rank <= axes[0] < rank:
        raise unsupported(context, operator, "its axis is outside its input")
    axis = axes[0] % rank
    size, rest = divmod(source.shape[axis], len(parts))
    if rest or any(p.shape != (*source.shape[:axis], size, *source.shape[axis + 1 :]) for p in parts):
        raise unsupported(context, operator, "its outputs are not equal parts of its input")
    pitch, rows = math.prod(source.shape[axis:]), math.prod(source.shape[:axis])
    row = pitch // len(parts)
    calls = [
        f"tinybench_copy_rows_s8({context.pointer(source)} + {index * row}, {pitch}, "
        f"{context.pointer(part)}, {row}, {row}, {rows});\n    "
        for index, part in enumerate(parts)
    ]
    return Layer(constants=(), call="".join(calls) + "return 0;")


@lowers(
    "PAD",
    "PADV2",
    inputs=(2, 3),
    kernel="`tinybench_pad_s8`",
    limits="constant paddings, none negative; constant value, quantised like the output; rank up to 5",
)
def _pad(context: Context, operator: Operator) -> Layer:
    source, out = activation_input(context, operator), operator.outputs[0]
    rank, amounts = len(source.shape), integers(context, operator, 1)
    if not 1 <= rank <= 5 or len(amounts) != 2 * rank or min(amounts) < 0:
        raise unsupported(context, operator, "its paddings are not two per dimension, none negative")
    pairs = list(zip(amounts[::2], amounts[1::2], strict=True))
    if out.shape != tuple(s + a + b for s, (a, b) in zip(source.shape, pairs, strict=True)):
        raise unsupported(context, operator, "its output shape is not that of the padded input")
    value = out.zero_point
    if len(operator.inputs) == 3:
        filler = int8_input(context, operator, 2)
        if filler.data is None or filler.elements != 1:
            raise unsupported(context, operator, "its padding value is not one constant")
        if (filler.scale, filler.zero_point) != (out.scale, out.zero_point):
            raise unsupported(context, operator, "its padding value is not quantised like its output")
        value = int(filler.data.ravel()[0])
    # Bytes of output before and after each slice; dimensions without padding join the one within.
    sizes, before, after = [1], [0], [0]
    for axis in reversed(range(rank)):
        slice_bytes = math.prod(out.shape[axis + 1 :])
        sizes[0] *= source.shape[axis]
        if pairs[axis] != (0, 0):
            before[0], after[0] = (amount * slice_bytes for amount in pairs[axis])
            sizes, before, after = [1, *sizes], [0, *before], [0, *after]
    if len(sizes) > 5:  # every dimension of rank 5 is padded: the one added in front is of size 1
        sizes, before, after = sizes[1:], before[1:], after[1:]
    lead = 5 - len(sizes)
    fields = [(fill,) * lead + tuple(values) for fill, values in ((1, sizes), (0, before), (0, after))]
    call = (
        f"tinybench_pad_s8({context.pointer(source)}, &params{operator.index}, "
        f"{context.pointer(out)});\n    return 0;"
    )
    return Layer(constants=(struct("tinybench_pad", operator, *fields, value),), call=call)


@lowers(
    "STRIDED_SLICE",
    inputs=4,
    options="StridedSliceOptions",
    kernel="`tinybench_gather_s8`",
    limits="constant begin, end, strides; rank up to 4; no ellipsis, new axis or offset",
)
def _strided_slice(context: Context, operator: Operator) -> Layer:
    source, out, options = activation_input(context, operator), operator.outputs[0], operator.options
    rank = len(source.shape)
    begins, ends, steps = (integers(context, operator, position) for position in (1, 2, 3))
    if not 1 <= rank <= 4 or not len(begins) == len(ends) == len(steps) == rank or 0 in steps:
        raise unsupported(context, operator, "begin, end and strides are not one per dimension up to rank 4")
    if options["ellipsisMask"] or options["newAxisMask"] or options["offset"]:
        raise unsupported(context, operator, "an ellipsis, a new axis, or an end that is an offset")
    start, shape, kept = 0, [], []
    pitches = _pitches(source.shape)
    for axis, (size, begin, end, step) in enumerate(zip(source.shape, begins, ends, steps, strict=True)):
        bit = 1 << axis
        chosen = range(size)[
            slice(
                None if options["beginMask"] & bit else begin, None if options["endMask"] & bit else end, step
            )
        ]
        if options["shrinkAxisMask"] & bit:
            if options["beginMask"] & bit or step < 0:
                raise unsupported(context, operator, "a removed axis with a begin mask or a negative stride")
            chosen = range(size)[begin : begin + 1 if begin != -1 else None]
        else:
            kept.append(len(chosen))
        start += chosen[0] * pitches[axis]  # an empty slice has no output, which IndexError says
        shape.append(len(chosen))
    if out.shape != tuple(kept):
        raise unsupported(context, operator, f"its output shape is not the {kept} of its slice")
    strides = [step * pitch for step, pitch in zip(steps, pitches, strict=True)]
    return _gather(context, operator, start, shape, strides)


@lowers("TRANSPOSE", inputs=2, kernel="`tinybench_gather_s8`", limits="constant permutation; rank up to 5")
def _transpose(context: Context, operator: Operator) -> Layer:
    source, out = activation_input(context, operator), operator.outputs[0]
    order = integers(context, operator, 1)
    if sorted(order) != list(range(len(source.shape))) or not 1 <= len(order) <= 5:
        raise unsupported(context, operator, "its permutation is not one of up to 5 dimensions")
    if out.shape != tuple(source.shape[axis] for axis in order):
        raise unsupported(context, operator, "its output shape is not that of the permuted input")
    pitches = _pitches(source.shape)
    return _gather(context, operator, 0, out.shape, [pitches[axis] for axis in order])


def _pitches(shape: Sequence[int]) -> list[int]:
    """Elements between neighbours along each dimension."""
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


def _gather(
    context: Context, operator: Operator, start: int, shape: Sequence[int], strides: Sequence[int]
) -> Layer:
    source, out = activation_input(context, operator), operator.outputs[0]
    sizes, (steps,) = loops(5, shape, strides)
    call = (
        f"tinybench_gather_s8({context.pointer(source)} + {start}, &params{operator.index}, "
        f"{context.pointer(out)});\n    return 0;"
    )
    return Layer(constants=(struct("tinybench_gather", operator, sizes, steps),), call=call)
