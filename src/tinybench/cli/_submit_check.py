"""``tinybench submit check``."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from tinybench.cli._console import Column

if TYPE_CHECKING:
    from tinybench.submissions.layout import Place
    from tinybench.submissions.report import Report
    from tinybench.submissions.verdict import Found, Outcome

ROOT: Final = click.option(
    "--root",
    type=click.Path(path_type=Path),
    default=Path("submissions"),
    metavar="DIR",
    help="Folder of all submissions; 'submissions' if not given.",
)
FINDINGS: Final = (
    Column("severity", whole=True),
    Column("rule", whole=True),
    Column("where"),
    Column("what"),
)
RESULTS: Final = (
    Column("task", whole=True),
    Column("model"),
    Column("device", drop=1),
    Column("tier"),
    Column("figures"),
)
_FEW: Final = 10
"""So many submissions are shown whole, with notes and with what is right about them."""


@click.command()
@click.argument("folders", type=click.Path(path_type=Path), metavar="[FOLDER or ARCHIVE]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Check all submissions below --root.")
@click.option(
    "--changed-since",
    "revision",
    metavar="REV",
    help="Check what was changed below --root since a git revision.",
)
@ROOT
@click.option(
    "--keys",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Whose attestations count; trusted-keys.toml below --root if not given.",
)
@click.option("--no-rerun", is_flag=True, help="Do not execute simulated results again.")
@click.option("--no-cache", is_flag=True, help="Check again what did not change since the last time.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON instead of tables.")
@click.option(
    "--report", "report_file", type=click.Path(path_type=Path), metavar="FILE", help="Write it as JSON."
)
@click.option(
    "--markdown",
    "markdown_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a summary for the comment on a pull request.",
)
def check(
    folders: tuple[Path, ...],
    everything: bool,
    revision: str | None,
    root: Path,
    keys: Path | None,
    no_rerun: bool,
    no_cache: bool,
    as_json: bool,
    report_file: Path | None,
    markdown_file: Path | None,
) -> int:
    """Hold submissions to the rules: recompute what has evidence, execute again what was simulated.

    Exit code 1 if a rule of severity error is broken.
    """
    from tinybench.cli._console import progress
    from tinybench.errors import DataError
    from tinybench.submissions.changes import changed_since
    from tinybench.submissions.check import check as judge
    from tinybench.submissions.packing import ARCHIVE
    from tinybench.submissions.report import Report, to_markdown
    from tinybench.submissions.verdict import Found

    _one_of(folders, everything, revision)
    changes = changed_since(root, revision) if revision is not None else None
    with ExitStack() as stack, progress() as report_progress:
        try:
            found_root, places = _subjects(folders, root, stack)
        except DataError as error:  # of an archive, which is refused like everything else: with a code
            refused = Found.of(ARCHIVE.found("archive", error.message))
            found = Report.of([refused], [], rerun=not no_rerun)
        else:
            found = judge(
                found_root,
                places,
                changes=changes,
                trusted=_trusted(keys, found_root),
                rerun=not no_rerun,
                cache=not no_cache,
                progress=report_progress,
            )
    document = found.to_json()
    if report_file is not None:
        write(report_file, document)
    if markdown_file is not None:
        write(markdown_file, to_markdown(found).encode())
    if as_json:
        click.echo(document, nl=False)
    else:
        _print(found)
    return int(not found.passed)


def _trusted(keys: Path | None, root: Path) -> Path | None:
    """The keys of the file that was named, or of the one beside the rounds if there is one."""
    from tinybench.submissions.layout import TRUSTED_KEYS

    beside = root / TRUSTED_KEYS
    return keys or (beside if beside.is_file() else None)


def _one_of(folders: tuple[Path, ...], everything: bool, revision: str | None) -> None:
    from tinybench.errors import UsageError

    if sum(map(bool, (folders, everything, revision is not None))) != 1:
        raise UsageError(
            "say what to check: folders, --all, or --changed-since REV",
            hint="such as: submit check submissions/2026.1/example/board",
        )


def _subjects(folders: tuple[Path, ...], root: Path, stack: ExitStack) -> tuple[Path, list[Place] | None]:
    """The folder of all submissions, and which of them were asked for; None: all.

    Raises:
        UsageError: something is no submission, or they lie below different folders.
        DataError: an archive cannot be unpacked safely.
    """
    from tinybench.errors import UsageError
    from tinybench.submissions import packing
    from tinybench.submissions.layout import Place

    if not folders:
        return root, None
    roots: dict[Path, None] = {}
    places = []
    for path in folders:
        if path.is_file() and packing.is_archive(path):
            folder = stack.enter_context(packing.unpacked(path))
        elif path.is_dir():
            folder = path.absolute()
        else:
            raise UsageError(
                f"{path} is no folder and no archive", hint="give the folder that holds system.toml"
            )
        place = Place.of(folder)
        if place is None:
            raise UsageError(
                f"{path} is not called <round>/<organisation>/<system>",
                hint="a submission lies in submissions/<round>/<organisation>/<system>, in lower case",
            )
        if not any((folder / name).exists() for name in ("system.toml", "manifest.json")):
            raise UsageError(
                f"{path} is no submission: it has neither system.toml nor manifest.json",
                hint="give <round>/<organisation>/<system>, or --all --root DIR for all below a folder",
            )
        roots[folder.parents[2]] = None
        places.append(place)
    if len(roots) > 1:
        raise UsageError("these lie below different folders", hint="check an archive in a command of its own")
    return next(iter(roots)), places


def write(path: Path, data: bytes) -> None:
    """Write a file that was asked for.

    Raises:
        OutputError: it cannot be written.
    """
    from tinybench.atomic import write_atomically
    from tinybench.errors import OutputError

    try:
        write_atomically(path, data)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from None


def _print(report: Report) -> None:
    """Everything about few submissions; of many, only what somebody has to look at."""
    from tinybench.cli._console import cell, print_table, stdout
    from tinybench.submissions.tiers import MEANING, TIERS

    console = stdout()
    if report.findings:
        console.print("[bold]the change as a whole[/bold]")
        print_table(console, FINDINGS, map(_finding, report.findings))
    few = len(report.submissions) <= _FEW
    codes = {found.code for found in report.findings}
    for verdict in report.submissions:
        shown = [found for found in verdict.findings if few or found.severity != "note"]
        codes |= {found.code for found in shown}
        if few or shown:
            console.print(f"[bold]{cell(verdict.place)}[/bold]")
        if few and verdict.results:
            print_table(console, RESULTS, map(_outcome, verdict.results))
        if shown:
            print_table(console, FINDINGS, map(_finding, shown))
    tiers = Counter(outcome.tier for verdict in report.submissions for outcome in verdict.results)
    for tier in TIERS:
        if tiers[tier]:
            console.print(f"{tiers[tier]:,} {tier}: {MEANING[tier]}", soft_wrap=True)
    for code in sorted(codes):
        rule = report.rules[code]
        console.print(cell(f"{code} {rule.title}: {rule.hint}"), soft_wrap=True)
    console.print(f"{'holds' if report.passed else 'does not hold'}: {report.in_numbers}", soft_wrap=True)


def _finding(found: Found) -> tuple[str, ...]:
    return found.severity, found.code, found.where, found.message


def _outcome(outcome: Outcome) -> tuple[str, ...]:
    from tinybench.quantities import quantity
    from tinybench.results.schema import UNITS
    from tinybench.submissions.report import HEADLINES

    figures = (
        f"{quantity(figure.value, UNITS[figure.name])} ({figure.mode})"
        for figure in outcome.figures
        if figure.name in HEADLINES
    )
    return outcome.task, outcome.model, outcome.device, outcome.tier, ", ".join(figures)
