from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from fakes import ANALYSER
from tinybench.boards.energy_file import (
    EnergyFile,
    measure_energy,
    phases_of,
    read_energy_file,
    read_phases,
    write_phases,
)
from tinybench.errors import DataError
from tinybench.meters.phases import baseline_w
from tinybench.meters.trace import PowerTrace
from tinybench.mlperf_tiny.runs import Configuration, Energy, EnergyRun, Window


def document(**of_window: Any) -> dict[str, Any]:
    window = {
        "index": 1,
        "input": "yes/a.wav",
        "inferences": 300,
        "gate": "edges",
        "trace": "trace-1.bin",
        "start_s": 0.7005,
        "end_s": 1.7005,
        "baseline_w": 0.01,
    }
    return {"format": "tinybench.energy/1", "instrument": ANALYSER, "windows": [window | of_window]}


def read(value: Any) -> EnergyFile:
    return read_energy_file(json.dumps(value).encode(), "energy.json")


def run(*indices: int) -> EnergyRun:
    """The log of an energy run with these windows."""
    windows = tuple(
        Window(
            index=index,
            input_file=f"{index}.wav",
            inferences=300,
            warmups=1,
            laps_us=(),
            host_seconds=1.0,
            results=None,
            closed=True,
        )
        for index in indices
    )
    return EnergyRun(
        runner="board",
        runner_version=None,
        model=None,
        profile=None,
        configuration=Configuration(),
        errors=(),
        sessions=1,
        session=1,
        complete=True,
        windows=windows,
        first_edges=(),
        edges_expected=2 * len(windows),
        supply_voltage_v=None,
        set_voltage_v=None,
    )


def trace() -> PowerTrace:
    """Idle at 10 mW, from 0.7 s on at 50 mW for one second, and idle again."""
    power_w = np.concatenate([np.full(701, 0.01), np.full(1000, 0.05), np.full(200, 0.01)])
    return PowerTrace(1000.0, power_w)


def measured(log: EnergyRun, listed: dict[str, Any]) -> Energy:
    return measure_energy(log, read(listed), {"trace-1.bin": trace()}.__getitem__).energy


def test_a_trace_has_four_phases_without_gaps() -> None:
    (window,) = read(document()).windows
    phases = phases_of(window, trace())
    assert [phase.phase for phase in phases] == ["rest", "pre", "inference", "post"]
    assert [phase.energy_j for phase in phases] == pytest.approx([0.005, 0.00201, 0.05, 0.002])
    assert [phase.start_s for phase in phases[1:]] == [phase.end_s for phase in phases[:-1]]
    assert sum(phase.energy_j for phase in phases) == pytest.approx(trace().energy_j(0, trace().duration_s))
    assert read_phases(write_phases(phases), "phases.csv") == phases
    with pytest.raises(ValueError, match="of trace"):
        phases_of(window.model_copy(update={"end_s": 60.0}), trace())


@pytest.mark.parametrize(
    "row", ["", "1,pre,0.5,0.7", "1,warm,0.5,0.7,1", "0,pre,0.5,0.7,1", "1,pre,0.5,0.7,nan", '"1",pre,0,1,1']
)
def test_phases_of_another_form_are_refused(row: str) -> None:
    head = "window,phase,start_s,end_s,energy_j\n"
    assert read_phases(head.encode(), "phases.csv") == ()
    with pytest.raises(DataError, match=r"^phases\.csv: line 2: "):
        read_phases(f"{head}{row}\n".encode(), "phases.csv")
    with pytest.raises(DataError, match=r"^phases\.csv: "):
        read_phases(f"{row}\n".encode(), "phases.csv")


def test_what_was_written_is_read() -> None:
    file = read(document())
    assert read_energy_file(file.to_json(), "energy.json") == file
    assert file.as_instrument.gate == "edges"
    assert read(document(gate="timestamps")).as_instrument.gate == "timestamps"


@pytest.mark.parametrize(
    "wrong",
    [
        {"index": 0},
        {"inferences": 0},
        {"gate": "pin"},
        {"trace": "../trace-1.bin"},
        {"trace": "trace-01.bin"},
        {"start_s": -1.0},
        {"end_s": 1e9},
        {"joules": 1.0},
        {"baseline_w": "low"},
    ],
)
def test_what_is_no_such_file_is_refused_by_the_key(wrong: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=rf"^energy\.json: windows\.0\.{next(iter(wrong))}: "):
        read(document(**wrong))


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"format": NaN}', b"[" * 100_000, b"\xff"])
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(DataError, match=r"energy\.json"):
        read_energy_file(data, "energy.json")


def test_energy_is_that_of_the_trace_between_the_bounds() -> None:
    energy = measured(run(1), document())
    assert energy.windows is not None
    (window,) = energy.windows
    assert window.input_file == "1.wav"
    assert window.energy_j == pytest.approx(0.05)
    assert window.power_w == pytest.approx(0.05)
    assert window.baseline_w == pytest.approx(0.01)
    assert energy.median_energy_per_inference_j == pytest.approx(0.05 / 300)
    assert energy.median_above_baseline_j == pytest.approx((0.05 - 0.01) / 300)


def test_no_energy_beyond_the_trace() -> None:
    energy = measured(run(1), document(end_s=60.0))
    assert energy.windows is not None
    assert energy.windows[0].energy_j is None
    assert energy.median_energy_per_inference_j is None


def test_a_window_that_begins_at_once_leaves_no_idle_time_to_subtract() -> None:
    energy = measured(run(1), document(start_s=0.4))
    assert energy.median_energy_per_inference_j is not None
    assert energy.median_above_baseline_j is None


def test_windows_of_another_run_are_not_paired() -> None:
    energy = measured(run(1, 2), document())
    assert energy.windows is None
    assert (energy.edges_expected, energy.edges_found) == (4, 2)


def test_the_baseline_is_the_first_half_second() -> None:
    assert baseline_w(trace()) == pytest.approx(0.01)
    assert baseline_w(PowerTrace(1000.0, np.full(499, 0.01))) is None
