"""The PPK2 over its serial port: the driver talks to a fake on a pseudo-terminal, byte by byte."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_ppk2 import CALIBRATION, FakePpk2
from tinybench.errors import MeterError, UsageError
from tinybench.meters import base, ppk2, usb_serial
from tinybench.meters.base import MeterSession, Recording, Settings
from tinybench.meters.ppk2 import Decoder, Ppk2, Ppk2Ampere

ppk2_api = pytest.importorskip("ppk2_api.ppk2_api")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake answers at once: a shorter silence shows that it has said all."""
    monkeypatch.setattr(usb_serial, "READ_S", 0.02)


@contextmanager
def opened(
    fake: FakePpk2, rate_hz: float = 1000.0, supply_v: float = 3.0, kind: type[Ppk2] = Ppk2
) -> Iterator[MeterSession]:
    session = kind().open(fake.port, Settings(supply_v=supply_v, rate_hz=rate_hz))
    try:
        end = time.monotonic() + 5
        while not fake.running:
            assert time.monotonic() < end
            time.sleep(0.001)
        yield session
    finally:
        session.close()


def arrived(recording: Recording, samples: int) -> None:
    """Wait until the driver has passed on so many samples of the trace."""
    end = time.monotonic() + 5
    while recording._count < samples:
        assert time.monotonic() < end, f"{recording._count} of {samples} samples"
        recording.trace() if recording._failed else time.sleep(0.001)


def test_energy_of_a_known_wave_between_the_edges_of_d0() -> None:
    current_a = np.full(40_000, 0.004)
    current_a[8_000:32_000] = 0.020 + 0.005 * np.sin(np.arange(24_000) / 300)
    bits = np.full(40_000, 0xFF)
    bits[8_000:8_100] = bits[32_000:32_100] = 0xFE
    bits[20_000:20_050] = 0xFD  # another input
    with FakePpk2() as fake, opened(fake) as session:
        recording = session.start()
        fake.send(current_a.tolist(), bits.tolist())
        recording.wait_for_edges(2, beyond_s=0.05, timeout_s=10)
        start_s, end_s = recording.edges
        assert (start_s, end_s) == (pytest.approx(0.08, abs=1e-5), pytest.approx(0.32, abs=1e-5))
        expected_j = float(current_a[8_000:32_000].sum()) * 3.0 / 100_000
        slack_j = fake.resolution_a(3) / 2 * 3.0 * (end_s - start_s)
        energy_j = recording.trace().energy_j(start_s, end_s)
        assert energy_j == pytest.approx(expected_j, abs=slack_j)
        assert energy_j == pytest.approx(expected_j, rel=2e-3)
        assert len(recording.edges) == 2


@pytest.mark.parametrize("number", range(5))
def test_each_range_within_a_step_of_the_converter(number: int) -> None:
    current_a = (20e-6, 300e-6, 3e-3, 30e-3, 0.3)[number]
    with FakePpk2() as fake, opened(fake, 10_000.0) as session:
        recording = session.start()
        fake.send([current_a] * 1000)
        arrived(recording, 100)
        measured_a = recording.trace().power_w / 3.0
        assert measured_a == pytest.approx(np.full(100, current_a), abs=fake.resolution_a(number) / 1.7)


def test_the_instrument_says_what_it_is() -> None:
    with FakePpk2() as fake, opened(fake, supply_v=1.8) as session:
        found = session.instrument
        assert (found.kind, found.title, found.edges) == ("ppk2", "Nordic PPK2, source meter", "D0")
        assert (found.voltage_v, found.voltage, found.power_cycles) == (1.8, "set", True)
        assert (found.rate_hz, found.native_rate_hz) == (1000.0, 100_000.0)
        assert "R 1003.3 101.6 10.3 0.9636 0.0564; GS 1 112.8" in str(found.calibration)
        assert fake.power_log == [(True, 2, 1800)]


def test_as_ampere_meter_the_voltage_is_what_the_user_says() -> None:
    with FakePpk2() as fake, opened(fake, supply_v=2.5, kind=Ppk2Ampere) as session:
        assert (session.instrument.kind, session.instrument.voltage) == ("ppk2-ampere", "stated")
        assert fake.power_log == [(True, 1, 2500)]
        recording = session.start()
        fake.send([0.01] * 1000)
        arrived(recording, 10)
        assert recording.trace().power_w == pytest.approx(np.full(10, 0.025), rel=5e-3)


def test_the_board_keeps_its_power_from_opening_to_closing() -> None:
    with FakePpk2() as fake:
        with opened(fake) as session:
            for _ in range(3):
                recording = session.start()
                fake.send([0.02] * 500)
                arrived(recording, 5)
                session.stop()
        session.close()
        end = time.monotonic() + 5
        while fake.running:
            assert time.monotonic() < end
            time.sleep(0.001)
        assert fake.power_log == [(True, 2, 3000)]


def test_calibration_that_is_zero_or_no_number_is_the_nominal_one() -> None:
    with FakePpk2() as fake:
        fake.calibration["GI"][3] = float("nan")
        fake.calibration["R"][3] = 0.0
        fake.calibration["GS"][3] = 0.0
        with opened(fake) as session:
            assert "R 1003.3 101.6 10.3 0.94 0.0564" in str(session.instrument.calibration)
            assert "GI 1 0.9695 0.9609 1 0.9582" in str(session.instrument.calibration)


@pytest.mark.parametrize("lost", [1, 7, 63])
def test_lost_samples_are_told(lost: int) -> None:
    with FakePpk2() as fake, opened(fake) as session:
        recording = session.start()
        fake.send([0.02] * 500)
        fake.counter = (fake.counter + lost) % 64
        fake.send([0.02] * 500)
        with pytest.raises(MeterError, match=f"lost {lost} samples"):
            recording.wait_for_edges(1, beyond_s=0, timeout_s=30)
        with pytest.raises(MeterError, match="lost"):
            session.start()


def test_a_lost_byte_is_told() -> None:
    with FakePpk2() as fake, opened(fake) as session:
        recording = session.start()
        fake.send([0.02] * 500)
        fake.write(b"".join(fake.sample(0.02, 0xFF) for _ in range(400))[1:])
        with pytest.raises(MeterError, match="lost"):
            recording.wait_for_edges(1, beyond_s=0, timeout_s=30)


def test_a_cable_that_is_pulled_is_told() -> None:
    with FakePpk2() as fake, opened(fake) as session:
        recording = session.start()
        fake.unplug()
        with pytest.raises(MeterError, match="PPK2, source meter is gone: was its cable pulled"):
            recording.wait_for_edges(1, beyond_s=0, timeout_s=30)


def test_a_stall_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "STALL_S", 0.1)
    with FakePpk2() as fake, opened(fake) as session:
        recording = session.start()
        fake.send([0.02] * 500)
        with pytest.raises(MeterError, match=r"sent nothing for 0\.1 s"):
            recording.wait_for_edges(1, beyond_s=0, timeout_s=30)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (b"", "does not answer"),
        (b"e-[Unknown command: ]\r\nm-ready\r\n", "is no Nordic PPK2: it says 'e-"),
        (b"Calibrated: 1\nEND\n", "is no Nordic PPK2: it says 'Calibrated: 1'"),
        (b"\xff\x00" * 6000, "is no Nordic PPK2"),
    ],
)
def test_another_device_on_that_port(metadata: bytes, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ppk2, "_ANSWER_S", 0.1)
    with FakePpk2() as fake:
        fake.metadata = metadata
        with pytest.raises(MeterError, match=message):
            Ppk2().open(fake.port, Settings(supply_v=3.0))
        assert fake.power_log == []


def test_a_port_that_is_in_use_or_is_none() -> None:
    with FakePpk2() as fake, opened(fake), pytest.raises(MeterError, match="is in use"):
        Ppk2().open(fake.port, Settings(supply_v=3.0))
    with pytest.raises(MeterError, match="there is no port /dev/nowhere"):
        Ppk2().open("/dev/nowhere", Settings(supply_v=3.0))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(), "with which voltage"),
        (Settings(supply_v=5.1), "works at 0.8 to 5.0 V, not at 5.1 V"),
        (Settings(supply_v=3.0, rate_hz=3.0), "cannot become a trace at 3 Hz"),
        (Settings(supply_v=3.0, rate_hz=100_000 / 3), "none of a whole number of hertz"),
    ],
)
def test_what_it_cannot_do(settings: Settings, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Ppk2().open("/dev/nowhere", settings)


class Port:
    vid, pid = 0x1915, 0xC00A

    def __init__(self, device: str, location: str | None, serial_number: str) -> None:
        self.device, self.location, self.serial_number = device, location, serial_number


def test_which_ports_are_those_for_data(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = [Port("/dev/ttyACM1", "1-3:1.3", "C1"), Port("/dev/ttyACM0", "1-3:1.1", "C1")]
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: ports)
    assert [found.address for found in Ppk2().find()] == ["/dev/ttyACM0"]
    ports[:] = [Port("/dev/cu.usbmodem3", "20-2", "C1"), Port("/dev/cu.usbmodem1", "20-2", "C1")]
    assert [found.address for found in Ppk2().find()] == ["/dev/cu.usbmodem1"]
    ports.append(Port("/dev/cu.usbmodem5", "20-3", "C2"))
    with pytest.raises(UsageError, match="2 of Nordic PPK2 are plugged in"):
        Ppk2().open(None, Settings(supply_v=3.0))


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ppk2_api.ppk2_api", None)
    with pytest.raises(UsageError, match="needs the package ppk2_api") as raised:
        Ppk2().check()
    assert raised.value.hint == "pip install 'tinybench-suite[boards]'"


def package(volts: float) -> Any:
    """The package's own arithmetic, without a port."""
    api = ppk2_api.PPK2_API.__new__(ppk2_api.PPK2_API)
    api.ser = None
    made = type("NoPort", (), {"baudrate": 0, "close": lambda self: None})
    ppk2_api.serial, kept = type("Serial", (), {"Serial": lambda *_, **__: made()}), ppk2_api.serial
    try:
        api.__init__("")
    finally:
        ppk2_api.serial = kept
    for name, values in CALIBRATION.items():
        api.modifiers[name] = {str(k): value for k, value in enumerate(values)}
    api.current_vdd = volts * 1000
    return api


def words(samples: list[tuple[int, int, int]], counter: int = 0) -> bytes:
    return b"".join(
        struct.pack("<I", code | number << 14 | (counter + k) % 64 << 18 | level << 24)
        for k, (number, code, level) in enumerate(samples)
    )


SAMPLES = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 0x3FFF), st.integers(0, 1)), max_size=400)


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(1, 9)), max_size=60), st.data())
def test_it_computes_what_the_package_computes(runs: list[tuple[int, int]], data: st.DataObject) -> None:
    """Same bytes, same figures, with the filter at each change of range, however they are cut."""
    codes = data.draw(st.randoms(use_true_random=False))
    samples = [(number, codes.randrange(0x4000), 0) for number, length in runs for _ in range(length)]
    raw, cut = words(samples), data.draw(st.integers(1, 999))
    reference = package(3.0)
    expected = [
        reference._handle_raw_data(*struct.unpack_from("<I", raw, k))[0] for k in range(0, len(raw), 4)
    ]
    modifiers = {name: np.array(values) for name, values in CALIBRATION.items()}
    decode = Decoder(modifiers, 3.0, 1, reference)
    parts = [decode(raw[k : k + cut]).power_w for k in range(0, len(raw), cut)]
    power_w = np.concatenate(parts) if parts else np.zeros(0)
    assert power_w / 3.0 * 1e6 == pytest.approx(np.array(expected), rel=1e-9, abs=1e-6)


@given(SAMPLES, st.integers(1, 999), st.sampled_from([1, 4]))
def test_edges_are_where_d0_falls(samples: list[tuple[int, int, int]], cut: int, factor: int) -> None:
    raw = words(samples)
    modifiers = {name: np.array(values) for name, values in CALIBRATION.items()}
    decode = Decoder(modifiers, 3.0, factor, package(3.0))
    found: list[float] = []
    done = 0
    for k in range(0, len(raw), cut):
        got = decode(raw[k : k + cut])
        found += [(done + edge) * factor for edge in got.edges]
        done += len(got.power_w)
    levels = [level for _, _, level in samples][: done * factor]
    falls = [k - 0.5 for k in range(1, len(levels)) if levels[k - 1] and not levels[k]]
    assert found == pytest.approx(falls)
    assert done == len(samples) // factor
