"""A task on a stream of samples: wake words that were heard and missed, and how busy the device was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from tinybench.mlperf_tiny.printed import Figure, Printed
from tinybench.mlperf_tiny.streaming import StreamingRun
from tinybench.results.schema import MetricName
from tinybench.submissions.entry import Entry
from tinybench.submissions.findings import Finding, rule
from tinybench.submissions.recompute import STREAMING_TASKS, Recomputed
from tinybench.submissions.rules.agreement import agrees
from tinybench.submissions.system import Division

MAX_MISSED: Final = 8
MAX_FALSE: Final = 8

STREAMING_DIFFERS = rule(
    "TB230",
    "streaming-differs",
    "error",
    title="A figure of a streaming run is not what its evidence says",
    why="""results.json of the streaming wake word task has the times of the wake words, of the
    detections and of a part of the frames. From these follow how many words were heard and missed, how
    often the device heard one that was not there, the mean period and duty cycle of a frame, and the
    throughput, 1 / (period x duty cycle). Where a run with a power analyser was published too, the
    figures may be those that its results.txt prints. As in the runner, a detection counts for a word
    until two seconds after its end, and false ones within a second count once.""",
    hint="State the figures of one run, as its runner printed them.",
)
STREAMING_TARGET_MISSED = rule(
    "TB231",
    "streaming-target-missed",
    "error",
    title="Too many wake words were missed, or heard where there were none",
    why="""In the closed division of MLPerf Tiny (from v1.3) at most 8 of the 50 wake words may be
    missed, and at most 8 times may the device hear one that is not there.""",
    hint="Check the front end and the detection threshold; or submit to the open division.",
)

_STEPS: Final[Mapping[MetricName, float]] = {
    "streaming.true_positives": 1,
    "streaming.false_negatives": 1,
    "streaming.false_positives": 1,
    "streaming.duty_cycle": 1e-5,
    "streaming.period": 1e-6,
    "throughput": 1e-3,
    "power.average": 1e-7,
}
"""One unit of the last place that the runner prints, in the unit of the metric."""


def check_streaming(entry: Entry, facts: Recomputed, division: Division) -> Iterator[Finding]:
    """Compare the figures of a streaming task with its runs, and the errors with what is allowed."""
    result = entry.result
    if result.task.id not in STREAMING_TASKS:
        return
    recomputed = {} if facts.streaming is None else _recomputed(facts.streaming)
    performance, energy = (_printed(facts.printed.get(kind)) for kind in ("performance", "energy"))
    for name, figure in performance.items():
        exact = recomputed.get(name)
        if exact is not None and not figure.agrees(exact):
            yield STREAMING_DIFFERS.found(
                f"{entry.where}: performance-results.txt",
                f"prints {name} {figure.value:g}, results.json says {exact:.6g}",
            )
    for metric in result.metrics:
        step = _STEPS.get(metric.name)
        known = [recomputed[metric.name]] if metric.name in recomputed else []
        known += [energy[metric.name].value] if metric.name in energy else []
        if step is None or metric.mode != "measured" or not known:
            continue
        if not any(agrees(metric.value, value, step) for value in known):
            listed = " or ".join(f"{value:.6g}" for value in known)
            yield STREAMING_DIFFERS.found(
                f"{entry.where}: metrics", f"{metric.name} is {metric.value:g}, the evidence says {listed}"
            )
    if division == "closed":
        yield from _check_target(entry)


def _check_target(entry: Entry) -> Iterator[Finding]:
    limits: tuple[tuple[MetricName, int, str], ...] = (
        ("streaming.false_negatives", MAX_MISSED, "wake words missed"),
        ("streaming.false_positives", MAX_FALSE, "detections where there was no wake word"),
    )
    for name, most, what in limits:
        metric = entry.result.metric(name)
        if metric is not None and metric.value > most:
            yield STREAMING_TARGET_MISSED.found(
                f"{entry.where}: metrics", f"{metric.value} {what}; {most} are allowed"
            )


def _recomputed(run: StreamingRun) -> dict[MetricName, float]:
    heard = run.detections
    values: dict[MetricName, float | None] = {
        "streaming.true_positives": None if heard is None else heard.true_positives,
        "streaming.false_negatives": None if heard is None else heard.false_negatives,
        "streaming.false_positives": None if heard is None else heard.false_positives,
        "streaming.duty_cycle": run.duty_cycle,
        "streaming.period": run.period_s,
        "throughput": run.throughput,
    }
    return {name: value for name, value in values.items() if value is not None}


def _printed(printed: Printed | None) -> dict[MetricName, Figure]:
    if printed is None or printed.streaming is None:
        return {}
    told = printed.streaming
    power = printed.energy_windows[-1].power_w if printed.energy_windows else None
    figures: dict[MetricName, Figure | None] = {
        "streaming.true_positives": Figure(told.true_positives, 1),
        "streaming.false_negatives": Figure(told.false_negatives, 1),
        "streaming.false_positives": Figure(told.false_positives, 1),
        "streaming.duty_cycle": told.duty_cycle,
        "streaming.period": told.period_s,
        "throughput": told.throughput,
        "power.average": power,
    }
    return {name: figure for name, figure in figures.items() if figure is not None}
