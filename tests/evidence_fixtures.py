"""Results measured on hardware with evidence that proves them, made up; each test then breaks one thing."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, BinaryIO

import numpy as np

from evidence_logs import EnergyRunnerLog, kws_file, mlc_json, mlc_log, mlc_record, one_hot
from tinybench import specs
from tinybench.results.schema import (
    DataRef,
    DeviceRef,
    Engine,
    Metric,
    ModelRef,
    Result,
    Source,
    TaskRef,
    Tool,
    Window,
    is_decisive,
    meets,
    new_result,
)
from tinybench.results.store import describe_evidence
from tinybench.submissions.entry import Entry
from tinybench.submissions.rules import examine

Files = dict[str, bytes]

ITERATIONS = 300
PERFORMANCE_US = (12_960_000, 12_950_000, 12_970_000, 12_955_000, 12_965_000)
ENERGY_MS = (12_950, 12_945, 12_955, 12_940, 12_960)
POWER_MW = (42.25, 42.0, 42.5, 41.75, 42.75)
"""Of each energy window: numbers that float32 holds exactly."""
IDLE_MW = 10.0
LEAD_MS, PAUSE_MS = 2770, 1840


def good_performance_log(
    microseconds: Sequence[int] = PERFORMANCE_US, *, iterations: int = ITERATIONS
) -> EnergyRunnerLog:
    """A performance run; each window takes so many microseconds."""
    log = EnergyRunnerLog(iterations=iterations)
    for k, us in enumerate(microseconds):
        log.window(kws_file(k), us, one_hot(k))
    return log.stop()


def printed_performance(
    seconds: Sequence[float], *, iterations: int = ITERATIONS, kind: str = "ulp-mlperf"
) -> bytes:
    """``results.txt`` of EnergyRunner for windows of so many seconds."""
    lines = []
    for k, duration in enumerate(seconds, 1):
        lines += [
            f"Performance results for window {2 * k}:",
            f"  # Inferences : {iterations:12d}",
            f"  Runtime      : {duration:12.3f} sec.",
            f"  Throughput   : {iterations / duration:12.3f} inf./sec.",
            "Runtime requirements have been met."
            if duration >= 10
            else "e-[The run must take at least 10 seconds and 10 iterations to be valid]",
        ]
    middle = sorted(iterations / duration for duration in seconds)[len(seconds) // 2]
    lines.append(f"Median throughput is {middle:.3f} inf./sec.")
    return "".join(f"00101.615 {kind}: {line}\n" for line in lines).encode()


def good_energy_log(
    milliseconds: Sequence[int] = ENERGY_MS, *, iterations: int = ITERATIONS
) -> EnergyRunnerLog:
    """An energy run; each window takes so many milliseconds."""
    log = EnergyRunnerLog(kind="ulp-ml", iterations=iterations)
    for k, ms in enumerate(milliseconds):
        log.window(kws_file(k), ms * 1000, one_hot(k))
    return log.stop()


def good_trace(
    milliseconds: Sequence[int] = ENERGY_MS, milliwatts: Sequence[float] = POWER_MW
) -> tuple[bytes, list[float]]:
    """Power trace and edges: the edges lie between two samples, so that none is in doubt."""
    power, edges = [np.full(LEAD_MS + 1, IDLE_MW)], [0.0195]
    for ms, level in zip(milliseconds, milliwatts, strict=False):
        start = sum(map(len, power))
        edges += [(start - 0.5) / 1000, (start + ms - 0.5) / 1000]
        power += [np.full(ms, level), np.full(PAUSE_MS, IDLE_MW)]
    samples = np.concatenate(power).astype("<f4")
    return b"\xf1" + np.float32(1000).tobytes() + samples.tobytes(), edges


def printed_energy(
    milliseconds: Sequence[int] = ENERGY_MS,
    milliwatts: Sequence[float] = POWER_MW,
    *,
    iterations: int = ITERATIONS,
) -> bytes:
    """``results.txt`` of an energy run."""
    lines, costs, start_ms = [], [], float(LEAD_MS)
    for k, (ms, level) in enumerate(zip(milliseconds, milliwatts, strict=False), 1):
        costs.append(ms * level / iterations)
        lines += [
            f"Energy data for window {2 * k} at time {start_ms / 1000:.2f} for {ms / 1000:.2f} sec.:",
            f"  Energy       : {ms * level:12.3f} uJ",
            f"  Power        : {level * 1000:12.3f} uW",
            f"  Energy/Inf.  : {costs[-1]:12.3f} uJ/inf.",
        ]
        start_ms += ms + PAUSE_MS
    lines.append(f"Median energy cost is {sorted(costs)[len(costs) // 2]:.3f} uJ/inf.")
    said = "".join(f"00245.273 ulp-ml: {line}\n" for line in lines).encode()
    return said + printed_performance(
        [ms / 1000 for ms in milliseconds], iterations=iterations, kind="ulp-ml"
    )


def good_energy(
    milliseconds: Sequence[int] = ENERGY_MS, *, iterations: int = ITERATIONS
) -> tuple[Files, list[Window]]:
    """The files of an energy run of EnergyRunner, and the windows that they show."""
    trace, edges = good_trace(milliseconds)
    files = {
        "energy-log.txt": good_energy_log(milliseconds, iterations=iterations).encode(),
        "energy-results.txt": printed_energy(milliseconds, iterations=iterations),
        "energy-trace1-energy.bin": trace,
        "energy-trace1-timestamps.json": json.dumps([round(edge, 4) for edge in edges]).encode(),
    }
    windows = [
        Window(
            run="energy",
            index=k,
            input=kws_file(k - 1),
            inferences=iterations,
            seconds=ms / 1000,
            joules=ms * level / 1e6,
        )
        for k, (ms, level) in enumerate(zip(milliseconds, POWER_MW, strict=False), 1)
    ]
    return files, windows


def good_accuracy_log(samples: int = 1000, *, wrong: int = 80) -> EnergyRunnerLog:
    """An accuracy run over the keyword samples; the last ``wrong`` get the answer of the next class."""
    log = EnergyRunnerLog(mode="multi", iterations=1)
    for k in range(samples):
        log.window(kws_file(k), 43_000, one_hot(k + (k >= samples - wrong)), warmups=0)
    return log.stop()


@cache
def good_outputs(samples: int = 4890, *, wrong: int = 390) -> bytes:
    """``outputs.csv`` of the official keyword split."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["sample", "label", *(f"output_{k}" for k in range(12))])
    folders = [*specs.tasks()["kws"].labels[:10], "_silence_", "_unknown_"]
    for k in range(samples):
        best = (k + (k >= samples - wrong)) % 12
        writer.writerow(
            [f"{folders[k % 12]}/{k:08x}.wav", k % 12, *(127 if i == best else -128 for i in range(12))]
        )
    return text.getvalue().encode()


def performance_windows(seconds: Sequence[float], *, iterations: int = ITERATIONS) -> list[Window]:
    """The windows that a performance run of the keyword samples shows."""
    return [
        Window(
            run="performance",
            index=k,
            input=kws_file(k - 1),
            inferences=iterations,
            seconds=duration,
            joules=None,
        )
        for k, duration in enumerate(seconds, 1)
    ]


def published_by(round_name: str = "v1.2", division: str = "closed") -> Source:
    return Source(
        kind="mlperf-tiny",
        round=round_name,
        division=division,
        organisation="Example Vendor",
        system="EXAMPLE-BOARD",
        repository="https://github.com/mlcommons/tiny_results_v1.2",
        path="closed/example/results/EXAMPLE-BOARD/kws",
        licence="Apache-2.0",
        attribution="MLPerf Tiny v1.2, retrieved for a test",
        original={},
    )


def measured_result(
    files: Mapping[str, bytes],
    windows: Sequence[Window],
    *,
    accuracy: float | None,
    source: Source | None = None,
    samples: int = 4890,
    runner: str = "energyrunner",
    supply_v: float | None = 1.8,
    **changes: Any,
) -> Result:
    """A result of keyword spotting whose figures are the medians of the windows."""
    model = specs.models()["kws"]
    speeds = sorted(w.throughput for w in windows if w.run == "performance")
    costs = sorted(w.joules / w.inferences for w in windows if w.joules is not None)
    powers = sorted(w.joules / w.seconds for w in windows if w.joules is not None)
    metrics = []
    if accuracy is not None:
        metrics.append(Metric.of("accuracy.top1", accuracy, "measured"))
    if speeds:
        metrics.append(Metric.of("throughput", speeds[len(speeds) // 2], "measured"))
        metrics.append(Metric.of("latency.per_inference", 1 / speeds[len(speeds) // 2], "measured"))
    if costs:
        metrics.append(Metric.of("energy.per_inference", costs[len(costs) // 2], "measured"))
        metrics.append(Metric.of("power.active", powers[len(powers) // 2], "measured"))
    fields: dict[str, Any] = {
        "created": "2026-03-01T12:00:00Z",
        "tool": Tool(version="0.1.0", commit=None),
        "task": TaskRef(id="kws", version="1.0.0"),
        "data": DataRef(
            split="official" if source is None else "mlperf-1000",
            dataset="speech-commands-v0.02",
            dataset_sha256="a" * 64,
            samples=samples,
            limit=None,
        ),
        "model": ModelRef(name="kws", sha256=model.sha256, macs=model.macs, parameters=model.parameters),
        "device": DeviceRef(
            id="nucleo-l4r5zi",
            board="ST NUCLEO-L4R5ZI",
            chip="STM32L4R5ZI",
            core="cortex-m4",
            clock_hz=120_000_000,
            supply_v=supply_v,
            accelerator=None,
        ),
        "engine": Engine(
            name="tflm",
            version="1.0",
            kernels="CMSIS-NN",
            kernels_version="4.0.0",
            compiler="GCC 12.3",
            flags=("-O3",),
        ),
        "runner": runner,
        "source": source,
        "metrics": tuple(metrics),
        "unavailable": (),
        "windows": tuple(windows),
        "layers": (),
        "evidence": describe_evidence(files),
        "notes": (),
        "target": 0.9,
        "environment": None,
    }
    return finished(fields | changes)


def finished(fields: Mapping[str, Any]) -> Result:
    """A result of these fields, with what follows from them: the verdict about the target."""
    accuracy = next((m for m in fields["metrics"] if m.name.startswith("accuracy.")), None)
    decisive = is_decisive(fields["data"], fields["source"], accuracy)
    return new_result(
        **fields,
        target_met=meets(fields["target"], accuracy) if decisive else None,
        publishable=decisive,
        not_publishable_because=() if decisive else ("not on the whole official split",),
    )


def changed(result: Result, **changes: Any) -> Result:
    """The same result with other fields, and the id that it then has."""
    derived = ("id", "schema_", "target_met", "publishable", "not_publishable_because")
    fields = {name: getattr(result, name) for name in Result.model_fields if name not in derived}
    return finished(fields | changes)


def with_metrics(result: Result, **values: float | None) -> Result:
    """The same result with other figures: ``accuracy_top1=0.95``; None takes one away."""
    named = {name.replace("_", ".", 1): value for name, value in values.items()}
    kept = [metric for metric in result.metrics if metric.name not in named]
    new = [Metric.of(name, value, "measured") for name, value in named.items() if value is not None]  # type: ignore[arg-type]
    return changed(result, metrics=(*kept, *new))


def measured_kws(
    *,
    microseconds: Sequence[int] = PERFORMANCE_US,
    iterations: int = ITERATIONS,
    energy_ms: Sequence[int] = ENERGY_MS,
    energy_iterations: int = ITERATIONS,
    printed: bool = True,
) -> tuple[Result, Files]:
    """A submission of one's own, timed and metered with EnergyRunner, scored on the official split.

    Args:
        microseconds: of each performance window.
        iterations: of each performance window.
        energy_ms: of each energy window, in milliseconds; none for a result without energy.
        energy_iterations: of each energy window.
        printed: whether the runner's results.txt are there.
    """
    seconds = [us / 1e6 for us in microseconds]
    windows = performance_windows(seconds, iterations=iterations)
    files = {
        "performance-log.txt": good_performance_log(microseconds, iterations=iterations).encode(),
        "performance-results.txt": printed_performance(seconds, iterations=iterations),
        "outputs.csv": good_outputs(),
    }
    if energy_ms:
        energy_files, energy_windows = good_energy(energy_ms, iterations=energy_iterations)
        files, windows = files | energy_files, windows + energy_windows
    if not printed:
        files = {name: data for name, data in files.items() if not name.endswith("-results.txt")}
    return measured_result(files, windows, accuracy=4500 / 4890), files


@cache
def _accuracy_log_of(wrong: int) -> bytes:
    return good_accuracy_log(wrong=wrong).encode()


def published_kws(*, division: str = "closed", wrong: int = 80) -> tuple[Result, Files]:
    """A result that was published elsewhere, with all files of EnergyRunner; ``wrong`` answers of 1,000."""
    own, files = measured_kws()
    del files["outputs.csv"]
    files |= {
        "accuracy-log.txt": _accuracy_log_of(wrong),
        "accuracy-results.txt": f"00363.658 ulp-mlperf: Top-1: {100 - wrong / 10:.1f}%\n".encode(),
    }
    source = published_by(division=division)
    result = measured_result(files, own.windows, accuracy=1 - wrong / 1000, source=source, samples=1000)
    return result, files


def mlcommons_kws() -> tuple[Result, Files]:
    """The same with all files of MLCommons' runner."""
    result, files = _mlcommons_kws()
    return result, dict(files)


@cache
def _mlcommons_kws() -> tuple[Result, Files]:
    iterations, ms, joules_each = 250, 10_900, 3e-5
    records = [mlc_record(k) for k in range(5)]
    seconds = [(r["infer"]["end_time"] - r["infer"]["start_time"]) / 1e6 for r in records]
    said = "".join(
        f"Performance results for window {k}\n    # Inferences : {iterations}\n    Runtime: {duration} sec.\n"
        f"    Throughput: {iterations / duration} inf./sec.\n    Runtime requirements have been met.\n"
        for k, duration in enumerate(seconds, 1)
    )
    median = iterations / sorted(seconds)[2]
    scored = [mlc_record(k, "a") for k in range(1000)]
    for k, record in enumerate(scored):
        infer = {"results": one_hot(k + (k >= 920)), "iterations": 1, "warmups": 0}
        record["infer"] |= infer
    metered = []
    for k in range(5):
        infer = {"results": one_hot(k), "iterations": iterations, "warmups": 1}
        marks = [["00", 50]] if k == 0 else []
        marks += [[f"{2 * k + 1:02d}", 100], [f"{2 * k + 2:02d}", 100 + ms]]
        power = {"samples": [joules_each] * (ms + 200), "timestamps": marks, "voltage": 1.8}
        metered.append(mlc_record(k, "e", infer=infer, power=power))
    joules = ms * joules_each
    trials = "".join(
        f"Energy data for trial {k}\n  Elapsed time  : {ms / 1000}\n  Inferences    : {iterations}\n"
        f"  Power         : {joules / ms * 1e6:.4f} mW.\n  Total Energy  : {joules * 1e6:.3f} uJ\n"
        f"  Energy/Inf    : {joules * 1e6 / iterations:.3f} uJ/inf\n"
        for k in range(5)
    )
    files = {
        "performance-log.txt": mlc_log(5),
        "performance-results.json": mlc_json(records),
        "performance-results.txt": (
            said + f"0726.010245 ulp-mlperf: Median throughput is {median:10.3f} inf./sec.\n"
        ).encode(),
        "accuracy-log.txt": mlc_log(0),
        "accuracy-results.json": mlc_json(scored),
        "accuracy-results.txt": b"0726.010109 ulp-mlperf: Top 1% = 92.0\n",
        "energy-log.txt": mlc_log(0),
        "energy-results.json": mlc_json(metered),
        "energy-results.txt": (
            f"Power Edition Output\n{trials}Median energy cost is {joules * 1e6 / iterations:.4f} uJ/inf.\n"
        ).encode(),
    }
    windows = performance_windows(seconds, iterations=iterations) + [
        Window(
            run="energy",
            index=k,
            input=kws_file(k - 1),
            inferences=iterations,
            seconds=ms / 1000,
            joules=joules,
        )
        for k in range(1, 6)
    ]
    result = measured_result(
        files,
        windows,
        accuracy=0.92,
        source=published_by("v1.3"),
        samples=1000,
        runner="mlcommons-runner",
    )
    return result, files


def opener(data: bytes) -> Callable[[], AbstractContextManager[BinaryIO]]:
    return lambda: io.BytesIO(data)


def entry_of(result: Result, files: Mapping[str, bytes], where: str = "results/example.json") -> Entry:
    """The entry of a result with its evidence in memory."""
    return Entry(where, result, {name: opener(data) for name, data in files.items()})


def codes(result: Result, files: Files, **options: Any) -> set[str]:
    """The codes of all findings of an entry."""
    return {finding.rule.code for finding in examine(entry_of(result, files), **options).findings}


def replaced(files: Files, name: str, old: str, new: str, times: int = -1) -> Files:
    """The files with a text in one of them replaced, everywhere or so many times."""
    assert old.encode() in files[name], f"{old} is not in {name}"
    return files | {name: files[name].replace(old.encode(), new.encode(), times)}


def without_line(data: bytes, text: str, which: int = 0) -> bytes:
    """The log without the ``which``-th of the lines that hold a text."""
    lines = data.decode().split("\n")
    found = [number for number, line in enumerate(lines) if text in line]
    del lines[found[which]]
    return "\n".join(lines).encode()


def later(data: bytes, text: str, which: int, by_s: float) -> bytes:
    """The log with the clock of the host put forward behind the ``which``-th line that holds a text."""
    lines, seen = [], 0
    for line in data.decode().split("\n"):
        clock, rest = line[:9], line[9:]
        lines.append(f"{float(clock) + by_s:09.3f}{rest}" if seen > which else line)
        seen += text in line
    return "\n".join(lines).encode()
