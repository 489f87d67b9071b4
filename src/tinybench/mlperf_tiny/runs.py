"""What the raw evidence of a run shows, the same for every runner that asks a board.

Times are in seconds, energies in joules and power in watts; laps stay the microseconds that the device
printed.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Final, Literal, get_args

RunnerName = Literal["energyrunner", "mlcommons", "board"]
"""EEMBC's EnergyRunner (all of v0.5 to v1.2, some of v1.3), MLCommons' Python runner (from v1.3), or ours."""

RUNNERS: Final[dict[RunnerName, str]] = {
    "energyrunner": "energyrunner",
    "mlcommons": "mlcommons-runner",
    "board": "board",
}
"""What results call them."""

RunKind = Literal["performance", "energy", "accuracy"]
RUN_KINDS: Final[tuple[RunKind, ...]] = get_args(RunKind)

_CLOCK: Final = 2**32
"""The device's microseconds are an unsigned 32-bit number: they start anew after 71.6 minutes."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What the runner was told to do; None where the evidence does not say."""

    model: str | None = None
    iterations: int | None = None
    warmups: int | None = None
    mode: str | None = None
    """EEMBC: ``bmark`` (five inputs) or ``multi`` (all of them); MLCommons: ``p``, ``a`` or ``e``."""


@dataclass(frozen=True, kw_only=True)
class LoggedError:
    """An error that a log reports."""

    source: str
    """Who reports it: ``dut``, ``io``, ``emon``, ``parser``, ..."""
    text: str


@dataclass(frozen=True, kw_only=True)
class Run:
    """What all runs have in common."""

    runner: RunnerName
    runner_version: str | None
    model: str | None
    """Which benchmark the device said it runs, such as ``kws01``."""
    profile: str | None
    configuration: Configuration
    errors: tuple[LoggedError, ...]
    sessions: int
    """How many sessions the file holds; 0 if it is no log of such a runner."""
    session: int
    """Which of them this is, from 1: the last complete one."""
    complete: bool
    """Whether the log shows the end of the run, and every command before it where the runner numbers them: a
    log that was cut, or lost a piece, does not."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """One timed block of inferences, bracketed by the device's own messages.

    Laps belong to the window in whose brackets they were printed. They are never counted off: with a lap
    lost, counting would take the pause between two windows for a window.
    """

    index: int
    """From 1, in the order of the log."""
    input_file: str | None
    """Name of the input that was loaded for it, without its folder."""
    offset: int | None = None
    """Which part of the file was loaded; None: all of it."""
    length: int | None = None
    inferences: int | None
    warmups: int | None
    laps_us: tuple[int, ...]
    host_seconds: float | None
    """From ``m-infer-start`` to ``m-infer-done`` on the host's clock, which knows nothing of the device's."""
    results: tuple[float, ...] | None
    """Output of the last inference; None if it is missing or broken."""
    closed: bool
    """Whether the device said that it was done."""

    @property
    def wrapped(self) -> bool:
        """Whether the device's clock started anew within the window."""
        return len(self.laps_us) == 2 and self.laps_us[1] < self.laps_us[0] < _CLOCK

    @property
    def seconds(self) -> float | None:
        """Time between its two laps; None unless it was closed with exactly two."""
        if not self.closed or len(self.laps_us) != 2:
            return None
        elapsed_us = self.laps_us[1] - self.laps_us[0]
        if elapsed_us < 0 and self.wrapped:
            elapsed_us += _CLOCK
        return elapsed_us / 1e6 if elapsed_us > 0 else None

    @property
    def throughput(self) -> float | None:
        """Inferences per second."""
        return self.inferences / self.seconds if self.inferences and self.seconds else None


@dataclass(frozen=True, kw_only=True)
class PerformanceRun(Run):
    """A run that measured time."""

    windows: tuple[Window, ...]
    stray_laps_us: tuple[int, ...]
    """Timestamps outside of all windows: the runner asks for one before the first."""

    @property
    def median_throughput(self) -> float | None:
        """Median over the windows in inferences per second; None if one of them has no throughput."""
        return _median([window.throughput for window in self.windows])


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One input of an accuracy run and what the device made of it."""

    input_file: str | None
    offset: int | None
    """Which part of the file, in bytes (anomaly detection slides a window over a recording); None: all."""
    length: int | None
    results: tuple[float, ...] | None
    """None if the vector is missing or broken."""


@dataclass(frozen=True, kw_only=True)
class AccuracyRun(Run):
    """A run over a whole labelled set."""

    samples: tuple[Sample, ...]


@dataclass(frozen=True, kw_only=True)
class EnergyRun(Run):
    """The log of a run with a power analyser; the trace is apart."""

    windows: tuple[Window, ...]
    first_edges: tuple[int, ...]
    """For each window, how many edges come before its first one."""
    edges_expected: int
    """One for each timestamp command and two for each window while the trace was on."""
    supply_voltage_v: float | None
    """What the analyser measured at the end; None if it did not say."""
    set_voltage_v: float | None
    """What the analyser was told to supply."""


@dataclass(frozen=True, kw_only=True)
class EnergyWindow:
    """One timed block of inferences in a power trace."""

    index: int
    input_file: str | None
    inferences: int | None
    start_s: float
    end_s: float
    energy_j: float | None
    """None if the trace does not cover the window."""
    power_w: float | None
    """Mean of its samples, as both runners print it. Edges fall between samples, so that energy by time
    between the edges is another number in the fourth place."""
    host_seconds: float | None
    """How long it took by the log's clock, which knows nothing of the edges."""
    baseline_w: float | None = None
    """Mean power of the idle board before it; None where no part of the trace is known to be that."""

    @property
    def seconds(self) -> float:
        """Time between its two edges."""
        return self.end_s - self.start_s

    @property
    def throughput(self) -> float | None:
        """Inferences per second."""
        return self.inferences / self.seconds if self.inferences and self.seconds > 0 else None

    @property
    def energy_per_inference_j(self) -> float | None:
        """Energy of one inference."""
        return self.energy_j / self.inferences if self.energy_j is not None and self.inferences else None

    @property
    def above_baseline_per_inference_j(self) -> float | None:
        """Energy of one inference above what the idle board would have taken in that time."""
        if self.energy_j is None or self.baseline_w is None or not self.inferences:
            return None
        return (self.energy_j - self.baseline_w * self.seconds) / self.inferences


@dataclass(frozen=True, kw_only=True)
class Energy:
    """What log, edges and power trace say together."""

    edges_expected: int
    edges_found: int
    windows: tuple[EnergyWindow, ...] | None
    """None if the edges are not those that the log announces: then nobody can tell which bracket a window."""
    trace_seconds: float
    power_range_w: tuple[float, float]
    """Lowest and highest sample of the whole trace."""

    @property
    def median_energy_per_inference_j(self) -> float | None:
        """Median over the windows; None if one of them has no energy."""
        return _median([window.energy_per_inference_j for window in self.windows or ()])

    @property
    def median_above_baseline_j(self) -> float | None:
        """Median of the energy of one inference above that of the idle board; None likewise."""
        return _median([window.above_baseline_per_inference_j for window in self.windows or ()])

    @property
    def median_throughput(self) -> float | None:
        """Median over the windows in inferences per second; None if one of them has no throughput."""
        return _median([window.throughput for window in self.windows or ()])


def _median(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known and len(known) == len(values) else None
