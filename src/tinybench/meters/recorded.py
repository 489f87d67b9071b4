"""A recording from a file, whatever it is one of: told by what is in it, not by its name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tinybench.errors import DataError
from tinybench.files.bounded import MAX_TEXT_BYTES
from tinybench.meters import eembc
from tinybench.meters.csv_trace import read_csv
from tinybench.meters.trace import PowerTrace
from tinybench.quantities import size

_EEMBC: Final = b"\xf1"
_JLS: Final = b"jlsfmt"
_LOOK_BYTES: Final = 256


@dataclass(frozen=True)
class Recorded:
    """Power and the edges of the board's pin, as somebody recorded them."""

    format: str
    """What the file is, in words."""
    trace: PowerTrace
    edges: tuple[float, ...]
    """Falling edges in seconds from the first sample, two for each window."""
    voltage_v: float | None
    """Mean of the recorded voltage; None: it was stated, or only power was recorded."""
    native_rate_hz: float
    """At which it was recorded; the trace holds means where this is higher."""


def read_recorded(path: Path, *, supply_v: float | None = None, edges: Path | None = None) -> Recorded:
    """Read EEMBC's ``trace1-energy.bin``, a Joulescope's ``.jls``, or CSV of the PPK2 or Otii.

    EEMBC's edges are in a file of their own, ``trace1-timestamps.json``; beside the trace it is found.

    Args:
        path: the recording.
        supply_v: voltage in volt, for recordings without it.
        edges: JSON list of the edges in seconds, instead of those in the recording.

    Raises:
        DataError: it is something else, damaged, lacks samples, or cannot be read.
        UsageError: a package is missing.
    """
    beginning = _read(path, _LOOK_BYTES, whole=False)
    if beginning.startswith(_EEMBC):
        beside = path.with_name(path.name.removesuffix("-energy.bin") + "-timestamps.json")
        recorded = _eembc(path, edges or (beside if beside.is_file() else None))
    elif beginning.startswith(_JLS):
        recorded = _jls(path, supply_v)
    elif b"\0" in beginning:
        raise DataError(
            f"{path}: is no recording that is known here",
            hint="known are trace1-energy.bin of EEMBC, .jls of Joulescope, CSV of PPK2 and Otii",
        )
    else:
        read = read_csv(_read(path, MAX_TEXT_BYTES), str(path), supply_v=supply_v)
        recorded = Recorded("CSV", read.trace, read.edges, read.voltage_v, read.trace.rate_hz)
    if edges is None or beginning.startswith(_EEMBC):
        return recorded
    times = eembc.read_timestamps(_read(edges, eembc.MAX_EDGES_BYTES), str(edges))
    return replace(recorded, edges=times)


def _eembc(path: Path, edges: Path | None) -> Recorded:
    """Its runner begins with a timestamp of its own, before the pairs of the windows."""
    trace = eembc.read_trace(_read(path, eembc.MAX_TRACE_BYTES), str(path))
    times: tuple[float, ...] = ()
    if edges is not None:
        times = eembc.read_timestamps(_read(edges, eembc.MAX_EDGES_BYTES), str(edges))
    return Recorded("EEMBC energy runner", trace, times[len(times) % 2 :], None, trace.rate_hz)


def _jls(path: Path, supply_v: float | None) -> Recorded:
    from tinybench.meters.jls import read_jls

    found = read_jls(path, supply_v=supply_v)
    return Recorded(found.title, found.trace, found.edges, found.voltage_v, found.native_rate_hz)


def _read(path: Path, max_bytes: int, *, whole: bool = True) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + whole)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > max_bytes:
        raise DataError(f"{path}: is larger than {size(max_bytes)}")
    return data
