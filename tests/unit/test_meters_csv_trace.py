"""Recordings as tables: what the Power Profiler and Otii export, and what is no recording."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybench.errors import DataError
from tinybench.meters.csv_trace import CsvRecording, read_csv


def ppk2(rows: int = 1000, rate_hz: float = 100_000, start: float = 0.0) -> bytes:
    """As the Power Profiler writes it: D0 falls at a quarter and at three quarters of the time."""
    lines = ["Timestamp(ms),Current(uA),D0-D7"]
    for k in range(rows):
        low = rows // 4 <= k < rows // 4 + 5 or rows * 3 // 4 <= k < rows * 3 // 4 + 5
        active = rows // 4 <= k < rows * 3 // 4
        lines.append(
            f"{start + k * 1e3 / rate_hz:.2f},{20000.5 if active else 4000:.3f},{'01'[not low]}1111111"
        )
    return ("\n".join(lines) + "\n").encode()


def test_an_export_of_the_power_profiler() -> None:
    got = read_csv(ppk2(), "ppk.csv", supply_v=3.0)
    assert got.trace.rate_hz == 100_000
    assert got.edges == pytest.approx((0.002495, 0.007495))
    assert got.voltage_v is None
    start_s, end_s = got.edges
    assert got.trace.energy_j(start_s, end_s) == pytest.approx(500 * 20.0005e-3 * 3.0 / 100_000)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b",", b";"),
        lambda text: text.replace(b",", b"\t"),
        lambda text: text.replace(b",", b";").replace(b".", b","),
        lambda text: text.replace(b"Timestamp(ms)", b'"Timestamp (ms)"').replace(b"(uA)", " (µA)".encode()),
        lambda text: text + b"\n\n",
    ],
)
def test_separators_decimals_and_ends_of_lines(change: object) -> None:
    plain = read_csv(ppk2(), "x", supply_v=3.0)
    changed = read_csv(change(ppk2()), "x", supply_v=3.0)  # type: ignore[operator]
    assert np.array_equal(plain.trace.power_w, changed.trace.power_w)
    assert plain.edges == changed.edges


def test_inputs_one_by_one_and_an_export_that_begins_later() -> None:
    lines = ["Timestamp(ms),Current(uA),D0,D1,D2,D3,D4,D5,D6,D7"]
    lines += [f"{5000 + k},1000.000,{'1110XX0011X1'[k]},1,1,1,1,1,1,1" for k in range(12)]
    got = read_csv("\n".join(lines).encode(), "x", supply_v=2.0)
    assert got.trace.rate_hz == 1000
    assert got.edges == pytest.approx((0.0025, 0.0045, 0.0095))
    assert got.trace.power_w == pytest.approx(np.full(12, 0.002))


def test_an_export_of_otii_with_a_slower_voltage() -> None:
    lines = ["Timestamp,Main Current (A),Main Voltage (V),GPI1"]
    for k in range(400):
        voltage = f"{3.3 if k < 200 else 3.2}" if k % 4 == 0 else ""
        lines.append(f"{k / 4000:.6f},0.01,{voltage},{int(not 100 <= k < 104)}")
    got = read_csv("\n".join(lines).encode(), "otii.csv", supply_v=1.0)
    assert got.trace.rate_hz == 4000
    assert got.voltage_v == pytest.approx(3.25)
    assert got.trace.energy_j(0.0, 0.1) == pytest.approx(0.01 * 3.25 * 0.1)
    assert got.edges == pytest.approx((0.025,), abs=2e-4)


def test_lines_of_other_channels_are_passed_over() -> None:
    text = (
        "time (s);Arc Main current (mA);ADC current (mA)\n0;10;\n0.0005;;3\n0.001;20;\n0.0015;;3\n0.002;30;"
    )
    got = read_csv(text.encode(), "x", supply_v=2.0)
    assert got.trace.rate_hz == 1000
    assert got.trace.power_w == pytest.approx([0.02, 0.04, 0.06])


def test_power_that_was_recorded_is_taken_as_it_is() -> None:
    got = read_csv(b"Time (us),Power (mW),Current (A),Voltage (V)\n0,5,9,9\n100,6,9,9\n200,7,9,9\n", "x")
    assert got.trace.rate_hz == 10_000
    assert got.trace.power_w == pytest.approx([0.005, 0.006, 0.007])
    assert got.voltage_v is None


HEAD = "Timestamp(ms),Current(uA)\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "its first line names no columns"),
        ("0,1\n1,2\n", "its first line names no columns"),
        ("just words\n", "its first line names no columns"),
        ("a,b\x07\n1,2\n", "its first line names no columns"),
        ("x" * 5000, "its first line names no columns"),
        ("," * 100, "its first line names no columns"),
        ("Time,Value\n0,1\n", "has no column with current: there are 'Time', 'Value'"),
        ("Timestamp(ms),Current(kA)\n0,1\n", "has no column with current"),
        ("Date,Current(uA)\n0,1\n", "has no column with time"),
        ("Time,Current A (A),Current B (A)\n0,1,1\n", "has 2 columns with current: 'Current A"),
        (HEAD, "holds no samples"),
        (HEAD + "0,1\n", "holds no samples"),
        (HEAD + "0,1\n1,x\n", "line 3: 'x' is no number for Current"),
        (HEAD + "0,1\n1\n2,1\n", "line 3 has only 1 fields"),
        (HEAD + "0,1\n1,NaN\n2,1\n", "line 3 holds 'NaN', which is no number"),
        (HEAD + "0,1\n1,-inf\n2,1\n", "line 3 holds '-inf'"),
        (HEAD + "0,1\n,1\n2,1\n", "holds a time that is none"),
        (HEAD + "0,1\n1e300,1\n", "holds a time that is none"),
        (HEAD + "0,1\n1,1\n1,1\n2,1\n", "sample 2 is at 0.001 s, not later"),
        (HEAD + "0,1\n2,1\n1,1\n", "not later than the one before"),
        (HEAD + "0,1\n1,1\n2,1\n5,1\n6,1\n", "samples are missing: none from 0.002 s to 0.005 s"),
        (HEAD + "0,1\n1,1\n2,1\n2.2,1\n3,1\n4,1\n", "do not come at equal intervals"),
        (HEAD + "0,1\n0.00000001,1\n0.00000002,1\n", "sample rate of 1e"),
        (HEAD + "0,1\n10000,1\n20000,1\n", "sample rate of 0.1 Hz"),
        (HEAD + "0,1\n1,-50000\n2,1\n", "sample 1 is -0.15 W"),
        (HEAD + "0,1\n1,1e12\n2,1\n", "sample 1 is 3e"),
        (HEAD + "0,01,4000,5\n0,02,4000,5\n", "has 2 columns, but more fields in a line"),
        ("Timestamp(ms);Current(uA)\n1.000,5;4\n", "commas and points"),
        ("Timestamp(ms),Current(uA),D0\n0,1,1\n1,1,7\n2,1,1\n", "'7' is no level of D0"),
        ("Timestamp(ms),Current(uA),D0\n0,1,1\n1,1\n2,1,1\n", "a line has no field for D0"),
    ],
)
def test_what_is_no_recording(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as raised:
        read_csv(text.encode(), "x.csv", supply_v=3.0)
    assert raised.value.message.startswith("x.csv: ")
    assert "\n" not in raised.value.message


def test_current_alone_needs_a_voltage() -> None:
    with pytest.raises(DataError, match="holds no voltage") as raised:
        read_csv(ppk2(), "x.csv")
    assert "--supply" in str(raised.value.hint)


def test_a_lost_block_of_the_power_profiler_is_a_gap() -> None:
    lines = ppk2().split(b"\n")
    with pytest.raises(DataError, match="samples are missing"):
        read_csv(b"\n".join(lines[:300] + lines[310:]), "x", supply_v=3.0)


def _read(data: bytes) -> CsvRecording | None:
    with suppress(DataError):
        return read_csv(data, "x", supply_v=3.0)
    return None


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    for content in (data, HEAD.encode() + data, HEAD.encode() + b"0,1\n" + data):
        _read(content)


@given(st.text(alphabet='0123456789.,;-+eE\n nai"XD', max_size=200))
def test_no_table_breaks_the_reader(text: str) -> None:
    for head in (HEAD, "Time;Current (mA);Voltage;D0\n"):
        got = _read((head + text).encode())
        assert got is None or np.isfinite(got.trace.power_w).all()


@given(
    st.lists(st.integers(0, 900_000_000), min_size=2, max_size=200),
    st.sampled_from([100_000, 50_000, 10_000, 1000, 4000]),
    st.integers(0, 10_000),
)
def test_samples_come_back(nanoampere: list[int], rate_hz: int, start_ms: int) -> None:
    lines = [f"{start_ms + k * 1000 / rate_hz:.3f},{value / 1000:.3f}" for k, value in enumerate(nanoampere)]
    got = read_csv((HEAD + "\n".join(lines)).encode(), "x", supply_v=2.0)
    assert got.trace.rate_hz == rate_hz
    assert got.trace.power_w == pytest.approx(np.array(nanoampere) * 2e-9, rel=1e-12, abs=1e-15)
