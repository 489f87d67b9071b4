"""From what a session kept to a measurement: medians, accuracy, energy and evidence."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tinybench.boards.energy_file import (
    FILE,
    PHASES,
    EnergyFile,
    RecordedWindow,
    phases_of,
    trace_name,
    write_phases,
)
from tinybench.boards.own_firmware import ENGINE, told_by
from tinybench.errors import MismatchError
from tinybench.meters.eembc import read_trace
from tinybench.meters.phases import BASELINE_S, baseline_w
from tinybench.meters.trace import PowerTrace
from tinybench.results.schema import Engine, Metric, MetricName, Mode, Unavailable, Window
from tinybench.runners.base import MIN_WINDOW_S, Measurement, RunName
from tinybench.runners.board import classifying, energy, timing
from tinybench.runners.board.identity import UNKNOWN_ENGINE
from tinybench.runners.board.run import WINDOWS, Run
from tinybench.scoring import Accuracy, printed_accuracy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

_APART: Final = 0.01
"""Much more than what lines of the board are late, in windows of 10 s."""


def report(
    run: Run,
    runs: tuple[RunName, ...],
    engine: Engine,
    expected: NDArray[np.int8] | None,
    remark: str | None,
) -> Measurement:
    """What was measured, with the evidence for it.

    Args:
        run: the run, with everything done.
        runs: what was asked for.
        engine: what executes the model on the board.
        expected: outputs of the official interpreter, int8 of shape (n, output elements), if there are any.
        remark: why there are none.

    Raises:
        MismatchError: firmware of this project gives other outputs than the interpreter.
    """
    identity, emulated = run.desk.identity, run.workload.device.emulated
    mode: Mode = "simulated" if emulated else "measured"
    metrics: list[Metric] = []
    notes = [f"the board calls itself '{identity.name}'; asked at {run.desk.dut.wire.baud} baud"]
    if told_by(identity.remarks) and engine.name != ENGINE:
        notes.append(
            f"its firmware says that the engine is {ENGINE}; whoever measured it states {engine.name}"
        )
    evidence: dict[str, bytes] = {}
    windows: list[Window] = []
    instrument = None
    if "performance" in runs:
        timed = _timed(run)
        windows += timed
        metrics += _time(timed, mode, emulated)
        if not emulated and run.bench.window_s >= MIN_WINDOW_S:
            notes += clocks_apart(run.session.records(timing.KIND).values())
    if "accuracy" in runs:
        scored, note = _accuracy(run, expected)
        notes.append(remark or note)
        if scored is not None:
            metrics.append(Metric.of(scored.name, scored.value, mode, ci95=scored.ci95, note=scored.note))
            evidence |= scored.evidence
    if "energy" in runs:
        records = energy.kept(run)
        files = {number: _trace_file(run, number) for number in sorted(records)}
        traces = {number: read_trace(data, trace_name(number)) for number, data in files.items()}
        recorded = _recorded(records, traces)
        phases = [phase for window in recorded.windows for phase in phases_of(window, traces[window.index])]
        powered = _powered(recorded, traces)
        windows += powered
        metrics += _energy(powered, recorded)
        evidence |= {trace_name(number): data for number, data in files.items()}
        evidence |= {FILE: recorded.to_json(), PHASES: write_phases(phases)}
        instrument = recorded.as_instrument
    evidence["log.txt"] = run.session.log()
    return Measurement(
        engine=engine,
        metrics=tuple(metrics),
        unavailable=_unavailable(runs),
        evidence=evidence,
        notes=tuple(notes),
        windows=tuple(windows),
        instrument=instrument,
        not_publishable_because=tuple(_reasons(run, engine, emulated)),
        written=run.session.remover(),
    )


def clocks_apart(records: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """What the host's clock says of windows, if it is something else than the board's.

    Args:
        records: of windows of 10 s or more, with ``seconds`` and ``here_s``.
    """
    both = [(record["seconds"], record["here_s"]) for record in records]
    apart = sum(here_s for _, here_s in both) / sum(seconds for seconds, _ in both) - 1
    if abs(apart) < _APART:
        return ()
    more = f"{abs(apart):.1%} {'longer' if apart > 0 else 'shorter'}"
    return (f"by this machine's clock the windows took {more} than by the board's, which latency is by",)


def _timed(run: Run) -> list[Window]:
    return [
        Window(
            run="performance",
            index=number,
            input=record["input"],
            inferences=record["inferences"],
            seconds=record["seconds"],
            joules=None,
        )
        for number, record in sorted(run.session.records(timing.KIND).items())
    ]


def _time(windows: list[Window], mode: Mode, emulated: bool) -> list[Metric]:
    throughput = median(window.throughput for window in windows)
    note = f"median of {len(windows)} windows"
    if emulated:
        note += "; by the emulator's clock, which counts instructions: no time of a device"
    return [
        Metric.of("latency.per_inference", 1 / throughput, mode, note=note),
        Metric.of("throughput", throughput, mode, note=note),
    ]


def _accuracy(run: Run, expected: NDArray[np.int8] | None) -> tuple[Accuracy | None, str]:
    """The accuracy, and how the outputs compare with the interpreter's."""
    records = run.session.records(classifying.KIND)
    total = len(run.encoding.inputs)
    values = [tuple(records[number]["values"]) for number in range(total)]
    scored = printed_accuracy(run.workload.task, run.workload.samples, np.array(values, np.float64))
    if expected is None:
        return scored, ""
    agreeing = [run.encoding.agrees(k, values[k], expected[k]) for k in range(total)]
    same, how = sum(agreeing), "bit for bit" if run.encoding.exact else "to the digits that it prints"
    note = f"outputs of the board equal TFLite Micro's, {how}, on {same} of {total} inputs"
    changed = sum(records[number]["again"] for number in range(total))
    if changed:
        note += f"; it gave {changed} of its outputs only when asked again"
    if same < total and told_by(run.desk.identity.remarks):
        raise MismatchError(
            f"{note}; input {agreeing.index(False)} is the first that differs",
            hint="this project's firmware has to be exact: check the port, and report it with the model",
        )
    return scored, note


def _recorded(records: Mapping[int, Mapping[str, Any]], traces: Mapping[int, PowerTrace]) -> EnergyFile:
    """Where the windows of energy are in their traces, in the order of these."""
    return EnergyFile(
        instrument=records[max(traces)]["instrument"],
        windows=tuple(
            RecordedWindow(
                index=number,
                input=records[number]["input"],
                inferences=records[number]["inferences"],
                gate=records[number]["gate"],
                trace=trace_name(number),
                start_s=records[number]["start_s"],
                end_s=records[number]["end_s"],
                baseline_w=_rest_w(trace),
            )
            for number, trace in traces.items()
        ),
    )


def _rest_w(trace: PowerTrace) -> float:
    found = baseline_w(trace)
    assert found is not None, "windows begin behind it"
    return found


def _powered(recorded: EnergyFile, traces: Mapping[int, PowerTrace]) -> list[Window]:
    return [
        Window(
            run="energy",
            index=window.index,
            input=window.input,
            inferences=window.inferences,
            seconds=window.end_s - window.start_s,
            joules=traces[window.index].energy_j(window.start_s, window.end_s),
        )
        for window in recorded.windows
    ]


def _energy(windows: list[Window], recorded: EnergyFile) -> list[Metric]:
    instrument = recorded.as_instrument
    mode: Mode = "predicted" if instrument.synthetic else "measured"
    note = f"median of {len(windows)} windows between {instrument.gate}; {instrument.title}"
    rows = [
        (window.joules or 0.0, window, found.baseline_w)
        for window, found in zip(windows, recorded.windows, strict=True)
    ]
    above = median((joules - rest_w * w.seconds) / w.inferences for joules, w, rest_w in rows)
    return [
        Metric.of(
            "energy.per_inference", median(joules / w.inferences for joules, w, _ in rows), mode, note=note
        ),
        Metric.of("power.active", median(joules / w.seconds for joules, w, _ in rows), mode, note=note),
        Metric.of(
            "energy.above_baseline",
            max(0.0, above),
            mode,
            note=f"{note}; less the board's power at rest, the mean of {BASELINE_S:g} s before each"
            + ("; it takes no more than that" if above < 0 else ""),
        ),
    ]


def _trace_file(run: Run, number: int) -> bytes:
    data = run.session.file(trace_name(number))
    assert data is not None, "only windows with a trace are kept"
    return data


def _unavailable(runs: tuple[RunName, ...]) -> tuple[Unavailable, ...]:
    reasons: dict[MetricName, str] = {
        "cycles.per_inference": "the board counts microseconds, not cycles",
        "instructions.per_inference": "a board does not count instructions",
        "memory.arena": "firmware does not tell it on the serial line",
        "memory.ram": "firmware does not tell it on the serial line",
        "memory.flash": "firmware does not tell it on the serial line",
    }
    if "performance" not in runs:
        reason = "performance was not asked for"
        reasons |= {"latency.per_inference": reason, "throughput": reason}
    if "energy" not in runs:
        reason = "without a power analyser"
        reasons |= {"energy.per_inference": reason, "power.active": reason}
    return tuple(Unavailable(name=name, reason=reason) for name, reason in reasons.items())


def _reasons(run: Run, engine: Engine, emulated: bool) -> list[str]:
    """What the rules of the suite do not allow."""
    reasons = []
    if emulated:
        reasons.append("the board is emulated: nothing was measured")
    if run.bench.window_s < MIN_WINDOW_S:
        reasons.append(f"windows of {run.bench.window_s:g} s; at least {MIN_WINDOW_S:g} s are published")
    if len(run.encoding.inputs) < WINDOWS:
        reasons.append(f"fewer than {WINDOWS} different inputs")
    if engine.name == UNKNOWN_ENGINE:
        reasons.append("the engine is not stated")
    return reasons
