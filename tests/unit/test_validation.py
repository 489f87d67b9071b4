"""Errors, baselines, intervals and documents of the validation, on made-up figures."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from pathlib import Path

import pytest
from scipy.stats import t

from fakes import REPOSITORY
from tflite_builder import small_model
from tinybench import specs
from tinybench.cli import main
from tinybench.errors import ContentError, DataError, UsageError
from tinybench.mcusim.intervals import Intervals, read_intervals
from tinybench.results.schema import Metric
from tinybench.validation import compare, documents, figure
from tinybench.validation.cases import read_cases
from tinybench.validation.compare import Row, Validation
from tinybench.validation.intervals import intervals, intervals_toml, left_out
from tinybench.validation.published import Published, read_published
from tinybench.validation.simulate import (
    Case,
    Simulated,
    Simulations,
    case_of,
    find_models,
    simulate_cases,
)

HERE = "nucleo-l4r5zi"
THERE = "nrf5340-dk"
MACS = {"ad": 1_000_000, "kws": 4_000_000}


def published(task: str, latency_s: float, *, device: str = HERE, role: str = "prediction") -> Published:
    return Published.model_validate(
        {
            "round": "v1.0",
            "organisation": "Somebody",
            "system": device,
            "device": device,
            "engine": "an engine" if role == "context" else "microTVM",
            "kernels": "CMSIS-NN",
            "compiler": "",
            "clock_hz": 100_000_000,
            "task": task,
            "model_sha256": f"{sorted(MACS).index(task)}" * 64,
            "latency_s": latency_s,
            "energy_j": latency_s * 0.05 if device == HERE else "",
            "supply_v": 1.8 if device == HERE else "",
            "role": role,
            "interval": role != "context",
            "source": "mlcommons/tiny_results_v1.0/closed/Somebody",
        }
    )


def simulated(row: Published, latency_s: float) -> tuple[Case, Simulated]:
    case = case_of(row)
    assert case is not None
    here = row.device == HERE
    cycles = round(latency_s * row.clock_hz)
    return case, Simulated(cycles, MACS[row.task], latency_s, 0.05 if here else None, 1.8 if here else None)


@pytest.fixture
def validation() -> Validation:
    """Two calibration rows off by +10 % and -5 %, a repeat, and two rows of another board off by -20 %."""
    rows = [
        published("ad", 0.040, role="calibration"),
        published("kws", 0.100, role="calibration"),
        published("ad", 0.040),
        published("ad", 0.050, device=THERE),
        published("kws", 0.100, device=THERE),
        published("kws", 0.070, role="context"),
        published("kws", 0.070, device="not-a-board"),
    ]
    done = dict(
        simulated(row, latency)
        for row, latency in zip(rows, (0.044, 0.095, 0.044, 0.040, 0.080), strict=False)
    )
    return compare.compare(rows, Simulations(done, {}), specs.devices())


def test_errors_are_predicted_over_published_less_one(validation: Validation) -> None:
    errors = [row.error("latency") for row in validation.rows]
    assert errors == pytest.approx([0.1, -0.05, 0.1, -0.2, -0.2])
    assert [row.error("energy") for row in validation.rows] == pytest.approx([0.1, -0.05, 0.1, None, None])
    assert validation.rows[3].energy_unavailable == "not published"
    assert dict(validation.uncovered) == {"not-a-board has no profile": 1}
    summary = validation.summary("latency")
    assert summary is not None
    assert (summary.rows, summary.mape) == (5, pytest.approx(0.13))
    assert abs(summary.worst_error) == pytest.approx(0.2)


def test_the_baseline_is_one_constant_and_left_out_it_is_that_of_the_other_models(
    validation: Validation,
) -> None:
    # 4.0 and 2.5 cycles per MAC were published.
    assert validation.cycles_per_mac == pytest.approx(math.sqrt(4.0 * 2.5))
    ad, kws = validation.rows[:2]
    assert ad.error("latency", "baseline") == pytest.approx(math.sqrt(10) / 4 - 1)
    assert ad.error("latency", "leave_one_out") == pytest.approx(2.5 / 4 - 1)
    assert kws.error("latency", "leave_one_out") == pytest.approx(4 / 2.5 - 1)
    assert kws.error("energy", "baseline") == pytest.approx(math.sqrt(10) / 2.5 - 1)


def test_energy_at_another_supply_or_without_currents_is_not_compared(validation: Validation) -> None:
    row = validation.rows[0]
    for change, reason in (({"supply_v": 3.0}, "3 V"), ({"power_w": None}, "no currents")):
        other = dataclasses.replace(row.simulated, **change)
        case = case_of(row.published)
        assert case is not None
        found = compare.compare([row.published], Simulations({case: other}, {}), specs.devices())
        assert reason in str(found.rows[0].energy_unavailable)
        assert found.rows[0].error("energy") is None


def test_the_gate_names_what_is_off(validation: Validation) -> None:
    assert validation.failures() == ()

    def slower(row: Row, factor: float) -> Row:
        changed = dataclasses.replace(row.simulated, latency_s=row.simulated.latency_s * factor)
        return dataclasses.replace(row, simulated=changed)

    rows = tuple(slower(row, 1.06) for row in validation.rows)
    failures = dataclasses.replace(validation, rows=rows).failures()
    assert len(failures) == 3  # 16.6 % of latency and of energy of one row, and 8.7 % in the mean
    assert "latency of ad on nucleo-l4r5zi (v1.0, Somebody, microTVM) is off by +16.6%" in failures[0]
    rows = tuple(slower(row, 0.93) for row in validation.rows)
    assert dataclasses.replace(validation, rows=rows).failures() == ()


def test_without_calibration_rows_nothing_is_judged(validation: Validation) -> None:
    rows = [row.published for row in validation.rows if row.published.role != "calibration"]
    with pytest.raises(DataError, match="calibration row"):
        compare.compare(rows, validation.simulations, specs.devices())


def test_intervals_follow_the_stated_method(validation: Validation) -> None:
    found = {(item.metric.partition(".")[0], item.device): item for item in intervals(validation)}
    here = [math.log(1 / 1.1), math.log(1 / 0.95)]  # the repeat does not count twice
    rms = math.sqrt(sum(error**2 for error in here) / 2)
    assert found["latency", HERE].factor == pytest.approx(math.exp(t.ppf(0.975, 2) * rms))
    assert found["latency", HERE].cases == 2
    both = math.sqrt((rms**2 + math.log(0.8) ** 2) / 2)
    assert found["latency", None].rms_log_error == pytest.approx(both)
    assert found["latency", None].degrees_of_freedom == 2
    assert found["latency", None].basis == "4 published results on 2 other boards"
    # A current was fitted: one degree of freedom less, and nothing is known about other boards.
    assert found["energy", HERE].degrees_of_freedom == 1
    assert found["energy", HERE].rms_log_error == pytest.approx(rms * math.sqrt(2))
    assert ("energy", None) not in found
    left = left_out(validation, "latency")
    assert left is not None
    assert left.cases == 4
    assert left_out(validation, "energy") is None


def test_intervals_survive_their_file(validation: Validation, tmp_path: Path) -> None:
    path = tmp_path / "intervals.toml"
    path.write_bytes(intervals_toml(validation))
    read = read_intervals(path)
    for item, expected in zip(read.interval, intervals(validation), strict=True):
        assert item == expected.model_copy(
            update={"factor": round(expected.factor, 4), "rms_log_error": round(expected.rms_log_error, 4)}
        )
    board = specs.device(HERE)
    own = read.of("latency.per_inference", board.at_clock(100_000_000), "zig")
    other = read.of("latency.per_inference", board, "zig")
    assert own is not None
    assert other is not None
    assert (own.device, other.device) == (HERE, None)
    assert own.around(2.0) == (2.0 / own.factor, 2.0 * own.factor)
    assert read.of("latency.per_inference", board, "gcc") is None
    assert read.of("energy.per_inference", board, "zig") is None
    path.write_text(path.read_text().replace("\nfactor = ", "\nfactor = -", 1))
    with pytest.raises(ContentError, match=r"intervals\.toml: interval\.0\.factor"):
        read_intervals(path)


def test_the_shipped_intervals_can_be_read() -> None:
    from tinybench.mcusim.intervals import shipped_intervals

    assert isinstance(shipped_intervals(), Intervals)


def test_only_a_figure_that_nobody_measured_has_a_prediction_interval() -> None:
    metric = Metric.of("latency.per_inference", 1.0, "simulated", interval95=(0.8, 1.25))
    assert metric.model_dump()["interval95"] == (0.8, 1.25)
    assert "interval95" not in Metric.of("latency.per_inference", 1.0, "simulated").model_dump()
    with pytest.raises(ValueError, match="simulated and predicted"):
        Metric.of("latency.per_inference", 1.0, "measured", interval95=(0.8, 1.25))
    with pytest.raises(ValueError, match="lower, upper"):
        Metric.of("latency.per_inference", 1.0, "simulated", interval95=(2.0, 1.25))


def test_documents_say_the_same(validation: Validation, tmp_path: Path) -> None:
    written = documents.write_files(validation, tmp_path / "new" / "folder")
    assert [path.name for path in written] == ["validation.json", "validation.csv", "intervals.toml"]
    document = json.loads(written[0].read_bytes())
    assert document["rows"][0]["latency_error"] == pytest.approx(0.1)
    assert document["summaries"]["latency"]["calibration rows"]["mape"] == pytest.approx(0.075)
    assert len(written[1].read_text().splitlines()) == 1 + len(validation.rows)
    block = documents.page_block(validation, specs.devices())
    assert "| `ad` | v1.0 Somebody, microTVM | calibration | 40.00 ms | 44.00 ms | +10.0 % |" in block
    assert "not-a-board has no profile (1 rows)" in block


def test_only_the_generated_part_of_a_page_is_replaced() -> None:
    page = f"# Title\n\n{documents.BEGIN}\nold\n{documents.END}\n\nrest\n"
    new = documents.replace_block(page, "new\n", "page.md")
    assert new == page.replace("old", "new")
    assert documents.generated_block(new) == "new\n"
    with pytest.raises(ContentError, match=r"page\.md: the markers"):
        documents.replace_block("no markers", "new", "page.md")


def test_published_rows_that_are_broken_are_named(tmp_path: Path) -> None:
    shipped = read_published()
    assert {row.role for row in shipped} == {"calibration", "prediction", "context"}
    assert all(row.role == "context" or row.model_sha256 for row in shipped)
    path = tmp_path / "published.csv"
    path.write_text("round,task\nv1.0,chess\n")
    with pytest.raises(ContentError, match=r"published\.csv: line 2: "):
        read_published(path)
    with pytest.raises(ContentError, match="missing"):
        read_published(tmp_path / "missing.csv")


def test_models_are_found_by_content(tmp_path: Path) -> None:
    (tmp_path / "any name.tflite").write_bytes(small_model())
    import hashlib

    sha = hashlib.sha256(small_model()).hexdigest()
    assert find_models(tmp_path, [sha]) == {sha: tmp_path / "any name.tflite"}
    with pytest.raises(DataError, match="000000000000…"):
        find_models(tmp_path, [sha, "0" * 64])


def test_cases_are_simulated_once_and_an_illegal_clock_is_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(small_model())
    good, fast = Case(HERE, 80_000_000, "a" * 64), Case(HERE, 999_000_000, "a" * 64)
    elsewhere = Case("not-a-board", 1, "a" * 64)
    found = simulate_cases([good, good, fast, elsewhere], {"a" * 64: path}, specs.devices())
    assert set(found.done) == {good}
    assert found.done[good].latency_s == found.done[good].cycles / 80e6
    assert "does not run at 999 MHz" in found.refused[fast]


def test_the_figure_says_what_is_missing(validation: Validation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figure, "available", lambda: False)
    with pytest.raises(UsageError, match="matplotlib") as caught:
        figure.figure_svg(validation)
    assert "tinybench-suite[figures]" in str(caught.value.hint)


def test_the_figure_has_no_background_and_the_same_bytes(validation: Validation) -> None:
    pytest.importorskip("matplotlib", reason="the extra 'figures' is not installed")
    svg = figure.figure_svg(validation)
    assert svg == figure.figure_svg(validation)
    assert b"<svg" in svg
    assert b"latency, published [ms]" in svg


@pytest.fixture
def canned(validation: Validation, monkeypatch: pytest.MonkeyPatch) -> Validation:
    """The command without the simulator and without matplotlib."""
    monkeypatch.setattr(compare, "validate", lambda *args: validation)
    monkeypatch.setattr(figure, "available", lambda: False)
    return validation


def test_the_command_prints_and_writes(
    canned: Validation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{documents.BEGIN}\n{documents.END}\n")
    arguments = ["sim", "validate", "--models", str(tmp_path), "--page", str(page)]
    assert main([*arguments, "--output", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert "MAPE" in said.out
    assert "+10.0 %" in said.out
    assert "3.16 cycles per MAC" in said.out
    assert "pip install 'tinybench-suite[figures]'" in said.err
    assert "### Every published row" in page.read_text()
    assert (tmp_path / "out" / "intervals.toml").is_file()
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["failures"] == []


def test_the_command_fails_if_the_simulator_is_off(
    canned: Validation,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys.modules["tinybench.validation.compare"], "MAX_CALIBRATION_ERROR", 0.05)
    assert main(["sim", "validate", "--models", str(tmp_path)]) == 1
    assert "failed: latency of ad" in capsys.readouterr().err


def test_the_shipped_cases_are_those_of_the_methodology_page() -> None:
    page = (REPOSITORY / "site" / "docs" / "methodology.md").read_text()
    table = [line for line in documents.generated_block(page).splitlines() if "| prediction |" in line]
    table += [line for line in documents.generated_block(page).splitlines() if "| calibration |" in line]
    expected = []
    for case in read_cases():
        milli = [
            "–" if value is None else f"{value * 1e3:.{digits}f} {unit}"
            for value, digits, unit in (
                (case.latency_published_s, 2, "ms"),
                (case.latency_simulated_s, 2, "ms"),
                (case.energy_published_j, 3, "mJ"),
                (case.energy_simulated_j, 3, "mJ"),
            )
        ]
        expected.append(
            f"| `{case.device}` | `{case.task}` | {case.round} {case.organisation}, {case.engine} "
            f"| {case.role} | {milli[0]} | {milli[1]} | {documents.percent(case.latency_error)} "
            f"| {milli[2]} | {milli[3]} | {documents.percent(case.energy_error)} |"
        )
    assert sorted(expected) == sorted(table)
    published = {(row.source, row.task): row for row in read_published()}
    for case in read_cases():
        row = published[case.source, case.task]
        assert (case.latency_published_s, case.energy_published_j) == (row.latency_s, row.energy_j)
        assert (case.role, case.interval) == (row.role, row.interval)
        assert case.latency_error == pytest.approx(case.latency_simulated_s / case.latency_published_s - 1)


def test_cases_survive_their_file_and_a_broken_one_is_named(validation: Validation, tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_bytes(documents.to_csv(validation))
    for case, row in zip(read_cases(path), validation.rows, strict=True):
        assert case.latency_simulated_s == row.latency_s()
        assert case.energy_error == row.error("energy")
        assert case.interval is row.published.interval
    path.write_bytes(path.read_bytes().replace(b"calibration", b"guess", 1))
    with pytest.raises(ContentError, match=r"cases\.csv: line 2: role"):
        read_cases(path)
    with pytest.raises(ContentError, match="missing"):
        read_cases(tmp_path / "missing.csv")
