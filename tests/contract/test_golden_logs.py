"""The readers against published runs of MLPerf Tiny: what is recomputed is what was published."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tinybench.meters.eembc import read_timestamps, read_trace
from tinybench.mlperf_tiny import accuracy, energyrunner, python_runner
from tinybench.mlperf_tiny.labels import label_of, read_labels
from tinybench.mlperf_tiny.printed import Printed, read_printed
from tinybench.mlperf_tiny.runs import AccuracyRun, Energy, EnergyRun, PerformanceRun


@dataclass(frozen=True)
class Case:
    """One published run and its row of the index."""

    folder: Path
    row: dict[str, str]

    @property
    def python(self) -> bool:
        return self.row["id"].endswith("_mlcrunner")

    def number(self, column: str) -> float:
        return float(self.row[column])

    def has(self, kind: str) -> bool:
        return (self.folder / kind).is_dir()

    def read(self, *path: str) -> bytes:
        return self.folder.joinpath(*path).read_bytes()

    def printed(self, kind: str) -> Printed:
        return read_printed(self.read(kind, "results.txt"), "results.txt")

    def log(self, kind: str) -> python_runner.Log:
        return python_runner.read_log(self.read(kind, "log.txt"), "log.txt")

    def performance(self) -> PerformanceRun:
        if self.python:
            data = self.read("performance", "results.json")
            return python_runner.read_performance(data, "results.json", self.log("performance"))
        return energyrunner.read_performance(self.read("performance", "log.txt"), "log.txt")

    def accuracy(self) -> AccuracyRun:
        if self.python:
            data = self.read("accuracy", "results.json")
            return python_runner.read_accuracy(data, "results.json", self.log("accuracy"))
        return energyrunner.read_accuracy(self.read("accuracy", "log.txt"), "log.txt")

    def energy(self) -> tuple[EnergyRun, Energy]:
        if self.python:
            data = self.read("energy", "results.json")
            return python_runner.read_energy(data, "results.json", self.log("energy"))
        run = energyrunner.read_energy(self.read("energy", "log.txt"), "log.txt")
        trace = read_trace(self.read("energy", "trace1-energy.bin"), "trace1-energy.bin")
        edges = read_timestamps(self.read("energy", "trace1-timestamps.json"), "trace1-timestamps.json")
        return run, energyrunner.measure_energy(run, trace, edges)


STREAMING = "10_st_l4r5zip_sww_v1.3_mlcrunner"
IDS = (
    "01_st_l4r5zi_kws_v1.2",
    "02_octoml_microtvm_cmsisnn_l4r5zi_ic_v1.0",
    "03_reference_tflm_l4r5zi_ic_v0.5",
    "04_syntiant_ndp120_ic_v1.2",
    "05_bosch_g0b1re_ic_v1.2",
    "07_st_h7a3_vww_v1.1",
    "09_st_l4r5zip_kws_v1.3_mlcrunner",
)
ENERGY = tuple(name for name in IDS if not name.startswith("05"))
ACCURACY = tuple(name for name in IDS if not name.startswith("07"))


@pytest.fixture(scope="module")
def cases(shared_data: Path) -> dict[str, Case]:
    folder = shared_data / "golden_logs"
    with (folder / "index.csv").open(newline="") as file:
        return {row["id"]: Case(folder / row["id"], row) for row in csv.DictReader(file)}


def test_every_case_is_tested(cases: dict[str, Case]) -> None:
    assert set(cases) == {*IDS, STREAMING}
    assert {name for name in IDS if cases[name].has("energy")} == set(ENERGY)
    assert {name for name in IDS if cases[name].has("accuracy")} == set(ACCURACY)


@pytest.mark.parametrize("name", IDS)
def test_performance(cases: dict[str, Case], name: str) -> None:
    case = cases[name]
    run, printed = case.performance(), case.printed("performance")
    assert run.complete
    assert (run.sessions, run.errors) == (1, ())
    assert run.model == f"{case.row['task']}01"
    assert run.median_throughput is not None
    assert printed.median_throughput is not None
    assert printed.median_throughput.value == case.number("published_median_ips")
    assert printed.median_throughput.agrees(run.median_throughput)
    assert len(run.windows) == len(printed.windows) == case.number("perf_windows") == 5
    seconds = [window.seconds or 0.0 for window in run.windows]
    assert min(seconds) == pytest.approx(case.number("perf_min_window_s"), abs=0.0005)
    failing = case.number("perf_windows_failing_10s_rule")
    assert sum(not window.valid for window in printed.windows) == failing
    assert (
        sum(s < 10 or (w.inferences or 0) < 10 for s, w in zip(seconds, run.windows, strict=True)) == failing
    )
    for window, shown in zip(run.windows, printed.windows, strict=True):
        assert window.inferences == shown.inferences == run.configuration.iterations
        assert shown.seconds is not None
        assert shown.seconds.agrees(window.seconds or 0.0)
        assert shown.throughput is not None
        assert shown.throughput.agrees(window.throughput or 0.0)
    assert len({window.input_file for window in run.windows}) == 5
    assert all(window.results for window in run.windows)


@pytest.mark.parametrize("name", ENERGY)
def test_energy(cases: dict[str, Case], name: str) -> None:
    case = cases[name]
    (run, energy), printed = case.energy(), case.printed("energy")
    assert run.complete
    assert energy.windows is not None
    assert energy.edges_found == energy.edges_expected == 11
    median_j = energy.median_energy_per_inference_j
    assert median_j is not None
    assert median_j * 1e6 == pytest.approx(case.number("recomputed_energy_uj"), abs=0.0005001)
    assert printed.median_energy_j is not None
    assert printed.median_energy_j.value * 1e6 == pytest.approx(case.number("published_energy_uj"))
    assert printed.median_energy_j.agrees(median_j)
    assert energy.median_throughput == pytest.approx(case.number("energy_mode_ips"), abs=0.0005001)
    assert printed.median_throughput is None
    if case.row["emon_measured_voltage_mv"]:
        assert run.supply_voltage_v == case.number("emon_measured_voltage_mv") / 1000
    else:
        assert run.supply_voltage_v is None
    assert len(energy.windows) == len(printed.energy_windows) == case.number("energy_windows")
    for window, shown in zip(energy.windows, printed.energy_windows, strict=True):
        assert shown.energy_j is not None
        assert shown.energy_j.agrees(window.energy_j or 0.0)  # 0.001 uJ
        assert shown.power_w is not None
        assert shown.power_w.agrees(window.power_w or 0.0)
        assert shown.energy_per_inference_j is not None
        assert shown.energy_per_inference_j.agrees(window.energy_per_inference_j or 0.0)
        assert window.seconds > 0
    failing = sum(window.seconds < 10 for window in energy.windows)
    assert failing == case.number("energy_windows_failing_10s_rule")
    if not case.python:
        throughput = printed.energy_mode_throughput
        assert throughput is not None
        assert throughput.agrees(energy.median_throughput or 0.0)
        for window in energy.windows:
            assert window.host_seconds == pytest.approx(window.seconds, abs=0.03)


@pytest.mark.parametrize("name", ACCURACY)
def test_accuracy(cases: dict[str, Case], shared_data: Path, name: str) -> None:
    case = cases[name]
    run, printed = case.accuracy(), case.printed("accuracy")
    assert run.complete
    assert len(run.samples) == case.number("accuracy_samples")
    version = "_v0.5" if case.row["round"] == "v0.5" else ""
    file = shared_data / "golden_logs" / "labels" / f"{case.row['task']}01{version}_y_labels.csv"
    labels = read_labels(file.read_bytes(), file.name)
    found = accuracy.labelled(run.samples, labels.get)
    assert set(found.files) == set(labels)
    top1 = accuracy.top1(found.outputs, found.labels)
    eembc, exact = (area(found.outputs, found.labels) for area in (accuracy.auc_eembc, accuracy.auc_exact))
    assert top1 * 100 == pytest.approx(case.number("recomputed_top1_pct"))
    assert eembc == pytest.approx(case.number("recomputed_auc_eembc"), abs=0.00005001)
    assert exact == pytest.approx(case.number("recomputed_auc_sklearn"), abs=0.00005001)
    assert printed.top1 is not None
    assert printed.auc is not None
    assert printed.top1.value == case.number("published_top1")
    assert printed.auc.value == case.number("published_auc")
    assert printed.top1.agrees(top1)
    assert printed.auc.agrees(exact if case.python else eembc)
    if case.row["task"] == "kws":
        again = accuracy.labelled(run.samples, partial(label_of, "kws"))
        assert (again.labels == found.labels).all()


@pytest.mark.parametrize("task", ["kws", "vww", "ad"])
def test_labels_that_are_known_without_a_file(shared_data: Path, task: str) -> None:
    file = shared_data / "golden_logs" / "labels" / f"{task}01_y_labels.csv"
    labels = read_labels(file.read_bytes(), file.name)
    assert {name: label_of(task, name) for name in labels} == labels


def test_the_log_of_the_python_runner_says_what_its_records_say(cases: dict[str, Case]) -> None:
    case = cases["09_st_l4r5zip_kws_v1.3_mlcrunner"]
    log, run = case.log("accuracy"), case.accuracy()
    assert [window.input_file for window in log.windows] == [sample.input_file for sample in run.samples]
    assert [window.results for window in log.windows] == [sample.results for sample in run.samples]


def test_streaming(cases: dict[str, Case]) -> None:
    case = cases[STREAMING]
    run = python_runner.read_streaming(case.read("performance", "results.json"), "results.json")
    shown = case.printed("performance").streaming
    assert shown is not None
    assert run.detections is not None
    assert (shown.true_positives, shown.false_negatives, shown.false_positives) == (44, 6, 4)
    assert run.detections.true_positives == shown.true_positives
    assert run.detections.false_negatives == shown.false_negatives
    assert run.detections.false_positives == shown.false_positives
    for figure, value in (
        (shown.duty_cycle, run.duty_cycle),
        (shown.period_s, run.period_s),
        (shown.throughput, run.throughput),
    ):
        assert figure is not None
        assert value is not None
        assert figure.agrees(value)
    energy = case.printed("energy")
    assert energy.streaming is not None
    assert energy.streaming.throughput is not None
    assert energy.streaming.throughput.value == case.number("published_median_ips")
    assert energy.median_throughput is None
    assert energy.energy_windows[0].power_w is not None
    assert energy.energy_windows[0].power_w.value * 1e3 == pytest.approx(case.number("sww_power_mw"))
    assert case.log("energy").complete


def right(case: Case, lines: list[bytes]) -> PerformanceRun:
    """Read the lines of a log; every window with a time has to be one of the whole log's."""
    real = {window.laps_us: window for window in case.performance().windows}
    run = energyrunner.read_performance(b"\n".join(lines), "log.txt")
    for window in run.windows:
        if window.seconds is not None:
            assert window.seconds == real[window.laps_us].seconds
            assert window.input_file in (None, real[window.laps_us].input_file)
            assert window.results in (None, real[window.laps_us].results)
    return run


def performance_lines(case: Case) -> Iterator[tuple[int, list[bytes]]]:
    lines = case.read("performance", "log.txt").split(b"\n")
    yield from ((k, lines) for k in range(len(lines)))


@pytest.mark.parametrize("name", [name for name in IDS if "mlcrunner" not in name])
def test_a_lost_line_never_makes_a_wrong_window(cases: dict[str, Case], name: str) -> None:
    laps = 0
    for k, lines in performance_lines(cases[name]):
        run = right(cases[name], lines[:k] + lines[k + 1 :])
        if b"m-lap-us" in lines[k]:
            laps += 1
            assert run.median_throughput is None or run.stray_laps_us == ()
    assert laps == 11


@pytest.mark.parametrize("name", [name for name in IDS if "mlcrunner" not in name])
def test_a_log_that_was_cut_is_not_complete(cases: dict[str, Case], name: str) -> None:
    for k, lines in performance_lines(cases[name]):
        run = right(cases[name], lines[:k])
        assert run.complete == any(b"sequencer: m-sequencer-stop" in line for line in lines[:k])


@pytest.mark.parametrize("name", [name for name in ENERGY if "mlcrunner" not in name])
def test_an_energy_log_that_lost_a_line_cuts_no_wrong_window(cases: dict[str, Case], name: str) -> None:
    case = cases[name]
    lines = case.read("energy", "log.txt").split(b"\n")
    trace = read_trace(case.read("energy", "trace1-energy.bin"), "trace1-energy.bin")
    edges = read_timestamps(case.read("energy", "trace1-timestamps.json"), "trace1-timestamps.json")
    real = {(window.start_s, window.end_s) for window in case.energy()[1].windows or ()}
    for k in range(len(lines)):
        for kept in (lines[:k] + lines[k + 1 :], lines[:k]):
            run = energyrunner.read_energy(b"\n".join(kept), "log.txt")
            energy = energyrunner.measure_energy(run, trace, edges)
            assert {(window.start_s, window.end_s) for window in energy.windows or ()} <= real
    for k in range(len(edges)):
        run = energyrunner.read_energy(b"\n".join(lines), "log.txt")
        assert energyrunner.measure_energy(run, trace, edges[:k] + edges[k + 1 :]).windows is None
