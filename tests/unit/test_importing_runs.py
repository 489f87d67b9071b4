from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

import published_trees as trees
import tinybench
from evidence_fixtures import published_kws
from evidence_logs import mlc_json
from tinybench.errors import DataError, UnknownNameError, UsageError
from tinybench.submissions import documents, manifest, scanning
from tinybench.submissions.importing import runs
from tinybench.submissions.importing.runs import Imported, Row, Stated, read_labels, read_runs


def imported(
    tmp_path: Path, files: Mapping[str, bytes | None] | None = None, round_: str = "v1.2"
) -> Imported:
    """A repository with one system; None takes a file away."""
    wanted = {**trees.eembc(), trees.SYSTEM_PATH: trees.system(), **(files or {})}
    given = {path: data for path, data in wanted.items() if data is not None}
    return read_runs(trees.repository(tmp_path, given, round_))


def only(found: Imported) -> Row:
    (row,) = found.rows
    return row


def codes(found: Imported) -> list[str]:
    return [item.rule.code for item in (*found.findings, *(f for row in found.rows for f in row.findings))]


def without(prefix: str, files: Mapping[str, bytes]) -> dict[str, bytes | None]:
    return {path: None for path in files if path.startswith(prefix)}


def test_a_run_without_fault(tmp_path: Path) -> None:
    found = imported(tmp_path)
    assert codes(found) == []
    row = only(found)
    assert (row.path, row.place.path, row.name, row.evidence_checked) == (
        trees.CASE,
        "mlperf-v1.2/example/nucleo_l4r5zi",
        "kws.json",
        True,
    )
    result = row.result
    values = {metric.name: metric.value for metric in result.metrics}
    assert values["accuracy.top1"] == 0.92
    assert values["throughput"] == pytest.approx(300 / 12.96)
    assert values["latency.per_inference"] == pytest.approx(12.96 / 300)
    assert values["energy.per_inference"] == pytest.approx(12.95 * 42.25e-3 / 300, rel=0.01)
    assert (result.runner, result.target_met, result.environment) == ("energyrunner", True, None)
    assert result.data.samples == 1000
    assert [(window.run, window.index) for window in result.windows] == [
        *(("performance", k) for k in range(1, 6)),
        *(("energy", k) for k in range(1, 6)),
    ]
    assert {item.name for item in result.evidence} == set(published_kws()[1])
    assert result.source is not None
    assert result.source.repository == "https://github.com/mlcommons/tiny_results_v1.2"
    assert all(figure.agrees is not False for figure in row.figures)


def test_the_same_tree_gives_the_same_results(tmp_path: Path) -> None:
    assert only(imported(tmp_path / "a")).result == only(imported(tmp_path / "b")).result


def test_mlcommons_runner(tmp_path: Path) -> None:
    found = read_runs(
        trees.repository(tmp_path, {**trees.mlcommons(), trees.SYSTEM_PATH: trees.system()}, "v1.3")
    )
    assert codes(found) == []
    row = only(found)
    assert (row.result.runner, row.evidence_checked) == ("mlcommons-runner", True)


@pytest.mark.parametrize(("marker", "round_", "code"), [(True, "v1.3", []), (False, "v1.3", ["TB936"])])
def test_the_marker_of_the_runner(tmp_path: Path, marker: bool, round_: str, code: list[str]) -> None:
    files = {f"{trees.CASE}/EEMBC_RUNNER": b""} if marker else {}
    assert codes(imported(tmp_path, files, round_)) == code


def test_another_runner_than_the_round_had(tmp_path: Path) -> None:
    files = {**trees.mlcommons(), trees.SYSTEM_PATH: trees.system()}
    assert codes(read_runs(trees.repository(tmp_path, files, "v1.2"))) == ["TB936"]


def test_without_a_performance_log_the_printed_figure_is_taken(tmp_path: Path) -> None:
    found = imported(tmp_path, {f"{trees.CASE}/performance/log.txt": None})
    assert "TB932" in codes(found)
    row = only(found)
    metric = row.result.metric("throughput")
    assert metric is not None
    assert (metric.value, metric.note) == (23.148, "as printed by the runner, not recomputed")
    assert not row.evidence_checked
    assert {window.run for window in row.result.windows} == {"energy"}


def test_without_anything_it_stays_unavailable(tmp_path: Path) -> None:
    files = trees.eembc()
    found = imported(
        tmp_path,
        {**without(f"{trees.CASE}/performance", files), **without(f"{trees.CASE}/accuracy", files)},
    )
    assert {"TB932", "TB933"} <= set(codes(found))
    result = only(found).result
    assert {metric.name for metric in result.metrics} == {"energy.per_inference", "power.active"}
    assert {"throughput", "latency.per_inference", "accuracy.top1"} <= {
        item.name for item in result.unavailable
    }
    assert result.target_met is None


def test_without_an_energy_run_there_is_no_supply(tmp_path: Path) -> None:
    found = imported(tmp_path, without(f"{trees.CASE}/energy", trees.eembc()))
    assert codes(found) == []
    result = only(found).result
    assert result.metric("energy.per_inference") is None
    assert result.device.supply_v is None  # type: ignore[union-attr]


def test_part_of_the_accuracy_set_decides_nothing(tmp_path: Path) -> None:
    log = trees.eembc()[f"{trees.CASE}/accuracy/log.txt"]
    half = log[: log.index(b"tst_000500_") - 200]
    found = imported(
        tmp_path, {f"{trees.CASE}/accuracy/log.txt": half, f"{trees.CASE}/accuracy/results.txt": None}
    )
    result = only(found).result
    assert result.data.samples is not None
    assert result.data.limit == result.data.samples < 1000
    assert (result.target_met, result.publishable) == (None, False)


def test_a_printed_figure_that_is_not_that_of_the_log(tmp_path: Path) -> None:
    path = f"{trees.CASE}/performance/results.txt"
    other = trees.eembc()[path].replace(b"Median throughput is 23.148", b"Median throughput is 32.148")
    found = imported(tmp_path, {path: other})
    row = only(found)
    assert "TB311" in codes(found)
    assert [figure.name for figure in row.figures if figure.agrees is False] == [
        "latency.per_inference",
        "throughput",
    ]
    # What the log says is stated.
    assert row.result.metric("throughput").value == pytest.approx(300 / 12.96)  # type: ignore[union-attr]
    assert not row.evidence_checked


def test_a_closed_result_below_the_target(tmp_path: Path) -> None:
    _, files = published_kws(wrong=120)
    found = imported(tmp_path, trees.runs(files))
    assert codes(found) == ["TB216"]
    assert only(found).result.target_met is False


def test_the_device_says_that_it_runs_another_task(tmp_path: Path) -> None:
    case = trees.CASE.replace("/kws", "/vww")
    found = imported(tmp_path, {**without("closed/", trees.eembc()), **trees.eembc(case)})
    assert "TB931" in codes(found)
    assert not only(found).evidence_checked


def test_the_task_by_what_the_device_says(tmp_path: Path) -> None:
    case = trees.CASE.replace("/kws", "")
    found = imported(tmp_path, {**without("closed/", trees.eembc()), **trees.eembc(case)})
    assert only(found).result.task.id == "kws"


def test_a_task_that_nobody_names(tmp_path: Path) -> None:
    found = imported(tmp_path, {"closed/Example/results/NUCLEO_L4R5ZI/other/performance/results.txt": b"?"})
    assert codes(found) == ["TB930"]
    assert len(found.rows) == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/energy/", "/enegy/"),
        ("/energy/", "/power/"),
        ("performance/log.txt", "performance/performance_log.txt"),
    ],
)
def test_what_is_called_otherwise_is_imported_and_said(tmp_path: Path, old: str, new: str) -> None:
    files = {path.replace(old, new): data for path, data in trees.eembc().items()}
    files[trees.SYSTEM_PATH] = trees.system()
    found = read_runs(trees.repository(tmp_path, files))
    assert codes(found) == ["TB934"]
    row = only(found)
    assert row.evidence_checked
    assert {item.name for item in row.result.evidence} == set(published_kws()[1])


def test_variants_of_one_system(tmp_path: Path) -> None:
    files = {
        **trees.eembc(f"{trees.CASE}/kws_int8"),
        **trees.eembc(f"{trees.CASE}/kws_fp32"),
        trees.SYSTEM_PATH: trees.system(),
    }
    found = read_runs(trees.repository(tmp_path, files))
    assert sorted((row.name, row.result.model.name) for row in found.rows) == [
        ("kws-kws_fp32.json", "MLPerf Tiny kws reference model, fp32"),
        ("kws-kws_int8.json", "MLPerf Tiny kws reference model, int8"),
    ]
    assert len(found.drafts) == 1


def test_two_divisions_and_nested_systems(tmp_path: Path) -> None:
    files = {
        **trees.eembc("closed/Example/results/tvm/BOARD/kws"),
        **trees.eembc("open/Example/results/tvm/BOARD/kws"),
        "closed/Example/systems/system_description_BOARD_tvm.json": trees.system(),
    }
    found = read_runs(trees.repository(tmp_path, files))
    assert {draft.place.path: draft.system.division for draft in found.drafts} == {
        "mlperf-v1.2/example/tvm-board": "closed",
        "mlperf-v1.2/example/tvm-board-open": "open",
    }
    assert codes(found) == ["TB920"]
    assert {row.result.model.name for row in found.rows} == {
        "MLPerf Tiny kws reference model, int8",
        "kws model of Example",
    }


@pytest.mark.parametrize("name", ["<b>x", "E\nx", "四川", "ex\u202eample", "a" * 90, "con", "---"])
def test_hostile_names_are_left_out(tmp_path: Path, name: str) -> None:
    files = {
        **trees.eembc(),
        trees.SYSTEM_PATH: trees.system(),
        **trees.eembc(f"closed/{name}/results/Board/kws"),
        **trees.eembc(f"closed/Example/results/{name}/kws"),
        **trees.eembc(f"{trees.CASE}/{name}"),
    }
    found = read_runs(trees.repository(tmp_path, files))
    assert [row.path for row in found.rows] == [trees.CASE]
    refused = [item for item in found.findings if item.rule.code == "TB939"]
    assert len(refused) == 3
    assert all("\n" not in item.message and "\u202e" not in item.message for item in refused)


def test_a_task_folder_that_cannot_be_shown(tmp_path: Path) -> None:
    root = trees.repository(tmp_path, trees.eembc("closed/Example/results/Board/k<ws"))
    found = read_runs(root)
    assert (found.rows, codes(found)) == ((), ["TB939"])


def test_what_is_written_can_be_shown(tmp_path: Path) -> None:
    """Whatever a description says, the submission has no text that a check refuses."""
    hostile = {
        "Board Name": "Бoard",
        "SoC Name": "ST®",
        "Accelerator": "加速",
        "Inference Framework": "引擎",
        "General Compiler(s)": "<script>",
        "Hardware Notes": "a\u202eb",
        "Software Notes": "x" * 5000,
        "<b>": "y",
    }
    root = trees.repository(tmp_path, {**trees.eembc(), trees.SYSTEM_PATH: trees.system(**hostile)})
    done = tinybench.import_mlperf_tiny(root, output=tmp_path / "out")
    folder = tmp_path / "out" / done.rows[0].place.path
    assert documents.read_documents(folder, scanning.scan(folder).inventory).findings == ()
    assert {found.rule.code for found in done.findings} == {"TB938"}


def test_a_round_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="round 'x' is none"):
        tinybench.import_mlperf_tiny(trees.repository(tmp_path), round="x")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    root = trees.repository(tmp_path)
    (tmp_path / "secret").write_text("secret")
    log = root / trees.CASE / "accuracy/log.txt"
    log.unlink()
    log.symlink_to(tmp_path / "secret")
    found = read_runs(root)
    assert "TB935" in codes(found)
    assert "accuracy-log.txt" not in {item.name for item in only(found).result.evidence}


def test_evidence_that_is_too_large_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs.layout, "MAX_UNPACKED", 100_000)
    found = imported(tmp_path)
    assert "TB937" in codes(found)
    assert "energy-trace1-energy.bin" not in {item.name for item in only(found).result.evidence}


def test_evidence_that_a_submission_cannot_hold_keeps_its_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        runs, "stored", lambda result_id, name, data: None if name.endswith(".bin") else ("", b"")
    )
    found = imported(tmp_path)
    assert codes(found) == ["TB937"]
    assert "energy-trace1-energy.bin" in {item.name for item in only(found).result.evidence}
    assert "energy-trace1-energy.bin" not in {name for _, name in found.drafts[0].evidence}


def test_what_a_path_does_not_say_has_to_be_stated(tmp_path: Path) -> None:
    root = trees.write(tmp_path / "a case", trees.eembc("."))
    with pytest.raises(
        UsageError, match="nothing says the round and the division and the organisation"
    ) as error:
        read_runs(root)
    assert error.value.hint == "give --round, --division, --organisation, --system"
    stated = Stated(round="v1.2", division="closed", organisation="Example", system="Board 1")
    found = read_runs(root, stated)
    assert codes(found) == ["TB920"]
    source = only(found).result.source
    assert source is not None
    assert (source.repository, source.path) == (None, "a case")
    assert "From a copy, a case." in source.attribution
    assert only(found).place.path == "mlperf-v1.2/example/board-1"


def test_two_runs_of_one_task_cannot_share_a_name(tmp_path: Path) -> None:
    root = trees.write(tmp_path, {**trees.eembc("one"), **trees.eembc("two")})
    with pytest.raises(DataError, match="Board has kws already"):
        read_runs(root, Stated(round="v1.2", division="closed", organisation="Example", system="Board"))


def test_no_runs(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no runs"):
        read_runs(tmp_path)


def test_labels(tmp_path: Path) -> None:
    trees.write(
        tmp_path, {"ic01/y_labels.csv": b"a.bin,10,3\n", "b_y_labels.csv": b"b.bin,10,4\na.bin,10,3\n"}
    )
    assert read_labels(tmp_path) == {"a.bin": 3, "b.bin": 4}
    trees.write(tmp_path, {"z_y_labels.csv": b"a.bin,10,5\n"})
    with pytest.raises(DataError, match=r"z_y_labels\.csv: gives a\.bin another class"):
        read_labels(tmp_path)
    with pytest.raises(DataError, match="holds no"):
        read_labels(tmp_path / "none")


def test_a_stream_of_samples(tmp_path: Path) -> None:
    case = "closed/Example/results/NUCLEO_L4R5ZI/sww"
    printed = (
        b"Accuracy: 44 True positives, 6 False negatives, 4 False positives\n"
        b"Average duty cycle: 0.5\nAverage period: 0.032 s\nEstimated throughput: 62.500 inf./sec.\n"
    )
    other = printed.replace(b"0.5", b"0.25").replace(b"62.500", b"125.000")
    energy = b"Energy data for trial 0\n  Power         : 25.6220 mW.\n" + other
    files = {
        f"{case}/performance/results.txt": printed,
        f"{case}/performance/results.json": mlc_json([]),
        f"{case}/energy/results.txt": energy,
        trees.SYSTEM_PATH: trees.system(),
    }
    row = only(read_runs(trees.repository(tmp_path, files, "v1.3")))
    values = {metric.name: metric.value for metric in row.result.metrics}
    assert values == {
        "latency.per_inference": 0.008,
        "throughput": 125.0,
        "power.average": pytest.approx(0.025622),
        "streaming.true_positives": 44,
        "streaming.false_negatives": 6,
        "streaming.false_positives": 4,
        "streaming.duty_cycle": 0.25,
        "streaming.period": 0.032,
    }
    assert (row.result.target, row.result.task.version, row.evidence_checked) == (None, None, False)
    throughput = row.result.metric("throughput")
    assert throughput is not None
    assert throughput.note == "as printed for the energy run; of the performance run: 62.5"


def test_the_python_function_writes_what_it_imported(tmp_path: Path) -> None:
    root = trees.repository(tmp_path)
    done = tinybench.import_mlperf_tiny(root, output=tmp_path / "out")
    assert list(done.written.values()) == ["new"]
    folder = tmp_path / "out" / done.rows[0].place.path
    scan = scanning.scan(folder)
    assert (scan.findings, manifest.check(folder, scan.inventory).findings) == ((), ())
    result = tinybench.load_result(folder / "results/kws.json")
    assert set(scan.inventory.evidence(result.id)) == {
        f"{item.name}.gz" if item.bytes >= 256 * 1024 and item.name.endswith(".txt") else item.name
        for item in result.evidence
    }
    again = tinybench.import_mlperf_tiny(root, output=tmp_path / "out")
    assert list(again.written.values()) == ["unchanged"]


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    root = trees.repository(tmp_path, {**trees.eembc(f"{trees.CASE}/a"), **trees.eembc(f"{trees.CASE}/b")})
    tinybench.import_mlperf_tiny(root, progress=lambda *step: told.append(step))
    assert told == [("recomputing", 0, 2), ("recomputing", 1, 2)]


def test_hashes_only(tmp_path: Path) -> None:
    done = tinybench.import_mlperf_tiny(trees.repository(tmp_path), output=tmp_path / "out", hashes_only=True)
    assert done.rows[0].result.evidence
    assert not list((tmp_path / "out").rglob("evidence"))


def test_nothing_is_written_without_a_folder(tmp_path: Path) -> None:
    root = trees.repository(tmp_path)
    assert tinybench.import_mlperf_tiny(root).written == {}
    assert [path.name for path in tmp_path.iterdir()] == [root.name]


def test_a_task_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown task 'kwz'"):
        tinybench.import_mlperf_tiny(tmp_path, task="kwz")


def test_a_description_given_by_hand(tmp_path: Path) -> None:
    root = trees.repository(tmp_path, trees.eembc())
    file = tmp_path / "my board.json"
    file.write_text(json.dumps({"Board Name": "My Board"}))
    done = tinybench.import_mlperf_tiny(root, system_file=file)
    assert done.rows[0].result.device.board == "My Board"  # type: ignore[union-attr]
    assert done.findings == ()
