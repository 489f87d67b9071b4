"""A process that reads ``.jls`` files: ``python -m tinybench.meters.jls_worker``.

One request as JSON on standard input; on standard output a line of JSON, and the power as float64.
"""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import sys
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tinybench.errors import DataError, UsageError
from tinybench.meters.averaging import Averager, whole_factor
from tinybench.meters.trace import Floats

MAX_SAMPLES: Final = 8 * 2**20
"""Of the trace: over two hours at 1 kHz, as ``eembc.MAX_TRACE_BYTES``."""
MAX_EDGES: Final = 100_000
"""A board's pin falls twice in a window."""
MAX_BITS: Final = 2**32
"""Of an input that has to be read at once: half a gigabyte, over half an hour at 2 MHz."""
MAX_SECONDS: Final = 900
"""For reading; a minute at 1 MHz takes some seconds."""
MAX_MEMORY_BYTES: Final = 4 * 2**30

_CHUNK: Final = 2**20
"""Samples that are held at once; a multiple of 8, as bits come packed."""
_INPUT: Final = "gpi[0]"


def main() -> None:
    """Answer requests until standard input ends."""
    # The library prints what it thinks of a file: the pipe is not for that.
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for line in sys.stdin:
            signal.alarm(MAX_SECONDS)  # nothing handles it: it ends the process even within native code
            header, power = _answer(**json.loads(line))
            out.write(json.dumps(header).encode() + b"\n" + power.tobytes())
            out.flush()


def _answer(
    path: str, rate_hz: float, supply_v: float | None, source: str | None
) -> tuple[dict[str, Any], Floats]:
    from pyjls import Reader

    try:
        with Reader(path) as reader:
            return _read(reader, rate_hz, supply_v, source)
    except DataError as error:
        return {"wrong": error.message, "hint": error.hint}, np.empty(0)
    except UsageError as error:
        return {"usage": error.message, "hint": error.hint}, np.empty(0)
    except (RuntimeError, ValueError, UnicodeDecodeError) as error:
        return {"wrong": f"is damaged: {' '.join(str(error).split())[:200]}", "hint": None}, np.empty(0)
    except MemoryError:
        return {"wrong": "is damaged: it claims to be larger than it can be", "hint": None}, np.empty(0)


def _read(
    reader: Any, rate_hz: float, supply_v: float | None, source: str | None
) -> tuple[dict[str, Any], Floats]:
    instrument = _instrument(reader, source)
    signals = {
        found.name: found
        for found in reader.signals.values()
        if found.signal_type == 0 and found.source_id == instrument.source_id and found.length > 0
    }
    names = _power_signals(signals, supply_v)
    native_hz = int(signals[names[0]].sample_rate)
    if native_hz <= 0 or any(signals[name].sample_rate != native_hz for name in names):
        rates = " and ".join(f"{name} at {signals[name].sample_rate} Hz" for name in names)
        raise DataError(f"has {rates}", hint="record them at one rate")
    factor = whole_factor(native_hz, rate_hz, "the recording")
    start = max(int(signals[name].sample_id_offset) for name in names)
    end = min(int(signals[name].sample_id_offset) + int(signals[name].length) for name in names)
    count = (end - start) // factor
    if count < 1:
        raise DataError("holds no samples")
    if count > MAX_SAMPLES:
        raise DataError(
            f"is {count / rate_hz:.0f} s long, which is too long", hint="export the part with the windows"
        )
    scale = supply_v if supply_v is not None and names == ["current"] else 1.0
    power, averager, at, volts = np.empty(count), Averager(factor), 0, 0.0
    for values in _chunks(reader, [signals[name] for name in names], start, count * factor, native_hz):
        means = averager.push(np.multiply.reduce(values) * scale)
        power[at : at + len(means)] = means
        at += len(means)
        if "voltage" in names:
            volts += float(values[names.index("voltage")].sum())
    edges = _edges(reader, signals.get(_INPUT), start, native_hz, count / rate_hz)
    return {
        "count": count,
        "edges": edges,
        "has_input": _INPUT in signals,
        "title": " ".join(filter(None, (instrument.vendor, instrument.model, instrument.serial_number))),
        "native_rate_hz": float(native_hz),
        "voltage_v": volts / (count * factor) if "voltage" in names else None,
        "signals": names,
    }, power


def _instrument(reader: Any, wanted: str | None) -> Any:
    """The one whose signals were recorded."""
    recorded = {found.source_id for found in reader.signals.values() if found.signal_type == 0}
    sources = [found for number, found in reader.sources.items() if number in recorded]
    names = ", ".join(found.name for found in sources)
    fitting = [found for found in sources if wanted in (None, found.name)]
    if not fitting and wanted is not None:
        raise UsageError(f"holds no recording of '{wanted}'", hint=f"it holds: {names}")
    if not fitting:
        raise DataError("holds no recording")
    if len(fitting) > 1:
        raise UsageError("holds recordings of several instruments", hint=f"say which one: {names}")
    return fitting[0]


def _power_signals(signals: dict[str, Any], supply_v: float | None) -> list[str]:
    """Those whose product is power, but for a stated voltage."""
    if "power" in signals:
        return ["power"]
    if "current" not in signals:
        raise DataError("holds neither power nor current", hint="record current and voltage")
    if "voltage" in signals:
        return ["current", "voltage"]
    if supply_v is None:
        raise UsageError("was recorded without voltage", hint="say it with --supply, or record it too")
    return ["current"]


def _chunks(
    reader: Any, signals: list[Any], start: int, length: int, native_hz: int
) -> Iterator[NDArray[np.float64]]:
    """The same samples of each signal, shape (signals, n).

    Raises:
        DataError: some are missing.
    """
    for at in range(0, length, _CHUNK):
        size = min(_CHUNK, length - at)
        values = np.empty((len(signals), size))
        for row, found in zip(values, signals, strict=True):
            row[:] = reader.fsr(found.signal_id, start + at - int(found.sample_id_offset), size)
        missing = np.flatnonzero(~np.isfinite(values).all(axis=0))
        if len(missing):
            raise DataError(
                f"lacks samples at {(at + int(missing[0])) / native_hz:.6f} s",
                hint="they were dropped while it was recorded: record it again, or export a part without gap",
            )
        yield values


def _edges(reader: Any, found: Any, start: int, native_hz: int, duration_s: float) -> list[float]:
    """Falling edges within the trace, in seconds from its start, at the full resolution of the input."""
    if found is None:
        return []
    rate_hz, offset = int(found.sample_rate), int(found.sample_id_offset)
    if rate_hz <= 0:
        raise DataError(f"has {_INPUT} at {rate_hz} Hz")
    edges: list[float] = []
    before = 0
    first = max(0, start * rate_hz // native_hz - offset) // 8 * 8
    last = min(int(found.length), first + 16 + math.ceil(duration_s * rate_hz))
    for at, bits in _bits(reader, found, first, last):
        falls = np.flatnonzero((np.concatenate([[before], bits[:-1]]) == 1) & (bits == 0)) + at
        before = int(bits[-1])
        # In integers: numbers of samples count from when the instrument was switched on.
        scaled = [(offset + int(fall)) * native_hz - start * rate_hz for fall in falls]
        times_s = [one / (rate_hz * native_hz) for one in scaled]
        edges += [time_s for time_s in times_s if 0 <= time_s <= duration_s]
        if len(edges) > MAX_EDGES:
            raise DataError(
                f"has over {MAX_EDGES} edges at {_INPUT}", hint="that input is not the board's pin"
            )
    return edges


def _bits(reader: Any, found: Any, first: int, last: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Samples of an input from ``first``, a multiple of 8, to ``last``, and where each piece begins."""
    # From elsewhere than the start, pyjls 0.17 returns bits that are shifted by what the offset has beyond
    # a multiple of 8.
    aligned = int(found.sample_id_offset) % 8 == 0
    if not aligned and last > MAX_BITS:
        raise DataError(f"is too long for {_INPUT}", hint="export the part with the windows")
    whole = None if aligned else np.asarray(reader.fsr(found.signal_id, 0, last), np.uint8)
    for at in range(first, last, _CHUNK):
        size = min(_CHUNK, last - at)
        if whole is None:
            packed = np.asarray(reader.fsr(found.signal_id, at, size), np.uint8)
        else:
            packed = whole[at // 8 : at // 8 + _CHUNK // 8]
        yield at, np.unpackbits(packed, bitorder="little")[:size]


if __name__ == "__main__":
    main()
