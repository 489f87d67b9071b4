"""Judge the simulated microcontrollers against published hardware results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from tinybench.validation.compare import Metric, Row, Validation


@click.group()
def command() -> None:
    """Judge the simulated microcontrollers."""


@command.command()
@click.option(
    "--models",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder with the four int8 reference models of MLPerf Tiny; found by SHA-256, not by name.",
)
@click.option(
    "--published",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Published results, as in runners/validation/published.csv.  [default: those shipped]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write validation.json, validation.csv, intervals.toml and the figure into this folder.",
)
@click.option(
    "--page",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Renew the generated part of this Markdown page, and the figure beside it.",
)
@click.pass_context
def validate(
    context: click.Context,
    models: Path,
    published: Path | None,
    as_json: bool,
    output: Path | None,
    page: Path | None,
) -> None:
    """Compare simulated latency and energy with published results on the same kernels.

    Exit code 1 if a calibration row is off by over 15 %, or the latency of all of them by over 8 % in the
    mean.
    """
    from tinybench import specs
    from tinybench.cli._console import echo_json, progress
    from tinybench.validation import compare
    from tinybench.validation.documents import to_document
    from tinybench.validation.published import read_published

    with progress() as report:
        found = compare.validate(read_published(published), models, specs.devices(), report)
    _write(found, output, page)  # first: whoever reads the tables may go away
    if as_json:
        echo_json(to_document(found))
    else:
        _show(found)
    for failure in found.failures():
        click.echo(f"{click.style('failed:', fg='red')} {failure}", err=True)
    if found.failures():
        context.exit(1)


def _write(found: Validation, output: Path | None, page: Path | None) -> None:
    from tinybench import specs
    from tinybench.atomic import write_atomically
    from tinybench.validation import documents, figure

    if output is not None:
        for path in documents.write_files(found, output):
            click.echo(f"wrote {path}", err=True)
    if page is not None:
        text = page.read_text(encoding="utf-8")
        block = documents.page_block(found, specs.devices())
        write_atomically(page, documents.replace_block(text, block, str(page)).encode())
        click.echo(f"wrote {page}", err=True)
    folders = [folder for folder in (output, page and page.parent) if folder is not None]
    if not figure.available():
        click.echo(f"no figure: {figure.HINT}", err=True)
        return
    for folder in folders:
        write_atomically(folder / documents.FIGURE, figure.figure_svg(found))
        click.echo(f"wrote {folder / documents.FIGURE}", err=True)


def _show(found: Validation) -> None:
    from tinybench.cli._console import stdout
    from tinybench.validation.intervals import intervals

    console = stdout()
    _print_rows(console, found)
    _print_summaries(console, found)
    click.echo(f"baseline: {found.cycles_per_mac:.2f} cycles per MAC, fitted on the calibration rows")
    for item in intervals(found):
        where = item.device or "any other board"
        low, high = item.around(1.0)
        click.echo(
            f"95 % interval of {item.metric} on {where}: {low:.2f} to {high:.2f} times the simulated figure "
            f"({item.basis})"
        )
    for reason, count in found.uncovered.items():
        click.echo(f"not covered: {reason} ({count} rows)")


def _print_rows(console: Console, found: Validation) -> None:
    from tinybench.cli._console import Column, print_table
    from tinybench.validation.documents import percent

    columns = [Column(name) for name in ("board", "model", "published by", "role")]
    for metric in ("latency", "energy"):
        columns += [Column(name, figure=True) for name in (metric, "simulated", "error")]
    rows = [
        (
            row.published.device,
            row.published.task,
            f"{row.published.round} {row.published.organisation}, {row.published.engine}",
            row.published.role,
            *_latencies(row),
            percent(row.error("latency")),
            *_energies(row),
            percent(row.error("energy")),
        )
        for row in found.rows
    ]
    print_table(console, columns, rows)


def _latencies(row: Row) -> tuple[str, str]:
    from tinybench.quantities import quantity

    return quantity(row.published.latency_s, "s"), quantity(row.simulated.latency_s, "s")


def _energies(row: Row) -> tuple[str, str]:
    from tinybench.quantities import quantity

    pair = (row.published.energy_j, row.energy_j())
    first, second = ("–" if value is None else quantity(value, "J") for value in pair)
    return first, second


def _print_summaries(console: Console, found: Validation) -> None:
    from tinybench.cli._console import Column, print_table
    from tinybench.validation.documents import percent, summaries

    columns = [
        Column("figure"),
        Column("rows"),
        *(Column(name, figure=True) for name in ("n", "MAPE", "worst", "cycles/MAC", "left out")),
    ]
    metrics: tuple[Metric, ...] = ("latency", "energy")
    rows = [
        (
            metric,
            name,
            str(summary.rows),
            percent(summary.mape, sign=False),
            f"{percent(summary.worst_error)} {summary.worst.published.task}",
            percent(summary.baseline_mape, sign=False),
            percent(summary.leave_one_out_mape, sign=False),
        )
        for metric in metrics
        for name, summary in summaries(found, metric)
    ]
    print_table(console, columns, rows)
