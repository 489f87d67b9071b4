"""What the runner ``board`` leaves behind after a good run, made up; each test then breaks one thing.

The task is visual wake words: its official split has 1,000 images, whose names tell their classes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from statistics import median
from typing import Any

import numpy as np

import fakes
from evidence_fixtures import finished
from tinybench import content, specs
from tinybench.boards import energy_file
from tinybench.boards.energy_file import (
    PHASES,
    EnergyFile,
    RecordedWindow,
    phases_of,
    trace_name,
    write_phases,
)
from tinybench.datasets.names import read_names
from tinybench.meters.eembc import read_trace
from tinybench.meters.phases import baseline_w
from tinybench.results.schema import (
    Analyser,
    DataRef,
    DeviceRef,
    Engine,
    Metric,
    ModelRef,
    Result,
    TaskRef,
    Tool,
    Window,
)
from tinybench.results.store import describe_evidence
from tinybench.results.tables import csv_bytes

Files = dict[str, bytes]

TASK, DEVICE, PORT = "vww", "nucleo-l4r5zi", "/dev/ttyACM0"
INFERENCES = 75
PERFORMANCE_US = (10_200_000, 10_210_000, 10_190_000, 10_205_000, 10_195_000)
ENERGY_MS = (10_201, 10_203, 10_205, 10_207, 10_209)
POWER_MW = (42.25, 42.0, 42.5, 41.75, 42.75)
"""Of each energy window: numbers that float32 holds exactly."""
IDLE_MW = 10.0
LEAD_MS, TAIL_MS = 700, 200
DATASET_SHA256 = "d" * 64

ANALYSER = Analyser(**fakes.ANALYSER | {"calibration": "2024-05-01", "voltage_v": 3.3})


@dataclass
class BoardLog:
    """The lines of ``log.txt``, as the runner writes them."""

    lines: list[str] = field(default_factory=list)
    now_s: float = 0.0

    def say(self, source: str, *texts: str) -> None:
        for text in texts:
            self.now_s += 0.001
            self.lines.append(f"{self.now_s:09.3f} {source}: {text}")

    def begin(self, model: str, runs: str, *, device: str = DEVICE, port: str = PORT) -> None:
        self.now_s = 0.0
        self.say("session", "begin tinybench 0.1.0 2026-11-21T12:00:00Z")
        self.say("session", f"task {TASK} model {model} device {device}")
        self.say("session", f"split official dataset {DATASET_SHA256} samples 1000")
        self.say("session", f"runs {runs}", f"port {port} at 115200 baud")
        self.say("host", "name%")
        self.say("dut", "m-name-dut-[unspecified]", "m-ready")
        self.say("host", "profile%")
        self.say("dut", "m-profile-[ULPMark for tinyML Firmware V0.0.1]", f"m-model-[{TASK}01]", "m-ready")

    def load(self, name: str) -> None:
        self.say("host", "db load 27648%")
        self.say("dut", "m-[Expecting 27648 bytes]", "m-ready")
        self.say("host", f"db of 27648 bytes, sha256 {digest(name)}, in 892 commands")
        self.say("dut", "m-load-done")

    def infer(self, count: int, warmups: int, us: int, values: Sequence[float], *, laps: bool = True) -> None:
        self.say("host", f"infer {count} {warmups}%")
        self.say("dut", f"m-warmup-start-{warmups}", "m-warmup-done", f"m-infer-start-{count}")
        if laps:
            self.say("dut", "m-lap-us-4294000000")
        self.now_s += us / 1e6
        if laps:
            self.say("dut", f"m-lap-us-{(4_294_000_000 + us) % 2**32}")
        self.say("dut", "m-infer-done", f"m-results-[{','.join(f'{v:.3f}' for v in values)}]", "m-ready")

    def window(self, run: str, number: int, name: str, us: int, values: Sequence[float]) -> None:
        self.say("session", f"{run} {number} input {name}")
        self.load(name)
        self.say("session", "the board's buffer holds these bytes")
        self.infer(INFERENCES, 1, us, values, laps=run == "performance")
        self.say("session", f"kept {run} {number}")

    def encode(self) -> bytes:
        return "".join(f"{line}\n" for line in self.lines).encode()


def digest(name: str) -> str:
    """SHA-256 of the bytes of a sample, as far as a log tells."""
    return hashlib.sha256(name.encode()).hexdigest()


def names() -> list[str]:
    return list(read_names(content.tasks_dir() / TASK / "official.txt"))


def output(number: int, label: int) -> tuple[float, float]:
    """What the board gives for a sample: right for all but the first 150."""
    answer = label if number >= 150 else 1 - label
    return (0.125, 0.875) if answer else (0.875, 0.125)


def trace_bytes(milliseconds: int, milliwatts: float, lead_ms: int = LEAD_MS) -> bytes:
    """A trace of one window, whose edges lie between two samples."""
    power = [np.full(lead_ms + 1, IDLE_MW), np.full(milliseconds, milliwatts), np.full(TAIL_MS, IDLE_MW)]
    return b"\xf1" + np.float32(1000).tobytes() + np.concatenate(power).astype("<f4").tobytes()


def bounds(milliseconds: int, lead_ms: int = LEAD_MS) -> tuple[float, float]:
    """Where the window is in such a trace, in seconds."""
    return (lead_ms + 0.5) / 1000, (lead_ms + milliseconds + 0.5) / 1000


@dataclass
class BoardRun:
    """A run before it is written; every part may be changed."""

    log: BoardLog
    windows: list[Window]
    energy: EnergyFile
    files: Files
    """All but ``log.txt`` and ``energy.json``."""
    accuracy: float
    fields: dict[str, Any] = field(default_factory=dict)
    """Of the result, in place of what follows from the rest."""

    def replace(self, old: str, new: str, count: int = 1) -> None:
        """Change the first lines of the log that have a text."""
        found = [k for k, line in enumerate(self.log.lines) if old in line][:count]
        assert len(found) == count
        for k in found:
            self.log.lines[k] = self.log.lines[k].replace(old, new)

    def drop(self, text: str, number: int = 0) -> None:
        """Take out one of the lines with a text."""
        found = [k for k, line in enumerate(self.log.lines) if text in line]
        del self.log.lines[found[number]]

    def line(self, text: str, number: int = 0) -> int:
        """Position of one of the lines with a text."""
        return [k for k, line in enumerate(self.log.lines) if text in line][number]

    def relist(self, index: int, **changes: Any) -> None:
        """Change a window of ``energy.json``."""
        windows = [
            window.model_copy(update=changes) if window.index == index else window
            for window in self.energy.windows
        ]
        self.energy = self.energy.model_copy(update={"windows": tuple(windows)})

    def result(self) -> tuple[Result, Files]:
        """The result that the runner would state, and its evidence."""
        files = {"log.txt": self.log.encode(), energy_file.FILE: self.energy.to_json()} | self.files
        timed = [window for window in self.windows if window.run == "performance"]
        metered = [window for window in self.windows if window.run == "energy"]
        throughput = median(window.throughput for window in timed)
        joules = [window.joules or 0.0 for window in metered]
        above = [
            (j - recorded.baseline_w * window.seconds) / window.inferences
            for j, window, recorded in zip(joules, metered, self.energy.windows, strict=True)
        ]
        model = specs.models()[TASK]
        fields: dict[str, Any] = {
            "created": "2026-11-21T12:00:00Z",
            "tool": Tool(version="0.1.0", commit=None),
            "task": TaskRef(id=TASK, version=specs.task(TASK).version),
            "data": DataRef(
                split="official",
                dataset=specs.task(TASK).dataset.id,
                dataset_sha256=DATASET_SHA256,
                samples=1000,
                limit=None,
            ),
            "model": ModelRef(name=TASK, sha256=model.sha256, macs=model.macs, parameters=model.parameters),
            "device": DeviceRef(
                id=DEVICE,
                board="ST NUCLEO-L4R5ZI",
                chip="STM32L4R5ZI",
                core="cortex-m4",
                clock_hz=120_000_000,
                supply_v=3.3,
                accelerator=None,
            ),
            "engine": Engine(
                name="vendor-runtime", version="1.0", kernels=None, kernels_version=None, compiler="GCC 12.3"
            ),
            "runner": "board",
            "instrument": self.energy.as_instrument,
            "source": None,
            "metrics": (
                Metric.of("accuracy.top1", self.accuracy, "measured"),
                Metric.of("latency.per_inference", 1 / throughput, "measured"),
                Metric.of("throughput", throughput, "measured"),
                Metric.of(
                    "energy.per_inference",
                    median(j / w.inferences for j, w in zip(joules, metered, strict=True)),
                    "measured",
                ),
                Metric.of("energy.above_baseline", max(0.0, median(above)), "measured"),
                Metric.of(
                    "power.active",
                    median(j / w.seconds for j, w in zip(joules, metered, strict=True)),
                    "measured",
                ),
            ),
            "unavailable": (),
            "windows": tuple(self.windows),
            "layers": (),
            "evidence": describe_evidence(files),
            "notes": (),
            "target": specs.task(TASK).target,
            "environment": None,
        }
        return finished(fields | self.fields), files


def good_run(*, port: str = PORT) -> BoardRun:
    """A run that breaks no rule."""
    labels = [int(name.startswith("person/")) for name in names()]
    samples = list(zip(names(), labels, strict=True))
    outputs = [output(number, label) for number, (_, label) in enumerate(samples)]
    chosen = [0, 250, 500, 749, 999]
    model = specs.models()[TASK].sha256
    log, windows, recorded, phases, files = BoardLog(), [], [], [], {}
    log.begin(model, "performance,accuracy,energy", port=port)
    for index, (k, us) in enumerate(zip(chosen, PERFORMANCE_US, strict=True), 1):
        log.window("performance", index, samples[k][0], us, outputs[k])
        windows.append(_window("performance", index, samples[k][0], us / 1e6))
    for number, (name, _) in enumerate(samples):
        log.say("session", f"accuracy {number + 1} input {name}")
        log.load(name)
        log.infer(1, 0, 136_000, outputs[number])
    for index, (k, ms, mw) in enumerate(zip(chosen, ENERGY_MS, POWER_MW, strict=True), 1):
        log.window("energy", index, samples[k][0], ms * 1000, outputs[k])
        files[trace_name(index)] = trace_bytes(ms, mw)
        start_s, end_s = bounds(ms)
        trace = read_trace(files[trace_name(index)], trace_name(index))
        listed = RecordedWindow(
            index=index,
            input=samples[k][0],
            inferences=INFERENCES,
            gate="edges",
            trace=trace_name(index),
            start_s=start_s,
            end_s=end_s,
            baseline_w=baseline_w(trace) or 0.0,
        )
        phases += phases_of(listed, trace)
        joules = trace.energy_j(start_s, end_s)
        recorded.append(listed)
        windows.append(_window("energy", index, samples[k][0], end_s - start_s, joules))
    log.say("session", "end")
    rows = [(name, label, *values) for (name, label), values in zip(samples, outputs, strict=True)]
    files[PHASES] = write_phases(phases)
    files["outputs.csv"] = csv_bytes(("sample", "label", "output_0", "output_1"), rows)
    energy = EnergyFile(instrument=ANALYSER, windows=tuple(recorded))
    return BoardRun(log, windows, energy, files, accuracy=850 / 1000)


@cache
def measured_vww() -> tuple[Result, Files]:
    """The result of a good run."""
    return good_run().result()


def _window(run: Any, index: int, name: str, seconds: float, joules: float | None = None) -> Window:
    return Window(run=run, index=index, input=name, inferences=INFERENCES, seconds=seconds, joules=joules)
