"""Recordings of a Joulescope: ``.jls`` files of version 2 (package ``pyjls``).

Header and end are checked here, as the library repairs a file that was not closed, on the spot: what is
evidence must not change by being read. The rest is read in a process of its own, since a damaged file can
make native code crash or go on for ever.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from tinybench.errors import DataError, UsageError, WorkerError
from tinybench.extras import installing
from tinybench.meters.base import DEFAULT_RATE_HZ
from tinybench.meters.trace import PowerTrace
from tinybench.processes import share_out

_MAGIC: Final = b"jlsfmt\r\n \n \x1a  \xb2\x1c"
_MAGIC_1: Final = b"\xd3tagfmt \r\n \n  \x1a\x1c"
_HEADER_BYTES: Final = 32
"""Identification, length in bytes, version and CRC; the header of a chunk has the same size."""
_END: Final = bytes(16) + b"\xff" + bytes(7)
"""How the chunk begins that ends a file: no neighbours, its tag, no payload."""


@dataclass(frozen=True, kw_only=True)
class JlsRecording:
    """What is in a file: power, and what is known about it."""

    trace: PowerTrace
    edges: tuple[float, ...]
    """Falling edges of general purpose input 0, in seconds from the start of the trace."""
    has_input: bool
    """Whether that input was recorded."""
    title: str
    """Make, model and serial number as the file has them."""
    native_rate_hz: float
    """At which it was recorded; the trace holds means."""
    voltage_v: float | None
    """Mean of the recorded voltage; None: it was stated, or only power was recorded."""
    signals: tuple[str, ...]
    """What power was computed from."""


def read_jls(
    path: Path, *, rate_hz: float = DEFAULT_RATE_HZ, supply_v: float | None = None, source: str | None = None
) -> JlsRecording:
    """Read power and the edges of the board's pin.

    Power is the recorded one, else current times voltage, else current times the stated voltage.

    Args:
        path: the file; it is not changed.
        rate_hz: of the trace.
        supply_v: voltage, for recordings without it.
        source: name of the Joulescope, for recordings of several.

    Raises:
        DataError: it cannot be read, is damaged, lacks samples, or has no current.
        UsageError: ``pyjls`` is missing, or an argument does not fit the file.
    """
    if find_spec("pyjls") is None:
        raise UsageError("reading .jls files needs the package pyjls", hint=installing("boards"))
    _require_closed(path)
    asked = {"path": os.fspath(path.absolute()), "rate_hz": rate_hz, "supply_v": supply_v, "source": source}
    try:
        (answer,) = share_out(_Reading(path.name), [asked], 1)
    except WorkerError as error:
        raise DataError(error.message) from error
    return answer


def _require_closed(path: Path) -> None:
    """Refuse what the library would repair, or not even open.

    Raises:
        DataError: it is no file of version 2, or was not closed.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            head = file.read(_HEADER_BYTES)
            file.seek(max(0, size - _HEADER_BYTES))
            end = file.read(_HEADER_BYTES)
    except OSError as error:
        raise DataError(f"{path.name}: cannot be read: {error.strerror}") from error
    if head.startswith(_MAGIC_1):
        raise DataError(
            f"{path.name}: is a recording of version 1, which is not read",
            hint="open it in the Joulescope UI and export it: the copy has version 2",
        )
    if not head.startswith(_MAGIC):
        raise DataError(f"{path.name}: is no recording of a Joulescope")
    whole = len(head) == _HEADER_BYTES and size >= 2 * _HEADER_BYTES and _intact(head) and _intact(end)
    if not whole or struct.unpack_from("<Q", head, 16)[0] != size or not end.startswith(_END):
        raise DataError(
            f"{path.name}: was not closed, or was cut",
            hint="repair a copy, and say so: the Joulescope UI does it when it opens one",
        )


def _intact(header: bytes) -> bool:
    """Whether the CRC-32C at the end of a header is right."""
    crc = 0xFFFFFFFF
    for byte in header[:-4]:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return header[-4:] == struct.pack("<I", crc ^ 0xFFFFFFFF)


class _Reading:
    """A process that reads a file: a request and an answer are a line of JSON each; then come the samples."""

    module = "tinybench.meters.jls_worker"
    arguments: Sequence[str] = ()

    def __init__(self, name: str) -> None:
        self._name = name

    def greet(self, stdin: IO[bytes]) -> None:
        """It knows all that it has to."""

    def ask(self, part: dict[str, Any], stdin: IO[bytes], stdout: IO[bytes]) -> JlsRecording:
        """Have a file read. Errors as in ``Trade``."""
        stdin.write(json.dumps(part).encode() + b"\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise EOFError
        answer = json.loads(line)
        if "wrong" in answer:
            raise DataError(f"{self._name}: {answer['wrong']}", hint=answer["hint"])
        if "usage" in answer:
            raise UsageError(f"{self._name}: {answer['usage']}", hint=answer["hint"])
        power = stdout.read(8 * answer["count"])
        if len(power) != 8 * answer["count"]:
            raise EOFError
        return JlsRecording(
            trace=PowerTrace(part["rate_hz"], np.frombuffer(power, np.float64)),
            edges=tuple(answer["edges"]),
            has_input=answer["has_input"],
            title=answer["title"],
            native_rate_hz=answer["native_rate_hz"],
            voltage_v=answer["voltage_v"],
            signals=tuple(answer["signals"]),
        )

    def ended(self, part: dict[str, Any] | None, how: str) -> WorkerError:
        """What is said of a reader that ended."""
        return WorkerError(f"{self._name}: is damaged: it ended the process that read it {how}")
