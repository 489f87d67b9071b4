"""``/feed.xml``: an Atom feed (RFC 4287) of the newest results."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from feedgen.feed import FeedGenerator

from tinybench.leaderboard import addresses, citation, titles
from tinybench.leaderboard.board import Board, Row
from tinybench.leaderboard.build import Context
from tinybench.quantities import quantity

NEWEST: Final = 50
FEED_ID: Final = "urn:tinybench:results"


def write(context: Context) -> None:
    """Put the feed on the site."""
    context.pages.file(addresses.FEED, feed(newest_first(context.board)[:NEWEST], context.url))


def newest_first(board: Board) -> list[Row]:
    """By the time at which they were made; those of one time by round, the newest first, then by id."""
    rows = sorted(board.rows, key=lambda row: (board.ages[row.place.round], row.id))
    return sorted(rows, key=lambda row: row.result.created, reverse=True)


def feed(rows: Sequence[Row], site: str) -> bytes:
    """The feed as XML: the same bytes for the same results.

    Args:
        rows: what to list, newest first.
        site: its address, with a slash at the end.

    An entry is ``urn:tinybench:result:<id>``, so that it stays the same one if the site moves.
    """
    made = FeedGenerator()
    made.id(FEED_ID)
    made.title("tinybench: new results")
    made.subtitle("Benchmark results of machine learning on microcontrollers")
    made.author(name="The tinybench authors")
    made.generator("tinybench")
    # A feed has to have a time: where there is no result, it says that of the first day of Unix.
    made.updated(max((row.result.created for row in rows), default=datetime(1970, 1, 1, tzinfo=UTC)))
    made.link(href=site + addresses.FEED, rel="self", type="application/atom+xml")
    made.link(href=site + addresses.RESULTS, rel="alternate", type="text/html")
    for row in rows:
        entry = made.add_entry(order="append")
        entry.id(f"urn:tinybench:result:{row.id}")
        entry.title(_plain(title(row)))
        entry.author(name=_plain(row.organisation))
        entry.published(row.result.created)
        entry.updated(row.result.created)
        entry.link(href=citation.url(row, site), rel="alternate", type="text/html")
        entry.category(term=_plain(row.task), label=_plain(titles.task(row.task)))
        entry.rights(_plain(row.system.licence))
        entry.summary(_plain(summary(row, site)), type="text")
    return bytes(made.atom_str(pretty=True))


def title(row: Row) -> str:
    """One line: what, on what, how fast, in which mode, and where it was published."""
    latency = row.result.metric("latency.per_inference")
    figure = f": {quantity(latency.value, latency.unit)}, {latency.mode}" if latency else ""
    published = titles.published_in(row)
    return titles.result(row) + figure + (f" ({published})" if published else "")


def summary(row: Row, site: str) -> str:
    """All figures with their modes, and the citation, which holds the attribution of a publisher."""
    figures = "; ".join(
        f"{titles.METRICS[metric.name]} {quantity(metric.value, metric.unit)} ({metric.mode})"
        for metric in row.result.metrics
    )
    return f"{figures}. Trust tier: {row.tier}. {citation.text(row, site)}"


def _plain(text: str) -> str:
    """What XML 1.0 can hold and a reader can see."""
    return titles.printable(text).strip() or "-"
