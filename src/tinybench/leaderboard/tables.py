"""Tables of results: as HTML that needs no script, and as data for the script that filters and sorts.

Modes are never ranked together: there is a table for each, measured first. So it is within a column: a
predicted energy of a simulated result comes after those that are simulated, however small it is, and an AUC
after every top-1 accuracy.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from markupsafe import Markup, escape

from tinybench.leaderboard import addresses, cells, datatables, downloads
from tinybench.leaderboard.addresses import link
from tinybench.leaderboard.board import MODES, Row
from tinybench.leaderboard.cells import BY_KEY, COLUMNS, Column
from tinybench.leaderboard.columnar import Dictionary
from tinybench.leaderboard.pages import environment
from tinybench.submissions.tiers import MEANING, Tier

if TYPE_CHECKING:
    import pandas as pd

    from tinybench.leaderboard.build import Context
    from tinybench.results.schema import Mode

STATIC_ROWS: Final = 500
"""A table of more rows is cut short without scripts: 500 are about half a megabyte of HTML."""
TOP: Final = 50
"""Rows of each mode in a table that is cut short."""

VALUES: Final = "assets/data/values.js"

_EMPTY: Final = escape("–")


def table(
    context: Context,
    here: str,
    frame: pd.DataFrame,
    *,
    caption: str,
    columns: Sequence[str] | None = None,
    hide: Sequence[str] = (),
    more: str | None = None,
) -> Markup:
    """Tables of some results, one for each mode, that scripts make sortable.

    Args:
        context: of the site.
        here: address of the page.
        frame: rows of ``context.frame``, with their index.
        caption: plain text; the mode is added.
        columns: keys of :data:`cells.COLUMNS`; not given: those that are shown by default and hold something.
        hide: without these of them.
        more: query of the leaderboard that shows all of these rows, if there are too many for the page.
    """
    rows = _rows(context, frame)
    chosen = [BY_KEY[key] for key in columns] if columns is not None else default(rows, hide)
    parts = [*_static(here, rows, chosen, caption, more)]
    if len(rows) > 1:
        parts += _scripts(here, datatables.SCRIPT, "assets/results.js", "assets/sortable.js")
    return Markup(f'<div class="tb-tables">{"".join(parts)}</div>')


def leaderboard(context: Context, here: str, frame: pd.DataFrame, *, task: str | None = None) -> Markup:
    """Results with filters, choice of columns, search and CSV; without scripts, plain tables.

    Args:
        context: of the site.
        here: address of the page.
        frame: rows of ``context.frame``, with their index: those of ``task``, or all.
        task: the only task, if there is only one; its data alone are loaded then.
    """
    rows = _rows(context, frame)
    shown = default(rows, ("task",) if task else ())
    caption = f"Results of {task}" if task else "All results"
    tasks = sorted({row.task for row in rows})
    scripts = [
        datatables.SCRIPT,
        VALUES,
        *map(data_script, tasks),
        "assets/results.js",
        "assets/leaderboard.js",
    ]
    text = (
        environment()
        .get_template("_leaderboard.html.j2")
        .render(
            task=task,
            columns=columns_of_script({column.key for column in shown}),
            root=link(here, addresses.HOME).removesuffix("index.html"),
            compare=link(here, addresses.COMPARE),
            modes=[mode for mode in MODES if any(row.mode == mode for row in rows)],
            static=Markup("".join(_static(here, rows, shown, caption, None))),
            scripts=Markup("".join(_scripts(here, *scripts))),
        )
    )
    return Markup("\n".join(line for line in text.splitlines() if line.strip()))


def comparison(context: Context, here: str) -> Markup:
    """Where the script shows the results side by side that the address of the page names."""
    root = link(here, addresses.HOME).removesuffix("index.html")
    tasks = sorted({row.task for row in context.board.rows})
    scripts = _scripts(here, VALUES, *map(data_script, tasks), "assets/results.js", "assets/compare.js")
    return Markup('<div class="tb-comparison" data-columns="{}" data-root="{}"></div>{}').format(
        columns_of_script(()), root, Markup("".join(scripts))
    )


def data_script(task: str) -> str:
    """Address of the script with the results of a task."""
    return f"assets/data/results-{addresses.name_part(task)}.js"


def data_files(rows: Sequence[Row]) -> dict[str, bytes]:
    """The scripts with the results, for assets/results.js: path -> content."""
    repeated = _repeated(rows)
    dictionary = Dictionary(repeated)
    files = {VALUES: dictionary.script()}
    for task in sorted({row.task for row in rows}):
        own = [index for index, row in enumerate(rows) if row.task == task]
        figures: dict[str, list[Any]] = {"id": [rows[index].id for index in own]}
        for column in COLUMNS:
            if column.kind == "figure":
                figures[column.key] = [column.value(rows[index]) for index in own]
        columns = {name: [values[index] for index in own] for name, values in repeated.items()}
        files[data_script(task)] = dictionary.rows(columns, figures)
    return files


def _repeated(rows: Sequence[Row]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        column.key: [column.value(row) for row in rows]
        for column in COLUMNS
        if column.kind != "figure" and column.key != "id"
    }
    for column in COLUMNS:
        if column.kind == "figure":
            columns[f"{column.key}_note"] = [cells.figure(row, column).note for row in rows]
    return columns | {
        "engine_name": [row.result.engine.name for row in rows],
        "metric": [row.accuracy.name.removeprefix("accuracy.") if row.accuracy else None for row in rows],
        "target_met": [row.result.target_met for row in rows],
        "decisive": [row.decisive for row in rows],
    }


def columns_of_script(shown: Iterable[str]) -> str:
    """JSON of all columns, for assets/leaderboard.js; ``shown``: keys of those that are at first."""
    return json.dumps(
        [
            {
                "key": column.key,
                "title": column.title,
                "kind": column.kind,
                "unit": column.unit,
                "factor": column.factor,
                "source": column.source,
                "shown": column.key in shown,
            }
            for column in COLUMNS
        ]
    )


def default(rows: Sequence[Row], hide: Sequence[str] = ()) -> list[Column]:
    """The columns that are shown if nobody chooses: not those that hold nothing in any of the rows."""
    return [
        column
        for column in COLUMNS
        if column.shown and column.key not in hide and any(column.value(row) is not None for row in rows)
    ]


def badge_mode(mode: Mode) -> Markup:
    """A mode, as a word with a sign."""
    return Markup('<span class="tb-mode tb-mode-{}">{}</span>').format(mode, mode)


def badge_tier(tier: Tier) -> Markup:
    """A trust tier, as words with a sign, and what it means."""
    return Markup('<span class="tb-tier tb-tier-{}" title="{}">{}</span>').format(
        tier.replace(" ", "-"), MEANING[tier], tier
    )


def _rows(context: Context, frame: pd.DataFrame) -> list[Row]:
    return [context.board.rows[index] for index in frame.index]


def _static(
    here: str, rows: Sequence[Row], columns: Sequence[Column], caption: str, more: str | None
) -> Iterable[str]:
    if not rows:
        yield '<p class="tb-note">There is no result yet.</p>'
    cut = len(rows) > STATIC_ROWS
    for mode in MODES:
        own = sorted((row for row in rows if row.mode == mode), key=cells.order)
        if not own:
            continue
        yield _table(here, own[:TOP] if cut else own, columns, f"{caption}: {mode} ({len(own)})")
        if cut and len(own) > TOP:
            board = link(here, addresses.LEADERBOARD) + (f"?{more}" if more else "")
            yield (
                f'<p class="tb-note">The first {TOP} of {len(own)} {mode} results, by task and latency. '
                f'All of them: <a href="{link(here, downloads.CSV)}">CSV</a>, or the '
                f'<a href="{escape(board)}">leaderboard</a> with scripts.</p>'
            )


def _table(here: str, rows: Sequence[Row], columns: Sequence[Column], caption: str) -> str:
    heads = "".join(
        f'<th scope="col"{_class(column)}>{column.title}{_unit(column)}</th>' for column in columns
    )
    root = link(here, addresses.HOME).removesuffix("index.html")
    body = "".join(f"<tr>{''.join(_cell(row, column, root) for column in columns)}</tr>\n" for row in rows)
    return (
        '<div class="tb-scroll" role="region" tabindex="0" '
        f'aria-label="{escape(caption)}"><table class="tb-table" data-sortable data-search-exclude>\n'
        f"<caption>{escape(caption)}</caption>\n<thead><tr>{heads}</tr></thead>\n"
        f"<tbody>\n{body}</tbody></table></div>\n"
    )


_CLASSES: Final = {"word": "tb-word", "badge": "tb-badge", "number": "tb-number", "figure": "tb-number"}


def _class(column: Column) -> str:
    if column.key == "system":
        return ' class="tb-key"'
    return f' class="{_CLASSES[column.kind]}"' if column.kind in _CLASSES else ""


def _unit(column: Column) -> str:
    return f' <span class="tb-unit">{column.unit}</span>' if column.unit else ""


def _cell(row: Row, column: Column, root: str) -> str:
    if column.kind == "figure":
        return _figure(row, column)
    value = column.value(row)
    page = f"{root}{addresses.result(row.id)}index.html"
    if column.key == "system":
        return f'<th scope="row"{_class(column)}><a href="{page}">{_text(value)}</a></th>'
    if column.key == "id":
        return f'<td><a href="{page}"><code>{row.id}</code></a></td>'
    if value is None:
        return f"<td{_class(column)}>{_missing('not stated')}</td>"
    if column.kind == "number":
        return f'<td class="tb-number" data-order="{value}">{cells.number(value, column)}</td>'
    if column.kind == "badge":
        return f'<td class="tb-badge">{_badge(column.key, value)}</td>'
    return f"<td{_class(column)}>{_text(value)}</td>"


def _figure(row: Row, column: Column) -> str:
    figure = cells.figure(row, column)
    if figure.value is None:
        return f'<td class="tb-number" data-order="">{_missing(figure.note)}</td>'
    marks = [figure.apart] if figure.apart else []
    if column.metric is None and row.decisive and row.result.target_met is False:
        marks.append("below target")
    shown = figure.text + "".join(f' <span class="tb-mark">{mark}</span>' for mark in marks)
    # What is not ranked with the others says so after its value.
    rank = 2 * figure.auc + bool(figure.apart)
    key = f"{figure.value!r};{rank}" if rank else repr(figure.value)
    return f'<td class="tb-number" data-order="{key}">{shown}</td>'


@lru_cache(maxsize=4096)
def _text(value: str) -> Markup:
    return escape(value)


@lru_cache(maxsize=4096)
def _missing(reason: str) -> str:
    return (
        f'<span class="tb-missing" title="{escape(reason)}"><span aria-hidden="true">{_EMPTY}</span>'
        f'<span class="tb-hidden">{escape(reason)}</span></span>'
    )


@lru_cache(maxsize=64)
def _badge(key: str, value: Any) -> Markup:
    return badge_mode(value) if key == "mode" else badge_tier(value)


def _scripts(here: str, *paths: str) -> Iterable[str]:
    return (f'<script src="{quote(link(here, path))}" defer></script>' for path in paths)
