"""Energy: five windows with the power analyser recording, each a recording of its own.

A recording begins with the board at rest, which gives the baseline; then comes the command, and with it the
loading of the tensor and the warm-up; then the window between two timestamps, whose energy counts; and some
rest behind it. The timestamps are the edges of a pin that the analyser sees. Where it sees none, they are
those that the board prints: the window is as long as they say, and begins when the first of them arrived.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass
from typing import Any, Final

from tinybench.boards.dut import HiccupError, Inference
from tinybench.boards.energy_file import trace_name
from tinybench.errors import BoardError, MeterError
from tinybench.meters.base import Instrument, Recording
from tinybench.meters.eembc import write_trace
from tinybench.meters.phases import BASELINE_S
from tinybench.meters.trace import PowerTrace
from tinybench.results.schema import Gate
from tinybench.runners.board.run import WARMUPS, WINDOWS, Run, edges_agree, host_slack_s

KIND = "energy"

IDLE_S: Final = 0.6
"""So long the board is left alone before a window: longer than what its baseline is taken of."""
AFTER_S: Final = 0.2
"""So long the recording goes on behind a window."""

_SAME_VOLTAGE: Final = 0.02
"""So much a supply may drift between two openings of a power analyser that measures it."""
_LAP_LINE: Final = len("m-lap-us-1234567890\r\n")
_BITS_PER_BYTE: Final = 10


def kept(run: Run) -> dict[int, dict[str, Any]]:
    """Windows that are done, by number: those whose trace is there, by the same power analyser."""
    meter = run.desk.meter
    instrument = None if meter is None else asdict(meter.instrument)
    return {
        number: record
        for number, record in run.session.records(KIND).items()
        if (instrument is None or same_instrument(instrument, record["instrument"]))
        and _sha256(run.session.file(trace_name(number)) or b"") == record["trace_sha256"]
    }


def keep(
    run: Run,
    number: int,
    trace: PowerTrace,
    *,
    input: str,
    inferences: int,
    start_s: float,
    end_s: float,
    gate: Gate,
    instrument: Instrument,
) -> None:
    """Remember a window and its trace: the hash tells if the run was stopped between the two."""
    data = write_trace(trace)
    run.session.keep_file(trace_name(number), data)
    run.session.keep(
        KIND,
        number,
        input=input,
        inferences=inferences,
        seconds=end_s - start_s,
        start_s=start_s,
        end_s=end_s,
        gate=gate,
        instrument=asdict(instrument),
        trace_sha256=_sha256(data),
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def same_instrument(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether both are one power analyser that is set up alike.

    What it finds out each time it is opened may differ: whether that took the board's power away, and by a
    little the voltage that it measures.
    """
    if one["voltage"] == other["voltage"] == "measured":
        one, other = dict(one), dict(other)
        one_v, other_v = one.pop("voltage_v"), other.pop("voltage_v")
        if abs(one_v - other_v) > _SAME_VOLTAGE * max(one_v, other_v):
            return False
    found = {"power_cycles"}
    return {key: one[key] for key in one.keys() - found} == {key: other[key] for key in other.keys() - found}


def measure_energy(run: Run) -> None:
    """Measure the windows that are not done.

    Raises:
        BoardError: the board is gone or does not answer rightly.
        MeterError: the power analyser is gone, silent, or lost samples, also after it was opened anew.
    """
    inferences, expected_s = run.pace("performance", KIND)
    for number, chosen in run.windows(KIND, kept(run)):
        failures = 0
        while True:
            run.say(f"{KIND} {number} input {run.sample(chosen)}")
            try:
                window = _window(run, chosen, inferences, expected_s)
            except (MeterError, HiccupError) as error:
                run.say(f"dropped {KIND} {number}: {error.message}")
                failures += 1
                if failures == run.bench.patience.tries:
                    raise
                if isinstance(error, MeterError):
                    _open_meter_again(run, error)
                else:
                    run.desk.dut.resynchronise()
                continue
            expected_s = max(window.seconds / inferences, 1e-6)
            if window.seconds >= run.bench.window_s:
                break
            run.say(f"dropped {KIND} {number}: {window.seconds:g} s are too short")
            inferences = run.enough(inferences, window.seconds)
        keep(
            run,
            number,
            window.trace,
            input=run.sample(chosen),
            inferences=inferences,
            start_s=window.start_s,
            end_s=window.end_s,
            gate=window.gate,
            instrument=window.instrument,
        )
        run.say(f"kept {KIND} {number}")
    if len(kept(run)) < WINDOWS:
        raise MeterError(
            "the power analyser was opened again and is not as before: the windows are not all alike",
            hint="is the supply stable? run the same command again: windows with what it is now are kept",
        )


def _open_meter_again(run: Run, error: MeterError) -> None:
    """If that fails, too, the first reason says more."""
    try:
        run.desk.open_meter_again()
    except MeterError:
        raise error from None


@dataclass(frozen=True, kw_only=True)
class _Window:
    start_s: float
    """In the recording; so is the end."""
    end_s: float
    gate: Gate
    trace: PowerTrace
    instrument: Instrument

    @property
    def seconds(self) -> float:
        return self.end_s - self.start_s


def _window(run: Run, chosen: int, inferences: int, expected_s: float | None) -> _Window:
    """One window with its recording.

    Raises:
        MeterError: samples or an edge are missing: the window does not count.
        HiccupError: nor does it if the board broke off.
    """
    meter, dut = run.desk.meter, run.desk.dut
    if meter is None:
        raise MeterError("the power analyser is closed", hint="run the same command again")
    run.attempt(lambda: dut.load(run.encoding.input(chosen), verify=True))
    recording = meter.start()
    try:
        time.sleep(IDLE_S)
        # The baseline is the idle board's, however long an analyser takes to begin.
        recording.wait_for(BASELINE_S, timeout_s=run.bench.patience.answer_s)
        found = dut.infer(inferences, WARMUPS, expected_s=expected_s)
        run.require_same_clock(found)
        gate, start_s, end_s = _gate(run, meter.instrument, recording, found)
        trace = recording.trace()
    finally:
        meter.stop()
    if not trace.covers(start_s, end_s) or start_s < BASELINE_S:
        raise MeterError(
            "the power analyser did not record all of the window",
            hint="run the same command again: what was measured is kept",
        )
    return _Window(start_s=start_s, end_s=end_s, gate=gate, trace=trace, instrument=meter.instrument)


def _gate(
    run: Run, instrument: Instrument, recording: Recording, found: Inference
) -> tuple[Gate, float, float]:
    """How the window is told, where it begins and where it ends, in seconds of the recording."""
    patience_s, port = run.bench.patience.answer_s, run.bench.port
    after_s = max(AFTER_S, recording.proven_s)
    if instrument.edges is not None:
        try:
            recording.wait_for_edges(2, beyond_s=after_s, timeout_s=patience_s)
        except MeterError:
            # Firmware that prints its timestamps need not pull the pin; one edge alone is one that was lost.
            if recording.edges or found.seconds is None:
                raise
        else:
            if not instrument.synthetic:  # the clock of that one is the board's
                # An edge that bounces is two: the last one may still be under way.
                recording.wait_until(found.done_s + after_s, timeout_s=patience_s)
            return "edges", *_edges(instrument, recording.edges, found)
    if found.seconds is None or found.lap_s is None:
        raise BoardError(
            f"{port}: the firmware gives its timestamps at a pin, and {instrument.title} does not see it",
            hint="write the build for performance to the board: it prints them",
        )
    recording.wait_until(found.done_s + after_s, timeout_s=patience_s)
    arrived_s = recording.time_of(found.lap_s)
    # What the board prints arrives as much later as its line takes.
    start_s = arrived_s - _LAP_LINE * _BITS_PER_BYTE / run.desk.dut.wire.baud
    return "timestamps", start_s, start_s + found.seconds


def _edges(instrument: Instrument, edges: tuple[float, ...], found: Inference) -> tuple[float, float]:
    if len(edges) != 2:
        raise MeterError(
            f"the power analyser saw {len(edges)} edges of the board's pin in a window, not two",
            hint="a bouncing or floating line: add a pull-up, shorten the wire, check the ground",
        )
    start_s, end_s = edges
    told_s, here_s = found.seconds, found.here_s
    # One that bounces and one that is lost are two, too.
    if not instrument.synthetic and end_s - start_s < here_s - host_slack_s(here_s):
        raise MeterError(
            f"the edges of the pin are {end_s - start_s:.6g} s apart, the window took {here_s:.3g} s",
            hint="a bouncing or floating line: add a pull-up, shorten the wire, check the ground",
        )
    if told_s is not None and not edges_agree(end_s - start_s, told_s):
        raise MeterError(
            f"the edges of the pin are {end_s - start_s:.6g} s apart, the timestamps {told_s:.6g} s",
            hint="is the analyser's input on the timestamp pin?",
        )
    return start_s, end_s
