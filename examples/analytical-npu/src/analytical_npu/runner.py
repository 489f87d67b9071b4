"""``analytical-npu``: latency from a roofline model, accuracy by the TFLite Micro interpreter.

Nothing is executed on an NPU and nothing is simulated: every figure is predicted.
"""

from __future__ import annotations

from importlib.metadata import version

from analytical_npu.roofline import Cost, Npu, costs
from tinybench.errors import UsageError
from tinybench.progress import Progress, silent
from tinybench.results.schema import Engine, Layer, Metric, MetricName, Unavailable
from tinybench.results.tables import csv_bytes
from tinybench.runners.base import Measurement, RunsOn, Setup, Workload
from tinybench.runners.classify import classify
from tinybench.runners.tflm import Interpreter
from tinybench.scoring import Accuracy, accuracy
from tinybench.specs import DeviceSpec

_MISSING: dict[MetricName, str] = {
    "energy.per_inference": "the description of the NPU says nothing of energy",
    "power.active": "the description of the NPU says nothing of power",
    "memory.arena": "the description of the NPU says nothing of where tensors lie",
    "memory.ram": "the description of the NPU says nothing of where tensors lie",
    "memory.flash": "no program is made for the NPU",
    "instructions.per_inference": "the model has no instructions, only operators",
}


class AnalyticalNpu:
    """An NPU that is four numbers in a device profile."""

    name = "analytical-npu"
    interface = 1
    summary = "example of a plug-in: latency of an NPU from a roofline model; nothing is executed on it"
    runs_on: RunsOn = "simulator"

    def check(self, setup: Setup) -> None:
        """Nothing is needed, and nothing can be asked for.

        Raises:
            UsageError: code or weights are asked to be in RAM.
        """
        if setup.placement.in_ram:
            raise UsageError(
                f"the runner '{self.name}' makes no firmware that could be in RAM",
                hint="leave --code and --weights away",
            )

    def check_device(self, device: DeviceSpec) -> None:
        """See that the profile has the four numbers.

        Raises:
            UsageError: it does not.
        """
        Npu.of(device)

    def measure(self, workload: Workload, progress: Progress = silent) -> Measurement:
        """Predict the latency, and classify the samples.

        Raises:
            UnsupportedOperatorError: the interpreter does not know an operator.
            UsageError: the profile of the device lacks the numbers.
        """
        model, samples, clock_hz = workload.model, workload.samples, workload.device.clock_hz.value
        layers = costs(model, Npu.of(workload.device), clock_hz)
        latency_s = sum(layer.seconds for layer in layers)
        outputs = classify(Interpreter(model), samples.inferences, progress)
        scored = accuracy(workload.task, model, samples, outputs)
        return Measurement(
            engine=Engine(
                name=self.name,
                version=version("tinybench-analytical-npu"),
                kernels="none: a roofline model",
                kernels_version=None,
                compiler=None,
            ),
            metrics=(
                *_accuracy(scored),
                Metric.of("latency.per_inference", latency_s, "predicted", note=_bounds(layers)),
                Metric.of("throughput", 1 / latency_s, "predicted"),
                Metric.of("cycles.per_inference", latency_s * clock_hz, "predicted"),
            ),
            unavailable=tuple(Unavailable(name=name, reason=reason) for name, reason in _MISSING.items()),
            layers=tuple(_layer(layer, latency_s, clock_hz) for layer in layers),
            evidence={"layers.csv": _table(layers), **(scored.evidence if scored else {})},
            notes=(
                "an example of a plug-in: the latency is that of a roofline, compared with no hardware",
                "the accuracy is that of TFLite Micro; whether an NPU computes the same is not known",
                "instructions of layers are 0: no core executes any",
            ),
        )


def _accuracy(scored: Accuracy | None) -> tuple[Metric, ...]:
    if scored is None:
        return ()
    note = "TFLite Micro on the host" + (f"; {scored.note}" if scored.note else "")
    return (Metric.of(scored.name, scored.value, "predicted", ci95=scored.ci95, note=note),)


def _layer(layer: Cost, latency_s: float, clock_hz: int) -> Layer:
    return Layer(
        index=layer.operator.index,
        operator=layer.operator.kind,
        name=layer.operator.outputs[0].name,
        cycles=round(layer.seconds * clock_hz),
        instructions=0,
        macs=layer.operator.macs,
        share=layer.seconds / latency_s,
    )


def _bounds(layers: tuple[Cost, ...]) -> str:
    waiting = sum(layer.bound == "memory" for layer in layers)
    return f"{waiting} of {len(layers)} operators wait for the memory, the others for arithmetic"


def _table(layers: tuple[Cost, ...]) -> bytes:
    header = ("index", "operator", "macs", "bytes", "arithmetic_s", "memory_s", "launch_s", "bound")
    rows = [
        (
            layer.operator.index,
            layer.operator.kind,
            layer.operator.macs,
            layer.moved_bytes,
            repr(layer.arithmetic_s),
            repr(layer.memory_s),
            repr(layer.launch_s),
            layer.bound,
        )
        for layer in layers
    ]
    return csv_bytes(header, rows)
