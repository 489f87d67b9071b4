"""What the harness has to know of one model: ``tinybench_config.h``, which its C is compiled with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, Literal, get_args

from tinybench import __version__
from tinybench.errors import ModelError, UnknownNameError, UsageError
from tinybench.mcusim.toolchain import cmsis_nn_version
from tinybench.models import Model
from tinybench.models.graph import Tensor
from tinybench.specs import TaskSpec
from tinybench.specs.task_spec import SerialSpec

Timestamps = Literal["uart", "pin", "both"]

PATH: Final = "firmware/harness/tinybench_config.h"
_MAX_REAL: Final = 2**24
_MAX_SQUARES: Final = 8192
"""Limits of the arithmetic in numbers.h."""


def parse_timestamps(name: str) -> Timestamps:
    """Where timestamps go.

    Raises:
        UnknownNameError: it is none of ``uart``, ``pin`` and ``both``.
    """
    for known in get_args(Timestamps):
        if name == known:
            return known  # type: ignore[no-any-return]
    raise UnknownNameError("kind of timestamps", name, get_args(Timestamps))


def serial_of(task: TaskSpec) -> SerialSpec:
    """How boards are asked about a task.

    Raises:
        UsageError: they are not.
    """
    if task.serial is None:
        raise UsageError(
            f"task '{task.id}' is not measured on boards", hint="its task.toml needs a table [serial]"
        )
    return task.serial


def configuration(model: Model, task: TaskSpec, timestamps: Timestamps, known: Mapping[str, str]) -> str:
    """The header, for a model that does a task.

    Args:
        model: what is built in.
        task: says what the serial line carries.
        timestamps: where timestamps go.
        known: strings by name of macro, for what only some builds know: DEVICE, COMPILER, FLAGS.

    Raises:
        ModelError: the model is not of the task's shapes, or has values that the harness cannot print.
        UsageError: the task is not measured on boards.
    """
    serial = serial_of(task)
    _check(model, task, serial)
    about = f"version={__version__};model={model.sha256[:16]};kernels=CMSIS-NN {cmsis_nn_version()}"
    defined: dict[str, object] = {
        "MODEL": _string(serial.model),
        "ABOUT": _string(about),
        "TIMESTAMPS": _string(timestamps),
        "TIMESTAMPS_ON_UART": int(timestamps != "pin"),
        "TIMESTAMPS_ON_PIN": int(timestamps != "uart"),
        "INPUT_IS_UINT8": int(serial.input == "uint8"),
        "INPUT_IS_FLOAT32": int(serial.input == "float32"),
        "INPUT_ELEMENTS": f"{model.input.elements}u",
        "INPUT_QUANTIZATION": _initialiser(model.input),
        "OUTPUT_IS_MSE": int(serial.output == "mse"),
        "OUTPUT_ELEMENTS": f"{model.output.elements}u",
        "OUTPUT_QUANTIZATION": _initialiser(model.output),
        **{name: _string(value) for name, value in known.items()},
    }
    lines = [f"#define TINYBENCH_{name} {value}" for name, value in defined.items()]
    guard = "TINYBENCH_CONFIG_H"
    return "\n".join(
        ["/* Generated; do not edit. */", f"#ifndef {guard}", f"#define {guard}", *lines, "#endif", ""]
    )


def _check(model: Model, task: TaskSpec, serial: SerialSpec) -> None:
    for what, tensor, shape in (
        ("an input", model.input, task.input_shape),
        ("an output", model.output, task.output_shape),
    ):
        if tensor.elements != math.prod(shape):
            raise ModelError(
                f"{model.path} has {what} of {tensor.elements} elements, but task '{task.id}' has "
                f"{math.prod(shape)}",
                hint="give the task that the model was made for",
            )
        if 255 * tensor.scale >= _MAX_REAL:
            raise ModelError(
                f"{model.path} has {what} with values above 2^24", hint="export it with a smaller scale"
            )
    if serial.output == "mse" and (model.output.elements > _MAX_SQUARES):
        raise ModelError(f"{model.path} has over {_MAX_SQUARES} outputs", hint="use a smaller model")


def quantization(scale: float, zero_point: int) -> tuple[int, int, int]:
    """``number_quantization``: a float32 scale as an integer of 24 bits and a power of two; zero point."""
    fraction, exponent = math.frexp(scale)
    return int(fraction * 2**24), exponent - 24, zero_point


def _initialiser(tensor: Tensor) -> str:
    mantissa, exponent, zero_point = quantization(tensor.scale, tensor.zero_point)
    return f"{{{mantissa}u, {exponent}, {zero_point}}}"


def _string(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
