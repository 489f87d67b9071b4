"""Latency of one device across engines, one figure for each task."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from tinybench.leaderboard import addresses
from tinybench.leaderboard.board import MODES
from tinybench.leaderboard.figures import words
from tinybench.leaderboard.figures.canvas import SMALL, WIDTH, Canvas, Drawing, Sample, number, shorten
from tinybench.leaderboard.figures.families import family_of
from tinybench.leaderboard.figures.figure import Figure
from tinybench.leaderboard.figures.marks import mark
from tinybench.leaderboard.figures.palette import GRID, INK, MUTED
from tinybench.leaderboard.figures.points import LATENCY, records, result_mark, text_of
from tinybench.quantities import frequency
from tinybench.results.schema import Mode

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEAST: Final = 2
"""Engines that make a figure."""

MOST: Final = 30
"""Lines of a figure, the fastest of each mode first."""

_ROW: Final = 25.0
_REFERENCE: Final = re.compile(r"MLPerf Tiny \w+ reference model(?:, (\w+))?")


@dataclass(frozen=True)
class Line:
    """All results of one engine, model and clock on the device, in one mode."""

    label: str
    mode: Mode
    results: list[dict[str, Any]]
    """The fastest first."""

    @property
    def latency_s(self) -> float:
        """Of the fastest."""
        return float(self.results[0]["latency_s"])


def engines(frame: pd.DataFrame, device: str, task: str, title: str) -> Figure | None:
    """The figure of a device and a task; None if there are fewer than two engines.

    Only the closed division: engines are compared on reference models, which have one structure.

    Args:
        frame: results of any device and task.
        device: its id.
        task: its id.
        title: what the task is called.
    """
    here = frame[(frame["device"] == device) & (frame["task"] == task) & (frame["latency_s"] > 0)]
    closed = here[here["division"] == "closed"]
    if closed["engine"].nunique() < LEAST:
        return None
    lines = _lines(closed)
    shown = lines[:MOST]
    n = sum(len(line.results) for line in shown)
    heading = f"{title} on {words.plain(device)}: latency by engine"
    return Figure(
        name=f"{addresses.name_part(device)}--{addresses.name_part(task)}-engines",
        title=heading,
        alt=_alt(shown, heading, n),
        caption=_caption(closed, lines, shown, len(here) - len(closed), n),
        n=n,
        data=_data(lines),
        draw=lambda: _draw(shown, heading, n),
    )


def _lines(closed: pd.DataFrame) -> list[Line]:
    several_clocks = closed["clock_hz"].nunique() > 1
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in records(closed.sort_values(["latency_s", "id"])):
        label = _label(row, several_clocks)
        found.setdefault((row["mode"], label), []).append(row)
    made = [Line(label, mode, results) for (mode, label), results in found.items()]  # type: ignore[arg-type]
    return sorted(made, key=lambda line: (MODES.index(line.mode), line.latency_s, line.label))


def _label(row: dict[str, Any], several_clocks: bool) -> str:
    parts = [row["engine"], text_of(row["kernels"]), _model(row["model"])]
    if several_clocks:
        clock = row["clock_hz"]
        parts.append("clock not known" if pd.isna(clock) else frequency(int(clock)))
    return words.plain(", ".join(str(part) for part in parts if part))


def _model(name: str) -> str | None:
    """What is worth saying of a model: not that it is the publication's reference model in int8."""
    found = _REFERENCE.fullmatch(name)
    if found is None:
        return f"model {name}"
    return found[1] if found[1] != "int8" else None


def _results_text(lines: list[Line]) -> str:
    return words.by_mode(
        {mode: sum(len(line.results) for line in lines if line.mode == mode) for mode in MODES}
    )


def _alt(lines: list[Line], heading: str, n: int) -> str:
    parts = [f"{heading}. {_results_text(lines)}."]
    for mode in MODES:
        own = [f"{line.label} {LATENCY.text(line.latency_s)}" for line in lines if line.mode == mode]
        if own:
            parts.append(f"{mode.capitalize()}, fastest first: {words.listed(own)}.")
    return " ".join(parts)


def _caption(closed: pd.DataFrame, lines: list[Line], shown: list[Line], opened: int, n: int) -> str:
    parts = [
        f"Latency of one inference, lowest of each engine: {_results_text(shown)} of the closed division by "
        f"{words.count(closed['engine'].nunique(), 'engine')}; they run one structure of a model. "
        "Smaller marks: further results of the same engine.",
    ]
    if any(line.mode == "simulated" for line in shown):
        parts.append("Bars: 95 % prediction interval of a simulated latency.")
    published = closed[closed["published"].astype(bool)]
    if len(published):
        parts.append(words.published(published["round"], len(published)))
    left_out = []
    if opened:
        left_out.append(f"{words.count(opened, 'result')} of the open division, whose models differ")
    if len(lines) > len(shown):
        left_out.append(f"{words.count(len(lines) - len(shown), 'slower engine')}, which the data has")
    if left_out:
        parts.append(f"Left out: {words.listed(left_out)}.")
    return " ".join(parts)


def _data(lines: list[Line]) -> pd.DataFrame:
    rows = [
        {
            "id": row["id"],
            "mode": line.mode,
            "engine": line.label,
            "round": row["round"],
            "organisation_slug": row["organisation_slug"],
            "clock_hz": row["clock_hz"],
            "latency_s": row["latency_s"],
            "latency_low_s": row["latency_low_s"],
            "latency_high_s": row["latency_high_s"],
        }
        for line in lines
        for row in line.results
    ]
    return pd.DataFrame(rows)


def _draw(lines: list[Line], heading: str, n: int) -> Drawing:
    canvas = Canvas()
    canvas.title(heading, f"{_results_text(lines)}, closed division")
    longest = max(_reach(line) for line in lines) * LATENCY.scale
    left, right = 8.0, 6.0

    def plot(axes: Axes) -> None:
        axes.set_xlim(0, longest * 1.16)
        axes.set_ylim(len(lines) - 0.1, -0.35)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", color=GRID, linewidth=0.6)
        axes.set_xlabel(LATENCY.label, labelpad=3)
        for place, line in enumerate(lines):
            _line(canvas, axes, place, line, WIDTH - left - 2 * right)

    canvas.plot(plot, _ROW * len(lines) + 6, left=left)
    modes = [mode for mode in MODES if any(line.mode == mode for line in lines)]
    if len(modes) > 1:
        color = family_of(text_of(lines[0].results[0]["core"])).color
        canvas.legend([Sample(mode, mark(mode, "full"), color) for mode in modes])
    return canvas.drawn()


def _reach(line: Line) -> float:
    row = line.results[0]
    high = row["latency_high_s"]
    return max(float(line.results[-1]["latency_s"]), 0.0 if pd.isna(high) else float(high))


def _line(canvas: Canvas, axes: Axes, place: int, line: Line, width: float) -> None:
    """A label, and below it the results of an engine on a line from zero."""
    at = place + 0.6
    best = line.latency_s * LATENCY.scale
    fastest = line.results[0]
    color = family_of(text_of(fastest["core"])).color
    axes.plot([0, best], [at, at], color=color, linewidth=1.4, zorder=2, solid_capstyle="butt")
    low, high = fastest["latency_low_s"], fastest["latency_high_s"]
    reach = best
    if not pd.isna(low) and not pd.isna(high):
        ends = [low * LATENCY.scale, high * LATENCY.scale]
        axes.plot(ends, [at, at], color=INK, linewidth=0.9, marker="|", markersize=6, zorder=2.5)
        reach = ends[1]
    axes.text(0, place + 0.17, shorten(line.label, width, SMALL), fontsize=SMALL, va="center", color=INK)
    further = line.results[1:]
    for results, size in ((further, 0.62), (line.results[:1], 1.0)):
        canvas.series(
            axes,
            [row["latency_s"] * LATENCY.scale for row in results],
            [at] * len(results),
            mark(line.mode, "full"),
            color,
            [result_mark(row, LATENCY.text(row["latency_s"]), line.mode) for row in results],
            size=size,
        )
    reach = max([reach, *(row["latency_s"] * LATENCY.scale for row in further)])
    axes.annotate(
        number(best),
        (reach, at),
        xytext=(6, 0),
        textcoords="offset points",
        fontsize=SMALL,
        va="center_baseline",
        color=INK if line.mode == "measured" else MUTED,
        annotation_clip=False,
    )
