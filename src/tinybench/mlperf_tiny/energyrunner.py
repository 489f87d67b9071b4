"""The log of EEMBC's EnergyRunner: ``SSSSS.mmm source: text``, one line at a time.

The sources are the runner's own parts (``session``, ``sequencer``, ``parser``), the device (``dut``), the
interface board (``io``, which passes the device's lines on as ``[dut]: ...``) and the power analyser
(``emon``). One reader goes over the lines and opens and closes windows by the device's messages; the three
public functions say which facts a kind of run is made of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tinybench.boards import messages
from tinybench.errors import DataError
from tinybench.files.bounded import read_lines
from tinybench.meters.trace import PowerTrace
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

MAX_FACTS: Final = 2_000_000
"""Laps and numbers of results vectors in one log; a window or an error weighs as much as ``HEAVY`` of them.
The largest known log, 48,608 windows of anomaly detection, comes to 1.2 million."""

HEAVY: Final = 20

_MAX_ERROR: Final = 500
_MAX_NAME: Final = 255

_HEAD: Final = re.compile(r"([0-9]{1,9}\.[0-9]{1,6}) ([\w-]{1,40}): ?")
_NUMBERED: Final = re.compile(r"m-sequencing-i\[([0-9]{1,9})\]")
_COMMAND: Final = re.compile(r'Command "(.*)"')
_SEPARATOR: Final = re.compile(r"[\\/:]")
"""In the paths of Windows, where the runner runs; a path object takes five times as long."""
_LOAD: Final = re.compile(r'bloadp? (?:dut )?"([^"]{1,1000})"(?: ([0-9]{1,12}) ([0-9]{1,12}))?')
_CONFIGURED: Final = re.compile(r"m-bm-cfg-name\[[^\]]*\]-key\[([^\]]{1,100})\]-val\[(.{0,500})\]")
_CODE: Final = re.compile(r"m-bmark-run-name\[[^\]]*\]-code\[([^\]]*)\]")
_VERSION: Final = re.compile(r"m-version\[([^\]]{1,40})\]")
_VOLTAGE: Final = re.compile(r"m-voltage-mv\[([0-9]{1,6})\]")


def read_performance(data: bytes, name: str) -> PerformanceRun:
    """The log of a performance run.

    Args:
        data: the log.
        name: what errors call it.

    Raises:
        DataError: a line or the whole is longer than any log.
    """
    session, common = _read(data, name, kind=("ulp-mlperf", "bmark"))
    return PerformanceRun(
        **common,
        windows=tuple(window.window(k) for k, window in enumerate(session.windows, 1)),
        stray_laps_us=tuple(session.stray_laps_us),
    )


def read_accuracy(data: bytes, name: str) -> AccuracyRun:
    """The log of an accuracy run; arguments and errors as in ``read_performance``."""
    session, common = _read(data, name, kind=("ulp-mlperf", "multi"))
    samples = tuple(
        Sample(
            input_file=window.input.file,
            offset=window.input.offset,
            length=window.input.length,
            results=window.results,
        )
        for window in session.windows
    )
    return AccuracyRun(**common, samples=samples)


def read_energy(data: bytes, name: str) -> EnergyRun:
    """The log of an energy run; arguments and errors as in ``read_performance``."""
    session, common = _read(data, name, kind=("ulp-ml", "bmark"))
    traced = [(window, window.first_edge) for window in session.windows if window.first_edge is not None]
    return EnergyRun(
        **common,
        windows=tuple(window.window(k) for k, (window, _) in enumerate(traced, 1)),
        first_edges=tuple(first for _, first in traced),
        edges_expected=session.edges,
        supply_voltage_v=session.supply_voltage_v,
        set_voltage_v=None,
    )


def measure_energy(run: EnergyRun, trace: PowerTrace, edges_s: Sequence[float]) -> Energy:
    """Cut the windows of a run out of its power trace.

    The log says how many edges there have to be and which of them bracket a window. If another number was
    recorded, one was lost or is spurious, and no window is cut: a pause could be taken for one.

    Args:
        run: from the log.
        trace: from ``trace1-energy.bin``.
        edges_s: from ``trace1-timestamps.json``.
    """
    windows = None
    if len(edges_s) == run.edges_expected:
        windows = tuple(
            _cut(window, trace, edges_s[first], edges_s[first + 1])
            for window, first in zip(run.windows, run.first_edges, strict=True)
        )
    return Energy(
        edges_expected=run.edges_expected,
        edges_found=len(edges_s),
        windows=windows,
        trace_seconds=trace.duration_s,
        power_range_w=trace.power_range_w(),
    )


def _cut(window: Window, trace: PowerTrace, start_s: float, end_s: float) -> EnergyWindow:
    covered = trace.covers(start_s, end_s)
    return EnergyWindow(
        index=window.index,
        input_file=window.input_file,
        inferences=window.inferences,
        start_s=start_s,
        end_s=end_s,
        energy_j=trace.energy_j(start_s, end_s) if covered else None,
        power_w=trace.mean_power_w(start_s, end_s) if covered else None,
        host_seconds=window.host_seconds,
    )


@dataclass(frozen=True)
class _Input:
    file: str | None = None
    offset: int | None = None
    length: int | None = None


@dataclass(slots=True)
class _Open:
    """A window while its lines are read."""

    input: _Input
    first_edge: int | None
    """None if no trace was on."""
    warmups: int | None = None
    inferences: int | None = None
    laps_us: list[int] = field(default_factory=list)
    started_s: float | None = None
    ended_s: float | None = None
    results: tuple[float, ...] | None = None
    closed: bool = False

    def window(self, index: int) -> Window:
        host_seconds = None
        if self.started_s is not None and self.ended_s is not None:
            host_seconds = self.ended_s - self.started_s
        return Window(
            index=index,
            input_file=self.input.file,
            offset=self.input.offset,
            length=self.input.length,
            inferences=self.inferences,
            warmups=self.warmups,
            laps_us=tuple(self.laps_us),
            host_seconds=host_seconds,
            results=self.results,
            closed=self.closed,
        )


class _Session:
    """What the lines from one start of a session to the next say."""

    def __init__(self) -> None:
        self.stopped = False
        self.code: str | None = None
        self.version: str | None = None
        self.model: str | None = None
        self.profile: str | None = None
        self.configured: dict[str, str] = {}
        self.errors: list[LoggedError] = []
        self.windows: list[_Open] = []
        self.stray_laps_us: list[int] = []
        self.supply_voltage_v: float | None = None
        self.edges = 0
        self.facts = 0
        self._commands = 0
        self._gap = False
        self._tracing = False
        self._loaded = _Input()
        self._commanded: _Input | None = None
        self._open: _Open | None = None
        self._waiting: _Open | None = None

    def matches(self, code: str, mode: str) -> bool:
        """Whether it is a run of that kind, as far as it says."""
        return self.code in (None, code) and self.configured.get("runMode", mode) == mode

    @property
    def complete(self) -> bool:
        """Whether the end is there, and no command is missing before it."""
        return self.stopped and not self._gap

    def common(self) -> dict[str, Any]:
        """The fields of ``Run`` but for the counts of sessions."""
        return {
            "runner": "energyrunner",
            "runner_version": self.version,
            "model": self.model,
            "profile": self.profile,
            "configuration": Configuration(
                model=self.configured.get("model"),
                iterations=_count(self.configured.get("iterInfer")),
                warmups=_count(self.configured.get("iterWarmup")),
                mode=self.configured.get("runMode"),
            ),
            "errors": tuple(self.errors),
            "complete": self.complete,
        }

    def hear(self, host_s: float, source: str, text: str) -> None:
        """Take in one line."""
        if source == "sequencer":
            self.stopped |= text == "m-sequencer-stop"
            if number := _NUMBERED.match(text):
                self._gap |= int(number.group(1)) > self._commands + 1
                self._commands = int(number.group(1))
        elif source == "session":
            self.stopped |= text.startswith("m-session-stop-id")
        elif source == "dut" or (source == "io" and "[dut]:" in text[:20]):
            self._device(host_s, messages.parse(text))
        elif source == "io" and text.startswith("m-lap-us-"):
            # The interface board prints the edge itself, before the slow serial line has passed on the
            # message that the device sent ahead of it.
            message = messages.parse(text)
            if isinstance(message, messages.Lap):
                self._lap(message.us)
        elif source == "parser":
            self._parser(text)
        elif source == "emon":
            self._analyser(text)
        if source != "dut" and text.startswith("e-["):
            self._error(source, text[3:].removesuffix("]"))

    def _parser(self, text: str) -> None:
        if command := _COMMAND.fullmatch(text):
            self._command(command.group(1))
        elif setting := _CONFIGURED.fullmatch(text):
            self.configured[setting.group(1)] = setting.group(2)
            self.facts += HEAVY
        elif version := _VERSION.fullmatch(text):
            self.version = version.group(1)
        elif code := _CODE.fullmatch(text):
            self.code = code.group(1)

    def _command(self, command: str) -> None:
        if load := _LOAD.fullmatch(command):
            file = _SEPARATOR.split(load.group(1).rstrip("\\/"))[-1][:_MAX_NAME] or None
            self._abandon()
            self._loaded = _Input(file, _count(load.group(2)), _count(load.group(3)))
            self._commanded = None
        elif command.startswith(("dut infer ", "io dut infer ")):
            self._abandon()
            self._commanded, self._loaded = self._loaded, _Input()
        elif command in ("io dut timestamp", "dut timestamp") and self._tracing:
            self.edges += 1

    def _analyser(self, text: str) -> None:
        if text == "m-trace[on]":
            self._tracing, self.edges = True, 0
            for window in self.windows:
                window.first_edge = None
        elif text == "m-trace[off]":
            self._tracing = False
        elif voltage := _VOLTAGE.fullmatch(text):
            self.supply_voltage_v = int(voltage.group(1)) / 1000

    def _device(self, host_s: float, message: messages.Message) -> None:
        match message:
            case messages.Lap(us):
                self._lap(us)
            case messages.WarmupStart(count):
                self._begin().warmups = count
            case messages.InferStart(count):
                window = self._open
                if window is None or window.inferences is not None:
                    window = self._begin()
                window.inferences, window.started_s = count, host_s
            case messages.InferDone():
                if self._open is not None:
                    self._open.closed, self._open.ended_s = True, host_s
                self._open, self._waiting = None, self._open
                self._loaded, self._commanded = _Input(), None
            case messages.Results(values):
                window = self._waiting or self._open
                if window is not None:
                    window.results = values
                    self.facts += len(values)
                self._abandon()
                self._loaded, self._commanded = _Input(), None
            case messages.Ready():
                self._abandon()
            case messages.DeviceError(text):
                self._error("dut", text)
            case messages.Model(text):
                self.model = text[:_MAX_NAME]
            case messages.Profile(text):
                self.profile = text[:_MAX_NAME]

    def _begin(self) -> _Open:
        """A new window; one that was open stays as it is, never closed."""
        window = _Open(self._commanded or self._loaded, self.edges if self._tracing else None)
        self.edges += 2 if self._tracing else 0
        self._loaded, self._commanded, self._open, self._waiting = _Input(), None, window, None
        self.windows.append(window)
        self.facts += HEAVY
        return window

    def _abandon(self) -> None:
        """Nothing that follows belongs to the last window; one that is still open lost its end."""
        self._open = self._waiting = None

    def _lap(self, us: int) -> None:
        (self.stray_laps_us if self._open is None else self._open.laps_us).append(us)
        self.facts += 1

    def _error(self, source: str, text: str) -> None:
        self.errors.append(LoggedError(source=source, text=text[:_MAX_ERROR]))
        self.facts += HEAVY


def _read(data: bytes, name: str, *, kind: tuple[str, str]) -> tuple[_Session, dict[str, Any]]:
    """The session to go by, and the fields of ``Run``.

    A file may hold several sessions, one after the other. MLPerf Tiny's own checker goes by the last result,
    so the last complete session of the right kind it is.
    """
    best, best_rank, chosen, count = _Session(), (False, False, False), 0, 0
    for count, session in enumerate(_sessions(read_lines(data, name), name), 1):
        rank = (bool(session.windows), session.matches(*kind), session.complete)
        if rank >= best_rank:
            best, best_rank, chosen = session, rank, count
    return best, best.common() | {"sessions": count, "session": chosen}


def _sessions(lines: Iterator[str], name: str) -> Iterator[_Session]:
    session, heard, facts = _Session(), False, 0
    for line in lines:
        head = _HEAD.match(line)
        if head is None:
            continue
        source, text = head.group(2), line[head.end() :]
        if source == "session" and text.startswith("m-session-start-id"):
            if heard:
                facts += session.facts
                yield session
            session = _Session()
        heard = True
        session.hear(float(head.group(1)), source, text)
        if facts + session.facts > MAX_FACTS:
            raise DataError(f"{name}: holds more than {MAX_FACTS:,} messages, which no run prints")
    if heard:
        yield session


def _count(digits: str | None) -> int | None:
    return int(digits) if digits and len(digits) <= 12 and digits.isascii() and digits.isdigit() else None
