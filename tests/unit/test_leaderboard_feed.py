from __future__ import annotations

from datetime import UTC, datetime

import feedparser
from lxml import etree

from board_fixtures import HOSTILE, SITE, board, context, published_row, row, timed
from evidence_fixtures import changed, measured_kws
from tinybench.leaderboard import feed

ATOM = etree.RelaxNG(
    etree.fromstring(
        """
<grammar xmlns="http://relaxng.org/ns/structure/1.0" ns="http://www.w3.org/2005/Atom"
    datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes">
  <start><element name="feed"><interleave>
    <oneOrMore><ref name="person"/></oneOrMore>
    <optional><element name="generator"><text/></element></optional>
    <ref name="id"/>
    <oneOrMore><ref name="link"/></oneOrMore>
    <optional><element name="subtitle"><ref name="text"/></element></optional>
    <element name="title"><ref name="text"/></element>
    <ref name="updated"/>
    <zeroOrMore><ref name="entry"/></zeroOrMore>
  </interleave></element></start>
  <define name="entry"><element name="entry"><interleave>
    <oneOrMore><ref name="person"/></oneOrMore>
    <zeroOrMore><element name="category">
      <attribute name="term"/><optional><attribute name="label"/></optional>
    </element></zeroOrMore>
    <ref name="id"/>
    <oneOrMore><ref name="link"/></oneOrMore>
    <optional><element name="published"><data type="dateTime"/></element></optional>
    <optional><element name="rights"><ref name="text"/></element></optional>
    <optional><element name="summary"><ref name="text"/></element></optional>
    <element name="title"><ref name="text"/></element>
    <ref name="updated"/>
  </interleave></element></define>
  <define name="person"><element name="author"><element name="name"><text/></element></element></define>
  <define name="id"><element name="id"><data type="anyURI"/></element></define>
  <define name="updated"><element name="updated"><data type="dateTime"/></element></define>
  <define name="text">
    <optional><attribute name="type"><value>text</value></attribute></optional><text/>
  </define>
  <define name="link"><element name="link">
    <attribute name="href"><data type="anyURI"/></attribute>
    <optional>
      <attribute name="rel"><choice><value>self</value><value>alternate</value></choice></attribute>
    </optional>
    <optional>
      <attribute name="type"><data type="string"><param name="pattern">.+/.+</param></data></attribute>
    </optional>
  </element></define>
</grammar>"""
    )
)
"""What we write of RFC 4287, appendix B."""


def parsed(data: bytes) -> feedparser.FeedParserDict:
    ATOM.assertValid(etree.fromstring(data))
    found = feedparser.parse(data)
    assert not found.bozo, found.get("bozo_exception")
    assert found.version == "atom10"
    return found


def test_the_feed_is_valid_and_names_results_by_what_never_changes() -> None:
    rows = [row(), published_row()]
    found = parsed(feed.feed(rows, SITE))
    assert [entry.id for entry in found.entries] == [f"urn:tinybench:result:{one.id}" for one in rows]
    assert [entry.link for entry in found.entries] == [f"{SITE}results/{one.id}/" for one in rows]
    assert found.entries[0].title == "Keyword spotting on Board One: 43.2 ms, measured"
    assert found.entries[1].title.endswith("(MLPerf™ Tiny v1.2, closed division)")
    assert "MLPerf Tiny v1.2, retrieved for a test" in found.entries[1].summary
    assert found.feed.updated == "2026-03-01T12:00:00+00:00"


def test_an_empty_feed_is_valid_too() -> None:
    assert parsed(feed.feed([], SITE)).entries == []


def test_hostile_texts_are_text() -> None:
    name = f"{HOSTILE}\x01\ud7ff"
    found = parsed(feed.feed([row(of_system={"title": name, "organisation": "\x02"})], SITE))
    assert "<script>alert(1)</script>" in found.entries[0].title_detail.value
    assert found.entries[0].title_detail.type == "text/plain"


def test_the_newest_come_first_and_the_feed_has_an_end() -> None:
    old = row(changed(measured_kws()[0], created=datetime(2025, 1, 1, tzinfo=UTC)))
    ours = [timed(0.001 * number) for number in range(1, 60)]
    made = context(board([old, published_row(), *ours]))
    newest = feed.newest_first(made.board)
    assert newest[-1].id == old.id
    assert newest[-2].place.round == "mlperf-v1.2"  # of one time, the newer round comes first
    feed.write(made)
    feed_bytes = made.pages.files["feed.xml"]
    assert len(parsed(feed_bytes).entries) == feed.NEWEST
    again = context(made.board)
    feed.write(again)
    assert again.pages.files["feed.xml"] == feed_bytes
