"""Logs as files: for each rule one entry that breaks nothing else; and nothing can be cut out of a log."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence_fixtures import (
    Files,
    changed,
    codes,
    entry_of,
    good_accuracy_log,
    measured_kws,
    mlcommons_kws,
    published_kws,
    replaced,
    with_metrics,
    without_line,
)
from tinybench.results.schema import Result
from tinybench.submissions.rules import examine

Broken = tuple[Result, Files]
PERFORMANCE, ENERGY = "performance-log.txt", "energy-log.txt"
EDGES = "energy-trace1-timestamps.json"


@cache
def good() -> Broken:
    return measured_kws()


@cache
def timed() -> Broken:
    """Published elsewhere, so that an accuracy without outputs is no finding."""
    result, files = published_kws()
    return result, {name: data for name, data in files.items() if not name.startswith("accuracy-")}


@cache
def timed_by_the_other_runner() -> Broken:
    result, files = mlcommons_kws()
    return result, {name: data for name, data in files.items() if not name.startswith("accuracy-")}


def without(files: Files, *names: str) -> Files:
    return {name: data for name, data in files.items() if name not in names}


def no_log_at_all() -> Broken:
    result, files = good()
    return result, files | {PERFORMANCE: b"it took 43 ms\n"}


def no_trace() -> Broken:
    result, files = good()
    return result, files | {"energy-trace1-energy.bin": b"\x7fELF"}


def edges_in_disorder() -> Broken:
    result, files = good()
    return result, files | {EDGES: json.dumps(sorted(json.loads(files[EDGES]), reverse=True)).encode()}


def no_table() -> Broken:
    result, files = good()
    return result, files | {"outputs.csv": files["outputs.csv"].replace(b",-128", b",x", 1)}


def no_json() -> Broken:
    result, files = mlcommons_kws()
    return result, files | {"performance-results.json": b"[NaN]"}


def end_missing() -> Broken:
    result, files = good()
    lines = files[PERFORMANCE].decode().split("\n")
    return result, files | {PERFORMANCE: "\n".join(lines[:-2]).encode()}


def done_missing() -> Broken:
    result, files = good()
    return result, files | {PERFORMANCE: without_line(files[PERFORMANCE], "m-infer-done", 4)}


def end_of_the_other_runner_missing() -> Broken:
    result, files = mlcommons_kws()
    return result, files | {PERFORMANCE: without_line(files[PERFORMANCE], "Session logged in file")}


def two_sessions() -> Broken:
    result, files = good()
    return result, files | {PERFORMANCE: files[PERFORMANCE] + b"\n" + files[PERFORMANCE]}


def error_of_the_device() -> Broken:
    result, files = good()
    return result, replaced(
        files,
        ENERGY,
        "[dut]: m-warmup-done",
        "[dut]: e-[Unknown command: foo]\n00090.000 io: [dut]: m-warmup-done",
        1,
    )


def error_among_the_records() -> Broken:
    result, files = mlcommons_kws()
    records = [*json.loads(files["performance-results.json"]), {"error": "no answer for 10 s"}]
    return result, files | {"performance-results.json": json.dumps(records).encode()}


def verdict_in_the_log() -> Broken:
    result, files = good()
    verdict = "00200.000 ulp-mlperf: e-[The run must take at least 10 seconds and 10 iterations to be valid]"
    lines = files[PERFORMANCE].decode().split("\n")
    return result, files | {PERFORMANCE: "\n".join([*lines[:-2], verdict, *lines[-2:]]).encode()}


def verdict_below_a_window() -> Broken:
    result, files = good()
    return result, replaced(
        files,
        "performance-results.txt",
        "Runtime requirements have been met.",
        "e-[The run must take at least 10 seconds and 10 iterations to be valid]",
        1,
    )


def verdict_of_the_other_runner() -> Broken:
    result, files = mlcommons_kws()
    said = files["performance-results.txt"] + b"ERROR 1 - loop_count was not exactly 5\n"
    return result, files | {"performance-results.txt": said}


def set_up_for_another_task() -> Broken:
    result, files = good()
    return result, replaced(files, PERFORMANCE, "key[model]-val[kws01]", "key[model]-val[vww01]")


def another_task_built_in() -> Broken:
    result, files = good()
    return result, replaced(files, ENERGY, "m-model-[kws01]", "m-model-[ad01]")


def timed_twice() -> Broken:
    result, files = good()
    return result, files | {"performance-results.json": mlcommons_kws()[1]["performance-results.json"]}


def metered_twice() -> Broken:
    result, files = good()
    return result, files | {"energy-results.json": b"[]"}


def scored_by_table_and_log() -> Broken:
    result, files = good()
    return result, files | {"accuracy-log.txt": good_accuracy_log(wrong=700).encode()}


def scored_by_both_runners() -> Broken:
    result, files = published_kws()
    return result, files | {"accuracy-results.json": b"[]"}


@pytest.mark.parametrize(
    ("code", "make"),
    [
        ("TB320", no_log_at_all),
        ("TB320", no_trace),
        ("TB320", edges_in_disorder),
        ("TB320", no_table),
        ("TB320", no_json),
        ("TB321", end_missing),
        ("TB321", done_missing),
        ("TB321", end_of_the_other_runner_missing),
        ("TB322", two_sessions),
        ("TB323", error_of_the_device),
        ("TB323", error_among_the_records),
        ("TB324", verdict_in_the_log),
        ("TB324", verdict_below_a_window),
        ("TB324", verdict_of_the_other_runner),
        ("TB325", set_up_for_another_task),
        ("TB325", another_task_built_in),
        ("TB326", timed_twice),
        ("TB326", metered_twice),
        ("TB326", scored_by_table_and_log),
        ("TB326", scored_by_both_runners),
    ],
)
def test_what_is_broken_is_found_and_nothing_else(code: str, make: Callable[[], Broken]) -> None:
    assert codes(*make()) == {code}


def test_an_unreadable_file_is_named_once() -> None:
    (finding,) = examine(entry_of(*no_trace())).findings
    assert finding.where == "results/example.json: energy-trace1-energy.bin"
    assert finding.message.startswith("is no power trace")


def test_line_ends_do_not_matter() -> None:
    result, files = timed()
    for name in (PERFORMANCE, ENERGY, "performance-results.txt", "energy-results.txt"):
        files = files | {name: files[name].replace(b"\n", b"\r\n")}
    assert codes(result, files) == set()


@pytest.mark.parametrize("make", [timed, timed_by_the_other_runner])
def test_what_the_properties_below_start_from_is_good(make: Callable[[], Broken]) -> None:
    assert codes(*make()) == set()


def cut(name: str, first: int, count: int, printed: bool) -> tuple[set[str], list[str]]:
    """The codes after ``count`` lines were cut out of a log, and these lines."""
    result, files = timed()
    lines = files[name].decode().split("\n")
    files = files | {name: "\n".join(lines[:first] + lines[first + count :]).encode()}
    if not printed:
        files = without(files, "performance-results.txt", "energy-results.txt")
    return codes(result, files), lines[first : first + count]


LINES = {name: len(timed()[1][name].decode().split("\n")) for name in (PERFORMANCE, ENERGY)}


@given(
    first=st.integers(0, LINES[PERFORMANCE] - 1),
    count=st.integers(1, LINES[PERFORMANCE]),
    printed=st.booleans(),
)
def test_no_lap_can_be_cut_out_of_a_performance_log(first: int, count: int, printed: bool) -> None:
    found, lines = cut(PERFORMANCE, first, count, printed)
    if any("m-lap-us" in line or "m-infer-" in line for line in lines):
        assert found


@given(first=st.integers(0, LINES[ENERGY] - 1), count=st.integers(1, LINES[ENERGY]), printed=st.booleans())
def test_no_window_can_be_cut_out_of_an_energy_log(first: int, count: int, printed: bool) -> None:
    found, lines = cut(ENERGY, first, count, printed)
    if any("m-infer-" in line for line in lines):
        assert found


def test_each_single_lap_is_missed() -> None:
    result, files = timed()
    for which in range(11):
        log = without_line(files[PERFORMANCE], "m-lap-us", which)
        assert codes(result, files | {PERFORMANCE: log}) == {"TB306"}


@given(where=st.integers(0, LINES[PERFORMANCE]), us=st.integers(0, 2**32 - 1))
def test_no_lap_can_be_added_to_a_performance_log(where: int, us: int) -> None:
    result, files = timed()
    lines = files[PERFORMANCE].decode().split("\n")
    lines.insert(where, f"00050.000 dut: m-lap-us-{us}")
    found = codes(result, files | {PERFORMANCE: "\n".join(lines).encode()})
    # Before the session begins and after it has ended, there is no run that it could belong to.
    assert found or where in (0, len(lines) - 1)


def test_each_single_edge_is_missed() -> None:
    result, files = timed()
    edges = json.loads(files[EDGES])
    for which in range(len(edges)):
        left = edges[:which] + edges[which + 1 :]
        assert codes(result, files | {EDGES: json.dumps(left).encode()}) == {"TB406"}


@given(data=st.data())
def test_no_edge_can_be_moved_by_more_than_a_sample(data: st.DataObject) -> None:
    """An edge that is moved changes the energy or the seconds of a window; the first one brackets none."""
    result, files = timed()
    edges = json.loads(files[EDGES])
    which = data.draw(st.integers(1, len(edges) - 1))
    by_ms = data.draw(st.integers(2, 1000)) * data.draw(st.sampled_from([-1, 1]))
    edges[which] = round(edges[which] + by_ms / 1000, 4)
    assert codes(result, files | {EDGES: json.dumps(edges).encode()})


@pytest.mark.parametrize("file", ["performance-results.json", "energy-results.json"])
@pytest.mark.parametrize("which", range(5))
@pytest.mark.parametrize("printed", [True, False])
def test_no_record_can_be_taken_out_of_results_json(file: str, which: int, printed: bool) -> None:
    result, files = timed_by_the_other_runner()
    records = json.loads(files[file])
    del records[which]
    files = files | {file: json.dumps(records).encode()}
    if not printed:
        files = without(files, "performance-results.txt", "energy-results.txt", PERFORMANCE, ENERGY)
    assert codes(result, files)


@pytest.mark.parametrize("which", range(5))
@pytest.mark.parametrize("key", ["start_time", "end_time", "iterations"])
def test_no_figure_can_be_taken_out_of_a_record(which: int, key: str) -> None:
    result, files = timed_by_the_other_runner()
    records = json.loads(files["performance-results.json"])
    del records[which]["infer"][key]
    assert codes(result, files | {"performance-results.json": json.dumps(records).encode()})


@pytest.mark.parametrize("which", range(5))
def test_no_edge_can_be_taken_out_of_a_record(which: int) -> None:
    result, files = timed_by_the_other_runner()
    records = json.loads(files["energy-results.json"])
    edges = records[which]["power"]["timestamps"]
    for edge in range(len(edges)):
        power = records[which]["power"] | {"timestamps": edges[:edge] + edges[edge + 1 :]}
        others = [record | {"power": power} if k == which else record for k, record in enumerate(records)]
        found = codes(result, files | {"energy-results.json": json.dumps(others).encode()})
        # What comes before the first window is not part of one: the pin moves there now and then.
        assert found or (which, edge) == (0, 0)


NAMES = tuple(sorted(timed()[1]))
OTHER_NAMES = tuple(sorted(timed_by_the_other_runner()[1]))
NUMBERS = [0, -1, 1e308, -1e308, 5e-324, 2**63, 10**30, "1", None, True, [], {}]


@given(data=st.data())
def test_whatever_the_evidence_holds_is_judged_and_never_raises(data: st.DataObject) -> None:
    make, names = data.draw(st.sampled_from([(timed, NAMES), (timed_by_the_other_runner, OTHER_NAMES)]))
    result, files = make()
    name = data.draw(st.sampled_from(names))
    content = files[name]
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 2000)))
    new = data.draw(
        st.binary(max_size=40) | st.sampled_from([b"9" * 18, b"-", b"1e999", b"\n", b"]", b"m-lap-us-7"])
    )
    codes(result, files | {name: content[:start] + new + content[end:]})


@settings(max_examples=50)
@given(data=st.data())
def test_whatever_results_json_holds_is_judged_and_never_raises(data: st.DataObject) -> None:
    result, files = timed_by_the_other_runner()
    name = data.draw(st.sampled_from(["performance-results.json", "energy-results.json"]))
    records = json.loads(files[name])
    record = records[data.draw(st.integers(0, 4))]
    part = record[data.draw(st.sampled_from([key for key in ("infer", "power") if key in record]))]
    part[data.draw(st.sampled_from(sorted(part)))] = data.draw(st.sampled_from(NUMBERS))
    codes(result, files | {name: json.dumps(records).encode()})


@given(
    seconds=st.floats(5e-324, 1e308),
    joules=st.floats(0, 1e308),
    # A figure between 0 and 1e-30 is none: the schema refuses it.
    figures=st.lists(st.just(0.0) | st.floats(1e-30, 1e308), min_size=4, max_size=4),
)
def test_whatever_figures_a_result_states_are_judged_and_never_raise(
    seconds: float, joules: float, figures: list[float]
) -> None:
    result, files = timed()
    windows = tuple(w.model_copy(update={"seconds": seconds, "joules": joules}) for w in result.windows)
    names = ("throughput", "latency_per_inference", "energy_per_inference", "power_active")
    stated = changed(with_metrics(result, **dict(zip(names, figures, strict=True))), windows=windows)
    assert codes(stated, files)
    codes(stated, {})
