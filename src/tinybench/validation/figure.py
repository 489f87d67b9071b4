"""Predicted against measured, as SVG (needs the extra ``figures``)."""

from __future__ import annotations

import io
from importlib.util import find_spec
from typing import Any, Final

from tinybench.errors import UsageError
from tinybench.extras import installing
from tinybench.validation.compare import Metric, Row, Validation, is_calibration, is_current

HINT: Final = installing("figures") + " for the figure"

# Dark on a white card: it can be read on a light page, on a dark one and on paper. The palette is that of
# Okabe and Ito ("Color universal design", 2008) without its yellow and black.
_INK: Final = "#404040"
_CARD: Final = "#ffffff"
_COLORS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")

_STYLE: Final[dict[Any, Any]] = {
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "figure.facecolor": _CARD,
    "font.size": 12.0,
    "savefig.facecolor": _CARD,
    "axes.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "tinybench",
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


def available() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def figure_svg(validation: Validation) -> bytes:
    """Latency and energy, simulated against published, both axes logarithmic; the same bytes every time.

    Raises:
        UsageError: matplotlib is not installed.
    """
    if not available():
        raise UsageError("the figure needs matplotlib", hint=HINT)
    import matplotlib
    from matplotlib.figure import Figure

    panels: tuple[Metric, ...] = ("latency", "energy")
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(10.0, 5.2), layout="constrained")
        axes = figure.subplots(1, 2)
        for axis, metric in zip(axes, panels, strict=True):
            _panel(axis, metric, validation)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=10.5)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    lines = (line.rstrip() for line in buffer.getvalue().decode().splitlines())
    return ("\n".join(lines) + "\n").encode()


def _panel(axis: Any, metric: Metric, validation: Validation) -> None:
    rows = [row for row in validation.rows if row.error(metric) is not None]
    unit = "ms" if metric == "latency" else "mJ"
    values = [value * 1e3 for row in rows for value in _pair(row, metric)]
    if values:
        ends = (min(values) / 1.6, max(values) * 1.6)
        axis.plot(ends, ends, color=_INK, linewidth=1.0, label="equal")
        axis.fill_between(
            ends,
            [end / 1.15 for end in ends],
            [end * 1.15 for end in ends],
            color=_INK,
            alpha=0.18,
            linewidth=0,
            label="within 15 %",
        )
        axis.set_xlim(*ends)
        axis.set_ylim(*ends)
    for color, board in zip(_COLORS, validation.boards(), strict=False):
        mine = [row for row in rows if row.published.device == board]
        for name, marker, filled, chosen in (
            ("calibration", "o", True, [row for row in mine if is_calibration(row)]),
            ("", "s", True, [row for row in mine if is_current(row) and not is_calibration(row)]),
            ("v0.5, early TFLM", "^", False, [row for row in mine if not is_current(row)]),
        ):
            if chosen:
                axis.scatter(
                    [_pair(row, metric)[0] * 1e3 for row in chosen],
                    [_pair(row, metric)[1] * 1e3 for row in chosen],
                    marker=marker,
                    s=52,
                    facecolors=color if filled else "none",
                    edgecolors=color,
                    linewidths=1.4,
                    label=f"{board} ({name})" if name else board,
                )
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel(f"{metric}, published [{unit}]")
    axis.set_ylabel(f"{metric}, simulated [{unit}]")
    axis.grid(True, which="major", color=_INK, alpha=0.25, linewidth=0.6)


def _pair(row: Row, metric: Metric) -> tuple[float, float]:
    if metric == "latency":
        return row.published.latency_s, row.latency_s() or 0.0
    return row.published.energy_j or 0.0, row.energy_j() or 0.0
