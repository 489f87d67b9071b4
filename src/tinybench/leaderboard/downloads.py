"""``/data/``: all results to download, and what each column means.

CSV and Parquet hold the table, one row per result; JSON lines hold the documents as they were submitted. All
are made of :data:`tinybench.leaderboard.frame.COLUMNS`: one definition of names, units and meanings.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from tinybench.leaderboard import addresses
from tinybench.leaderboard.board import Board
from tinybench.leaderboard.build import Context
from tinybench.leaderboard.frame import COLUMNS
from tinybench.leaderboard.spreadsheets import harmless

if TYPE_CHECKING:
    import pandas as pd

CSV: Final = f"{addresses.DATA}results.csv"
PARQUET: Final = f"{addresses.DATA}results.parquet"
JSON_LINES: Final = f"{addresses.DATA}results.jsonl"


def write(context: Context) -> None:
    """The files, and the page that describes them."""
    files = {
        CSV: csv_file(context.frame),
        PARQUET: parquet_file(context.frame),
        JSON_LINES: json_lines(context.board),
    }
    for path, data in files.items():
        context.pages.file(path, data)
    context.pages.add(
        addresses.DATA,
        "Data",
        "data",
        description="All results as CSV, Parquet and JSON lines, with the meaning of each column.",
        files={path: len(data) for path, data in files.items()},
        CSV=CSV,
        PARQUET=PARQUET,
        JSON_LINES=JSON_LINES,
        columns=COLUMNS,
        total=len(context.board.rows),
        licences=sorted(Counter(row.system.licence for row in context.board.rows).items()),
        elsewhere=sum(row.result.source is not None for row in context.board.rows),
        addresses=addresses,
    )


def csv_file(frame: pd.DataFrame) -> bytes:
    """The table: UTF-8, SI units, no cell where nothing is known, ``true`` and ``false``, times in ISO 8601.

    A text that a spreadsheet might execute has an apostrophe before it.
    """
    columns = [[_cell(value) for value in _values(frame[column.name])] for column in COLUMNS]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(column.name for column in COLUMNS)
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue().encode()


def _values(series: pd.Series) -> Iterable[object]:
    """As Python objects; None where nothing is known."""
    return series.astype(object).where(series.notna(), None)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return harmless(value)
    if hasattr(value, "strftime"):
        return str(value.strftime("%Y-%m-%dT%H:%M:%SZ"))
    return repr(value)


def parquet_file(frame: pd.DataFrame) -> bytes:
    """The table as Parquet; unit and meaning are in the metadata of each column."""
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.Table.from_pandas(frame, preserve_index=False)
    fields = [
        table.schema.field(column.name).with_metadata(
            {"meaning": column.meaning} | ({"unit": column.unit} if column.unit else {})
        )
        for column in COLUMNS
    ]
    sink = io.BytesIO()
    parquet.write_table(table.cast(pa.schema(fields)), sink, compression="zstd")
    return sink.getvalue()


def json_lines(board: Board) -> bytes:
    """A line of JSON for each result: the document as it was submitted, and what stands behind it."""
    lines = (
        json.dumps(
            {
                "submission": row.place.path,
                "division": row.division,
                "tier": row.tier,
                "findings": [found.code for found in row.findings],
                "result": json.loads(row.document),
            },
            ensure_ascii=False,
            allow_nan=False,
            separators=(",", ":"),
        )
        for row in board.rows
    )
    return "".join(f"{line}\n" for line in lines).encode()
