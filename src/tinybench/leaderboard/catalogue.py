"""What the pages of systems, organisations, devices, models, tasks and rounds share: groups and lists."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import pandas as pd

from tinybench.leaderboard.board import MODES, Board, Row
from tinybench.leaderboard.build import Context
from tinybench.submissions.importing.mlperf import LEGEND

K = TypeVar("K", bound=Hashable)

NONE: Final = "none yet"


@dataclass(frozen=True)
class Group:
    """Results that have something in common."""

    numbers: tuple[int, ...]
    """Of the rows of the board, and so of the frame."""
    rows: tuple[Row, ...]

    def frame(self, context: Context) -> pd.DataFrame:
        """Their part of the table: its index, and of its columns the id alone, as taking all is slow."""
        return context.frame[["id"]].iloc[list(self.numbers)]

    def values(self, value: Callable[[Row], str | None]) -> list[str]:
        """What they say, each once, in alphabetical order; nothing for those that say nothing."""
        return sorted({said for row in self.rows if (said := value(row))})


EMPTY: Final = Group((), ())


def groups(board: Board, key: Callable[[Row], K | None]) -> dict[K, Group]:
    """The results of a board by a key; those without one are left out."""
    numbers: dict[K, list[int]] = defaultdict(list)
    for number, row in enumerate(board.rows):
        found = key(row)
        if found is not None:
            numbers[found].append(number)
    return {
        found: Group(tuple(members), tuple(board.rows[number] for number in members))
        for found, members in numbers.items()
    }


def counted(rows: Iterable[Row]) -> str:
    """How many results, by mode: ``12 measured, 3 simulated``."""
    counts = Counter(row.mode for row in rows)
    return ", ".join(f"{counts[mode]:,} {mode}" for mode in MODES if counts[mode]) or NONE


def elsewhere(rows: Iterable[Row]) -> dict[str, Any]:
    """What the templates need to say that results were published elsewhere."""
    found = Counter(row.result.source is not None for row in rows)
    return {"elsewhere": found[True], "of_all": found.total(), "legend": LEGEND}


def by_title(items: Iterable[Item]) -> list[Item]:
    """In the order in which people look for a name."""
    return sorted(items, key=lambda item: (item.title.casefold(), item.address))


@dataclass(frozen=True)
class Item:
    """A line of a list."""

    address: str
    title: str
    cells: tuple[str, ...]
    """Plain text."""


def write_list(
    context: Context,
    address: str,
    title: str,
    about: str,
    heads: Sequence[str],
    items: Iterable[Item],
    rows: Iterable[Row] = (),
) -> None:
    """A page with a link to each of something.

    Args:
        context: where it goes.
        address: of the page.
        title: of the page, and of its table.
        about: a sentence about it.
        heads: of the columns: that of the link, and one for each cell.
        items: in the order in which they are shown.
        rows: the results that are counted there.
    """
    context.pages.add(
        address,
        title,
        "list",
        description=about,
        heading=title,
        about=about,
        heads=heads,
        items=list(items),
        **elsewhere(rows),
    )
