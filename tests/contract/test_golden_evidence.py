"""The rules about evidence, held against runs that MLPerf Tiny published."""

from __future__ import annotations

import csv
import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from evidence_fixtures import Files, changed, entry_of, finished
from tinybench.mlperf_tiny.labels import read_labels
from tinybench.results.schema import (
    DataRef,
    DeviceRef,
    Engine,
    Metric,
    ModelRef,
    Result,
    Source,
    TaskRef,
    Tool,
    Window,
)
from tinybench.results.store import describe_evidence
from tinybench.submissions.entry import Entry
from tinybench.submissions.recompute import Recomputed, recompute
from tinybench.submissions.rules import Examined, examine

SHARED = Path(os.environ.get("TINYBENCH_SHARED_DATA", Path(__file__).resolve().parents[3] / "shared/data"))
GOLDEN = SHARED / "golden_logs"

pytestmark = pytest.mark.skipif(not (GOLDEN / "index.csv").is_file(), reason="no published logs here")

SAMPLES = {"kws": 1000, "vww": 1000, "ic": 200, "ad": 248, "sww": None}
TARGETS = {"kws": 0.9, "vww": 0.8, "ic": 0.85, "ad": 0.85}

CASES = (
    "01_st_l4r5zi_kws_v1.2",
    "02_octoml_microtvm_cmsisnn_l4r5zi_ic_v1.0",
    "03_reference_tflm_l4r5zi_ic_v0.5",
    "04_syntiant_ndp120_ic_v1.2",
    "05_bosch_g0b1re_ic_v1.2",
    "07_st_h7a3_vww_v1.1",
    "09_st_l4r5zip_kws_v1.3_mlcrunner",
    "10_st_l4r5zip_sww_v1.3_mlcrunner",
)

EXPECTED = {case: set[str]() for case in CASES} | {
    # TB229: five images get nearly the same output, which none of them has in the accuracy run.
    "03_reference_tflm_l4r5zi_ic_v0.5": {"TB229", "TB324", "TB401"},
    "05_bosch_g0b1re_ic_v1.2": {"TB229"},
    "07_st_h7a3_vww_v1.1": {"TB301", "TB324", "TB401"},
}


@dataclass(frozen=True)
class Case:
    row: dict[str, str]
    files: Files
    labels: dict[str, int]

    def figure(self, column: str) -> float | None:
        return float(self.row[column]) if self.row[column] else None


def evidence_name(path: str) -> str:
    return path.replace("/", "-")


@cache
def case(name: str) -> Case:
    with (GOLDEN / "index.csv").open(newline="") as stream:
        row = next(row for row in csv.DictReader(stream) if row["id"] == name)
    files = {evidence_name(path): (GOLDEN / name / path).read_bytes() for path in row["files"].split()}
    old = "_v0.5" if row["task"] == "ic" and row["round"] == "v0.5" else ""
    path = GOLDEN / "labels" / f"{row['task']}01{old}_y_labels.csv"
    labels = read_labels(path.read_bytes(), path.name) if path.is_file() else {}
    return Case(row, files, labels)


def published(name: str) -> Result:
    """The result with the figures that were published, and the windows of the logs."""
    known = case(name)
    row, metrics = known.row, []
    speed, energy = known.figure("published_median_ips"), known.figure("published_energy_uj")
    for metric, value in (
        ("accuracy.top1", known.figure("published_top1")),
        ("accuracy.auc", known.figure("published_auc")),
        ("throughput", speed),
        ("latency.per_inference", None if speed is None else 1 / speed),
        ("energy.per_inference", None if energy is None else energy * 1e-6),
        *streamed(row),
    ):
        if value is not None:
            metrics.append(Metric.of(metric, value, "measured"))  # type: ignore[arg-type]
    volts, hertz = known.figure("emon_measured_voltage_mv"), known.figure("frequency_mhz")
    fields: dict[str, Any] = {
        "created": "2026-01-01T00:00:00Z",
        "tool": Tool(version="0.1.0", commit=None),
        "task": TaskRef(id=row["task"], version=None),
        "data": DataRef(
            split=f"mlperf-{SAMPLES[row['task']] or 'sww'}",
            dataset=f"{row['task']}01",
            dataset_sha256=None,
            samples=SAMPLES[row["task"]],
            limit=None,
        ),
        "model": ModelRef(name=row["task"], sha256=None, macs=None, parameters=None),
        "device": DeviceRef(
            id="published",
            board=None,
            chip=None,
            core=row["isa_core"],
            clock_hz=None if hertz is None else round(hertz * 1e6),
            supply_v=None if volts is None else volts / 1000,
            accelerator=None,
        ),
        "engine": Engine(
            name=row["engine_norm"], version=None, kernels=None, kernels_version=None, compiler=None
        ),
        "runner": "mlperf-tiny",
        "source": Source(
            kind="mlperf-tiny",
            round=row["round"],
            division=row["division"],  # type: ignore[arg-type]
            organisation=row["organization"],
            system=row["system"],
            repository=None,
            path=row["source_path"],
            licence="Apache-2.0",
            attribution="MLPerf Tiny",
            original={},
        ),
        "metrics": tuple(metrics),
        "unavailable": (),
        "windows": (),
        "layers": (),
        "evidence": describe_evidence(known.files),
        "notes": (),
        "target": TARGETS.get(row["task"]),
        "environment": None,
    }
    facts = recompute(entry_of(finished(fields), known.files))
    return finished(fields | {"windows": tuple(shown(facts))})


def streamed(row: dict[str, str]) -> list[tuple[str, float]]:
    """The figures of the streaming task."""
    if not row["sww"]:
        return []
    counts = re.match(r"SWW TP (\d+) FN (\d+) FP (\d+) ", row["sww"])
    assert counts is not None
    names = ("streaming.true_positives", "streaming.false_negatives", "streaming.false_positives")
    power_w = float(row["sww_power_mw"]) / 1000
    return [*zip(names, map(int, counts.groups()), strict=True), ("power.average", power_w)]


def shown(facts: Recomputed) -> list[Window]:
    """The windows as an importer would list them."""
    timed = [("performance", w, None) for w in (facts.performance.windows if facts.performance else ())]
    metered = [("energy", w, w.energy_j) for w in (facts.energy and facts.energy.windows) or ()]
    return [
        Window.model_validate(
            {
                "run": run,
                "index": window.index,
                "input": window.input_file,
                "inferences": window.inferences,
                "seconds": window.seconds,
                "joules": joules,
            }
        )
        for run, window, joules in (*timed, *metered)
    ]


@cache
def examined(name: str) -> Examined:
    known = case(name)
    return examine(entry_of(published(name), known.files), labels=known.labels)


@pytest.mark.parametrize("name", CASES)
def test_what_the_index_marks_is_found_and_nothing_else(name: str) -> None:
    found = examined(name)
    assert {finding.rule.code for finding in found.findings} == EXPECTED[name], found.findings


@pytest.mark.parametrize("name", CASES)
def test_windows_that_fail_the_ten_seconds_are_counted_as_in_the_index(name: str) -> None:
    known = case(name)
    messages = {finding.rule.code: finding.message for finding in examined(name).findings}
    for code, column in (
        ("TB301", "perf_windows_failing_10s_rule"),
        ("TB401", "energy_windows_failing_10s_rule"),
    ):
        failing = int(known.figure(column) or 0)
        assert (code in messages) == (failing > 0)
        if failing:
            assert messages[code].startswith(f"{failing} of 5 windows")


@pytest.mark.parametrize("name", [name for name in CASES if "sww" not in name])
def test_figures_are_recomputed_within_print_rounding(name: str) -> None:
    known, facts = case(name), examined(name).facts
    assert facts.performance is not None
    assert facts.performance.median_throughput == pytest.approx(
        known.figure("published_median_ips"), abs=5.01e-4
    )
    if (energy := known.figure("published_energy_uj")) is not None:
        assert facts.energy is not None
        assert facts.energy.median_energy_per_inference_j is not None
        assert facts.energy.median_energy_per_inference_j * 1e6 == pytest.approx(energy, abs=1e-3)
    if "accuracy-log.txt" in known.files:
        assert facts.accuracy is not None
        assert facts.accuracy.top1 == pytest.approx(known.figure("published_top1"), abs=5e-5)
        assert facts.accuracy.auc_eembc == pytest.approx(known.figure("recomputed_auc_eembc"), abs=5e-5)
        assert facts.accuracy.auc == pytest.approx(known.figure("recomputed_auc_sklearn"), abs=5e-5)


def test_image_labels_that_nobody_gives_leave_the_accuracy_open() -> None:
    name = "05_bosch_g0b1re_ic_v1.2"
    found = examine(entry_of(published(name), case(name).files))
    assert {finding.rule.code for finding in found.findings} == {"TB226", "TB229"}
    assert not found.evidence_checked


def test_accuracy_without_its_outputs_is_not_evidence_checked() -> None:
    """The index has the accuracy of case 07, but its outputs are not here."""
    assert examined("01_st_l4r5zi_kws_v1.2").evidence_checked
    assert not examined("07_st_h7a3_vww_v1.1").evidence_checked


@pytest.mark.parametrize("name", ["01_st_l4r5zi_kws_v1.2", "04_syntiant_ndp120_ic_v1.2"])
@pytest.mark.parametrize(("metric", "factor"), [("throughput", 1.01), ("energy.per_inference", 0.999)])
def test_a_changed_figure_of_a_real_run_is_found(name: str, metric: str, factor: float) -> None:
    result = published(name)
    metrics = tuple(
        Metric.of(m.name, m.value * factor, m.mode) if m.name == metric else m
        for m in result.metrics
        if m.name != "latency.per_inference"
    )
    entry: Entry = entry_of(changed(result, metrics=metrics), case(name).files)
    codes = {finding.rule.code for finding in examine(entry, labels=case(name).labels).findings}
    assert codes == {"TB308" if metric == "throughput" else "TB408"}


@pytest.mark.parametrize(
    ("metric", "value"),
    [("streaming.false_negatives", 5), ("throughput", 55.8), ("power.average", 0.0250)],
)
def test_a_changed_figure_of_the_streaming_run_is_found(metric: str, value: float) -> None:
    name = "10_st_l4r5zip_sww_v1.3_mlcrunner"
    kept = [m for m in published(name).metrics if m.name not in (metric, "latency.per_inference")]
    metrics = (*kept, Metric.of(metric, value, "measured"))  # type: ignore[arg-type]
    entry = entry_of(changed(published(name), metrics=metrics), case(name).files)
    (finding,) = examine(entry).findings
    assert finding.rule.code == "TB230"
    assert finding.message.startswith(f"{metric} is {value:g}, the evidence says ")


def test_the_throughput_of_a_streaming_run_with_energy_is_not_recomputed_here() -> None:
    """It is that of the energy run, of which results.txt alone is here."""
    found = examined("10_st_l4r5zip_sww_v1.3_mlcrunner")
    assert "streaming.true_positives" in found.facts.metrics
    assert "throughput" not in found.facts.metrics
    assert not found.evidence_checked
