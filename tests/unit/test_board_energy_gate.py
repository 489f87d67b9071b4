"""Which window of a recording counts: by clocks that agree, behind a board at rest, by one analyser."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest

from board_faults import PATIENCE, own_cache, workload
from fake_bench import FakeBench
from fake_board import FakeBoard, Firmware, Line, network
from tinybench import specs
from tinybench.errors import BoardError, MeterError
from tinybench.meters import lpm01a, registry
from tinybench.meters.base import Instrument, Recording, Settings
from tinybench.meters.eembc import write_trace
from tinybench.meters.trace import PowerTrace
from tinybench.runners.base import Bench, Measurement, Setup
from tinybench.runners.board import Board, energy

RATE_HZ = 1000.0
INSTRUMENT = Instrument(
    kind="lpm01a",
    title="analyser",
    serial=None,
    firmware=None,
    calibration=None,
    rate_hz=RATE_HZ,
    native_rate_hz=RATE_HZ,
    range="automatic",
    voltage_v=3.0,
    voltage="measured",
    power_cycles=False,
    edges="D7",
)


class Analyser:
    """Records at once what it is told to: idle power, and a window of 11 s."""

    name, summary = "lpm01a", "an analyser"

    def __init__(self) -> None:
        self.volts: Iterator[float] = repeat(3.0)
        self.fails_at: int | None = None
        self.started = 0
        self.recorded_s = 30.0
        self.edges: tuple[float, ...] = (1.0, 12.0)
        self.instrument = INSTRUMENT

    def check(self) -> None: ...

    def open(self, address: str | None, settings: Settings) -> Analyser:
        self.instrument = replace(INSTRUMENT, voltage_v=next(self.volts), edges="D7" if self.edges else None)
        return self

    def start(self) -> Recording:
        self.started += 1
        if self.started == self.fails_at:
            raise MeterError("the power analyser is gone")
        # By a clock that is ahead, so that the board's window lies within what is there.
        recording = Recording(RATE_HZ, clock=lambda: time.monotonic() + 100)
        for edge in self.edges:
            recording.edge(edge)
        recording.feed(np.full(int(self.recorded_s * RATE_HZ), 0.01))
        return recording

    def stop(self) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def analyser(monkeypatch: pytest.MonkeyPatch) -> Analyser:
    monkeypatch.setattr(energy, "IDLE_S", 0.0)
    one = Analyser()
    monkeypatch.setitem(registry.PLUGINS._made, Analyser.name, one)
    return one


def measure(port: str, meter: str = "lpm01a", answer_s: float = PATIENCE.answer_s) -> Measurement:
    patience = replace(PATIENCE, answer_s=answer_s)
    bench = Bench(port=port, meter=meter, supply_v=3.0, runs=("energy",), patience=patience)
    given = replace(workload(), device=specs.device("nucleo-l4r5zi"), setup=Setup(bench=bench))
    return Board().measure(given)


def test_windows_at_two_voltages_are_no_five_windows(tmp_path: Path, analyser: Analyser) -> None:
    analyser.volts, analyser.fails_at = iter([3.0, 2.7, 2.7]), 3
    with own_cache(tmp_path), FakeBoard(Firmware(network("kws"), mode="energy"), tmp_path) as board:
        with pytest.raises(MeterError, match="is not as before"):
            measure(board.port)
        measured = analyser.started
        found = measure(board.port)
    assert analyser.started == measured + 2, "three windows are of the voltage of now"
    assert len(found.windows) == 5
    assert found.instrument is not None
    assert found.instrument.voltage_v == 2.7


def test_a_window_without_its_own_trace_is_measured_again(tmp_path: Path, analyser: Analyser) -> None:
    with own_cache(tmp_path) as cache, FakeBoard(Firmware(network("kws"), mode="energy"), tmp_path) as board:
        measure(board.port)
        measured = analyser.started
        (trace,) = cache.glob("boards/*/trace-3.bin")
        before = trace.read_bytes()
        trace.write_bytes(write_trace(PowerTrace(RATE_HZ, np.full(30_000, 0.02))))
        assert len(measure(board.port).windows) == 5
    assert analyser.started == measured + 1
    assert trace.read_bytes() == before


def test_a_board_is_asked_when_its_idle_power_is_there(tmp_path: Path, analyser: Analyser) -> None:
    analyser.recorded_s = 0.4
    firmware = Firmware(network("kws"), mode="energy")
    with (
        own_cache(tmp_path),
        FakeBoard(firmware, tmp_path) as board,
        pytest.raises(MeterError, match="do not keep up"),
    ):
        measure(board.port)
    assert firmware.inferences == 0


def test_a_clock_that_only_the_board_believes_bounds_no_window(tmp_path: Path, analyser: Analyser) -> None:
    analyser.edges = ()
    with (
        own_cache(tmp_path),
        FakeBoard(Firmware(network("kws"), mode="performance"), tmp_path) as board,
        pytest.raises(BoardError, match=r"the board's clock says .* s for a window that took 0"),
    ):
        measure(board.port)


class Bounces(Line):
    """The edge that begins a window is two, and the one that ends it is lost."""

    def __init__(self) -> None:
        self.count = 0

    def edges(self, counter: int) -> list[int]:
        self.count += 1
        return [counter, counter] if self.count % 2 else []


def test_a_bounce_and_a_lost_edge_are_no_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy, "AFTER_S", 0.02)
    monkeypatch.setattr(lpm01a, "STAMP_S", 0.0)
    firmware = Firmware(network("kws"), mode="energy", inference_us=40_000, paced=True)
    with (
        own_cache(tmp_path),
        FakeBench(tmp_path, Bounces(), firmware) as bench,
        pytest.raises(MeterError, match=r"the edges of the pin are 0 s apart, the window took 0\.4"),
    ):
        measure(bench.board.port, bench.meter)
    assert firmware.inferences <= 3 * 11, "and no longer window is asked for"


class Loses(FakeBench):
    """A shield that loses the last samples of the third window: only its next time stamp tells."""

    windows = 0

    def _active(self, us: int) -> None:
        lost = 40
        self.windows += 1
        super()._active(us - lost * 1000 if self.windows == 3 else us)
        if self.windows == 3:
            self.shield.shield.sent += lost


def test_samples_that_are_lost_at_the_end_of_a_window_cost_the_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(energy, "AFTER_S", 0.02)
    firmware = Firmware(network("kws"), mode="energy")
    with own_cache(tmp_path), Loses(tmp_path, firmware=firmware) as bench:
        found = measure(bench.board.port, bench.meter, answer_s=5.0)
    assert bench.windows == 7, "one to find the pace, five, and the second of them again"
    assert all(
        window.seconds / window.inferences == pytest.approx(0.04, rel=2e-4) for window in found.windows
    )
