"""The files of MLCommons' Python runner (MLPerf Tiny v1.3 and later): ``results.json`` and ``log.txt``.

``results.json`` is a list with one record for each window or sample; the runner writes it as its last act, so
one that can be parsed is complete. ``log.txt`` is what the runner said meanwhile.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import Any, Final

import numpy as np

from tinybench.boards.messages import MAX_VALUES
from tinybench.errors import DataError
from tinybench.files.bounded import read_json, read_lines
from tinybench.mlperf_tiny.runs import (
    AccuracyRun,
    Configuration,
    Energy,
    EnergyRun,
    EnergyWindow,
    LoggedError,
    PerformanceRun,
    Sample,
    Window,
)
from tinybench.mlperf_tiny.streaming import StreamingRun

RATE_HZ: Final = 1000.0
"""Samples of the power analyser: the runner sets and reckons with this rate, but does not record it."""

MAX_SAMPLE_J: Final = 1000.0 / RATE_HZ
"""A sample of more than 1 kW is none."""

BEGINS: Final = b"Logging initialized"
"""How the first line of a session begins: what does not hold this is no log of this runner."""
_BEGINS: Final = BEGINS.decode()

_MAX_WINDOWS: Final = 200_000
_MAX_WORDS: Final = 1000


@dataclass(frozen=True, kw_only=True)
class LogWindow:
    """One block of inferences as the log tells it; times are rounded to milliseconds."""

    input_file: str | None
    segment: int | None
    warmups: int | None
    inferences: int | None
    seconds: float | None
    results: tuple[float, ...] | None


@dataclass(frozen=True, kw_only=True)
class Log:
    """What the runner's ``log.txt`` says."""

    name: str | None
    """Who made the device, as it says itself."""
    model: str | None
    profile: str | None
    windows: tuple[LogWindow, ...]
    errors: tuple[LoggedError, ...]
    sessions: int
    session: int
    complete: bool
    """Whether the last line of a run is there."""


def read_log(data: bytes, name: str) -> Log:
    """The log; of several sessions, the last complete one.

    Args:
        data: the log.
        name: what errors call it.

    Raises:
        DataError: a line or the whole is longer than any log.
    """
    best, chosen, count = _LogReader(), 0, 0
    current: _LogReader | None = None
    for line in read_lines(data, name):
        if line.startswith(_BEGINS):
            if current is not None and (current.complete or not best.complete):
                best, chosen = current, count
            current, count = _LogReader(), count + 1
        elif current is not None:
            current.hear(line)
            if len(current.windows) > _MAX_WINDOWS or len(current.errors) > _MAX_WINDOWS:
                raise DataError(f"{name}: holds more than {_MAX_WINDOWS:,} windows, which no run has")
    if current is not None and (current.complete or not best.complete):
        best, chosen = current, count
    return Log(
        name=best.name,
        model=best.model,
        profile=best.profile,
        windows=tuple(LogWindow(**window) for window in best.windows),
        errors=tuple(best.errors),
        sessions=count,
        session=chosen,
        complete=best.complete,
    )


def read_performance(results: bytes, name: str, log: Log | None = None) -> PerformanceRun:
    """A performance run; the timestamps are the device's, in microseconds.

    Args:
        results: ``results.json``.
        name: what errors call it.
        log: of the same run, if there is one.

    Raises:
        DataError: it is not the results of such a runner.
    """
    records, errors = _records(results, name)
    windows = tuple(_window(record, k, name) for k, record in enumerate(records, 1))
    return PerformanceRun(**_common(records, errors, log, name), windows=windows, stray_laps_us=())


def read_accuracy(results: bytes, name: str, log: Log | None = None) -> AccuracyRun:
    """An accuracy run; arguments and errors as in ``read_performance``."""
    records, errors = _records(results, name)
    samples = tuple(
        Sample(
            input_file=_file(record),
            offset=None,
            length=None,
            results=_values(_infer(record, k, name).get("results")),
        )
        for k, record in enumerate(records, 1)
    )
    return AccuracyRun(**_common(records, errors, log, name), samples=samples)


def read_energy(results: bytes, name: str, log: Log | None = None) -> tuple[EnergyRun, Energy]:
    """An energy run, which carries its trace; arguments and errors as in ``read_performance``.

    Each record has its own piece of the trace. The runner takes the last two edges of a piece: before the
    first window the pin moves now and then. The edges are numbered, so one that got lost on the way from the
    analyser is missed; then no window is cut.
    """
    records, errors = _records(results, name)
    pieces = [_piece(record, k, name) for k, record in enumerate(records, 1)]
    windows = tuple(
        _window(record, k, name, energy=piece)
        for k, (record, piece) in enumerate(zip(records, pieces, strict=True), 1)
    )
    found = sum(len(piece.edges) for piece in pieces)
    leading = max(0, len(pieces[0].edges) - 2) if pieces else 0
    volts = {piece.voltage_v for piece in pieces}
    run = EnergyRun(
        **_common(records, errors, log, name),
        windows=windows,
        first_edges=tuple(leading + 2 * k for k in range(len(windows))),
        edges_expected=leading + 2 * len(pieces),
        supply_voltage_v=None,
        set_voltage_v=volts.pop() if len(volts) == 1 else None,
    )
    energy = Energy(
        edges_expected=run.edges_expected,
        edges_found=found,
        windows=_cut(windows, pieces) if _paired(pieces) else None,
        trace_seconds=sum(len(piece.samples_j) for piece in pieces) / RATE_HZ,
        power_range_w=_range_w(pieces),
    )
    return run, energy


def read_streaming(results: bytes, name: str) -> StreamingRun:
    """The run of the streaming wake word task; arguments and errors as in ``read_performance``."""
    records, _ = _records(results, name)
    if len(records) != 1:
        raise DataError(f"{name}: a streaming run has one record, but here are {len(records)}")
    infer = _infer(records[0], 1, name)
    duty = records[0].get("dutycycle")
    duty = duty if isinstance(duty, dict) else {}
    windows = infer.get("detection_windows")
    pairs = [_numbers(pair) for pair in windows] if isinstance(windows, list) else []
    detections = _numbers(infer.get("detections"))
    starts, stops = _numbers(duty.get("start_times_s")), _numbers(duty.get("stop_times_s"))
    words = [(pair[0], pair[1]) for pair in pairs if pair is not None and len(pair) == 2]
    if detections is None or not words or len(words) != len(pairs):
        raise DataError(f"{name}: has no detections, or no times of the wake words")
    if len(words) > _MAX_WORDS or len(detections) > _MAX_WINDOWS:
        raise DataError(f"{name}: has more wake words or detections than fit in the recording")
    return StreamingRun(
        file=str(infer.get("wav_file") or "") or None,
        seconds=_number(infer.get("length_sec")),
        words_s=tuple(words),
        detections_s=tuple(time_ms / 1000 for time_ms in detections),
        busy_from_s=tuple(starts or ()),
        busy_until_s=tuple(stops or ()),
    )


@dataclass(frozen=True)
class _Piece:
    """The trace around one window."""

    samples_j: np.ndarray[Any, np.dtype[np.float64]]
    edges: list[tuple[int, int]]
    """Number of the edge, samples before it."""
    voltage_v: float | None


def _records(data: bytes, name: str) -> tuple[list[dict[str, Any]], list[LoggedError]]:
    """The records of windows, and the errors that the runner put among them."""
    document = read_json(data, name)
    if not isinstance(document, list) or not all(isinstance(record, dict) for record in document):
        raise DataError(f"{name}: is no list of records")
    errors = [
        LoggedError(source="runner", text=str(record["error"])[:500])
        for record in document
        if "error" in record and "infer" not in record
    ]
    return [record for record in document if not ("error" in record and "infer" not in record)], errors


def _common(
    records: list[dict[str, Any]], errors: list[LoggedError], log: Log | None, name: str
) -> dict[str, Any]:
    infers = [_infer(record, k, name) for k, record in enumerate(records, 1)]
    modes = {record.get("mode") for record in records if isinstance(record.get("mode"), str)}
    return {
        "runner": "mlcommons",
        "runner_version": None,
        "model": log.model if log else None,
        "profile": log.profile if log else None,
        "configuration": Configuration(
            iterations=_same([_count(infer.get("iterations")) for infer in infers]),
            warmups=_same([_count(infer.get("warmups")) for infer in infers]),
            mode=modes.pop() if len(modes) == 1 else None,
        ),
        "errors": (*errors, *(log.errors if log else ())),
        "sessions": log.sessions if log else 1,
        "session": log.session if log else 1,
        "complete": log.complete if log else True,
    }


def _window(record: dict[str, Any], index: int, name: str, energy: _Piece | None = None) -> Window:
    infer = _infer(record, index, name)
    laps = [_count(infer.get(key)) for key in ("start_time", "end_time")]
    known = tuple(lap for lap in laps if lap is not None)
    return Window(
        index=index,
        input_file=_file(record),
        inferences=_count(infer.get("iterations")),
        warmups=_count(infer.get("warmups")),
        laps_us=known,
        host_seconds=None,
        results=_values(infer.get("results")),
        closed=len(known) == 2 or energy is not None,
    )


def _piece(record: dict[str, Any], index: int, name: str) -> _Piece:
    power = record.get("power")
    samples = power.get("samples") if isinstance(power, dict) else None
    if not isinstance(power, dict) or not isinstance(samples, list):
        raise DataError(f"{name}: record {index} has no power samples")
    numbers = _numbers(samples)
    if numbers is None:
        raise DataError(f"{name}: record {index} has a power sample that is no number")
    samples_j = np.array(numbers, dtype=np.float64)
    if len(samples_j) and not (samples_j.min() >= 0 and samples_j.max() <= MAX_SAMPLE_J):
        raise DataError(f"{name}: record {index} has a power sample that no power analyser measures here")
    edges: list[tuple[int, int]] = []
    marks = power.get("timestamps")
    for edge in marks if isinstance(marks, list) else ():
        pair = edge if isinstance(edge, list) and len(edge) == 2 else (None, None)
        number, at = _count(pair[0]), _count(pair[1])
        if number is None or at is None or at > len(samples_j) or (edges and at < edges[-1][1]):
            raise DataError(f"{name}: record {index} has a timestamp that is none")
        edges.append((number, at))
    voltage = _number(power.get("voltage"))
    return _Piece(samples_j, edges, voltage if voltage and 0 < voltage <= 100 else None)


def _paired(pieces: list[_Piece]) -> bool:
    """Whether the last two edges of each piece are those of its window."""
    numbers = [number for piece in pieces for number, _ in piece.edges]
    consecutive = numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else False
    counts = [len(piece.edges) for piece in pieces]
    return consecutive and counts[0] >= 2 and all(count == 2 for count in counts[1:])


def _cut(windows: tuple[Window, ...], pieces: list[_Piece]) -> tuple[EnergyWindow, ...]:
    found, before = [], 0
    for window, piece in zip(windows, pieces, strict=True):
        (_, first), (_, last) = piece.edges[-2:]
        samples_j = piece.samples_j[first:last]
        found.append(
            EnergyWindow(
                index=window.index,
                input_file=window.input_file,
                inferences=window.inferences,
                start_s=(before + first) / RATE_HZ,
                end_s=(before + last) / RATE_HZ,
                energy_j=float(np.sum(samples_j)),
                power_w=float(np.mean(samples_j)) * RATE_HZ if len(samples_j) else None,
                host_seconds=None,
            )
        )
        before += len(piece.samples_j)
    return tuple(found)


def _range_w(pieces: list[_Piece]) -> tuple[float, float]:
    filled = [piece.samples_j for piece in pieces if len(piece.samples_j)]
    if not filled:
        return 0.0, 0.0
    low, high = min(float(x.min()) for x in filled), max(float(x.max()) for x in filled)
    return low * RATE_HZ, high * RATE_HZ


def _infer(record: dict[str, Any], index: int, name: str) -> dict[str, Any]:
    infer = record.get("infer")
    if not isinstance(infer, dict):
        raise DataError(f"{name}: record {index} has no inference")
    return infer


def _file(record: dict[str, Any]) -> str | None:
    file = record.get("file")
    return PureWindowsPath(file[:1000]).name or None if isinstance(file, str) else None


def _same(values: list[int | None]) -> int | None:
    """The one value that all have."""
    return values[0] if values and all(value == values[0] for value in values) else None


def _count(value: object) -> int | None:
    """A number of something: a JSON integer, or digits."""
    if isinstance(value, str) and len(value) <= 18 and value.isascii() and value.isdigit():
        return int(value)
    plain = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
    return value if plain else None  # type: ignore[return-value]


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _numbers(values: object) -> list[float] | None:
    """A list of finite numbers; None if it is anything else."""
    if not isinstance(values, list):
        return None
    numbers = [_number(value) for value in values]
    return None if None in numbers else numbers  # type: ignore[return-value]


def _values(values: object) -> tuple[float, ...] | None:
    """A results vector; the runner puts an empty one where it could not read the device's."""
    numbers = _numbers(values)
    return tuple(numbers) if numbers and len(numbers) <= MAX_VALUES else None


_SAID: Final = re.compile(r"(?:[0-9]{4}\.[0-9]{6} ulp-mlperf: ?)?(.*)", re.DOTALL)
_DEVICE: Final = re.compile(r"Device (name|profile|model) retrieved: (.{1,200})")
_LOADING: Final = re.compile(r"Loading file (.{1,1000}) segment ([0-9]{1,9})")
_RUNNING: Final = re.compile(r"Running inference with ([0-9]{1,12})/([0-9]{1,12}) \(warmup/measured\).*")
_RUNTIME: Final = re.compile(r"Runtime\s{0,20}:\s{0,20}([0-9]{1,12}\.[0-9]{1,9}) sec\.")
_RESULTS: Final = re.compile(r"m-results\s{0,20}:\s{0,20}\[([^\]]*)\]")


class _LogReader:
    """What one session of a log says, line by line."""

    def __init__(self) -> None:
        self.name: str | None = None
        self.model: str | None = None
        self.profile: str | None = None
        self.windows: list[dict[str, Any]] = []
        self.errors: list[LoggedError] = []
        self.complete = False
        self._loaded: tuple[str | None, int | None] = (None, None)
        self._open: dict[str, Any] | None = None

    def hear(self, line: str) -> None:
        """Take in one line."""
        said = _SAID.fullmatch(line.strip())
        text = said.group(1).strip() if said else ""
        if device := _DEVICE.fullmatch(text):
            setattr(self, device.group(1), device.group(2))
        elif loading := _LOADING.fullmatch(text):
            self._loaded, self._open = (loading.group(1), int(loading.group(2))), None
        elif running := _RUNNING.fullmatch(text):
            self._open = {
                "input_file": self._loaded[0],
                "segment": self._loaded[1],
                "warmups": int(running.group(1)),
                "inferences": int(running.group(2)),
                "seconds": None,
                "results": None,
            }
            self._loaded = (None, None)
            self.windows.append(self._open)
        elif text.startswith("ERROR"):
            self.errors.append(LoggedError(source="runner", text=text[:500]))
        elif text.startswith("Session logged in file"):
            self.complete = True
        elif self._open is not None:
            self._window(text)

    def _window(self, text: str) -> None:
        assert self._open is not None
        if runtime := _RUNTIME.fullmatch(text):
            self._open["seconds"] = float(runtime.group(1))
        elif results := _RESULTS.fullmatch(text):
            fields = results.group(1).split(",", MAX_VALUES)
            try:
                self._open["results"] = _values([float(field) for field in fields])
            except ValueError:
                self._open["results"] = None
            self._open = None
