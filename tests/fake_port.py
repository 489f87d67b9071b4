"""A device on a pseudo-terminal: what is written to its port is taken by a thread, which answers."""

from __future__ import annotations

import os
import pty
import select
import threading
import tty
from contextlib import suppress
from types import TracebackType
from typing import Self


class FakePort:
    """A device that takes bytes and answers with bytes; ``port`` is the name of its port."""

    def __init__(self) -> None:
        self._host, self._line = pty.openpty()
        tty.setraw(self._line)
        self.port = os.ttyname(self._line)
        self._woken, self._wake = os.pipe()
        self._plugged_in = True
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unplug()

    def take(self, data: bytes) -> bytes:
        """What it answers to bytes that came; nothing unless a device says otherwise."""
        return b""

    def write(self, data: bytes) -> None:
        """Send bytes, whatever they are; somebody has to read them."""
        while data:
            if not select.select([], [self._host], [], 5)[1]:
                raise TimeoutError("nobody reads what the device sends")
            data = data[os.write(self._host, data[:512]) :]

    def unplug(self) -> None:
        """Pull the cable."""
        if not self._plugged_in:
            return
        self._plugged_in = False
        os.close(self._wake)
        self._thread.join()
        for end in (self._line, self._host, self._woken):
            os.close(end)

    def _serve(self) -> None:
        with suppress(OSError):
            while self._woken not in (ready := select.select([self._host, self._woken], [], [])[0]):
                assert ready
                self.write(self.take(os.read(self._host, 4096)))
