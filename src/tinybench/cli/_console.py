"""Tables, progress and text for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from tinybench.profiling.schema import Profile
    from tinybench.progress import Progress
    from tinybench.results.schema import Result

_PIPED_WIDTH: Final = 120
_LEAST_TEXT_WIDTH: Final = 9
"""A column of text is folded down to this; then the table becomes a list."""


def stdout() -> Console:
    """Where results go. Piped output is never cut to the width of a terminal that is not there."""
    from rich.console import Console

    on_terminal = sys.stdout is not None and sys.stdout.isatty()
    return Console(highlight=False, emoji=False, width=None if on_terminal else _PIPED_WIDTH)


def plain(text: str) -> str:
    """Text from outside as one line that no terminal obeys: control characters are spelled out.

    Names of tensors, files and clips come from files that anybody can write.
    """
    folded = " ".join(text.split())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in folded)


def cell(text: str) -> str:
    """``plain`` text without markup, for rich."""
    from rich.markup import escape

    return escape(plain(text))


def subject(measured: Result | Profile) -> dict[str, str]:
    """What was measured on what, as lines of a heading: model, device, engine, compiler."""
    from tinybench.quantities import frequency
    from tinybench.results.schema import HostRef

    device, engine, model = measured.device, measured.engine, measured.model
    size = None
    if model.macs is not None and model.parameters is not None:
        size = f"({model.macs / 1e6:.2f} M MACs, {model.parameters:,} parameters)"
    place = "none, only this machine"
    if not isinstance(device, HostRef):
        clock = None if device.clock_hz is None else frequency(device.clock_hz)
        place = f"{device.id} ({_joined(device.chip, device.core, clock, by=', ')})"
    kernels = _joined(engine.kernels, engine.kernels_version)
    placed = f"; {' and '.join(engine.in_ram)} in RAM" if engine.in_ram else ""
    flags = f", {' '.join(engine.flags)}" if engine.flags else ""
    return {
        "model": _joined(model.name, size),
        "device": place,
        "engine": _joined(_joined(engine.name, engine.version), kernels or None, by=", ") + placed,
        "compiler": f"{engine.compiler or 'not stated'}{flags}",
    }


def _joined(*parts: str | None, by: str = " ") -> str:
    """The parts that are known."""
    return by.join(part for part in parts if part is not None)


def heading(rows: Mapping[str, str]) -> Table:
    """Names and texts in two columns; long texts fold."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows.items():
        table.add_row(name, cell(text))
    return table


def echo_json(document: Any) -> None:
    """Print a document as JSON."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    # A name that is not UTF-8 has lone surrogates: JSON spells them with backslashes.
    click.echo(text.encode("utf-8", "backslashreplace"))


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    title: str
    figure: bool = False
    """Right-justified, and never folded."""
    whole: bool = False
    """Never folded: what people copy."""
    drop: int = 0
    """Where it is tight, columns are left out in this order; 0: never."""


def print_table(console: Console, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; on a terminal that is too narrow for its figures, a list of the same.

    Args:
        console: where to.
        columns: what each cell of a row is.
        rows: plain text from anywhere: cells are escaped here.
    """
    table = [[plain(text) for text in row] for row in rows]
    kept = list(range(len(columns)))
    for index in sorted((i for i in kept if columns[i].drop), key=lambda i: columns[i].drop):
        if not _fits(console, columns, table, kept):
            kept.remove(index)
    if _fits(console, columns, table, kept):
        _print_columns(console, [columns[i] for i in kept], [[row[i] for i in kept] for row in table])
    else:
        _print_list(console, columns, table)


def _fits(
    console: Console, columns: Sequence[Column], rows: Sequence[Sequence[str]], kept: Sequence[int]
) -> bool:
    from rich.cells import cell_len

    needed = 0
    for index in kept:
        widest = max(cell_len(text) for text in (columns[index].title, *(row[index] for row in rows)))
        needed += widest if _whole(columns[index]) else min(widest, _LEAST_TEXT_WIDTH)
    margins = 3 * len(kept) + 1  # SIMPLE_HEAD: a blank on either side, one between, two at the edges
    return needed + margins <= console.width


def _whole(column: Column) -> bool:
    return column.figure or column.whole


def _print_columns(console: Console, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(
            column.title,
            justify="right" if column.figure else "left",
            no_wrap=_whole(column),
            overflow="fold",
        )
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)


def _print_list(console: Console, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    from rich.markup import escape

    for row in rows:
        console.print()
        for number, (column, text) in enumerate(zip(columns, row, strict=True)):
            if text:
                indent = "  " if number else ""
                console.print(f"{indent}{escape(column.title)}: {escape(text)}", soft_wrap=True)
    console.print()


@contextmanager
def progress() -> Iterator[Progress]:
    """A progress callback that draws bars on stderr if it is a terminal, and else says nothing."""
    from tinybench.progress import silent

    if sys.stderr is None or not sys.stderr.isatty():
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
                steps[step] = bars.add_task(cell(step), total=total or None)
            bars.update(steps[step], completed=done, total=total or None)

        yield report


@contextmanager
def downloads() -> Iterator[Progress]:
    """``progress``, with downloads in MiB or KiB rather than in bytes."""
    with progress() as report:

        def in_larger_units(step: str, done: int, total: int) -> None:
            if step == "download":
                unit, divisor = ("MiB", 2**20) if total >= 2**23 else ("KiB", 2**10)
                report(f"download ({unit})", done // divisor, total // divisor)
            else:
                report(step, done, total)

        yield in_larger_units
