"""A drawing of fixed width, in points from its upper left corner: title, plots, legend and lines of text.

Everything has its place before matplotlib is asked to draw, so that nothing has to be measured twice, and a
figure takes some hundredths of a second.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from tinybench.leaderboard.figures.palette import GRID, INK, MUTED, PAPER
from tinybench.leaderboard.figures.svg import Mark

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path

WIDTH: Final = 390.0
"""Points. On a page 520 pixels at full size; at 390 pixels of a phone, text is still 9 pixels high."""

TEXT: Final = 9.5
SMALL: Final = 8.5
_TITLE: Final = 11.0
_MARGIN: Final = 6.0
_LINE: Final = 13.0
_MARK_SIZE: Final = 6.4

_STYLE: Final[dict[Any, Any]] = {
    "axes.edgecolor": MUTED,
    "axes.facecolor": PAPER,
    "axes.labelcolor": INK,
    "axes.labelsize": TEXT,
    "axes.linewidth": 0.7,
    "figure.facecolor": PAPER,
    "font.family": ["DejaVu Sans"],
    "path.simplify": False,
    "savefig.facecolor": PAPER,
    "svg.fonttype": "none",
    "svg.hashsalt": "tinybench",
    # A name may hold dollar signs: it is no formula.
    "text.parse_math": False,
    "text.color": INK,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": SMALL,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": SMALL,
}


@dataclass(frozen=True)
class Sample:
    """What an entry of a legend shows: a mark, a line, a band, or text as it stands in the plot."""

    label: str
    path: Path | None = None
    color: str = INK
    line: str | None = None
    """A dash pattern of matplotlib."""
    band: bool = False
    number: str = ""


@dataclass
class Drawing:
    """What was drawn: SVG of matplotlib, and what its points are about."""

    svg: bytes
    marks: Mapping[str, Sequence[Mark | None]]
    height: float
    """Points."""


@dataclass
class Canvas:
    """Collects what is drawn, from the top down; ``y`` is where the next thing begins."""

    y: float = _MARGIN
    marks: dict[str, list[Mark | None]] = field(default_factory=dict)
    _later: list[Any] = field(default_factory=list)

    def title(self, text: str, below: str) -> None:
        """Title and a line that says what is shown."""
        # Bold letters are wider than those that the width is taken from.
        self.text(shorten(text, (WIDTH - 2 * _MARGIN) / 1.16, _TITLE), _MARGIN, size=_TITLE, weight="bold")
        self.y += 16
        self.text(shorten(below, WIDTH - 2 * _MARGIN, SMALL), _MARGIN, size=SMALL, color=MUTED)
        self.y += 17

    def text(self, text: str, x: float, *, y: float | None = None, **style: Any) -> None:
        """One line; ``x`` and the top in points."""
        top = self.y if y is None else y
        size = style.pop("size", TEXT)

        def draw(figure: Any, height: float) -> None:
            place = (x / WIDTH, 1 - (top + size) / height)
            figure.text(*place, text, fontsize=size, va="baseline", **style)

        self._later.append(draw)

    def plot(self, draw: Any, height: float, *, left: float = 48.0, below: float = 34.0) -> None:
        """A plot over the whole width: ``draw`` gets its axes; ``left`` and ``below`` are for labels."""
        top = self.y

        def add(figure: Any, total: float) -> None:
            box = (
                left / WIDTH,
                1 - (top + height) / total,
                (WIDTH - left - 2 * _MARGIN) / WIDTH,
                height / total,
            )
            axes = figure.add_axes(box)
            for side in ("top", "right"):
                axes.spines[side].set_visible(False)
            axes.set_axisbelow(True)
            axes.tick_params(length=3, width=0.7, pad=2.5)
            axes.tick_params(which="minor", length=1.8, width=0.5)
            draw(axes)

        self._later.append(add)
        self.y += height + below

    def legend(self, samples: Sequence[Sample]) -> None:
        """Samples with their labels, as many in a line as fit."""
        x = _MARGIN
        for sample in samples:
            width = 20 + text_width(sample.label, SMALL) + 12
            if x > _MARGIN and x + width > WIDTH:
                x = _MARGIN
                self.y += _LINE
            self._sample(sample, x, self.y)
            self.text(shorten(sample.label, WIDTH - x - 26, SMALL), x + 19, size=SMALL)
            x += width
        self.y += _LINE + 3

    def _sample(self, sample: Sample, x: float, top: float) -> None:
        def draw(figure: Any, height: float) -> None:
            from matplotlib.lines import Line2D
            from matplotlib.patches import Rectangle

            middle = 1 - (top + 6.0) / height
            ends = [(x + 1) / WIDTH, (x + 15) / WIDTH]
            if sample.band:
                size = (14 / WIDTH, 8 / height)
                figure.add_artist(
                    Rectangle((ends[0], middle - 4 / height), *size, facecolor=sample.color, linewidth=0)
                )
            if sample.line is not None:
                line: dict[str, Any] = {"color": sample.color, "linestyle": sample.line, "linewidth": 1.3}
                figure.add_artist(Line2D(ends, [middle] * 2, **line))
            if sample.path is not None:
                point = [(x + 8) / WIDTH]
                figure.add_artist(Line2D(point, [middle], **_mark_style(sample.path, sample.color)))
            if sample.number:
                figure.text(
                    (x + 8) / WIDTH,
                    1 - (top + SMALL) / height,
                    sample.number,
                    fontsize=SMALL,
                    weight="bold",
                    ha="center",
                )

        self._later.append(draw)

    def series(
        self,
        axes: Axes,
        x: Sequence[float],
        y: Sequence[float],
        path: Path,
        color: str,
        marks: Sequence[Mark | None],
        size: float = 1.0,
    ) -> None:
        """Points of one kind, each with its mark."""
        name = f"series{len(self.marks)}"
        (line,) = axes.plot(x, y, clip_on=False, zorder=3, **_mark_style(path, color, size))
        line.set_gid(name)
        self.marks[name] = list(marks)

    def drawn(self) -> Drawing:
        """Draw everything."""
        import matplotlib
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure

        height = self.y + _MARGIN
        buffer = io.BytesIO()
        with matplotlib.rc_context(_STYLE), _any_script():
            figure = Figure(figsize=(WIDTH / 72, height / 72))
            FigureCanvasSVG(figure)
            for draw in self._later:
                draw(figure, height)
            figure.savefig(buffer, format="svg", metadata={"Date": None})
        return Drawing(buffer.getvalue(), self.marks, height)


def _mark_style(path: Path, color: str, size: float = 1.0) -> dict[str, Any]:
    return {
        "marker": path,
        "linestyle": "",
        "markersize": _MARK_SIZE * size,
        "markerfacecolor": color,
        "markeredgecolor": PAPER,
        "markeredgewidth": 0.4,
    }


@contextmanager
def _any_script() -> Iterator[None]:
    """Letters that the font for the layout does not have are drawn by the browser, in another one."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="(?s)Glyph .* missing from font")
        yield


@cache
def text_width(text: str, size: float) -> float:
    """Points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    with _any_script():
        width, _, _ = text_to_path.get_text_width_height_descent(
            text, FontProperties(family="DejaVu Sans", size=size), False
        )
    return float(width)


def shorten(text: str, width: float, size: float) -> str:
    """The text, or its beginning and an ellipsis, in at most so many points."""
    if text_width(text, size) <= width:
        return text
    keep = max(1, int(len(text) * width / text_width(text, size)))
    while keep > 1 and text_width(f"{text[:keep]}…", size) > width:
        keep -= 1
    return f"{text[:keep].rstrip()}…"


def decades(low: float, high: float) -> tuple[list[float], list[float]]:
    """Ticks of a logarithmic axis: with a label, and without; round numbers between its ends."""
    from math import ceil, floor, log10

    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    spread = log10(high / low)
    labelled: tuple[float, ...] = (1, 1.5, 2, 3, 4, 5, 6, 8)
    if spread > 0.5:
        labelled = (1,) if spread > 2.2 else (1, 3) if spread > 1.3 else (1, 2, 5)
    step = max(1, ceil(spread / 7))
    major = [m * 10.0**p for p in powers if p % step == 0 for m in labelled if low <= m * 10.0**p <= high]
    minor = [m * 10.0**p for p in powers for m in range(1, 10) if low <= m * 10.0**p <= high]
    return major, [tick for tick in minor if tick not in major] if spread < 8 else []


def log_axis(axis: Any, low: float, high: float) -> None:
    """Give a logarithmic axis plain numbers at its ticks."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter

    major, minor = decades(low, high)
    axis.set_major_locator(FixedLocator(major))
    axis.set_major_formatter(FixedFormatter([number(tick) for tick in major]))
    axis.set_minor_locator(FixedLocator(minor))
    axis.set_minor_formatter(NullFormatter())
    axis.grid(True, which="major", color=GRID, linewidth=0.6)


def number(value: float) -> str:
    """A number of an axis."""
    return f"{value:,.0f}" if 1000 <= value < 1e8 else f"{value:.3g}"


def log_limits(values: Sequence[float], margin: float = 0.06) -> tuple[float, float]:
    """Ends of a logarithmic axis with some room around the values, which are above zero."""
    low, high = min(values), max(values)
    room = max((high / low) ** margin, 1.25)
    return low / room, high * room
