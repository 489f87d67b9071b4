"""Lower a .tflite graph to C that calls the CMSIS-NN entry points TFLite Micro's own kernels call.

One function per operator, weights and quantisation parameters as constants in flash, activations and
scratch in one static arena. An operator or option without a kernel is an ``UnsupportedOperatorError`` that
names operator and index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinybench.mcusim.emit import Context, Layer
from tinybench.mcusim.operators import emit
from tinybench.mcusim.plan import ArenaPlan, Buffer, plan_arena
from tinybench.models import Model

_HEADERS = ("<string.h>", '"arm_nnfunctions.h"', '"tinybench_kernels.h"', '"tinybench_model.h"')


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


def lower(model: Model, dsp: bool = True, *, keep_input: bool = False) -> Program:
    """Generate the C program of a model, for a core with or without the DSP extension.

    With ``keep_input`` nothing else of the arena lies where the input is: further inferences see it again.

    Raises:
        UnsupportedOperatorError: an operator or one of its options has no kernel.
    """
    context = Context(model, dsp)
    emitted = [emit(context, operator) for operator in model.operators]
    plan = plan_arena(_buffers(model, emitted, keep_input))
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


def _buffers(model: Model, emitted: Sequence[Layer], keep_input: bool) -> dict[str, Buffer]:
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
        kept = tensor is model.output or (keep_input and tensor is model.input)
        last = last_operator if kept else max(reads, default=first)
        buffers[f"t{tensor.index}"] = Buffer(tensor.nbytes, first, last)
    for operator, layer in zip(model.operators, emitted, strict=True):
        if layer.scratch_bytes:
            buffers[f"s{operator.index}"] = Buffer(layer.scratch_bytes, operator.index, operator.index)
    return buffers


def _assemble(model: Model, emitted: Sequence[Layer], names: Sequence[str], plan: ArenaPlan) -> str:
    constants = dict.fromkeys(
        text for layer in emitted for text in layer.constants
    )  # shared weights only once
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
        "\n".join(f"#include {header}" for header in _HEADERS),
        "\n".join(offsets),
        f"int8_t tinybench_arena[{plan.bytes}] __attribute__((aligned(16)));",
        f"int8_t *const tinybench_input = tinybench_arena + OFFSET_t{model.input.index};",
        f"const int8_t *const tinybench_output = tinybench_arena + OFFSET_t{model.output.index};",
        *constants,
        *functions,
        "int32_t tinybench_check(void)\n{\n" + "\n".join(checks) + "\n    return 0;\n}",
        "int32_t tinybench_infer(void)\n{\n    int32_t status = 0;\n"
        + "\n".join(calls)
        + "\n    return status;\n}",
    ]
    return "\n\n".join(parts) + "\n"
