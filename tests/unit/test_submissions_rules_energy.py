"""Energy, its windows, edges and trace: for each rule one entry that breaks nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from evidence_fixtures import (
    Files,
    changed,
    codes,
    entry_of,
    later,
    measured_kws,
    mlcommons_kws,
    published_kws,
    replaced,
    with_metrics,
    without_line,
)
from evidence_logs import kws_file
from tinybench.results.schema import Result, Window
from tinybench.submissions.rules import examine

Broken = tuple[Result, Files]

TRACE = "energy-trace1-energy.bin"
EDGES = "energy-trace1-timestamps.json"


@cache
def good() -> Broken:
    return measured_kws()


def energy_window(result: Result, index: int, **changes: object) -> Result:
    """The result with one of its energy windows changed."""

    def new(window: Window) -> Window:
        hit = window.run == "energy" and window.index == index
        return window.model_copy(update=changes) if hit else window

    return changed(result, windows=tuple(map(new, result.windows)))


def short_windows() -> Broken:
    return measured_kws(energy_ms=[9_940 + k for k in range(5)], energy_iterations=230, printed=False)


def few_inferences() -> Broken:
    slow_us, slow_ms = [12_000_000 + k for k in range(5)], [10_800 + k for k in range(5)]
    return measured_kws(
        microseconds=slow_us, iterations=10, energy_ms=slow_ms, energy_iterations=9, printed=False
    )


def three_windows() -> Broken:
    return measured_kws(energy_ms=[12_950, 12_945, 12_955])


def one_input() -> Broken:
    result, files = good()
    return energy_window(result, 4, input=kws_file(1)), replaced(
        files, "energy-log.txt", kws_file(3), kws_file(1)
    )


def other_count_configured() -> Broken:
    result, files = good()
    return result, replaced(files, "energy-log.txt", "key[iterInfer]-val[300]", "key[iterInfer]-val[299]")


def count_missing() -> Broken:
    result, files = good()
    return result, files | {"energy-log.txt": without_line(files["energy-log.txt"], "m-infer-start", 3)}


def edge_missing() -> Broken:
    result, files = good()
    edges = json.loads(files[EDGES])
    return result, files | {EDGES: json.dumps(edges[:4] + edges[5:]).encode()}


def edge_too_many() -> Broken:
    result, files = good()
    edges = json.loads(files[EDGES])
    return result, files | {EDGES: json.dumps([*edges[:4], edges[3] + 0.0001, *edges[4:]]).encode()}


def edge_of_the_other_runner_missing() -> Broken:
    result, files = mlcommons_kws()
    records = json.loads(files["energy-results.json"])
    del records[2]["power"]["timestamps"][0]
    return result, files | {"energy-results.json": json.dumps(records).encode()}


def edge_number_of_the_other_runner_missing() -> Broken:
    """As many edges as expected, but one was lost and another one is not of a window."""
    result, files = mlcommons_kws()
    records = json.loads(files["energy-results.json"])
    for record in records[2:]:
        for edge in record["power"]["timestamps"]:
            edge[0] = f"{int(edge[0]) + 1:02d}"
    return result, files | {"energy-results.json": json.dumps(records).encode()}


def host_is_ahead() -> Broken:
    result, files = good()
    return result, files | {"energy-log.txt": later(files["energy-log.txt"], "m-infer-start", 1, 0.4)}


def other_energy() -> Broken:
    result, files = good()
    energy = result.metric("energy.per_inference")
    assert energy is not None
    return with_metrics(result, energy_per_inference=energy.value + 2e-9), files


def other_joules() -> Broken:
    result, files = good()
    return energy_window(result, 2, joules=0.5437), files


def windows_not_listed() -> Broken:
    result, files = good()
    return changed(result, windows=tuple(w for w in result.windows if w.run == "performance")), files


def no_median_of_its_own_windows() -> Broken:
    result, files = published_kws()
    files = {name: data for name, data in files.items() if not name.startswith("energy-")}
    return with_metrics(result, energy_per_inference=0.0018), files


def print_of_another_median() -> Broken:
    result, files = good()
    lines = files["energy-results.txt"].decode().split("\n")
    at = next(k for k, line in enumerate(lines) if "Median energy cost" in line)
    lines[at] = "00245.273 ulp-ml: Median energy cost is 1800.000 uJ/inf."
    return result, files | {"energy-results.txt": "\n".join(lines).encode()}


def print_of_another_window() -> Broken:
    result, files = good()
    return result, replaced(files, "energy-results.txt", "  547137.500 uJ", "  547137.501 uJ")


def print_of_another_throughput() -> Broken:
    result, files = good()
    return result, replaced(
        files, "energy-results.txt", "Median throughput is 23.166", "Median throughput is 23.266"
    )


def no_trace() -> Broken:
    result, files = good()
    return result, {name: data for name, data in files.items() if name != TRACE}


def windows_without_a_run() -> Broken:
    result, files = good()
    kept = {name: data for name, data in files.items() if not name.startswith("energy-")}
    return with_metrics(result, energy_per_inference=None, power_active=None), kept


def trace_ends_early() -> Broken:
    result, files = good()
    return result, files | {TRACE: files[TRACE][: -4 * 3000]}


def slow_trace() -> Broken:
    result, files = measured_kws(energy_ms=(12_950, 12_944, 12_956, 12_940, 12_960))
    every_second = np.frombuffer(files[TRACE][5:], "<f4")[::2]
    return result, files | {TRACE: b"\xf1" + np.float32(500).tobytes() + every_second.tobytes()}


def other_power() -> Broken:
    result, files = good()
    return with_metrics(result, power_active=0.043), files


def other_power_than_the_windows() -> Broken:
    result, files = published_kws()
    files = {name: data for name, data in files.items() if not name.startswith("energy-")}
    return with_metrics(result, power_active=0.040), files


def faster_energy_run() -> Broken:
    return measured_kws(energy_ms=(12_200, 12_205, 12_210, 12_215, 12_220))


def supply_not_stated() -> Broken:
    result, files = good()
    silent = result.device.model_copy(update={"supply_v": None})
    log = without_line(files["energy-log.txt"], "m-voltage-mv")
    return changed(result, device=silent), files | {"energy-log.txt": log}


def other_supply() -> Broken:
    result, files = good()
    return changed(result, device=result.device.model_copy(update={"supply_v": 3.3})), files


@pytest.mark.parametrize(
    ("code", "make"),
    [
        ("TB401", short_windows),
        ("TB402", few_inferences),
        ("TB403", three_windows),
        ("TB404", one_input),
        ("TB405", other_count_configured),
        ("TB405", count_missing),
        ("TB406", edge_missing),
        ("TB406", edge_too_many),
        ("TB406", edge_of_the_other_runner_missing),
        ("TB406", edge_number_of_the_other_runner_missing),
        ("TB407", host_is_ahead),
        ("TB408", other_energy),
        ("TB409", other_joules),
        ("TB409", windows_not_listed),
        ("TB410", no_median_of_its_own_windows),
        ("TB411", print_of_another_median),
        ("TB411", print_of_another_window),
        ("TB411", print_of_another_throughput),
        ("TB412", no_trace),
        ("TB412", windows_without_a_run),
        ("TB420", trace_ends_early),
        ("TB421", slow_trace),
        ("TB422", other_power),
        ("TB422", other_power_than_the_windows),
        ("TB423", faster_energy_run),
        ("TB424", supply_not_stated),
        ("TB425", other_supply),
    ],
)
def test_what_is_broken_is_found_and_nothing_else(code: str, make: Callable[[], Broken]) -> None:
    assert codes(*make()) == {code}


@pytest.mark.parametrize("make", [edge_missing, other_energy, no_trace, trace_ends_early])
def test_energy_that_was_not_recomputed_or_is_wrong_is_not_evidence_checked(
    make: Callable[[], Broken],
) -> None:
    assert not examine(entry_of(*make())).evidence_checked


def test_a_result_without_energy_needs_no_energy_run() -> None:
    result, files = measured_kws(energy_ms=())
    found = examine(entry_of(result, files))
    assert found.findings == ()
    assert found.evidence_checked


def test_pauses_are_never_taken_for_windows() -> None:
    """Without the first edge, counting off would pair each end of a window with the start of the next."""
    result, files = good()
    edges = json.loads(files[EDGES])
    found = examine(entry_of(result, files | {EDGES: json.dumps(edges[1:]).encode()}))
    assert [finding.rule.code for finding in found.findings] == ["TB406"]
    assert found.facts.energy is not None
    assert found.facts.energy.windows is None


def test_five_percent_between_the_runs_are_allowed() -> None:
    result, files = measured_kws(energy_ms=[12_350 + k for k in range(5)])
    assert codes(result, files) == set()


def test_ten_seconds_between_two_edges_are_enough() -> None:
    assert 16.112 - 6.112 < 10  # in floats
    result, _ = good()
    exactly = changed(
        result,
        windows=tuple(
            window.model_copy(
                update={"seconds": 16.112 - 6.112 if window.run == "energy" else window.seconds}
            )
            for window in result.windows
        ),
    )
    assert "TB401" not in codes(exactly, {})


def test_the_message_names_both_energies() -> None:
    result, files = good()
    (finding,) = examine(entry_of(with_metrics(result, energy_per_inference=0.0018), files)).findings
    assert finding.message.startswith("states 1800.000 µJ, the trace says 182")
