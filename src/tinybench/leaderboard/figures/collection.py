"""All figures of the site: which there are, and where they belong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from tinybench.leaderboard import titles
from tinybench.leaderboard.figures.engines import LEAST, engines
from tinybench.leaderboard.figures.figure import Figure
from tinybench.leaderboard.figures.points import narrowed
from tinybench.leaderboard.figures.progress import progress
from tinybench.leaderboard.figures.simulator import simulator
from tinybench.leaderboard.figures.tradeoffs import tradeoffs
from tinybench.validation.cases import read_cases

if TYPE_CHECKING:
    import pandas as pd

    from tinybench.leaderboard.board import Board
    from tinybench.leaderboard.build import Context
    from tinybench.leaderboard.pages import Pages

MOST_DEVICES: Final = 48
"""Devices with figures of their engines: those with the most. Any number of them would not be looked at, and
each figure takes a few hundredths of a second."""


@dataclass(frozen=True)
class Gallery:
    """The figures, in reading order; nothing is drawn."""

    tasks: Mapping[str, tuple[Figure, ...]]
    devices: Mapping[str, tuple[Figure, ...]]
    simulator: tuple[Figure, ...]
    """Simulated against published."""

    def of_task(self, task: str) -> tuple[Figure, ...]:
        """Trade-offs and progress of a task."""
        return self.tasks.get(task, ())

    def of_device(self, device: str) -> tuple[Figure, ...]:
        """Engines on a device, one figure for each task."""
        return self.devices.get(device, ())

    def all(self) -> tuple[Figure, ...]:
        """Every figure once."""
        groups = (*self.tasks.values(), *self.devices.values(), self.simulator)
        return tuple(figure for group in groups for figure in group)


_MADE: Final[WeakKeyDictionary[Pages, Gallery]] = WeakKeyDictionary()


def gallery(context: Context) -> Gallery:
    """The figures of a site; put together once.

    Raises:
        ContentError: what the simulator said of published results cannot be read.
    """
    if context.pages not in _MADE:
        _MADE[context.pages] = _gallery(context)
    return _MADE[context.pages]


def write(context: Context) -> None:
    """Draw them all, and add their files to the site."""
    for figure in gallery(context).all():
        for address, data in figure.files().items():
            context.pages.file(address, data)


def _gallery(context: Context) -> Gallery:
    frame, board = narrowed(context.frame), context.board
    rounds = [round_.id for round_ in reversed(board.rounds)]
    tasks: dict[str, tuple[Figure, ...]] = {}
    for task in sorted(frame["task"].unique()):
        title = titles.task(task)
        over_time = progress(frame, task, title, rounds)
        tasks[task] = (*tradeoffs(frame, task, title), *([over_time] if over_time else []))
    devices: dict[str, tuple[Figure, ...]] = {}
    for device in _with_most_engines(frame):
        of_device = frame[frame["device"] == device]
        made = (engines(of_device, device, task, titles.task(task)) for task in tasks)
        devices[device] = tuple(figure for figure in made if figure is not None)
    return Gallery(tasks, devices, tuple(simulator(read_cases(), _by_source(board))))


def _with_most_engines(frame: pd.DataFrame) -> list[str]:
    """Devices that have figures, by id."""
    comparable = frame[(frame["division"] == "closed") & (frame["latency_s"] > 0)]
    found = comparable.groupby(["device", "task"])["engine"].nunique().groupby("device").max()
    found = found[found >= LEAST].sort_index().sort_values(ascending=False, kind="stable")
    return sorted(found.index[:MOST_DEVICES])


def _by_source(board: Board) -> dict[str, str]:
    """Repository and folder of what was published elsewhere -> id of the result here."""
    return {
        f"{source.repository.removeprefix('https://github.com/')}/{source.path}": row.id
        for row in board.rows
        if (source := row.result.source) is not None and source.repository is not None
    }
