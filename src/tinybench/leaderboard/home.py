"""The first page: what this is, how to run it, what is new."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tinybench import specs
from tinybench.leaderboard import addresses, titles
from tinybench.leaderboard.board import MODES, Board, Row
from tinybench.leaderboard.build import Context
from tinybench.leaderboard.catalogue import EMPTY, counted, elsewhere, groups
from tinybench.leaderboard.feed import newest_first
from tinybench.submissions.layout import Place

NEWEST: Final = 10
"""Submissions."""


@dataclass(frozen=True)
class Count:
    """How much there is of one kind of result."""

    mode: str
    elsewhere: bool
    results: int
    systems: int
    devices: int
    rounds: int


def write(context: Context) -> None:
    """Write it."""
    board = context.board
    of_task = groups(board, lambda row: row.task)
    tasks = sorted(specs.tasks().keys() | of_task.keys(), key=titles.task_order)
    context.pages.add(
        addresses.HOME,
        "tinybench: benchmarks of machine learning on microcontrollers",
        "home",
        description="An open benchmark suite and leaderboard for machine learning on microcontrollers.",
        total=len(board.rows),
        counts=list(counts(board)),
        rounds=board.rounds,
        tasks=[(task, titles.task(task), counted(of_task.get(task, EMPTY).rows)) for task in tasks],
        newest=newest_submissions(board),
        titles=titles,
        addresses=addresses,
        **elsewhere(board.rows),
    )


def newest_submissions(board: Board) -> list[list[Row]]:
    """The results of the newest submissions, each by task: most have a result of every task."""
    found: dict[Place, list[Row]] = {}
    for row in newest_first(board):
        if row.place not in found and len(found) == NEWEST:
            break
        found.setdefault(row.place, []).append(row)
    return [sorted(rows, key=lambda row: (titles.task_order(row.task), row.id)) for rows in found.values()]


def counts(board: Board) -> Iterator[Count]:
    """By mode, and by whether it was published elsewhere."""
    found = groups(board, _kind)
    for mode in MODES:
        for published in (False, True):
            rows = found.get((mode, published), EMPTY).rows
            if rows:
                yield Count(
                    mode,
                    published,
                    results=len(rows),
                    systems=len({row.place for row in rows}),
                    devices=len({row.result.device.id for row in rows}),
                    rounds=len({row.place.round for row in rows}),
                )


def _kind(row: Row) -> tuple[str, bool]:
    return row.mode, row.result.source is not None
