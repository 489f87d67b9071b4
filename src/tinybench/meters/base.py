"""What every power analyser gives: who it is, and power over time with the edges of the board's pin.

A driver feeds a ``Recording`` from a thread of its own; whoever measures waits for what is needed of it and
takes the trace. Time in a recording starts with its first sample and is counted in samples; the host's clock
is only needed where there are no edges.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np

from tinybench.errors import MeterError, UsageError
from tinybench.meters.trace import Floats, PowerTrace

DEFAULT_RATE_HZ: Final = 1000.0
"""Of the trace; that of all published MLPerf Tiny energies."""

MAX_SUPPLY_V: Final = 100.0
"""Of no board: 3300 is in millivolts."""
STALL_S: Final = 2.0
"""An analyser that sends nothing for so long has stalled."""

_ARRIVALS: Final = 256
"""Chunks whose arrival is remembered: the one that was delayed least tells where the host's clock is."""


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """A power analyser as it was while measuring: what a reader of the energy has to know."""

    kind: str
    """Name of the driver, such as ``ppk2``."""
    title: str
    """Make and model."""
    serial: str | None
    """Serial number; None if it does not tell, and so for firmware and calibration."""
    firmware: str | None
    """Version."""
    calibration: str | None
    """What it says of its calibration: a date, an identifier, or where the constants are from."""
    rate_hz: float
    """Of the trace."""
    native_rate_hz: float
    """At which it samples; the trace holds means where this is higher."""
    range: str
    """Of the current, in words: ``automatic, 200 nA to 1 A``."""
    voltage_v: float | None
    """Supply in volt; None where the trace was recorded without it."""
    voltage: Literal["set", "measured", "stated"]
    """Whether the analyser supplies that voltage, measured it, or the user said so."""
    power_cycles: bool
    """Whether opening it takes the board's power away for a moment."""
    edges: str | None
    """Input that sees the board's pin; None: there is none, and the host's clock has to do."""
    synthetic: bool = False
    """Whether its figures come from a formula: then nothing is measured."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is asked of a power analyser."""

    supply_v: float | None = None
    """Voltage to supply, or the one that supplies the board where the analyser cannot; volt."""
    rate_hz: float = DEFAULT_RATE_HZ
    """Of the trace."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A power analyser that is plugged in."""

    address: str
    """What follows the name in ``--meter name:address``."""
    title: str
    """Make, model and serial number."""
    problem: str | None = None
    """Why it cannot be used, with what to do about it."""


def require_supply(volts: float | None) -> None:
    """Refuse a stated voltage that supplies no board.

    Raises:
        UsageError: it is none.
    """
    if volts is not None and not 0 < volts <= MAX_SUPPLY_V:
        raise UsageError(f"--supply: {volts:g} V supplies no board", hint="give it in volt, such as 3.3")


class Recording:
    """Power and edges as they arrive; one window with what lies before and behind it."""

    def __init__(
        self, rate_hz: float, clock: Callable[[], float] = time.monotonic, *, proven_s: float = 0.0
    ) -> None:
        """Begin with nothing.

        Args:
            rate_hz: of the trace.
            clock: the host's.
            proven_s: so long after a sample is it known that none was lost before it.
        """
        self.rate_hz = rate_hz
        self.proven_s = proven_s
        self._clock = clock
        self._changed = threading.Condition()
        self._power: list[Floats] = []
        self._count = 0
        self._edges: list[float] = []
        self._arrivals: deque[float] = deque(maxlen=_ARRIVALS)
        self._fed_at = clock()
        self._failed: str | None = None

    # What a driver calls.

    def feed(self, power_w: Floats) -> None:
        """More samples, shape (n,): mean power of each interval, in watt."""
        if len(power_w) == 0:
            return
        with self._changed:
            self._power.append(np.asarray(power_w, np.float64))
            self._count += len(power_w)
            self._fed_at = self._clock()
            self._arrivals.append(self._fed_at - self._count / self.rate_hz)
            self._changed.notify_all()

    def alive(self) -> None:
        """The analyser is there and has no samples to send: only one whose time is not that of the host."""
        with self._changed:
            self._fed_at = self._clock()

    def edge(self, time_s: float) -> None:
        """A falling edge of the board's pin, in seconds from the first sample."""
        with self._changed:
            self._edges.append(time_s)
            self._changed.notify_all()

    def fail(self, reason: str) -> None:
        """Samples were lost, or the analyser is gone: nothing after this counts."""
        with self._changed:
            self._failed = self._failed or reason
            self._changed.notify_all()

    # What whoever measures calls.

    def wait_for_edges(self, count: int, *, beyond_s: float, timeout_s: float) -> None:
        """Wait until there are ``count`` edges and samples up to ``beyond_s`` after the last of them.

        Raises:
            MeterError: the analyser stalled or failed, or an edge is missing.
        """

        def complete() -> bool:
            return len(self._edges) >= count and self._duration_s >= self._edges[-1] + beyond_s

        if not self._wait(complete, timeout_s):
            raise MeterError(
                f"the power analyser saw {len(self._edges)} of {count} edges of the board's pin",
                hint="check the wire from the pin to the analyser's input, and that the firmware pulls it",
            )

    def wait_for(self, duration_s: float, *, timeout_s: float) -> None:
        """Wait until there are samples of so many seconds.

        Raises:
            MeterError: the analyser stalled or failed.
        """
        self._keep_up(lambda: self._duration_s >= duration_s, timeout_s)

    def wait_until(self, host_s: float, *, timeout_s: float) -> None:
        """Wait until the samples reach a moment of the host's clock.

        Raises:
            MeterError: the analyser stalled or failed.
        """
        self._keep_up(lambda: self._count > 0 and self.time_of(host_s) <= self._duration_s, timeout_s)

    def time_of(self, host_s: float) -> float:
        """Time in the recording of a moment of the host's clock.

        Off by what a chunk takes to arrive at best, which is a few milliseconds for all that hang on USB.
        """
        with self._changed:
            if not self._arrivals:
                raise MeterError("the power analyser has sent nothing", hint=_AGAIN)
            return host_s - min(self._arrivals)

    @property
    def edges(self) -> tuple[float, ...]:
        """Falling edges so far, in seconds from the first sample."""
        with self._changed:
            return tuple(self._edges)

    def trace(self) -> PowerTrace:
        """The samples so far.

        Raises:
            MeterError: there are none, or some were lost.
        """
        with self._changed:
            self._check()
            if not self._power:
                raise MeterError("the power analyser has sent nothing", hint=_AGAIN)
            return PowerTrace(self.rate_hz, np.concatenate(self._power))

    @property
    def _duration_s(self) -> float:
        return self._count / self.rate_hz

    def _keep_up(self, complete: Callable[[], bool], timeout_s: float) -> None:
        if not self._wait(complete, timeout_s):
            raise MeterError("the power analyser is too slow: its samples do not keep up", hint=_AGAIN)

    def _check(self) -> None:
        if self._failed is not None:
            raise MeterError(self._failed, hint=_AGAIN)

    def _wait(self, complete: Callable[[], bool], timeout_s: float) -> bool:
        """Whether it came to pass in time; fails at once if the analyser fails or falls silent."""
        end = self._clock() + timeout_s
        with self._changed:
            while not complete():
                self._check()
                now = self._clock()
                if now - self._fed_at > STALL_S:
                    raise MeterError(f"the power analyser sent nothing for {STALL_S:g} s", hint=_AGAIN)
                if now >= end:
                    return False
                self._changed.wait(0.05)
            self._check()
            return True


_AGAIN: Final = "plug it in again and run the same command: what was measured is kept"


class MeterSession(Protocol):
    """A power analyser that is open."""

    instrument: Instrument

    def start(self) -> Recording:
        """Begin to record; the board keeps its power.

        Raises:
            MeterError: it does not answer.
        """
        ...

    def stop(self) -> None:
        """End the recording; the board keeps its power. Without one, nothing happens."""
        ...

    def close(self) -> None:
        """Let go of it. A second time, nothing happens."""
        ...


class Meter(Protocol):
    """A kind of power analyser."""

    name: str
    """What ``--meter`` takes."""
    interface: int
    """Version of this protocol that it was made for, as a plain number: 1."""
    summary: str
    """One line for people."""

    def check(self) -> None:
        """Find out whether all that it needs is installed.

        Raises:
            UsageError: a package is missing; the hint says how to get it.
        """
        ...

    def find(self) -> tuple[Found, ...]:
        """Those that are plugged in. Nothing is opened, and nothing loses its power."""
        ...

    def open(self, address: str | None, settings: Settings) -> MeterSession:
        """Open one: the one at ``address``, else the only one there is. The board has its power then.

        Raises:
            UsageError: the address or a setting is wrong, or there are several.
            MeterError: there is none, or it does not answer.
        """
        ...
