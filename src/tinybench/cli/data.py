"""Fetch, import and verify the data sets that tasks are measured on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tinybench.cli._console import downloads

if TYPE_CHECKING:
    from tinybench.datasets.catalog import Entry
    from tinybench.datasets.verify import Report

_SHOWN_NAMES = 20
"""How many files of one kind ``verify`` names; --json names all."""


def _subset_option(function: Callable[..., None]) -> Callable[..., None]:
    text = "Part of the data set; without it, the one of the task's official split."
    return click.option("--subset", help=text)(function)


def _license_option(function: Callable[..., None]) -> Callable[..., None]:
    text = "Say that you accept the licence of the data set, where it asks for that."
    return click.option("--accept-license", is_flag=True, help=text)(function)


def _json_option(function: Callable[..., None]) -> Callable[..., None]:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


@click.group()
def command() -> None:
    """Fetch, import and verify the data sets that tasks are measured on.

    NAME is a task (kws) or a data set (speech-commands-v0.02). Everything is kept in the cache; set
    TINYBENCH_CACHE to keep it elsewhere.
    """


@command.command("list")
@_json_option
def list_(as_json: bool) -> None:
    """Show the data sets, and what of them is on this machine."""
    from tinybench.cli._console import echo_json
    from tinybench.datasets import catalog

    rows = [row for entry in catalog.datasets().values() for row in _rows(entry)]
    if as_json:
        echo_json(rows)
    else:
        _table(rows)


@command.command()
@click.argument("name")
@_subset_option
@click.option("--force", is_flag=True, help="Unpack it again although it is there.")
@_license_option
@_json_option
def fetch(name: str, subset: str | None, force: bool, accept_license: bool, as_json: bool) -> None:
    """Download a data set from its official address, check it and unpack it.

    An interrupted download goes on where it stopped when the command is run again.
    """
    from tinybench.datasets import catalog
    from tinybench.datasets.fetch import fetch as fetch_subset
    from tinybench.quantities import size

    entry = catalog.find(name)
    chosen = entry.subset(subset)
    archive = entry.dataset.archive_of(chosen)
    click.echo(
        f"{entry.dataset.title}, {chosen}: {size(archive.bytes)}, {archive.license}, {archive.url}",
        err=True,
    )
    with downloads() as progress:
        fetch_subset(entry.dataset, chosen, force=force, accept_license=accept_license, progress=progress)
    _show_installed(entry, chosen, as_json)


@command.command("import")
@click.argument("name")
@click.argument("path", type=click.Path(path_type=Path))
@_subset_option
@_license_option
@_json_option
def import_(name: str, path: Path, subset: str | None, accept_license: bool, as_json: bool) -> None:
    """Take a data set from PATH: the published archive, or a folder that it was unpacked to."""
    from tinybench.datasets import catalog
    from tinybench.datasets.importing import import_path

    entry = catalog.find(name)
    chosen = entry.subset(subset)
    with downloads() as progress:
        import_path(entry.dataset, chosen, path, progress, accept_license=accept_license)
    _show_installed(entry, chosen, as_json)


@command.command()
@click.argument("name")
@_subset_option
@_json_option
def verify(name: str, subset: str | None, as_json: bool) -> None:
    """Hash every file again and name those that are missing, new or changed."""
    from tinybench.cli._console import echo_json, plain
    from tinybench.datasets import catalog
    from tinybench.datasets.verify import verify as verify_subset
    from tinybench.errors import MismatchError

    entry = catalog.find(name)
    chosen = entry.subset(subset)
    with downloads() as progress:
        report = verify_subset(entry.dataset, chosen, progress)
    kinds = {"missing": report.missing, "extra": report.extra, "changed": report.changed}
    if as_json:
        echo_json(_report(report))
    else:
        for kind, paths in kinds.items():
            for path in paths[:_SHOWN_NAMES]:
                click.echo(f"{kind}: {plain(path)}")
            if len(paths) > _SHOWN_NAMES:
                click.echo(f"{kind}: and {len(paths) - _SHOWN_NAMES} more")
    if not report.ok:
        counts = ", ".join(f"{len(paths)} {kind}" for kind, paths in kinds.items() if paths)
        raise MismatchError(
            f"{entry.dataset.id}, {chosen}: {counts} of {report.files} files",
            hint=f"tinybench data fetch {name} --subset {chosen} --force restores it",
        )
    if not as_json:
        click.echo(f"{entry.dataset.id}, {chosen}: all {report.files} files are as recorded")
        click.echo(f"sha256 {report.sha256}")


def _rows(entry: Entry) -> Iterator[dict[str, Any]]:
    from tinybench.datasets import store

    for name, subset in entry.dataset.subsets.items():
        archive, status = entry.dataset.archive_of(name), store.status(entry.dataset, name)
        yield {
            "dataset": entry.dataset.id,
            "subset": name,
            "title": subset.title,
            "tasks": list(entry.tasks),
            "official": name in entry.official,
            "files": subset.files,
            "download_bytes": archive.bytes,
            "license": archive.license,
            "homepage": entry.dataset.homepage,
            "state": status.state,
            "detail": status.detail,
            "sha256": status.manifest.sha256 if status.manifest else None,
            "path": str(store.files_dir(entry.dataset, name)),
        }


def _table(rows: list[dict[str, Any]]) -> None:
    from tinybench.cli._console import Column, print_table, stdout
    from tinybench.quantities import size

    columns = (
        Column("data set", whole=True),
        Column("subset", whole=True),
        Column("tasks", drop=1),
        Column("files", figure=True),
        Column("download", figure=True),
        Column("licence", drop=2),
        Column("state"),
    )
    cells = []
    for row in rows:
        subset = f"{row['subset']} (official)" if row["official"] else row["subset"]
        state = row["state"] if row["state"] != "incomplete" else f"incomplete: {row['detail']}"
        cells.append(
            (
                row["dataset"],
                subset,
                ", ".join(row["tasks"]),
                f"{row['files']:,}",
                size(row["download_bytes"]),
                row["license"],
                state,
            )
        )
    print_table(stdout(), columns, cells)


def _show_installed(entry: Entry, subset: str, as_json: bool) -> None:
    from tinybench.cli._console import echo_json, plain

    row = next(row for row in _rows(entry) if row["subset"] == subset)
    if as_json:
        echo_json(row)
        return
    click.echo(f"{row['dataset']}, {subset}: {row['files']} files in {plain(row['path'])}")
    click.echo(f"sha256 {row['sha256']}")


def _report(report: Report) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(report) | {"ok": report.ok}
