"""``tflm-sim``: accuracy by the TFLite Micro interpreter, everything else by the simulated microcontroller.

The two are tied together on every run: the simulated core executes some of the inputs, and each of its
outputs must equal the interpreter's bit for bit.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from tinybench import __version__
from tinybench.datasets.base import Samples
from tinybench.errors import MismatchError
from tinybench.mcusim.compilers import compiler
from tinybench.mcusim.energy import inference_energy_j, no_energy, run_power_w
from tinybench.mcusim.intervals import Quantity, shipped_intervals
from tinybench.mcusim.native import Count
from tinybench.mcusim.simulate import Build, Simulation, build, simulate
from tinybench.models import Model
from tinybench.progress import Progress, silent
from tinybench.results.schema import Engine, Layer, Metric, MetricName, Mode, Unavailable
from tinybench.results.tables import csv_bytes
from tinybench.runners.base import Measurement, RunsOn, Setup, Workload
from tinybench.runners.classify import classify
from tinybench.runners.tflm import Interpreter
from tinybench.scoring import Accuracy, accuracy
from tinybench.specs import DeviceSpec

MIN_CHECKED_INPUTS = 8
_SEED = 20_240_229
"""Of the random inputs that fill up a split with fewer samples than are checked."""


class TflmSim:
    """Simulated Cortex-M, checked against TFLite Micro."""

    name = "tflm-sim"
    interface = 1
    summary = "simulated Cortex-M running CMSIS-NN, checked bit for bit against TFLite Micro"
    runs_on: RunsOn = "simulator"

    def check(self, setup: Setup) -> None:
        """See ``Runner.check``.

        Raises:
            UnknownNameError: there is no such toolchain.
            ToolchainError: it is not installed.
        """
        compiler(setup.toolchain).program()

    def check_device(self, device: DeviceSpec) -> None:
        """See ``Runner.check_device``.

        Raises:
            UsageError: the simulator does not know its timing.
        """
        device.check_simulated()

    def measure(self, workload: Workload, progress: Progress = silent) -> Measurement:
        """Compile, execute and check a model; see ``Runner.measure``.

        Raises:
            UnsupportedOperatorError: the simulator lacks a kernel.
            CapacityError: the model does not fit the device.
            MismatchError: a simulated output differs from the interpreter's.
        """
        model, device, samples = workload.model, workload.device, workload.samples
        progress("compiling the firmware", 0, 0)
        built = build(model, device, compiler(workload.setup.toolchain), workload.setup.placement)
        interpreter = Interpreter(model)

        inputs = samples.inferences
        checked = checked_inputs(model, inputs, workload.setup.checked_inputs)
        simulation = simulate(
            built, device, checked, on_inference=lambda done: progress("simulating", done, len(checked))
        )
        expected = interpreter.run(checked)
        check_equal(simulation.outputs, expected)

        outputs = classify(interpreter, inputs, progress)
        notes = [_checked_note(samples, len(inputs), len(checked))]
        if samples.expected is not None:
            check_golden(outputs, samples)
            notes.append(f"outputs of TFLite Micro equal all {len(outputs)} golden vectors of the task")
        scored = accuracy(workload.task, model, samples, outputs)
        latency_s = simulation.cycles / device.clock_hz.value
        energy, missing = _energy(workload, latency_s)
        return Measurement(
            engine=engine_of(built),
            metrics=(
                *_accuracy(scored),
                _with_interval("latency.per_inference", latency_s, "simulated", workload),
                Metric.of("throughput", 1 / latency_s, "simulated"),
                Metric.of("cycles.per_inference", simulation.cycles, "simulated", note=_spread(simulation)),
                Metric.of("instructions.per_inference", simulation.instructions, "simulated"),
                *energy,
                Metric.of("memory.ram", simulation.ram_bytes, "simulated", note=_ram(built, simulation)),
                Metric.of(
                    "memory.flash", simulation.flash_bytes, "simulated", note="code, weights and constants"
                ),
                Metric.of(
                    "memory.arena",
                    interpreter.arena_bytes(),
                    "simulated",
                    note="of the TFLite Micro interpreter on a 64-bit host; a 32-bit target needs less",
                ),
            ),
            unavailable=missing,
            layers=_layers(model, simulation),
            evidence={
                "firmware.elf": built.firmware.elf,
                "model.c": built.program.source.encode(),
                "layers.csv": _layer_csv(model, built, simulation),
                **(scored.evidence if scored else {}),
            },
            notes=(*notes, *workload.setup.placement.notes),
        )


def engine_of(built: Build) -> Engine:
    """Runtime, kernels and compiler of a simulated firmware."""
    return Engine(
        name="tinybench-static",
        version=__version__,
        kernels="CMSIS-NN",
        kernels_version=built.firmware.kernels_version,
        compiler=built.firmware.compiler,
        flags=built.firmware.flags,
        in_ram=built.placement.in_ram,
    )


def checked_inputs(model: Model, inputs: NDArray[np.int8], count: int) -> NDArray[np.int8]:
    """The first ``count`` inputs (at least 8), filled up with seeded random ones if there are fewer.

    int8 of shape (n, *input shape without batch).
    """
    wanted = max(MIN_CHECKED_INPUTS, count)
    taken = inputs[:wanted]
    missing = wanted - len(taken)
    random = np.random.default_rng(_SEED).integers(
        -128, 128, (missing, *model.input.shape[1:]), dtype=np.int8
    )
    return np.concatenate([taken, random])


def check_equal(simulated: NDArray[np.int8], expected: NDArray[np.int8]) -> None:
    """Compare outputs, int8 of shape (n, elements), bit for bit.

    Raises:
        MismatchError: naming the first input and value that differ.
    """
    different = np.argwhere(simulated != expected)
    if different.size:
        row, column = (int(i) for i in different[0])
        raise MismatchError(
            f"output {column} of input {row} is {simulated[row, column]} on the simulated core but "
            f"{expected[row, column]} in TFLite Micro ({len(np.unique(different[:, 0]))} of {len(expected)} "
            "inputs differ)",
            hint="the figures would be of another network: report it with the model",
        )


def check_golden(outputs: NDArray[np.int8], samples: Samples) -> None:
    """Compare outputs with those that the golden vectors of the task record for this model.

    Raises:
        MismatchError: naming the first vector that differs.
    """
    assert samples.expected is not None
    different = np.flatnonzero((outputs != samples.expected).any(axis=1))
    if different.size:
        raise MismatchError(
            f"golden vector '{samples.names[different[0]]}': TFLite Micro gives another output than the one "
            f"recorded ({different.size} of {len(outputs)} vectors differ)",
            hint="the installed interpreter is another one; 'tinybench doctor' shows versions",
        )


def _accuracy(scored: Accuracy | None) -> tuple[Metric, ...]:
    if scored is None:
        return ()
    note = "TFLite Micro on the host" + (f"; {scored.note}" if scored.note else "")
    return (Metric.of(scored.name, scored.value, "simulated", ci95=scored.ci95, note=note),)


def _checked_note(samples: Samples, inputs: int, checked: int) -> str:
    real = min(inputs, checked)
    kind = "golden inputs" if samples.labels is None else "samples"
    if inputs != len(samples.names):
        kind = f"inputs of the {kind}"
    kinds = f"{real} {kind}" if real == checked else f"{real} {kind} and {checked - real} random inputs"
    return f"outputs of the simulated core equal TFLite Micro's, bit for bit, on {kinds}"


def _with_interval(
    name: Quantity, value: float, mode: Mode, workload: Workload, note: str | None = None
) -> Metric:
    """A metric with its prediction interval, where published results give one."""
    found = shipped_intervals().of(name, workload.device, workload.setup.toolchain, workload.setup.placement)
    if found is None:
        return Metric.of(name, value, mode, note=note)
    basis = f"interval from {found.basis}"
    notes = f"{note}; {basis}" if note else basis
    return Metric.of(name, value, mode, note=notes, interval95=found.around(value))


def _energy(workload: Workload, latency_s: float) -> tuple[tuple[Metric, ...], tuple[Unavailable, ...]]:
    """Energy and power, or why there is none.

    Predicted: a current of the profile times the simulated time; no instruction was metered.
    """
    device, placement = workload.device, workload.setup.placement
    power_w, power = run_power_w(device, placement), device.power
    energy_j = inference_energy_j(device, latency_s, placement)
    if energy_j is None or power_w is None or power is None:
        reason = no_energy(device)
        names: tuple[MetricName, ...] = ("energy.per_inference", "power.active")
        return (), tuple(Unavailable(name=name, reason=reason) for name in names)
    run_ma = power.run_a_per_hz.value * device.clock_hz.value * 1e3
    parts = f"{run_ma:.1f} mA run current + {power.run_offset_a.value * 1e3:.1f} mA beside it"
    return (
        _with_interval(
            "energy.per_inference",
            energy_j,
            "predicted",
            workload,
            note="latency times the profile's run power",
        ),
        Metric.of(
            "power.active", power_w, "predicted", note=f"profile: {power.supply_v.value:g} V x ({parts})"
        ),
    ), ()


def _spread(simulation: Simulation) -> str:
    low, high = simulation.cycles_range
    return f"median over {len(simulation.outputs)} inputs; {low} to {high}"


def _ram(built: Build, simulation: Simulation) -> str:
    uses = f"arena {simulation.arena_bytes} bytes, deepest stack {simulation.stack_bytes} bytes"
    copied = " and ".join(built.placement.in_ram)
    return f"{uses}, {copied} {built.image.data_bytes} bytes" if copied else uses


def _layers(model: Model, simulation: Simulation) -> tuple[Layer, ...]:
    return tuple(
        Layer(
            index=operator.index,
            operator=operator.kind,
            name=operator.outputs[0].name,
            cycles=count.cycles,
            instructions=count.instructions,
            macs=operator.macs,
            share=count.cycles / simulation.cycles,
        )
        for operator, count in zip(model.operators, simulation.layers, strict=True)
    )


def _layer_csv(model: Model, built: Build, simulation: Simulation) -> bytes:
    counted = tuple(field.name for field in dataclasses.fields(Count))
    rows = [
        (operator.index, function, operator.macs, *dataclasses.astuple(count))
        for operator, function, count in zip(
            model.operators, built.program.layers, simulation.layers, strict=True
        )
    ]
    return csv_bytes(("index", "function", "macs", *counted), rows)
