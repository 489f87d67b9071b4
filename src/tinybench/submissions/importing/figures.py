"""The figures of a run: recomputed from its raw evidence, else as the runner printed them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Final

from tinybench.mlperf_tiny.printed import Figure
from tinybench.mlperf_tiny.tasks import BENCHMARKS
from tinybench.results.schema import METRIC_NAMES, Metric, MetricName, Window
from tinybench.submissions.recompute import Recomputed

_PRINTED: Final = "as printed by the runner, not recomputed"


@dataclass(frozen=True)
class Compared:
    """One figure: what a result states, and how raw evidence and print compare."""

    name: MetricName
    value: float
    """In SI units."""
    recomputed: float | None
    """From raw evidence."""
    printed: float | None
    """By the runner, of the same run."""
    agrees: bool | None
    """Whether one is the other within print rounding; None if one of them is missing."""
    note: str | None


def compare(facts: Recomputed, task: str) -> tuple[Compared, ...]:
    """All figures that the evidence shows in one way or the other, in the order of the schema."""
    found = _streaming(facts) if BENCHMARKS[task].metric is None else _inferences(facts, task)
    return tuple(
        sorted((figure for figure in found if figure), key=lambda figure: METRIC_NAMES.index(figure.name))
    )


def metrics(compared: tuple[Compared, ...]) -> Iterator[Metric]:
    """What a result states."""
    for figure in compared:
        yield Metric.of(figure.name, figure.value, "measured", note=figure.note)


def windows(facts: Recomputed) -> Iterator[Window]:
    """The windows of both runs, where all of a run are whole."""
    run = facts.performance
    if run is not None and run.median_throughput is not None:
        for timed in run.windows:
            assert timed.inferences is not None
            assert timed.seconds is not None
            yield Window(
                run="performance",
                index=timed.index,
                input=timed.input_file,
                inferences=timed.inferences,
                seconds=timed.seconds,
                joules=None,
            )
    energy = facts.energy
    if energy is not None and energy.median_energy_per_inference_j is not None and energy.median_throughput:
        for window in energy.windows or ():
            assert window.inferences is not None
            yield Window(
                run="energy",
                index=window.index,
                input=window.input_file,
                inferences=window.inferences,
                seconds=window.seconds,
                joules=window.energy_j,
            )


def _inferences(facts: Recomputed, task: str) -> Iterator[Compared | None]:
    performance, accuracy, energy = (
        facts.printed.get(kind) for kind in ("performance", "accuracy", "energy")
    )
    exact = None if facts.performance is None else facts.performance.median_throughput
    shown = None if performance is None else performance.median_throughput
    yield _compared("throughput", exact, shown)
    yield _inverse(exact, shown, "one over the median throughput")
    joules = None if facts.energy is None else facts.energy.median_energy_per_inference_j
    yield _compared("energy.per_inference", joules, None if energy is None else energy.median_energy_j)
    watts = [] if facts.energy is None else [window.power_w for window in facts.energy.windows or ()]
    known = [value for value in watts if value is not None]
    if known and len(known) == len(watts):
        yield _compared("power.active", median(known), None, "median over the windows of the trace")
    if BENCHMARKS[task].metric == "top1":
        computed = None if facts.accuracy is None else facts.accuracy.top1
        yield _compared("accuracy.top1", computed, None if accuracy is None else accuracy.top1)
    yield _auc(facts, None if accuracy is None else accuracy.auc)


def _auc(facts: Recomputed, shown: Figure | None) -> Compared | None:
    """By the rule of the runner that made the log: only then is it what that runner prints."""
    if facts.accuracy is None:
        return _compared("accuracy.auc", None, shown)
    if facts.accuracy_run is not None and facts.accuracy_run.runner == "energyrunner":
        rule = "by the rule of EEMBC's runner: 101 thresholds, mean over the classes"
        return _compared("accuracy.auc", facts.accuracy.auc_eembc, shown, rule)
    return _compared("accuracy.auc", facts.accuracy.auc, shown)


def _streaming(facts: Recomputed) -> Iterator[Compared | None]:
    """Recomputed is the performance run; an energy run is another pass over the recording."""
    run, printed = facts.streaming, facts.printed.get("performance")
    energy = facts.printed.get("energy")
    shown = None if printed is None else printed.streaming
    published = None if energy is None else energy.streaming
    timed: tuple[tuple[MetricName, str], ...] = (
        ("throughput", "throughput"),
        ("streaming.duty_cycle", "duty_cycle"),
        ("streaming.period", "period_s"),
    )
    for name, field in timed:
        exact, said, stated = (_of(source, field) for source in (run, shown, published))
        yield _published(name, _compared(name, exact, said), stated)
        if name == "throughput":
            latency = _inverse(exact, said, "duty cycle times period")
            yield _published("latency.per_inference", latency, stated)
    detections = None if run is None else run.detections
    counts: tuple[tuple[MetricName, str], ...] = (
        ("streaming.true_positives", "true_positives"),
        ("streaming.false_negatives", "false_negatives"),
        ("streaming.false_positives", "false_positives"),
    )
    for name, field in counts:
        count, said, stated = (_counted(source, field) for source in (detections, shown, published))
        figure = _compared(name, None if count is None else count.value, said)
        yield _published(name, figure, stated)
    power = energy.energy_windows[0].power_w if energy and energy.energy_windows else None
    yield _compared("power.average", None, power, "over the whole recording")


def _of(source: object, field: str) -> Any:
    """A figure of a run; None if there is no such run."""
    return None if source is None else getattr(source, field)


def _counted(source: object, field: str) -> Figure | None:
    count = _of(source, field)
    return None if count is None else Figure(count, 1)


def _published(name: MetricName, figure: Compared | None, of_energy_run: Figure | None) -> Compared | None:
    """The figure of the energy run is the published one: MLPerf Tiny's checker takes it from there."""
    if of_energy_run is None or (name == "latency.per_inference" and not of_energy_run.value):
        return figure
    value = 1 / of_energy_run.value if name == "latency.per_inference" else of_energy_run.value
    note = "as printed for the energy run"
    if figure is None:
        return Compared(name, value, None, None, None, note)
    return replace(figure, value=value, note=f"{note}; of the performance run: {figure.value:.6g}")


def _inverse(exact: float | None, shown: Figure | None, note: str) -> Compared | None:
    """Latency, by the throughput."""
    throughput = _compared("throughput", exact, shown)
    if throughput is None or not throughput.value:
        return None
    return Compared(
        "latency.per_inference",
        1 / throughput.value,
        1 / exact if exact else None,
        1 / shown.value if shown and shown.value else None,
        throughput.agrees,
        note if exact else f"{note}; {_PRINTED}",
    )


def _compared(
    name: MetricName, exact: float | None, shown: Figure | None, note: str | None = None
) -> Compared | None:
    """The recomputed figure, else the printed one; None if there is neither."""
    if exact is not None:
        if shown is None:
            return Compared(name, exact, exact, None, None, note)
        return Compared(name, exact, exact, shown.value, shown.agrees(exact), note)
    if shown is None:
        return None
    return Compared(name, shown.value, None, shown.value, None, f"{note}; {_PRINTED}" if note else _PRINTED)
