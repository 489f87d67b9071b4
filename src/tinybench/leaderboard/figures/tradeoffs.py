"""One figure of a result against another, with a Pareto front for each mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from tinybench.leaderboard import addresses
from tinybench.leaderboard.board import MODES
from tinybench.leaderboard.figures import words
from tinybench.leaderboard.figures.canvas import (
    SMALL,
    Canvas,
    Drawing,
    Sample,
    log_axis,
    log_limits,
    shorten,
    text_width,
)
from tinybench.leaderboard.figures.families import family_of, present
from tinybench.leaderboard.figures.figure import Figure
from tinybench.leaderboard.figures.labels import label
from tinybench.leaderboard.figures.marks import mark
from tinybench.leaderboard.figures.palette import GREY, GRID, INK, MUTED
from tinybench.leaderboard.figures.points import (
    AUC,
    ENERGY,
    LATENCY,
    TOP1,
    Quantity,
    records,
    result_mark,
    system,
    text_of,
    weakest_mode,
)
from tinybench.leaderboard.pareto import front
from tinybench.results.schema import Mode
from tinybench.statistics import wilson_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEAST: Final = 2
"""Points that make a figure."""

MOST_LINKS: Final = 1500
"""Points with a tooltip and a link, some 500 bytes each; with more, only those on a front have them."""

MOST_NAMED: Final = 12
"""Entries below the plot."""

_LINES: Final[dict[Mode, str]] = {"measured": "-", "simulated": "--", "predicted": ":"}
_PLOT: Final = 232.0


@dataclass(frozen=True)
class Named:
    """Results on a front with the very same figures: one number in the plot, and one line below it."""

    number: int
    mode: Mode
    index: int
    """Position of the first of them."""
    equal: int
    """How many there are."""


def tradeoffs(frame: pd.DataFrame, task: str, title: str) -> list[Figure]:
    """All figures of a task that have enough points.

    Args:
        frame: results of any task.
        task: its id.
        title: what it is called.
    """
    of_task = frame[frame["task"] == task].sort_values("id")
    metrics = of_task["metric"].dropna().unique()
    accuracy = AUC if list(metrics) == ["auc"] else TOP1
    kinds = (
        ("accuracy-latency", LATENCY, accuracy),
        ("latency-energy", ENERGY, LATENCY),
        ("energy-accuracy", ENERGY, accuracy),
    )
    made = (_tradeoff(of_task, f"{addresses.name_part(task)}-{kind}", title, x, y) for kind, x, y in kinds)
    return [figure for figure in made if figure is not None]


def _tradeoff(of_task: pd.DataFrame, name: str, title: str, x: Quantity, y: Quantity) -> Figure | None:
    shown, left_out = _chosen(of_task, x, y)
    if len(shown) < LEAST:
        return None
    shown = shown.assign(mode_shown=weakest_mode(shown, [x.mode, y.mode]))
    shown = shown.assign(on_front=_on_front(shown, x, y)).reset_index(drop=True)
    named = _named(shown, x, y)
    what = f"{y.name} against {x.name}"
    return Figure(
        name=name,
        title=f"{title}: {what}",
        alt=_alt(shown, named, f"{title}, {what}", x, y),
        caption=_caption(shown, left_out, what, x, y),
        n=len(shown),
        data=_data(shown, x, y),
        draw=lambda: _draw(shown, named, f"{title}: {what}", x, y),
    )


def _chosen(of_task: pd.DataFrame, x: Quantity, y: Quantity) -> tuple[pd.DataFrame, list[str]]:
    """Results that have both figures, and why others are left out."""
    left_out: list[str] = []

    def keep(frame: pd.DataFrame, kept: pd.Series[bool], why: str) -> pd.DataFrame:
        gone = len(frame) - int(kept.sum())
        if gone:
            left_out.append(f"{words.count(gone, 'result')} {why}")
        return frame[kept]

    shown = of_task
    for figure in (x, y):
        if figure.more_is_better:
            shown = keep(shown, shown["accuracy"].notna(), "without an accuracy")
            shown = keep(
                shown,
                shown["decisive"].fillna(False).astype(bool),
                "whose accuracy is not that of a whole test set",
            )
        else:
            above = shown[figure.column].notna() & (shown[figure.column] > 0)
            shown = keep(shown, above, f"without {'an energy' if figure is ENERGY else 'a latency'}")
    if not y.more_is_better:
        shown = keep(shown, shown["division"] == "closed", "of the open division, whose models differ")
    return shown, left_out


def _on_front(shown: pd.DataFrame, x: Quantity, y: Quantity) -> Any:
    found = np.zeros(len(shown), dtype=bool)
    second = -shown[y.column] if y.more_is_better else shown[y.column]
    for mode in MODES:
        of_mode = (shown["mode_shown"] == mode).to_numpy()
        found[of_mode] = front(shown[x.column][of_mode], second[of_mode])
    return found


def _named(shown: pd.DataFrame, x: Quantity, y: Quantity) -> list[Named]:
    found: list[Named] = []
    for mode in MODES:
        best = shown[shown["on_front"] & (shown["mode_shown"] == mode)]
        for _, equal in best.sort_values([x.column, "id"]).groupby([x.column, y.column], sort=False):
            found.append(Named(len(found) + 1, mode, int(equal.index[0]), len(equal)))
    return found


def _data(shown: pd.DataFrame, x: Quantity, y: Quantity) -> pd.DataFrame:
    columns = [
        "id",
        "round",
        "organisation_slug",
        "device",
        "core",
        "clock_hz",
        "division",
        x.column,
        y.column,
    ]
    table = shown[columns].copy()
    table["mode"] = shown["mode_shown"]
    table["on_front"] = shown["on_front"]
    return table.sort_values([x.column, "id"])


def _results_text(shown: pd.DataFrame) -> str:
    counts = shown["mode_shown"].value_counts()
    return words.by_mode({mode: int(counts.get(mode, 0)) for mode in MODES})


def _caption(shown: pd.DataFrame, left_out: list[str], what: str, x: Quantity, y: Quantity) -> str:
    parts = [
        f"{what.capitalize()} of {_results_text(shown)}.",
        "Each mode has a front of its own: no result of that mode is better in one figure and not worse in "
        "the other. Colour and filling: the core. Shape: the mode.",
    ]
    if (shown["mode_shown"] != shown["mode"]).any():
        parts.append(
            "A point has the weaker of the modes of its two figures: simulated with predicted is predicted."
        )
    published = shown[shown["published"].astype(bool)]
    if len(published):
        parts.append(words.published(published["round"], len(published)))
    if y.more_is_better:
        parts += _uncertainty(shown, y)
    if left_out:
        parts.append(f"Left out: {words.listed(left_out)}.")
    return " ".join(parts)


def _uncertainty(shown: pd.DataFrame, y: Quantity) -> list[str]:
    if y is AUC:
        parts = ["Intervals of the AUC are not shown: what was published has no scores to compute them from."]
        if shown["published"].any():
            parts.append(
                "Published AUCs follow one of two rules, with two decimals or three, which differ by up to "
                "0.02: smaller steps of this front say nothing."
            )
        return parts
    found = []
    for samples, low, high in _intervals(shown, y):
        found.append(f"{100 * low:.1f} to {100 * high:.1f} % on {samples:,} samples")
    if not found:
        return []
    return [f"An accuracy just at the target has a 95 % interval (Wilson) of {words.listed(found)}."]


def _intervals(shown: pd.DataFrame, y: Quantity) -> list[tuple[int, float, float]]:
    """Sizes of test sets that matter, and the interval of a top-1 accuracy at the target."""
    target = _target(shown)
    if target is None or y is not TOP1:
        return []
    sizes = shown["samples"].dropna().astype(int).value_counts()
    return [
        (int(size), *wilson_interval(round(target * size), int(size))) for size in sorted(sizes.index[:2])
    ]


def _target(shown: pd.DataFrame) -> float | None:
    targets = shown["target"].dropna().unique()
    return float(targets[0]) if len(targets) == 1 else None


def _alt(shown: pd.DataFrame, named: list[Named], heading: str, x: Quantity, y: Quantity) -> str:
    def span(figure: Quantity) -> str:
        values = shown[figure.column]
        return f"{figure.name} from {figure.text(values.min())} to {figure.text(values.max())}"

    parts = [f"{heading}: {_results_text(shown)}, {span(x)}, {span(y)}."]
    rows = records(shown.iloc[[one.index for one in named]])
    for mode in MODES:
        best = [
            f"{system(row)} ({_figures(row, x, y)}{f', {one.equal} equal results' if one.equal > 1 else ''})"
            for one, row in zip(named, rows, strict=True)
            if one.mode == mode
        ]
        if best:
            more = len(best) - MOST_NAMED
            if more > 0:
                best = [*best[:MOST_NAMED], f"{more} more"]
            parts.append(f"On the front of what is {mode}: {words.listed(best)}.")
    target = _target(shown)
    if y.more_is_better and target is not None:
        met = int(shown["target_met"].fillna(False).astype(bool).sum())
        parts.append(f"The target, {y.text(target)}, is met by {met:,} of {len(shown):,}.")
    return " ".join(parts)


def _draw(shown: pd.DataFrame, named: list[Named], title: str, x: Quantity, y: Quantity) -> Drawing:
    canvas = Canvas()
    canvas.title(title, _results_text(shown))
    rows = records(shown)
    families = [family_of(text_of(row["core"])) for row in rows]
    target = _target(shown) if y.more_is_better else None

    def plot(axes: Axes) -> None:
        _axes(axes, shown, x, y, target)
        if target is not None:
            _target_line(axes, shown, y, target)
        for mode in MODES:
            _front_line(axes, shown, mode, x, y)
        _series(canvas, axes, rows, families, x, y)
        _numbers(axes, shown, named, x, y)

    canvas.plot(plot, _PLOT)
    canvas.legend(
        [Sample(family.title, mark("measured", family.pattern), family.color) for family in present(families)]
    )
    modes = [mode for mode in MODES if (shown["mode_shown"] == mode).any()]
    samples = [Sample(mode, mark(mode, "full"), GREY) for mode in modes]
    samples += [Sample(f"front, {mode}", line=_LINES[mode]) for mode in modes]
    if target is not None:
        samples.append(Sample(f"target, {y.text(target)}", line="-.", color=MUTED))
    if _intervals(shown, y):
        samples.append(Sample("95 % interval at the target", number="I"))
    canvas.legend(samples)
    _key(canvas, rows, named, x, y)
    return canvas.drawn()


def _axes(axes: Axes, shown: pd.DataFrame, x: Quantity, y: Quantity, target: float | None) -> None:
    for axis, figure, scale, limit in (
        (axes.xaxis, x, axes.set_xscale, axes.set_xlim),
        (axes.yaxis, y, axes.set_yscale, axes.set_ylim),
    ):
        values = (shown[figure.column] * figure.scale).tolist()
        if figure.logarithmic:
            low, high = log_limits(values, 0.09)
            scale("log")
            log_axis(axis, low, high)
        else:
            values += [] if target is None else [target * figure.scale]
            room = max(0.08 * (max(values) - min(values)), 0.012 * figure.scale)
            low, high = min(values) - room, max(values) + room
            axis.grid(True, color=GRID, linewidth=0.6)
        limit(low, high)
    axes.set_xlabel(x.label, labelpad=3)
    axes.set_ylabel(y.label, labelpad=3)


def _target_line(axes: Axes, shown: pd.DataFrame, y: Quantity, target: float) -> None:
    axes.axhline(target * y.scale, color=MUTED, linewidth=1.1, linestyle="-.", zorder=1.5)
    bottom, top = axes.get_ylim()
    for place, (samples, low, high) in enumerate(_intervals(shown, y)):
        at = 0.985 - 0.03 * place
        low, high = low * y.scale, high * y.scale
        look: dict[str, Any] = {"color": MUTED, "transform": axes.get_yaxis_transform(), "zorder": 1.6}
        axes.plot([at, at], [low, high], linewidth=1.0, marker="_", markersize=5, **look)
        # The second below, so that two labels do not meet.
        above = high + 0.05 * (top - bottom) < top and (place == 0 or low < bottom)
        if above or low > bottom:
            end, va = (high, "bottom") if above else (low, "top")
            axes.text(at + 0.01, end, f"n = {samples:,}", fontsize=7.5, ha="right", va=va, **look)


def _front_line(axes: Axes, shown: pd.DataFrame, mode: Mode, x: Quantity, y: Quantity) -> None:
    best = shown[shown["on_front"] & (shown["mode_shown"] == mode)].sort_values([x.column, "id"])
    if best.empty:
        return
    across = (best[x.column] * x.scale).tolist()
    up = (best[y.column] * y.scale).tolist()
    # What the front beats: up to the next better point nothing but the last one is reached.
    right, bottom, top = axes.get_xlim()[1], *axes.get_ylim()
    across = [across[0], *across, right]
    up = [bottom if y.more_is_better else top, *up, up[-1]]
    axes.plot(across, up, drawstyle="steps-post", color=INK, linewidth=1.2, linestyle=_LINES[mode], zorder=2)


def _series(
    canvas: Canvas, axes: Axes, rows: list[dict[str, Any]], families: list[Any], x: Quantity, y: Quantity
) -> None:
    """Points by kind, the most frequent kind below the others, and what is on a front above all."""
    kinds: dict[tuple[bool, Any, Mode], list[int]] = {}
    for index, (row, family) in enumerate(zip(rows, families, strict=True)):
        kinds.setdefault((row["on_front"], family, row["mode_shown"]), []).append(index)
    linked = len(rows) <= MOST_LINKS
    size = 1.0 if len(rows) <= 300 else 0.75 if linked else 0.55
    for (best, family, mode), indices in sorted(
        kinds.items(), key=lambda item: (item[0][0], -len(item[1]), item[0][1].title, item[0][2])
    ):
        own = [rows[index] for index in indices]
        canvas.series(
            axes,
            [row[x.column] * x.scale for row in own],
            [row[y.column] * y.scale for row in own],
            mark(mode, family.pattern),
            family.color,
            [_mark(row, x, y) if best or linked else None for row in own],
            size=1.0 if best else size,
        )


def _mark(row: dict[str, Any], x: Quantity, y: Quantity) -> Any:
    return result_mark(row, _figures(row, x, y), row["mode_shown"])


def _figures(row: dict[str, Any], x: Quantity, y: Quantity) -> str:
    return f"{x.text(row[x.column])}, {y.text(row[y.column])}"


def _numbers(axes: Axes, shown: pd.DataFrame, named: list[Named], x: Quantity, y: Quantity) -> None:
    """Numbers beside the points of the fronts: on the better side, where no point of that mode is."""
    points = np.column_stack([shown[x.column] * x.scale, shown[y.column] * y.scale])
    up = 1 if y.more_is_better else -1
    toward = [(-0.75, 0.75 * up), (0, up), (-1, 0), (-0.4, up), (-1, 0.4 * up)]
    label(axes, points, [(one.index, str(one.number)) for one in named[:MOST_NAMED]], toward)


def _key(canvas: Canvas, rows: list[dict[str, Any]], named: list[Named], x: Quantity, y: Quantity) -> None:
    for one in named[:MOST_NAMED]:
        row = rows[one.index]
        equal = f" (and {one.equal - 1} equal)" if one.equal > 1 else ""
        opened = " (open)" if row["division"] == "open" else ""
        canvas.text(str(one.number), 14, size=SMALL, weight="bold", ha="center")
        canvas.text(_short_name(row, f"{opened}{equal}"), 25, size=SMALL)
        canvas.text(x.text(row[x.column]), 322, size=SMALL, ha="right")
        canvas.text(y.text(row[y.column]), 384, size=SMALL, ha="right")
        canvas.y += 12.5
    more = len(named) - MOST_NAMED
    if more > 0:
        canvas.text(f"and {more} more on the fronts: see the data", 25, size=SMALL, color=MUTED)
        canvas.y += 12.5


def _short_name(row: dict[str, Any], more: str) -> str:
    """System and engine, in the width of the line; the longer of the two gives way."""
    width = 242 - text_width(f", {more}", SMALL)
    name, engine = words.plain(row["system"]), words.plain(row["engine"])
    widths = sorted((text_width(name, SMALL), text_width(engine, SMALL)))
    most = max(width / 2, width - widths[0])
    return f"{shorten(name, most, SMALL)}, {shorten(engine, most, SMALL)}{more}"
