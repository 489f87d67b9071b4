"""ROC curves as an SVG figure for a model card; the same bytes for the same scores, no library needed."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from tinybench.auc import roc_auc, roc_curve

__all__ = ["svg"]

_SIDE = 300
_LEFT, _TOP, _RIGHT, _BOTTOM = 60, 48, 60, 62
_ROW = 20
# Okabe and Ito's palette: the three that differ most, also for the colour-blind; and a dash for each.
_STROKES = (
    ("#0072b2", ""),
    ("#d55e00", "6 3"),
    ("#009e73", "2 3"),
    ("#cc79a7", "8 3 2 3"),
    ("#e69f00", "1 4"),
)
# A grey that can be read on white and on black.
_STYLE = "text{font:13px sans-serif;fill:#808080}.line{stroke:#808080;stroke-opacity:.35;fill:none}"


def svg(title: str, normal: NDArray[np.floating], anomalous: Mapping[str, NDArray[np.floating]]) -> bytes:
    """One ROC curve for each set of anomalies, all against the same normal recordings.

    Args:
        title: above the figure.
        normal: scores of the normal recordings, (m,).
        anomalous: name of each set -> scores of its recordings, (n,); at most five sets.

    Raises:
        ValueError: there is no curve, or more than five, or one without recordings.
    """
    if not 0 < len(anomalous) <= len(_STROKES):
        raise ValueError(f"{len(anomalous)} curves: from 1 to {len(_STROKES)} can be told apart")
    labels = {
        name: f"{name}: AUC {roc_auc(normal, scores):.3f} ({len(scores)} recordings)"
        for name, scores in anomalous.items()
    }
    described = f"ROC curves against {len(normal)} normal recordings. {'. '.join(labels.values())}."
    width = _LEFT + _SIDE + _RIGHT
    height = _TOP + _SIDE + _BOTTOM + _ROW * len(anomalous)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">',
        f"<title>{escape(title)}</title><desc>{escape(described)}</desc><style>{_STYLE}</style>",
        f'<text x="{_LEFT}" y="24" font-weight="bold">{escape(title)}</text>',
    ]
    bottom, right = _TOP + _SIDE, _LEFT + _SIDE
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = _at(tick, tick)
        parts += [
            f'<path class="line" d="M{x:g} {_TOP}V{bottom}M{_LEFT} {y:g}H{right}"/>',
            f'<text x="{x:g}" y="{bottom + 18}" text-anchor="middle">{tick:g}</text>',
            f'<text x="{_LEFT - 8}" y="{y + 4:g}" text-anchor="end">{tick:g}</text>',
        ]
    x, y = _at(0.5, 0.5)
    parts += [
        f'<path class="line" d="M{_LEFT} {bottom}L{right} {_TOP}" stroke-dasharray="3 3"/>',
        f'<text x="{x:g}" y="{bottom + 38}" text-anchor="middle">false positive rate</text>',
        f'<text transform="translate(16 {y:g}) rotate(-90)" text-anchor="middle">true positive rate</text>',
    ]
    for number, (name, scores) in enumerate(anomalous.items()):
        (colour, dash), row = _STROKES[number], bottom + _BOTTOM + _ROW * number
        stroke = f'fill="none" stroke="{colour}" stroke-width="2.5" stroke-dasharray="{dash or "none"}"'
        curve = [_at(x, y) for x, y in zip(*roc_curve(normal, scores), strict=True)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in curve)
        parts += [
            f'<polyline points="{points}" {stroke}/>',
            f'<path d="M{_LEFT} {row}h30" {stroke}/>',
            f'<text x="{_LEFT + 38}" y="{row + 5}">{escape(labels[name])}</text>',
        ]
    return ("\n".join([*parts, "</svg>"]) + "\n").encode()


def _at(false_positive: float, true_positive: float) -> tuple[float, float]:
    return _LEFT + _SIDE * float(false_positive), _TOP + _SIDE * (1 - float(true_positive))
