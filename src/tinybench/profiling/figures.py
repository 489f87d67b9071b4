"""A profile as an SVG figure: bars per layer, and below them where each layer's cycles go by function.

Matplotlib (extra ``figures``) draws it. The colours follow the reader's light or dark mode; a program that
knows no style sheets shows the light one.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

from tinybench.errors import UsageError
from tinybench.extras import installing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tinybench.profiling.schema import LayerFunctionCosts, Profile

_PAPER, _INK, _GRID = "#fffffe", "#1a1c21", "#d5d8de"
_DARK: Final = {_PAPER: "#15181d", _INK: "#e8eaee", _GRID: "#3a3f48"}
"""Colours that change in dark mode. No other part of the figure uses them."""
_BLOCK_INK: Final = "#101216"
_COMPUTE, _STALLS = "#5b9bd5", {"fetch": "#e69f00", "data": "#d9736b", "RAM": "#b58bd0"}
# Okabe and Ito's palette, lightened until dark text reads on all of it.
_FUNCTIONS: Final = ("#8cc5ee", "#f3bf4f", "#66c9a5", "#f0e68c", "#e89a6a", "#dba4c4", "#7fb0d8", "#b8d98a")
_OTHER: Final = "#c3c7cf"
_WIDTH_IN: Final = 11.0
_LETTER: Final = 0.0072
"""Width of a letter of a block's label, as a share of the plot."""


def require_matplotlib() -> None:
    """Say early that the extra is missing.

    Raises:
        UsageError: matplotlib cannot be imported.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise UsageError("a figure needs matplotlib", hint=installing("figures")) from None


def svg(profile: Profile) -> bytes:
    """The figure as SVG with a title and a description; the same bytes for the same profile.

    Raises:
        UsageError: matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib import rc_context

    figure = draw(profile)
    buffer = io.BytesIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "tinybench"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return _accessible(buffer.getvalue().decode(), profile).encode()


def draw(profile: Profile) -> Figure:
    """The figure, for any of matplotlib's formats."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    bars_in = 0.24 * len(profile.layers) + 0.6
    # A model's name may hold dollar signs: it is no formula.
    with rc_context({"text.parse_math": False, "font.family": ["DejaVu Sans"]}):
        figure = Figure(figsize=(_WIDTH_IN, bars_in + 3.4), facecolor=_PAPER, layout="constrained")
        above, below = figure.subplots(2, 1, height_ratios=[bars_in, 2.2])
        figure.suptitle(_title(profile), color=_INK, fontsize=11)
        _bars(above, profile)
        _flame(below, profile)
    return figure


def describe(profile: Profile) -> str:
    """What the figure shows, in words."""
    costly = sorted(profile.layers, key=lambda layer: -layer.cycles)[:3]
    layers = ", ".join(f"{c.index} {c.operator} {c.share:.1%}" for c in costly)
    functions = ", ".join(f"{f.name} {f.share:.1%}" for f in profile.functions[:3])
    return (
        f"{profile.total.cycles:,} cycles in {len(profile.layers)} layers. "
        f"Costliest layers: {layers}. Costliest functions: {functions}."
    )


def _title(profile: Profile) -> str:
    device = profile.device
    name = "".join(c if c.isprintable() else "?" for c in profile.model.name)
    return (
        f"{name} on {device.id} ({device.core}, {device.clock_hz / 1e6:g} MHz): "
        f"{profile.total.cycles / 1e6:.3f} M cycles, {profile.latency_s * 1e3:.4g} ms, simulated"
    )


def _bars(axes: Any, profile: Profile) -> None:
    layers = profile.layers
    rows = range(len(layers))
    parts = {
        "executing": ([c.cycles - c.stalls_fetch - c.stalls_data - c.stalls_ram for c in layers], _COMPUTE),
        "waiting for instructions from flash": ([c.stalls_fetch for c in layers], _STALLS["fetch"]),
        "waiting for data from flash": ([c.stalls_data for c in layers], _STALLS["data"]),
        "waiting for RAM": ([c.stalls_ram for c in layers], _STALLS["RAM"]),
    }
    left = [0.0] * len(layers)
    for label, (cycles, color) in parts.items():
        if any(cycles):
            widths = [count / 1e6 for count in cycles]
            axes.barh(rows, widths, left=left, color=color, label=label, height=0.72)
            left = [start + width for start, width in zip(left, widths, strict=True)]
    for row, layer in enumerate(layers):
        axes.annotate(f" {layer.share:.1%}", (left[row], row), va="center", ha="left", color=_INK, fontsize=8)
    axes.set_yticks(rows, [f"{layer.index} {layer.operator}" for layer in layers], fontsize=8)
    axes.set_ylim(len(layers) - 0.4, -0.6)
    axes.set_xlim(0, max(left) * 1.08)
    axes.set_xlabel("million cycles", color=_INK, fontsize=9)
    axes.set_title("Cycles per layer", color=_INK, fontsize=10, loc="left")
    axes.grid(axis="x", color=_GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    _plain(axes, keep=("bottom",))
    axes.legend(loc="best", fontsize=8, frameon=False, labelcolor=_INK)


def _flame(axes: Any, profile: Profile) -> None:
    """Two rows: the layers side by side in execution order, and under each its functions."""
    total = profile.total.cycles
    colors = {function.name: color for function, color in zip(profile.functions, _FUNCTIONS, strict=False)}
    own: dict[int, list[LayerFunctionCosts]] = {}
    for cell in profile.layer_functions:
        own.setdefault(cell.layer, []).append(cell)
    at = 0.0
    for layer in profile.layers:
        width = layer.cycles / total
        _block(axes, at, 1, width, _COMPUTE, f"{layer.index} {layer.operator}", str(layer.index))
        inner = at
        for cell in sorted(own.get(layer.index, []), key=lambda c: -c.cycles):
            color = colors.get(cell.name, _OTHER)
            _block(axes, inner, 0, cell.cycles / total, color, cell.name.removeprefix("arm_"))
            inner += cell.cycles / total
        at += width
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 2)
    axes.set_yticks([0.5, 1.5], ["function", "layer"], fontsize=9)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"], fontsize=8)
    axes.set_xlabel("share of the cycles, in the order of execution", color=_INK, fontsize=9)
    axes.set_title("Functions within each layer", color=_INK, fontsize=10, loc="left")
    _plain(axes, keep=())
    from matplotlib.patches import Patch

    shares = {function.name: function.share for function in profile.functions}
    handles = [Patch(color=color, label=f"{name} ({shares[name]:.1%})") for name, color in colors.items()]
    rest = sum(share for name, share in shares.items() if name not in colors)
    handles.append(Patch(color=_OTHER, label=f"other functions ({rest:.1%})"))
    axes.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.32),
        ncols=3,
        fontsize=8,
        frameon=False,
        labelcolor=_INK,
    )


def _block(axes: Any, left: float, row: int, width: float, color: str, label: str, short: str = "") -> None:
    axes.barh(
        row + 0.5, width, left=left, height=0.94, color=color, edgecolor=_PAPER, linewidth=0.5, align="center"
    )
    letters = int((width - 0.004) / _LETTER)
    if len(label) > letters:
        label = short if short and letters < 9 else label[: letters - 1] + "…"
    if letters < max(2, len(label)):
        return
    axes.text(left + width / 2, row + 0.5, label, ha="center", va="center", fontsize=7, color=_BLOCK_INK)


def _plain(axes: Any, keep: tuple[str, ...]) -> None:
    axes.set_facecolor(_PAPER)
    axes.tick_params(colors=_INK, length=0 if not keep else 3, labelsize=8)
    for side, spine in axes.spines.items():
        spine.set_visible(side in keep)
        spine.set_color(_INK)


def _accessible(text: str, profile: Profile) -> str:
    """Title and description for screen readers, and the colours of dark mode."""
    rules = "".join(
        f'[style*="{kind}: {light}"]{{{kind}:{dark}!important}}'
        for light, dark in _DARK.items()
        for kind in ("fill", "stroke")
    )
    head = (
        f"<title>{escape(_title(profile))}</title>"
        f"<desc>{escape(describe(profile))}</desc>"
        f"<style>@media (prefers-color-scheme: dark){{{rules}}}</style>"
    )
    return re.sub(r"<svg ([^>]*)>", lambda found: f'<svg role="img" {found[1]}>\n{head}', text, count=1)
