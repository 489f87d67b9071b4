"""The synthetic analyser on a pseudo-terminal, as the pin of an emulated board is one."""

from __future__ import annotations

import os
import pty
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybench.errors import MeterError, UsageError
from tinybench.meters.base import Recording, Settings
from tinybench.meters.synthetic import ACTIVE_W, IDLE_W, Synthetic, _Trace
from tinybench.meters.trace import PowerTrace


class Pin:
    """The board's end of the line."""

    def __init__(self) -> None:
        self.end, slave = pty.openpty()
        self.line = os.ttyname(slave)
        self.session = Synthetic().open(self.line, Settings())
        os.close(slave)

    def fall(self, *clock_us: int) -> None:
        os.write(self.end, b"".join(b"%d\r\n" % us for us in clock_us))

    def say(self, data: bytes) -> None:
        os.write(self.end, data)

    def hang_up(self) -> None:
        if self.end >= 0:
            os.close(self.end)
        self.end = -1


@pytest.fixture
def pin() -> Iterator[Pin]:
    pin = Pin()
    yield pin
    pin.session.close()
    pin.hang_up()


def wait(recording: Recording, count: int = 2) -> PowerTrace:
    recording.wait_for_edges(count, beyond_s=0.2, timeout_s=30)
    return recording.trace()


def test_a_window_in_the_time_of_the_board(pin: Pin) -> None:
    recording = pin.session.start()
    pin.fall(39_580_997)
    recording.wait_for_edges(1, beyond_s=0.0, timeout_s=30)
    assert recording.trace().duration_s == pytest.approx(1.0)
    pin.fall(39_580_997 + 12_345_678)
    trace = wait(recording)
    assert recording.edges == (1.0, 13.345678)
    assert trace.duration_s == pytest.approx(14.345)
    assert trace.energy_j(0, 0.5) == pytest.approx(0.5 * IDLE_W)
    assert trace.energy_j(0, trace.duration_s) == pytest.approx(
        12.345678 * ACTIVE_W + (2.345 - 0.345678) * IDLE_W
    )
    assert trace.power_w[1000:13345] == pytest.approx(ACTIVE_W)
    assert trace.power_w[13345] == pytest.approx(0.678 * ACTIVE_W + 0.322 * IDLE_W)
    assert trace.power_w[13346:] == pytest.approx(IDLE_W)


def test_it_says_that_nothing_is_measured(pin: Pin) -> None:
    instrument = pin.session.instrument
    assert instrument.synthetic
    assert "formula" in instrument.title
    assert not instrument.power_cycles


def test_each_recording_begins_anew_and_edges_outside_of_one_are_dropped(pin: Pin) -> None:
    pin.fall(5, 10)
    traces = []
    for _ in range(2):
        recording = pin.session.start()
        pin.fall(1_000_000, 11_000_000)
        traces.append(wait(recording).power_w)
        pin.session.stop()
        pin.fall(11_500_000)
    assert np.array_equal(traces[0], traces[1])
    assert len(traces[0]) == 12_000


def test_the_clock_wraps(pin: Pin) -> None:
    recording = pin.session.start()
    pin.fall(2**32 - 4_000_000, 6_000_000)
    wait(recording)
    assert recording.edges == (1.0, 11.0)


def test_several_windows_in_one_recording(pin: Pin) -> None:
    recording = pin.session.start()
    pin.fall(0, 2_000_000, 5_000_000, 6_000_000)
    trace = wait(recording, 4)
    assert recording.edges == (1.0, 3.0, 6.0, 7.0)
    assert trace.energy_j(0, trace.duration_s) == pytest.approx(3 * ACTIVE_W + 5 * IDLE_W)
    pin.fall(6_500_000)
    with pytest.raises(MeterError, match="began again 500000 us after a window"):
        wait(recording, 5)


def test_a_slow_emulator_is_no_stall(pin: Pin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinybench.meters.base.STALL_S", 1.0)
    recording = pin.session.start()
    with pytest.raises(MeterError, match="saw 0 of 2 edges"):
        recording.wait_for_edges(2, beyond_s=0.2, timeout_s=1.6)


@pytest.mark.parametrize(
    "said", [b"12x4\r\n", b"-5\r\n", b"4294967296\r\n", b"123 \r\n", b"\xff\x00\r\n", b"1" * 17]
)
def test_a_line_that_is_no_time_fails_the_recording(pin: Pin, said: bytes) -> None:
    recording = pin.session.start()
    pin.fall(1000)
    pin.say(said)
    with pytest.raises(MeterError, match=r"the pin's line says '.*' where the time of an edge is expected"):
        wait(recording)


def test_a_lost_digit_is_no_window(pin: Pin) -> None:
    recording = pin.session.start()
    pin.fall(39_580_997, 3_958_100)
    with pytest.raises(MeterError, match="says '3958100'"):
        wait(recording)


def test_the_emulator_ends(pin: Pin) -> None:
    recording = pin.session.start()
    pin.hang_up()
    with pytest.raises(MeterError, match="is gone"):
        wait(recording)
    pin.session.stop()
    with pytest.raises(MeterError, match="is gone"):
        pin.session.start()


def test_a_closed_one_does_not_start() -> None:
    pin = Pin()
    pin.session.close()
    pin.session.close()
    with pytest.raises(MeterError, match="is gone"):
        pin.session.start()
    pin.hang_up()


def test_only_one_listens(pin: Pin) -> None:
    with pytest.raises(MeterError, match="somebody else listens to it"):
        Synthetic().open(pin.line, Settings())


@pytest.mark.parametrize(
    ("address", "rate_hz", "error", "message"),
    [
        (None, 1000.0, UsageError, "needs the line"),
        ("/dev/null", 20_000.0, UsageError, "gives 1 Hz to 10000 Hz"),
        ("/dev/null", 1000.0, MeterError, "it is no terminal"),
        ("/dev/pts/none", 1000.0, MeterError, "No such file"),
    ],
)
def test_what_cannot_be_opened(
    address: str | None, rate_hz: float, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Synthetic().open(address, Settings(rate_hz=rate_hz))


def test_there_is_nothing_to_find() -> None:
    Synthetic().check()
    assert Synthetic().find() == ()


@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.tuples(st.integers(1, 3_000_000), st.integers(1_000_000, 3_000_000)), min_size=1, max_size=4),
    st.sampled_from([10.0, 1000.0, 3333.3]),
)
def test_energy_is_the_formula_at_any_rate(
    start: int, windows: list[tuple[int, int]], rate_hz: float
) -> None:
    trace = _Trace(Recording(rate_hz))
    clock, active_us, idle_us = start, 0, 1_000_000
    for active, idle in windows:
        for step in (0, active):
            clock = (clock + step) % 2**32
            trace.hear(b"%d\r\n" % clock)
        clock, active_us, idle_us = (clock + idle) % 2**32, active_us + active, idle_us + idle
    idle_us += 1_000_000 - windows[-1][1]
    power = trace.recording.trace()
    total = (active_us * ACTIVE_W + idle_us * IDLE_W) / 1e6
    left_s = (active_us + idle_us) / 1e6 - len(power.power_w) / rate_hz
    assert -1e-9 <= left_s < 1 / rate_hz + 1e-9
    assert power.power_w.sum() / rate_hz == pytest.approx(total - left_s * IDLE_W, rel=1e-9)
    assert len(trace.recording.edges) == 2 * len(windows)


@given(st.lists(st.binary(max_size=30), max_size=20))
def test_no_bytes_break_it(chunks: list[bytes]) -> None:
    trace = _Trace(Recording(1.0))
    for chunk in chunks:
        trace.hear(chunk)
    with suppress(MeterError):
        assert trace.recording.trace().power_w.min() >= IDLE_W - 1e-12
