"""The windows of a run: how long, how many, on which inputs; and that no timestamp is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from tinybench.mlperf_tiny.runs import EnergyWindow, Window
from tinybench.results import schema
from tinybench.submissions.entry import Entry
from tinybench.submissions.findings import Finding, Rule, rule
from tinybench.submissions.recompute import Recomputed
from tinybench.submissions.rules.agreement import beyond

MIN_SECONDS: Final = 10.0
MIN_INFERENCES: Final = 10
WINDOWS: Final = 5
CLOCKS_DIFFER: Final = 0.02
"""Share of a window by which two clocks may differ: RC oscillators are good to one or two percent."""
CLOCKS_DIFFER_S: Final = 0.05
"""And what a serial line and an operating system may add to short windows."""

_FIVE_WINDOWS: Final = """EEMBC's EnergyRunner asks in its README for five
windows on five different inputs, each of at least 10 s and 10 inferences, and publishes the median.
MLCommons' runner takes the median of five windows too, but tests the ten seconds over all of them together;
here both are held to the same."""

WINDOW_TOO_SHORT = rule(
    "TB301",
    "window-too-short",
    "error",
    title="A performance window is shorter than 10 s",
    why=f"""{_FIVE_WINDOWS} The time between the two timestamps that the device printed is taken for each
    window. A short window gives weight to what happens once (the first miss of a cache, a clock that is
    still starting) and hides what comes later, such as a chip that gets warm and slows down.""",
    hint="""Raise the number of inferences (iterInfer) until every window takes more than 10 s, and
    measure again.""",
)
ENERGY_WINDOW_TOO_SHORT = rule(
    "TB401",
    "energy-window-too-short",
    "error",
    title="An energy window is shorter than 10 s",
    why=f"""{_FIVE_WINDOWS} This holds for the energy run too. The time between two edges of the device's
    timestamp pin is taken for each window. The trace has one sample each millisecond, so a short window
    adds the uncertainty of its two edges and the settling of the supply to the energy of few inferences.""",
    hint="""Raise the number of inferences of the energy run until every window takes more than 10 s, and
    measure again.""",
)
TOO_FEW_INFERENCES = rule(
    "TB302",
    "too-few-inferences",
    "error",
    title="A performance window has fewer than 10 inferences",
    why=f"""{_FIVE_WINDOWS} With fewer than ten inferences, each of them is more than a tenth of the
    figure: one that was disturbed shows.""",
    hint="Run at least 10 inferences in each window, also on a slow device, and measure again.",
)
ENERGY_TOO_FEW_INFERENCES = rule(
    "TB402",
    "energy-too-few-inferences",
    "error",
    title="An energy window has fewer than 10 inferences",
    why=f"""{_FIVE_WINDOWS} This holds for the energy run too: with fewer than ten inferences, each
    of them is more than a tenth of the figure.""",
    hint="Run at least 10 inferences in each window of the energy run, and measure again.",
)
WINDOW_COUNT = rule(
    "TB303",
    "not-five-windows",
    "error",
    title="The performance run does not have five windows",
    why=f"""{_FIVE_WINDOWS} With a window left out, the slowest can be dropped and the median moves up;
    with windows added, one can measure until the median is pleasant.""",
    hint="Submit the whole log of one run with five windows; do not cut windows out of it.",
)
ENERGY_WINDOW_COUNT = rule(
    "TB403",
    "not-five-energy-windows",
    "error",
    title="The energy run does not have five windows",
    why=f"""{_FIVE_WINDOWS} This holds for the energy run too: with a window left out, the one that took
    the most energy can be dropped.""",
    hint="Submit log, trace and timestamps of one energy run with five windows.",
)
SAME_INPUT = rule(
    "TB304",
    "inputs-not-different",
    "error",
    title="Performance windows share an input",
    why=f"""{_FIVE_WINDOWS} The input of a window is the file that the runner loaded before it. Engines
    that skip zeros, or that stop early, are faster on some inputs; one input five times measures nothing
    more than once, and a result that is kept from the inference before would not be noticed.""",
    hint="Let the runner load another sample of the accuracy set before each window.",
)
ENERGY_SAME_INPUT = rule(
    "TB404",
    "energy-inputs-not-different",
    "error",
    title="Energy windows share an input",
    why=f"""{_FIVE_WINDOWS} This holds for the energy run too: the power that a multiplier takes depends
    on the numbers that it multiplies.""",
    hint="Let the runner load another sample of the accuracy set before each window of the energy run.",
)
INFERENCES_DIFFER = rule(
    "TB305",
    "inferences-not-as-configured",
    "error",
    title="A performance window has another number of inferences than the runner was told",
    why="""Throughput is the number of inferences divided by the time of the window. The device says how
    many it begins (m-infer-start-N), the runner logs how many it asks for (iterInfer); both have to be
    the same in all windows. If they are not, the firmware does something else than it was told, or the
    log was edited.""",
    hint="Do not change the number of inferences within a run; submit the log as the runner wrote it.",
)
ENERGY_INFERENCES_DIFFER = rule(
    "TB405",
    "energy-inferences-not-as-configured",
    "error",
    title="An energy window has another number of inferences than the runner was told",
    why="""Energy per inference is the energy of a window divided by its number of inferences. The device
    says how many it begins (m-infer-start-N), the runner logs how many it asks for (iterInfer); both
    have to be the same in all windows.""",
    hint="Do not change the number of inferences within a run; submit the log as the runner wrote it.",
)
LAP_LOST = rule(
    "TB306",
    "lap-lost",
    "error",
    title="The timestamps of the device do not pair up with the windows",
    why="""A window is m-infer-start, a timestamp, the inferences, a timestamp, m-infer-done.
    EnergyRunner asks for one more timestamp before the first window, so a whole log has eleven.
    Timestamps are paired within the brackets of their window and never counted off: with one lost,
    counting off would take the pauses between windows, in which only an input is loaded, for windows.
    Those are much shorter, and the device would look fast.""",
    hint="""Submit the log as the runner wrote it. If the serial line loses lines, lower its speed and
    measure again.""",
)
EDGE_LOST = rule(
    "TB406",
    "edge-lost",
    "error",
    title="The edges in the power trace do not pair up with the windows of the log",
    why="""In an energy run the device marks the start and the end of each window by a falling edge of a
    pin. The log says how many edges there have to be: one for each timestamp command and two for each
    window. If another number was recorded, nobody can tell which edges bracket a window, and the pauses
    between windows, in which the device idles and takes little power, could be taken for windows. So no
    energy is computed then.""",
    hint="Check the wiring of the timestamp pin (a missing or bouncing edge), and repeat the energy run.",
)
CLOCKS_DISAGREE = rule(
    "TB307",
    "clocks-disagree",
    "error",
    title="The clock of the device and that of the host disagree about a performance window",
    why="""The log has the time of the host beside every line, so the time from m-infer-start to
    m-infer-done is known twice. They may differ by 2 % or 50 ms, whichever is more: oscillators of
    microcontrollers are good to one or two percent, and lines wait for the serial port. A larger
    difference means that timestamps of another window, or of a pause, were taken, that the timer of the
    device runs at another rate than its firmware thinks, or that numbers in the log were changed.""",
    hint="Check the clock tree and the prescaler of the timer behind th_timestamp(), and measure again.",
)
ENERGY_CLOCKS_DISAGREE = rule(
    "TB407",
    "energy-clocks-disagree",
    "error",
    title="The edges in the power trace and the clock of the host disagree about an energy window",
    why="""The log has the time of the host beside every line, so the time from m-infer-start to
    m-infer-done is known beside that between the two edges in the trace. They may differ by 2 % or 50
    ms, whichever is more. A larger difference means that the edges are those of another window or of a
    pause, or that log and trace are not of the same run.""",
    hint="Submit log, trace and timestamps of the same run.",
)

_Run = Literal["performance", "energy"]


@dataclass(frozen=True)
class _Timed:
    """A window, wherever it is from."""

    index: int
    input: str | None
    inferences: int | None
    seconds: float | None
    host_seconds: float | None = None


@dataclass(frozen=True)
class _Rules:
    """What the windows of one kind of run are held to."""

    too_short: Rule
    too_few: Rule
    count: Rule
    same_input: Rule
    inferences: Rule
    clocks: Rule


_RULES: Final[dict[_Run, _Rules]] = {
    "performance": _Rules(
        WINDOW_TOO_SHORT, TOO_FEW_INFERENCES, WINDOW_COUNT, SAME_INPUT, INFERENCES_DIFFER, CLOCKS_DISAGREE
    ),
    "energy": _Rules(
        ENERGY_WINDOW_TOO_SHORT,
        ENERGY_TOO_FEW_INFERENCES,
        ENERGY_WINDOW_COUNT,
        ENERGY_SAME_INPUT,
        ENERGY_INFERENCES_DIFFER,
        ENERGY_CLOCKS_DISAGREE,
    ),
}


def check_windows(entry: Entry, facts: Recomputed) -> Iterator[Finding]:
    """Hold the windows of both runs to the rules; without raw evidence, those that the result states."""
    if facts.performance is not None:
        run = facts.performance
        yield from _check_laps(entry, facts)
        yield from _check(
            "performance",
            f"{entry.where}: performance run",
            [_of_log(window, window.seconds) for window in run.windows],
            run.configuration.iterations,
            alike=run.runner != "board",
        )
    else:
        yield from _check_stated("performance", entry)
    if facts.energy_run is not None:
        energy, iterations = facts.energy, facts.energy_run.configuration.iterations
        yield from _check_edges(entry, facts)
        if energy is not None and energy.windows is not None:
            timed = [_of_trace(window) for window in energy.windows]
        else:
            timed = [_of_log(window, None) for window in facts.energy_run.windows]
        alike = facts.energy_run.runner != "board"
        yield from _check("energy", f"{entry.where}: energy run", timed, iterations, alike=alike)
    else:
        yield from _check_stated("energy", entry)


def _check_stated(run: _Run, entry: Entry) -> Iterator[Finding]:
    stated = [_of_result(window) for window in entry.result.windows if window.run == run]
    if stated:
        alike = entry.result.runner != "board"
        yield from _check(run, f"{entry.where}: windows of the {run} run", stated, None, alike=alike)


def _check(
    run: _Run, where: str, windows: Sequence[_Timed], configured: int | None, *, alike: bool
) -> Iterator[Finding]:
    """Hold windows to the rules.

    Args:
        run: of which run they are.
        where: for findings.
        windows: of the run.
        configured: inferences that the runner was told to ask for, if it says.
        alike: whether all windows are of as many inferences. The runner ``board`` asks for more after a
            window that was too short, and reads a window only if the board began what it was asked for.
    """
    rules = _RULES[run]
    if len(windows) != WINDOWS:
        yield rules.count.found(where, f"{len(windows)} windows instead of {WINDOWS}")
    # Edges are given in decimals of a second, whose difference in floats may miss the limit by 1e-15 s.
    times = [round(window.seconds, 6) for window in windows if window.seconds is not None]
    short = [seconds for seconds in times if seconds < MIN_SECONDS]
    if short:
        yield rules.too_short.found(
            where,
            f"{len(short)} of {len(windows)} windows are shorter than {MIN_SECONDS:g} s; "
            f"the shortest takes {beyond(min(short), MIN_SECONDS, 3)} s",
        )
    counts = [window.inferences for window in windows if window.inferences is not None]
    few = [count for count in counts if count < MIN_INFERENCES]
    if few:
        yield rules.too_few.found(
            where,
            f"{len(few)} of {len(windows)} windows have fewer than {MIN_INFERENCES} inferences; "
            f"the fewest are {min(few)}",
        )
    expected = configured if configured is not None else counts[0] if counts else None
    odd = next(
        (
            window
            for window in windows
            if window.inferences is None or (alike and window.inferences != expected)
        ),
        None,
    )
    if odd is not None:
        told = f"the runner was told {expected}" if configured is not None else f"window 1 has {expected}"
        reason = (
            f"nothing says how many inferences window {odd.index} has"
            if odd.inferences is None
            else f"window {odd.index} has {odd.inferences} inferences, but {told}"
        )
        yield rules.inferences.found(where, reason)
    yield from _check_inputs(rules.same_input, where, windows)
    yield from _check_clocks(rules.clocks, where, windows)


def _check_inputs(rule: Rule, where: str, windows: Sequence[_Timed]) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for window in windows:
        if window.input is None:
            yield rule.found(where, f"nothing says which input window {window.index} had")
            return
        if window.input in seen:
            first = seen[window.input]
            yield rule.found(where, f"windows {first} and {window.index} have the same input, {window.input}")
            return
        seen[window.input] = window.index


def _check_clocks(rule: Rule, where: str, windows: Sequence[_Timed]) -> Iterator[Finding]:
    wrong = []
    for window in windows:
        if window.seconds is None or window.host_seconds is None:
            continue
        allowed = max(CLOCKS_DIFFER * max(window.seconds, window.host_seconds), CLOCKS_DIFFER_S)
        if abs(window.seconds - window.host_seconds) > allowed:
            wrong.append(window)
    if wrong:
        first = wrong[0]
        yield rule.found(
            where,
            f"{len(wrong)} of {len(windows)} windows; window {first.index} takes {first.seconds:.3f} s "
            f"by its timestamps and {first.host_seconds:.3f} s by the clock of the host",
        )


def _check_laps(entry: Entry, facts: Recomputed) -> Iterator[Finding]:
    run = facts.performance
    assert run is not None
    where = f"{entry.where}: performance run"
    for window in run.windows:
        if window.closed and window.seconds is None:
            laps = len(window.laps_us)
            reason = f"{laps} timestamps instead of 2" if laps != 2 else "timestamps that do not ascend"
            yield LAP_LOST.found(where, f"window {window.index} has {reason}")
    between, expected = len(run.stray_laps_us), 1 if run.runner == "energyrunner" else 0
    if between != expected and run.windows:
        yield LAP_LOST.found(
            where, f"{between} timestamps outside of all windows instead of {expected}, before the first"
        )


def _check_edges(entry: Entry, facts: Recomputed) -> Iterator[Finding]:
    energy = facts.energy
    if energy is None or energy.windows is not None or facts.board is not None:
        return  # of our own runner, TB413 says which windows do not pair up
    where = f"{entry.where}: energy run"
    if energy.edges_found != energy.edges_expected:
        yield EDGE_LOST.found(
            where,
            f"{energy.edges_found} edges were recorded, but the log announces {energy.edges_expected}",
        )
    else:
        yield EDGE_LOST.found(
            where,
            f"{energy.edges_found} edges were recorded, as many as expected, but their numbers have gaps or "
            "a window has not two of them",
        )


def _of_log(window: Window, seconds: float | None) -> _Timed:
    return _Timed(window.index, window.input_file, window.inferences, seconds, window.host_seconds)


def _of_trace(window: EnergyWindow) -> _Timed:
    return _Timed(window.index, window.input_file, window.inferences, window.seconds, window.host_seconds)


def _of_result(window: schema.Window) -> _Timed:
    return _Timed(window.index, window.input, window.inferences, window.seconds)
