"""Marks of points: the outline says the mode, the filling the family of the core.

Each is one closed shape, so that it is one element of the SVG: a ring along the outline, and what is filled
within.
"""

from __future__ import annotations

from functools import cache
from math import cos, pi, sin
from typing import TYPE_CHECKING, Final

from tinybench.results.schema import Mode

if TYPE_CHECKING:
    from matplotlib.path import Path

Polygon = list[tuple[float, float]]

_RING: Final = 0.66
"""Inner size of the ring, as a share of the outer one; a triangle has less room within."""

OUTLINES: Final[dict[Mode, str]] = {"measured": "circle", "simulated": "square", "predicted": "triangle"}


@cache
def mark(mode: Mode, pattern: str) -> Path:
    """The mark of a point, within the unit circle or a little more."""
    from matplotlib.path import Path

    outline = _outline(mode)
    if pattern == "full":
        return Path.make_compound_path(_closed(outline))
    inner = 0.52 if mode == "predicted" else _RING
    ring = [outline, [(inner * x, inner * y) for x, y in reversed(outline)]]
    return Path.make_compound_path(*(_closed(part) for part in [*ring, *_filling(outline, pattern)]))


def _outline(mode: Mode) -> Polygon:
    """Counter-clockwise, around the origin."""
    if mode == "measured":
        return [(cos(2 * pi * step / 24), sin(2 * pi * step / 24)) for step in range(24)]
    if mode == "simulated":
        return [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]
    return [(1.3 * cos(pi * angle / 180), 1.3 * sin(pi * angle / 180)) for angle in (90, 210, 330)]


def _filling(outline: Polygon, pattern: str) -> list[Polygon]:
    """Convex parts of the outline, counter-clockwise."""
    thin = 0.22
    match pattern:
        case "hollow":
            return []
        case "left":
            return [_cut(outline, -1.0, 0.0, 0.0)]
        case "right":
            return [_cut(outline, 1.0, 0.0, 0.0)]
        case "bottom":
            return [_cut(outline, 0.0, -1.0, 0.0)]
        case "dot":
            return [[(0.36 * cos(2 * pi * s / 12), 0.36 * sin(2 * pi * s / 12)) for s in range(12)]]
        case "bar":
            return [_strip(outline, 0.0, 1.0, thin)]
        case "cross":
            return [_strip(outline, 1.0, 0.0, thin), _strip(outline, 0.0, 1.0, thin)]
    raise ValueError(f"no pattern is called '{pattern}'")


def _strip(outline: Polygon, a: float, b: float, half: float) -> Polygon:
    return _cut(_cut(outline, a, b, -half), -a, -b, -half)


def _cut(polygon: Polygon, a: float, b: float, least: float) -> Polygon:
    """The part of a convex polygon where a·x + b·y is at least that much."""
    kept: Polygon = []
    for (x0, y0), (x1, y1) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        before, after = a * x0 + b * y0 - least, a * x1 + b * y1 - least
        if before >= 0:
            kept.append((x0, y0))
        if before * after < 0:
            share = before / (before - after)
            kept.append((x0 + share * (x1 - x0), y0 + share * (y1 - y0)))
    return kept


def _closed(polygon: Polygon) -> Path:
    from matplotlib.path import Path

    return Path([*polygon, polygon[0]], closed=True)
