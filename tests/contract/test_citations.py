"""What people paste into papers, and what readers of feeds keep, never changes for a published result."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import bibtexparser
import feedparser
import pytest

from fakes import REPOSITORY
from tinybench.leaderboard import citation, feed
from tinybench.leaderboard.board import Row
from tinybench.submissions.layout import Place
from tinybench.submissions.scanning import discover
from tinybench.submissions.submission import load

SITE = "https://bench.example/"
GOLDEN = Path(__file__).parent / "golden_citations"
SUBMISSIONS = REPOSITORY / "submissions"
PUBLISHED = Place("mlperf-v1.2", "bosch", "cy8cproto_062_4343w_int8")
"""Of a closed round."""


def rows(place: Place) -> Iterator[Row]:
    submission = load(SUBMISSIONS / place.path, place).submission
    assert submission is not None
    for entry in submission.entries:
        yield Row(
            result=entry.result,
            place=place,
            system=submission.system,
            tier="published elsewhere" if entry.result.source else "claimed",
            findings=(),
            document=b"",
            evidence=(),
            attestations=(),
        )


@pytest.fixture(scope="module")
def everything() -> list[Row]:
    return [row for place in discover(SUBMISSIONS).places for row in rows(place)]


def test_the_bibtex_of_a_published_result_stays_as_it_was() -> None:
    entries = "\n".join(citation.bibtex(row, SITE) for row in sorted(rows(PUBLISHED), key=lambda row: row.id))
    assert entries.encode() == (GOLDEN / "published.bib").read_bytes()


def test_the_feed_of_published_results_stays_as_it_was() -> None:
    made = feed.feed(sorted(rows(PUBLISHED), key=lambda row: row.id), SITE)
    assert made == (GOLDEN / "published.xml").read_bytes()


def test_every_result_has_bibtex_that_parses_and_a_key_of_its_own(everything: list[Row]) -> None:
    library = bibtexparser.parse_string("\n".join(citation.bibtex(row, SITE) for row in everything))
    assert library.failed_blocks == []
    assert [entry.key for entry in library.entries] == [citation.key(row.id) for row in everything]
    assert len(library.entries) >= 345
    for entry, row in zip(library.entries, everything, strict=True):
        fields = {field.key: field.value for field in entry.fields}
        assert fields["url"] == f"{SITE}results/{row.id}/"
        assert ("annote" in fields) == (row.result.source is not None)


def test_every_result_is_an_entry_of_a_valid_feed(everything: list[Row]) -> None:
    found = feedparser.parse(feed.feed(everything, SITE))
    assert not found.bozo
    assert [entry.id for entry in found.entries] == [f"urn:tinybench:result:{row.id}" for row in everything]
