"""Take over what others published, with its source and what is wrong in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tinybench.cli._console import Column

if TYPE_CHECKING:
    from tinybench.submissions.findings import Finding
    from tinybench.submissions.importing.runs import Row
    from tinybench.submissions.importing.writing import Outcome
    from tinybench.submissions.layout import Place

FIGURE_COLUMNS = (
    Column("runs"),
    Column("figure", whole=True),
    Column("recomputed", figure=True),
    Column("printed", figure=True),
    Column("agree", whole=True),
)

_OUTPUT = click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="FOLDER",
    help="Where the submissions go: FOLDER/<round>/<organisation>/<system>/.",
)
_REPLACE = click.option(
    "--replace", is_flag=True, help="Put this import in the place of an earlier one of the same system."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")


@click.group()
def command() -> None:
    """Take over what others published, with its source and what is wrong in it.

    Names, cores, clocks and engines become typed fields, and the original texts are kept. What the source
    does not say stays unknown. A submission that is there already is never overwritten, unless it is an
    earlier import of the same system and --replace is given.
    """


@command.command("mlperf-table")
@click.argument("table", metavar="FILE", type=click.Path(path_type=Path))
@_OUTPUT
@_REPLACE
@_JSON
def mlperf_table(table: Path, output: Path, replace: bool, as_json: bool) -> None:
    """Turn a CSV of published MLPerf Tiny results into submissions.

    One row for each task of each system; the columns are listed in site/docs/published.md. The same table
    gives the same bytes on every day and machine.
    """
    from tinybench.mlperf_tiny.published import read_table
    from tinybench.paths import expand
    from tinybench.submissions.importing import table as published
    from tinybench.submissions.importing.writing import write

    rows = read_table(expand(table, "FILE"))
    drafts = published.convert(rows)
    outcomes = write(drafts, expand(output, "--output"), replace=replace)
    _report(outcomes, tuple(published.findings(rows)), len(rows), as_json)


@command.command("mlperf-tiny")
@click.argument("tree", metavar="DIR", type=click.Path(path_type=Path))
@_OUTPUT
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder with *y_labels.csv; needed to recompute image classification.",
)
@click.option("--round", "round_", metavar="ROUND", help="Such as v1.2; else by the name of the repository.")
@click.option("--division", type=click.Choice(["closed", "open"]), help="Else by the path.")
@click.option("--organisation", metavar="NAME", help="Else by the path.")
@click.option("--system", metavar="NAME", help="Else by the path.")
@click.option("--task", metavar="TASK", help="Else by the path, or by what the device says.")
@click.option(
    "--system-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="JSON that describes the system; else by its name in systems/.",
)
@click.option("--hashes-only", is_flag=True, help="Do not copy the evidence, only its hashes.")
@_REPLACE
@_JSON
def mlperf_tiny(
    tree: Path,
    output: Path,
    labels: Path | None,
    round_: str | None,
    division: str | None,
    organisation: str | None,
    system: str | None,
    task: str | None,
    system_file: Path | None,
    hashes_only: bool,
    replace: bool,
    as_json: bool,
) -> None:
    """Turn runs with their logs, as MLPerf Tiny publishes them, into submissions.

    DIR is a results repository (with closed/ and open/), any folder in it, or a folder with the folders
    performance, accuracy and energy of one task. Latency, energy and accuracy are recomputed from the logs
    and compared with what the runner printed. What a log does not show stays unavailable.
    """
    from tinybench.cli._console import progress
    from tinybench.submissions.importing.api import import_mlperf_tiny

    with progress() as report:
        imported = import_mlperf_tiny(
            tree,
            output=output,
            round=round_,
            division="open" if division == "open" else "closed" if division else None,
            organisation=organisation,
            system=system,
            task=task,
            system_file=system_file,
            labels=labels,
            hashes_only=hashes_only,
            replace=replace,
            progress=report,
        )
    if not as_json:
        _print_figures(imported.rows)
    findings = [*imported.findings, *(finding for row in imported.rows for finding in row.findings)]
    rows = {"rows": [_row(row) for row in imported.rows]}
    _report(imported.written, findings, len(imported.rows), as_json, rows)


def _print_figures(rows: Iterable[Row]) -> None:
    from tinybench.cli._console import print_table, stdout
    from tinybench.quantities import quantity
    from tinybench.results.schema import UNITS

    def cells(row: Row) -> Iterator[tuple[str, ...]]:
        for figure in row.figures:
            unit = UNITS[figure.name]
            known = (
                "" if value is None else quantity(value, unit)
                for value in (figure.recomputed, figure.printed)
            )
            agrees = {True: "yes", False: "NO", None: ""}[figure.agrees]
            yield row.path, figure.name, *known, agrees

    print_table(stdout(), FIGURE_COLUMNS, [line for row in rows for line in cells(row)])


def _row(row: Row) -> dict[str, Any]:
    return {
        "path": row.path,
        "result": f"{row.place.path}/results/{row.name}",
        "id": row.result.id,
        "evidence_checked": row.evidence_checked,
        "figures": [
            {
                "name": figure.name,
                "value": figure.value,
                "recomputed": figure.recomputed,
                "printed": figure.printed,
                "agrees": figure.agrees,
            }
            for figure in row.figures
        ],
        "findings": [_finding(found) for found in row.findings],
    }


def _report(
    outcomes: Mapping[Place, Outcome],
    findings: Iterable[Finding],
    results: int,
    as_json: bool,
    more: Mapping[str, Any] | None = None,
) -> None:
    from tinybench.cli._console import echo_json, plain
    from tinybench.submissions.findings import SEVERITIES

    listed = list(findings)
    if as_json:
        echo_json(_document(outcomes, listed, results) | dict(more or {}))
        return
    for found in listed:
        click.echo(f"{found.rule.code} {found.rule.severity}: {plain(found.where)}: {plain(found.message)}")
    counted = Counter(outcomes.values())
    written = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counted.items()))
    of = f"{_counted(results, 'result')} in {_counted(len(outcomes), 'submission')}"
    click.echo(f"{of}: {written}")
    if listed:
        severities = Counter(found.rule.severity for found in listed)
        said = (_counted(severities[name], name) for name in SEVERITIES if severities[name])
        click.echo(f"findings: {', '.join(said)}")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _document(outcomes: Mapping[Place, Outcome], findings: Iterable[Finding], results: int) -> dict[str, Any]:
    return {
        "results": results,
        "submissions": {place.path: outcome for place, outcome in outcomes.items()},
        "findings": [_finding(found) for found in findings],
    }


def _finding(found: Finding) -> dict[str, str]:
    return {
        "code": found.rule.code,
        "rule": found.rule.name,
        "severity": found.rule.severity,
        "where": found.where,
        "message": found.message,
    }
