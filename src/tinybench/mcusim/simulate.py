"""Run a model on a simulated device: outputs, cycles, memory and energy."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median_low
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinybench.errors import CapacityError, ModelError
from tinybench.mcusim.compilers import ZIG, Compiler
from tinybench.mcusim.cores import core
from tinybench.mcusim.elf import Image, read_image
from tinybench.mcusim.lower import Program, lower
from tinybench.mcusim.machine import Execution, Machine, check_capacity
from tinybench.mcusim.native import MAX_LAYERS, Count
from tinybench.mcusim.placement import FLASH, Placement
from tinybench.mcusim.toolchain import Firmware, build_firmware
from tinybench.models import Model
from tinybench.specs import DeviceSpec

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Build:
    """A model compiled for a device."""

    program: Program
    firmware: Firmware
    image: Image
    placement: Placement = FLASH


@dataclass(frozen=True)
class FunctionCount:
    """What one function of the firmware cost within one layer."""

    layer: int
    function: str
    count: Count


@dataclass(frozen=True)
class Simulation:
    """What the simulated device did with some inputs.

    ``outputs`` is int8 of shape (n, output elements); the figures are those of the inference with the median
    cycle count (the lower one of two), so that layers add up to the whole.
    """

    outputs: NDArray[np.int8]
    cycles: int
    cycles_range: tuple[int, int]
    instructions: int
    layers: tuple[Count, ...]
    functions: tuple[FunctionCount, ...]
    """Where the cycles went, by function and layer; what did not run is left out."""
    stack_bytes: int
    ram_bytes: int
    flash_bytes: int
    arena_bytes: int


def build(model: Model, device: DeviceSpec, compiler: Compiler = ZIG, placement: Placement = FLASH) -> Build:
    """Lower and compile a model for a device.

    Raises:
        UsageError: the device is not simulated, or cannot run from where it should.
        UnsupportedOperatorError: the simulator has no kernel for an operator.
        ModelError: the model has more operators than layers are counted.
        CapacityError: the model's weights or arena alone are larger than the device's memory.
        ToolchainError: the compiler failed.
    """
    device.check_simulated()
    placement.check(device)
    if len(model.operators) > MAX_LAYERS:
        raise ModelError(
            f"{model.path} has {len(model.operators)} operators", hint=f"up to {MAX_LAYERS} are simulated"
        )
    program = lower(model, dsp=core(device.core).dsp)
    weights = sum(tensor.nbytes for tensor in model.weights)
    flash, ram = device.memories
    for what, needed, region in (
        ("flash", weights, flash),
        ("RAM", program.arena.bytes + (weights if placement.weights == "ram" else 0), ram),
    ):
        if needed > region.bytes:  # said before the linker says it worse
            raise CapacityError(
                f"{model.name} needs at least {needed} bytes of {what}, {needed - region.bytes} more than "
                f"{device.id} has",
                hint=placement.smaller,
            )
    firmware = build_firmware(program, device, compiler, placement=placement)
    return Build(program, firmware, read_image(firmware.elf), placement)


def simulate(
    built: Build,
    device: DeviceSpec,
    inputs: NDArray[np.int8],
    *,
    memory_model: bool = True,
    on_inference: Callable[[int], None] | None = None,
) -> Simulation:
    """Execute one inference per input, of shape (n, *input shape without batch).

    The first inference runs on a core that has already done one, as in a benchmark's warm-up. What the
    start-up code copies to RAM is there before: no figure has the copy in it.

    Raises:
        CapacityError: the firmware and its stack do not fit the device.
        SimulationError: the core stopped in an unexpected way.
    """
    program, image = built.program, built.image
    check_capacity(image, device, built.placement)
    machine = Machine(image, device, program.layers, memory_model=memory_model)
    arena = image.address("tinybench_arena")
    executions: list[Execution] = []
    for index, data in enumerate(inputs):
        executions.append(
            machine.infer(
                data.tobytes(),
                arena + program.input_offset,
                arena + program.output_offset,
                program.output_bytes,
            )
        )
        if on_inference is not None:
            on_inference(index + 1)
    totals = [int(execution.cells[:, :, 0].sum()) for execution in executions]
    middle = median_low(totals)
    chosen = executions[totals.index(middle)]
    layers = tuple(_count(row) for row in chosen.cells.sum(axis=1))
    outputs = np.frombuffer(b"".join(e.output for e in executions), np.int8)
    return Simulation(
        outputs=outputs.reshape(len(executions), -1),
        cycles=middle,
        cycles_range=(min(totals), max(totals)),
        instructions=sum(layer.instructions for layer in layers),
        layers=layers,
        functions=tuple(
            FunctionCount(
                int(layer), machine.functions.names[function], _count(chosen.cells[layer, function])
            )
            for layer, function in np.argwhere(chosen.cells.any(axis=2))
        ),
        stack_bytes=machine.stack_bytes,
        ram_bytes=image.static_ram_bytes + machine.stack_bytes,
        flash_bytes=image.flash_bytes,
        arena_bytes=program.arena.bytes,
    )


def _count(fields: NDArray[np.uint64]) -> Count:
    return Count(*(int(field) for field in fields))
