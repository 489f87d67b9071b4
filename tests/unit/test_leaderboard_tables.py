"""Tables of results as they are without scripts, and the data that scripts make tables of."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import HtmlElement, document_fromstring

from board_fixtures import HOSTILE, board, context, html, published_row, row, select, timed
from evidence_fixtures import changed, measured_kws
from tinybench.leaderboard import addresses, compare_page, datatables, overview_page, tables
from tinybench.leaderboard.board import Row
from tinybench.leaderboard.build import Context
from tinybench.results.schema import Metric, Unavailable

HERE = "devices/board-one/"


def shown(*rows: Row, **options: Any) -> HtmlElement:
    of = context(board(rows))
    return document_fromstring(str(tables.table(of, HERE, of.frame, caption="Results", **options)))


def captions(page: HtmlElement) -> list[str]:
    return [caption.text_content() for caption in select(page, "caption")]


def column(page: HtmlElement, key: str, table: int = 0) -> list[HtmlElement]:
    """The cells of a column of one of the tables."""
    (found,) = [select(page, "table")[table]]
    heads = [" ".join(head.text_content().split()) for head in found.xpath("./thead//th")]
    (place,) = [index for index, head in enumerate(heads) if head == key]
    return [line.xpath("./th | ./td")[place] for line in found.xpath("./tbody/tr")]


def texts(found: list[HtmlElement]) -> list[str]:
    return [" ".join(cell.text_content().split()) for cell in found]


def energetic(latency_s: float, energy_j: float | None, mode: Any) -> Row:
    """A simulated result with an energy of a mode of its own, or without."""
    base = timed(latency_s).result
    if energy_j is None:
        missing = Unavailable(name="energy.per_inference", reason="no current is known")
        kept = tuple(one for one in base.unavailable if one.name != missing.name)
        return row(changed(base, unavailable=(*kept, missing)))
    energy = Metric.of("energy.per_inference", energy_j, mode)
    unavailable = tuple(one for one in base.unavailable if one.name != energy.name)
    return row(changed(base, metrics=(*base.metrics, energy), unavailable=unavailable))


def test_each_mode_has_its_own_table_and_measured_comes_first() -> None:
    page = shown(timed(0.001, "predicted"), timed(0.002, "simulated"), timed(0.009, "measured"))
    assert captions(page) == ["Results: measured (1)", "Results: simulated (1)", "Results: predicted (1)"]
    assert [texts(column(page, "Latency ms", table)) for table in range(3)] == [["9"], ["2"], ["1"]]


def test_rows_are_ordered_by_latency_and_carry_it_in_seconds() -> None:
    page = shown(timed(0.5), timed(0.02), timed(0.0003))
    cells = column(page, "Latency ms")
    assert texts(cells) == ["0.3", "20", "500"]
    assert [cell.get("data-order") for cell in cells] == ["0.0003", "0.02", "0.5"]


def test_a_figure_of_another_mode_says_so_and_is_not_ranked_with_the_others() -> None:
    page = shown(energetic(0.1, 1e-6, "predicted"), energetic(0.2, 5e-6, "simulated"))
    cells = column(page, "Energy µJ")
    assert texts(cells) == ["1 predicted", "5"]
    assert [cell.get("data-order") for cell in cells] == ["1e-06;1", "5e-06"]


def test_what_is_missing_is_a_dash_with_its_reason() -> None:
    page = shown(energetic(0.1, None, None), energetic(0.2, 5e-6, "simulated"))
    cell = column(page, "Energy µJ")[0]
    assert texts([cell]) == ["–no current is known"]
    assert cell.get("data-order") == ""
    (dash,) = select(cell, ".tb-missing")
    assert dash.get("title") == "no current is known"


def test_a_column_that_holds_nothing_is_left_out_unless_it_is_asked_for() -> None:
    page = shown(timed(0.1))
    heads = texts(select(page, "thead th"))
    assert "Latency ms" in heads
    assert "Energy µJ" not in heads
    assert "Energy µJ" in texts(select(shown(timed(0.1), columns=("system", "energy")), "thead th"))
    assert "Core" not in texts(select(shown(timed(0.1), hide=("core",)), "thead th"))


def test_headers_and_the_name_of_the_system_are_headers() -> None:
    page = shown(timed(0.1))
    assert {head.get("scope") for head in select(page, "thead th")} == {"col"}
    (name,) = select(page, "tbody th")
    assert name.get("scope") == "row"
    (link,) = select(name, "a")
    assert link.get("href").startswith("../../results/r-")
    assert link.get("href").endswith("/index.html")


def test_an_accuracy_that_is_not_decisive_is_no_accuracy_that_meets_a_target() -> None:
    base = measured_kws()[0]
    smoke = row(changed(base, data=base.data.model_copy(update={"split": "smoke"})))
    (cell,) = column(shown(smoke), "Accuracy")
    assert texts([cell])[0].endswith("% not decisive")
    assert cell.get("data-order").endswith(";1")


def test_an_auc_is_not_ranked_with_top_1_accuracies() -> None:
    base = measured_kws()[0]
    top1 = next(metric for metric in base.metrics if metric.name == "accuracy.top1")
    auc = Metric.of("accuracy.auc", 0.86, top1.mode)
    others = tuple(metric for metric in base.metrics if not metric.name.startswith("accuracy."))
    without = tuple(one for one in base.unavailable if not one.name.startswith("accuracy."))
    task = base.task.model_copy(update={"id": "ad"})
    data = base.data.model_copy(update={"split": "official"})
    anomaly = changed(base, task=task, data=data, metrics=(auc, *others), unavailable=without, target=0.85)
    cells = column(shown(row(anomaly), row(base)), "Accuracy")
    assert texts(cells)[0] == "AUC 0.86"
    assert [cell.get("data-order") for cell in cells] == ["0.86;2", repr(top1.value)]


def test_many_rows_are_cut_and_the_table_says_where_all_of_them_are() -> None:
    rows = [timed(0.001 * number) for number in range(1, 8)]
    with patch.object(tables, "STATIC_ROWS", 5), patch.object(tables, "TOP", 3):
        page = shown(*rows, more="core=cortex-m4&mode=all")
    assert captions(page) == ["Results: simulated (7)"]
    assert texts(column(page, "Latency ms")) == ["1", "2", "3"]
    (note,) = select(page, ".tb-note")
    assert "The first 3 of 7 simulated results" in note.text_content()
    assert [link.get("href") for link in select(note, "a")] == [
        "../../data/results.csv",
        "../../leaderboard/index.html?core=cortex-m4&mode=all",
    ]


def test_no_result_is_said() -> None:
    of = context(board([timed(0.1)]))
    text = tables.table(of, HERE, of.frame.iloc[:0], caption="Results")
    assert "no result" in text
    assert "<table" not in text


def test_one_row_needs_no_script_to_sort_it() -> None:
    assert not select(shown(timed(0.1)), "script")
    scripts = [script.get("src") for script in select(shown(timed(0.1), timed(0.2)), "script")]
    assert scripts[0] == f"../../{datatables.SCRIPT}"
    assert scripts[-1] == "../../assets/sortable.js"


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60).filter(str.strip)


@given(TEXTS)
def test_any_name_is_shown_as_it_is(name: str) -> None:
    page = shown(row(of_system={"title": name, "organisation": name}))
    assert column(page, "System")[0].text_content() == name
    assert column(page, "Organisation")[0].text_content() == name
    assert not select(page, "script")


def hostile() -> Context:
    base = measured_kws()[0]
    engine = base.engine.model_copy(update={"name": HOSTILE, "kernels": HOSTILE})
    made = row(changed(base, engine=engine), of_system={"title": HOSTILE, "organisation": HOSTILE})
    of = context(board([made, published_row(), timed(0.1)]))
    overview_page.write(of)
    compare_page.write(of)
    return of


def test_a_hostile_submission_is_text_on_the_leaderboard() -> None:
    of = hostile()
    page = document_fromstring(html(of.pages, addresses.LEADERBOARD))
    names = {" ".join(cell.text_content().split()) for cell in column(page, "System")}
    assert " ".join(HOSTILE.split()) in names
    assert all(script.get("src") for script in select(page, "script"))
    for element in page.iter():
        assert not [name for name in element.attrib if name.startswith("on") or name == "style"]


def test_all_that_a_page_loads_is_there() -> None:
    of = hostile()
    own = {"assets/results.js", "assets/leaderboard.js", "assets/compare.js"}
    for address in (addresses.LEADERBOARD, addresses.COMPARE):
        page = document_fromstring(html(of.pages, address))
        sources = {script.get("src").removeprefix("../") for script in select(page, "script")}
        assert sources - own <= of.pages.files.keys()
        assert sources & own
    assert "DataTables" in of.pages.files[datatables.LICENCES].decode()


def test_the_columns_that_the_script_gets_are_those_of_the_data() -> None:
    of = hostile()
    (place,) = select(document_fromstring(html(of.pages, addresses.LEADERBOARD)), ".tb-board")
    keys = [column["key"] for column in json.loads(place.get("data-columns"))]
    packed = of.pages.files[tables.data_script("kws")].decode()
    data = json.loads(packed.partition("push(")[2].removesuffix(");\n"))
    assert set(keys) <= data["codes"].keys() | data["figures"].keys()
    assert len(data["figures"]["id"]) == 3
    for key in ("accuracy", "latency", "energy", "ram", "flash"):
        assert f"{key}_note" in data["codes"]


def test_the_page_of_a_task_loads_the_data_of_that_task_alone() -> None:
    of = context(board([timed(0.1), timed(0.2)]))
    text = tables.leaderboard(of, "tasks/kws/", of.frame, task="kws")
    page = document_fromstring(str(text))
    sources = [script.get("src") for script in select(page, "script")]
    assert "../../assets/data/results-kws.js" in sources
    assert sources[0] == f"../../{datatables.SCRIPT}"
    assert not page.xpath("//select[@name='task']")
    assert "Task" not in texts(select(page, "thead th"))


@pytest.mark.parametrize("place", [addresses.LEADERBOARD, addresses.COMPARE])
def test_a_board_without_results_has_its_pages(place: str) -> None:
    of = context(board([]))
    overview_page.write(of)
    compare_page.write(of)
    assert html(of.pages, place)
