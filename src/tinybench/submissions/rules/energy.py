"""Energy and power against the trace of the power analyser."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Final

from tinybench.mlperf_tiny.printed import PrintedEnergyWindow
from tinybench.mlperf_tiny.runs import Energy, EnergyWindow
from tinybench.results.schema import DeviceRef
from tinybench.submissions.entry import Entry
from tinybench.submissions.findings import Finding, rule
from tinybench.submissions.recompute import BOARD_LOG, Recomputed
from tinybench.submissions.rules.agreement import apart, instead, same_seconds, within

ENERGY_TOLERANCE_J: Final = 1e-9
"""0.001 µJ, the last decimal of EnergyRunner: published energies are reproduced to that."""

POWER_TOLERANCE: Final = 0.01
RUNS_DIFFER: Final = 0.05
SUPPLY_DIFFERS: Final = 0.02
MIN_RATE_HZ: Final = 1000.0

ENERGY_DIFFERS = rule(
    "TB408",
    "energy-differs",
    "error",
    title="The energy per inference is not what the power trace says",
    why="""The energy of a window is the sum of the samples of the trace between its two edges, each
    sample beginning at the accumulated clock of EEMBC's runner; divided by the number of inferences, and
    the median taken over the windows, it has to be the figure of the result within 0.001 µJ. The tests
    of tinybench reproduce thirty windows of published runs in this way, in every printed digit.""",
    hint="""State the median over the five windows. tinybench import mlperf-tiny computes it from trace,
    timestamps and log.""",
)
ENERGY_WINDOWS_DIFFER = rule(
    "TB409",
    "energy-windows-differ",
    "error",
    title="The energy windows in the result are not those of log and trace",
    why="""A result lists the windows that its energy is the median of. Input, number of inferences,
    seconds and joules of each have to be those of log, trace and timestamps.""",
    hint="Let tinybench import mlperf-tiny fill in the windows from the evidence.",
)
ENERGY_MEDIAN_WRONG = rule(
    "TB410",
    "energy-median-wrong",
    "error",
    title="The energy per inference is not the median of the windows that the result lists",
    why="""The rule of both runners is the median over five windows. This compares the figure with the
    windows in the result itself, so it holds even where there is no trace.""",
    hint="State the median over the windows, not their mean and not the best of them.",
)
ENERGY_PRINT_DIFFERS = rule(
    "TB411",
    "energy-print-differs",
    "error",
    title="What the runner printed about energy is not what the power trace says",
    why="""results.txt of the energy run repeats energy, seconds and energy per inference of each window
    and the median. Recomputed from trace, timestamps and log, they have to agree in every printed digit.
    If they do not, the files are of different runs, or one of them was edited.""",
    hint="Submit log, trace, timestamps and results.txt of the same energy run, as the runner wrote them.",
)
ENERGY_WITHOUT_TRACE = rule(
    "TB412",
    "energy-without-trace",
    "warning",
    title="The energy was measured, but there is no power trace to recompute it from",
    why="""Energy is recomputed from the samples of the power analyser between the edges that the device
    gave. That needs the log, the trace and the timestamps (EnergyRunner: trace1-energy.bin and
    trace1-timestamps.json; MLCommons' runner: results.json; tinybench: energy.json and trace-<k>.bin).
    Without them the energy is a claim, whatever else there is.""",
    hint="""Add energy-log.txt, energy-trace1-energy.bin and energy-trace1-timestamps.json, or
    energy-results.json of MLCommons' runner; of tinybench run, log.txt, energy.json and its traces.""",
)
OUTSIDE_TRACE = rule(
    "TB420",
    "window-outside-trace",
    "error",
    title="The power trace does not cover an energy window",
    why="""The edges of a window have to lie within the time that was recorded. If the trace began late
    or ended early, power is missing, and the energy of the window would be too low.""",
    hint="""Repeat the energy run; start the trace before the first input is loaded, stop it after the
    last result.""",
)
TRACE_TOO_SLOW = rule(
    "TB421",
    "trace-rate-low",
    "warning",
    title="The power trace has fewer than 1,000 samples per second",
    why="""Both runners have the analyser give 1,000 samples per second. With fewer, the edges of a
    window cut off up to two samples of more than a millisecond each.""",
    hint="""Set the analyser to 1 kHz (acqtime of the LPM01A, sampling frequency of the Joulescope), and
    measure again.""",
)
POWER_DIFFERS = rule(
    "TB422",
    "power-differs",
    "error",
    title="The active power is not the energy of the windows divided by their time",
    why="""power.active is the mean power within the windows: energy divided by seconds, the median over
    the windows. It has to agree with the trace within 1 % (with the windows that the result lists, where
    there is no trace).""",
    hint="State the power within the windows, not the peak and not the mean over the whole trace.",
)
RUNS_DISAGREE = rule(
    "TB423",
    "runs-disagree",
    "error",
    title="The energy run is faster or slower than the performance run by more than 5 %",
    why="""Time and energy are measured in two runs, because the device gives its timestamps by a pin in the
    second. MLPerf Tiny allows its build to differ in that and in the speed of the serial line. If the
    throughputs of the two runs differ by more than 5 %, the clock, the memory, the build or the model
    was another one, and the two figures do not belong to one system.""",
    hint="Repeat both runs with the same build, clock and supply; only EE_CFG_ENERGY_MODE may differ.",
)
SUPPLY_UNKNOWN = rule(
    "TB424",
    "supply-unknown",
    "warning",
    title="Nobody says at which supply voltage the energy was measured",
    why="""Energy rises with the square of the supply voltage in most chips without a regulator, and in
    proportion to it with a linear one. An energy without its voltage cannot be compared with another.""",
    hint="""State device.supply_v in the result (supply_v in system.toml), or let the runner ask the
    analyser (emon voltage) at the end of the energy run.""",
)
SUPPLY_DIFFERS_RULE = rule(
    "TB425",
    "supply-differs",
    "warning",
    title="The power analyser supplied another voltage than the result states",
    why="""The log of the energy run holds the voltage that the analyser measured or was set to; it has
    to be the one that the result states, within 2 %.""",
    hint="State the voltage of the energy run. The voltage at which the board booted may be another one.",
)


def check_energy(entry: Entry, facts: Recomputed) -> Iterator[Finding]:
    """Compare energy, power and windows of a result with the energy run."""
    energy = facts.energy
    if energy is None or energy.windows is None:
        yield from _check_without_trace(entry, facts)
    else:
        yield from _check_figures(entry, facts, energy, energy.windows)
        yield from _check_windows(entry, facts, energy.windows)
        yield from _check_print(entry, facts, energy, energy.windows)
        yield from _check_runs(entry, facts, energy)
    if facts.trace_rate_hz is not None and facts.trace_rate_hz < MIN_RATE_HZ:
        yield TRACE_TOO_SLOW.found(
            f"{entry.where}: power trace", f"{facts.trace_rate_hz:g} samples per second"
        )
    yield from _check_supply(entry, facts)


def _measured(entry: Entry, name: str) -> float | None:
    metric = next((metric for metric in entry.result.metrics if metric.name == name), None)
    return metric.value if metric is not None and metric.mode == "measured" else None


def _check_without_trace(entry: Entry, facts: Recomputed) -> Iterator[Finding]:
    """What can be said without windows of a trace: whether that is so at all, and the stated windows."""
    result, stated = entry.result, _measured(entry, "energy.per_inference")
    files = ("energy-", "energy.json", "trace-", BOARD_LOG)
    broken = any(broken.name.startswith(files) for broken in facts.broken)
    windows = [window for window in result.windows if window.run == "energy"]
    if stated is None and not windows:
        return
    if facts.energy is None and entry.evidence and result.source is None and not broken:
        yield ENERGY_WITHOUT_TRACE.found(
            entry.where, "log, trace and timestamps of an energy run are not all among the evidence"
        )
    if stated is None:
        return
    costs = [window.joules / window.inferences for window in windows if window.joules is not None]
    if costs and not within(stated, median(costs), ENERGY_TOLERANCE_J):
        yield ENERGY_MEDIAN_WRONG.found(
            f"{entry.where}: metrics",
            f"states {_uj(stated)}, the windows say {_uj(median(costs))}"
            + instead(stated, costs, ENERGY_TOLERANCE_J),
        )
    powers = [window.joules / window.seconds for window in windows if window.joules is not None]
    yield from _check_power(entry, powers, "the windows say")


def _check_figures(
    entry: Entry, facts: Recomputed, energy: Energy, windows: tuple[EnergyWindow, ...]
) -> Iterator[Finding]:
    outside = [window for window in windows if window.energy_j is None]
    if outside:
        first = outside[0]
        yield OUTSIDE_TRACE.found(
            f"{entry.where}: energy run",
            f"window {first.index} lasts from {first.start_s:.3f} s to {first.end_s:.3f} s, the trace has "
            f"{energy.trace_seconds:.3f} s",
        )
    stated, exact = _measured(entry, "energy.per_inference"), energy.median_energy_per_inference_j
    costs = [w.energy_per_inference_j for w in windows if w.energy_per_inference_j is not None]
    if stated is not None and exact is not None and not _same_energy(stated, exact, _tolerance_j(facts)):
        yield ENERGY_DIFFERS.found(
            f"{entry.where}: metrics",
            f"states {_uj(stated)}, the trace says {_uj(exact)}" + instead(stated, costs, ENERGY_TOLERANCE_J),
        )
    powers = [window.power_w for window in windows if window.power_w is not None]
    yield from _check_power(entry, powers, "the trace says")


def _check_power(entry: Entry, powers: list[float], says: str) -> Iterator[Finding]:
    stated = _measured(entry, "power.active")
    if stated is None or not powers:
        return
    exact = median(powers)
    if abs(stated - exact) > POWER_TOLERANCE * exact:
        yield POWER_DIFFERS.found(
            f"{entry.where}: metrics", f"states {stated * 1e3:.4g} mW, {says} {exact * 1e3:.4g} mW"
        )


def _check_windows(entry: Entry, facts: Recomputed, windows: tuple[EnergyWindow, ...]) -> Iterator[Finding]:
    run = facts.energy_run
    runner = "energyrunner" if run is None else run.runner
    tolerance_j = _tolerance_j(facts)
    stated = [window for window in entry.result.windows if window.run == "energy"]
    if any(window.energy_j is None or window.throughput is None for window in windows):
        return  # which of them a result could list is not decided
    where = f"{entry.where}: windows"
    if len(stated) != len(windows):
        yield ENERGY_WINDOWS_DIFFER.found(
            where, f"lists {len(stated)} energy windows, the energy run has {len(windows)}"
        )
        return
    for window, measured in zip(stated, windows, strict=True):
        assert measured.energy_j is not None
        joules = window.joules
        for what, here, there, same in (
            ("index", window.index, measured.index, window.index == measured.index),
            ("input", window.input, measured.input_file, window.input == measured.input_file),
            ("inferences", window.inferences, measured.inferences, window.inferences == measured.inferences),
            (
                "seconds",
                window.seconds,
                measured.seconds,
                same_seconds(window.seconds, measured.seconds, runner),
            ),
            ("joules", joules, measured.energy_j, _same_energy(joules, measured.energy_j, tolerance_j)),
        ):
            if not same:
                yield ENERGY_WINDOWS_DIFFER.found(
                    where, f"{what} of energy window {window.index} is {here}, by the evidence {there}"
                )
                return


def _tolerance_j(facts: Recomputed) -> float:
    """What the print of a runner leaves open; ours prints nothing, and states what it computes."""
    return ENERGY_TOLERANCE_J if facts.board is None else 0.0


def _same_energy(stated: float | None, exact: float, tolerance_j: float) -> bool:
    return stated is not None and abs(stated - exact) <= tolerance_j + 1e-9 * abs(exact)


def _check_print(
    entry: Entry, facts: Recomputed, energy: Energy, windows: tuple[EnergyWindow, ...]
) -> Iterator[Finding]:
    printed = facts.printed.get("energy")
    if printed is None:
        return
    where = f"{entry.where}: energy-results.txt"
    if printed.energy_windows and len(printed.energy_windows) != len(windows):
        yield ENERGY_PRINT_DIFFERS.found(
            where, f"tells of {len(printed.energy_windows)} windows, the energy run has {len(windows)}"
        )
        return
    for shown, window in zip(printed.energy_windows, windows, strict=False):
        difference = _difference(shown, window)
        if difference is not None:
            yield ENERGY_PRINT_DIFFERS.found(where, f"window {window.index}: {difference}")
            return
    figure, exact = printed.median_energy_j, energy.median_energy_per_inference_j
    if figure is not None and exact is not None and not figure.agrees(exact):
        yield ENERGY_PRINT_DIFFERS.found(
            where, f"prints a median of {_uj(figure.value)}, the trace says {_uj(exact)}"
        )
        return
    speed, faster = printed.energy_mode_throughput, energy.median_throughput
    if speed is not None and faster is not None and not speed.agrees(faster):
        yield ENERGY_PRINT_DIFFERS.found(
            where, f"prints a median of {speed.value:g} inferences/s, the timestamps say {faster:.6g}"
        )


def _difference(shown: PrintedEnergyWindow, window: EnergyWindow) -> str | None:
    """The first figure of a printed window that is not that of the trace."""
    pairs = (
        (shown.energy_j, window.energy_j, 1e6, "µJ"),
        (shown.energy_per_inference_j, window.energy_per_inference_j, 1e6, "µJ per inference"),
    )
    for figure, exact, factor, unit in pairs:
        if figure is not None and exact is not None and not figure.agrees(exact):
            return f"{figure.value * factor:.3f} {unit}, not {exact * factor:.3f}"
    if None not in (shown.inferences, window.inferences) and shown.inferences != window.inferences:
        return f"{shown.inferences} inferences, not {window.inferences}"
    return None


def _check_runs(entry: Entry, facts: Recomputed, energy: Energy) -> Iterator[Finding]:
    energy_run = energy.median_throughput
    performance_run = None if facts.performance is None else facts.performance.median_throughput
    if energy_run is None or performance_run is None:
        return
    difference = energy_run / performance_run - 1
    if abs(difference) > RUNS_DIFFER * (1 + 1e-9):  # not by the last bit of a division
        yield RUNS_DISAGREE.found(
            entry.where,
            f"{performance_run:.6g} inferences/s in the performance run, {energy_run:.6g} in the energy run: "
            + apart(difference, RUNS_DIFFER),
        )


def _check_supply(entry: Entry, facts: Recomputed) -> Iterator[Finding]:
    result = entry.result
    stated = result.device.supply_v if isinstance(result.device, DeviceRef) else None
    run = facts.energy_run
    recorded = None if run is None else run.supply_voltage_v or run.set_voltage_v
    if _measured(entry, "energy.per_inference") is None:
        return
    if stated is None and recorded is None and result.source is None:
        yield SUPPLY_UNKNOWN.found(entry.where, "neither the result nor the log of the energy run says it")
    if stated is not None and recorded is not None and abs(stated - recorded) > SUPPLY_DIFFERS * recorded:
        yield SUPPLY_DIFFERS_RULE.found(
            f"{entry.where}: device.supply_v", f"states {stated:g} V, the energy run has {recorded:g} V"
        )


def _uj(joules: float) -> str:
    return f"{joules * 1e6:.3f} µJ"
