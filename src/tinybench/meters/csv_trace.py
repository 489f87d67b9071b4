"""Recordings that were exported as a table: CSV of Nordic's Power Profiler and of Qoitech's Otii app.

The Power Profiler writes ``Timestamp(ms),Current(uA),D0-D7`` or the inputs one by one. The names of the
columns in Otii's exports depend on device, channel and version of the app. Columns are therefore recognised
by words and units (time, current, voltage, power; ``D0`` or ``GPI 1`` for the board's pin), without a unit as
second, ampere, volt and watt, and the separators by the line that names them. A recording whose samples are
not all there is refused.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from tinybench.errors import DataError
from tinybench.files.bounded import MAX_TEXT_BYTES, require_at_most
from tinybench.meters.eembc import MAX_RATE_HZ, MAX_TIME_S, MIN_RATE_HZ, require_possible
from tinybench.meters.trace import Floats, PowerTrace

MAX_COLUMNS: Final = 64
_MAX_HEADER_BYTES: Final = 4096

Kind = Literal["time", "current", "voltage", "power", "pin", "pins"]
_UNIT: Final[dict[Kind, str]] = {"time": "s", "current": "a", "voltage": "v", "power": "w"}
_PREFIX: Final = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_IN_BRACKETS: Final = re.compile(r"[(\[]\s*([^)\]]*?)\s*[)\]]")
_SUFFIX: Final = re.compile(r"_([mun]?[savw])$")
_PIN: Final = re.compile(r"(?:.*[^a-z0-9])?(?:d0|gpi ?1)(?![0-9]).*")
_NO_NUMBER: Final = re.compile(rb"(?i)(?<![^,;\t\n])[ \"]*([-+]?(?:nan|inf(?:inity)?))[ \"]*(?![^,;\t\r\n])")


@dataclass(frozen=True)
class CsvRecording:
    """What is in such a file."""

    trace: PowerTrace
    edges: tuple[float, ...]
    """Falling edges of the board's pin, in seconds from the first sample."""
    voltage_v: float | None
    """Mean of the recorded voltage; None: it was stated, or power was recorded."""


@dataclass(frozen=True)
class _Column:
    index: int
    kind: Kind
    title: str
    scale: float


def read_csv(data: bytes, name: str, *, supply_v: float | None = None) -> CsvRecording:
    """Read power and the edges of the board's pin.

    Power is the recorded one, else current times the recorded voltage, else current times ``supply_v``.

    Args:
        data: the file.
        name: what errors call it.
        supply_v: voltage, for recordings without it.

    Raises:
        DataError: it is something else, is too large, lacks samples or a column, or holds what is no number.
    """
    require_at_most(MAX_TEXT_BYTES, data, name)
    data = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    header, _, body = data.partition(b"\n")
    separator, titles = _titles(header, name)
    columns = [column for k, title in enumerate(titles) if (column := _column(k, title))]
    time = _only(columns, "time", name, titles)
    power = _one(columns, "power", name)
    current = None if power else _only(columns, "current", name, titles)
    voltage = None if power else _one(columns, "voltage", name)
    if not (power or voltage or supply_v):
        raise DataError(
            f"{name}: holds no voltage", hint="say with which one the board was supplied: --supply"
        )
    if not body.strip():
        raise DataError(f"{name}: holds no samples")
    wanted = [column for column in (time, power, current, voltage) if column is not None]
    body = _plain_numbers(body, separator, len(titles), name)
    table = _numbers(body, separator, wanted, name)
    measured = ~np.isnan(table[:, 1])  # in between are lines of slower channels
    table = table[measured]
    if len(table) < 2:
        raise DataError(f"{name}: holds no samples")
    rate_hz = _rate_hz(table[:, 0], name)
    volts = _held(table[:, 2]) if voltage else None
    power_w = table[:, 1] * (volts if volts is not None else 1.0 if power else float(supply_v or 0))
    require_possible(power_w, name)
    levels = _levels(body, separator, columns, name)
    edges = () if levels is None else _falls(levels[measured], rate_hz)
    voltage_v = None if volts is None else float(np.mean(volts))
    return CsvRecording(PowerTrace(rate_hz, power_w), edges, voltage_v)


def _titles(header: bytes, name: str) -> tuple[str, list[str]]:
    text = header[:_MAX_HEADER_BYTES].decode("utf-8", "replace").strip()
    if len(header) > _MAX_HEADER_BYTES or (not text.isprintable() and "\t" not in text):
        raise DataError(f"{name}: is no table of samples: its first line names no columns")
    separator = max((";", "\t", ","), key=text.count)
    titles = [title.strip().strip('"').strip() for title in text.split(separator)]
    if not 2 <= len(titles) <= MAX_COLUMNS or any(re.fullmatch(r"[-+0-9.,eE]+", title) for title in titles):
        raise DataError(f"{name}: is no table of samples: its first line names no columns")
    return separator, titles


def _column(index: int, title: str) -> _Column | None:
    """What a column holds; None for one that is of no interest."""
    text = title.lower().replace("µ", "u").replace("μ", "u")
    if text == "d0-d7":
        return _Column(index, "pins", title, 1.0)
    if _PIN.fullmatch(text):
        return _Column(index, "pin", title, 1.0)
    found = _IN_BRACKETS.search(text) or _SUFFIX.search(text)
    unit = found[1] if found else ""
    for kind, base in _UNIT.items():
        known = {prefix + base: scale for prefix, scale in _PREFIX.items()} | {"": 1.0}
        if kind in text and "date" not in text and unit in known:
            return _Column(index, kind, title, known[unit])
    return None


def _one(columns: Sequence[_Column], kind: Kind, name: str) -> _Column | None:
    """The column of that kind; of several, that of the main channel."""
    found = [column for column in columns if column.kind == kind]
    if len(found) > 1:
        found = [column for column in found if "main" in column.title.lower()] or found
    if len(found) > 1:
        listed = ", ".join(f"'{column.title}'" for column in found[:5])
        raise DataError(f"{name}: has {len(found)} columns with {kind}: {listed}", hint="export one channel")
    return found[0] if found else None


def _only(columns: Sequence[_Column], kind: Kind, name: str, titles: Sequence[str]) -> _Column:
    column = _one(columns, kind, name)
    if column is None:
        listed = ", ".join(f"'{title}'" for title in titles[:8])
        raise DataError(f"{name}: has no column with {kind}: there are {listed}")
    return column


def _plain_numbers(body: bytes, separator: str, columns: int, name: str) -> bytes:
    """The lines below the titles with decimal points, and ``nan`` in fields that are empty."""
    low = body.lower()
    if (b"nan" in low or b"inf" in low) and (wrong := _NO_NUMBER.search(body)):
        raise DataError(
            f"{name}: line {_line(body, wrong.start())} holds '{wrong[1].decode()}', which is no number"
        )
    first = body.lstrip().partition(b"\n")[0]
    if separator == "," and first.count(b",") >= columns:
        raise DataError(
            f"{name}: has {columns} columns, but more fields in a line",
            hint="export it with decimal points instead of decimal commas",
        )
    if separator != "," and b"," in body:
        if b"." in body:
            raise DataError(f"{name}: has commas and points in its numbers", hint="export without thousands")
        body = body.replace(b",", b".")
    mark = re.escape(separator).encode()
    byte = separator.encode()
    empty = (byte + byte, byte + b"\n", byte + b"\r", byte + b" ", b"\n" + byte)
    if not (any(pair in body for pair in empty) or body.startswith(byte) or body.endswith(byte)):
        return body
    return re.sub(rb"(?m)(?<=%b)(?=[ ]*(?:%b|\r?$))|^(?=[ ]*%b)" % (mark, mark, mark), b"nan", body)


def _numbers(body: bytes, separator: str, columns: Sequence[_Column], name: str) -> Floats:
    """Shape (lines, columns), in SI units."""
    try:
        table: Floats = np.loadtxt(
            io.TextIOWrapper(io.BytesIO(body), "utf-8", "replace"),
            delimiter=separator,
            comments=None,
            usecols=[column.index for column in columns],
            quotechar='"',
            ndmin=2,
        )
    except ValueError:
        raise _what_is_wrong(body, separator, columns, name) from None
    scaled: Floats = table.reshape(-1, len(columns)) * np.array([column.scale for column in columns])
    return scaled


def _what_is_wrong(body: bytes, separator: str, columns: Sequence[_Column], name: str) -> DataError:
    """The first line that cannot be read, and why."""
    for number, line in enumerate(body.decode("utf-8", "replace").split("\n"), 2):
        fields = line.strip("\r").split(separator)
        if not line.strip():
            continue
        for column in columns:
            if column.index >= len(fields):
                return DataError(f"{name}: line {number} has only {len(fields)} fields")
            try:
                float(fields[column.index].strip().strip('"'))
            except ValueError:
                shown = "".join(c if c.isprintable() else "?" for c in fields[column.index][:40])
                return DataError(f"{name}: line {number}: '{shown}' is no number for {column.title}")
    return DataError(f"{name}: is no table of numbers")


def _rate_hz(times_s: Floats, name: str) -> float:
    """Samples per second; they have to come one after the other, and all of them."""
    if not np.isfinite(times_s).all() or np.abs(times_s).max() > MAX_TIME_S:
        raise DataError(f"{name}: holds a time that is none within a trace")
    steps = np.diff(times_s)
    if (back := np.flatnonzero(steps <= 0)).size:
        k = int(back[0]) + 1
        raise DataError(f"{name}: sample {k} is at {times_s[k]:g} s, not later than the one before it")
    period_s = float(np.median(steps))
    if (gaps := np.flatnonzero(steps > 1.5 * period_s)).size:
        k = int(gaps[0])
        raise DataError(
            f"{name}: samples are missing: none from {times_s[k]:g} s to {times_s[k + 1]:g} s",
            hint="record again: an energy with lost samples is none",
        )
    if (steps < 0.5 * period_s).any():
        raise DataError(f"{name}: its samples do not come at equal intervals")
    duration_s = float(times_s[-1] - times_s[0])
    rate_hz = len(steps) / duration_s
    whole = float(round(rate_hz))
    if abs(whole - rate_hz) * duration_s < 0.5:  # times are rounded in the file
        rate_hz = whole
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise DataError(f"{name}: a sample rate of {rate_hz:g} Hz is impossible")
    return rate_hz


def _held(values: Floats) -> Floats:
    """Values of a slower channel, each held until the next one."""
    known = np.flatnonzero(~np.isnan(values))
    if len(known) == 0:
        return values
    index = np.searchsorted(known, np.arange(len(values)), side="right") - 1
    held: Floats = values[known[np.maximum(index, 0)]]
    return held


def _levels(body: bytes, separator: str, columns: Sequence[_Column], name: str) -> np.ndarray | None:
    """The first character of the pin's field in each line; None without such a column."""
    pin = _one(columns, "pin", name) or _one(columns, "pins", name)  # of 'D0-D7', D0 comes first
    if pin is None:
        return None
    try:
        fields = np.loadtxt(
            io.TextIOWrapper(io.BytesIO(body), "utf-8", "replace"),
            dtype="U1",
            delimiter=separator,
            comments=None,
            usecols=pin.index,
            quotechar='"',
            ndmin=1,
        )
    except ValueError:
        raise DataError(f"{name}: a line has no field for {pin.title}") from None
    if wrong := sorted(set(np.unique(fields).tolist()) - set("01X-n")):
        raise DataError(f"{name}: '{wrong[0]}' is no level of {pin.title}: there are 0, 1, X for both, and -")
    return fields


def _falls(levels: np.ndarray, rate_hz: float) -> tuple[float, ...]:
    """Falling edges: half a sample before the first one that is low."""
    states = np.full(len(levels), -1)
    states[levels == "0"] = 0
    states[levels == "1"] = 1
    states = _held(np.where(states < 0, np.nan, states.astype(np.float64)))
    # X: both levels occur within the sample. After a high one it fell, after a low one it rose.
    for k in np.flatnonzero(levels == "X").tolist():
        states[k] = 0.0 if k and states[k - 1] == 1.0 else 1.0
    falls = np.flatnonzero((states[:-1] == 1) & (states[1:] == 0)) + 1
    return tuple((k - 0.5) / rate_hz for k in falls.tolist())


def _line(body: bytes, position: int) -> int:
    return body.count(b"\n", 0, position) + 2
