"""Windows, timestamps, latency: for each rule one entry that breaks nothing else."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from evidence_fixtures import (
    PERFORMANCE_US,
    Files,
    changed,
    codes,
    entry_of,
    later,
    measured_kws,
    mlcommons_kws,
    performance_windows,
    published_kws,
    replaced,
    with_metrics,
    without_line,
)
from evidence_logs import EnergyRunnerLog, kws_file, one_hot
from tinybench.results.schema import Metric, Result
from tinybench.submissions.rules import examine

Broken = tuple[Result, Files]


@cache
def good() -> Broken:
    return measured_kws()


@pytest.mark.parametrize("make", [measured_kws, published_kws, mlcommons_kws])
def test_a_complete_result_has_no_finding_and_is_evidence_checked(make: Callable[[], Broken]) -> None:
    result, files = make()
    found = examine(entry_of(result, files))
    assert found.findings == ()
    assert found.evidence_checked


def short_windows() -> Broken:
    return measured_kws(microseconds=[9_940_000 + k for k in range(5)], iterations=230, printed=False)


def few_inferences() -> Broken:
    return measured_kws(
        microseconds=[10_800_000 + k for k in range(5)], iterations=9, energy_ms=(), printed=False
    )


def four_windows_lost() -> Broken:
    return measured_kws(microseconds=[12_960_000])


def one_input() -> Broken:
    result, files = good()
    files = replaced(files, "performance-log.txt", kws_file(3), kws_file(1))
    windows = tuple(
        window.model_copy(update={"input": kws_file(1)})
        if window.run == "performance" and window.index == 4
        else window
        for window in result.windows
    )
    return changed(result, windows=windows), files


def unnamed_input() -> Broken:
    result, files = good()
    log = without_line(files["performance-log.txt"], 'Command "bload', 2)
    windows = tuple(
        window.model_copy(update={"input": None})
        if window.run == "performance" and window.index == 3
        else window
        for window in result.windows
    )
    return changed(result, windows=windows), files | {"performance-log.txt": log}


def other_count_configured() -> Broken:
    result, files = good()
    return result, replaced(
        files, "performance-log.txt", "key[iterInfer]-val[300]", "key[iterInfer]-val[299]"
    )


def count_missing() -> Broken:
    result, files = good()
    return result, files | {
        "performance-log.txt": without_line(files["performance-log.txt"], "m-infer-start", 3)
    }


def lap_missing() -> Broken:
    result, files = good()
    return result, files | {"performance-log.txt": without_line(files["performance-log.txt"], "m-lap-us", 4)}


def first_timestamp_missing() -> Broken:
    result, files = good()
    return result, files | {"performance-log.txt": without_line(files["performance-log.txt"], "m-lap-us", 0)}


def lap_of_another_window() -> Broken:
    """The end of window 2 was lost, and a pause later somebody counted laps off: three in one bracket."""
    result, files = good()
    lines = files["performance-log.txt"].decode().split("\n")
    laps = [number for number, line in enumerate(lines) if "m-lap-us" in line]
    lines[laps[3]], lines[laps[5] + 1] = "", lines[laps[5] + 1] + "\n" + lines[laps[4]]
    return result, files | {"performance-log.txt": "\n".join(lines).encode()}


def host_is_ahead() -> Broken:
    result, files = good()
    return result, files | {"performance-log.txt": later(files["performance-log.txt"], "m-lap-us", 3, 0.4)}


def other_throughput() -> Broken:
    result, files = good()
    return with_metrics(result, throughput=23.2, latency_per_inference=1 / 23.2), files


def only_latency_and_wrong() -> Broken:
    result, files = good()
    return with_metrics(result, throughput=None, latency_per_inference=0.042), files


def other_windows() -> Broken:
    result, files = good()
    seconds = [us / 1e6 for us in (12_960_000, 12_950_000, 12_970_000, 12_955_000, 12_966_000)]
    energy = [window for window in result.windows if window.run == "energy"]
    return changed(result, windows=(*performance_windows(seconds), *energy)), files


def joules_in_a_performance_window() -> Broken:
    result, files = good()
    first, *others = result.windows
    return changed(result, windows=(first.model_copy(update={"joules": 1e-9}), *others)), files


def no_time_at_all() -> Broken:
    result, files = good()
    kept = [
        metric for metric in result.metrics if not metric.name.startswith(("throughput", "latency", "power"))
    ]
    return changed(result, metrics=(*kept, Metric.of("latency.per_inference", 0.0, "measured"))), files


def windows_not_listed() -> Broken:
    result, files = good()
    return changed(result, windows=tuple(w for w in result.windows if w.run == "energy")), files


def no_median_of_its_own_windows() -> Broken:
    result, files = published_kws()
    files = {name: data for name, data in files.items() if not name.startswith("performance-")}
    return with_metrics(result, throughput=23.2, latency_per_inference=1 / 23.2), files


def print_of_another_median() -> Broken:
    result, files = good()
    return result, replaced(
        files, "performance-results.txt", "Median throughput is 23.148", "Median throughput is 23.149"
    )


def print_of_another_window() -> Broken:
    result, files = good()
    return result, replaced(files, "performance-results.txt", "12.970 sec", "12.971 sec")


def log_of_the_other_runner_differs() -> Broken:
    result, files = mlcommons_kws()
    return result, replaced(files, "performance-log.txt", "     10.862 sec.", "     10.861 sec.", 1)


def no_performance_log() -> Broken:
    result, files = good()
    return result, {name: data for name, data in files.items() if not name.startswith("performance-")}


def two_latencies() -> Broken:
    result, files = good()
    return with_metrics(result, latency_per_inference=0.042), files


def no_evidence() -> Broken:
    return good()[0], {}


@pytest.mark.parametrize(
    ("code", "make"),
    [
        ("TB300", no_evidence),
        ("TB301", short_windows),
        ("TB302", few_inferences),
        ("TB303", four_windows_lost),
        ("TB304", one_input),
        ("TB304", unnamed_input),
        ("TB305", other_count_configured),
        ("TB305", count_missing),
        ("TB306", lap_missing),
        ("TB306", first_timestamp_missing),
        ("TB306", lap_of_another_window),
        ("TB307", host_is_ahead),
        ("TB308", other_throughput),
        ("TB308", only_latency_and_wrong),
        ("TB309", other_windows),
        ("TB308", no_time_at_all),
        ("TB309", windows_not_listed),
        ("TB309", joules_in_a_performance_window),
        ("TB310", no_median_of_its_own_windows),
        ("TB311", print_of_another_median),
        ("TB311", print_of_another_window),
        ("TB311", log_of_the_other_runner_differs),
        ("TB312", no_performance_log),
        ("TB313", two_latencies),
    ],
)
def test_what_is_broken_is_found_and_nothing_else(code: str, make: Callable[[], Broken]) -> None:
    assert codes(*make()) == {code}


def test_windows_that_nothing_supports_are_found_without_a_figure() -> None:
    result, files = good()
    unheard = {name: data for name, data in files.items() if not name.startswith("performance-")}
    figures = with_metrics(result, latency_per_inference=None, throughput=None)
    assert codes(figures, unheard) == {"TB312"}


def test_a_figure_that_was_not_measured_is_not_evidence_checked() -> None:
    result, files = good()
    modes = {"energy.per_inference": "predicted", "power.active": "predicted"}
    mixed = [Metric.of(m.name, m.value, modes.get(m.name, m.mode)) for m in result.metrics]
    assert examine(entry_of(result, files)).evidence_checked
    assert not examine(entry_of(changed(result, metrics=tuple(mixed)), files)).evidence_checked


@pytest.mark.parametrize("make", [lap_missing, other_throughput, no_performance_log, no_evidence])
def test_what_was_not_recomputed_or_is_wrong_is_not_evidence_checked(make: Callable[[], Broken]) -> None:
    assert not examine(entry_of(*make())).evidence_checked


def test_short_windows_are_one_finding_with_their_number_and_the_shortest() -> None:
    us = [12_960_000, 9_000_000, 12_970_000, 8_500_000, 12_965_000]
    result, files = measured_kws(microseconds=us, energy_ms=(), printed=False)
    (finding,) = examine(entry_of(result, files)).findings
    assert finding.message == "2 of 5 windows are shorter than 10 s; the shortest takes 8.500 s"


@pytest.mark.parametrize(
    ("throughput", "what"),
    [
        (300 * (1 / 12.96 + 1 / 12.95 + 1 / 12.97 + 1 / 12.955 + 1 / 12.965) / 5, "mean"),
        (300 / 12.95, "highest"),
    ],
)
def test_a_mean_or_the_best_window_in_place_of_the_median_is_called_so(throughput: float, what: str) -> None:
    result, files = good()
    result = with_metrics(result, throughput=throughput, latency_per_inference=1 / throughput)
    (finding,) = examine(entry_of(result, files)).findings
    assert finding.rule.code == "TB308"
    assert finding.message.endswith(f"it is the {what} of the windows, not their median")


def test_figures_may_be_rounded_as_the_runners_print_them() -> None:
    result, files = good()
    assert codes(with_metrics(result, throughput=23.148, latency_per_inference=1 / 23.148), files) == set()
    assert codes(with_metrics(result, throughput=23.1484, latency_per_inference=1 / 23.1484), files) == {
        "TB308"
    }


def test_what_was_published_elsewhere_need_not_have_evidence() -> None:
    result, _ = published_kws()
    assert codes(result, {}) == set()
    assert not examine(entry_of(result, {})).evidence_checked


def test_a_clock_that_starts_anew_within_a_window_is_no_lost_lap() -> None:
    result, files = good()
    log = EnergyRunnerLog()
    log.lap_us = 2**32 - 5_000_000
    for k, us in enumerate(PERFORMANCE_US):
        log.window(kws_file(k), us, one_hot(k))
    assert codes(result, files | {"performance-log.txt": log.stop().encode()}) == set()


@pytest.mark.parametrize(("us", "found"), [(10_000_000, set()), (9_999_999, {"TB301"})])
def test_ten_seconds_are_enough(us: int, found: set[str]) -> None:
    result, files = measured_kws(microseconds=[us + k for k in range(5)], energy_ms=(), printed=False)
    assert codes(result, files) == found


def test_a_window_that_is_too_short_is_never_shown_as_ten_seconds() -> None:
    us = [9_999_600, *[12_000_000 + k for k in range(4)]]
    result, files = measured_kws(microseconds=us, energy_ms=(), printed=False)
    (finding,) = examine(entry_of(result, files)).findings
    assert finding.message.endswith("the shortest takes 9.9996 s")


@pytest.mark.parametrize(("iterations", "found"), [(10, set()), (9, {"TB302"})])
def test_ten_inferences_are_enough(iterations: int, found: set[str]) -> None:
    us = [12_000_000 + k for k in range(5)]
    result, files = measured_kws(microseconds=us, iterations=iterations, energy_ms=(), printed=False)
    assert codes(result, files) == found


@pytest.mark.parametrize(
    ("by_s", "found"), [(0.25, set()), (0.27, {"TB307"}), (-0.25, set()), (-0.27, {"TB307"})]
)
def test_two_percent_between_the_clocks_are_allowed(by_s: float, found: set[str]) -> None:
    """Of 12.95 s: 0.26 s."""
    result, files = good()
    log = later(files["performance-log.txt"], "m-lap-us", 3, by_s)
    assert codes(result, files | {"performance-log.txt": log}) == found
