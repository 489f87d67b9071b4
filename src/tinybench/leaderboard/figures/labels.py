"""Places for labels beside points, where nothing else is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from tinybench.leaderboard.figures.canvas import SMALL
from tinybench.leaderboard.figures.palette import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Place = NDArray[np.float64]

_STEPS: Final = (8, 11, 15, 20)
"""How far away a label may be, in points of 1/72 inch."""
_POINT: Final = 7.5
"""Distance to the middle of a point that is enough."""


def label(
    axes: Axes,
    points: Place,
    labels: Sequence[tuple[int, str]],
    toward: Iterable[tuple[float, float]],
) -> None:
    """Write labels beside some points, one after the other, each where it has the most room.

    Args:
        axes: with their final limits.
        points: all points that a label should stay clear of, in data coordinates.
        labels: index of a point and what is written beside it.
        toward: directions in which a label may be, the best first.
    """
    placed = axes.transData.transform(points) * 72 / axes.figure.dpi
    directions = [np.array(direction) for direction in toward]
    taken: list[Place] = []
    for index, text in labels:
        half = np.array([2.9 * len(text), 3.0])
        best = max(
            (step * way + np.sign(way) * (half - 3.0) for step in _STEPS for way in directions),
            key=lambda by: _room(placed[index] + by, half, placed, taken) - 0.05 * np.hypot(*by),
        )
        taken.append(placed[index] + best)
        axes.annotate(
            text,
            tuple(points[index]),
            xytext=tuple(best),
            textcoords="offset points",
            ha="center",
            va="center_baseline",
            fontsize=SMALL,
            weight="bold",
            color=INK,
            annotation_clip=False,
        )


def _room(at: Place, half: Place, placed: Place, taken: Sequence[Place]) -> float:
    """Distance to the nearest point or label, as far as it matters; a label is as wide as its text."""
    room = min(_POINT, _nearest(at, np.maximum(half - 3.0, 0.0), placed))
    return min(room, _nearest(at, 2 * (half - 3.0), np.array(taken))) if taken else room


def _nearest(at: Place, reach: Place, others: Any) -> float:
    return float(np.hypot(*np.maximum(np.abs(others - at) - reach, 0.0).T).min())
