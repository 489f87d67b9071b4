"""Beside which other results a result is worth reading."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from tinybench.leaderboard.board import MODES, Board, Row
from tinybench.results.schema import Metric

MOST: Final = 4
"""Of each kind."""
_NEAR: Final = 50
"""How many neighbours are looked at: of one device there may be thousands in a row."""


@dataclass(frozen=True)
class Comparison:
    """Another result, and why it stands there."""

    why: str
    row: Row
    latency: Metric | None


class Comparisons:
    """All results of a board, kept by what makes them comparable."""

    def __init__(self, board: Board) -> None:
        self._timed = {
            row.id: found for row in board.rows if (found := row.result.metric("latency.per_inference"))
        }
        rows = [row for row in board.rows if self._latency(row) > 0]
        self._age = board.ages
        self._of_device = self._group(rows, lambda row: (row.task, row.result.device.id, row.mode))
        self._of_core = self._group(
            (row for row in rows if row.device and row.device.core),
            lambda row: (row.task, row.device.core if row.device else None, row.mode),
        )
        self._of_system: dict[Hashable, list[Row]] = defaultdict(list)
        for row in board.rows:
            self._of_system[_system(row)].append(row)
        self._engines = {key: self._fastest_of_each_engine(rows) for key, rows in self._of_device.items()}

    def of(self, row: Row) -> list[Comparison]:
        """What to compare a result with; each other result once, for the first reason that holds."""
        found: dict[str, Comparison] = {}
        for why, others in (
            ("same device, other engine", self._other_engines(row)),
            ("same system, other round", self._other_rounds(row)),
            ("same device, other mode", self._other_modes(row)),
            ("same core, nearest latency", self._nearest(row)),
        ):
            for other in islice((one for one in others if one.id != row.id and one.id not in found), MOST):
                found[other.id] = Comparison(why, other, self._timed.get(other.id))
        return list(found.values())

    def _other_engines(self, row: Row) -> Iterator[Row]:
        engines = self._engines.get((row.task, row.result.device.id, row.mode), {})
        return (other for engine, other in engines.items() if engine != _engine(row))

    def _other_rounds(self, row: Row) -> Iterator[Row]:
        rows = [other for other in self._of_system[_system(row)] if other.place.round != row.place.round]
        return iter(sorted(rows, key=lambda other: (self._age[other.place.round], other.id)))

    def _other_modes(self, row: Row) -> Iterator[Row]:
        """Of each other mode the nearest of the same engine, else the nearest of all."""
        for mode in MODES:
            if mode == row.mode:
                continue
            around = list(self._around(self._of_device.get((row.task, row.result.device.id, mode), []), row))
            same = [other for other in around if other.result.engine.name == row.result.engine.name]
            yield from (same or around)[:1]

    def _nearest(self, row: Row) -> Iterator[Row]:
        if row.device is None or row.device.core is None:
            return iter(())
        around = self._around(self._of_core.get((row.task, row.device.core, row.mode), []), row)
        return (other for other in around if other.result.device.id != row.result.device.id)

    def _group(self, rows: Iterable[Row], key: Callable[[Row], Hashable]) -> dict[Hashable, list[Row]]:
        """By key, each group by latency."""
        groups: dict[Hashable, list[Row]] = defaultdict(list)
        for row in rows:
            groups[key(row)].append(row)
        return {key: sorted(group, key=self._order) for key, group in groups.items()}

    def _around(self, rows: list[Row], row: Row) -> Iterator[Row]:
        """The rows of a group by how near their latency is to that of ``row``, as a ratio; nearest first."""
        latency = self._latency(row)
        if latency <= 0:
            return
        above = bisect_left(rows, self._order(row), key=self._order)
        below = above - 1
        for _ in range(min(_NEAR, len(rows))):
            up = self._latency(rows[above]) / latency if above < len(rows) else float("inf")
            down = latency / self._latency(rows[below]) if below >= 0 else float("inf")
            if up <= down:
                yield rows[above]
                above += 1
            else:
                yield rows[below]
                below -= 1

    def _latency(self, row: Row) -> float:
        metric = self._timed.get(row.id)
        return metric.value if metric else 0.0

    def _order(self, row: Row) -> tuple[float, str]:
        return self._latency(row), row.id

    def _fastest_of_each_engine(self, rows: list[Row]) -> dict[Hashable, Row]:
        """Of the newest round of each engine; the fastest engine first."""
        newest: dict[Hashable, Row] = {}
        for row in rows:  # from the lowest latency up
            known = newest.setdefault(_engine(row), row)
            if self._age[row.place.round] < self._age[known.place.round]:
                newest[_engine(row)] = row
        return dict(sorted(newest.items(), key=lambda item: self._order(item[1])))


def _engine(row: Row) -> Hashable:
    return row.result.engine.name, row.result.engine.kernels


def _system(row: Row) -> Hashable:
    return row.task, row.place.organisation, row.place.system
