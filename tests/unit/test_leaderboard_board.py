"""From submissions to the rows of the board."""

from __future__ import annotations

from pathlib import Path

import pytest

import attestation_fixtures
import complete_submission
from complete_submission import Draft
from site_fixtures import lasting_cache
from tinybench.errors import FailedCheckError
from tinybench.leaderboard.board import collect
from tinybench.leaderboard.frame import COLUMNS, frame
from tinybench.submissions.layout import TRUSTED_KEYS

SUBMISSIONS = Path(__file__).parents[2] / "submissions"


@pytest.fixture
def measured() -> Draft:
    return complete_submission.measured()


def test_a_row_has_what_stands_behind_the_result(measured: Draft, tmp_path: Path) -> None:
    folder = measured.write(tmp_path)
    (row,) = collect(tmp_path).rows
    assert (row.organisation, row.title, row.division) == ("Acme", "Board One", "closed")
    assert (row.mode, row.tier, row.decisive) == ("measured", "evidence-checked", True)
    assert row.document == (folder / "results" / "kws.json").read_bytes()
    assert {file.name for file in row.evidence} == {p.name for p in (folder / "evidence" / row.id).iterdir()}
    assert all(file.path.is_file() for file in row.evidence)


def test_what_was_published_elsewhere_has_the_names_of_its_source(tmp_path: Path) -> None:
    draft = complete_submission.published()
    draft.write(tmp_path)
    (row,) = collect(tmp_path).rows
    assert row.result.source is not None
    assert (row.organisation, row.title) == (row.result.source.organisation, row.result.source.system)


def test_a_submission_that_breaks_a_rule_is_not_published(measured: Draft, tmp_path: Path) -> None:
    measured.system["contact"] = ""
    measured.write(tmp_path)
    with pytest.raises(FailedCheckError, match=r"2026\.1/acme/board-one: system\.toml") as refused:
        collect(tmp_path)
    assert refused.value.exit_code == 1


def test_a_result_is_in_one_submission(measured: Draft, tmp_path: Path) -> None:
    measured.write(tmp_path)
    measured.place = "2026.1/acme/board-two"
    measured.write(tmp_path)
    with pytest.raises(FailedCheckError):
        collect(tmp_path)


RETIRED = "[[retired]]\nid = '{id}'\ndate = 2026-11-30\nreason = 'the clock was wrong'\n"


def test_a_retired_result_is_not_there_any_more(measured: Draft, tmp_path: Path) -> None:
    measured.write(tmp_path)
    (row,) = collect(tmp_path).rows
    rounds = tmp_path / "rounds.toml"
    rounds.write_text(RETIRED.format(id=row.id))
    with pytest.raises(FailedCheckError, match="is still in"):
        collect(tmp_path)
    gone = "r-" + "0" * 16
    rounds.write_text(RETIRED.format(id=gone) + f"successor = '{gone[:-1]}1'\n")
    with pytest.raises(FailedCheckError, match="there is no result"):
        collect(tmp_path)
    rounds.write_text(RETIRED.format(id=gone) + f"successor = '{row.id}'\n")
    assert [one.successor for one in collect(tmp_path).retired] == [row.id]


def test_who_signed_is_told_and_who_may_not_is_left_out(measured: Draft, tmp_path: Path) -> None:
    root, keys = tmp_path / "submissions", tmp_path / "keys.toml"
    attestation_fixtures.sign_check(measured.write(root), keys)
    (row,) = collect(root, trusted=keys).rows
    assert [judged.counts for judged in row.attestations] == [True]
    assert row.tier == "reproduced"
    (row,) = collect(root).rows
    assert row.attestations == ()


@pytest.fixture(scope="module")
def published() -> list[dict[str, object]]:
    # As the site is built, so that the simulated ones are executed again once for both.
    with lasting_cache():
        board = collect(SUBMISSIONS, trusted=SUBMISSIONS / TRUSTED_KEYS)
    return frame(board).to_dict("records")


def test_the_table_has_every_result_of_the_repository(published: list[dict[str, object]]) -> None:
    files = list(SUBMISSIONS.glob("*/*/*/results/*.json"))
    assert len(published) == len(files)
    assert [row["id"] for row in published] == sorted(row["id"] for row in published)  # type: ignore[type-var]


def test_units_are_si(published: list[dict[str, object]]) -> None:
    (row,) = (
        row
        for row in published
        if row["system_path"] == "mlperf-v1.2/renesas/ek-ra8d1" and row["task"] == "vww"
    )
    assert row["latency_s"] == 0.013393156
    assert (row["accuracy"], row["metric"], row["split"]) == (0.854, "top1", "mlperf-1000")
    assert (row["core"], row["clock_hz"], row["mode"]) == ("cortex-m85", 480_000_000, "measured")


def test_every_column_is_described_and_named_once() -> None:
    names = [column.name for column in COLUMNS]
    assert len(set(names)) == len(names)
    assert all(column.meaning for column in COLUMNS)
    ends = {"_s": "s", "_j": "J", "_w": "W", "_hz": "Hz", "_v": "V", "_bytes": "bytes"}
    for column in COLUMNS:
        for end, unit in ends.items():
            if column.name.endswith(end):
                assert column.unit == unit
