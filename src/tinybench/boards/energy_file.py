"""``energy.json`` and ``phases.csv``: what recorded the energy of a board, and where in the traces it is.

Each window has a trace of its own, ``trace-<k>.bin`` in the layout of EEMBC's ``trace1-energy.bin``, which
begins while the board is idle. Energies are computed from the traces, with the sample rule of
``PowerTrace.energy_j``, by whoever measures and by whoever checks alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Final, Literal, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from tinybench.errors import DataError
from tinybench.files.bounded import read_json, read_lines
from tinybench.meters.phases import BASELINE_S, baseline_w
from tinybench.meters.trace import PowerTrace
from tinybench.mlperf_tiny.runs import Energy, EnergyRun, EnergyWindow, Window
from tinybench.results.schema import Analyser, Gate, Instrument
from tinybench.results.tables import csv_bytes

FILE: Final = "energy.json"
PHASES: Final = "phases.csv"

_MAX_BYTES: Final = 2**18
_MAX_WINDOWS: Final = 20
"""The rules ask for five; each has a trace to read."""
_NUMBER: Final = r"(-?[0-9]{1,20}(?:\.[0-9]{1,30})?(?:e-?[0-9]{1,3})?)"
_PHASE: Final = re.compile(rf"([1-9][0-9]{{0,2}}),(rest|pre|inference|post),{_NUMBER},{_NUMBER},{_NUMBER}")

_Seconds = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RecordedWindow(_Strict):
    """A window, and where it is in its trace."""

    index: Annotated[int, Field(gt=0, le=_MAX_WINDOWS)]
    """From 1, as in the result."""
    input: Annotated[str, StringConstraints(min_length=1)]
    """Name of the sample."""
    inferences: Annotated[int, Field(gt=0)]
    """How many there are in the window."""
    gate: Gate
    """What bounds it: edges of the board's pin, or timestamps of the host's clock."""
    trace: Annotated[str, StringConstraints(pattern=r"^trace-[1-9][0-9]{0,2}\.bin$")]
    """The file with the samples."""
    start_s: _Seconds
    """When it begins, in seconds from the start of the trace; so is ``end_s``."""
    end_s: _Seconds
    """When it ends."""
    baseline_w: Annotated[float, Field(allow_inf_nan=False)]
    """Mean power of the first ``BASELINE_S`` of the trace, in watt."""


class EnergyFile(_Strict):
    """The whole file."""

    format: Literal["tinybench.energy/1"] = "tinybench.energy/1"
    """Which layout this is."""
    instrument: Analyser
    """What recorded the traces."""
    windows: Annotated[tuple[RecordedWindow, ...], Field(max_length=_MAX_WINDOWS)]
    """In the order in which they were measured."""

    def to_json(self) -> bytes:
        """The bytes of the file."""
        return (self.model_dump_json(indent=2) + "\n").encode()

    @property
    def as_instrument(self) -> Instrument:
        """What the result names: gated by edges only if all windows are."""
        edges = all(window.gate == "edges" for window in self.windows)
        return Instrument(**self.instrument.model_dump(), gate="edges" if edges else "timestamps")


def trace_name(index: int) -> str:
    """Name of the trace of a window."""
    return f"trace-{index}.bin"


def read_energy_file(data: bytes, name: str) -> EnergyFile:
    """Read ``energy.json``.

    Args:
        data: the file.
        name: what errors call it.

    Raises:
        DataError: it is something else.
    """
    document = read_json(data, name, max_bytes=_MAX_BYTES)
    try:
        return EnergyFile.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        key = ".".join(map(str, first["loc"])) or "the whole file"
        raise DataError(f"{name}: {key}: {first['msg'].lower()}") from None


PhaseName = Literal["rest", "pre", "inference", "post"]


class RecordedPhase(NamedTuple):
    """A part of a trace: the idle board, what precedes the window, the window, or what follows it."""

    window: int
    phase: PhaseName
    start_s: float
    end_s: float
    energy_j: float


def phases_of(recorded: RecordedWindow, trace: PowerTrace) -> tuple[RecordedPhase, ...]:
    """The parts of the trace of a window, without gaps.

    Raises:
        ValueError: the trace does not cover the window, and the rest before it.
    """
    bounds = (0.0, BASELINE_S, recorded.start_s, recorded.end_s, trace.duration_s)
    names: tuple[PhaseName, ...] = get_args(PhaseName)
    return tuple(
        RecordedPhase(recorded.index, name, start_s, end_s, trace.energy_j(start_s, end_s))
        for name, start_s, end_s in zip(names, bounds, bounds[1:], strict=False)
    )


def write_phases(phases: Iterable[RecordedPhase]) -> bytes:
    """``phases.csv``: every digit of each number."""
    rows = ((p.window, p.phase, repr(p.start_s), repr(p.end_s), repr(p.energy_j)) for p in phases)
    return csv_bytes(RecordedPhase._fields, rows)


def read_phases(data: bytes, name: str) -> tuple[RecordedPhase, ...]:
    """Read ``phases.csv``.

    Raises:
        DataError: it is something else.
    """
    lines = read_lines(data, name, max_bytes=_MAX_BYTES)
    if next(lines, None) != ",".join(RecordedPhase._fields):
        raise DataError(f"{name}: the first line has to be {','.join(RecordedPhase._fields)}")
    return tuple(_phase(line, f"{name}: line {number}") for number, line in enumerate(lines, 2))


def _phase(line: str, where: str) -> RecordedPhase:
    found = _PHASE.fullmatch(line)
    if found is None:
        raise DataError(f"{where}: is no window, phase, start, end and energy")
    start_s, end_s, energy_j = map(float, found.groups()[2:])
    name = next(name for name in get_args(PhaseName) if name == found[2])
    return RecordedPhase(int(found[1]), name, start_s, end_s, energy_j)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What the traces say."""

    energy: Energy
    """By the windows of the log."""
    baselines_w: tuple[float | None, ...]
    """Of each window of the file; None where the trace has no such beginning."""
    phases: tuple[RecordedPhase, ...]
    """Of the windows whose traces cover them."""
    rates_hz: tuple[float, ...]
    """Of the traces."""


def measure_energy(run: EnergyRun, file: EnergyFile, trace_of: Callable[[str], PowerTrace]) -> Measured:
    """The energy of each window: inputs and inferences from the log, its bounds from the file.

    Args:
        run: from the log.
        file: from ``energy.json``.
        trace_of: a trace by its name; each is asked for once, and none is kept.
    """
    logged = {window.index: window for window in run.windows}
    windows, rates = [], []
    phases: list[RecordedPhase] = []
    powers: list[float] = []
    longest_s = 0.0
    for recorded in file.windows:
        trace = trace_of(recorded.trace)
        windows.append(_cut(recorded, trace, logged.get(recorded.index)))
        with suppress(ValueError):
            phases += phases_of(recorded, trace)
        rates.append(trace.rate_hz)
        powers += trace.power_range_w()
        longest_s = max(longest_s, trace.duration_s)
    paired = [window.index for window in run.windows] == [window.index for window in file.windows]
    energy = Energy(
        edges_expected=2 * len(run.windows),
        edges_found=2 * len(file.windows),
        windows=tuple(windows) if paired else None,
        trace_seconds=longest_s,
        power_range_w=(min(powers, default=0.0), max(powers, default=0.0)),
    )
    return Measured(
        energy=energy,
        baselines_w=tuple(window.baseline_w for window in windows),
        phases=tuple(phases),
        rates_hz=tuple(rates),
    )


def _cut(recorded: RecordedWindow, trace: PowerTrace, logged: Window | None) -> EnergyWindow:
    start_s, end_s = recorded.start_s, recorded.end_s
    covered = trace.covers(start_s, end_s)
    return EnergyWindow(
        index=recorded.index,
        input_file=None if logged is None else logged.input_file,
        inferences=None if logged is None else logged.inferences,
        start_s=start_s,
        end_s=end_s,
        energy_j=trace.energy_j(start_s, end_s) if covered else None,
        power_w=trace.mean_power_w(start_s, end_s) if covered else None,
        host_seconds=None if logged is None else logged.host_seconds,
        baseline_w=baseline_w(trace) if start_s >= BASELINE_S else None,
    )
