"""Recordings from files of any kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evidence_logs import trace_bytes
from tinybench.errors import DataError
from tinybench.meters.recorded import read_recorded

CSV = b"Timestamp(ms),Current(uA),D0\n0,1000,1\n1,1000,0\n2,1000,1\n3,1000,0\n"


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_a_trace_of_eembc_with_its_timestamps_beside_it(tmp_path: Path) -> None:
    path = written(tmp_path, "trace1-energy.bin", trace_bytes([20.0] * 100))
    assert read_recorded(path).edges == ()
    written(tmp_path, "trace1-timestamps.json", b"[0.001, 0.02, 0.04]")
    recorded = read_recorded(path)
    assert (recorded.format, recorded.edges) == ("EEMBC energy runner", (0.02, 0.04))
    other = written(tmp_path, "other.json", b"[0.03, 0.05]")
    assert read_recorded(path, edges=other).edges == (0.03, 0.05)


def test_a_table_whatever_its_name(tmp_path: Path) -> None:
    path = written(tmp_path, "trace1-energy.bin", CSV)
    recorded = read_recorded(path, supply_v=3.0)
    assert recorded.format == "CSV"
    assert recorded.edges == pytest.approx((0.0005, 0.0025))
    other = written(tmp_path, "edges.json", b"[0, 0.002]")
    assert read_recorded(path, supply_v=3.0, edges=other).edges == (0.0, 0.002)


def test_a_recording_of_a_joulescope(tmp_path: Path) -> None:
    pyjls = pytest.importorskip("pyjls")
    path = tmp_path / "x"
    with pyjls.Writer(str(path)) as writer:
        writer.source_def(1, name="JS220-000123", vendor="Jetperch", model="JS220", serial_number="000123")
        for number, name in enumerate(("current", "voltage"), 1):
            writer.signal_def(
                number,
                1,
                signal_type=pyjls.SignalType.FSR,
                data_type=pyjls.DataType.F32,
                sample_rate=10_000,
                name=name,
            )
        writer.fsr(1, 0, np.full(20_000, 0.5, np.float32))
        writer.fsr(2, 0, np.full(20_000, 3.0, np.float32))
    recorded = read_recorded(path, edges=written(tmp_path, "edges.json", b"[0.5, 1.5]"))
    assert (recorded.voltage_v, recorded.edges) == (3.0, (0.5, 1.5))
    assert recorded.trace.energy_j(0.4995, 1.4995) == pytest.approx(1.5)
    assert "JS220" in recorded.format
    assert (recorded.trace.rate_hz, recorded.native_rate_hz) == (1000.0, 10_000.0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "its first line names no columns"),
        (b"\x7fELF\x00\x01", "is no recording that is known here"),
        (b"\xf1\x00", "is no power trace"),
    ],
)
def test_what_is_no_recording(tmp_path: Path, data: bytes, message: str) -> None:
    path = written(tmp_path, "x", data)
    with pytest.raises(DataError, match=message) as raised:
        read_recorded(path)
    assert raised.value.message.startswith(str(path))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothere: cannot be read: No such file"):
        read_recorded(tmp_path / "nothere")
    with pytest.raises(DataError, match="cannot be read"):
        read_recorded(tmp_path)
    path = written(tmp_path, "x.csv", CSV)
    with pytest.raises(DataError, match="nothere: cannot be read"):
        read_recorded(path, supply_v=3.0, edges=tmp_path / "nothere")


def test_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinybench.meters.recorded.MAX_TEXT_BYTES", 20)
    with pytest.raises(DataError, match="is larger than 20 B"):
        read_recorded(written(tmp_path, "x.csv", CSV), supply_v=3.0)
