"""The power shield over its serial port: the driver talks to a fake on a pseudo-terminal, byte by byte."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_lpm01a import FakeShield, Shield, decimal, hexadecimal
from fake_port import FakePort
from tinybench.errors import MeterError, UsageError
from tinybench.meters import base, lpm01a, usb_serial
from tinybench.meters.base import MeterSession, Recording, Settings
from tinybench.meters.lpm01a import BinaryDecoder, Lpm01a, TextDecoder


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake answers at once: a shorter silence shows that it has said all."""
    monkeypatch.setattr(usb_serial, "READ_S", 0.01)


@contextmanager
def opened(fake: FakeShield, rate_hz: float = 1000.0, supply_v: float = 3.3) -> Iterator[MeterSession]:
    session = Lpm01a().open(fake.port, Settings(supply_v=supply_v, rate_hz=rate_hz))
    try:
        yield session
    finally:
        session.close()


def arrived(recording: Recording, samples: int) -> None:
    """Wait until the driver has passed on so many samples."""
    end = time.monotonic() + 5
    while recording._count < samples:
        assert time.monotonic() < end, f"{recording._count} of {samples} samples"
        recording.trace() if recording._failed else time.sleep(0.001)


def wave(samples: int) -> np.ndarray:
    """Idle at 12 mW, then 45 mW with a ripple."""
    power_w = np.full(samples, 0.012)
    active = slice(samples // 5, samples * 4 // 5)
    power_w[active] = 0.045 + 0.003 * np.sin(np.arange(samples)[active] / 7)
    return power_w


def test_energy_of_a_known_wave_between_the_edges_of_d7() -> None:
    power_w = wave(2500)
    with FakeShield() as fake, opened(fake) as session:
        recording = session.start()
        fake.send(power_w.tolist(), edges=[500, 2000])
        recording.wait_for_edges(2, beyond_s=0.2, timeout_s=30)
        trace, (start_s, end_s) = recording.trace(), recording.edges
        expected_j = float(power_w[500:2000].sum()) / 1000
        assert trace.energy_j(start_s, end_s) == pytest.approx(expected_j, rel=1e-4)  # four digits a sample
        assert end_s - start_s == pytest.approx(1.5)
        assert session.instrument.edges == "D7"


def test_a_long_window_holds_exactly_the_samples_between_its_events() -> None:
    """The accumulated clock is beside k/1000 by then; no sample may change sides."""
    with FakeShield() as fake, opened(fake) as session:
        recording = session.start()
        power_w = np.full(30_000, 0.01)
        power_w[10_000:25_000] = 0.02
        fake.send(power_w.tolist(), edges=[10_000, 25_000])
        recording.wait_for_edges(2, beyond_s=1, timeout_s=10)
        start_s, end_s = recording.edges
        assert recording.trace().energy_j(start_s, end_s) == pytest.approx(0.02 * 15, rel=1e-12)


@pytest.mark.parametrize(("rate_hz", "output"), [(10_000.0, "energy"), (100_000.0, "current")])
def test_binary_samples_above_5_khz(rate_hz: float, output: str) -> None:
    power_w = wave(5000)
    with FakeShield() as fake, opened(fake, rate_hz, 1.8) as session:
        recording = session.start()
        fake.send(power_w.tolist())
        arrived(recording, 5000)
        trace = recording.trace()
        assert trace.rate_hz == rate_hz
        assert trace.power_w == pytest.approx(power_w, rel=1 / 256)  # at least two hexadecimal digits
        assert trace.energy_j(0, trace.duration_s) == pytest.approx(power_w.sum() / rate_hz, rel=1e-3)
        assert (fake.shield.settings["output"], session.instrument.edges) == (output, None)


def test_the_instrument_says_what_it_is() -> None:
    with FakeShield() as fake, opened(fake, supply_v=1.8) as session:
        found = session.instrument
    assert (found.kind, found.title, found.firmware) == ("lpm01a", "X-NUCLEO-LPM01A", "1.0.6")
    assert found.serial == "0033004A-33365110-32383932"
    assert (found.voltage_v, found.voltage, found.power_cycles) == (1.8, "set", True)
    assert found.calibration == "by itself, when the voltage was set"
    assert found.rate_hz == found.native_rate_hz == 1000.0
    assert not found.synthetic


def test_it_is_the_same_instrument_each_time() -> None:
    """A run that goes on keeps only the windows of the same one."""
    with FakeShield() as fake:
        found = []
        for _ in range(2):
            with opened(fake) as session:
                found.append(session.instrument)
        assert found[0] == found[1]


def test_a_voltage_that_is_not_the_one_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Shield, "_volt", lambda self, arguments: " 1800-03" if arguments == ["get"] else "")
    with FakeShield() as fake, pytest.raises(MeterError, match=r"says that it supplies 1\.8 V, not 3\.3 V"):
        Lpm01a().open(fake.port, Settings(supply_v=3.3))
    assert not fake.shield.powered


def test_the_board_keeps_its_power_from_opening_to_closing() -> None:
    with FakeShield() as fake:
        with opened(fake) as session:
            for _ in range(3):
                recording = session.start()
                fake.send([0.02] * 50)
                arrived(recording, 50)
                session.stop()
                session.stop()
            assert fake.shield.power_log == [True]
        session.close()
        assert fake.shield.power_log == [True]
        assert fake.shield.commands.count("start") == 1


def test_what_comes_behind_a_recording_is_not_in_it() -> None:
    with FakeShield() as fake, opened(fake) as session:
        first = session.start()
        fake.send([0.01] * 10)
        arrived(first, 10)
        session.stop()
        second = session.start()
        fake.send([0.02] * 40)
        arrived(second, 40)
        assert first.trace().power_w == pytest.approx(np.full(10, 0.01))
        assert second.trace().power_w == pytest.approx(np.full(40, 0.02))


def test_an_acquisition_that_was_left_running_is_ended() -> None:
    shield = Shield()
    shield.take(b"htc")
    shield.take(b"start")
    with FakeShield(shield) as fake, opened(fake) as session:
        recording = session.start()
        fake.send([0.02] * 10)
        arrived(recording, 10)


def test_older_firmware_has_no_edges() -> None:
    shield = Shield()
    shield.knows_events = False
    shield.refuses_first_htc = True
    with FakeShield(shield) as fake, opened(fake) as session:
        assert session.instrument.edges is None


def test_firmware_that_cannot_supply_by_hand_is_to_be_renewed() -> None:
    shield = Shield()
    shield.version = "1.0.4"
    with FakeShield(shield) as fake, pytest.raises(MeterError, match="refuses 'pwr on nostatus'") as raised:
        Lpm01a().open(fake.port, Settings(supply_v=3.3))
    assert "1.0.6" in str(raised.value.hint)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (b"error overcurrent\r\n", "draws more than the 50 mA"),
        (b"error: buffer overflow\r\n", "says 'error: buffer overflow'"),
        (b"end\r\n", "ended the acquisition by itself"),
        (b"PowerShield > Acquisition completed\r\n", "ended the acquisition by itself"),
        (b"12-07\r\n", "a damaged sample: '12-07'"),
        (b"1542-081550-08\r\n", "a damaged sample"),
        (b"\xff\xfe\r\n", "a damaged sample"),
        (b"x" * 300, "no line of text"),
        (b"TimeStamp: 001s 000ms, buff 99%\r\n", "lost samples: 10 came in 1000 ms, 1000 were due"),
    ],
)
def test_what_ends_a_text_recording(said: bytes, message: str) -> None:
    with FakeShield() as fake, opened(fake) as session:
        recording = session.start()
        fake.send([0.02] * 10)
        fake.write(said)
        with pytest.raises(MeterError, match=message):
            recording.wait_for_edges(1, beyond_s=0, timeout_s=30)
        with pytest.raises(MeterError, match=message):
            recording.trace()
        with pytest.raises(MeterError, match=message):
            session.start()


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (b"\xf0\xf1buffer overflow\xff\xff", "says 'buffer overflow'"),
        (b"\xf0\xf4\xff\xff", "ended the acquisition by itself"),
        (b"\xf0\xf5\xff\xff", "draws more than the 50 mA"),
        (b"\xf0\xf6\xff\xff", "taken the board's power away"),
        (b"\xf0\xf4\xff\xfe", "damaged samples"),
        (b"\xf0\xf8\xff\xff", "damaged samples"),
        (b"\xf1\xf3\xff\xff", "damaged samples"),
        (b"\xf0\xf1" + b"x" * 300, "damaged samples"),
        (b"\xf0\xf3\x00\x00\x00\x0a\x05\xff\xff", "lost samples: 0 came in 10 ms, 1000 were due"),
    ],
)
def test_what_ends_binary_samples(said: bytes, message: str) -> None:
    decode = BinaryDecoder(100_000, 1.0)
    decode(b"\xf0\xf3\x00\x00\x00\x00\x05\xff\xff")
    with pytest.raises(MeterError, match=message):
        decode(said)


def test_notes_and_voltages_between_binary_samples_are_passed_over() -> None:
    decode = BinaryDecoder(100_000, 1.0)
    got = decode(
        b"\r\n\xf0\xf3" + bytes(4) + b"\x05\xff\xff\x52\xa0\xf0\xf2note\xff\xff\xf0\xf7\x0c\xe4\xff\xff\x52"
    )
    assert got.power_w == pytest.approx([0x2A0 / 16**5])
    assert decode(b"\xa0").power_w == pytest.approx([0x2A0 / 16**5])


def test_the_clock_of_its_text_begins_again_after_a_thousand_seconds() -> None:
    decode = TextDecoder(100, 1.0)
    decode(
        b"TimeStamp: 999s 000ms, buff 00%\r\n" + b"1542-08\r\n" * 100 + b"TimeStamp:>000s 000ms, buff 05%\r\n"
    )


def test_a_cable_that_is_pulled_is_told() -> None:
    with FakeShield() as fake, opened(fake) as session:
        recording = session.start()
        fake.unplug()
        with pytest.raises(MeterError, match="is gone: was its cable pulled"):
            recording.wait_for_edges(1, beyond_s=0, timeout_s=30)


def test_a_stall_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "STALL_S", 0.1)
    with FakeShield() as fake, opened(fake) as session:
        recording = session.start()
        fake.send([0.02] * 10)
        with pytest.raises(MeterError, match=r"sent nothing for 0\.1 s"):
            recording.wait_for_edges(1, beyond_s=0, timeout_s=30)


class OtherDevice(FakePort):
    """Something else, which answers each line with the same."""

    def __init__(self, answer: bytes) -> None:
        super().__init__()
        self.answer = answer

    def take(self, data: bytes) -> bytes:
        return self.answer


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"e-[Unknown command: htc]\r\nm-ready\r\n", "is no X-NUCLEO-LPM01A: it says 'm-ready'"),
        (b"\x00\xff\x13", "is no X-NUCLEO-LPM01A"),
        (b"", "does not answer"),
    ],
)
def test_another_device_on_that_port(answer: bytes, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lpm01a, "_ANSWER_S", 0.05)
    with OtherDevice(answer) as other, pytest.raises(MeterError, match=message):
        Lpm01a().open(other.port, Settings(supply_v=3.3))


def test_a_port_that_is_in_use_or_is_none() -> None:
    with FakeShield() as fake, opened(fake), pytest.raises(MeterError, match="is in use"):
        Lpm01a().open(fake.port, Settings(supply_v=3.3))
    with pytest.raises(MeterError, match="there is no port /dev/nowhere"):
        Lpm01a().open("/dev/nowhere", Settings(supply_v=3.3))
    with pytest.raises(MeterError, match="is no serial port"):
        Lpm01a().open(__file__, Settings(supply_v=3.3))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(), "with which voltage"),
        (Settings(supply_v=5.0), "supplies 1.8 to 3.3 V, not 5 V"),
        (Settings(supply_v=float("nan")), "not nan V"),
        (Settings(supply_v=3.3, rate_hz=3000.0), "does not sample at 3000 Hz"),
    ],
)
def test_what_it_cannot_do(settings: Settings, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Lpm01a().open("/dev/nowhere", settings)


class Port:
    def __init__(self, device: str, product: str | None, pid: int = 0x5740) -> None:
        self.device, self.product, self.vid, self.pid = device, product, 0x0483, pid
        self.serial_number = "FFFFFFFEFFFF"


def test_which_ports_are_power_shields(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = [
        Port("/dev/ttyACM2", "PowerShield (Virtual ComPort in FS Mode)"),
        Port("/dev/ttyACM1", "STM32 STLink", 0x374B),
        Port("/dev/ttyACM0", "STM32 Virtual ComPort"),
    ]
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: ports)
    (found,) = Lpm01a().find()
    assert (found.address, found.title) == ("/dev/ttyACM2", "X-NUCLEO-LPM01A, serial number FFFFFFFEFFFF")
    assert usb_serial.choose((found,), "X", "x") == "/dev/ttyACM2"
    ports.append(Port("COM7", None))
    with pytest.raises(UsageError, match="2 of X-NUCLEO-LPM01A are plugged in") as raised:
        Lpm01a().open(None, Settings(supply_v=3.3))
    assert "lpm01a:/dev/ttyACM2" in str(raised.value.hint)
    ports.clear()
    with pytest.raises(MeterError, match="no X-NUCLEO-LPM01A is plugged in"):
        Lpm01a().open(None, Settings(supply_v=3.3))


def test_a_port_without_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: [Port(__file__, "PowerShield")])
    monkeypatch.setattr("os.access", lambda *_: False)
    (found,) = Lpm01a().find()
    assert "may not be opened: add yourself to the group" in str(found.problem)


def test_without_pyserial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "serial", None)
    with pytest.raises(UsageError, match="needs the package serial") as raised:
        Lpm01a().check()
    assert raised.value.hint == "pip install 'tinybench-suite[boards]'"


@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=200), st.integers(1, 30))
def test_both_formats_come_back_however_they_are_cut(values: list[float], cut: int) -> None:
    text = b"".join(map(decimal, values))
    words = b"\xf0\xf3\x00\x00\x00\x00\x05\xff\xff" + b"".join(map(hexadecimal, values))
    for decode, data, digits in (
        (TextDecoder(1000, 1.0), text, 1e-3),
        (BinaryDecoder(100_000, 1.0), words, 1 / 256),
    ):
        parts = [decode(data[k : k + cut]).power_w for k in range(0, len(data), cut)]
        assert np.concatenate(parts) == pytest.approx(np.array(values), rel=digits, abs=1e-10)


@given(st.binary(max_size=300), st.integers(1, 50))
def test_no_bytes_break_the_decoders(data: bytes, cut: int) -> None:
    for decode in (TextDecoder(1000, 1.0), BinaryDecoder(100_000, 1.0)):
        with suppress(MeterError):
            for k in range(0, len(data), cut):
                assert np.isfinite(decode(data[k : k + cut]).power_w).all()
