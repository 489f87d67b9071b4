"""What is in the repository twice, and what only looks so."""

from __future__ import annotations

from pathlib import Path

import pytest

import complete_submission
from complete_submission import Draft
from tinybench.submissions.check import check
from tinybench.submissions.layout import Place
from tinybench.submissions.report import rows


@pytest.fixture
def measured() -> Draft:
    return complete_submission.measured()


def moved(draft: Draft, place: str, organisation: str = "Acme") -> Draft:
    other = draft.copy()
    other.place = place
    other.system["organisation"] = organisation
    return other


def found(root: Path) -> set[tuple[str, str]]:
    return {(row.place, row.code) for row in rows(check(root, cache=False, rerun=False))}


def test_a_copy_is_found_on_both_sides(measured: Draft, tmp_path: Path) -> None:
    measured.write(tmp_path)
    moved(measured, "2026.2/acme/board-one").write(tmp_path)
    assert found(tmp_path) == {
        (place, code)
        for place in ("2026.1/acme/board-one", "2026.2/acme/board-one")
        for code in ("TB601", "TB602")
    }


def test_a_result_under_two_names_is_found(measured: Draft, tmp_path: Path) -> None:
    measured.results["again.json"] = measured.result
    measured.evidence["again.json"] = measured.evidence["kws.json"]
    measured.write(tmp_path)
    assert found(tmp_path) == {(measured.place, "TB602")}


def test_the_log_of_another_run_is_found(measured: Draft, tmp_path: Path) -> None:
    measured.write(tmp_path)
    other = moved(measured, "2026.1/example/board", "Example")
    other.result["notes"] = ["another result by its id"]
    other.write(tmp_path)
    report = check(tmp_path, cache=False, rerun=False)
    assert {(row.place, row.code) for row in rows(report)} == {
        (place, code)
        for place in ("2026.1/acme/board-one", "2026.1/example/board")
        for code in ("TB603", "TB604")
    }
    message = next(row.message for row in rows(report) if row.code == "TB603")
    assert "performance-log.txt" in message
    # Outputs are the same wherever the arithmetic is.
    assert "outputs.csv" not in message


def claimed(draft: Draft) -> Draft:
    """Without evidence, so that only the figures are compared."""
    draft.evidence.clear()
    draft.result.update(evidence=[], windows=[])
    return draft


def test_figures_of_another_organisation_are_looked_at(measured: Draft, tmp_path: Path) -> None:
    claimed(measured).write(tmp_path)
    other = moved(measured, "2026.1/example/board", "Example")
    other.result["notes"] = ["another result by its id"]
    other.write(tmp_path)
    assert {code for _, code in found(tmp_path)} >= {"TB604"}


@pytest.mark.parametrize("same_organisation", [True, False])
def test_a_difference_in_the_sixth_digit_is_another_measurement(
    same_organisation: bool, measured: Draft, tmp_path: Path
) -> None:
    claimed(measured).write(tmp_path)
    organisation = "Acme" if same_organisation else "Example"
    other = moved(measured, f"2026.1/{organisation.lower()}/board-two", organisation)
    factor = 1 if same_organisation else 1 + 2e-6
    other.set("energy.per_inference", other.metric("energy.per_inference")["value"] * factor)
    other.result["notes"] = ["another result by its id"]
    other.write(tmp_path)
    assert "TB604" not in {code for _, code in found(tmp_path)}


def test_equal_firmware_takes_equal_memory(measured: Draft, tmp_path: Path) -> None:
    """A latency in six digits is the same on two boards now and then; what a build takes always is."""
    claimed(measured)
    kept = [
        m for m in measured.result["metrics"] if m["name"] not in ("energy.per_inference", "power.active")
    ]
    measured.result["metrics"] = kept
    measured.add_metric("memory.ram", 20_480)
    given = {metric["name"] for metric in kept} | {"memory.ram"}
    measured.result["unavailable"] = [u for u in measured.result["unavailable"] if u["name"] not in given]
    measured.write(tmp_path)
    other = moved(measured, "2026.1/example/board", "Example")
    other.result["notes"] = ["another result by its id"]
    other.write(tmp_path)
    assert not {code for _, code in found(tmp_path)} & {"TB102", "TB604"}


def test_what_was_published_twice_is_a_note(tmp_path: Path) -> None:
    first = complete_submission.published()
    second = moved(first, "mlperf-v1.3/example-vendor/example-board", "Example Vendor")
    second.result["source"]["round"] = "v1.3"
    first.write(tmp_path)
    second.write(tmp_path)
    report = check(tmp_path, cache=False, rerun=False)
    assert {(row.severity, row.code) for row in rows(report)} == {("note", "TB605")}
    assert report.passed


def test_a_published_log_is_not_taken_for_ones_own(measured: Draft, tmp_path: Path) -> None:
    measured.write(tmp_path)
    complete_submission.published().write(tmp_path)
    assert {code for _, code in found(tmp_path)} == {"TB603", "TB604"}


@pytest.mark.parametrize(("name", "codes"), [("Acme", set()), ("ACME", {"TB606"}), ("Acmé", {"TB606"})])
def test_one_folder_is_one_organisation(name: str, codes: set[str], measured: Draft, tmp_path: Path) -> None:
    no_results(measured).write(tmp_path)
    other = moved(measured, "2026.1/acme/board-two", name)
    other.system["title"] = "Board Two"
    other.write(tmp_path)
    assert {code for _, code in found(tmp_path)} - {"TB105"} == codes
    place = Place("2026.1", "acme", "board-two")
    alone = check(tmp_path, [place], cache=False, rerun=False)
    assert {row.code for row in rows(alone)} - {"TB105"} == codes


def no_results(draft: Draft) -> Draft:
    draft.results.clear()
    draft.evidence.clear()
    return draft
