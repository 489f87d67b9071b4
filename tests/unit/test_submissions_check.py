"""Whole submissions against all rules: good ones pass; each rule finds what breaks it, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import attestation_fixtures
import complete_submission
from complete_submission import Draft
from submission_fixtures import repack, write_file
from tinybench import api, specs
from tinybench.errors import ContentError, DataError, UsageError, WorkerError
from tinybench.results.schema import Metric, Result
from tinybench.submissions.check import check
from tinybench.submissions.layout import Place
from tinybench.submissions.report import Report, rows

Change = Callable[[Draft], None]


@pytest.fixture(scope="module")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, dict[str, bytes]]:
    """A run of the ad model on golden inputs, and its evidence."""
    result = api.run("ad", split="golden", output=tmp_path_factory.mktemp("run"))
    assert result.path is not None
    folder = result.path.with_suffix(".evidence")
    return result, {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def measured() -> Draft:
    return complete_submission.measured()


@pytest.fixture
def published() -> Draft:
    return complete_submission.published()


@pytest.fixture
def simulated(simulation: tuple[Result, dict[str, bytes]]) -> Draft:
    return complete_submission.simulated(*simulation)


def codes(report: Report) -> set[str]:
    return {row.code for row in rows(report)}


def check_one(draft: Draft, root: Path, *, rerun: bool = False) -> Report:
    draft.write(root)
    return check(root, cache=False, rerun=rerun)


def test_one_that_was_measured_passes(measured: Draft, tmp_path: Path) -> None:
    report = check_one(measured, tmp_path, rerun=True)
    assert rows(report) == []
    assert report.passed
    (verdict,) = report.submissions
    assert [result.tier for result in verdict.results] == ["evidence-checked"]


def test_one_that_was_published_elsewhere_passes(published: Draft, tmp_path: Path) -> None:
    assert rows(check_one(published, tmp_path, rerun=True)) == []


def test_without_its_logs_a_published_result_has_the_tier_of_its_source(
    published: Draft, tmp_path: Path
) -> None:
    published.evidence.clear()
    report = check_one(published, tmp_path)
    assert report.passed
    assert [result.tier for result in report.submissions[0].results] == ["published elsewhere"]


def test_one_that_was_simulated_passes(simulated: Draft, tmp_path: Path) -> None:
    assert rows(check_one(simulated, tmp_path)) == []


@pytest.fixture
def performance_only(simulation: tuple[Result, dict[str, bytes]]) -> Draft:
    return complete_submission.performance_only(*simulation)


def test_a_simulation_without_accuracy_is_executed_again(performance_only: Draft, tmp_path: Path) -> None:
    report = check_one(performance_only, tmp_path, rerun=True)
    assert [(row.severity, row.code) for row in rows(report)] == [("note", "TB208")]
    assert [outcome.tier for outcome in report.submissions[0].results] == ["reproduced"]


def some_accuracy(draft: Draft) -> None:
    draft.result["metrics"].insert(0, Metric.of("accuracy.auc", 0.99, "simulated").model_dump(mode="json"))
    draft.result["unavailable"] = []


def only_some_inputs(draft: Draft) -> None:
    draft.result["data"]["limit"] = 2


def unlabelled_data_of_ones_own(draft: Draft) -> None:
    draft.result["data"]["split"] = "custom"


def on_a_model_of_ones_own(draft: Draft) -> None:
    draft.system["division"] = "open"


@pytest.mark.parametrize(
    "change", [some_accuracy, only_some_inputs, unlabelled_data_of_ones_own, on_a_model_of_ones_own]
)
def test_only_a_reference_model_on_golden_vectors_needs_no_accuracy(
    change: Change, performance_only: Draft, tmp_path: Path
) -> None:
    change(performance_only)
    report = check_one(performance_only, tmp_path)
    assert "TB204" in codes(report)
    assert not report.passed


def no_system(draft: Draft) -> None:
    draft.system = {"title": "Board One"}


def unknown_key(draft: Draft) -> None:
    draft.system["surprise"] = 1


def wrong_unit(draft: Draft) -> None:
    draft.metric("throughput")["unit"] = "s"


def unknown_schema(draft: Draft) -> None:
    draft.result["schema"] = "tinybench.result/99"


def misnamed(draft: Draft) -> None:
    draft.rename("kws_r-0123456789abcdef.json")


def no_results(draft: Draft) -> None:
    draft.results.clear()


def other_engine(draft: Draft) -> None:
    draft.system["engine"]["version"] = "99"


def other_folder(draft: Draft) -> None:
    draft.system["organisation"] = "Emca"


def no_such_round(draft: Draft) -> None:
    draft.place = "latest/acme/board-one"


def published_round(draft: Draft) -> None:
    draft.place = "mlperf-v1.2/acme/board-one"


def no_contact(draft: Draft) -> None:
    del draft.system["contact"]


def no_clock(draft: Draft) -> None:
    del draft.system["clock_hz"]


def no_chip_in_result(draft: Draft) -> None:
    draft.result["device"]["chip"] = None


def no_availability(draft: Draft) -> None:
    del draft.system["availability"]


def overclocked(draft: Draft) -> None:
    draft.system["clock_hz"] = draft.result["device"]["clock_hz"] = 121_000_000


def other_core(draft: Draft) -> None:
    draft.system["core"] = draft.result["device"]["core"] = "cortex-m7"


def simulated_by_a_meter(draft: Draft) -> None:
    draft.metric("memory.ram")["mode"] = "simulated"


def row_of_a_table(draft: Draft) -> None:
    draft.result["runner"] = "mlperf-tiny"


def other_model(draft: Draft) -> None:
    draft.result["model"]["sha256"] = "0" * 64


def model_not_given(draft: Draft) -> None:
    draft.result["model"]["sha256"] = None


def other_macs(draft: Draft) -> None:
    draft.result["model"]["macs"] += 1


def other_parameters(draft: Draft) -> None:
    draft.result["model"]["parameters"] -= 1


def model_of_ad(draft: Draft) -> None:
    model = specs.model("ad")
    draft.result["model"] |= {
        "name": model.id,
        "sha256": model.sha256,
        "macs": model.macs,
        "parameters": model.parameters,
    }


def model_with_a_borrowed_name(draft: Draft) -> None:
    draft.result["model"]["sha256"] = "0" * 64
    draft.system["division"] = "open"


def set_of_another_task(draft: Draft) -> None:
    draft.result["data"] |= {"split": "mlperf-200", "samples": 200}
    leave_outputs_out(draft)


def samples_not_given(draft: Draft) -> None:
    draft.result["data"]["samples"] = None


def figure_of_streams(draft: Draft) -> None:
    draft.add_metric("streaming.true_positives", 50)


def of_a_plug_in(draft: Draft) -> None:
    draft.result["runner"] = "acme-runner"


def windows_of_a_simulator(draft: Draft) -> None:
    draft.result["runner"] = "tflm-sim"
    for metric in draft.result["metrics"]:
        metric["mode"] = "simulated"


def on_a_host(draft: Draft) -> None:
    draft.result["device"] = {"id": "host"}


def kernels_that_look_like_others(draft: Draft) -> None:
    draft.system["engine"]["kernels"] = draft.result["engine"]["kernels"] = "CMS\u0406S-NN"


def leave_outputs_out(draft: Draft) -> None:
    """With the accuracy of a run, which nothing can be said about then."""
    (files,) = draft.evidence.values()
    del files["outputs.csv"]
    draft.result["evidence"] = []


def model_has_seen_the_test(draft: Draft) -> None:
    draft.result["model"] |= {"name": "kws", "sha256": specs.model("kws").sha256}


def old_task(draft: Draft) -> None:
    draft.result["task"]["version"] = "0.9.0"


def second_accuracy(draft: Draft) -> None:
    draft.add_metric("accuracy.auc", 0.99)


def other_dataset(draft: Draft) -> None:
    draft.result["data"]["dataset"] = "my-own"


def below_target(draft: Draft) -> None:
    draft.set("accuracy.top1", 0.5)
    draft.result["target_met"] = False


def fewer_samples(draft: Draft) -> None:
    draft.result["data"]["samples"] = 4889


def changed_evidence(draft: Draft) -> None:
    draft.after = lambda folder: append(next(folder.glob("evidence/*/energy-results.txt")), b"\n")


def orphaned_evidence(draft: Draft) -> None:
    draft.files["evidence/r-0123456789abcdef/performance-log.txt"] = b"hello\n"


def unlisted_evidence(draft: Draft) -> None:
    def add(folder: Path) -> None:
        (evidence,) = (folder / "evidence").iterdir()
        write_file(evidence / "more.csv", b"a,b\n1,2\n")

    draft.after = add


def absent_evidence(draft: Draft) -> None:
    draft.result["evidence"].append(
        {"name": "readme.txt", "bytes": 1, "sha256": "0" * 64, "media_type": "text/plain"}
    )


def edited(draft: Draft) -> None:
    def edit(folder: Path) -> None:
        path = next(folder.glob("results/*.json"))
        path.write_bytes(path.read_bytes().replace(b'"notes": []', b'"notes": ["fast"]'))

    draft.after = edit


def too_fast(draft: Draft) -> None:
    draft.result["layers"] = []
    draft.result["model"]["macs"] = (
        None  # replaced below: the bound needs a model that is faster than the core
    )
    draft.result["model"] |= {"name": "acme-net", "macs": 20_000_000, "sha256": "0" * 64}
    draft.system["division"] = "open"


def little_current(draft: Draft) -> None:
    draft.add_metric("power.average", 10e-6)


def power_of_another(draft: Draft) -> None:
    draft.set("power.active", draft.metric("power.active")["value"] * 1.5)


def other_cycles(draft: Draft) -> None:
    draft.add_metric("cycles.per_inference", 1_000_000)


def too_large(draft: Draft) -> None:
    draft.add_metric("memory.flash", 3 * 1024 * 1024)


def arena_beyond_ram(draft: Draft) -> None:
    draft.add_metric("memory.ram", 10_000)
    draft.add_metric("memory.arena", 10_001)


def claim_only(draft: Draft) -> None:
    draft.evidence.clear()
    draft.result.update(evidence=[], windows=[])


def append(path: Path, data: bytes) -> None:
    path.write_bytes(path.read_bytes() + data)


BREAKS: list[tuple[str, Change]] = [
    ("TB101", unknown_key),
    ("TB102", wrong_unit),
    ("TB102", unknown_schema),
    ("TB103", edited),
    ("TB104", misnamed),
    ("TB105", no_results),
    ("TB106", other_engine),
    ("TB107", other_folder),
    ("TB108", no_such_round),
    ("TB108", published_round),
    ("TB110", no_contact),
    ("TB110", no_availability),
    ("TB111", overclocked),
    ("TB111", other_core),
    ("TB042", kernels_that_look_like_others),
    ("TB106", on_a_host),
    ("TB112", row_of_a_table),
    ("TB113", no_clock),
    ("TB113", no_chip_in_result),
    ("TB116", of_a_plug_in),
    ("TB130", changed_evidence),
    ("TB131", orphaned_evidence),
    ("TB131", unlisted_evidence),
    ("TB132", absent_evidence),
    ("TB201", other_model),
    ("TB201", model_not_given),
    ("TB202", other_macs),
    ("TB202", other_parameters),
    ("TB202", model_with_a_borrowed_name),
    ("TB203", model_of_ad),
    ("TB204", model_has_seen_the_test),
    ("TB206", old_task),
    ("TB206", figure_of_streams),
    ("TB207", other_dataset),
    ("TB207", samples_not_given),
    ("TB501", too_fast),
    ("TB504", other_cycles),
    ("TB505", too_large),
    ("TB505", arena_beyond_ram),
]


@pytest.mark.parametrize(("code", "change"), [pytest.param(c, f, id=f"{c}-{f.__name__}") for c, f in BREAKS])
def test_each_rule_finds_what_breaks_it_and_nothing_else(
    code: str, change: Change, measured: Draft, tmp_path: Path
) -> None:
    change(measured)
    report = check_one(measured, tmp_path)
    assert codes(report) == {code}, "\n".join(map(str, rows(report)))
    assert report.passed == (report.counts.error == 0)
    assert set(report.rules) == {code}


def test_nothing_of_an_emulator_is_published(measured: Draft, tmp_path: Path) -> None:
    measured.result["device"]["id"] = measured.system["device"] = "qemu-mps2-an386"
    found = [row for row in rows(check_one(measured, tmp_path)) if row.code == "TB111"]
    assert any("qemu-mps2-an386 is an emulator" in row.message for row in found)
    assert all(row.severity == "error" for row in found)


@pytest.mark.parametrize(("code", "change"), [("TB502", little_current), ("TB503", power_of_another)])
def test_figures_that_contradict_each_other_need_no_evidence(
    code: str, change: Change, published: Draft, tmp_path: Path
) -> None:
    claim_only(published)
    change(published)
    assert codes(check_one(published, tmp_path)) == {code}


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("TB206", second_accuracy),
        ("TB207", fewer_samples),
        ("TB207", set_of_another_task),
        ("TB112", windows_of_a_simulator),
    ],
)
def test_what_evidence_contradicts_as_well(
    code: str, change: Change, measured: Draft, tmp_path: Path
) -> None:
    change(measured)
    assert code in codes(check_one(measured, tmp_path))


def simulated_elsewhere(draft: Draft) -> None:
    draft.result["runner"] = "tflm-sim"


def other_division(draft: Draft) -> None:
    draft.result["source"]["division"] = "open"


def other_organisation(draft: Draft) -> None:
    draft.result["source"]["organisation"] = "Acme"


def other_source_round(draft: Draft) -> None:
    draft.result["source"]["round"] = "v1.1"


def own_round(draft: Draft) -> None:
    draft.place = "2026.1/example-vendor/example-board"
    draft.system["contact"] = "bench@example.org"


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("TB108", own_round),
        ("TB109", other_division),
        ("TB109", other_organisation),
        ("TB109", other_source_round),
        ("TB112", simulated_elsewhere),
        ("TB112", simulated_by_a_meter),
        ("TB207", fewer_samples),
    ],
)
def test_a_published_result_stays_where_it_was_published(
    code: str, change: Change, published: Draft, tmp_path: Path
) -> None:
    claim_only(published)
    published.add_metric("memory.ram", 10_000)
    change(published)
    assert code in codes(check_one(published, tmp_path))


def test_a_task_that_is_not_defined_here_is_taken_from_publications_only(
    measured: Draft, published: Draft, tmp_path: Path
) -> None:
    for draft in (measured, published):
        claim_only(draft)
        draft.result.update(task={"id": "sww", "version": None}, target=None, target_met=None)
    measured.system["division"] = published.system["division"] = "open"
    published.result["source"]["division"] = "open"
    assert "TB205" in codes(check_one(measured, tmp_path / "one"))
    assert "TB205" not in codes(check_one(published, tmp_path / "other"))


def test_nothing_in_a_submission_raises(measured: Draft, tmp_path: Path) -> None:
    folder = measured.write(tmp_path)
    (result,) = folder.glob("results/*.json")
    for broken in (
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"schema": []}',
        b'{"schema": "tinybench.result/2"}',
        b"\xff",
    ):
        result.write_bytes(broken)
        repack(folder)
        assert not check(tmp_path, cache=False, rerun=True).passed
    (folder / "system.toml").write_bytes(b"= \xff")
    shutil.rmtree(folder / "results")
    report = check(tmp_path, cache=False, rerun=True)
    assert not report.passed
    assert report.submissions[0].title is None


def test_only_what_is_asked_for_is_checked(measured: Draft, published: Draft, tmp_path: Path) -> None:
    measured.write(tmp_path)
    other = measured.copy()
    other.place = "2026.1/acme/board-two"
    other_engine(other)
    other.write(tmp_path)
    report = check(tmp_path, [Place("2026.1", "acme", "board-two")], cache=False, rerun=False)
    assert [verdict.place for verdict in report.submissions] == ["2026.1/acme/board-two"]
    # What is not asked for is still what others are compared with.
    assert codes(report) == {"TB106", "TB602"}


def test_what_cannot_be_asked_for_is_said(measured: Draft, tmp_path: Path) -> None:
    measured.write(tmp_path)
    with pytest.raises(UsageError, match=r"no submission 2026\.1/acme/nothing"):
        check(tmp_path, [Place("2026.1", "acme", "nothing")])
    with pytest.raises(DataError):
        check(tmp_path / "nowhere")
    with pytest.raises(ContentError):
        check(tmp_path, trusted=tmp_path / "no-keys.toml")


def test_many_processes_say_the_same_as_one(measured: Draft, tmp_path: Path) -> None:
    for number in range(4):
        draft = measured.copy()
        draft.place = f"2026.1/acme/board-{number}"
        draft.system["title"] = f"Board {number}"
        if number == 3:
            no_results(draft)
        draft.write(tmp_path)
    alone = check(tmp_path, cache=False, rerun=False, jobs=1)
    together = check(tmp_path, cache=False, rerun=False, jobs=3)
    assert alone.to_json() == together.to_json()
    assert codes(alone) == {"TB105", "TB602"}


def test_the_report_is_the_same_every_time_and_holds_no_path_of_the_machine(
    measured: Draft, tmp_path: Path
) -> None:
    other_engine(measured)
    measured.write(tmp_path)
    first, second = (check(tmp_path, cache=False, rerun=False).to_json() for _ in range(2))
    assert first == second
    assert str(tmp_path) not in first.decode()
    assert json.loads(first)["rules"]["TB106"]["name"] == "system-disagrees"


def test_published_figures_stay_as_they_are_and_are_marked(
    measured: Draft, published: Draft, tmp_path: Path
) -> None:
    for draft in (measured, published):
        claim_only(draft)
        draft.set("latency.per_inference", 0.044)
    own = check_one(measured, tmp_path / "own")
    assert ("error", "TB313") in {(row.severity, row.code) for row in rows(own)}
    assert not own.passed
    taken_over = check_one(published, tmp_path / "published")
    assert {(row.severity, row.code) for row in rows(taken_over)} == {("warning", "TB313")}
    assert taken_over.passed


def test_what_others_cannot_mend_is_a_warning(published: Draft, tmp_path: Path) -> None:
    power_of_another(published)
    report = check_one(published, tmp_path)
    assert {row.severity for row in rows(report) if row.code == "TB503"} == {"warning"}
    assert report.passed
    assert report.submissions[0].results[0].tier == "published elsewhere"


def reviewed(draft: Draft, root: Path) -> tuple[Path, Path]:
    """A submission that a reviewer signed as reproduced, and the file of keys that trusts the reviewer."""
    folder = draft.write(root)
    keys = root.parent / "keys.toml"
    attestation_fixtures.sign_check(folder, keys)
    return folder, keys


def test_what_a_reviewer_signed_counts(measured: Draft, tmp_path: Path) -> None:
    folder, keys = reviewed(measured, tmp_path / "submissions")
    trusting = check(folder.parents[2], trusted=keys, cache=False, rerun=False)
    assert rows(trusting) == []
    assert trusting.submissions[0].results[0].tier == "reproduced"
    strict = check(folder.parents[2], cache=False, rerun=False)
    assert codes(strict) == {"TB806"}
    assert strict.submissions[0].results[0].tier == "evidence-checked"


def test_what_a_reviewer_signed_is_of_these_files_only(measured: Draft, tmp_path: Path) -> None:
    folder, keys = reviewed(measured, tmp_path / "submissions")
    write_file(folder / "README.md", b"changed\n")
    repack(folder)
    report = check(folder.parents[2], trusted=keys, cache=False, rerun=False)
    assert codes(report) == {"TB804"}
    assert report.submissions[0].results[0].tier == "evidence-checked"


def long_log(draft: Draft) -> None:
    """A log that begins well and goes on for 16 MB of timestamps."""
    files = draft.evidence["kws.json"]
    files["performance-log.txt"] += b"00035.957 dut: m-lap-us-12345678\n" * 500_000


def many_keys(draft: Draft) -> None:
    draft.result.update({f"key-{number}": 1 for number in range(60_000)})


def many_windows(draft: Draft) -> None:
    (window, *_) = draft.result["windows"]
    draft.result["windows"] = [{**window, "index": number} for number in range(1, 20_000)]


@pytest.mark.parametrize("attack", [long_log, many_keys, many_windows])
def test_a_large_submission_takes_little_memory_and_gives_a_short_report(
    attack: Change, measured: Draft, tmp_path: Path
) -> None:
    attack(measured)
    measured.write(tmp_path / "submissions")
    code = (
        "import sys; from pathlib import Path; from tinybench.submissions.check import check;"
        "report = check(Path(sys.argv[1]), cache=False, rerun=False); print(len(report.to_json()));"
        "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0]);"
        "print(report.passed)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "submissions")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    length, peak_kib, passed = ran.stdout.split()
    assert passed == "False"
    assert int(length) < 20_000
    assert int(peak_kib) * 1024 < 500_000_000


@pytest.mark.parametrize("program", ["false", "cat"])
def test_a_process_that_ends_or_babbles_is_named_with_its_submission(
    program: str, measured: Draft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        draft = measured.copy()
        draft.place = f"2026.1/acme/board-{number}"
        draft.write(tmp_path)
    stand_in = write_file(
        tmp_path.parent / f"{tmp_path.name}-{program}", f"#!/bin/sh\nexec {program}\n".encode()
    )
    stand_in.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(stand_in))
    with pytest.raises(WorkerError, match=r"the process that checked 2026\.1/acme/board-\d ended"):
        check(tmp_path, cache=False, rerun=False, jobs=2)
