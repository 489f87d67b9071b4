"""Every kind of page, from a server and from a disk, by what the browser says about it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import feedparser
import pytest
from playwright.sync_api import expect

from browsing import Site, Visit, Visitor
from main_pages import main_pages


@pytest.mark.parametrize("site", ["served", "on_disk"])
def test_no_page_gives_cause_for_complaint(
    visitors: Callable[..., Visitor], site: str, request: pytest.FixtureRequest
) -> None:
    visitor = visitors(request.getfixturevalue(site))
    page = visitor.open()
    for name, address in main_pages().items():
        visitor.go(page, address)
        expect(page.locator("h1")).to_have_count(1)
        assert page.title(), name


def test_the_header_and_the_search_lead_on(visit: Visit) -> None:
    page = visit("submissions.html")
    ready = page.locator(".md-search-result__meta").filter(has_text="Type to start")
    ready.wait_for(state="attached")  # nothing is heard before
    page.keyboard.press("/")
    box = page.get_by_role("textbox", name="Search")
    box.press_sequentially("quality target")  # keys: only those are heard
    found = page.locator(".md-search-result__link").first
    expect(found).to_be_visible()
    found.click()
    expect(page.locator("h1")).to_be_visible()


def test_every_page_names_the_feed(visit: Visit, served: Site) -> None:
    for address in ("index.html", "leaderboard/index.html", "submissions.html"):
        page = visit(address)
        feed = page.locator("link[rel~=alternate][type='application/atom+xml']")
        answer = page.context.request.get(feed.evaluate("e => e.href"))
        parsed = feedparser.parse(answer.body())
        assert not parsed.bozo
        assert parsed.entries


def test_what_is_not_there_is_said(visitors: Callable[..., Visitor], served: Site) -> None:
    visitor = visitors(served)
    page = visitor.open("404.html")
    expect(page.locator("h1")).to_contain_text("no such page")


def test_a_policy_that_is_broken_would_be_seen(visitors: Callable[..., Visitor], served: Site) -> None:
    """The browser enforces it: what a page must not do is refused, and reported."""
    visitor = visitors(served)
    page = visitor.open()
    with page.expect_console_message(lambda message: "example.org" in message.text):
        page.evaluate(
            """() => {
                const script = document.createElement('script');
                script.textContent = 'window.tbRan = 1';
                document.body.append(script);
                document.body.insertAdjacentHTML('beforeend', '<img src="https://example.org/x.png">');
            }"""
        )
    assert page.evaluate("() => window.tbRan") is None
    refused = [fault for fault in visitor.faults if "Content Security Policy" in fault]
    assert any("script" in fault for fault in refused)
    assert any("example.org" in fault for fault in refused)
    visitor.faults.clear()


def test_what_every_visitor_loads_for_the_search_has_no_tables_of_results(built_site: Path) -> None:
    """The leaderboard finds systems; thousands of rows in the index would be megabytes for everybody."""
    index = json.loads((built_site / "search" / "search_index.json").read_bytes())
    found = " ".join(entry["text"] for entry in index["docs"])
    assert "Latency msEnergy" not in found  # two heads of a table of results
    assert not [entry for entry in index["docs"] if entry["location"].startswith("results/r-")]
    assert any(entry["location"].startswith("devices/nucleo-l4r5zi/") for entry in index["docs"])


def test_the_search_has_the_titles_of_the_decisions_only(built_site: Path) -> None:
    index = json.loads((built_site / "search" / "search_index.json").read_bytes())
    found = [entry for entry in index["docs"] if entry["location"].startswith("decisions/")]
    assert {entry["location"].split("#")[0] for entry in found} == {"decisions/index.html"}
    assert "One JSON per result" in " ".join(entry["text"] for entry in found)
