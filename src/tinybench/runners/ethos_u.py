"""``ethos-u``: what a model takes on an Arm Ethos-U, as Arm's own compiler estimates it.

Operators that the NPU does not execute are timed on a simulated core beside it, and added. Nothing here ran
on an NPU: every figure is predicted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from tinybench import specs
from tinybench.errors import MismatchError, ModelError, UsageError
from tinybench.mcusim.compilers import compiler
from tinybench.mcusim.native import Count
from tinybench.mcusim.simulate import Build, build, simulate
from tinybench.models import Model, Operator
from tinybench.npu.vela import Compiled, Row, by_operator, check_installed, compile_model
from tinybench.progress import Progress, silent
from tinybench.quantities import frequency
from tinybench.results.schema import Engine, Layer, Metric, MetricName, Unavailable
from tinybench.runners.base import Measurement, RunsOn, Setup, Workload
from tinybench.runners.classify import classify
from tinybench.runners.tflm import Interpreter
from tinybench.runners.tflm_sim import check_equal, check_golden, checked_inputs
from tinybench.scoring import Accuracy, accuracy
from tinybench.specs import DeviceSpec

ESTIMATE: Final = (
    "an estimate by Vela's model of the NPU, which Arm says is no accurate representation of real "
    "performance; no published result of hardware was at hand to check it against"
)
"""What every figure of time and memory is."""
BIT_EXACT: Final = (
    "TFLite Micro on the host, with the model before Vela: Arm tests Vela for outputs equal to those of "
    "TFLite's reference kernels, bit for bit, but no NPU computed these"
)
NO_ENERGY: Final = (
    "no published energy per operation of this NPU was found, and chips differ in it: measure one"
)


@dataclass(frozen=True)
class Fallback:
    """What the core beside the NPU executes in an inference."""

    host: DeviceSpec
    built: Build
    counts: Mapping[int, Count]
    """By the index of the operator."""

    @property
    def cycles(self) -> int:
        """Of the core's clock."""
        return sum(count.cycles for count in self.counts.values())


class EthosU:
    """Arm Ethos-U55, U65 and U85, estimated."""

    interface = 1
    name = "ethos-u"
    summary = "Arm Ethos-U as its compiler Vela estimates it: all predicted; needs the extra 'npu'"
    runs_on: RunsOn = "simulator"

    def check(self, setup: Setup) -> None:
        """See ``Runner.check``.

        Raises:
            UsageError: Vela is not installed, or code or weights are to be in RAM.
            ToolchainError: the compiler for operators that the NPU does not execute is not.
        """
        check_installed()
        if setup.placement.in_ram:
            raise UsageError(
                "an NPU reads what its memory mode says from flash, and runs no code",
                hint="leave --code and --weights away",
            )
        compiler(setup.toolchain).program()

    def check_device(self, device: DeviceSpec) -> None:
        """See ``Runner.check_device``.

        Raises:
            UsageError: it is no Ethos-U.
        """
        device.check_npu()

    def measure(self, workload: Workload, progress: Progress = silent) -> Measurement:
        """Compile a model and time what the NPU does not execute; see ``Runner.measure``.

        Raises:
            ModelError: Vela refuses the model.
            UnsupportedOperatorError: the simulator lacks a kernel.
            CapacityError: the model does not fit the device of the core beside the NPU.
            MismatchError: the profile and Vela's configuration have different clocks.
        """
        model, device, samples = workload.model, workload.device, workload.samples
        progress("compiling for the NPU", 0, 0)
        compiled = compile_model(model, device.check_npu())
        if compiled.summary.clock_hz != device.clock_hz.value:
            raise MismatchError(
                f"{device.id} runs at {frequency(device.clock_hz.value)}, but Vela's configuration at "
                f"{frequency(compiled.summary.clock_hz)}",
                hint="correct clock_hz or system_config in its profile",
            )
        interpreter = Interpreter(model)
        owned = by_operator(model, compiled.rows)
        fallback = _fallback(workload, interpreter, compiled, owned, progress)
        outputs = classify(interpreter, samples.inferences, progress)
        notes = []
        if samples.expected is not None:
            check_golden(outputs, samples)
            notes.append(f"outputs of TFLite Micro equal all {len(outputs)} golden vectors of the task")
        scored = accuracy(workload.task, model, samples, outputs)
        return Measurement(
            engine=_engine(compiled, fallback),
            metrics=(*_accuracy(scored), *_figures(workload, compiled, fallback)),
            unavailable=_unavailable(),
            layers=_layers(workload, compiled, owned, fallback),
            evidence={
                "summary.csv": compiled.summary_csv,
                "per-layer.csv": compiled.layers_csv,
                "vela.log": compiled.log,
                "vela.tflite": compiled.tflite,
                **({} if fallback is None else {"firmware.elf": fallback.built.firmware.elf}),
                **(scored.evidence if scored else {}),
            },
            notes=(*notes, *_notes(workload, compiled, owned, fallback)),
        )


def _fallback(
    workload: Workload,
    interpreter: Interpreter,
    compiled: Compiled,
    owned: Mapping[int, tuple[Row, ...]] | None,
    progress: Progress,
) -> Fallback | None:
    """Time the operators that the NPU leaves to the core beside it; None if there are none.

    The core executes the whole model, as firmware of ``tflm-sim`` does; the cycles of those operators count.
    """
    if not compiled.cpu_operators:
        return None
    left = [] if owned is None else [i for i, rows in owned.items() if any(not row.on_npu for row in rows)]
    if len(left) != compiled.cpu_operators:
        raise ModelError(
            f"{workload.model.path}: the NPU leaves {compiled.cpu_operators} operators to the core, and the "
            "names of its tensors do not tell which",
            hint="export the model with a name of its own for each tensor",
        )
    model, setup = workload.model, workload.setup
    host = specs.device(workload.device.check_npu().host.value)
    progress("compiling the firmware", 0, 0)
    built = build(model, host, compiler(setup.toolchain), setup.placement)
    shape = (0, *model.input.shape[1:])
    inputs = checked_inputs(model, np.empty(shape, np.int8), setup.checked_inputs)
    simulation = simulate(
        built, host, inputs, on_inference=lambda done: progress("simulating", done, len(inputs))
    )
    check_equal(simulation.outputs, interpreter.run(inputs))
    return Fallback(host, built, {index: simulation.layers[index] for index in left})


def _npu_cycles(cycles: int, fallback: Fallback, device: DeviceSpec) -> Fraction:
    """Cycles of the NPU's clock that pass while the core does some of its own."""
    return Fraction(cycles * device.clock_hz.value, fallback.host.clock_hz.value)


def _figures(workload: Workload, compiled: Compiled, fallback: Fallback | None) -> tuple[Metric, ...]:
    device, summary = workload.device, compiled.summary
    of_core = Fraction(0) if fallback is None else _npu_cycles(fallback.cycles, fallback, device)
    cycles = summary.cycles_total + of_core
    latency_s = float(cycles / device.clock_hz.value)
    memories = {
        "SRAM": summary.cycles_sram,
        "DRAM": summary.cycles_dram,
        "on-chip flash": summary.cycles_on_chip_flash,
        "off-chip flash": summary.cycles_off_chip_flash,
    }
    parts = [f"compute {summary.cycles_npu}", *(f"{name} {n}" for name, n in memories.items() if n)]
    note = f"of the NPU's clock: {summary.cycles_total} on the NPU ({', '.join(parts)}, which overlap)"
    split = ""
    if fallback is not None:
        seconds = fallback.cycles / fallback.host.clock_hz.value
        note += f" and the time of {fallback.cycles} cycles on the {fallback.host.core}"
        split = f"{summary.inference_s:.6g} s on the NPU and {seconds:.6g} s on the {fallback.host.core}; "
    return (
        Metric.of("latency.per_inference", latency_s, "predicted", note=split + ESTIMATE),
        Metric.of("throughput", 1 / latency_s, "predicted", note="one inference after the other"),
        Metric.of("cycles.per_inference", float(cycles), "predicted", note=note),
        Metric.of(
            "memory.ram",
            summary.sram_bytes,
            "predicted",
            note="SRAM that Vela plans for tensors and weights in flight; nothing of the firmware",
        ),
        Metric.of(
            "memory.flash",
            summary.flash_bytes,
            "predicted",
            note="weights as Vela encodes them, commands and constants; nothing of the firmware",
        ),
        Metric.of(
            "memory.arena",
            summary.sram_bytes,
            "predicted",
            note="Vela's plan of the tensor arena, without the runtime's own records",
        ),
    )


def _accuracy(scored: Accuracy | None) -> tuple[Metric, ...]:
    if scored is None:
        return ()
    note = f"{scored.note}; {BIT_EXACT}" if scored.note else BIT_EXACT
    return (Metric.of(scored.name, scored.value, "predicted", ci95=scored.ci95, note=note),)


def _unavailable() -> tuple[Unavailable, ...]:
    names: tuple[MetricName, ...] = ("energy.per_inference", "power.active")
    return (
        *(Unavailable(name=name, reason=NO_ENERGY) for name in names),
        Unavailable(name="instructions.per_inference", reason="an NPU executes commands, not instructions"),
    )


def _engine(compiled: Compiled, fallback: Fallback | None) -> Engine:
    name, _, version = compiled.label.rpartition(" ")
    return Engine(
        name=name,
        version=version,
        kernels=None if fallback is None else "CMSIS-NN",
        kernels_version=None if fallback is None else fallback.built.firmware.kernels_version,
        compiler=compiled.label,
        flags=compiled.flags,
    )


def _layers(
    workload: Workload,
    compiled: Compiled,
    owned: Mapping[int, tuple[Row, ...]] | None,
    fallback: Fallback | None,
) -> tuple[Layer, ...]:
    if owned is None:
        return ()
    of_core = {} if fallback is None else fallback.counts

    def cycles(operator: Operator) -> Fraction:
        done = Fraction(sum(row.cycles for row in owned[operator.index]))
        if fallback is not None and operator.index in of_core:
            done += _npu_cycles(of_core[operator.index].cycles, fallback, workload.device)
        return done

    each = {operator.index: cycles(operator) for operator in workload.model.operators}
    total = sum(each.values())
    return tuple(
        Layer(
            index=operator.index,
            operator=operator.kind,
            name=operator.outputs[0].name,
            cycles=round(each[operator.index]),
            instructions=of_core[operator.index].instructions if operator.index in of_core else 0,
            macs=operator.macs,
            share=float(each[operator.index] / total) if total else 0.0,
        )
        for operator in workload.model.operators
    )


def _notes(
    workload: Workload,
    compiled: Compiled,
    owned: Mapping[int, tuple[Row, ...]] | None,
    fallback: Fallback | None,
) -> tuple[str, ...]:
    model, summary = workload.model, compiled.summary
    operators = len(model.operators)
    calls = f"{compiled.npu_calls} call{'s' if compiled.npu_calls != 1 else ''}"
    notes = [
        f"every figure is predicted: {ESTIMATE}",
        f"{operators - compiled.cpu_operators} of {operators} operators on the NPU, in {calls}; "
        "what starting it takes the core is not in the figures",
        *_left(model, fallback),
        _traffic("SRAM", summary.sram_traffic, summary.inference_s),
        _traffic("flash", summary.flash_traffic, summary.inference_s),
        f"SHA-256 of the compiled model: {hashlib.sha256(compiled.tflite).hexdigest()}",
    ]
    if owned is None:
        notes.append("no layers: the names of its tensors do not tell which operator Vela's rows belong to")
    elif fallback is not None:
        notes.append("instructions of a layer are those of the core; cycles are of the NPU's clock")
    return tuple(notes)


def _left(model: Model, fallback: Fallback | None) -> tuple[str, ...]:
    if fallback is None:
        return ()
    host = fallback.host
    names = ", ".join(str(model.operators[index]) for index in sorted(fallback.counts))
    return (
        f"on the {host.core} of {host.id} at {frequency(host.clock_hz.value)}, simulated, compiled with "
        f"{fallback.built.firmware.compiler}: {names}; outputs of the core equal TFLite Micro's, bit for bit",
    )


def _traffic(memory: str, count: int, seconds: float) -> str:
    rate = f" ({count / seconds / 1e9:.3g} GB/s)" if seconds else ""
    return f"{memory} traffic of the NPU: {count} bytes per inference{rate}"
