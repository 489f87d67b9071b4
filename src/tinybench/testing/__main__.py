"""``python -m tinybench.testing runner NAME``: check a plug-in that is installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

import click

from tinybench.errors import TinybenchError
from tinybench.testing.checks import Outcome, outcomes

_COLOURS: Final = {"passed": "green", "failed": "red", "not made": "yellow"}


@click.group()
def group() -> None:
    """See that a plug-in does what its protocol says: one line for each check, exit code 1 if one failed."""


@group.command()
@click.argument("name")
@click.option("--device", help="A device that it knows.  [default: the task's device]")
@click.option("--task", default="kws", show_default=True, help="Whose reference model it measures.")
@click.option("--limit", default=2, show_default=True, help="How many golden vectors are classified.")
def runner(name: str, device: str | None, task: str, limit: int) -> None:
    """Check the runner called NAME."""
    from tinybench.runners.registry import PLUGINS
    from tinybench.testing.runner import CHECKS, Trials

    trials = Trials(PLUGINS.get(name), device=device, task=task, limit=limit, bench=None, quick_s=5.0)
    _show(outcomes(CHECKS, trials))


@group.command()
@click.argument("name")
@click.option("--address", help="Of one that is plugged in: it is opened and records.")
@click.option("--supply", type=float, metavar="VOLT", help="Voltage to supply, or of the board's supply.")
def meter(name: str, address: str | None, supply: float | None) -> None:
    """Check the power analyser called NAME."""
    from tinybench.meters.registry import PLUGINS
    from tinybench.testing.meter import CHECKS, Trials

    trials = Trials(PLUGINS.get(name), address=address, supply_v=supply, seconds=1.0, quick_s=5.0)
    _show(outcomes(CHECKS, trials))


@group.command()
@click.argument("name")
def task(name: str) -> None:
    """Check the front end of the task called NAME."""
    from tinybench import specs
    from tinybench.datasets.samples import front_end_of
    from tinybench.testing.task import CHECKS, Trials

    found = specs.task(name)
    _show(outcomes(CHECKS, Trials(front_end_of(found), found)))


@group.command()
@click.argument("name")
def content(name: str) -> None:
    """Check the content called NAME."""
    from tinybench.content import PLUGINS
    from tinybench.testing.content import CHECKS, Files

    _show(outcomes(CHECKS, Files(PLUGINS.get(name))))


def _show(found: Iterator[Outcome]) -> None:
    failed = 0
    for outcome in found:
        said = f": {outcome.said}" if outcome.said else ""
        verdict = click.style(f"{outcome.verdict:8}", fg=_COLOURS[outcome.verdict])
        click.echo(f"{verdict}  {outcome.check}{said}")
        failed += outcome.verdict == "failed"
    if failed:
        raise click.exceptions.Exit(1)


def main() -> int:
    """Run a command; the exit code."""
    try:
        return int(group.main(standalone_mode=False, prog_name="python -m tinybench.testing") or 0)
    except TinybenchError as error:
        click.echo(f"error: {error.message}" + (f"\nhint: {error.hint}" if error.hint else ""), err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
