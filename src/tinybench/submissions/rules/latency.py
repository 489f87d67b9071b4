"""Latency and throughput against the timestamps of the device."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median
from typing import Final

from tinybench.mlperf_tiny.printed import Figure
from tinybench.mlperf_tiny.runs import PerformanceRun
from tinybench.results.schema import MetricName
from tinybench.submissions.entry import Entry
from tinybench.submissions.findings import Finding, rule
from tinybench.submissions.recompute import BOARD_LOG, Recomputed
from tinybench.submissions.rules.agreement import (
    SECONDS_STEP,
    THROUGHPUT_STEP,
    agrees,
    instead,
    same_seconds,
)

RECIPROCAL: Final = 1e-3
"""How far latency times throughput may be from one: published tables round both."""

CLAIMED_ONLY = rule(
    "TB300",
    "claimed-only",
    "warning",
    title="A measured result has no evidence at all",
    why="""Without a log, a trace or raw outputs nothing of a result can be recomputed. It is shown as
    claimed, the lowest tier.""",
    hint="""Submit the files of the runs: log.txt and results.txt (results.json of MLCommons' runner) of
    the performance and accuracy runs, and trace and timestamps of the energy run. tinybench import
    mlperf-tiny makes results with windows and evidence of them.""",
)
LATENCY_DIFFERS = rule(
    "TB308",
    "latency-differs",
    "error",
    title="Latency or throughput is not what the timestamps of the device say",
    why="""For each window the throughput is the number of inferences divided by the time between the two
    timestamps that the device printed in it; the figure of the result has to be the median over the
    windows, in full or rounded to three decimals as the runners print it. Latency is one over
    throughput.""",
    hint="""State the median over the five windows, not their mean and not the best of them. tinybench
    import mlperf-tiny computes it from the log.""",
)
WINDOWS_DIFFER = rule(
    "TB309",
    "windows-differ",
    "error",
    title="The windows in the result are not those of the performance log",
    why="""A result lists the windows that its latency is the median of, so that everybody can see how
    much they scatter. Input, number of inferences and seconds of each have to be those of the log.""",
    hint="Let tinybench import mlperf-tiny fill in the windows from the log.",
)
MEDIAN_WRONG = rule(
    "TB310",
    "median-wrong",
    "error",
    title="Latency or throughput is not the median of the windows that the result lists",
    why="""The rule of both runners is the median over five windows: one window that was disturbed, or
    one that was lucky, does not move it. This compares the figure with the windows in the result itself,
    so it holds even where there is no log.""",
    hint="State the median over the windows, not their mean and not the best of them.",
)
PRINT_DIFFERS = rule(
    "TB311",
    "print-differs",
    "error",
    title="What the runner printed is not what its timestamps say",
    why="""results.txt, and the log of MLCommons' runner, repeat the seconds and the throughput of each
    window and their median. Recomputed from the timestamps, they have to agree in every printed digit.
    If they do not, the files are of different runs, or one of them was edited.""",
    hint="Submit log.txt, results.txt and results.json of the same run, as the runner wrote them.",
)
LATENCY_WITHOUT_LAPS = rule(
    "TB312",
    "latency-without-timestamps",
    "warning",
    title="The latency was measured, but there is no log with timestamps",
    why="""Latency is recomputed from the timestamps that the device printed. Without the log of the
    performance run (or results.json of MLCommons' runner) it is a claim, whatever else there is.""",
    hint="""Add performance-log.txt, or performance-log.txt and performance-results.json of MLCommons' runner;
    of tinybench run, log.txt.""",
)
NOT_RECIPROCAL = rule(
    "TB313",
    "latency-not-reciprocal",
    "error",
    title="Latency is not one over throughput",
    why="""MLPerf Tiny runs one inference after the other (single stream), so that the two are the same
    figure. A system that works on several inputs at once has to say its throughput in that mode
    elsewhere.""",
    hint="State latency.per_inference as one over throughput.",
)

_Shown = list[tuple[int | None, Figure | None, Figure | None]]
"""Inferences, seconds and throughput of each window, as far as they are printed."""

_BOTH: Final[tuple[MetricName, ...]] = ("throughput", "latency.per_inference")


def check_latency(entry: Entry, facts: Recomputed) -> Iterator[Finding]:
    """Compare latency, throughput and windows of a result with the performance run."""
    result, run = entry.result, facts.performance
    yield from _check_reciprocal(entry)
    if any(metric.mode == "measured" for metric in result.metrics) and result.source is None:
        yield from _check_presence(entry, facts)
    where = f"{entry.where}: metrics"
    stated = _throughput(entry)
    if run is not None:
        exact = run.median_throughput
        if stated is not None and exact is not None and not agrees(stated[1], exact, THROUGHPUT_STEP):
            name, value = stated
            values = [window.throughput for window in run.windows if window.throughput is not None]
            yield LATENCY_DIFFERS.found(
                where,
                f"{name} says {value:.6g} inferences/s, the timestamps {exact:.6g}"
                + instead(value, values, THROUGHPUT_STEP),
            )
        yield from _check_windows(entry, run)
        yield from _check_print(entry, facts, run)
    else:
        values = [window.throughput for window in result.windows if window.run == "performance"]
        if stated is not None and values and not agrees(stated[1], median(values), THROUGHPUT_STEP):
            yield MEDIAN_WRONG.found(
                where,
                f"{stated[0]} says {stated[1]:.6g} inferences/s, the windows {median(values):.6g}"
                + instead(stated[1], values, THROUGHPUT_STEP),
            )


def _throughput(entry: Entry) -> tuple[MetricName, float] | None:
    """The measured figure that says how fast it is, in inferences per second."""
    for name in _BOTH:
        metric = entry.result.metric(name)
        if metric is not None and metric.mode == "measured":
            value = float(metric.value)
            return name, value if name == "throughput" else 1 / value if value else math.inf
    return None


def _check_reciprocal(entry: Entry) -> Iterator[Finding]:
    throughput, latency = (entry.result.metric(name) for name in _BOTH)
    if throughput is None or latency is None or throughput.mode != latency.mode:
        return
    product = throughput.value * latency.value
    rounded = latency.value > 0 and agrees(throughput.value, 1 / latency.value, THROUGHPUT_STEP)
    if not rounded and not math.isclose(product, 1, rel_tol=RECIPROCAL):
        yield NOT_RECIPROCAL.found(
            f"{entry.where}: metrics",
            f"{latency.value:.6g} s times {throughput.value:.6g} inferences/s is {product:.4g}",
        )


def _check_presence(entry: Entry, facts: Recomputed) -> Iterator[Finding]:
    if not entry.evidence:
        yield CLAIMED_ONLY.found(entry.where, "no evidence is there")
        return
    read = facts.performance is not None or facts.streaming is not None
    broken = any(broken.name.startswith(("performance-", BOARD_LOG)) for broken in facts.broken)
    timed = any(window.run == "performance" for window in entry.result.windows)
    if (timed or _throughput(entry) is not None) and not read and not broken:
        yield LATENCY_WITHOUT_LAPS.found(entry.where, "no log of a performance run is among the evidence")


def _check_windows(entry: Entry, run: PerformanceRun) -> Iterator[Finding]:
    stated = [window for window in entry.result.windows if window.run == "performance"]
    if any(window.throughput is None for window in run.windows):
        return  # which of them a result could list is not decided
    where = f"{entry.where}: windows"
    if len(stated) != len(run.windows):
        yield WINDOWS_DIFFER.found(where, f"lists {len(stated)} windows, the log has {len(run.windows)}")
        return
    for window, measured in zip(stated, run.windows, strict=True):
        assert measured.seconds is not None
        for what, here, there, same in (
            ("index", window.index, measured.index, window.index == measured.index),
            ("input", window.input, measured.input_file, window.input == measured.input_file),
            ("inferences", window.inferences, measured.inferences, window.inferences == measured.inferences),
            (
                "seconds",
                window.seconds,
                measured.seconds,
                same_seconds(window.seconds, measured.seconds, run.runner),
            ),
            ("joules", window.joules, None, window.joules is None),
        ):
            if not same:
                yield WINDOWS_DIFFER.found(
                    where, f"{what} of window {window.index} is {here}, in the log {there}"
                )
                return


def _check_print(entry: Entry, facts: Recomputed, run: PerformanceRun) -> Iterator[Finding]:
    printed, said = facts.printed.get("performance"), facts.said.get("performance")
    if any(window.seconds is None for window in run.windows):
        return
    if printed is not None:
        where = f"{entry.where}: performance-results.txt"
        shown: _Shown = [(w.inferences, w.seconds, w.throughput) for w in printed.windows]
        yield from _compare(where, run, shown)
        exact, figure = run.median_throughput, printed.median_throughput
        if figure is not None and exact is not None and not figure.agrees(exact):
            yield PRINT_DIFFERS.found(
                where, f"prints a median of {figure.value:g} inferences/s, the timestamps say {exact:.6g}"
            )
    if said is not None:
        logged: _Shown = [
            (w.inferences, None if w.seconds is None else Figure(w.seconds, SECONDS_STEP), None)
            for w in said.windows
        ]
        yield from _compare(f"{entry.where}: performance-log.txt", run, logged)


def _compare(where: str, run: PerformanceRun, shown: _Shown) -> Iterator[Finding]:
    """Report the first window that is not the same."""
    if shown and len(shown) != len(run.windows):
        yield PRINT_DIFFERS.found(
            where, f"tells of {len(shown)} windows, the timestamps of {len(run.windows)}"
        )
        return
    for window, (inferences, seconds, throughput) in zip(run.windows, shown, strict=False):
        if None not in (inferences, window.inferences) and inferences != window.inferences:
            difference = f"{inferences} inferences, not {window.inferences}"
        elif seconds is not None and window.seconds is not None and not seconds.agrees(window.seconds):
            difference = f"{seconds.value:g} s, not {window.seconds:.6f} s"
        elif throughput is not None and window.throughput and not throughput.agrees(window.throughput):
            difference = f"{throughput.value:g} inferences/s, not {window.throughput:.6g}"
        else:
            continue
        yield PRINT_DIFFERS.found(where, f"window {window.index}: {difference}")
        return
