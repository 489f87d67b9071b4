"""What ``tinybench.profile`` does. It never prints."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from tinybench import __version__, defaults, specs
from tinybench.errors import ModelError, UnknownNameError, UsageError
from tinybench.mcusim import compilers, duty
from tinybench.mcusim.energy import inference_energy_j, no_energy, run_power_w
from tinybench.mcusim.native import Count
from tinybench.mcusim.placement import FLASH, Placement
from tinybench.mcusim.simulate import Simulation, build, simulate
from tinybench.models import Model
from tinybench.models.reference import is_path, load_named
from tinybench.offline import no_network
from tinybench.profiling.schema import (
    Costs,
    DeviceRef,
    DutyFigures,
    FunctionCosts,
    LayerCosts,
    LayerFunctionCosts,
    Profile,
    ProfiledModel,
)
from tinybench.progress import Progress, silent
from tinybench.runners.tflm import Interpreter
from tinybench.runners.tflm_sim import check_equal, checked_inputs, engine_of
from tinybench.specs import DeviceSpec

DEFAULT_DEVICE: Final = "nucleo-l4r5zi"
"""For a model without a task: the board that was compared with published hardware."""


def profile(
    subject: str | os.PathLike[str],
    *,
    device: str | None = None,
    clock_hz: int | None = None,
    model: str | os.PathLike[str] | None = None,
    samples: int = defaults.CHECKED_INPUTS,
    toolchain: str = compilers.DEFAULT,
    code: str = FLASH.code,
    weights: str = FLASH.weights,
    duty_cycle: str | None = None,
    battery: str | None = None,
    offline: bool = False,
    progress: Progress | None = None,
) -> Profile:
    """Say where the cycles of one inference go, by layer and by function of the firmware.

    No data is needed: the inputs are random, from a fixed seed, and every output of the simulated core must
    equal TFLite Micro's bit for bit.

    Args:
        subject: id of a task or a reference model, or path of a .tflite file.
        device: id of the device; the default device of the task if not given.
        clock_hz: core clock in hertz; that of the device's profile if not given.
        model: instead of the task's reference model: id of a reference model, or path of a .tflite file.
        samples: how many inputs are executed; at least 8 are.
        toolchain: what compiles the firmware, ``"zig"`` or ``"gcc"``.
        code: where the firmware runs, ``"flash"`` or ``"ram"``: then the start-up code copies it there.
        weights: where weights and other constants are, ``"flash"`` or ``"ram"``.
        duty_cycle: inferences per time, such as ``"1/s"`` or ``"10/min"``: adds average power.
        battery: id of a battery, such as ``"CR2032"``: adds its life at that duty.
        offline: refuse every use of the network by this process until the profile is made.
        progress: called as ``progress(step, done, total)``.

    Raises:
        TinybenchError: with one clear line, a hint and an exit code.
    """
    report = progress or silent
    if samples < 1:
        raise UsageError(f"samples must be at least 1, not {samples}")
    if battery is not None and duty_cycle is None:
        raise UsageError("a battery's life needs a duty", hint="add --duty 1/s, or what your device does")
    rate_hz = None if duty_cycle is None else duty.parse_rate(duty_cycle)
    chosen_battery = None if battery is None else specs.battery(battery)
    default_device, loaded = _find(subject, model)
    board = specs.device(device or default_device)
    if clock_hz is not None:
        board = board.at_clock(clock_hz)
    compiler = compilers.compiler(toolchain)
    compiler.program()
    placement = Placement.parse(code=code, weights=weights)
    placement.check(board)
    if loaded.input.shape[0] != 1:
        raise ModelError(f"{loaded.path}: its batch size is {loaded.input.shape[0]}", hint="export it with 1")

    with no_network(offline):
        report("compiling the firmware", 0, 0)
        built = build(loaded, board, compiler, placement)
        inputs = checked_inputs(loaded, np.empty((0, *loaded.input.shape[1:]), np.int8), samples)
        simulation = simulate(
            built, board, inputs, on_inference=lambda done: report("simulating", done, len(inputs))
        )
        check_equal(simulation.outputs, Interpreter(loaded).run(inputs))
    latency_s = simulation.cycles / board.clock_hz.value
    parts = _Parts(simulation, board, placement)
    figures = None
    if rate_hz is not None:
        planned = duty.plan(
            board,
            rate_hz,
            latency_s,
            inference_energy_j(board, latency_s, placement),
            battery=chosen_battery,
        )
        figures = DutyFigures(**dataclasses.asdict(planned))
    return Profile(
        schema="tinybench.profile/1",
        tool_version=__version__,
        model=ProfiledModel(
            name=loaded.name, sha256=loaded.sha256, macs=loaded.macs, parameters=loaded.parameters
        ),
        device=DeviceRef(
            id=board.id,
            chip=board.chip,
            core=board.core,
            clock_hz=board.clock_hz.value,
        ),
        engine=engine_of(built),
        checked_inputs=len(inputs),
        latency_s=latency_s,
        cycles_range=simulation.cycles_range,
        total=Costs(**parts.costs(_sum(simulation.layers))),
        layers=tuple(
            LayerCosts(
                index=operator.index,
                operator=operator.kind,
                name=operator.outputs[0].name,
                macs=operator.macs,
                **parts.costs(count),
            )
            for operator, count in zip(loaded.operators, simulation.layers, strict=True)
        ),
        functions=parts.functions(),
        layer_functions=tuple(
            LayerFunctionCosts(
                layer=cell.layer, name=cell.function, calls=cell.count.calls, **parts.costs(cell.count)
            )
            for cell in simulation.functions
        ),
        duty=figures,
        notes=(*_energy_notes(board, placement), *placement.notes),
    )


def _energy_notes(device: DeviceSpec, placement: Placement) -> tuple[str, ...]:
    return () if run_power_w(device, placement) is not None else (f"no energy: {no_energy(device)}",)


class _Parts:
    """Costs of parts of one inference."""

    def __init__(self, simulation: Simulation, device: DeviceSpec, placement: Placement) -> None:
        self._simulation, self._device, self._placement = simulation, device, placement

    def costs(self, count: Count) -> dict[str, Any]:
        """Fields of ``Costs``."""
        return {
            "cycles": count.cycles,
            "instructions": count.instructions,
            "stalls_fetch": count.stalls_fetch,
            "stalls_data": count.stalls_data,
            "stalls_ram": count.stalls_ram,
            "flash_reads": count.flash_reads,
            "ram_loads": count.ram_loads,
            "ram_stores": count.stores,
            "share": count.cycles / self._simulation.cycles,
            "energy_j": inference_energy_j(
                self._device, count.cycles / self._device.clock_hz.value, self._placement
            ),
        }

    def functions(self) -> tuple[FunctionCosts, ...]:
        """All functions that ran, the costliest first."""
        by_name: dict[str, list[Count]] = {}
        for cell in self._simulation.functions:
            by_name.setdefault(cell.function, []).append(cell.count)
        summed = {name: _sum(counts) for name, counts in by_name.items()}
        order = sorted(summed, key=lambda name: (-summed[name].cycles, name))
        return tuple(
            FunctionCosts(name=name, calls=summed[name].calls, **self.costs(summed[name])) for name in order
        )


def _sum(counts: Iterable[Count]) -> Count:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(dataclasses.asdict(count))
    return Count(**{field.name: total[field.name] for field in dataclasses.fields(Count)})


def _find(subject: str | os.PathLike[str], model: str | os.PathLike[str] | None) -> tuple[str, Model]:
    """The default device and the model of what was asked for."""
    if is_path(subject):
        if model is not None:
            raise UsageError("the model is given twice", hint="give a task, or leave --model away")
        return DEFAULT_DEVICE, load_named(subject, "model")
    name = os.fspath(subject)
    known = {*specs.tasks(), *specs.models()}
    if name not in known:
        raise UnknownNameError("task or model", name, known)
    if name in specs.tasks():
        task = specs.task(name)
        wanted = task.reference_model if model is None else model
        return task.default_device, load_named(wanted)
    if model is not None:
        raise UsageError("the model is given twice", hint="give a task, or leave --model away")
    return specs.task(specs.model(name).task).default_device, load_named(name)
