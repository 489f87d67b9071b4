"""A power analyser that measures nothing: for runs of the whole chain without hardware.

The pin of ``tinybench firmware emulate`` is a line that says ``<microseconds>`` for each falling edge, the
32-bit clock of the emulated board. From these and two constants comes a trace in the board's own time:

    idle for 1 s │ active from each odd edge to the next even one │ idle for 1 s

What it gives is therefore the formula ``ACTIVE_W * seconds``, the same in each run, and of no device.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import termios
import threading
import tty
from contextlib import suppress
from typing import Final

import numpy as np

from tinybench.errors import MeterError, UsageError
from tinybench.meters.base import Found, Instrument, Recording, Settings

IDLE_W: Final = 0.010
"""Chosen, as is the next: round, so that nobody takes them for those of a device."""
ACTIVE_W: Final = 0.050
PHASE_S: Final = 1.0
"""Idle time before the first edge, and after each even one."""
MAX_RATE_HZ: Final = 10_000.0
MAX_WINDOW_S: Final = 1800.0
"""Edges that are further apart are no window: the line has lost a digit, or the board was started again."""

_CLOCK: Final = 2**32
_LINE: Final = re.compile(rb"[0-9]{1,10}")
_TICK_S: Final = 0.25


class Synthetic:
    """The kind of analyser called ``synthetic``."""

    name = "synthetic"
    interface = 1
    summary = "no analyser: a formula over the edges of an emulated board's pin; nothing is measured"

    def check(self) -> None:
        """It needs nothing."""

    def find(self) -> tuple[Found, ...]:
        """None: there is nothing to plug in."""
        return ()

    def open(self, address: str | None, settings: Settings) -> SyntheticSession:
        """Open the line of an emulated board's pin. Errors as in ``Meter``."""
        if address is None:
            raise UsageError(
                "the synthetic power analyser needs the line of the emulated board's pin",
                hint="say --meter synthetic:LINE with the line that 'tinybench firmware emulate' prints",
            )
        if not 1 <= settings.rate_hz <= MAX_RATE_HZ:
            raise UsageError(
                f"the synthetic power analyser gives 1 Hz to {MAX_RATE_HZ:g} Hz, not {settings.rate_hz:g} Hz"
            )
        try:
            return SyntheticSession(_open_line(address), address, settings)
        except OSError as error:
            raise MeterError(
                f"cannot open the pin's line {address}: {error.strerror}",
                hint="start 'tinybench firmware emulate' and use the line that it prints for the pin",
            ) from error


class SyntheticSession:
    """An emulated board's pin, and the thread that listens to it."""

    def __init__(self, line: int, address: str, settings: Settings) -> None:
        self.instrument = Instrument(
            kind=Synthetic.name,
            title=f"synthetic: a formula, {IDLE_W * 1000:g} mW idle and {ACTIVE_W * 1000:g} mW active",
            serial=None,
            firmware=None,
            calibration=None,
            rate_hz=settings.rate_hz,
            native_rate_hz=settings.rate_hz,
            range="none: nothing is measured",
            voltage_v=settings.supply_v,
            voltage="stated",
            power_cycles=False,
            edges="clock of the emulated board",
            synthetic=True,
        )
        self._line, self._address = line, address
        self._wake_in, self._wake_out = os.pipe()
        self._lock = threading.Lock()
        self._trace: _Trace | None = None
        self._gone = self._closed = False
        self._thread = threading.Thread(target=self._listen, name=f"pin {address}", daemon=True)
        self._thread.start()

    def start(self) -> Recording:
        """Begin with idle time; edges that came before do not count. Errors as in ``MeterSession``."""
        with self._lock:
            if self._closed or self._gone:
                raise MeterError(
                    f"the pin's line {self._address} is gone", hint="start 'tinybench firmware emulate' again"
                )
            with suppress(BlockingIOError):
                while os.read(self._line, 4096):
                    pass
            self._trace = _Trace(Recording(self.instrument.rate_hz))
            return self._trace.recording

    def stop(self) -> None:
        """End the recording."""
        with self._lock:
            self._trace = None

    def close(self) -> None:
        """Let go of the line."""
        if self._closed:
            return
        self._closed = True
        os.write(self._wake_out, b"x")
        self._thread.join()
        for fd in (self._line, self._wake_in, self._wake_out):
            os.close(fd)

    def _listen(self) -> None:
        while not self._closed and not self._gone:
            ready, _, _ = select.select([self._line, self._wake_in], [], [], _TICK_S)
            with self._lock:
                if self._line in ready:
                    self._hear()
                elif self._trace is not None:
                    self._trace.recording.alive()

    def _hear(self) -> None:
        try:
            data = os.read(self._line, 4096)
        except BlockingIOError:  # taken by start()
            return
        except OSError:  # how a pseudo-terminal ends
            data = b""
        if not data:
            self._gone = True
        if self._trace is None:
            return
        if data:
            self._trace.hear(data)
        else:
            self._trace.recording.fail(f"the pin's line {self._address} is gone")


class _Trace:
    """Makes samples of the lines of one recording."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self._heard = b""
        self._clock_us: int | None = None
        self._edge_us = round(PHASE_S * 1e6)
        """Time of the last edge in the recording; of the first one before there is any."""
        self._edges = 0
        self._until_us = self._count = 0
        """How far the trace goes, and its complete samples."""
        self._begun_j = 0.0
        """Energy of the sample that is not complete."""
        self._pass(self._edge_us, IDLE_W)

    def hear(self, data: bytes) -> None:
        """Bytes of the line."""
        *lines, self._heard = (self._heard + data).replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            if line and not self._edge(line):
                return
        if len(self._heard) > 16:
            self._fail(self._heard)

    def _edge(self, line: bytes) -> bool:
        """Take one edge; False if it makes no sense."""
        if not _LINE.fullmatch(line) or int(line) >= _CLOCK:
            return self._fail(line)
        clock_us = int(line)
        # The counter wraps after 71 minutes.
        later_us = 0 if self._clock_us is None else (clock_us - self._clock_us) % _CLOCK
        if later_us > MAX_WINDOW_S * 1e6:
            return self._fail(line)
        begins = self._edges % 2 == 0
        idle_us = round(PHASE_S * 1e6)
        if begins and self._edges and later_us < idle_us:
            self.recording.fail(
                f"the board began again {later_us} us after a window: {PHASE_S:g} s is the least"
            )
            return False
        self._clock_us, self._edge_us = clock_us, self._edge_us + later_us
        self._edges += 1
        self.recording.edge(self._edge_us / 1e6)
        if begins:
            self._pass(self._edge_us, IDLE_W)
        else:
            self._pass(self._edge_us, ACTIVE_W)
            self._pass(self._edge_us + idle_us, IDLE_W)
        return True

    def _pass(self, until_us: int, power_w: float) -> None:
        """Let time pass at a constant power; each sample is the mean of its interval."""
        rate_hz = self.recording.rate_hz
        now_s, until_s = self._until_us / 1e6, until_us / 1e6
        count = int(until_us * rate_hz / 1e6)
        bounds_s = np.maximum(np.arange(self._count, count + 1) / rate_hz, now_s)
        joules = np.diff(bounds_s) * power_w
        if len(joules):
            joules[0] += self._begun_j
            self._begun_j = 0.0
        self._begun_j += power_w * max(0.0, until_s - float(bounds_s[-1]))
        self._until_us, self._count = until_us, count
        self.recording.feed(joules * rate_hz)

    def _fail(self, line: bytes) -> bool:
        """A line that was lost in part must not become an energy."""
        said = line[:16].decode("ascii", "backslashreplace")
        self.recording.fail(f"the pin's line says '{said}' where the time of an edge is expected")
        return False


def _open_line(address: str) -> int:
    """A pseudo-terminal without the line editing that it starts with; nobody else may listen."""
    line = os.open(address, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        tty.setraw(line)
        fcntl.flock(line, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (OSError, termios.error) as error:
        os.close(line)
        reason = "somebody else listens to it" if isinstance(error, BlockingIOError) else "it is no terminal"
        raise OSError(0, reason) from error
    return line
