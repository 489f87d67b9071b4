"""All figures of the site: which there are, and where they belong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from tinybench.leaderboard import titles
from tinybench.leaderboard.figures.engines import engines
from tinybench.leaderboard.figures.figure import Figure
from tinybench.leaderboard.figures.progress import progress
from tinybench.leaderboard.figures.simulator import simulator
from tinybench.leaderboard.figures.tradeoffs import tradeoffs
from tinybench.validation.cases import read_cases

if TYPE_CHECKING:
    from tinybench.leaderboard.board import Board
    from tinybench.leaderboard.build import Context
    from tinybench.leaderboard.pages import Pages


@dataclass(frozen=True)
class Gallery:
    """The figures, in reading order; nothing is drawn."""

    tasks: Mapping[str, tuple[Figure, ...]]
    devices: Mapping[str, tuple[Figure, ...]]
    about_simulator: tuple[Figure, ...]

    def of_task(self, task: str) -> tuple[Figure, ...]:
        """Trade-offs and progress of a task."""
        return self.tasks.get(task, ())

    def of_device(self, device: str) -> tuple[Figure, ...]:
        """Engines on a device, one figure for each task."""
        return self.devices.get(device, ())

    def simulator(self) -> tuple[Figure, ...]:
        """Simulated against published."""
        return self.about_simulator

    def all(self) -> tuple[Figure, ...]:
        """Every figure once."""
        groups = (*self.tasks.values(), *self.devices.values(), self.about_simulator)
        return tuple(figure for group in groups for figure in group)

    def get(self, name: str) -> Figure | None:
        """The figure of a name."""
        return next((figure for figure in self.all() if figure.name == name), None)


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
    frame, board = context.frame, context.board
    names = sorted(frame["task"].unique())
    rounds = [round_.id for round_ in reversed(board.rounds)]
    tasks: dict[str, tuple[Figure, ...]] = {}
    devices: dict[str, list[Figure]] = defaultdict(list)
    for task in names:
        title = titles.task(task)
        own = tradeoffs(frame, task, title)
        over_time = progress(frame, task, title, rounds)
        tasks[task] = (*own, *([over_time] if over_time else []))
        of_task = frame[frame["task"] == task]
        for device in sorted(of_task["device"].unique()):
            found = engines(of_task, device, task, title)
            if found:
                devices[device].append(found)
    return Gallery(
        tasks=tasks,
        devices={device: tuple(devices[device]) for device in sorted(devices)},
        about_simulator=tuple(simulator(read_cases(), _by_source(board))),
    )


def _by_source(board: Board) -> dict[str, str]:
    """Repository and folder of what was published elsewhere -> id of the result here."""
    return {
        f"{source.repository.removeprefix('https://github.com/')}/{source.path}": row.id
        for row in board.rows
        if (source := row.result.source) is not None and source.repository is not None
    }
