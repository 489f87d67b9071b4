"""Build or show the leaderboard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from tinybench.leaderboard.build import Built

ROOT: Final = click.option(
    "--root",
    type=click.Path(path_type=Path),
    default=Path(),
    metavar="DIR",
    help="Checkout of tinybench; the current folder if not given.",
)
SUBMISSIONS: Final = click.option(
    "--submissions",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of all submissions; that of the checkout if not given.",
)
OUTPUT: Final = click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the site; build/site of the checkout if not given.",
)
URL: Final = click.option(
    "--url", metavar="URL", help="Where the site will be; for permanent links and the feed."
)


@click.group()
def command() -> None:
    """Build or show the leaderboard: a static site of all submissions, which also works from a file."""


@command.command()
@ROOT
@SUBMISSIONS
@OUTPUT
@URL
def build(root: Path, submissions: Path | None, output: Path | None, url: str | None) -> None:
    """Check all submissions and make the site.

    The same submissions give the same bytes. A submission that breaks a rule stops it (exit code 1), and an
    earlier site stays as it is.
    """
    built = _build(root, submissions, output, url)
    click.echo(f"site: {built.path} ({built.results:,} results)")
    click.echo(f"advice: open {built.path / 'index.html'}, or run 'tinybench site serve'")


@command.command()
@ROOT
@SUBMISSIONS
@OUTPUT
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: any that is free."
)
def serve(root: Path, submissions: Path | None, output: Path | None, port: int) -> None:
    """Make the site and serve it on this machine alone, until Ctrl-C."""
    from tinybench.leaderboard.serving import serving

    with serving(port) as server:  # before the long part: the port may be taken
        url = f"http://127.0.0.1:{server.server_port}/"
        built = _build(root, submissions, output, url)
        click.echo(f"site: {url} ({built.results:,} results); Ctrl-C ends it")
        server.serve(built.path)


def _build(root: Path, submissions: Path | None, output: Path | None, url: str | None) -> Built:
    from tinybench.cli import _reference
    from tinybench.cli._console import progress
    from tinybench.errors import DataError
    from tinybench.extras import installing

    try:
        from tinybench.leaderboard import build as building
    except ModuleNotFoundError as error:
        raise DataError(
            f"the site needs {error.name}, which is not installed",
            hint=installing("site") + ", or 'make site' in a checkout",
        ) from None
    with progress() as report:
        return building.build(
            root,
            output or root / "build" / "site",
            submissions=submissions,
            url=url or building.URL,
            extra=_reference.pages(),
            progress=report,
        )
