"""``litert``: accuracy only, by LiteRT (formerly TensorFlow Lite) with XNNPACK on this machine.

It is for a first look, as it takes a small part of the time of TFLite Micro's kernels. XNNPACK rounds in
other places than TFLite Micro and CMSIS-NN do, so that outputs differ and what a device would score is only
predicted.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from tinybench.errors import ModelError, UsageError
from tinybench.extras import installing
from tinybench.models import Model
from tinybench.progress import Progress, silent
from tinybench.results.record import installed_version
from tinybench.results.schema import DEVICE_METRICS, Engine, HostRef, Metric, Unavailable
from tinybench.runners.base import Measurement, RunsOn, Setup, Workload
from tinybench.runners.classify import classify
from tinybench.runners.tflm import native_stderr
from tinybench.scoring import accuracy
from tinybench.specs import DeviceSpec

_PACKAGE = "ai-edge-litert"
_MODULE = "ai_edge_litert"


class Interpreter:
    """LiteRT with its default kernels, one thread."""

    def __init__(self, model: Model) -> None:
        from ai_edge_litert.interpreter import Interpreter as LiteRt

        self.model = model
        self.version = f"{_PACKAGE} {installed_version(_PACKAGE)}"
        with native_stderr():  # it says that it made its delegate
            try:
                self._interpreter = LiteRt(model_content=model.data, num_threads=1)
                self._interpreter.allocate_tensors()
            except (RuntimeError, ValueError) as error:
                raise self._refused(error) from None
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def run(self, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
        """Outputs, int8 of shape (n, output elements), for inputs of shape (n, *input without batch)."""
        outputs = np.empty((len(inputs), self.model.output.elements), np.int8)
        for index, data in enumerate(inputs):
            self._interpreter.set_tensor(self._input, data.reshape(self.model.input.shape))
            try:
                self._interpreter.invoke()
            except RuntimeError as error:
                raise self._refused(error) from None
            outputs[index] = self._interpreter.get_tensor(self._output).ravel()
        return outputs

    def _refused(self, error: Exception) -> ModelError:
        reason = str(error).strip().splitlines() or ["no reason given"]
        return ModelError(f"{self.model.path}: LiteRT refuses it: {reason[0]}", hint="export the model again")


class LiteRt:
    """Accuracy on this machine."""

    name = "litert"
    interface = 1
    summary = "LiteRT on this machine: accuracy only, fast, not bit-exact; needs the extra 'litert'"
    runs_on: RunsOn = "host"

    def check(self, setup: Setup) -> None:
        """See ``Runner.check``; nothing is compiled here.

        Raises:
            UsageError: the package is not installed.
        """
        if find_spec(_MODULE) is None:
            raise UsageError(
                f"the runner '{self.name}' needs the package {_PACKAGE}, which is not installed",
                hint=installing("litert"),
            )

    def check_device(self, device: DeviceSpec) -> None:
        """See ``Runner.check_device``; none takes part."""

    def measure(self, workload: Workload, progress: Progress = silent) -> Measurement:
        """Classify every sample; see ``Runner.measure``.

        Raises:
            UsageError: the package is not installed.
            ModelError: LiteRT refuses the model.
        """
        self.check(workload.setup)
        interpreter = Interpreter(workload.model)
        outputs = classify(interpreter, workload.samples.inferences, progress)
        notes = ["LiteRT is not bit-exact with TFLite Micro: what a device would score is predicted"]
        expected = workload.samples.expected
        if expected is not None:
            same = int(np.count_nonzero((outputs == expected).all(axis=1)))
            notes.append(f"outputs of LiteRT equal {same} of {len(expected)} golden vectors of the task")
        scored = accuracy(workload.task, workload.model, workload.samples, outputs)
        metrics: tuple[Metric, ...] = ()
        if scored is not None:
            note = "LiteRT on the host, which rounds in other places than a device does"
            metrics = (
                Metric.of(
                    scored.name,
                    scored.value,
                    "predicted",
                    ci95=scored.ci95,
                    note=f"{scored.note}; {note}" if scored.note else note,
                ),
            )
        return Measurement(
            device=HostRef(),
            engine=_engine(),
            metrics=metrics,
            unavailable=tuple(
                Unavailable(name=name, reason="LiteRT runs on the host; use a runner that has a device")
                for name in DEVICE_METRICS
            ),
            evidence={} if scored is None else scored.evidence,
            notes=tuple(notes),
        )


def _engine() -> Engine:
    version = installed_version(_PACKAGE) or "unknown"
    return Engine(
        name="litert",
        version=version,
        kernels="XNNPACK",
        kernels_version=f"of LiteRT {version}",
        compiler=f"as built by the publisher of {_PACKAGE}",
        flags=("num_threads=1",),
    )
