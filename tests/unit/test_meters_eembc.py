"""The files of EEMBC's energy runner."""

from __future__ import annotations

import json
import math
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_logs import trace_bytes
from tinybench.errors import DataError
from tinybench.meters.eembc import MAX_TRACE_BYTES, read_timestamps, read_trace, write_trace
from tinybench.meters.trace import PowerTrace


def test_a_trace_in_milliwatts() -> None:
    trace = read_trace(trace_bytes([20.0, 40.0, 0.0]), "trace1-energy.bin")
    assert trace.rate_hz == 1000.0
    assert trace.power_w.tolist() == [0.02, 0.04, 0.0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no power trace"),
        (b"\xf1\x00\x00", "no power trace"),
        (b"\xf0" + trace_bytes([1.0])[1:], "no power trace"),
        (trace_bytes([1.0], rate_hz=0.0), "sample rate of 0 Hz"),
        (trace_bytes([1.0], rate_hz=-1000.0), "sample rate of -1000 Hz"),
        (trace_bytes([1.0], rate_hz=1e-30), "sample rate of 1e-30 Hz"),
        (b"\xf1\x01\x00\x80\x7f" + bytes(4), "sample rate of nan Hz"),
        (trace_bytes([1.0]) + b"\x01\x00\x80\x7f", "sample 1 is nan W"),
        (trace_bytes([1.0], rate_hz=math.nan), "sample rate of nan Hz"),
        (trace_bytes([1.0], rate_hz=math.inf), "sample rate of inf Hz"),
        (trace_bytes([1.0, 2.0])[:-1], "in the middle of a sample"),
        (trace_bytes([]), "no samples"),
        (trace_bytes([1.0, math.nan]), "sample 1 is nan W"),
        (trace_bytes([1.0, 2.0, -0.5]), "sample 2 is -0.0005 W"),
        (trace_bytes([math.inf]), "sample 0 is inf W"),
        (trace_bytes([1e30]), "sample 0 is 1e"),
    ],
)
def test_what_is_no_trace(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as raised:
        read_trace(content, "trace1-energy.bin")
    assert raised.value.message.startswith("trace1-energy.bin: ")


def test_a_trace_of_hours_is_refused_before_it_is_read() -> None:
    with pytest.raises(DataError, match="larger than"):
        read_trace(bytes(MAX_TRACE_BYTES + 1), "trace1-energy.bin")


def test_timestamps() -> None:
    assert read_timestamps(b"[\n\t0.019,\n\t2.77,\n\t2.77,\n\t15\n]", "t.json") == (0.019, 2.77, 2.77, 15.0)
    assert read_timestamps(b"[]", "t.json") == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{}", "no list of times"),
        (b"[1, 2", "not JSON"),
        (b"[NaN]", "NaN is no number"),
        (b"[1, null]", "timestamp 1 is no number"),
        (b"[true]", "timestamp 0 is no number"),
        (b'["1"]', "timestamp 0 is no number"),
        (b"[-1]", "timestamp 0 is no time"),
        (b"[1e400]", "timestamp 0 is no time"),
        (b"[1" + b"0" * 400 + b"]", "timestamp 0 is no time"),
        (b"[2, 1]", "timestamp 1 is 1 s, earlier"),
    ],
)
def test_what_are_no_timestamps(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_timestamps(content, "t.json")


@given(st.binary(max_size=400))
def test_no_bytes_break_the_readers(content: bytes) -> None:
    for read in (read_trace, read_timestamps):
        for data in (content, b"\xf1" + content):
            with suppress(DataError):
                read(data, "x")


@given(st.lists(st.floats(0, 1e5, width=32), min_size=1), st.floats(1, 1e6, width=32))
def test_a_trace_comes_back(power_mw: list[float], rate_hz: float) -> None:
    trace = read_trace(trace_bytes(power_mw, rate_hz), "x")
    assert trace.rate_hz == rate_hz
    assert np.array_equal(trace.power_w, np.array(power_mw) / 1000)


@given(st.lists(st.floats(-0.0625, 1e5, width=32), min_size=1), st.floats(1, 1e6, width=32))
def test_a_trace_that_was_read_is_written_as_it_was(power_mw: list[float], rate_hz: float) -> None:
    data = trace_bytes(power_mw, rate_hz)
    assert write_trace(read_trace(data, "x")) == data


@pytest.mark.parametrize("rate_hz", [0.1, 0.5, 1000 / 3, 1e9, math.nan])
def test_a_rate_that_the_file_cannot_hold_is_refused(rate_hz: float) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        write_trace(PowerTrace(rate_hz, np.ones(3)))


@pytest.mark.parametrize("power_w", [math.nan, math.inf, -0.01, 1001.0])
def test_power_that_no_reader_takes_is_not_written(power_w: float) -> None:
    with pytest.raises(DataError, match="the trace: sample 1 is"):
        write_trace(PowerTrace(1000.0, np.array([0.0, power_w])))


def test_a_trace_of_hours_is_not_written() -> None:
    with pytest.raises(DataError, match="larger than"):
        write_trace(PowerTrace(1000.0, np.zeros(MAX_TRACE_BYTES // 4)))


@given(st.lists(st.floats(0, 1e5), max_size=30).map(sorted))
def test_timestamps_come_back(times: list[float]) -> None:
    assert read_timestamps(json.dumps(times).encode(), "x") == tuple(times)
