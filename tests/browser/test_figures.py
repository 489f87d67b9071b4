"""Figures on their page, and by themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browsing import Site, Visit, Visitor

FIGURE = "assets/figures/kws-accuracy-latency-light.svg"


def shown(page: Page) -> list[str]:
    """Schemes whose version of the first figures is visible."""
    visible = page.locator("#task-kws ~ .tb-figures").first.locator("img:visible")
    return sorted(
        {
            str(address).rpartition("#only-")[2]
            for address in visible.evaluate_all("all => all.map(one => one.src)")
        }
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_one_version_is_shown_and_print_has_the_light_one(visit: Visit, scheme: Any) -> None:
    page = visit("figures/", color_scheme=scheme)
    assert shown(page) == [scheme]
    page.emulate_media(media="print")
    assert shown(page) == ["light"]


def test_a_figure_fits_a_phone_and_keeps_its_place_while_it_loads(visit: Visit) -> None:
    page = visit("figures/", viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    box = page.locator("#kws-accuracy-latency img:visible").bounding_box()
    assert box is not None
    assert 300 < box["width"] <= 390
    assert box["height"] > 0.7 * box["width"]


def test_a_point_of_a_figure_by_itself_says_what_it_is_and_leads_to_its_result(
    visitors: Callable[..., Visitor], on_disk: Site
) -> None:
    page = visitors(on_disk).open(FIGURE)
    points = page.locator("a:has(use)")
    assert points.count() == 84
    tip = points.first.locator("title").text_content()
    assert tip is not None
    assert "(measured)" in tip
    assert points.first.evaluate("one => getComputedStyle(one).cursor") == "pointer"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.localName") == "a"
    address = page.evaluate("document.activeElement.getAttribute('href')")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    result = page.locator(".tb-result").get_attribute("data-result-id")
    assert address == f"../../results/{result}/index.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", ["figures/", "tasks/kws/"])
def test_each_is_shown_once_and_described(visit: Visit, address: str, scheme: str) -> None:
    page = visit(address, color_scheme=scheme)
    page.locator("details").evaluate_all("all => all.forEach(each => each.open = true)")
    figures = page.locator("main .tb-figure")
    assert figures.count() > 0
    for figure in figures.all():
        figure.scroll_into_view_if_needed()
        image = figure.locator("img:visible")
        expect(image).to_have_count(1)
        expect(image).to_have_js_property("complete", True)
        assert f"-{scheme}.svg" in (image.get_attribute("src") or "")
        assert image.evaluate("e => e.naturalWidth") > 100
        assert len(image.get_attribute("alt") or "") > 40
        assert len(figure.locator("figcaption").inner_text()) > 20


def test_its_data_can_be_downloaded(visit: Visit) -> None:
    page = visit("figures/")
    link = page.get_by_role("link", name="CSV").first
    answer = page.context.request.get(link.evaluate("e => e.href"))
    assert answer.ok
    assert len(answer.text().splitlines()) > 2
