"""Published runs with their logs: every figure comes out as it was published, every broken rule is found."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import pytest

import tinybench
from tinybench.results.schema import DeviceRef
from tinybench.submissions import manifest, scanning
from tinybench.submissions.importing.api import Import
from tinybench.submissions.importing.runs import Row

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


@dataclass(frozen=True)
class Golden:
    """One case: what the index says of it, and what was imported."""

    index: dict[str, str]
    imported: Import
    output: Path

    @property
    def row(self) -> Row:
        (row,) = self.imported.rows
        return row

    def number(self, column: str) -> float | None:
        text = self.index[column]
        return float(text) if text else None

    def value(self, name: str) -> float | None:
        return next((figure.value for figure in self.row.figures if figure.name == name), None)

    @property
    def codes(self) -> set[str]:
        return {found.rule.code for found in self.row.findings}


@pytest.fixture(scope="module", params=CASES)
def golden(
    request: pytest.FixtureRequest, shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Golden:
    root = shared_data / "golden_logs"
    with (root / "index.csv").open(newline="", encoding="utf-8") as file:
        index = {row["id"]: row for row in csv.DictReader(file)}
    assert set(index) == set(CASES)
    row = index[request.param]
    output = tmp_path_factory.mktemp("golden")
    imported = tinybench.import_mlperf_tiny(
        root / row["id"],
        output=output,
        round=row["round"],
        division="open" if row["division"] == "open" else "closed",
        organisation=row["organization"],
        system=row["system"],
        labels=root / "labels",
    )
    return Golden(row, imported, output)


def test_throughput(golden: Golden) -> None:
    published, imported = golden.number("published_median_ips"), golden.value("throughput")
    assert published is not None
    assert imported is not None
    assert round(imported, 3) == published
    latency = golden.value("latency.per_inference")
    assert latency == pytest.approx(1 / imported)
    # The table rounds the throughput first, to three decimals.
    assert latency == pytest.approx((golden.number("latency_ms") or 0) / 1e3, rel=0.0006 / published)


def test_energy(golden: Golden) -> None:
    published, recomputed = golden.number("published_energy_uj"), golden.number("recomputed_energy_uj")
    imported = golden.value("energy.per_inference")
    if published is None:
        assert imported is None
        return
    assert imported is not None
    assert recomputed is not None
    assert imported * 1e6 == pytest.approx(published, abs=0.001)
    assert imported * 1e6 == pytest.approx(recomputed, abs=0.001)
    windows = [window for window in golden.row.result.windows if window.run == "energy"]
    assert len(windows) == golden.number("energy_windows")


def test_accuracy(golden: Golden) -> None:
    top1, auc = golden.value("accuracy.top1"), golden.value("accuracy.auc")
    if "accuracy/log.txt" not in golden.index["files"]:
        assert (top1, auc) == (None, None)
        assert ("TB933" in golden.codes) == (golden.index["task"] != "sww")
        return
    assert top1 == golden.number("published_top1")
    assert top1 is not None
    assert round(top1 * 100, 1) == golden.number("recomputed_top1_pct")
    assert auc is not None
    by_mlcommons = golden.row.result.runner == "mlcommons-runner"
    recomputed = golden.number("recomputed_auc_sklearn" if by_mlcommons else "recomputed_auc_eembc")
    assert round(auc, 4) == recomputed
    assert round(auc, 3 if by_mlcommons else 2) == golden.number("published_auc")
    assert golden.row.result.data.samples == golden.number("accuracy_samples")


def test_power_of_a_stream(golden: Golden) -> None:
    published, imported = golden.number("sww_power_mw"), golden.value("power.average")
    if published is None:
        assert imported is None
    else:
        assert imported == pytest.approx(published / 1e3, abs=1e-9)
        assert golden.value("streaming.true_positives") == 44
        assert golden.value("streaming.false_negatives") == 6
        assert golden.value("streaming.false_positives") == 4


def test_supply(golden: Golden) -> None:
    measured, device = golden.number("emon_measured_voltage_mv"), golden.row.result.device
    assert isinstance(device, DeviceRef)
    if measured is not None:
        assert device.supply_v == measured / 1e3


def test_every_printed_figure_agrees_with_the_recomputed_one(golden: Golden) -> None:
    figures = golden.row.figures
    assert figures
    assert [figure for figure in figures if figure.agrees is False] == []


@pytest.mark.parametrize(
    ("column", "code"),
    [("perf_windows_failing_10s_rule", "TB301"), ("energy_windows_failing_10s_rule", "TB401")],
)
def test_each_violation_of_the_index_is_found(golden: Golden, column: str, code: str) -> None:
    assert (code in golden.codes) == bool(golden.number(column))


def test_evidence_is_checked_where_it_can_be(golden: Golden) -> None:
    broken = any(golden.number(f"{run}_windows_failing_10s_rule") for run in ("perf", "energy"))
    stream = golden.index["task"] == "sww"
    assert golden.row.evidence_checked == (not broken and not stream)


def test_the_task_is_known_by_the_log(golden: Golden) -> None:
    assert golden.row.result.task.id == golden.index["task"]


def test_all_evidence_is_kept(golden: Golden) -> None:
    folder = golden.output / golden.row.place.path
    scan = scanning.scan(folder)
    assert scan.findings == ()
    assert manifest.check(folder, scan.inventory).findings == ()
    kept = scan.inventory.evidence(golden.row.result.id)
    names = {name.removesuffix(".gz") for name in kept}
    assert names == {path.replace("/", "-") for path in golden.index["files"].split()}
    assert names == {item.name for item in golden.row.result.evidence}


def test_without_labels_the_printed_accuracy_is_called_printed(shared_data: Path) -> None:
    done = tinybench.import_mlperf_tiny(
        shared_data / "golden_logs" / "05_bosch_g0b1re_ic_v1.2",
        round="v1.2",
        division="closed",
        organisation="bosch",
        system="NUCLEO_G0B1RE_int8",
    )
    (row,) = done.rows
    accuracy = row.result.metric("accuracy.top1")
    assert accuracy is not None
    assert (accuracy.value, accuracy.note) == (0.875, "as printed by the runner, not recomputed")
    assert not row.evidence_checked
    assert "TB226" in {found.rule.code for found in row.findings}
