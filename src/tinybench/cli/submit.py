"""Prepare, check and sign submissions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from tinybench.cli._console import Column
from tinybench.cli._submit_check import ROOT, check, write
from tinybench.cli._submit_sign import sign, verify

if TYPE_CHECKING:
    from tinybench.specs import DeviceSpec
    from tinybench.submissions.diff import Change

FOLDER: Final = click.argument("folder", type=click.Path(path_type=Path), metavar="FOLDER")

CHANGES = (
    Column("system"),
    Column("task"),
    Column("model", drop=1),
    Column("metric"),
    Column("before", figure=True),
    Column("after", figure=True),
    Column("change", figure=True),
    Column("mode"),
)


@click.group()
def command() -> None:
    """Prepare, check and sign submissions.

    A submission is one folder, submissions/<round>/<organisation>/<system>: a system.toml, results, and the
    evidence that they are recomputed from. It is data only; nothing in it is ever executed.
    """


command.add_command(check)
command.add_command(sign)
command.add_command(verify)


@command.command()
@click.argument("results", type=click.Path(path_type=Path), metavar="[RESULT.json]...", nargs=-1)
@click.option("--round", "round_", metavar="NAME", help="Such as 2026.1.")
@click.option("--organisation", metavar="NAME", help="As it shall be displayed.")
@click.option("--system", "title", metavar="NAME", help="Board and engine, as it shall be displayed.")
@click.option("--contact", metavar="TEXT", help="A person or a page to ask.")
@click.option(
    "--division",
    type=click.Choice(["closed", "open"]),
    default="closed",
    show_default=True,
    help="closed: a reference model, unchanged; open: any model for the same task and data.",
)
@click.option(
    "--availability",
    type=click.Choice(["available", "preview", "research"]),
    default="available",
    show_default=True,
    help="Whether the system can be bought.",
)
@click.option("--licence", default="CC-BY-4.0", show_default=True, help="Of the data in the submission.")
@click.option(
    "--device", metavar="ID", help="Device profile to fill the system from; that of the first result."
)
@click.option("--board", metavar="TEXT", help="If there is no profile; then --chip, --core and --clock, too.")
@click.option("--chip", metavar="TEXT", help="As exact as it is known: STM32L4R5ZI.")
@click.option("--core", metavar="TEXT", help="Such as cortex-m4.")
@click.option("--clock", metavar="HZ", help="Core clock, such as 80MHz.")
@click.option("--supply", type=float, metavar="VOLT", help="At which energy was measured.")
@click.option("--engine", metavar="NAME", help="Inference runtime; that of the first result if not given.")
@click.option("--engine-version", metavar="TEXT", help="Of the inference runtime.")
@click.option("--kernels", metavar="NAME", help="Kernel library, if it is not part of the runtime.")
@click.option("--kernels-version", metavar="TEXT", help="Of the kernel library.")
@click.option("--compiler", metavar="TEXT", help="With its version.")
@click.option("--flags", metavar="TEXT", help="Of the compiler, separated by blanks.")
@click.option("--accelerator", metavar="NAME", help="What executes the model beside the core.")
@ROOT
def init(results: tuple[Path, ...], root: Path, **options: Any) -> None:
    """Make a new submission, filled from a device profile and from results.

    What is needed and not given is asked for on a terminal. The results are taken in as by 'submit add'.
    """
    from tinybench import specs
    from tinybench.cli._console import plain
    from tinybench.results import store
    from tinybench.results.schema import DeviceRef
    from tinybench.submissions import drafting, layout

    first = store.read(results[0]) if results else None
    if options["device"] is not None:
        profile: DeviceSpec | None = specs.device(options["device"])
    else:
        measured = first.device if first is not None else None
        profile = specs.devices().get(measured.id) if isinstance(measured, DeviceRef) else None
    fields = drafting.known(profile, first) | _given(options)
    needed = {"round_": "round", "organisation": "organisation", "title": "system", "contact": "contact"}
    if "engine" not in fields:
        needed["engine"] = "engine"
    told = {key: options[key] or _ask(name, list(needed.values())) for key, name in needed.items()}
    if "engine" not in fields:
        fields |= _given(options | {"engine": told["engine"]})
    place = layout.Place(told["round_"], layout.slug(told["organisation"]), layout.slug(told["title"]))
    fields |= {key: told[key] for key in ("organisation", "title", "contact")}
    folder, taken = drafting.create(root, place, fields, results)
    click.echo(f"submission: {plain(str(folder))}")
    _print_taken(taken)
    following = "check" if taken else "add"
    click.echo(f"advice: complete system.toml, then 'tinybench submit {following} {plain(str(folder))}'")


@command.command()
@FOLDER
@click.argument("results", type=click.Path(path_type=Path), metavar="[RESULT.json]...", nargs=-1)
@click.option(
    "--runs",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder with the folders performance, accuracy and energy of a runner of MLPerf Tiny.",
)
@click.option("--task", metavar="ID", help="Of the runs; else by their path, or by what the device says.")
@click.option(
    "--model",
    metavar="ID|PATH",
    help="That was run; in the closed division MLPerf Tiny's if not given.",
)
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder with *y_labels.csv: the logs of image classification do not tell the classes.",
)
def add(
    folder: Path,
    results: tuple[Path, ...],
    runs: Path | None,
    task: str | None,
    model: str | None,
    labels: Path | None,
) -> None:
    """Take results with their evidence into a submission, or make them from the logs of runs.

    All of them or none. Firmware stays where it is: a submission is data only.
    """
    from tinybench.errors import UsageError
    from tinybench.submissions import drafting
    from tinybench.submissions.importing.runs import read_labels

    if bool(results) == (runs is not None):
        raise UsageError("give results, or --runs DIR", hint="such as: submit add FOLDER results/kws.json")
    if runs is None and (task, model, labels) != (None, None, None):
        raise UsageError("--task, --model and --labels are about --runs", hint="leave them away")
    if runs is None:
        taken = drafting.add(folder, results)
    else:
        known = None if labels is None else read_labels(labels)
        taken = drafting.add_runs(folder, runs, task=task, model=model, labels=known)
    _print_taken(taken)


@command.command()
@FOLDER
@click.option(
    "--archive", type=click.Path(path_type=Path), metavar="FILE.zip", help="Also put it into an archive."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a line.")
def pack(folder: Path, archive: Path | None, as_json: bool) -> None:
    """Write the manifest anew: size and SHA-256 of every file, after an edit by hand.

    Same files give the same bytes, of the manifest and of the archive.
    """
    from tinybench.cli._console import echo_json, plain
    from tinybench.errors import DataError
    from tinybench.submissions import packing

    packed = packing.pack(folder, archive)
    errors = [finding for finding in packed.findings if finding.rule.severity == "error"]
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise DataError(f"{errors[0].where}: {errors[0].message}{more}", hint=errors[0].rule.hint)
    if as_json:
        echo_json(
            {"folder": str(folder), "manifest_sha256": packed.digest, "archive": archive and str(archive)}
        )
    else:
        click.echo(f"manifest: {plain(str(folder / 'manifest.json'))}, sha256 {packed.digest}")
        if archive is not None:
            click.echo(f"archive: {plain(str(archive))}")


@command.command()
@click.argument("before", type=click.Path(path_type=Path), metavar="[BEFORE]", required=False)
@click.argument("after", type=click.Path(path_type=Path), metavar="[AFTER]", required=False)
@click.option("--since", "revision", metavar="REV", help="Compare with a git revision instead of a folder.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option(
    "--markdown",
    "markdown_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a section for the comment on a pull request.",
)
@ROOT
def diff(
    before: Path | None,
    after: Path | None,
    revision: str | None,
    as_json: bool,
    markdown_file: Path | None,
    root: Path,
) -> None:
    """Show what a change does to the figures.

    Either of two folders of submissions, or with --since of what changed below --root since a git revision.
    """
    from tinybench.cli._console import echo_json, print_table, stdout
    from tinybench.errors import UsageError
    from tinybench.submissions import diff as diffing
    from tinybench.submissions import history, scanning
    from tinybench.submissions.changes import changed_since

    if (revision is None) == (before is None) or (before is None) != (after is None):
        raise UsageError("give two folders, or --since REV", hint="such as: submit diff --since origin/main")
    if revision is not None:
        places = list(changed_since(root, revision).submissions)
        with history.snapshot(root, revision, places) as old:
            changes = diffing.compare(diffing.scores(old, places), diffing.scores(root, places))
    else:
        assert before is not None  # checked above
        assert after is not None
        pair = [diffing.scores(path, scanning.discover(path).places) for path in (before, after)]
        changes = diffing.compare(*pair)
    if markdown_file is not None:
        write(markdown_file, diffing.to_markdown(changes).encode())
    if as_json:
        echo_json({"schema": "tinybench.diff/1", "changes": [change.to_dict() for change in changes]})
    elif not changes:
        click.echo("no figure changes")
    else:
        print_table(stdout(), CHANGES, map(_row, changes))


def _row(change: Change) -> tuple[str, ...]:
    from tinybench.cli.run import LABELS

    return (
        f"{change.round}/{change.subject.organisation}/{change.subject.system}",
        change.subject.task,
        change.subject.model,
        LABELS.get(change.metric, change.metric),
        *change.in_words,
    )


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """The fields of a system that options name."""
    from tinybench.quantities import parse_frequency

    plain = {key: options[key] for key in ("division", "availability", "licence", "board", "chip", "core")}
    fields = {key: value for key, value in plain.items() if value is not None}
    if options["clock"] is not None:
        fields["clock_hz"] = parse_frequency(options["clock"])
    if options["supply"] is not None:
        fields["supply_v"] = options["supply"]
    if options["accelerator"] is not None:
        fields["accelerator"] = {"name": options["accelerator"], "clock_hz": None}
    if options["engine"] is not None:
        fields["engine"] = {
            "name": options["engine"],
            "version": options["engine_version"],
            "kernels": options["kernels"],
            "kernels_version": options["kernels_version"],
            "compiler": options["compiler"],
            "flags": tuple((options["flags"] or "").split()),
        }
    return fields


def _ask(name: str, needed: list[str]) -> str:
    """Ask for what is missing, or say that it is.

    Raises:
        UsageError: nobody is there to answer.
    """
    from tinybench.errors import UsageError

    if sys.stdin is None or not sys.stdin.isatty():
        listed = ", ".join(f"--{flag}" for flag in needed)
        raise UsageError(f"--{name} is missing", hint=f"without a terminal all of {listed} must be given")
    answer: str = click.prompt(name, type=str, err=True)
    return answer


def _print_taken(taken: list[Any]) -> None:
    from tinybench.cli._console import plain

    for item in taken:
        click.echo(f"result: {plain(item.path)}, {len(item.evidence)} evidence files")
        if item.left_out:
            names = ", ".join(map(plain, item.left_out))
            click.echo(f"note: not taken in, because a submission is data only: {names}")
