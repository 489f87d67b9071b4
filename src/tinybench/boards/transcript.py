"""The evidence log: what was said on the wire, with the time, written as it happens.

One line each: ``SSSSS.mmm source: text``. Sources are ``host`` (commands), ``dut`` (the board's lines),
``meter`` and ``session`` (what the runner does). Each run that appends to the log begins with a line
``session: begin``, and its seconds start anew.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Literal, Protocol, get_args

from tinybench.boards.lines import printable
from tinybench.errors import OutputError
from tinybench.files.bounded import read_lines

Source = Literal["session", "host", "dut", "meter"]
SOURCES: Final[tuple[Source, ...]] = get_args(Source)

_LINE: Final = re.compile(r"([0-9]{5,9}\.[0-9]{3}) (session|host|dut|meter): ?(.*)", re.DOTALL)


class Say(Protocol):
    """Takes a line of the log."""

    def __call__(self, source: Source, text: str) -> None:
        """Write it down at once."""
        ...


class Transcript:
    """A log file that grows; a line that was written is there whatever happens next."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self._clock = clock
        self._began = clock()
        self._stream: IO[bytes] | None = None
        try:
            # Unbuffered: every line is one write, so that a full disk shows at once.
            self._stream = path.open("a+b", buffering=0)
            _end_last_line(self._stream)
        except OSError as error:
            raise self._failed(error) from None

    def say(self, source: Source, text: str) -> None:
        """Append a line; what is not printable ASCII is spelled out.

        Raises:
            OutputError: the disk is full, or gone.
        """
        if self._stream is None:
            return
        # Names of analysers, probes and files come from elsewhere: none of them can begin a line of its own.
        said = printable(text.encode("ascii", "backslashreplace"))
        line = f"{self._clock() - self._began:09.3f} {source}: {said}\n".encode("ascii")
        try:
            written = self._stream.write(line)
        except OSError as error:
            raise self._failed(error) from None
        if written != len(line):
            raise OutputError(f"cannot write {self.path}: no space left on device", hint=_FREE)

    def close(self) -> None:
        """No more lines; those that come are left out. A second time, nothing happens."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _failed(self, error: OSError) -> OutputError:
        return OutputError(f"cannot write {self.path}: {error.strerror or error}", hint=_FREE)


def _end_last_line(stream: IO[bytes]) -> None:
    """A line that an earlier run could not write to its end must not swallow the next one."""
    if stream.seek(0, os.SEEK_END):
        stream.seek(-1, os.SEEK_END)
        if stream.read(1) != b"\n":
            stream.write(b"\n")


_FREE: Final = "free the disk, or set TINYBENCH_CACHE, and run the same command: what was measured is kept"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the log."""

    time_s: float
    """Since its run began."""
    source: Source
    text: str


def read(data: bytes, name: str) -> Iterator[Entry]:
    """The entries of a log, in order; a line that is none is left out.

    Args:
        data: the log.
        name: what errors call it.

    Raises:
        DataError: a line or the whole is longer than any log.
    """
    for line in read_lines(data, name):
        found = _LINE.fullmatch(line.rstrip("\r"))
        if found is not None:
            source = next(source for source in SOURCES if source == found.group(2))
            yield Entry(float(found.group(1)), source, found.group(3))
