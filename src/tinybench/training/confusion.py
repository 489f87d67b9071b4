"""Confusion matrices as an SVG figure (needs matplotlib, which the extra ``train`` brings)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from tinybench.errors import UsageError
from tinybench.extras import installing
from tinybench.training.accuracy import Score

__all__ = ["svg"]

# A grey that can be read on white and on black, for what lies outside the cells.
_INK: Final = "#808080"
_STYLE: Final[dict[Any, Any]] = {
    "axes.edgecolor": _INK,
    "axes.facecolor": "none",
    "axes.labelcolor": _INK,
    "figure.facecolor": "none",
    "font.size": 9.0,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "tinybench",
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}
_DARK_FROM: Final = 0.5
"""Cells with a larger share than this are dark enough for white text."""


def svg(labels: Sequence[str], scores: Sequence[Score], title: str) -> bytes:
    """One matrix per score, side by side: rows are the true classes, columns the answers, cells hold counts
    and are coloured by their share of the row. The same bytes every time.

    Args:
        labels: names of the classes.
        scores: of one set, one per precision.
        title: of the figure.

    Raises:
        UsageError: matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError("a figure needs matplotlib", hint=installing("train")) from None

    side_in = 1.4 + 0.42 * len(labels)
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(side_in * len(scores), side_in), layout="constrained")
        for axes, entry in zip(figure.subplots(1, len(scores), squeeze=False)[0], scores, strict=True):
            _matrix(axes, labels, entry)
        figure.suptitle(title, fontsize=10)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    lines = (line.rstrip() for line in buffer.getvalue().decode().splitlines())
    return ("\n".join(lines) + "\n").encode()


def _matrix(axes: Any, labels: Sequence[str], entry: Score) -> None:
    counts = np.array(entry.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # Cells as polygons: an image would be embedded as PNG, whose bytes depend on the library that packs it.
    axes.pcolormesh(shares, cmap="Blues", vmin=0, vmax=1, edgecolors=_INK, linewidth=0.2)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            ink = "white" if shares[row, column] > _DARK_FROM else "black"
            axes.text(column + 0.5, row + 0.5, str(count), ha="center", va="center", color=ink, fontsize=7)
    middles = np.arange(len(labels)) + 0.5
    axes.set_xticks(middles, labels, rotation=90)
    axes.set_yticks(middles, labels)
    axes.invert_yaxis()
    axes.set_aspect("equal")
    axes.tick_params(length=0)
    axes.set_xlabel("answer")
    axes.set_ylabel("truth")
    axes.set_title(f"{entry.precision}: {entry.value:.1%} of {entry.samples}", fontsize=9)
