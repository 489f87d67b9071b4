"""Tables, progress and numbers for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from tinybench.progress import Progress

_PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


def stdout() -> Console:
    """Where results go. Piped output is never cut to the width of a terminal that is not there."""
    from rich.console import Console

    return Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else 120)


def echo_json(document: Any) -> None:
    """Print a document as JSON."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


@contextmanager
def progress() -> Iterator[Progress]:
    """A progress callback that draws bars on stderr if it is a terminal, and else says nothing."""
    from tinybench.progress import silent

    if not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        steps: dict[str, Any] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in steps:
                steps[step] = bars.add_task(step, total=total or None)
            bars.update(steps[step], completed=done, total=total or None)

        yield report


def quantity(value: float, unit: str) -> str:
    """A value with a unit that people read: ms, µJ, KiB, %, millions."""
    if unit == "fraction":
        return f"{value * 100:.1f} %"
    if unit == "bytes":
        return size(int(value))
    if unit in ("cycles", "instructions"):
        return f"{value / 1e6:.3f} M" if value >= 1e6 else f"{value:,.0f}"
    if unit in ("s", "J", "W"):
        for factor, prefix in _PREFIXES:
            if value >= factor:
                return f"{value / factor:.4g} {prefix}{unit}"
        return f"{value:.3g} {unit}"
    return f"{value:.4g} {unit}"


def size(count: int) -> str:
    """Bytes as B, KiB, MiB or GiB."""
    if count < 1024:
        return f"{count} B"
    value = count / 1024
    for unit in ("KiB", "MiB"):
        if value < 1024:
            return f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"
