"""Energy by a power analyser that another program records with, while the board executes its windows.

The windows are executed and kept first; then their energy is cut out of the recording, which has to hold the
edges of the board's pin. Where the file is not there yet, the run ends, and goes on from the windows when it
is started again with the file in its place.
"""

from __future__ import annotations

import hashlib
import time
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from tinybench.errors import MeterError
from tinybench.meters.base import Instrument
from tinybench.meters.recorded import Recorded, read_recorded
from tinybench.meters.trace import PowerTrace
from tinybench.runners.board.energy import AFTER_S, IDLE_S, KIND, keep, kept
from tinybench.runners.board.run import WARMUPS, WINDOWS, Run, edges_agree, host_slack_s

_EXECUTED: Final = "executed"


def measure_recorded(run: Run, path: Path) -> None:
    """Execute the windows that are not done, then take their energy from the recording.

    Raises:
        BoardError: the board is gone or does not answer rightly.
        MeterError: the recording is not there yet, or is not one of these windows.
        DataError: it cannot be read.
    """
    if len(kept(run)) == WINDOWS:
        return
    _execute(run)
    if not path.exists():
        raise MeterError(
            f"{path} is not there: all windows are executed and kept",
            hint="end the recording, export it to that name, and run the same command again",
        )
    recorded = read_recorded(path, supply_v=run.bench.supply_v)
    with path.open("rb") as file:
        run.say(f"recording {path.name}, sha256 {hashlib.file_digest(file, 'sha256').hexdigest()}")
    records = run.session.records(_EXECUTED)
    # Before the windows there are those that only told how long a window has to be.
    edges = recorded.edges[-2 * WINDOWS :]
    if len(edges) < 2 * WINDOWS:
        raise MeterError(
            f"{path}: has {len(recorded.edges)} edges of the board's pin: {WINDOWS} windows have two each",
            hint="record the pin beside the current, and from the first window to the last",
        )
    for number in range(1, WINDOWS + 1):
        start_s, end_s = edges[2 * number - 2 : 2 * number]
        _compare(path, number, end_s - start_s, records[number])
        _keep(run, path, recorded, number, start_s, end_s, records[number])


def _execute(run: Run) -> None:
    """The windows that are not done."""
    inferences, expected_s = run.pace("performance", _EXECUTED)
    for number, chosen in run.windows(_EXECUTED, run.session.records(_EXECUTED)):
        while True:
            run.say(f"{KIND} {number} input {run.sample(chosen)}")
            window = run.attempt(partial(_window, run, chosen, inferences, expected_s))
            seconds = window["seconds"]
            expected_s = max(seconds / inferences, 1e-6)
            if seconds >= run.bench.window_s:
                break
            run.say(f"dropped {KIND} {number}: {seconds:g} s are too short")
            inferences = run.enough(inferences, seconds)
        time.sleep(AFTER_S)
        run.session.keep(_EXECUTED, number, input=run.sample(chosen), inferences=inferences, **window)
        run.say(f"kept {KIND} {number}")


def _window(run: Run, chosen: int, inferences: int, expected_s: float | None) -> dict[str, float]:
    """How long a window took, and how long it was until it began."""
    run.desk.dut.load(run.encoding.input(chosen), verify=True)
    time.sleep(IDLE_S)
    asked_s = time.monotonic()
    found = run.desk.dut.infer(inferences, WARMUPS, expected_s=expected_s)
    run.require_same_clock(found)
    seconds, pre_s = found.done_s - found.started_s, found.started_s - asked_s
    if found.seconds is None:
        return {"seconds": seconds, "pre_s": pre_s}
    return {"seconds": found.seconds, "pre_s": pre_s, "told_s": found.seconds}


def _compare(path: Path, number: int, seconds: float, record: dict[str, Any]) -> None:
    """Whether two edges are those of a window."""
    told_s = record.get("told_s")
    if told_s is not None:
        same = edges_agree(seconds, told_s)
    else:
        same = abs(seconds - record["seconds"]) <= host_slack_s(record["seconds"])
    if not same:
        raise MeterError(
            f"{path}: the edges of window {number} are {seconds:.6g} s apart, the board took "
            f"{record['seconds']:.6g} s",
            hint="is this the recording of this run, and its input on the timestamp pin? --fresh begins anew",
        )


def _keep(
    run: Run,
    path: Path,
    recorded: Recorded,
    number: int,
    start_s: float,
    end_s: float,
    record: dict[str, Any],
) -> None:
    """Cut a window with the rest before it out of the recording, as if it had been recorded alone."""
    trace = recorded.trace
    begin_s = start_s - record["pre_s"] - IDLE_S
    first = int(np.searchsorted(trace.times_s, begin_s))
    last = int(np.searchsorted(trace.times_s, end_s + AFTER_S))
    if begin_s < 0 or last >= len(trace.times_s):
        raise MeterError(
            f"{path}: lacks the {IDLE_S:g} s before window {number}, or the {AFTER_S:g} s after it",
            hint="begin to record before the command and end after it",
        )
    cut = PowerTrace(_rate_hz(recorded), trace.power_w[first:last])
    shift_s = float(trace.times_s[first])
    keep(
        run,
        number,
        cut,
        input=record["input"],
        inferences=record["inferences"],
        start_s=start_s - shift_s,
        end_s=end_s - shift_s,
        gate="edges",
        instrument=_instrument(run, recorded),
    )


def _rate_hz(recorded: Recorded) -> float:
    """As the file of a window holds it; in such a window that shifts no sample by a microsecond."""
    return float(np.float32(recorded.trace.rate_hz))


def _instrument(run: Run, recorded: Recorded) -> Instrument:
    """What is known of an analyser from its recording alone."""
    voltage_v = recorded.voltage_v or run.bench.supply_v
    return Instrument(
        kind="recorded",
        title=f"recording, {recorded.format}",
        serial=None,
        firmware=None,
        calibration=None,
        rate_hz=_rate_hz(recorded),
        native_rate_hz=recorded.native_rate_hz,
        range="not recorded",
        voltage_v=voltage_v,
        voltage="stated" if recorded.voltage_v is None else "measured",
        power_cycles=False,
        edges="pin of the recording",
    )
