"""Rounds that are closed, and results that were retired."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybench.errors import ContentError, MismatchError
from tinybench.leaderboard.rounds import Closed, Settled, digest, read_settled, rounds
from tinybench.submissions.layout import Place

BOARD = Place("2026.1", "acme", "board")
MANIFESTS = {BOARD: "a" * 64, Place("mlperf-v1.2", "acme", "board"): "b" * 64}
PATH = Path("submissions/rounds.toml")


def settled(**changes: object) -> Settled:
    one = {
        "round": "2026.1",
        "title": "First round",
        "date": "2026-12-01",
        "sha256": digest({BOARD: "a" * 64}),
    }
    return Settled(closed=(Closed.model_validate(one | changes),))


def test_a_missing_file_settles_nothing(tmp_path: Path) -> None:
    assert read_settled(tmp_path / "rounds.toml") == Settled()


def test_a_closed_round_is_what_it_was() -> None:
    ours, theirs = rounds(MANIFESTS, settled(), PATH)
    assert (ours.id, ours.title) == ("2026.1", "First round")
    assert ours.closed is not None
    assert ours.closed.date == date(2026, 12, 1)
    assert (theirs.id, theirs.title, theirs.closed) == ("mlperf-v1.2", "mlperf-v1.2", None)


@pytest.mark.parametrize(
    "manifests",
    [
        {BOARD: "c" * 64},
        {BOARD: "a" * 64, Place("2026.1", "acme", "another"): "d" * 64},
        {Place("2026.1", "acme", "renamed"): "a" * 64},
    ],
    ids=["altered", "added", "renamed"],
)
def test_a_closed_round_that_changed_is_refused_with_what_to_do(manifests: dict[Place, str]) -> None:
    with pytest.raises(MismatchError, match=r"round 2026\.1 was closed on 2026-12-01") as refused:
        rounds(manifests, settled(), PATH)
    assert digest(manifests) in (refused.value.hint or "")


def test_a_round_that_is_not_there_cannot_be_closed() -> None:
    with pytest.raises(ContentError, match="there is no such round"):
        rounds({}, settled(), PATH)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("closed = 1", "closed: "),
        ("[[closed]]\nround = 'x'", "title: field required"),
        ("[[retired]]\nid = 'r-1'\ndate = 2026-01-01\nreason = 'x'", "retired.0.id: "),
        ("surprise = 1", "surprise: "),
        ("[[", "rounds.toml: "),
        (2 * "[[retired]]\nid = 'r-0123456789abcdef'\ndate = 2026-01-01\nreason = 'x'\n", "is there twice"),
    ],
)
def test_a_broken_file_is_named_with_what_is_wrong(text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "rounds.toml"
    path.write_text(text)
    with pytest.raises(ContentError, match=r"rounds\.toml") as refused:
        read_settled(path)
    assert reason in refused.value.message


def test_ours_come_first_and_numbers_count_as_numbers() -> None:
    names = ["mlperf-v0.5", "2026.2", "mlperf-v1.10", "2026.10", "mlperf-v1.9", "2025.3"]
    manifests = {Place(name, "a", "b"): "a" * 64 for name in names}
    found = [one.id for one in rounds(manifests, Settled(), PATH)]
    assert found == ["2026.10", "2026.2", "2025.3", "mlperf-v1.10", "mlperf-v1.9", "mlperf-v0.5"]


SLUG = st.from_regex(r"[a-z0-9]{1,5}", fullmatch=True)
PLACES = st.builds(Place, st.just("2026.1"), SLUG, SLUG)
HASHES = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)


@given(st.dictionaries(PLACES, HASHES, max_size=4), st.dictionaries(PLACES, HASHES, max_size=4))
def test_a_digest_is_that_of_the_submissions_in_any_order(
    one: dict[Place, str], other: dict[Place, str]
) -> None:
    assert digest(dict(reversed(one.items()))) == digest(one)
    assert (digest(one) == digest(other)) == (one == other)
