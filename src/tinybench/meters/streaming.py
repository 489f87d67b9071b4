"""An analyser that sends samples over a serial port from opening to closing.

It keeps sampling between the recordings, because some take the board's power away, or feed it less well,
while they do not. A recording is a part of that stream.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from tinybench.errors import MeterError
from tinybench.meters.base import Instrument, Recording
from tinybench.meters.trace import Floats

if TYPE_CHECKING:
    from serial import Serial


class Samples(NamedTuple):
    """What some bytes of the stream said."""

    power_w: Floats
    """Shape (n,): mean power of each interval, in watt."""
    edges: Sequence[float] = ()
    """Falling edges of the board's pin, in intervals from the beginning of the first of these samples."""


Decoder = Callable[[bytes], Samples]
"""Takes the bytes as they come; raises MeterError if samples were lost or are damaged."""


class StreamingSession:
    """An open analyser whose stream is read by a thread."""

    def __init__(
        self,
        instrument: Instrument,
        port: Serial,
        decode: Decoder,
        finish: Callable[[], None],
        *,
        proven_s: float = 0.0,
    ) -> None:
        """Read from now on.

        Args:
            instrument: what it is.
            port: open, with a time-out for reads; the session closes it.
            decode: makes samples of bytes.
            finish: asks the analyser to end, while the port is still open; may raise ``OSError``.
            proven_s: as of ``Recording``.
        """
        self._proven_s = proven_s
        self.instrument = instrument
        self._port = port
        self._decode = decode
        self._finish = finish
        self._lock = threading.Lock()
        self._recording: Recording | None = None
        self._recorded = 0
        self._failed: str | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._read, name=f"meter {instrument.kind}", daemon=True)
        self._thread.start()

    def start(self) -> Recording:
        """Begin to record at the next sample.

        Raises:
            MeterError: it is gone, or the stream is damaged.
        """
        with self._lock:
            if self._failed is not None:
                raise MeterError(self._failed, hint="plug it in again and run the same command")
            self._recording = Recording(self.instrument.rate_hz, proven_s=self._proven_s)
            self._recorded = 0
            return self._recording

    def stop(self) -> None:
        """End the recording."""
        with self._lock:
            self._recording = None

    def close(self) -> None:
        """Ask it to end, and let go of the port."""
        if self._closing.is_set():
            return
        self.stop()
        self._closing.set()
        self._thread.join()
        with suppress(OSError):
            self._finish()
        with suppress(OSError):
            self._port.close()

    def _read(self) -> None:
        try:
            while not self._closing.is_set():
                if data := self._port.read(max(1, self._port.in_waiting)):
                    self._pass_on(self._decode(data))
        except MeterError as error:
            self._fail(error.message)
        except OSError:
            self._fail(f"{self.instrument.title} is gone: was its cable pulled?")

    def _pass_on(self, samples: Samples) -> None:
        with self._lock:
            if self._recording is None:
                return
            for edge in samples.edges:
                self._recording.edge(max(0.0, self._recorded + edge) / self.instrument.rate_hz)
            self._recording.feed(samples.power_w)
            self._recorded += len(samples.power_w)

    def _fail(self, reason: str) -> None:
        with self._lock:
            self._failed = reason
            if self._recording is not None:
                self._recording.fail(reason)
