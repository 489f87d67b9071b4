"""Files of MLCommons' runner."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_logs import kws_file, mlc_energy_records, mlc_json, mlc_log, mlc_record, one_hot
from tinybench.errors import DataError
from tinybench.mlperf_tiny.python_runner import (
    read_accuracy,
    read_energy,
    read_log,
    read_performance,
    read_streaming,
)
from tinybench.mlperf_tiny.runs import Configuration, LoggedError

RECORDS = [mlc_record(k) for k in range(5)]


def test_log() -> None:
    log = read_log(mlc_log(5), "log.txt")
    assert (log.name, log.model) == ("ExampleVendor", "kws01")
    assert log.profile == "ULPMark for tinyML Firmware V0.0.1"
    assert (log.sessions, log.session, log.complete, log.errors) == (1, 1, True, ())
    assert [window.input_file for window in log.windows] == [kws_file(k) for k in range(5)]
    assert [window.results for window in log.windows] == [tuple(one_hot(k)) for k in range(5)]
    window = log.windows[0]
    assert (window.segment, window.warmups, window.inferences, window.seconds) == (0, 1, 250, 10.862)


def test_a_log_that_was_cut() -> None:
    assert not read_log(mlc_log(5)[:-40], "x").complete
    assert read_log(b"something else\n", "x").sessions == 0


def test_the_last_complete_session_of_a_log_counts() -> None:
    log = read_log(mlc_log(4) + mlc_log(3) + mlc_log(2)[:-40], "x")
    assert (log.sessions, log.session, len(log.windows), log.complete) == (3, 2, 3, True)


def test_performance() -> None:
    run = read_performance(mlc_json(RECORDS), "results.json", read_log(mlc_log(5), "log.txt"))
    assert (run.runner, run.runner_version, run.model) == ("mlcommons", None, "kws01")
    assert run.configuration == Configuration(iterations=250, warmups=1, mode="p")
    assert (run.sessions, run.complete, run.errors) == (1, True, ())
    assert [window.seconds for window in run.windows] == [(10_862_042 + k) / 1e6 for k in range(5)]
    assert [window.index for window in run.windows] == [1, 2, 3, 4, 5]
    assert run.windows[3].input_file == kws_file(3)
    assert run.median_throughput == 250 / 10.862044


def test_performance_without_a_log() -> None:
    run = read_performance(mlc_json(RECORDS), "x")
    assert (run.model, run.sessions, run.complete) == (None, 1, True)


def test_a_log_without_an_end_makes_no_complete_run() -> None:
    assert not read_performance(mlc_json(RECORDS), "x", read_log(mlc_log(5)[:-40], "l")).complete


def test_errors_that_the_runner_puts_among_the_records() -> None:
    run = read_performance(mlc_json([*RECORDS, {"error": "error 2", "mode": "p"}]), "x")
    assert run.errors == (LoggedError(source="runner", text="error 2"),)
    assert len(run.windows) == 5


@pytest.mark.parametrize(
    "infer",
    [
        {"start_time": 5, "iterations": 250},
        {"start_time": 5, "end_time": 5, "iterations": 250},
        {"start_time": -5, "end_time": 5, "iterations": 250},
        {"start_time": 5.5, "end_time": 9, "iterations": 250},
        {"start_time": "x", "end_time": None, "iterations": True},
        {},
    ],
)
def test_a_window_without_two_laps_has_no_time(infer: dict[str, Any]) -> None:
    run = read_performance(mlc_json([mlc_record(0), mlc_record(1, infer=infer)]), "x")
    assert run.windows[1].seconds is None
    assert run.median_throughput is None


def test_accuracy() -> None:
    records = [mlc_record(k, "a") for k in range(30)]
    records[4]["infer"]["results"] = []
    records[5]["infer"]["results"] = [0.5, "x"]
    run = read_accuracy(mlc_json(records), "x")
    assert run.configuration.mode == "a"
    assert [sample.input_file for sample in run.samples] == [kws_file(k) for k in range(30)]
    assert run.samples[3].results == tuple(one_hot(3))
    assert [sample.results for sample in run.samples[4:6]] == [None, None]


EDGES = [[(0, 100), (1, 500), (2, 1500)], [(3, 400), (4, 1400)], [(5, 300), (6, 1300)]]


def test_energy() -> None:
    run, energy = read_energy(mlc_json(mlc_energy_records(EDGES)), "x")
    assert energy.windows is not None
    assert (energy.edges_expected, energy.edges_found) == (7, 7)
    assert run.first_edges == (1, 3, 5)
    assert (run.supply_voltage_v, run.set_voltage_v) == (None, 3.0)
    assert [window.seconds for window in energy.windows] == pytest.approx([1.0, 1.0, 1.0])
    assert [window.start_s for window in energy.windows] == [0.5, 2.4, 4.3]
    assert [window.energy_j for window in energy.windows] == pytest.approx([0.03] * 3)
    assert energy.windows[0].power_w == pytest.approx(0.03)
    assert energy.median_energy_per_inference_j == pytest.approx(0.03 / 250)
    assert energy.power_range_w == pytest.approx((0.03, 0.03))
    assert energy.trace_seconds == 6.0


def test_energy_without_extra_edges_at_the_beginning() -> None:
    _, energy = read_energy(mlc_json(mlc_energy_records([[(0, 500), (1, 1500)], *EDGES[1:]])), "x")
    assert energy.windows is None  # 0, 1, 3, 4, 5, 6: edge 2 is missing
    edges = [[(number - 1, at) for number, at in piece[-2:]] for piece in EDGES]
    _, energy = read_energy(mlc_json(mlc_energy_records(edges)), "x")
    assert energy.windows is not None
    assert (energy.edges_expected, energy.edges_found) == (6, 6)


@pytest.mark.parametrize(
    "lost", [(piece, k) for piece in range(3) for k in range(len(EDGES[piece])) if (piece, k) != (0, 0)]
)
def test_with_an_edge_lost_no_window_is_cut(lost: tuple[int, int]) -> None:
    edges = [[edge for k, edge in enumerate(piece) if (p, k) != lost] for p, piece in enumerate(EDGES)]
    _, energy = read_energy(mlc_json(mlc_energy_records(edges)), "x")
    assert energy.windows is None


@pytest.mark.parametrize(
    ("power", "message"),
    [
        (None, "record 1 has no power samples"),
        ({"samples": 3}, "record 1 has no power samples"),
        ({"samples": [1e-5, "x"]}, "that is no number"),
        ({"samples": [1e-5, -1e-5]}, "no power analyser measures"),
        ({"samples": [2.0]}, "no power analyser measures"),
        ({"samples": [1e400]}, "not JSON|that is no number"),
        ({"samples": [1e-5], "timestamps": [["00", 5]]}, "timestamp that is none"),
        ({"samples": [1e-5] * 9, "timestamps": [["00", 5], ["01", 4]]}, "timestamp that is none"),
        ({"samples": [1e-5], "timestamps": [7]}, "timestamp that is none"),
    ],
)
def test_a_trace_that_is_none(power: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_energy(mlc_json([mlc_record(0, "e", power=power)]).replace(b"Infinity", b"1e400"), "x")


def streaming(**changes: Any) -> bytes:
    """Two words; the device hears the first, misses the second, and hears twice where there is nothing."""
    infer = {
        "wav_file": "long_wav.wav",
        "detection_windows": [[10.0, 10.5], [50.0, 50.5]],
        "length_sec": 60.0,
        "detections": [1000, 13_499, 31_000, 31_900, 33_000, 45_000],
    }
    duty = {"start_times_s": [0.0, 0.032, 0.064], "stop_times_s": [0.016, 0.048, 0.080]}
    return json.dumps([{"infer": infer | changes, "dutycycle": duty, "mode": "p"}]).encode()


def test_streaming() -> None:
    run = read_streaming(streaming(), "x")
    assert run.detections is not None
    assert (run.detections.true_positives, run.detections.false_negatives) == (1, 1)
    assert run.detections.false_positives == 3  # 31.0 with 31.9, 33.0, 45.0
    assert (run.file, run.seconds) == ("long_wav.wav", 60.0)
    assert run.period_s == pytest.approx(0.032)
    assert run.duty_cycle == pytest.approx(0.5)
    assert run.throughput == pytest.approx(62.5)


def test_a_detection_counts_until_two_seconds_after_the_word() -> None:
    for time_ms, heard in ((10_999, 0), (11_000, 1), (13_500, 1), (13_501, 0)):
        run = read_streaming(streaming(detections=[1000, time_ms]), "x")
        assert run.detections is not None
        assert run.detections.true_positives == heard


@pytest.mark.parametrize(
    "changes",
    [{"detections": None}, {"detection_windows": [[1.0]]}, {"detection_windows": [[1.0, 2.0]] * 1001}],
)
def test_no_streaming_run(changes: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="wake words"):
        read_streaming(streaming(**changes), "x")
    with pytest.raises(DataError, match="one record"):
        read_streaming(b"[]", "x")


@pytest.mark.parametrize("content", [b"{}", b"[1]", b"[[]]", b'[{"file": "x"}]', b'[{"infer": 3}]'])
def test_no_results(content: bytes) -> None:
    for read in (read_performance, read_accuracy, read_energy, read_streaming):
        with pytest.raises(DataError, match=r"^x: "):
            read(content, "x")


KEYS = (
    "infer power samples timestamps file results start_time end_time mode iterations error dutycycle "
    "detections detection_windows start_times_s"
).split()

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
        )
    ),
    max_leaves=20,
)


@given(st.lists(ANYTHING, max_size=4))
def test_no_document_breaks_the_readers(document: list[Any]) -> None:
    content = json.dumps(document).encode()
    for read in (read_performance, read_accuracy, read_energy, read_streaming):
        with suppress(DataError):
            read(content, "x")


@given(st.lists(st.sampled_from(mlc_log(2).split(b"\r\n")) | st.binary(max_size=60), max_size=30))
def test_no_bytes_break_the_log_reader(lines: list[bytes]) -> None:
    read_log(b"\n".join(lines), "x")
