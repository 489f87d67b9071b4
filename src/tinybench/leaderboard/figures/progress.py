"""Progress over the rounds of a publication: the best of each round on one and the same hardware.

A round has other systems than the one before, so that its best result says little. What is comparable is a
board at a clock (for energy: at a supply, too): what moves its best result is the software, in the main.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from tinybench.leaderboard import addresses
from tinybench.leaderboard.figures import words
from tinybench.leaderboard.figures.canvas import Canvas, Drawing, Sample, log_axis, log_limits
from tinybench.leaderboard.figures.families import FAMILIES, Family
from tinybench.leaderboard.figures.figure import Figure
from tinybench.leaderboard.figures.marks import mark
from tinybench.leaderboard.figures.points import ENERGY, LATENCY, Quantity, records, result_mark
from tinybench.quantities import frequency

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEAST: Final = 3
"""Rounds in which a board must have results."""

MOST: Final = len(FAMILIES)
"""Boards of a figure: those with results in the most rounds, then with the most results."""


@dataclass(frozen=True)
class Track:
    """A board at a clock, over the rounds."""

    device: str
    clock_hz: int
    supply_v: float | None
    """For energy."""
    best: dict[str, dict[str, Any]]
    """Round -> its best result."""
    counts: dict[str, int]
    """Round -> how many results the best is the best of."""

    @property
    def n(self) -> int:
        """Results of all rounds."""
        return sum(self.counts.values())

    @property
    def label(self) -> str:
        """Board and clock."""
        return f"{words.plain(self.device)}, {frequency(self.clock_hz)}"


@dataclass(frozen=True)
class Panel:
    """One quantity over the rounds."""

    quantity: Quantity
    tracks: list[Track]
    further: int
    """Boards that are left out, since there are too many."""


def progress(frame: pd.DataFrame, task: str, title: str, rounds: Sequence[str]) -> Figure | None:
    """The figure of a task; None if no board has results in three rounds.

    Args:
        frame: results of any task.
        task: its id.
        title: what it is called.
        rounds: all rounds, the oldest first.
    """
    chosen = frame[
        (frame["task"] == task)
        & frame["published"].astype(bool)
        & (frame["division"] == "closed")
        & frame["clock_hz"].notna()
    ]
    panels = [panel for quantity in (LATENCY, ENERGY) if (panel := _panel(chosen, quantity)).tracks]
    if not panels:
        return None
    ordered = [name for name in rounds if any(name in track.best for p in panels for track in p.tracks)]
    heading = f"{title}: best result of each round"
    return Figure(
        name=f"{addresses.name_part(task)}-progress",
        title=heading,
        alt=_alt(panels, ordered, heading),
        caption=_caption(panels, ordered),
        n=sum(len(track.best) for panel in panels for track in panel.tracks),
        data=_data(panels, ordered),
        draw=lambda: _draw(panels, ordered, heading),
    )


def _panel(chosen: pd.DataFrame, quantity: Quantity) -> Panel:
    known = chosen[(chosen[quantity.mode] == "measured") & (chosen[quantity.column] > 0)]
    tracks: list[Track] = []
    boards = known.groupby(["device", "clock_hz"])
    enough = boards["round"].transform("nunique") >= LEAST
    for (device, clock), own in known[enough].groupby(["device", "clock_hz"]):
        supply: float | None = None
        if quantity is ENERGY:
            supplies = own.groupby("supply_v")["round"].nunique()
            if supplies.empty:
                continue
            supply = float(supplies[supplies == supplies.max()].index.min())
            own = own[own["supply_v"] == supply]
        lowest = own.sort_values([quantity.column, "id"]).drop_duplicates("round")
        if len(lowest) >= LEAST:
            best = {row["round"]: row for row in records(lowest)}
            counts = {str(name): int(n) for name, n in own["round"].value_counts().items()}
            tracks.append(Track(str(device), int(str(clock)), supply, best, counts))
    tracks.sort(key=lambda track: (-len(track.best), -track.n, track.device, track.clock_hz))
    shown = sorted(tracks[:MOST], key=lambda track: (track.device, track.clock_hz))
    return Panel(quantity, shown, len(tracks) - len(shown))


def _first_and_last(track: Track, quantity: Quantity, rounds: Sequence[str]) -> str:
    own = [name for name in rounds if name in track.best]
    first, last = (quantity.text(track.best[name][quantity.column]) for name in (own[0], own[-1]))
    return f"{track.label} from {first} in {_short(own[0])} to {last} in {_short(own[-1])}"


def _short(name: str) -> str:
    return name.removeprefix("mlperf-")


def _alt(panels: list[Panel], rounds: Sequence[str], heading: str) -> str:
    parts = [f"{heading}, measured, rounds {_short(rounds[0])} to {_short(rounds[-1])}."]
    for panel in panels:
        moves = [_first_and_last(track, panel.quantity, rounds) for track in panel.tracks]
        parts.append(f"{panel.quantity.name.capitalize()}: {'; '.join(moves)}.")
    return " ".join(parts)


def _caption(panels: list[Panel], rounds: Sequence[str]) -> str:
    parts = []
    for panel in panels:
        n = sum(track.n for track in panel.tracks)
        boards = words.count(len(panel.tracks), "board and clock", "boards and clocks")
        parts.append(f"{panel.quantity.name} of {words.count(n, 'result')} on {boards}")
    text = (
        f"Measured by others and published in {words.rounds(rounds)}, closed division: lowest "
        f"{words.listed(parts)}; this is no official comparison of them. A line joins results on the same "
        "board at the same clock, so that it is mainly the software that moved; a round may be worse than "
        f"the one before. Left out: boards with results in fewer than {LEAST} rounds, other modes, the open "
        "division"
    )
    if panels[-1].quantity is ENERGY:
        text += "; energies of a board at another supply than in most of its rounds"
    further = max(panel.further for panel in panels)
    if further:
        text += f"; {words.count(further, 'further board')} with results in no more rounds than those shown"
    return f"{text}."


def _data(panels: list[Panel], rounds: Sequence[str]) -> pd.DataFrame:
    rows = [
        {
            "quantity": panel.quantity.name,
            "device": track.device,
            "clock_hz": track.clock_hz,
            "supply_v": track.supply_v,
            "round": name,
            "best": track.best[name][panel.quantity.column],
            "unit": "s" if panel.quantity is LATENCY else "J",
            "id": track.best[name]["id"],
            "results": track.counts[name],
        }
        for panel in panels
        for track in panel.tracks
        for name in rounds
        if name in track.best
    ]
    return pd.DataFrame(rows)


def _draw(panels: list[Panel], rounds: Sequence[str], heading: str) -> Drawing:
    canvas = Canvas()
    counts = [f"{panel.quantity.name}: n = {sum(track.n for track in panel.tracks)}" for panel in panels]
    canvas.title(heading, f"measured, closed division; {', '.join(counts)}")
    boards = sorted({(track.device, track.clock_hz, track.label) for p in panels for track in p.tracks})
    looks = {board[:2]: look for board, look in zip(boards, FAMILIES * 2, strict=False)}

    for panel in panels:

        def plot(axes: Axes, panel: Panel = panel) -> None:
            _plot(canvas, axes, panel, rounds, looks)

        canvas.plot(plot, 178.0, below=36.0)
    canvas.legend(
        [
            Sample(label, mark("measured", look.pattern), look.color, line="-")
            for (_, _, label), look in zip(boards, looks.values(), strict=True)
        ]
    )
    return canvas.drawn()


def _plot(
    canvas: Canvas, axes: Axes, panel: Panel, rounds: Sequence[str], looks: dict[tuple[str, int], Family]
) -> None:
    quantity = panel.quantity
    values = [row[quantity.column] * quantity.scale for t in panel.tracks for row in t.best.values()]
    low, high = log_limits(values)
    axes.set_yscale("log")
    log_axis(axes.yaxis, low, high)
    axes.set_ylim(low, high)
    axes.set_xlim(-0.3, len(rounds) - 0.7)
    counts = [sum(track.counts.get(name, 0) for track in panel.tracks) for name in rounds]
    labels = [f"{_short(name)}\nn = {count}" for name, count in zip(rounds, counts, strict=True)]
    axes.set_xticks(range(len(rounds)), labels)
    axes.set_ylabel(f"lowest {quantity.label}", labelpad=3)
    for track in panel.tracks:
        look = looks[track.device, track.clock_hz]
        own = [place for place, name in enumerate(rounds) if name in track.best]
        rows = [track.best[rounds[place]] for place in own]
        best = [row[quantity.column] * quantity.scale for row in rows]
        axes.plot(own, best, color=look.color, linewidth=1.2, zorder=2)
        marks = [result_mark(row, quantity.text(row[quantity.column]), "measured") for row in rows]
        canvas.series(axes, own, best, mark("measured", look.pattern), look.color, marks)
