"""The simulator against published hardware results with the same kernels.

Latency uses constants from documents only. Of the energy, one number of one profile was fitted: the mean
power of the four calibration rows.
"""

from __future__ import annotations

import csv
import re
import tomllib
from itertools import zip_longest
from pathlib import Path

import pytest

from tinybench import content, specs
from tinybench.mcusim.energy import run_power_w
from tinybench.mcusim.intervals import read_intervals
from tinybench.validation.cases import read_cases
from tinybench.validation.compare import Validation, is_calibration, is_current
from tinybench.validation.documents import generated_block, page_block
from tinybench.validation.intervals import intervals_toml
from tinybench.validation.published import Published, read_published

RENEW = "run 'make validate MODELS=...', which writes the page and the intervals anew"
CONTEXT = "### Beside other engines"


def test_the_calibration_rows_pass(validation: Validation) -> None:
    assert validation.failures() == ()
    tasks = sorted(row.published.task for row in validation.rows if is_calibration(row))
    assert tasks == ["ad", "ic", "kws", "vww"]
    for row in filter(is_calibration, validation.rows):
        assert row.error("latency") == pytest.approx(0, abs=0.15)
        assert row.error("energy") == pytest.approx(0, abs=0.15)
    summary = validation.summary("latency", is_calibration)
    assert summary is not None
    assert summary.mape < 0.08


def test_boards_that_nothing_was_fitted_on_are_predicted_better_than_by_a_constant(
    validation: Validation,
) -> None:
    summary = validation.summary(
        "latency", lambda row: is_current(row) and row.published.device in ("ek-ra6m4", "nrf5340-dk")
    )
    assert summary is not None
    assert summary.rows == 12
    assert summary.mape < summary.baseline_mape / 2
    assert abs(summary.worst_error) < 0.25


def test_the_fitted_current_is_the_mean_of_the_published_powers() -> None:
    rows = [row for row in read_published() if row.role == "calibration"]
    powers = [row.energy_j / row.latency_s for row in rows if row.energy_j]
    # The published energy and latency come from two runs of the firmware, up to 0.8 % apart.
    mean = sum(powers) / len(powers)
    assert run_power_w(specs.device("nucleo-l4r5zi")) == pytest.approx(mean, rel=0.005)


def test_the_shipped_intervals_follow_from_the_rows(validation: Validation) -> None:
    shipped = read_intervals(content.validation_dir() / "intervals.toml")
    computed = tomllib.loads(intervals_toml(validation).decode())
    assert len(shipped.interval) == len(computed["interval"]), RENEW
    for item, expected in zip(shipped.interval, computed["interval"], strict=True):
        written = item.model_dump(exclude_none=True)
        for key in ("factor", "rms_log_error"):
            assert written.pop(key) == pytest.approx(expected.pop(key), rel=2e-3), RENEW
        assert written == expected, RENEW


def test_the_shipped_cases_are_what_the_simulator_says(validation: Validation) -> None:
    shipped = {(case.source, case.task): case for case in read_cases()}
    assert len(shipped) == len(validation.rows), RENEW
    for row in validation.rows:
        case = shipped[row.published.source, row.published.task]
        assert case.latency_simulated_s == pytest.approx(row.latency_s(), rel=2e-3), RENEW
        energy_j = row.energy_j()
        expected = None if energy_j is None else pytest.approx(energy_j, rel=2e-3)
        assert case.energy_simulated_j == expected, RENEW


def test_the_methodology_page_is_current(validation: Validation, repository: Path) -> None:
    page = (repository / "site" / "docs" / "methodology.md").read_text(encoding="utf-8")
    written, context = generated_block(page).split(CONTEXT)
    computed = page_block(validation, specs.devices()).split(CONTEXT)[0]
    assert context.count("\n| ") > 10
    for line, expected in zip_longest(written.strip().splitlines(), computed.strip().splitlines()):
        assert _same_to_rounding(line or "", expected or ""), f"{line}\n{expected}\n{RENEW}"


def _same_to_rounding(line: str, expected: str) -> bool:
    """Equal but for one unit in the last place of a number."""
    number = re.compile(r"[+-]?\d+(?:\.\d+)?")
    pairs = list(zip_longest(number.findall(line), number.findall(expected), fillvalue="nan"))
    steps = [10 ** -len(a.partition(".")[2]) for a, _ in pairs]
    near = all(abs(float(a) - float(b)) <= 1.01 * step for (a, b), step in zip(pairs, steps, strict=True))
    return near and number.sub("#", line) == number.sub("#", expected)


def _key(row: Published) -> tuple[str, str, str, str]:
    return row.round, row.organisation, row.system, row.task


def test_the_shipped_facts_are_the_collected_ones(shared_data: Path) -> None:
    shipped = {_key(row): row for row in read_published()}
    with (shared_data / "published" / "mlperf_tiny_results.csv").open(newline="") as file:
        collected = {
            (row["round"], row["organization"], row["system"], row["task"]): row
            for row in csv.DictReader(file)
            if row["task"] in ("ad", "ic", "kws", "vww")
        }
    both = shipped.keys() & collected.keys()
    assert len(both) >= 200
    for key in both:
        ours, theirs = shipped[key], collected[key]
        assert ours.latency_s == pytest.approx(float(theirs["latency_ms"]) / 1e3, rel=1e-6)
        assert ours.clock_hz == float(theirs["frequency_mhz"]) * 1e6
        energy = theirs["energy_uj_per_inference"]
        assert ours.energy_j == (pytest.approx(float(energy) / 1e6) if energy else None)
        assert ours.source == f"mlcommons/tiny_results_{ours.round}/{theirs['source_path']}"
    # Not in the collection: two boards of three submissions.
    assert {shipped[key].device for key in shipped.keys() - both} == {"ek-ra6m4", "nrf5340-dk"}
    systems = {row.system.upper().replace("_", "-")[:14] for row in shipped.values()}
    for key, row in collected.items():
        if row["system"].upper().replace("_", "-")[:14] in systems:
            assert key in shipped, "a collected row of one of our boards is missing"
