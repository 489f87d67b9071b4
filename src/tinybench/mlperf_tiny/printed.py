"""The figures that the runners print: ``results.txt`` of both, and the end of the Python runner's log.

A printed figure carries its rounding, so that a recomputed one can be held against it. Several sessions may
stand in one file; as MLPerf Tiny's own checker does, the last figure counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, TypeVar

from tinybench.errors import DataError
from tinybench.files.bounded import read_lines

MAX_WINDOWS: Final = 10_000


@dataclass(frozen=True)
class Figure:
    """A printed number in SI units."""

    value: float
    step: float
    """One unit of its last printed place."""

    def agrees(self, value: float) -> bool:
        """Whether ``value``, rounded to the printed places, is this figure.

        A value in the middle between two printable ones may have been rounded either way.
        """
        return abs(value - self.value) <= self.step / 2 * (1 + 1e-6) + abs(self.value) * 1e-14


@dataclass(frozen=True, kw_only=True)
class PrintedWindow:
    """One window as printed."""

    number: int
    """As printed: EEMBC counts the pauses too (2, 4, 6, ...), MLCommons does not."""
    inferences: int | None = None
    seconds: Figure | None = None
    throughput: Figure | None = None
    """In inferences per second."""
    valid: bool | None = None
    """What the runner said about the window; None if it said nothing."""


@dataclass(frozen=True, kw_only=True)
class PrintedEnergyWindow:
    """The energy of one window as printed."""

    number: int
    """As printed: 2, 4, 6, ... by EEMBC's runner, 0, 1, 2, ... by MLCommons'."""
    start_s: Figure | None = None
    seconds: Figure | None = None
    inferences: int | None = None
    energy_j: Figure | None = None
    power_w: Figure | None = None
    energy_per_inference_j: Figure | None = None


@dataclass(frozen=True, kw_only=True)
class PrintedStreaming:
    """The figures of the streaming wake word task."""

    true_positives: int
    false_negatives: int
    false_positives: int
    duty_cycle: Figure | None = None
    period_s: Figure | None = None
    throughput: Figure | None = None


@dataclass(frozen=True, kw_only=True)
class Printed:
    """All figures of a file; None and empty where it has none."""

    windows: tuple[PrintedWindow, ...]
    median_throughput: Figure | None
    """Of a performance run, in inferences per second."""
    energy_windows: tuple[PrintedEnergyWindow, ...]
    median_energy_j: Figure | None
    """Per inference."""
    energy_mode_windows: tuple[PrintedWindow, ...]
    """Windows of an energy run, timed by the edges in its trace; they are not the performance result."""
    energy_mode_throughput: Figure | None
    top1: Figure | None
    """As a fraction."""
    auc: Figure | None
    streaming: PrintedStreaming | None
    errors: tuple[str, ...]
    """What the runner complained about, such as windows that are too short."""
    medians: int
    """How often a median throughput was printed: how many sessions the file holds."""


def read_printed(data: bytes, name: str) -> Printed:
    """The figures of ``results.txt``.

    Args:
        data: the file.
        name: what errors call it.

    Raises:
        DataError: a line or the whole is longer than any such file.
    """
    reader = _Reader(name)
    for line in read_lines(data, name):
        reader.hear(line)
    return reader.printed()


_NUMBER: Final = r"([0-9]{1,15}(?:\.[0-9]{0,18})?(?:[eE][-+]?[0-9]{1,2})?)"
_SOURCE: Final = re.compile(r"[0-9]{1,9}\.[0-9]{1,6}\s{1,4}(ulp-ml|ulp-mlperf): ?")
_WINDOW: Final = re.compile(r"Performance results for window ([0-9]{1,9}):?")
_ENERGY: Final = re.compile(
    rf"Energy data for (?:window|trial) ([0-9]{{1,9}})(?: at time {_NUMBER} for {_NUMBER} sec\.:)?"
)
_ROW: Final = re.compile(
    rf"((?:# )?[A-Za-z][A-Za-z /.]{{1,30}}?)\s{{0,20}}:\s{{0,20}}{_NUMBER}\b(.{{0,100}})"
)
_MEDIAN: Final = re.compile(rf"Median (throughput|energy cost) is\s{{1,20}}{_NUMBER} (?:inf\./sec|uJ/inf)\.")
_TOP1: Final = re.compile(rf"(?:Top-1:|Top 1% =)\s{{0,4}}{_NUMBER}%?")
_AUC: Final = re.compile(rf"AUC(?::| =)\s{{0,4}}{_NUMBER}")
_STREAMING: Final = re.compile(
    r"Accuracy: ([0-9]{1,9}) True positives, ([0-9]{1,9}) False negatives, ([0-9]{1,9}) False positives"
)
_POWER: Final = {"uW": "1e-6", "mW": "1e-3", "W": "1"}
_MAX_ERRORS: Final = 1000


_W = TypeVar("_W", PrintedWindow, PrintedEnergyWindow)

_TIME_ROWS: Final = {"Inferences": "inferences", "Runtime": "seconds", "Throughput": "throughput"}
_ENERGY_ROWS: Final = {
    "Inferences": "inferences",
    "Elapsed time": "seconds",
    "Energy": "energy_j",
    "Total Energy": "energy_j",
    "Energy/Inf": "energy_per_inference_j",
}
_STREAMING_ROWS: Final = {
    "Average duty cycle": "duty_cycle",
    "Average period": "period_s",
    "Estimated throughput": "throughput",
}


class _Reader:
    """Keeps the last block of each kind: a number that does not rise begins a new block."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.windows: dict[bool, list[PrintedWindow]] = {False: [], True: []}
        """By whether they are those of an energy run."""
        self.energy: list[PrintedEnergyWindow] = []
        self.throughput: dict[bool, Figure | None] = {False: None, True: None}
        self.median_energy: Figure | None = None
        self.top1: Figure | None = None
        self.auc: Figure | None = None
        self.streaming: PrintedStreaming | None = None
        self.errors: list[str] = []
        self.medians = 0
        self._energy_mode = False
        self._timed: list[PrintedWindow] | None = None
        self._measured = False
        """Which block the rows belong to: windows with times, or the energy of windows."""

    def hear(self, line: str) -> None:
        """Take in one line."""
        line = line.strip()
        source = _SOURCE.match(line)
        text = line[source.end() :].strip() if source else line
        if source:
            self._energy_mode = source.group(1) == "ulp-ml"
        if window := _WINDOW.fullmatch(text):
            self._timed, self._measured = self.windows[self._energy_mode], False
            self._open(self._timed, PrintedWindow(number=int(window.group(1))))
        elif energy := _ENERGY.fullmatch(text):
            self._timed, self._measured, self._energy_mode = None, True, True
            start, seconds = (_figure(energy.group(k)) if energy.group(k) else None for k in (2, 3))
            opened = PrintedEnergyWindow(number=int(energy.group(1)), start_s=start, seconds=seconds)
            self._open(self.energy, opened)
        elif median := _MEDIAN.fullmatch(text):
            self._timed, self._measured = None, False
            self._median(median.group(1), median.group(2))
        elif text.startswith(("e-[", "ERROR")):
            self._error(text)
        elif text == "Runtime requirements have been met.":
            self._verdict(True)
        elif top1 := _TOP1.fullmatch(text):
            self.top1 = _figure(top1.group(1), "0.01")
        elif auc := _AUC.fullmatch(text):
            self.auc = _figure(auc.group(1))
        elif counts := _STREAMING.fullmatch(text):
            true_positives, false_negatives, false_positives = map(int, counts.groups())
            self.streaming = PrintedStreaming(
                true_positives=true_positives,
                false_negatives=false_negatives,
                false_positives=false_positives,
            )
        elif row := _ROW.fullmatch(text):
            self._row(row.group(1), row.group(2), row.group(3).strip())

    def printed(self) -> Printed:
        """What was heard."""
        return Printed(
            windows=tuple(self.windows[False]),
            median_throughput=self.throughput[False],
            energy_windows=tuple(self.energy),
            median_energy_j=self.median_energy,
            energy_mode_windows=tuple(self.windows[True]),
            energy_mode_throughput=self.throughput[True],
            top1=self.top1,
            auc=self.auc,
            streaming=self.streaming,
            errors=tuple(self.errors),
            medians=self.medians,
        )

    def _open(self, windows: list[_W], window: _W) -> None:
        if windows and window.number <= windows[-1].number:
            windows.clear()
        if len(windows) == MAX_WINDOWS:
            raise DataError(f"{self.name}: holds more than {MAX_WINDOWS:,} windows, which no run has")
        windows.append(window)

    def _median(self, what: str, digits: str) -> None:
        if what == "throughput":
            self.throughput[self._energy_mode] = _figure(digits)
            self.medians += 1
        else:
            self.median_energy = _figure(digits, "1e-6")

    def _error(self, text: str) -> None:
        if len(self.errors) < _MAX_ERRORS:
            self.errors.append(text[:500])
        self._verdict(False)

    def _verdict(self, valid: bool) -> None:
        if self._timed is not None:
            self._timed[-1] = replace(self._timed[-1], valid=valid)

    def _row(self, key: str, digits: str, rest: str) -> None:
        key, figure = key.lstrip("# ").rstrip("."), _figure(digits)
        if self.streaming is not None and key in _STREAMING_ROWS:
            fields: dict[str, Any] = {_STREAMING_ROWS[key]: figure}
            self.streaming = replace(self.streaming, **fields)
        elif self._timed is not None and key in _TIME_ROWS:
            self._fill(self._timed, _TIME_ROWS[key], digits)
        elif self._measured and key == "Power":
            scale = _POWER.get(rest.rstrip("."))
            if scale is not None:
                self.energy[-1] = replace(self.energy[-1], power_w=_figure(digits, scale))
        elif self._measured and key in _ENERGY_ROWS:
            self._fill(self.energy, _ENERGY_ROWS[key], digits)

    def _fill(self, windows: list[_W], name: str, digits: str) -> None:
        fields: dict[str, Any] = {name: _figure(digits, "1e-6" if name.startswith("energy") else "1")}
        if name == "inferences":
            fields = {name: int(digits) if digits.isdigit() else None}
        windows[-1] = replace(windows[-1], **fields)


def _figure(digits: str, scale: str = "1") -> Figure:
    """The number and the weight of its last digit, both times ``scale``."""
    number, factor = Decimal(digits), Decimal(scale)
    _, _, exponent = number.as_tuple()
    assert isinstance(exponent, int)  # a number, neither infinity nor NaN: the patterns match only digits
    return Figure(float(number * factor), float(Decimal(1).scaleb(exponent) * factor))
