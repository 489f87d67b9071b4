"""Logs of EEMBC's runner: windows are what the device brackets, whatever is missing."""

from __future__ import annotations

from itertools import combinations
from statistics import median

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evidence_logs import (
    EnergyRunnerLog,
    accuracy_log,
    energy_log,
    kws_file,
    one_hot,
    performance_log,
)
from tinybench.errors import DataError
from tinybench.meters.trace import PowerTrace
from tinybench.mlperf_tiny import energyrunner
from tinybench.mlperf_tiny.energyrunner import (
    measure_energy,
    read_accuracy,
    read_energy,
    read_performance,
)
from tinybench.mlperf_tiny.runs import Configuration, LoggedError, PerformanceRun

MICROSECONDS = (12_960_000, 12_950_000, 12_970_000)
ONE_SAMPLE_J = 0.04 / 1000 * 1.01


def test_performance() -> None:
    run = read_performance(performance_log(MICROSECONDS).encode(), "log.txt")
    assert (run.runner, run.runner_version, run.model) == ("energyrunner", "3.0.10", "kws01")
    assert run.profile == "ULPMark for tinyML Firmware V0.0.1"
    assert run.configuration == Configuration(model="kws01", iterations=300, warmups=1, mode="bmark")
    assert (run.sessions, run.session, run.complete, run.errors) == (1, 1, True, ())
    assert run.stray_laps_us == (38_500_000,)
    assert [window.index for window in run.windows] == [1, 2, 3]
    assert [window.input_file for window in run.windows] == [kws_file(0), kws_file(1), kws_file(2)]
    assert [window.inferences for window in run.windows] == [300] * 3
    assert [window.warmups for window in run.windows] == [1] * 3
    assert [window.seconds for window in run.windows] == [12.96, 12.95, 12.97]
    assert run.windows[0].host_seconds == pytest.approx(12.96, abs=0.01)
    assert run.windows[1].results == tuple(one_hot(1))
    assert run.median_throughput == median(300 / (us / 1e6) for us in MICROSECONDS)


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
def test_line_breaks(ending: str) -> None:
    assert read_performance(performance_log().encode(ending), "x") == read_performance(
        performance_log().encode("\n") + b"\n", "x"
    )


def test_the_clock_of_the_device_starts_anew() -> None:
    log = EnergyRunnerLog()
    log.lap_us = 2**32 - 5_000_000
    log.window(kws_file(0), 12_000_000)
    log.window(kws_file(1), 12_000_000)
    windows = read_performance(log.stop().encode(), "x").windows
    assert [window.seconds for window in windows] == [12.0, 12.0]
    assert [window.wrapped for window in windows] == [True, False]


def test_laps_beyond_32_bits_do_not_wrap() -> None:
    lines = performance_log().encode().replace(b"m-lap-us-39000000", b"m-lap-us-9000000000000")
    window = read_performance(lines, "x").windows[0]
    assert window.seconds is None
    assert not window.wrapped


def test_doubled_prefixes_echoes_and_debug_output() -> None:
    clean = performance_log().encode()
    noisy = (
        clean.replace(b"dut: m-ready", b"dut: dut: m-ready")
        .replace(b"dut: m-warmup-start-1", b"dut: infer 300 1m-warmup-start-1")
        .replace(b"dut: m-infer-done", b"dut: got ack from dsp\n00001.000 dut: m-infer-done")
        .replace(b"0.000]", b"0.000,]")
        .replace(b"sequencer: m-sequencer-start", b"sequencer: m-sequencer-start\n\xff\xfe no line of a log")
    )
    noisy_run, run = read_performance(noisy, "x"), read_performance(clean, "x")
    assert [window.laps_us for window in noisy_run.windows] == [window.laps_us for window in run.windows]
    assert [window.results for window in noisy_run.windows] == [window.results for window in run.windows]
    assert noisy_run.complete


def test_a_broken_vector_is_none_and_does_not_move_to_another_window() -> None:
    lines = performance_log().encode().replace(b"m-results-[0.996,", b"m-results-[0.9got ack from dsp96,")
    assert [window.results for window in read_performance(lines, "x").windows] == [
        None,
        tuple(one_hot(1)),
        tuple(one_hot(2)),
    ]


def test_a_command_that_is_missing() -> None:
    lines = performance_log().encode().splitlines()
    lost = next(k for k, line in enumerate(lines) if b"m-sequencing-i[4]" in line)
    assert not read_performance(b"\n".join(lines[:lost] + lines[lost + 1 :]), "x").complete


def test_errors_of_everybody() -> None:
    log = EnergyRunnerLog()
    log.device("e-[Unknown command: foo]")
    log.say("emon", "e-[No device]")
    log.say("parser", "e-[Timeout]")
    assert read_performance(log.stop().encode(), "x").errors == (
        LoggedError(source="dut", text="Unknown command: foo"),
        LoggedError(source="emon", text="No device"),
        LoggedError(source="parser", text="Timeout"),
    )


def test_an_empty_file_is_no_session() -> None:
    run = read_performance(b"", "x")
    assert (run.sessions, run.session, run.complete, run.windows) == (0, 0, False, ())
    assert run.median_throughput is None


def test_the_last_complete_session_counts() -> None:
    first, second = performance_log([11_000_000]), performance_log([12_000_000])
    cut = EnergyRunnerLog()
    cut.window(kws_file(0), 13_000_000)
    run = read_performance(b"\n".join(log.encode() for log in (first, second, cut)), "x")
    assert (run.sessions, run.session, run.complete) == (3, 2, True)
    assert [window.seconds for window in run.windows] == [12.0]


def test_a_session_of_another_kind_does_not_count() -> None:
    both = performance_log([11_000_000]).encode() + b"\n" + accuracy_log(4).encode()
    assert read_performance(both, "x").session == 1
    assert read_accuracy(both, "x").session == 2
    assert len(read_accuracy(both, "x").samples) == 4


def test_accuracy() -> None:
    run = read_accuracy(accuracy_log(30).encode(), "x")
    assert run.complete
    assert run.configuration.mode == "multi"
    assert [sample.input_file for sample in run.samples] == [kws_file(k) for k in range(30)]
    assert [sample.results for sample in run.samples] == [tuple(one_hot(k)) for k in range(30)]
    assert run.samples[0].offset is None


def test_accuracy_of_a_part_of_a_file() -> None:
    lines = accuracy_log(1).encode().replace(b'_0.bin""', b'_0.bin" 512 2560"')
    (sample,) = read_accuracy(lines, "x").samples
    assert (sample.input_file, sample.offset, sample.length) == (kws_file(0), 512, 2560)


def test_energy() -> None:
    run = read_energy(energy_log(3).encode(), "x")
    assert run.edges_expected == 7
    assert run.first_edges == (1, 3, 5)
    assert run.supply_voltage_v == 1.8
    edges = [0.02, 1.0, 3.0, 4.0, 6.0, 7.0, 9.0]
    trace = PowerTrace(1000.0, np.where(np.arange(10_000) // 1000 % 3 == 0, 0.01, 0.04))
    energy = measure_energy(run, trace, edges)
    assert energy.windows is not None
    assert (energy.edges_expected, energy.edges_found) == (7, 7)
    assert [(window.start_s, window.end_s) for window in energy.windows] == [(1, 3), (4, 6), (7, 9)]
    assert [window.input_file for window in energy.windows] == [kws_file(k) for k in range(3)]
    assert [window.energy_j for window in energy.windows] == pytest.approx([0.08] * 3, abs=ONE_SAMPLE_J)
    assert [window.power_w for window in energy.windows] == pytest.approx([0.04] * 3, abs=ONE_SAMPLE_J)
    assert energy.windows[0].energy_per_inference_j == pytest.approx(0.08 / 300, abs=ONE_SAMPLE_J / 300)
    assert energy.median_energy_per_inference_j == pytest.approx(0.08 / 300, abs=ONE_SAMPLE_J / 300)
    assert energy.median_throughput == pytest.approx(150)
    assert energy.windows[0].host_seconds == pytest.approx(2.0, abs=0.05)
    assert energy.power_range_w == (0.01, 0.04)


@pytest.mark.parametrize("lost", range(7))
def test_with_an_edge_lost_no_window_is_cut(lost: int) -> None:
    edges = [0.02, 1.0, 3.0, 4.0, 6.0, 7.0, 9.0]
    del edges[lost]
    run = read_energy(energy_log(3).encode(), "x")
    energy = measure_energy(run, PowerTrace(1000.0, np.full(10_000, 0.04)), edges)
    assert (energy.edges_expected, energy.edges_found, energy.windows) == (7, 6, None)
    assert energy.median_energy_per_inference_j is None
    assert energy.median_throughput is None


def test_a_window_beyond_the_end_of_the_trace_has_no_energy() -> None:
    run = read_energy(energy_log(2).encode(), "x")
    energy = measure_energy(run, PowerTrace(1000.0, np.full(5_500, 0.04)), [0.02, 1.0, 3.0, 4.0, 6.0])
    assert energy.windows is not None
    assert energy.windows[0].energy_j == pytest.approx(0.08, abs=ONE_SAMPLE_J)
    assert energy.windows[1].energy_j is None
    assert energy.windows[1].power_w is None
    assert energy.median_energy_per_inference_j is None
    assert energy.median_throughput == 150


def test_only_what_happens_while_the_trace_is_on_gives_edges() -> None:
    lines = energy_log(2).encode().decode().splitlines()
    begin = next(k for k, line in enumerate(lines) if "m-trace[on]" in line)
    stop = next(k for k, line in enumerate(lines) if "m-trace[off]" in line)
    early = [line for line in lines[begin + 1 : stop] if "trace" not in line]
    run = read_energy("\n".join(lines[:begin] + early + lines[begin:]).encode(), "x")
    assert run.edges_expected == 5
    assert len(run.windows) == 2


def test_laps_of_the_interface_board_come_before_the_message_of_the_device() -> None:
    lines = energy_log(1).encode().decode()
    lines = lines.replace(
        "io: [dut]: m-infer-start-300", "io: m-lap-us-100\n00040.000 io: [dut]: m-infer-start-300"
    )
    lines = lines.replace(
        "io: [dut]: m-infer-done", "io: m-lap-us-2000100\n00042.000 io: [dut]: m-infer-done"
    )
    run = read_energy(lines.encode(), "x")
    assert run.windows[0].seconds == 2.0


def test_more_messages_than_any_run_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energyrunner, "MAX_FACTS", 1000)
    assert len(read_performance(b"0.1 dut: m-lap-us-1\n" * 1000, "x").stray_laps_us) == 1000
    assert len(read_performance(b"0.1 dut: m-infer-start-1\n" * 50, "x").windows) == 50
    with pytest.raises(DataError, match="messages"):
        read_performance(b"0.1 dut: m-infer-start-1\n" * 51, "x")
    with pytest.raises(DataError, match="x: holds more than 1,000 messages"):
        read_performance(b"0.1 dut: m-lap-us-1\n" * 1001, "x")
    start = b"0.1 session: m-session-start-id[1]\n"
    with pytest.raises(DataError, match="messages"):
        read_performance((start + b"0.1 dut: m-lap-us-1\n" * 300) * 4, "x")


LINES = performance_log().encode().split(b"\n")
INFERS = [k for k, line in enumerate(LINES) if b"sequencer" in line and b"dut infer" in line]


REAL = {window.laps_us: window for window in read_performance(b"\n".join(LINES), "x").windows}


def right_windows(run: PerformanceRun) -> bool:
    """Each window with a time has the laps, the inferences and the input of a real one."""
    return all(
        window.laps_us in REAL
        and window.inferences in (None, 300)
        and window.input_file in (None, REAL[window.laps_us].input_file)
        and window.results in (None, REAL[window.laps_us].results)
        for window in run.windows
        if window.seconds is not None
    )


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_whatever_lines_are_lost_no_window_is_wrong(count: int) -> None:
    """All ways to lose up to four lines of two windows."""
    lines = performance_log(MICROSECONDS[:2]).encode().split(b"\n")
    said = [k for k, line in enumerate(lines) if k > INFERS[0] - 3 and b" sequencer: " not in line]
    for lost in combinations(said, count):
        run = read_performance(b"\n".join(line for k, line in enumerate(lines) if k not in lost), "x")
        assert right_windows(run), lost


@example(19, 12, set())
@example(31, 13, set())
@given(st.integers(0, len(LINES) - 1), st.integers(1, 30), st.sets(st.integers(0, 29), max_size=3))
def test_whatever_block_of_lines_is_lost_windows_melt_only_into_fewer(
    start: int, count: int, left: set[int]
) -> None:
    """Two windows melt into one if just what is between them is missing. Then the run has a window less, and
    unless it was the last one the numbers of the commands have a gap."""
    kept = [k for k in range(len(LINES)) if not start <= k < start + count or k - start in left]
    run = read_performance(b"\n".join(LINES[k] for k in kept), "x")
    assert right_windows(run) or len(run.windows) < len(MICROSECONDS)
    assert right_windows(run) or not run.complete or start + count > INFERS[-1]


@pytest.mark.parametrize("kept", range(len(LINES) + 1))
def test_a_log_that_was_cut_is_not_complete(kept: int) -> None:
    run = read_performance(b"\n".join(LINES[:kept]), "x")
    assert right_windows(run)
    assert run.complete == (kept > len(LINES) - 2)  # the sequencer stops, then the session


@given(st.integers(0, sum(map(len, LINES))))
def test_a_log_that_was_cut_within_a_line(kept: int) -> None:
    run = read_performance(b"\n".join(LINES)[:kept], "x")
    assert right_windows(run)
    assert len(run.windows) == 3 or not run.complete


@pytest.mark.parametrize("lap", [k for k, line in enumerate(LINES) if b"m-lap-us" in line])
def test_a_lost_lap_is_seen(lap: int) -> None:
    run = read_performance(b"\n".join(LINES[:lap] + LINES[lap + 1 :]), "x")
    assert run.stray_laps_us == () or run.median_throughput is None


@settings(max_examples=300)
@given(st.lists(st.sampled_from(LINES) | st.binary(max_size=60), max_size=40))
def test_no_bytes_break_the_readers(lines: list[bytes]) -> None:
    for read in (read_performance, read_accuracy, read_energy):
        read(b"\n".join(lines), "x")
