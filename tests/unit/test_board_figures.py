"""What no figure of a board is: of two firmwares, by a clock that is wrong unsaid, by options of no sense."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from board_faults import PATIENCE, own_cache, workload
from fake_board import FakeBoard, Firmware, Line, network
from tinybench.boards import desk
from tinybench.errors import BoardError, UsageError
from tinybench.results.schema import Engine
from tinybench.runners.base import Bench, Measurement, Setup
from tinybench.runners.board import Board
from tinybench.runners.board.report import clocks_apart


def measure(port: str, flash: Path | None) -> Measurement:
    bench = Bench(port=port, flash=flash, runs=("performance",), patience=PATIENCE)
    return Board().measure(replace(workload(), setup=Setup(bench=bench)))


def test_an_unfinished_run_goes_on_with_no_other_firmware(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "flash", lambda *_, **__: "flashed")
    one, other = tmp_path / "one.elf", tmp_path / "other.elf"
    one.write_bytes(b"one")
    other.write_bytes(b"other")
    with own_cache(tmp_path), FakeBoard(Firmware(network("kws")), tmp_path) as board:
        measure(board.port, one)
        with pytest.raises(BoardError, match=r"the unfinished run was on .*, with other firmware"):
            measure(board.port, other)
        assert len(measure(board.port, one).windows) == 5
        assert len(measure(board.port, None).windows) == 5, "what was written is still there"


def test_firmware_is_not_written_in_the_middle_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "flash", lambda *_, **__: "flashed")
    path = tmp_path / "firmware.elf"
    path.write_bytes(b"firmware")
    with own_cache(tmp_path), FakeBoard(Firmware(network("kws")), tmp_path) as board:
        measure(board.port, None)
        with pytest.raises(BoardError, match="with other firmware"):
            measure(board.port, path)


class Flips(Line):
    """A digit of the first input becomes another, unseen."""

    flipped = False

    def to_board(self, data: bytes) -> bytes:
        if self.flipped or not data.startswith(b"db ") or data.startswith((b"db load", b"db print")):
            return data
        self.flipped = True
        return b"db " + (b"7f" if data[3:5] != b"7f" else b"80") * ((len(data) - 4) // 2) + b"%"


def test_outputs_that_came_only_when_asked_again_are_counted(tmp_path: Path) -> None:
    with own_cache(tmp_path), FakeBoard(Firmware(network("kws")), tmp_path, Flips()) as board:
        bench = Bench(port=board.port, runs=("accuracy",), patience=PATIENCE)
        found = Board().measure(replace(workload(), setup=Setup(bench=bench)))
    assert found.notes[1] == (
        "outputs of the board equal TFLite Micro's, bit for bit, on 8 of 8 inputs; it gave 1 of its outputs "
        "only when asked again"
    )


class Remark(Line):
    """Firmware of this project says more of itself."""

    def to_host(self, data: bytes) -> Iterator[bytes]:
        yield data
        if data.startswith(b"m-model-"):
            yield b"m-[tinybench version=1]\r\n"


@pytest.mark.parametrize(("stated", "notes"), [("mine", 2), (None, 1)])
def test_who_says_what_the_engine_is(tmp_path: Path, stated: str | None, notes: int) -> None:
    unknown = {"version": None, "kernels": None, "kernels_version": None, "compiler": None}
    engine = None if stated is None else Engine(name=stated, **unknown)
    with own_cache(tmp_path), FakeBoard(Firmware(network("kws")), tmp_path, Remark()) as board:
        bench = Bench(port=board.port, runs=("performance",), engine=engine, patience=PATIENCE)
        found = Board().measure(replace(workload(), setup=Setup(bench=bench)))
    assert found.engine.name == (stated or "tinybench-static")
    assert len(found.notes) == notes
    assert "the engine is tinybench-static; whoever measured it states mine" in found.notes[-1] or not stated


def windows(seconds: float, here_s: float) -> list[dict[str, float]]:
    return [{"seconds": seconds, "here_s": here_s}] * 5


def test_a_clock_that_goes_wrong_is_told() -> None:
    (slow,) = clocks_apart(windows(10.0, 10.4))
    assert (
        slow
        == "by this machine's clock the windows took 4.0% longer than by the board's, which latency is by"
    )
    (fast,) = clocks_apart(windows(10.5, 10.0))
    assert "4.8% shorter" in fast
    assert clocks_apart(windows(10.0, 10.05)) == ()


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.inf, math.nan, 4295.0])
def test_windows_that_no_board_can_time_are_refused(seconds: float) -> None:
    with pytest.raises(UsageError, match="cannot be measured"):
        Board().check(Setup(bench=Bench(port="/dev/ttyACM0", window_s=seconds)))


@pytest.mark.parametrize("volts", [0.0, -3.3, math.inf, math.nan, 3300.0])
def test_a_supply_that_is_none_is_refused(volts: float) -> None:
    with pytest.raises(UsageError, match="supplies no board"):
        Board().check(Setup(bench=Bench(port="/dev/ttyACM0", supply_v=volts)))
