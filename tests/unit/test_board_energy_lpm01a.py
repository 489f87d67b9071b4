"""A run for energy over both wires: a board on one pseudo-terminal, a power shield on the other.

The board's pin is wired to the shield: each window becomes samples and events in the board's own time.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from threading import Timer

import pytest

from board_faults import PATIENCE, workload
from fake_board import FakeBoard, Firmware, Line, network
from fake_lpm01a import FakeShield
from tinybench import specs
from tinybench.errors import MeterError
from tinybench.meters import lpm01a, registry, usb_serial
from tinybench.runners.base import Bench, Measurement, Setup
from tinybench.runners.board import Board
from tinybench.runners.board import energy as runner

IDLE_W, ACTIVE_W = 0.012, 0.045
INFERENCE_MS = 20
PER_INFERENCE_J = ACTIVE_W * INFERENCE_MS / 1000
IDLE_SAMPLES = 700


class Wire(Line):
    """From the board's pin to D7 of the shield, which measures the board meanwhile."""

    def __init__(self, shield: FakeShield, overflows_in: tuple[int, ...] = ()) -> None:
        self.shield = shield
        self.windows = 0
        self._overflows_in = overflows_in
        self._begun: int | None = None
        self._rest = Timer(0, lambda: None)
        self._rest.start()

    def edges(self, counter: int) -> list[int]:
        if self._begun is None:
            self.join()
            self._begun = counter
            self.windows += 1
            self.shield.send([IDLE_W] * IDLE_SAMPLES)
            self.shield.send([ACTIVE_W], edges=[0])
            return []
        milliseconds = round((counter - self._begun) % 2**32 / 1000)
        self._begun = None
        if self.windows in self._overflows_in:
            self.shield.write(b"error: buffer overflow\r\n")
            return []
        self.shield.send([ACTIVE_W] * (milliseconds - 1))
        self.shield.send([IDLE_W], edges=[0])
        # Whoever measures waits for what comes behind the window, by the clock of this machine.
        self._rest = Timer(2 * runner.AFTER_S, self.shield.send, [[IDLE_W] * IDLE_SAMPLES])
        self._rest.start()
        return []

    def join(self) -> None:
        """Wait until the rest behind the last window is sent."""
        self._rest.join()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(usb_serial, "READ_S", 0.01)
    monkeypatch.setattr(lpm01a, "STAMP_S", 0.0)
    # This shield sends the rest before a window when that begins.
    monkeypatch.setattr(runner, "IDLE_S", 0.0)
    monkeypatch.setattr(runner, "BASELINE_S", 0.0)
    monkeypatch.setattr(runner, "AFTER_S", 0.05)
    monkeypatch.setitem(registry.PLUGINS._made, "lpm01a", lpm01a.Lpm01a())
    monkeypatch.setenv("TINYBENCH_CACHE", str(tmp_path / "cache"))


def measured(folder: Path, fake: FakeShield, line: Wire) -> Measurement:
    firmware = Firmware(network("kws"), mode="energy", inference_us=INFERENCE_MS * 1000, paced=True)
    bench = Bench(
        port=str(folder / "ttyACM0"),
        meter=f"lpm01a:{fake.port}",
        supply_v=3.3,
        runs=("energy",),
        window_s=0.2,
        patience=replace(PATIENCE, answer_s=1.0),
    )
    device = specs.device("nucleo-l4r5zi")
    with FakeBoard(firmware, folder, line):
        try:
            return Board().measure(replace(workload(), device=device, setup=Setup(bench=bench)))
        finally:
            line.join()


def figures(measurement: Measurement) -> dict[str, float]:
    return {metric.name: metric.value for metric in measurement.metrics}


def test_the_energy_of_five_windows(tmp_path: Path) -> None:
    with FakeShield() as fake:
        found = measured(tmp_path, fake, Wire(fake))
        assert fake.shield.power_log == [True]
    # Four digits a sample, and a window of whole milliseconds.
    assert figures(found)["energy.per_inference"] == pytest.approx(PER_INFERENCE_J, rel=1e-3)
    assert figures(found)["power.active"] == pytest.approx(ACTIVE_W, rel=1e-4)
    assert figures(found)["energy.above_baseline"] == pytest.approx(
        (ACTIVE_W - IDLE_W) * INFERENCE_MS / 1000, rel=1e-3
    )
    document = json.loads(found.evidence["energy.json"])
    assert [window["gate"] for window in document["windows"]] == ["edges"] * 5
    assert document["instrument"]["serial"] == "0033004A-33365110-32383932"


def test_a_window_in_which_the_shield_overflows_is_measured_again(tmp_path: Path) -> None:
    with FakeShield() as fake:
        wire = Wire(fake, overflows_in=(4,))
        found = measured(tmp_path, fake, wire)
    assert wire.windows == 7  # one to find the pace, five, and the third of them again
    assert figures(found)["energy.per_inference"] == pytest.approx(PER_INFERENCE_J, rel=1e-3)
    assert b"buffer overflow" in found.evidence["log.txt"]
    assert len(json.loads(found.evidence["energy.json"])["windows"]) == 5


def test_a_shield_that_goes_on_overflowing_ends_the_run_and_the_next_one_goes_on(tmp_path: Path) -> None:
    with FakeShield() as fake:
        with pytest.raises(MeterError, match="buffer overflow"):
            measured(tmp_path, fake, Wire(fake, overflows_in=(4, 5, 6)))
        wire = Wire(fake)
        found = measured(tmp_path, fake, wire)
    assert wire.windows == 3  # those that were not measured
    assert figures(found)["energy.per_inference"] == pytest.approx(PER_INFERENCE_J, rel=1e-3)
