"""Bytes of a serial line -> lines of text, whatever the bytes are."""

from __future__ import annotations

import re
from typing import Final

MAX_LINE_BYTES: Final = 65_536
"""Of a line; what is longer is cut. The longest message of MLPerf Tiny has about 100 bytes, and the longest
results vector that is read 40,000."""

_ENDS: Final = re.compile(rb"[\r\n]+")


class LineSplitter:
    """Takes bytes as they arrive, and gives the lines that are complete.

    A line ends with CR, LF or both; empty ones are left out. What is not printable ASCII stands as ``\\xNN``,
    so that every line can be printed, logged and parsed.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._cut = False

    def feed(self, data: bytes) -> list[str]:
        """The lines that ``data`` completes, in order."""
        *complete, rest = _ENDS.split(data)
        if not complete:
            self._keep(rest)
            return []
        self._keep(complete[0])
        complete[0] = self._rest
        self._rest, self._cut = b"", False
        self._keep(rest)
        return [printable(line[:MAX_LINE_BYTES]) for line in complete if line]

    def _keep(self, data: bytes) -> None:
        """Remember the beginning of a line; of one without an end only so much as a line may have."""
        if not self._cut:
            self._rest += data[: MAX_LINE_BYTES - len(self._rest)]
            self._cut = len(self._rest) == MAX_LINE_BYTES

    @property
    def rest(self) -> str:
        """What has arrived of the line that is not complete."""
        return printable(self._rest)

    def clear(self) -> None:
        """Forget the line that is not complete."""
        self._rest, self._cut = b"", False


_HIDDEN: Final = re.compile(rb"[^\x20-\x7e]")


def printable(data: bytes) -> str:
    """ASCII as it is, everything else as ``\\xNN``."""
    if not _HIDDEN.search(data):
        return data.decode("ascii")
    return _HIDDEN.sub(lambda byte: b"\\x%02x" % byte.group()[0], data).decode("ascii")
