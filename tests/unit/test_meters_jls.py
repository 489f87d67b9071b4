"""Recordings of a Joulescope, written by the library's own writer."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pyjls import DataType, SignalType, Writer

from tinybench.errors import DataError, UsageError
from tinybench.meters import jls
from tinybench.meters.jls import read_jls

RATE = 10_000
Values = NDArray[np.float64]


def write(
    path: Path,
    signals: dict[str, tuple[int, Sequence[Values | NDArray[np.uint8]]]],
    *,
    rates: dict[str, int] | None = None,
    gap: int = 0,
    sources: Sequence[str] = ("JS220-000123",),
) -> Path:
    """A file with these signals of each source: the number of the first sample, and pieces ``gap`` apart."""
    with Writer(str(path)) as writer:
        for source, name in enumerate(sources, 1):
            model, serial = name.split("-")
            writer.source_def(
                source, name=name, vendor="Jetperch", model=model, version="", serial_number=serial
            )
        # All definitions first: one that comes while the library's thread warns of a gap waits for ever.
        numbered = enumerate(product(range(1, len(sources) + 1), signals), 1)
        defined = {number: (source, name) for number, (source, name) in numbered}
        for number, (source, name) in defined.items():
            writer.signal_def(
                number,
                source,
                signal_type=SignalType.FSR,
                data_type=DataType.U1 if signals[name][1][0].dtype == np.uint8 else DataType.F32,
                sample_rate=(rates or {}).get(name, RATE),
                name=name,
            )
        for number, (_, name) in defined.items():
            at, pieces = signals[name]
            for piece in pieces:
                packed = piece.dtype == np.uint8
                writer.fsr(
                    number, at, np.packbits(piece, bitorder="little") if packed else piece.astype(np.float32)
                )
                at += len(piece) + gap
    return path


def bits(length: int, low: Sequence[tuple[int, int]]) -> NDArray[np.uint8]:
    values = np.ones(length, np.uint8)
    for begin, end in low:
        values[begin:end] = 0
    return values


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.jls"


def test_current_times_voltage_with_the_pin(path: Path) -> None:
    rng = np.random.default_rng(1)
    current, voltage = rng.uniform(0.01, 0.02, 3 * RATE), rng.uniform(3.2, 3.4, 3 * RATE)
    pin = bits(6 * RATE, [(RATE, RATE + 8), (5 * RATE + 1, 5 * RATE + 9)])
    first = 7_000_000_000
    write(
        path,
        {
            "current": (first, [current]),
            "voltage": (first - 40, [voltage]),
            "gpi[0]": (2 * first - 60, [pin]),
        },
        rates={"gpi[0]": 2 * RATE},
    )
    before = path.read_bytes()
    got = read_jls(path)
    assert path.read_bytes() == before
    power = current[: 3 * RATE - 40].astype(np.float32).astype(float) * voltage[40:].astype(np.float32)
    assert got.trace.rate_hz == 1000.0
    assert got.trace.power_w == pytest.approx(
        power[: len(power) // 10 * 10].reshape(-1, 10).mean(axis=1), rel=1e-12
    )
    assert got.edges == pytest.approx([(RATE - 60) / (2 * RATE), (5 * RATE + 1 - 60) / (2 * RATE)], abs=1e-12)
    assert got.has_input
    assert (got.title, got.native_rate_hz) == ("Jetperch JS220 000123", RATE)
    assert got.voltage_v == pytest.approx(3.3, abs=0.01)
    assert got.signals == ("current", "voltage")


def test_recorded_power_comes_first(path: Path) -> None:
    flat = np.full(RATE, 0.5)
    write(path, {"current": (0, [flat]), "power": (50, [flat * 4])})
    got = read_jls(path, supply_v=3.0)
    assert got.trace.power_w.tolist() == [2.0] * 1000
    assert (got.signals, got.voltage_v, got.has_input, got.edges) == (("power",), None, False, ())


def test_current_needs_a_voltage(path: Path) -> None:
    write(path, {"current": (0, [np.full(RATE, 0.5)])})
    with pytest.raises(UsageError, match=r"run.jls: was recorded without voltage"):
        read_jls(path)
    assert read_jls(path, supply_v=3.0).trace.power_w == pytest.approx(1.5)


def test_edges_outside_of_the_trace_and_an_input_that_is_low_at_first(path: Path) -> None:
    pin = bits(RATE, [(0, 10), (20, 30), (500, 600), (9000, 9100)])
    write(path, {"power": (100, [np.ones(8000)]), "gpi[0]": (0, [pin])})
    assert read_jls(path).edges == pytest.approx([0.04])


@pytest.mark.parametrize("first", [0, 8, 13])
def test_more_than_is_held_at_once(path: Path, first: int) -> None:
    length = 2**20 + 4096
    pin = bits(length, [(2**20 - 1, 2**20 + 3), (2**20 + 5, 2**20 + 6)])
    ramp = np.arange(length) / 2**21
    write(path, {"power": (first, [ramp]), "gpi[0]": (first, [pin])})
    got = read_jls(path)
    assert got.edges == ((2**20 - 1) / RATE, (2**20 + 5) / RATE)
    means = ramp.astype(np.float32)[: length // 10 * 10].reshape(-1, 10).astype(float).mean(axis=1)
    assert got.trace.power_w == pytest.approx(means, rel=1e-12)


@pytest.mark.parametrize("gap", [1, 5000])
def test_samples_that_were_dropped(path: Path, gap: int) -> None:
    flat = np.ones(RATE)
    write(path, {"current": (0, [flat, flat]), "voltage": (0, [np.ones(3 * RATE)])}, gap=gap)
    with pytest.raises(DataError, match=r"run.jls: lacks samples at 1\.000000 s"):
        read_jls(path)


def test_samples_that_are_no_numbers(path: Path) -> None:
    power = np.ones(RATE)
    power[1234] = np.nan
    write(path, {"power": (0, [power])})
    with pytest.raises(DataError, match=r"lacks samples at 0\.123400 s"):
        read_jls(path)


def test_one_of_several_instruments(path: Path) -> None:
    write(path, {"power": (0, [np.ones(RATE)])}, sources=("JS220-1", "JS110-2"))
    with pytest.raises(UsageError, match="several instruments") as raised:
        read_jls(path)
    assert raised.value.hint == "say which one: JS220-1, JS110-2"
    assert read_jls(path, source="JS110-2").title == "Jetperch JS110 2"
    with pytest.raises(UsageError, match="no recording of 'JS110'"):
        read_jls(path, source="JS110")


@pytest.mark.parametrize(
    ("signals", "rates", "message"),
    [
        ({"voltage": (0, [np.ones(RATE)])}, {}, "neither power nor current"),
        ({"power": (0, [np.ones(5)])}, {}, "holds no samples"),
        ({"current": (0, [np.ones(RATE)]), "voltage": (2 * RATE, [np.ones(RATE)])}, {}, "holds no samples"),
        (
            {"current": (0, [np.ones(RATE)]), "voltage": (0, [np.ones(RATE)])},
            {"voltage": 5000},
            "has current at 10000 Hz and voltage at 5000 Hz",
        ),
        ({}, {}, "holds no recording"),
    ],
)
def test_recordings_without_power(
    path: Path, signals: dict[str, tuple[int, list[Values]]], rates: dict[str, int], message: str
) -> None:
    write(path, signals, rates=rates)
    with pytest.raises(DataError, match=message):
        read_jls(path)


def test_a_rate_that_does_not_fit(path: Path) -> None:
    write(path, {"power": (0, [np.ones(RATE)])})
    with pytest.raises(UsageError, match="the recording samples at 10000 Hz, which cannot become"):
        read_jls(path, rate_hz=3000.0)
    assert read_jls(path, rate_hz=10_000.0).trace.rate_hz == 10_000.0


def test_a_file_that_was_not_closed_is_refused_and_left_alone(path: Path) -> None:
    write(path, {"power": (0, [np.ones(RATE)])})
    whole = path.read_bytes()
    for damaged in (
        whole[:-1],
        whole[:-40],
        whole[:64],
        whole[:20],
        whole[:16] + struct.pack("<Q", 0) + whole[24:],
        whole[:-1] + bytes([whole[-1] ^ 1]),
        whole + bytes(32),
    ):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"run.jls: was not closed, or was cut"):
            read_jls(path)
        assert path.read_bytes() == damaged


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no recording of a Joulescope"),
        (b"\xd3tagfmt \r\n \n  \x1a\x1c" + bytes(100), "is a recording of version 1"),
        (b"PK\x03\x04" + bytes(100), "is no recording of a Joulescope"),
    ],
)
def test_what_is_no_recording(path: Path, content: bytes, message: str) -> None:
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_jls(path)
    with pytest.raises(DataError, match=r"none.jls: cannot be read: No such file"):
        read_jls(path.with_name("none.jls"))


def checked(header: bytes) -> bytes:
    """A header with the CRC-32C that belongs to it."""
    crc = 0xFFFFFFFF
    for byte in header[:-4]:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return header[:-4] + struct.pack("<I", crc ^ 0xFFFFFFFF)


@pytest.mark.parametrize("seed", range(9))
def test_damaged_files_are_one_line(path: Path, seed: int) -> None:
    """Bits, blocks and headers, the last with the right check sum, so that the library believes them."""
    pin = bits(2 * RATE, [(5000, 5010)])
    write(path, {"power": (0, [np.linspace(0, 1, 2 * RATE)]), "gpi[0]": (0, [pin])})
    whole = path.read_bytes()
    right = read_jls(path)
    rng = random.Random(seed)
    data = bytearray(whole)
    if seed % 3 == 0:
        for _ in range(4):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif seed % 3 == 1:
        at = rng.randrange(len(data) - 64)
        data[at : at + 64] = rng.randbytes(64)
    else:
        at = 32 + rng.randrange(20) * 8
        while checked(bytes(data[at : at + 32])) != bytes(data[at : at + 32]):
            at = at + 8 if at < len(data) - 40 else 32
        data[at + rng.randrange(28)] ^= 1 << rng.randrange(8)
        data[at : at + 32] = checked(bytes(data[at : at + 32]))
    path.write_bytes(data)
    try:
        got = read_jls(path)
    except (DataError, UsageError) as error:
        said = error.message
    else:  # what was hit is not needed for reading
        assert np.array_equal(got.trace.power_w, right.trace.power_w)
        said = "run.jls: is read"
    assert "\n" not in said
    assert said.startswith("run.jls: ")
    assert path.read_bytes() == data


def test_a_reader_that_dies_is_one_line(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write(path, {"power": (0, [np.ones(RATE)])})
    package = tmp_path / "pyjls"
    package.mkdir()
    (package / "__init__.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        DataError, match=r"run.jls: is damaged: it ended the process that read it \(SIGSEGV\)"
    ):
        read_jls(path)


def test_a_reader_that_never_ends_is_ended(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(path, {"power": (0, [np.ones(RATE)])})
    package = tmp_path / "pyjls"
    package.mkdir()
    (package / "__init__.py").write_text("import signal\nsignal.alarm(1)\nwhile True: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(DataError, match=r"\(SIGALRM\)"):
        read_jls(path)


def test_without_the_library(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jls, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="needs the package pyjls"):
        read_jls(path)
