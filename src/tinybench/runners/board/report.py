"""From what a session kept to a measurement: medians, accuracy, energy and evidence."""

from __future__ import annotations

import json
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from tinybench.errors import MismatchError
from tinybench.meters.eembc import read_trace
from tinybench.results.schema import Engine, Instrument, Metric, MetricName, Mode, Unavailable, Window
from tinybench.runners.base import MIN_WINDOW_S, Measurement, RunName
from tinybench.runners.board import classifying, energy, timing
from tinybench.runners.board.identity import UNKNOWN_ENGINE, told_by
from tinybench.runners.board.run import WINDOWS, Run
from tinybench.scoring import Accuracy, printed_accuracy

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
    evidence: dict[str, bytes] = {}
    windows: list[Window] = []
    instrument = None
    if "performance" in runs:
        timed = _timed(run)
        windows += timed
        metrics += _time(timed, mode, emulated)
    if "accuracy" in runs:
        scored, note = _accuracy(run, expected)
        notes.append(remark or note)
        if scored is not None:
            metrics.append(Metric.of(scored.name, scored.value, mode, ci95=scored.ci95, note=scored.note))
            evidence |= scored.evidence
    if "energy" in runs:
        powered, document = _energies(run)
        windows += powered
        metrics += _energy(powered, document)
        gates = {window["gate"] for window in document["windows"]}
        gate = "edges" if gates == {"edges"} else "timestamps"
        instrument = Instrument.model_validate(document["instrument"] | {"gate": gate})
        evidence |= {energy.trace_name(k): _trace(run, k) for k in range(1, WINDOWS + 1)}
        evidence["energy.json"] = (json.dumps(document, indent=2) + "\n").encode()
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
    if same < total and told_by(run.desk.identity.remarks):
        raise MismatchError(
            f"{note}; input {agreeing.index(False)} is the first that differs",
            hint="this project's firmware has to be exact: check the port, and report it with the model",
        )
    return scored, note


def _energies(run: Run) -> tuple[list[Window], dict[str, Any]]:
    """Windows with their energy, and the document that says how it came to be."""
    windows, listed = [], []
    records = energy.kept(run)
    for number, record in sorted(records.items()):
        name = energy.trace_name(number)
        trace = read_trace(_trace(run, number), name)
        start_s, end_s = record["start_s"], record["end_s"]
        windows.append(
            Window(
                run="energy",
                index=number,
                input=record["input"],
                inferences=record["inferences"],
                seconds=end_s - start_s,
                joules=trace.energy_j(start_s, end_s),
            )
        )
        listed.append(
            {
                "index": number,
                "input": record["input"],
                "inferences": record["inferences"],
                "gate": record["gate"],
                "trace": name,
                "start_s": start_s,
                "end_s": end_s,
                "baseline_w": trace.mean_power_w(0.0, energy.BASELINE_S),
                "pre_j": trace.energy_j(0.0, start_s),
                "inference_j": trace.energy_j(start_s, end_s),
                "post_j": trace.energy_j(end_s, trace.duration_s),
            }
        )
    last = records[max(records)]
    return windows, {"format": "tinybench.energy/1", "instrument": last["instrument"], "windows": listed}


def _energy(windows: list[Window], document: dict[str, Any]) -> list[Metric]:
    instrument = document["instrument"]
    mode: Mode = "predicted" if instrument["synthetic"] else "measured"
    gates = sorted({window["gate"] for window in document["windows"]})
    note = f"median of {len(windows)} windows between {' and '.join(gates)}; {instrument['title']}"
    joules = [window.joules or 0.0 for window in windows]
    rows = list(zip(windows, joules, document["windows"], strict=True))
    return [
        Metric.of("energy.per_inference", median(j / w.inferences for w, j, _ in rows), mode, note=note),
        Metric.of("power.active", median(j / w.seconds for w, j, _ in rows), mode, note=note),
        Metric.of(
            "energy.above_baseline",
            max(0.0, median((j - d["baseline_w"] * w.seconds) / w.inferences for w, j, d in rows)),
            mode,
            note=f"{note}; less the board's power at rest, the mean of {energy.BASELINE_S:g} s before each",
        ),
    ]


def _trace(run: Run, number: int) -> bytes:
    data = run.session.file(energy.trace_name(number))
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
