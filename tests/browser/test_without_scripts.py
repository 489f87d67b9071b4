"""The site without JavaScript, from a server and from a disk: tables are there, and links lead on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from browsing import PHONE, Site, Visitor
from main_pages import main_pages, result_ids

WHERE = ("served", "on_disk")


@pytest.fixture(params=WHERE)
def plain(visitors: Callable[..., Visitor], request: pytest.FixtureRequest) -> Callable[..., Page]:
    """Opens an address with JavaScript off."""
    site: Site = request.getfixturevalue(request.param)

    def open_page(address: str, **options: object) -> Page:
        return visitors(site, java_script_enabled=False, **options).open(address)

    return open_page


def test_the_leaderboard_is_a_table_for_each_mode(plain: Callable[..., Page]) -> None:
    page = plain("leaderboard/")
    tables = page.locator("table:visible")
    captions = tables.locator("caption").all_inner_texts()
    modes = [
        mode for caption in captions for mode in ("measured", "simulated", "predicted") if mode in caption
    ]
    assert modes == sorted(modes, key=["measured", "simulated", "predicted"].index)
    assert "measured" in modes
    assert tables.first.locator("tbody tr").count() > 50
    heads = tables.first.locator("thead th")
    assert all(head.get_attribute("scope") == "col" for head in heads.all())
    assert {"Latency ms", "Energy µJ", "System"} <= {
        " ".join(text.split()) for text in heads.all_inner_texts()
    }


def test_controls_that_need_scripts_are_not_shown(plain: Callable[..., Page]) -> None:
    for name in ("leaderboard", "result", "compare"):
        page = plain(main_pages()[name])
        expect(page.locator("main button:visible, main select:visible, main input:visible")).to_have_count(0)


def test_links_lead_from_the_home_page_to_a_result_and_its_file(plain: Callable[..., Page]) -> None:
    page = plain("")
    page.locator(".md-content a[href*='leaderboard/']").first.click()
    page.locator("main tbody a[href*='results/r-']").first.click()
    expect(page.locator(".tb-result h1")).to_be_visible()
    expect(page.locator("#bibtex")).to_contain_text("@misc")
    page.locator("a[href='result.json']").first.click()
    page.wait_for_url("**/result.json")


def test_a_result_leads_to_everything_that_it_is_of(plain: Callable[..., Page]) -> None:
    address = f"results/{result_ids()[0]}/"
    for part in ("systems/", "organisations/", "devices/", "models/", "tasks/", "rounds/"):
        page = plain(address)
        page.locator(f".tb-result a[href*='../{part}']").first.click()
        page.wait_for_url(f"**/{part}**")
        expect(page.locator("h1").first).to_be_visible()
        # And back: what it is of lists it.
        assert page.locator(f"a[href*='{result_ids()[0]}']").count() > 0, part


def test_figures_are_shown_once_in_the_colours_of_the_page(plain: Callable[..., Page]) -> None:
    # Which colours a reader wants is found out by a script; without it, pages are light.
    page = plain("figures/", color_scheme="dark")
    shown = page.locator("main .tb-figure img:visible").evaluate_all("all => all.map(e => e.src)")
    assert shown
    assert all("-light.svg" in source for source in shown)


def test_a_phone(plain: Callable[..., Page]) -> None:
    page = plain("leaderboard/", viewport=PHONE)
    expect(page.locator("table:visible").first).to_be_visible()
    page = plain("", viewport=PHONE)
    expect(page.locator(".md-content a[href*='leaderboard/']").first).to_be_visible()
