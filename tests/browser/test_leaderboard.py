"""The leaderboard with scripts: what a reader sorts, filters, shares and downloads is what was submitted."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from browsing import PHONE, Site, Visit, Visitor
from fakes import REPOSITORY

LEADERBOARD = "leaderboard/"


@cache
def submitted() -> dict[str, dict[str, Any]]:
    """Id -> document of every result in submissions/."""
    paths = (REPOSITORY / "submissions").glob("*/*/*/results/*.json")
    return {document["id"]: document for path in paths if (document := json.loads(path.read_bytes()))}


def latency(document: dict[str, Any]) -> dict[str, Any] | None:
    """The latency of a result."""
    return next((m for m in document["metrics"] if m["name"] == "latency.per_inference"), None)


def measured() -> int:
    """How many results have a measured latency: what is shown at first."""
    return sum(
        found is not None and found["mode"] == "measured" for found in map(latency, submitted().values())
    )


def board(page: Page) -> Locator:
    """The leaderboard, when its script is done."""
    found = page.locator(".tb-board[data-tb-ready]")
    found.wait_for()
    return found


def column(page: Page, title: str) -> list[str]:
    """What the rows on the page show in a column."""
    return page.evaluate(
        """title => {
            const table = document.querySelector('.tb-board table');
            const heads = [...table.tHead.rows[0].cells].map(cell => cell.innerText.trim());
            const index = heads.findIndex(head => head.startsWith(title));
            return [...table.tBodies[0].rows].filter(row => row.cells.length > index)
                .map(row => row.cells[index].innerText.trim());
        }""",
        title,
    )


def numbers(texts: list[str]) -> list[float]:
    """Those of a column, without what is missing."""
    return [float(text.split()[0]) for text in texts if text[:1].isdigit()]


def choose(page: Page, label: str, value: str) -> None:
    control(page, label).select_option(value)


def control(page: Page, label: str) -> Locator:
    """A filter; a column has the same label."""
    roles = board(page).get_by_role("combobox", name=label, exact=True)
    return roles.or_(board(page).get_by_role("searchbox", name=label, exact=True))


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def sort_by(page: Page, title: str, direction: str = "ascending") -> None:
    head = board(page).get_by_role("columnheader", name=title)
    head.click()
    expect(head).to_have_attribute("aria-sort", direction)


def test_measured_results_are_shown_first_and_modes_are_not_mixed(visit: Visit) -> None:
    page = visit(LEADERBOARD)
    assert set(column(page, "Mode")) == {"measured"}
    expect(board(page).get_by_role("status")).to_contain_text(f"{measured()} of {len(submitted())} results")
    choose(page, "Mode", "all")
    modes = column(page, "Mode")
    assert modes == sorted(modes, key=["measured", "simulated", "predicted"].index)


def test_sorting_is_by_value(visit: Visit) -> None:
    page = visit(LEADERBOARD)
    choose(page, "Task", "kws")
    board(page).get_by_label("Rows on a page").select_option("1000")
    sort_by(page, "Clock")
    up = numbers(column(page, "Clock"))
    assert up == sorted(up)
    assert len(set(map(len, map(str, up)))) > 1, "all of one length: sorted as text they look alike"
    sort_by(page, "Clock", "descending")
    down = numbers(column(page, "Clock"))
    assert down == sorted(up, reverse=True)
    assert query(page) == {"task": ["kws"], "sort": ["clock"], "order": ["desc"]}


def test_an_auc_is_not_ranked_among_top_1_accuracies(visit: Visit) -> None:
    page = visit(LEADERBOARD)
    board(page).get_by_label("Rows on a page").select_option("1000")
    for direction in ("descending", "ascending"):
        sort_by(page, "Accuracy", direction)
        kinds = [text.startswith("AUC") for text in column(page, "Accuracy") if text[:1] in "A0123456789"]
        assert set(kinds) == {False, True}
        assert kinds == sorted(kinds)


def test_an_organisation_is_found_in_small_and_in_capital_letters(visit: Visit) -> None:
    spelled: dict[str, set[str]] = {}
    for document in submitted().values():
        if document["source"]:
            name = document["source"]["organisation"]
            spelled.setdefault(name.lower(), set()).add(name)
    lower, names = next((lower, names) for lower, names in spelled.items() if len(names) > 1)
    page = visit(LEADERBOARD)
    options = control(page, "Organisation").locator("option").all_inner_texts()
    (choice,) = [option for option in options if option.lower() == lower]
    choose(page, "Organisation", choice)
    assert set(column(page, "Organisation")) == names


def test_the_first_order_is_by_latency_within_a_task(visit: Visit) -> None:
    page = visit("tasks/kws/")
    board(page).get_by_label("Rows on a page").select_option("1000")
    shown = numbers(column(page, "Latency"))
    assert shown == sorted(shown)
    expected = [
        latency(document)["value"] * 1e3
        for document in submitted().values()
        if document["task"]["id"] == "kws" and (latency(document) or {}).get("mode") == "measured"
    ]
    assert shown == pytest.approx(sorted(expected), rel=5e-4)


@pytest.mark.parametrize(
    ("label", "title", "of"),
    [
        ("Task", "Task", lambda document: document["task"]["id"]),
        ("Core", "Core", lambda document: document["device"]["core"]),
        ("Organisation", "Organisation", lambda document: document["source"]["organisation"]),
    ],
)
def test_a_filter_keeps_what_it_says(
    visit: Visit, label: str, title: str, of: Callable[[dict[str, Any]], str]
) -> None:
    page = visit(LEADERBOARD)
    published = [document for document in submitted().values() if document["source"]]
    value, _ = Counter(map(of, published)).most_common(2)[1]
    expected = sum(
        of(document) == value and (latency(document) or {}).get("mode") == "measured"
        for document in published
    )
    choose(page, label, value)
    expect(board(page).get_by_role("status")).to_contain_text(f"{expected} of ")
    assert set(column(page, title)) == {value}


def test_filters_combine_with_search_and_clock(visit: Visit) -> None:
    page = visit(LEADERBOARD)
    choose(page, "Task", "ad")
    choose(page, "Round", "mlperf-v1.2")
    board(page).get_by_label("Clock to (MHz)").fill("200")
    board(page).get_by_label("Search").fill("nucleo stmicro")
    expected = [
        document
        for document in submitted().values()
        if document["task"]["id"] == "ad"
        and (document["source"] or {}).get("round") == "v1.2"
        and (document["device"]["clock_hz"] or 1e12) <= 200e6
        and "nucleo" in document["source"]["system"].lower()
        and "stmicro" in document["source"]["organisation"].lower()
    ]
    assert expected
    expect(board(page).get_by_role("status")).to_contain_text(f"{len(expected)} of ")
    assert sorted(column(page, "System")) == sorted(document["source"]["system"] for document in expected)


def test_a_view_is_shared_by_its_address(visit: Visit) -> None:
    page = visit(LEADERBOARD)
    choose(page, "Task", "vww")
    choose(page, "Core", "cortex-m4")
    board(page).get_by_label("Search").fill("nucleo")
    board(page).get_by_text("Columns", exact=True).click()
    board(page).get_by_label("Kernels").check()
    sort_by(page, "Energy")
    address = page.url
    seen = {title: column(page, title) for title in ("System", "Energy", "Kernels", "Core")}
    assert seen["System"]
    other = visit()
    other.goto(address)
    board(other)
    assert {title: column(other, title) for title in seen} == seen
    for label, value in (("Task", "vww"), ("Core", "cortex-m4"), ("Search", "nucleo")):
        expect(control(other, label)).to_have_value(value)
    expect(board(other).get_by_role("columnheader", name="Energy")).to_have_attribute(
        "aria-sort", "ascending"
    )


def test_back_leads_to_the_view_before(visit: Visit) -> None:
    page = visit(LEADERBOARD)
    all_of_them = board(page).get_by_role("status").inner_text()
    choose(page, "Task", "ic")
    only_ic = board(page).get_by_role("status").inner_text()
    sort_by(page, "System")
    page.go_back()
    expect(control(page, "Task")).to_have_value("ic")
    assert "sort" not in query(page)
    expect(board(page).get_by_role("status")).to_have_text(only_ic)
    page.go_back()
    expect(board(page).get_by_role("status")).to_have_text(all_of_them)
    page.go_forward()
    expect(board(page).get_by_role("status")).to_have_text(only_ic)
    assert set(column(page, "Task")) == {"ic"}


def test_back_from_a_result_leads_to_the_filtered_view(visit: Visit) -> None:
    page = visit(LEADERBOARD)
    choose(page, "Task", "ic")
    before = column(page, "System")
    board(page).locator("tbody a").first.click()
    page.wait_for_url("**/results/r-*/index.html")
    page.go_back()
    board(page)
    assert column(page, "System") == before


def test_reset_shows_everything_again(visit: Visit) -> None:
    page = visit(f"{LEADERBOARD}?task=ic&search=nucleo&sort=core&cols=system,core")
    assert set(column(page, "Core")) == set(column(page, "Core"))
    board(page).get_by_role("button", name="Reset").click()
    assert query(page) == {}
    expect(board(page).get_by_role("status")).to_contain_text(f"{measured()} of {len(submitted())}")


def test_a_view_of_what_is_not_there_is_empty(visit: Visit) -> None:
    page = visit(f"{LEADERBOARD}?organisation=Nobody+at+all")
    expect(board(page).get_by_role("status")).to_contain_text("0 of ")


def downloaded(page: Page) -> list[dict[str, str]]:
    """Rows of the CSV of the view."""
    with page.expect_download() as download:
        board(page).get_by_role("button", name="Download CSV").click()
    assert download.value.suggested_filename.endswith(".csv")
    text = Path(download.value.path()).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def test_the_csv_is_that_of_the_view(visit: Visit) -> None:
    page = visit(f"{LEADERBOARD}?task=kws&core=cortex-m7&sort=latency&order=desc")
    rows = downloaded(page)
    assert len(rows) == len(column(page, "System")) > 1
    assert [row["system"] for row in rows] == column(page, "System")
    for row in rows:
        document = submitted()[row["id"]]
        assert float(row["latency_s"]) == latency(document)["value"]
        assert row["mode"] == "measured"
        assert row["task"] == "kws"
        assert float(row["clock_hz"]) == document["device"]["clock_hz"]
    in_order = [float(row["latency_s"]) for row in rows]
    assert in_order == sorted(in_order, reverse=True)


def test_the_csv_holds_more_than_the_rows_on_the_page(visit: Visit) -> None:
    page = visit(LEADERBOARD)
    rows = downloaded(page)
    assert len(rows) == measured() > len(column(page, "System"))


def test_all_results_can_be_downloaded(built_site: Path) -> None:
    with (built_site / "data" / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["id"] for row in rows} == submitted().keys()


def test_results_are_compared(visit: Visit) -> None:
    page = visit(f"{LEADERBOARD}?task=kws&round=mlperf-v1.2")
    compare = board(page).get_by_role("button", name="Compare")
    expect(compare).to_be_disabled()
    boxes = board(page).get_by_role("checkbox", name="Compare")
    for number in range(3):
        boxes.nth(number).check()
    systems = column(page, "System")[:3]
    compare.click()
    page.wait_for_url("**/compare/index.html?ids=*")
    assert len(query(page)["ids"][0].split(",")) == 3
    table = page.locator(".tb-comparison[data-tb-ready] table")
    heads = table.locator("thead th a:not(.tb-mark)").all_inner_texts()
    assert heads == systems
    expect(table).to_contain_text("times the first")
    table.get_by_role("link", name=f"Take {systems[1]} out").click()
    page.locator(".tb-comparison[data-tb-ready]").wait_for()
    assert page.locator("thead th a:not(.tb-mark)").all_inner_texts() == [systems[0], systems[2]]


def test_tasks_are_not_compared_with_each_other(visit: Visit) -> None:
    ids = {}
    for result_id, document in submitted().items():
        ids.setdefault(document["task"]["id"], result_id)
    page = visit(f"compare/?ids={ids['kws']},{ids['ic']}")
    table = page.locator(".tb-comparison[data-tb-ready] table")
    expect(table).to_contain_text("other task: not compared")
    expect(table).not_to_contain_text("times the first")


def test_divisions_are_not_compared_with_each_other(visit: Visit) -> None:
    ids = {}
    for result_id, document in submitted().items():
        if document["task"]["id"] == "kws" and document["source"]:
            ids.setdefault(document["source"]["division"], result_id)
    page = visit(f"compare/?ids={ids['closed']},{ids['open']}")
    table = page.locator(".tb-comparison[data-tb-ready] table")
    expect(table).to_contain_text("other division: not compared")
    expect(table).not_to_contain_text("times the first")


def test_a_comparison_says_what_it_does_not_know(visit: Visit) -> None:
    known = next(iter(submitted()))
    page = visit(f"compare/?ids=r-0000000000000000,{known}")
    expect(page.locator(".tb-comparison[data-tb-ready]")).to_contain_text(
        "no such result here: r-0000000000000000"
    )
    page = visit("compare/")
    expect(page.locator(".tb-comparison[data-tb-ready]")).to_contain_text("No result is chosen")


def test_on_a_disk_it_does_the_same(visitors: Callable[..., Visitor], on_disk: Site) -> None:
    page = visitors(on_disk).open(f"{LEADERBOARD}?task=kws&core=cortex-m7")
    assert set(column(page, "Core")) == {"cortex-m7"}
    sort_by(page, "Clock")
    assert query(page)["sort"] == ["clock"]
    assert len(downloaded(page)) == len(column(page, "System"))
    board(page).locator("tbody a").first.click()
    page.wait_for_url("**/results/r-*/index.html")
    expect(page.locator(".tb-result")).to_be_visible()


def test_with_a_finger_on_a_phone(visit: Visit) -> None:
    page = visit(LEADERBOARD, viewport=PHONE, has_touch=True, is_mobile=True)
    choose(page, "Task", "kws")
    head = board(page).get_by_role("columnheader", name="Clock")
    for direction in ("ascending", "descending"):
        head.tap()
        expect(head).to_have_attribute("aria-sort", direction)
    shown = numbers(column(page, "Clock"))
    assert shown == sorted(shown, reverse=True)
    # The table scrolls, the page does not.
    scroll = board(page).locator(".tb-scroll").first
    assert scroll.evaluate("e => e.scrollWidth > e.clientWidth")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
