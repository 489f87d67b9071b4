"""Show power analysers, and compute energy from recorded traces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import click

from tinybench.cli._console import Column

if TYPE_CHECKING:
    from tinybench.meters.phases import Phase
    from tinybench.meters.recorded import Recorded

KINDS = (Column("kind", whole=True), Column("what it is"), Column("here"))
PHASES = (
    Column("phase", whole=True),
    Column("start", figure=True),
    Column("time", figure=True),
    Column("energy", figure=True),
    Column("power", figure=True),
    Column("per inference", figure=True),
    Column("above idle", figure=True),
)


@click.group(invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Show power analysers, and compute energy from recorded traces.

    Without a command: 'tinybench meters list'.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_meters)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def list_meters(as_json: bool) -> None:
    """Show the kinds of power analysers, those that are plugged in, and what is missing.

    Nothing is opened, and no board loses its power.
    """
    from tinybench.cli._console import echo_json, plain, print_table, stdout

    kinds = _kinds()
    if as_json:
        echo_json(kinds)
        return
    print_table(stdout(), KINDS, [(kind["kind"], kind["summary"], _here(kind)) for kind in kinds])
    for kind in kinds:
        for problem, fix in _problems(kind):
            click.echo(f"{kind['kind']}: {plain(problem)}")
            if fix:
                click.echo(f"    fix: {plain(fix)}")


def _kinds() -> list[dict[str, Any]]:
    """What there is of each kind, or why that is not known."""
    from tinybench.errors import TinybenchError
    from tinybench.meters.registry import PLUGINS

    kinds: list[dict[str, Any]] = [
        {"kind": name, "summary": "", "problem": error.message, "fix": error.hint, "found": []}
        for name, error in PLUGINS.broken().items()
    ]
    for name, meter in PLUGINS.all().items():
        kind: dict[str, Any] = {"kind": name, "summary": meter.summary, "problem": None, "fix": None}
        try:
            meter.check()
            found = meter.find()
        except TinybenchError as error:
            kind |= {"problem": error.message, "fix": error.hint}
            found = ()
        kind["found"] = [
            {"address": one.address, "title": one.title, "problem": one.problem} for one in found
        ]
        kinds.append(kind)
    return sorted(kinds, key=lambda kind: str(kind["kind"]))


def _here(kind: dict[str, Any]) -> str:
    if kind["problem"]:
        return "not known"
    return "; ".join(f"{kind['kind']}:{one['address']} ({one['title']})" for one in kind["found"]) or "none"


def _problems(kind: dict[str, Any]) -> list[tuple[str, str | None]]:
    own = [(kind["problem"], kind["fix"])] if kind["problem"] else []
    return own + [(one["problem"], None) for one in kind["found"] if one["problem"]]


@command.command()
@click.argument("trace", type=click.Path(path_type=Path))
@click.option(
    "--edges",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="JSON list of times in seconds, two for each window, instead of the edges in the recording.",
)
@click.option(
    "--inferences", type=click.IntRange(min=1), metavar="N", help="Inferences in each window.", default=None
)
@click.option("--supply", metavar="VOLT", type=float, help="Voltage, if the recording holds none.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def energy(
    trace: Path, edges: Path | None, inferences: int | None, supply: float | None, as_json: bool
) -> None:
    """Compute the energy of each window of a recorded trace, and of the time around them.

    TRACE is trace1-energy.bin of EEMBC's runner, .jls of a Joulescope, or CSV of the Power Profiler (PPK2) or
    the Otii app. Windows lie between two falling edges of the board's pin.
    """
    from tinybench.cli._console import echo_json
    from tinybench.meters.base import require_supply
    from tinybench.meters.recorded import read_recorded

    require_supply(supply)
    recorded = read_recorded(trace, supply_v=supply, edges=edges)
    document = _document(trace, recorded, inferences)
    if as_json:
        echo_json(document)
    else:
        _print(document)


def _document(trace: Path, recorded: Recorded, inferences: int | None) -> dict[str, Any]:
    """All figures, in SI units."""
    from tinybench.meters.phases import BASELINE_S, baseline_w, median_energy_j, split, windows

    phases = split(recorded.trace, recorded.edges, str(trace))
    idle_w = baseline_w(recorded.trace)
    if windows(phases)[0].start_s < BASELINE_S:
        idle_w = None
    return {
        "trace": str(trace),
        "format": recorded.format,
        "rate_hz": recorded.trace.rate_hz,
        "seconds": recorded.trace.duration_s,
        "voltage_v": recorded.voltage_v,
        "windows": len(windows(phases)),
        "inferences": inferences,
        "median_energy_j": median_energy_j(phases),
        "median_energy_per_inference_j": median_energy_j(phases, inferences) if inferences else None,
        "median_above_baseline_per_inference_j": _above_idle_j(windows(phases), idle_w, inferences),
        "baseline_w": idle_w,
        "phases": [_figures(phase, inferences, idle_w) for phase in phases],
    }


def _above_idle_j(windows: Sequence[Phase], idle_w: float | None, inferences: int | None) -> float | None:
    """Median, for one inference."""
    from tinybench.meters.phases import above_baseline_j

    if idle_w is None or inferences is None:
        return None
    return median(above_baseline_j(window, idle_w) for window in windows) / inferences


def _figures(phase: Phase, inferences: int | None, idle_w: float | None) -> dict[str, Any]:
    from tinybench.meters.phases import above_baseline_j

    window = phase.kind == "inference"
    return {
        "phase": phase.kind,
        "start_s": phase.start_s,
        "seconds": phase.duration_s,
        "energy_j": phase.energy_j,
        "power_w": phase.power_w,
        "energy_per_inference_j": phase.energy_j / inferences if window and inferences else None,
        "above_baseline_j": above_baseline_j(phase, idle_w) if window and idle_w is not None else None,
    }


def _print(document: dict[str, Any]) -> None:
    from tinybench.cli._console import heading, print_table, stdout
    from tinybench.meters.phases import BASELINE_S

    rate = f"{document['rate_hz']:g} samples/s"
    about = {"trace": document["trace"], "format": document["format"]}
    about["recorded"] = f"{document['seconds']:.3f} s at {rate}"
    if document["voltage_v"] is not None:
        about["voltage"] = f"{document['voltage_v']:.4g} V, as recorded"
    console = stdout()
    console.print(heading(about))
    shown = [k for k, column in enumerate(PHASES) if _has(column.title, document)]
    rows = [
        (
            phase["phase"],
            f"{phase['start_s']:.3f} s",
            f"{phase['seconds']:.3f} s",
            _energy(phase["energy_j"]),
            "" if phase["power_w"] is None else f"{phase['power_w'] * 1e3:.4f} mW",
            _energy(phase["energy_per_inference_j"]),
            _energy(phase["above_baseline_j"]),
        )
        for phase in document["phases"]
    ]
    print_table(console, [PHASES[k] for k in shown], [[row[k] for k in shown] for row in rows])
    click.echo(f"median energy of a window: {_energy(document['median_energy_j'])}")
    if document["median_energy_per_inference_j"] is not None:
        click.echo(f"median energy per inference: {_energy(document['median_energy_per_inference_j'])}")
    if document["median_above_baseline_per_inference_j"] is not None:
        above = _energy(document["median_above_baseline_per_inference_j"])
        click.echo(f"median above idle, per inference: {above}")
    if document["baseline_w"] is not None:
        idle = f"{document['baseline_w'] * 1e3:.4f} mW"
        click.echo(f"idle: {idle} in the first {BASELINE_S:g} s; no energy but 'above idle' is without it")
    else:
        click.echo(f"idle: not known, as the first window begins within {BASELINE_S:g} s")


def _has(title: str, document: dict[str, Any]) -> bool:
    if title == "per inference":
        return document["inferences"] is not None
    return title != "above idle" or document["baseline_w"] is not None


def _energy(joule: float | None) -> str:
    """As EEMBC's runner prints it, to the nanojoule."""
    return "" if joule is None else f"{joule * 1e6:,.3f} µJ"
