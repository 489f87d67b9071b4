"""Energy of a board from what another program recorded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import tinybench
from fake_board import FakeBoard, Firmware, network
from tinybench.boards.dut import Patience
from tinybench.errors import MeterError, UsageError
from tinybench.meters.eembc import write_trace
from tinybench.meters.recorded import read_recorded
from tinybench.meters.trace import PowerTrace
from tinybench.results.schema import Result

RATE_HZ = 1000.0
REST_W, ACTIVE_W = 0.010, 0.050
EVERY_S = 4.0
"""From one window of the recording to the next."""
QUICK = Patience(boot_s=0.2, answer_s=0.2, inference_s=0.05)


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBoard]:
    monkeypatch.setenv("TINYBENCH_CACHE", str(tmp_path / "cache"))
    firmware = Firmware(network("kws"), mode="energy", inference_us=20_000, paced=True)
    with FakeBoard(firmware, tmp_path) as made:
        yield made


def run(board: FakeBoard, recording: Path) -> Result:
    bench = tinybench.Bench(
        port=board.port, recording=recording, runs=("energy",), supply_v=3.3, window_s=0.2, patience=QUICK
    )
    return tinybench.run("kws", "board", device="nucleo-l4r5zi", bench=bench, split="smoke", limit=8)


def record(board: FakeBoard, folder: Path, *, longer: float = 1.0, windows: int | None = None) -> Path:
    """What an analyser would have recorded of all that the board executed, in EEMBC's two files."""
    active = board.firmware.world.active_s[-windows:] if windows else board.firmware.world.active_s
    lengths = [(end - begin) * longer for begin, end in active]
    edges = [edge for k, length in enumerate(lengths) for edge in (EVERY_S * k + 2, EVERY_S * k + 2 + length)]
    times = np.arange(int((edges[-1] + 1) * RATE_HZ)) / RATE_HZ
    inside = sum(
        ((times >= a) & (times < b)).astype(float) for a, b in zip(edges[::2], edges[1::2], strict=True)
    )
    power = REST_W + (ACTIVE_W - REST_W) * inside
    path = folder / "trace1-energy.bin"
    path.write_bytes(write_trace(PowerTrace(RATE_HZ, np.asarray(power))))
    (folder / "trace1-timestamps.json").write_text(json.dumps([1.0, *edges]))
    return path


def test_windows_are_executed_first_and_their_energy_comes_from_the_file(
    board: FakeBoard, tmp_path: Path
) -> None:
    with pytest.raises(MeterError, match="is not there: all windows are executed and kept") as caught:
        run(board, tmp_path / "trace1-energy.bin")
    assert "run the same command again" in (caught.value.hint or "")
    executed = board.firmware.inferences

    result = run(board, record(board, tmp_path))
    assert board.firmware.inferences == executed, "what was executed is not executed again"
    energy, above = (result.metric(name) for name in ("energy.per_inference", "energy.above_baseline"))
    assert energy is not None
    assert above is not None
    assert energy.mode == "measured"
    assert energy.value == pytest.approx(ACTIVE_W * 0.020, rel=0.01)
    assert above.value == pytest.approx((ACTIVE_W - REST_W) * 0.020, rel=0.01)
    assert result.instrument is not None
    assert (result.instrument.kind, result.instrument.gate) == ("recorded", "edges")
    assert (result.instrument.voltage_v, result.instrument.voltage) == (3.3, "stated")
    assert [window.index for window in result.windows if window.run == "energy"] == [1, 2, 3, 4, 5]


def test_a_recording_at_a_rate_that_is_no_whole_number(board: FakeBoard, tmp_path: Path) -> None:
    """Its time stamps come from a clock that is off by a little; they are those of the file all the same."""
    with pytest.raises(MeterError, match="is not there"):
        run(board, tmp_path / "trace.csv")
    trace = read_recorded(record(board, tmp_path))
    falls = np.searchsorted(trace.trace.times_s, trace.edges)
    rate_hz = 999.7
    lines = [
        f"{k / rate_hz * 1000:.6f},{power * 1e6:.3f},{int(not any(0 <= k - fall < 3 for fall in falls))}"
        for k, power in enumerate(trace.trace.power_w / 3.3)
    ]
    path = tmp_path / "trace.csv"
    path.write_text("\n".join(["Timestamp(ms),Current(uA),D0", *lines]) + "\n")
    result = run(board, path)
    energy = result.metric("energy.per_inference")
    assert energy is not None
    assert energy.value == pytest.approx(ACTIVE_W * 0.020, rel=0.01)
    assert result.instrument is not None
    assert result.instrument.rate_hz == pytest.approx(rate_hz)


def test_a_recording_of_another_run_is_told(board: FakeBoard, tmp_path: Path) -> None:
    with pytest.raises(MeterError, match="is not there"):
        run(board, tmp_path / "trace1-energy.bin")
    with pytest.raises(MeterError, match=r"the edges of window 1 are .* s apart, the board took"):
        run(board, record(board, tmp_path, longer=3.0))
    (log,) = (tmp_path / "cache").glob("boards/*/log.txt")
    sha256 = hashlib.sha256((tmp_path / "trace1-energy.bin").read_bytes()).hexdigest()
    assert f"session: recording trace1-energy.bin, sha256 {sha256}" in log.read_text()
    with pytest.raises(MeterError, match="has 8 edges of the board's pin: 5 windows have two each"):
        run(board, record(board, tmp_path, windows=4))
    assert run(board, record(board, tmp_path)).metric("energy.per_inference") is not None


def test_a_meter_and_a_recording_are_one_too_many(board: FakeBoard, tmp_path: Path) -> None:
    bench = tinybench.Bench(port=board.port, recording=tmp_path / "x", meter="synthetic:y")
    with pytest.raises(UsageError, match="either measured here or taken from a recording"):
        tinybench.run("kws", "board", device="nucleo-l4r5zi", bench=bench)
