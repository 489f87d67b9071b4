from __future__ import annotations

import csv
import io
import json

import pandas as pd
import pyarrow.parquet as pq
from lxml.html import document_fromstring

from board_fixtures import HOSTILE, board, cells, context, html, published_row, row, timed
from evidence_fixtures import changed, measured_kws
from tinybench.leaderboard import downloads
from tinybench.leaderboard.build import Context
from tinybench.leaderboard.frame import COLUMNS
from tinybench.results.schema import Engine, Metric


def made() -> Context:
    flags = Engine(
        name="=cmd|'/c calc'!A1",
        version=None,
        kernels=None,
        kernels_version=None,
        compiler=None,
        flags=("-O3",),
    )
    rows = [published_row(), timed(0.0123), row(changed(measured_kws()[0], engine=flags))]
    of = context(board(rows))
    downloads.write(of)
    return of


def lines(of: Context) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(of.pages.files[downloads.CSV].decode())))


def test_the_csv_has_a_row_per_result_in_si_units_and_nothing_rounded() -> None:
    of = made()
    read = {line["id"]: line for line in lines(of)}
    assert list(read) == [one.id for one in of.board.rows]
    assert list(next(iter(read.values()))) == [column.name for column in COLUMNS]
    simulated = next(line for line in read.values() if line["mode"] == "simulated")
    assert simulated["latency_s"] == "0.0123"
    assert simulated["energy_j"] == ""
    assert simulated["published"] == "false"
    assert simulated["created"] == "2026-03-01T12:00:00Z"
    assert simulated["clock_hz"] == str(of.frame.set_index("id").loc[simulated["id"], "clock_hz"])


def test_no_cell_is_a_formula_and_numbers_stay_numbers() -> None:
    rows = lines(made())
    (attack,) = [line for line in rows if "calc" in line["engine"]]
    assert attack["engine"] == "'=cmd|'/c calc'!A1"
    assert attack["flags"] == "'-O3"
    texts = {column.name for column in COLUMNS if column.kind == "text"}
    assert not [line[name] for line in rows for name in texts if line[name][:1] in tuple("=+-@\t\r\n")]
    assert all(float(line["latency_s"]) > 0 for line in rows)


def test_parquet_holds_the_same_table_with_units() -> None:
    of = made()
    table = pq.read_table(io.BytesIO(of.pages.files[downloads.PARQUET]))
    assert table.num_rows == 3
    assert table.schema.field("latency_s").metadata[b"unit"] == b"s"
    assert table.schema.field("core").metadata[b"meaning"]
    read = pd.read_parquet(io.BytesIO(of.pages.files[downloads.PARQUET]))
    assert read["latency_s"].tolist() == of.frame["latency_s"].tolist()
    assert list(read.columns) == list(of.frame.columns)


def test_a_count_of_cycles_may_be_a_mean_and_larger_than_any_integer() -> None:
    values = {12.5, 1e30}
    cycles = [Metric.of("cycles.per_inference", value, "measured") for value in values]
    base = measured_kws()[0]
    of = context(board(row(changed(base, metrics=(*base.metrics, one))) for one in cycles))
    downloads.write(of)
    read = pd.read_parquet(io.BytesIO(of.pages.files[downloads.PARQUET]))
    assert set(read["cycles"]) == {float(line["cycles"]) for line in lines(of)} == values


def test_json_lines_hold_the_documents_as_submitted() -> None:
    of = made()
    read = [json.loads(line) for line in of.pages.files[downloads.JSON_LINES].decode().splitlines()]
    assert [line["result"] for line in read] == [json.loads(one.document) for one in of.board.rows]
    assert {line["tier"] for line in read} == {"claimed", "published elsewhere"}


def test_the_dictionary_is_that_of_the_frame() -> None:
    of = made()
    shown = document_fromstring(html(of.pages, "data/"))
    listed = cells(shown, "table.tb-columns-of-data")
    assert [line[0] for line in listed] == list(of.frame.columns)
    assert ["latency_s", "number", "s", "Latency of one inference"] in listed


def test_a_hostile_licence_is_text() -> None:
    of = context(board([row(of_system={"licence": HOSTILE})]))
    downloads.write(of)
    shown = document_fromstring(html(of.pages, "data/"))
    assert HOSTILE in shown.text_content()


def test_the_same_board_gives_the_same_bytes() -> None:
    assert made().pages.files == made().pages.files


def test_no_result_at_all() -> None:
    of = context(board([]))
    downloads.write(of)
    assert of.pages.files[downloads.JSON_LINES] == b""
    assert lines(of) == []
    assert pd.read_parquet(io.BytesIO(of.pages.files[downloads.PARQUET])).empty
