"""The files of EEMBC's energy runner: ``trace1-energy.bin`` and ``trace1-timestamps.json``.

Neither is documented by EEMBC; the layout was worked out from the published files of MLPerf Tiny, and
recomputing their energies confirms it.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from tinybench.errors import DataError
from tinybench.files.bounded import read_json, require_at_most
from tinybench.meters.trace import Floats, PowerTrace

MAX_TRACE_BYTES: Final = 32 * 2**20
"""Over two hours at 1 kHz; the longest published trace has 8 minutes."""
MAX_EDGES_BYTES: Final = 2**20
MAX_POWER_W: Final = 1000.0
"""More than any analyser for microcontrollers can measure (JS110: 15 V at 10 A)."""
MIN_POWER_W: Final = -1e-4
"""Noise around zero; clipping it would bias the mean. Negative by more, the supply is wired backwards."""
MIN_RATE_HZ: Final = 1.0
MAX_RATE_HZ: Final = 10e6
"""The fastest power analysers for microcontrollers sample at 2 MHz."""
MAX_TIME_S: Final = 1e6

_MAGIC: Final = 0xF1
_HEADER_BYTES: Final = 5


def read_trace(data: bytes, name: str) -> PowerTrace:
    """Read ``trace1-energy.bin``: 0xF1, the rate in Hz, then the power in mW, float32 little-endian.

    Args:
        data: the file.
        name: what errors call it.

    Raises:
        DataError: it is something else, is too large, or holds a value that no analyser measures.
    """
    require_at_most(MAX_TRACE_BYTES, data, name)
    if len(data) < _HEADER_BYTES or data[0] != _MAGIC:
        raise DataError(f"{name}: is no power trace: it does not begin with 0xF1 and a sample rate")
    if (len(data) - _HEADER_BYTES) % 4:
        raise DataError(f"{name}: ends in the middle of a sample")
    with np.errstate(invalid="ignore"):  # a signalling NaN warns when it is converted
        values = np.frombuffer(data[1:], "<f4").astype(np.float64)
    rate_hz = float(values[0])
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise DataError(f"{name}: a sample rate of {rate_hz:g} Hz is impossible")
    power_w = values[1:] / 1000
    if len(power_w) == 0:
        raise DataError(f"{name}: holds no samples")
    require_possible(power_w, name)
    return PowerTrace(rate_hz, power_w)


def write_trace(trace: PowerTrace) -> bytes:
    """The same layout: what ``read_trace`` reads, and the very bytes for a trace that it has read.

    The file holds float32: whoever publishes an energy computes it from what can be read back.

    Raises:
        ValueError: the rate is not one that float32 holds exactly, or one that no reader takes.
        DataError: a sample is no power that an analyser measures, or the trace is too long.
    """
    if float(np.float32(trace.rate_hz)) != trace.rate_hz or not MIN_RATE_HZ <= trace.rate_hz <= MAX_RATE_HZ:
        raise ValueError(f"a trace of {trace.rate_hz!r} Hz cannot be written")
    require_possible(trace.power_w, "the trace")
    values = np.concatenate([[trace.rate_hz], trace.power_w * 1000])
    data = bytes([_MAGIC]) + values.astype("<f4").tobytes()
    require_at_most(MAX_TRACE_BYTES, data, "the trace")
    return data


def require_possible(power_w: Floats, name: str) -> None:
    """Refuse power that no analyser for microcontrollers measures.

    Raises:
        DataError: naming the first sample that is.
    """
    wrong = np.flatnonzero(~((power_w >= MIN_POWER_W) & (power_w <= MAX_POWER_W)))
    if len(wrong):
        k = int(wrong[0])
        raise DataError(f"{name}: sample {k} is {power_w[k]:g} W, which no power analyser measures here")


def read_timestamps(data: bytes, name: str) -> tuple[float, ...]:
    """Read ``trace1-timestamps.json``: when the device gave its edges, in seconds from the trace's start.

    Raises:
        DataError: it is no list of ascending times.
    """
    edges = read_json(data, name, max_bytes=MAX_EDGES_BYTES)
    if not isinstance(edges, list):
        raise DataError(f"{name}: is no list of times")
    times: list[float] = []
    for k, edge in enumerate(edges):
        if isinstance(edge, bool) or not isinstance(edge, int | float):
            raise DataError(f"{name}: timestamp {k} is no number")
        if not 0 <= edge <= MAX_TIME_S or not math.isfinite(edge):
            raise DataError(f"{name}: timestamp {k} is no time within a trace")
        if times and edge < times[-1]:
            raise DataError(f"{name}: timestamp {k} is {edge:g} s, earlier than the one before it")
        times.append(float(edge))
    return tuple(times)
