"""A fake board that hangs on a fake power shield, with a wire from its pin: what is needed to measure energy.

The shield sends samples as the real one does, a thousand each second, idle power in real time. What the board
computes takes no real time: the samples of a window come at once. So the energy of a window is known exactly,
and a window of ten seconds is over in a moment.
"""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import Final

from fake_board import FakeBoard, Firmware, Line, network
from fake_lpm01a import FakeShield

IDLE_W: Final = 0.004
ACTIVE_W: Final = 0.04
_CHUNK_S: Final = 0.01


class FakeBench:
    """Board and shield, while the ``with`` block lasts. A test may set what goes wrong with the shield."""

    def __init__(self, folder: Path, line: Line | None = None, firmware: Firmware | None = None) -> None:
        self.firmware = firmware or Firmware(network("kws"), mode="energy")
        self.shield = FakeShield()
        self.board = FakeBoard(self.firmware, folder, line, pin=self._edge)
        self.firmware.on_active = self._active
        self.stalled = False
        """Whether it sends nothing any more."""
        self.says: list[bytes] = []
        """What it says at the next windows, in the middle of each, instead of the samples."""
        self.unplugs = False
        """Whether its cable is pulled in the middle of the next window."""
        self._edges = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._idle, daemon=True)

    @property
    def meter(self) -> str:
        """What ``--meter`` takes."""
        return f"lpm01a:{self.shield.port}"

    def __enter__(self) -> FakeBench:
        self.shield.__enter__()
        self.board.__enter__()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self.board.__exit__(kind, error, trace)
        self.shield.unplug()

    def _edge(self, counter: int) -> None:
        with self._lock:
            self._edges += 1

    def _active(self, us: int) -> None:
        samples = round(us * self.shield.shield.rate_hz / 1e6)
        with self._lock:
            if self.unplugs:
                self.shield.unplug()
            elif self.says and self.shield.shield.running:
                self.shield.write(self.says.pop())
            else:
                self._send(ACTIVE_W, samples)

    def _idle(self) -> None:
        while not self._stop.wait(_CHUNK_S):
            with self._lock:
                if self.firmware.computing:
                    continue
                self._send(IDLE_W, round(_CHUNK_S * self.shield.shield.rate_hz))

    def _send(self, power_w: float, samples: int) -> None:
        """Samples, with the edges before the first of them that came since the last."""
        edges, self._edges = [0] * self._edges, 0
        if self.shield.shield.running and not self.stalled and not self.unplugs:
            self.shield.send([power_w] * samples, edges)
