"""Energy with a board and a power analyser that misbehave: the right energy or one clear error."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

import pytest

from board_faults import PATIENCE, own_cache, time_limit, workload
from fake_bench import ACTIVE_W, IDLE_W, FakeBench
from fake_board import Line, Reset, Unplug
from tinybench import specs
from tinybench.errors import BoardError, MeterError
from tinybench.meters import base, lpm01a, usb_serial
from tinybench.runners.base import Bench, Measurement, Setup
from tinybench.runners.board import Board, energy

WINDOWS = 5
STALL_S = base.STALL_S


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No real board has to come to rest here."""
    monkeypatch.setattr(energy, "IDLE_S", 0.08)
    monkeypatch.setattr(energy, "AFTER_S", 0.02)
    for module in ("runners.board.energy", "runners.board.report", "boards.energy_file", "meters.phases"):
        monkeypatch.setattr(import_module(f"tinybench.{module}"), "BASELINE_S", 0.04)
    monkeypatch.setattr(base, "STALL_S", 0.3)
    monkeypatch.setattr(usb_serial, "READ_S", 0.01)
    monkeypatch.setattr(lpm01a, "STAMP_S", 0.0)


def measure(bench: FakeBench) -> Measurement:
    wanted = Bench(
        port=bench.board.port,
        meter=bench.meter,
        supply_v=3.3,
        runs=("energy",),
        patience=replace(PATIENCE, answer_s=0.6),
    )
    given = replace(workload(), device=specs.device("nucleo-l4r5zi"), setup=Setup(bench=wanted))
    with time_limit(30):
        return Board().measure(given)


def is_right(measurement: Measurement) -> None:
    """The energy that the shield sent, to the digits in which it sends."""
    windows = [window for window in measurement.windows if window.run == "energy"]
    assert len(windows) == WINDOWS
    for window in windows:
        assert window.seconds >= 10
        assert window.seconds / window.inferences == pytest.approx(0.04, rel=2e-4)
        assert window.joules == pytest.approx(ACTIVE_W * window.seconds, rel=1e-3)
    values = {metric.name: metric.value for metric in measurement.metrics}
    assert values["energy.per_inference"] == pytest.approx(ACTIVE_W * 0.04, rel=1e-3)
    assert values["power.active"] == pytest.approx(ACTIVE_W, rel=1e-3)
    assert values["energy.above_baseline"] == pytest.approx((ACTIVE_W - IDLE_W) * 0.04, rel=2e-3)


class Edges(Line):
    """A wire from the pin that loses edges or doubles them."""

    def __init__(self, copies: Callable[[int], int]) -> None:
        self._copies, self._count = copies, 0

    def edges(self, counter: int) -> list[int]:
        self._count += 1
        return [counter] * self._copies(self._count)


class During(Line):
    """Something happens to the board in its third window, once: the second that is long enough."""

    def __init__(self, event: Exception) -> None:
        self._event, self._windows = event, 0

    def to_host(self, data: bytes) -> Iterator[bytes]:
        yield data
        if data.startswith(b"m-infer-start"):
            self._windows += 1
            if self._windows == 3:
                raise self._event


def test_the_energy_is_what_the_analyser_sent(tmp_path: Path) -> None:
    with own_cache(tmp_path), FakeBench(tmp_path) as bench:
        is_right(measure(bench))


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(Edges(lambda number: number != 5), id="a lost edge"),
        pytest.param(Edges(lambda number: 1 + (number == 6)), id="an extra edge"),
        pytest.param(During(Reset()), id="a reset in a window"),
    ],
)
def test_what_a_run_recovers_from(tmp_path: Path, line: Line) -> None:
    with own_cache(tmp_path), FakeBench(tmp_path, line) as bench:
        is_right(measure(bench))


@pytest.mark.parametrize("said", [b"error: buffer overflow\r\n", b"end\r\n"], ids=["overflow", "end"])
def test_an_analyser_that_stops_once_is_opened_again(tmp_path: Path, said: bytes) -> None:
    with own_cache(tmp_path), FakeBench(tmp_path) as bench:
        bench.says = [said]
        is_right(measure(bench))
        assert bench.says == []


def test_a_board_that_is_pulled_out_is_no_fault_of_the_analyser(tmp_path: Path) -> None:
    with own_cache(tmp_path):
        with (
            FakeBench(tmp_path, During(Unplug())) as bench,
            pytest.raises(BoardError, match="the board is gone"),
        ):
            measure(bench)
        with FakeBench(tmp_path) as bench:
            is_right(measure(bench))
        assert len(bench.firmware.windows) <= WINDOWS


AGAIN = "plug it in again and run the same command: what was measured is kept"


def nothing(bench: FakeBench) -> None:
    """The wire of the pin is wrong from the beginning."""


@dataclass(frozen=True)
class End:
    """Something that is wrong for good, from the second long window on, and what the user sees of it."""

    name: str
    breaks: Callable[[FakeBench], object]
    error: str
    hint: str | None
    edges: Callable[[int], int] = lambda number: 1


ENDS = (
    End(
        "no edges",
        nothing,
        "the power analyser saw 0 of 2 edges of the board's pin",
        "check the wire from the pin to the analyser's input, and that the firmware pulls it",
        lambda number: 0,
    ),
    End(
        "three edges",
        nothing,
        "the power analyser saw 3 edges of the board's pin in a window, not two",
        "a bouncing or floating line: add a pull-up, shorten the wire, check the ground",
        lambda number: 1 + number % 2,
    ),
    End(
        "stall",
        lambda bench: setattr(bench, "stalled", True),
        "the power analyser sent nothing for 0.3 s",
        AGAIN,
    ),
    End(
        "overflow",
        lambda bench: bench.says.extend([b"error: buffer overflow\r\n"] * 3),
        "X-NUCLEO-LPM01A says 'error: buffer overflow'",
        AGAIN,
    ),
    End(
        "unplugged analyser",
        lambda bench: setattr(bench, "unplugs", True),
        "X-NUCLEO-LPM01A is gone: was its cable pulled?",
        AGAIN,
    ),
)


class Breaks(Edges):
    """What is wrong for good begins behind the first window that is long enough."""

    bench: FakeBench

    def __init__(self, end: End) -> None:
        super().__init__(end.edges)
        self.end = end

    def to_host(self, data: bytes) -> Iterator[bytes]:
        if data.startswith(b"m-warmup-start") and max(self.bench.firmware.windows, default=0) > 100:
            self.end.breaks(self.bench)
            self.end = ENDS[0]
        yield data


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.name)
def test_what_ends_a_run_and_what_goes_on(tmp_path: Path, end: End) -> None:
    line = Breaks(end)
    with own_cache(tmp_path) as cache:
        with FakeBench(tmp_path, line) as bench:
            line.bench = bench
            with pytest.raises(MeterError) as raised:
                measure(bench)
        assert (raised.value.message, raised.value.hint) == (end.error, end.hint)
        (kept,) = cache.glob("boards/*/done.jsonl")
        done = kept.read_text().count('"kind": "energy"')
        assert done == (1 if end.breaks is not nothing else 0)
        with FakeBench(tmp_path) as bench:
            is_right(measure(bench))
        assert len(bench.firmware.windows) <= WINDOWS - done + 2  # short ones, to begin with


def test_the_page_of_faults_lists_what_is_said(repository: Path) -> None:
    page = (repository / "site/docs/board-faults.md").read_text()
    table = page.partition("## Power analysers")[2]
    listed = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    # Nobody waits so short a time but a test.
    said = {end.error.replace("0.3 s", f"{STALL_S:g} s") for end in ENDS}
    assert sorted(listed) == sorted(said)
