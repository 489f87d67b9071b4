"""Take over what others published, with its source and what is wrong in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tinybench.submissions.findings import Finding
    from tinybench.submissions.importing.writing import Outcome
    from tinybench.submissions.layout import Place

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


def _report(
    outcomes: Mapping[Place, Outcome], findings: Iterable[Finding], results: int, as_json: bool
) -> None:
    from tinybench.cli._console import echo_json, plain
    from tinybench.submissions.findings import SEVERITIES

    listed = list(findings)
    if as_json:
        echo_json(_document(outcomes, listed, results))
        return
    for found in listed:
        click.echo(f"{found.rule.code} {found.rule.severity}: {plain(found.where)}: {plain(found.message)}")
    counted = Counter(outcomes.values())
    written = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counted.items()))
    click.echo(f"{results} results in {len(outcomes)} submissions: {written}")
    if listed:
        severities = Counter(found.rule.severity for found in listed)
        said = (f"{severities[name]} {name}s" for name in SEVERITIES if severities[name])
        click.echo(f"findings: {', '.join(said)}")


def _document(outcomes: Mapping[Place, Outcome], findings: Iterable[Finding], results: int) -> dict[str, Any]:
    return {
        "results": results,
        "submissions": {place.path: outcome for place, outcome in outcomes.items()},
        "findings": [
            {
                "code": found.rule.code,
                "rule": found.rule.name,
                "severity": found.rule.severity,
                "where": found.where,
                "message": found.message,
            }
            for found in findings
        ],
    }
