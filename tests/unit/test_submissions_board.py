"""From a run on a board to a submission: what is taken in, and what the check says of it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from board_evidence import measured_vww
from evidence_fixtures import changed
from submission_fixtures import write_file
from tinybench import specs
from tinybench.errors import UsageError
from tinybench.results import store
from tinybench.results.schema import Result
from tinybench.submissions import check, drafting, layout
from tinybench.submissions.layout import Place
from tinybench.submissions.report import Report

PLACE = Place("2026.1", "acme", "board-one")


def submitted(root: Path, result: Result, files: dict[str, bytes]) -> drafting.Taken:
    """Written as a run leaves it, and taken in by ``submit init``."""
    path = store.write(result, files, store.Destination(root / "results")).path
    assert path is not None
    told: dict[str, object] = {
        "title": "Board one",
        "organisation": "Acme",
        "division": "closed",
        "contact": "https://example.org",
        "licence": "CC-BY-4.0",
        "availability": "available",
    }
    fields = drafting.known(specs.device("nucleo-l4r5zi"), result) | told
    _, (taken,) = drafting.create(root / "submissions", PLACE, fields, [path])
    return taken


def report(root: Path) -> Report:
    return check.check(root / "submissions", [PLACE], rerun=False, cache=False)


def test_all_of_the_evidence_is_taken_in_and_checked(tmp_path: Path) -> None:
    result, files = measured_vww()
    taken = submitted(tmp_path, result, files)
    folder = f"evidence/{result.id}"
    assert sorted(taken.evidence) == [
        f"{folder}/energy.json",
        f"{folder}/log.txt.gz",
        f"{folder}/outputs.csv",
        f"{folder}/phases.csv",
        *(f"{folder}/trace-{k}.bin" for k in range(1, 6)),
    ]
    assert taken.left_out == ()
    place = tmp_path / "submissions" / PLACE.path
    assert gzip.decompress((place / folder / "log.txt.gz").read_bytes()) == files["log.txt"]
    assert sum(path.stat().st_size for path in place.rglob("*")) < layout.MAX_BYTES / 100

    found = report(tmp_path)
    (verdict,) = found.submissions
    assert [finding for finding in verdict.findings if finding.severity != "note"] == []
    assert [outcome.tier for outcome in verdict.results] == ["evidence-checked"]


def test_a_file_that_was_exchanged_afterwards_is_noticed(tmp_path: Path) -> None:
    result, files = measured_vww()
    submitted(tmp_path, result, files)
    place = tmp_path / "submissions" / PLACE.path
    name = place / "evidence" / result.id
    write_file(name / "trace-1.bin", files["trace-2.bin"])
    (verdict,) = report(tmp_path).submissions
    assert {"TB130", "TB409", "TB413"} <= {finding.code for finding in verdict.findings}
    assert [outcome.tier for outcome in verdict.results] == ["claimed"]


def test_what_may_not_be_published_says_what_it_takes(tmp_path: Path) -> None:
    result, files = measured_vww()
    limited = changed(result, data=result.data.model_copy(update={"limit": 100}))
    with pytest.raises(UsageError, match="may not be published") as caught:
        submitted(tmp_path, limited, files)
    assert "a physical board, the whole split" in str(caught.value.hint)
