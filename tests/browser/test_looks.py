"""Light and dark, small screens, print and less motion, on a page of each kind."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from browsing import PHONE, Visit
from main_pages import main_pages
from page_audits import beyond_edge, contrasts, moving, small_controls

PAGES = main_pages()


def brightness(page: Page) -> float:
    """Of the background of the page, from 0 to 1."""
    red, green, blue = page.evaluate(
        "() => getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/g).slice(0, 3).map(Number)"
    )
    return (red + green + blue) / 3 / 255


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_text_can_be_read(visit: Visit, name: str, scheme: str) -> None:
    page = visit(PAGES[name], color_scheme=scheme, reduced_motion="reduce")
    assert (brightness(page) < 0.5) == (scheme == "dark")
    texts = contrasts(page)
    assert len(texts) > 5
    assert [text for text in texts if text["ratio"] < text["needed"]] == []


def test_the_reader_chooses_the_colours_and_the_choice_lasts(visit: Visit) -> None:
    page = visit("index.html", color_scheme="light")
    assert brightness(page) > 0.5
    page.get_by_title("Dark colours").click()
    page.wait_for_function("() => document.body.dataset.mdColorScheme == 'slate'")
    assert brightness(page) < 0.5
    page.goto(page.url.replace("index.html", PAGES["leaderboard"]))
    assert brightness(page) < 0.5
    page.get_by_title("Light colours").click()
    page.wait_for_function("() => document.body.dataset.mdColorScheme == 'default'")
    assert brightness(page) > 0.5


@pytest.mark.parametrize("name", PAGES)
def test_a_phone(visit: Visit, name: str) -> None:
    page = visit(PAGES[name], viewport=PHONE, has_touch=True, is_mobile=True)
    assert page.evaluate("() => innerWidth") == PHONE["width"]
    assert beyond_edge(page) == []
    assert small_controls(page) == []


def test_the_menu_of_a_phone(visit: Visit) -> None:
    page = visit("submissions.html", viewport=PHONE, has_touch=True, is_mobile=True)
    menu = page.get_by_role("navigation", name="Navigation")
    expect(menu).not_to_be_in_viewport()
    page.locator(".md-header__button[for=__drawer]").tap()
    expect(menu).to_be_in_viewport()
    link = menu.get_by_role("link", name="Attestations").filter(visible=True)
    link.tap()
    page.wait_for_url("**/attestation.html")


@pytest.mark.parametrize("name", ["home", "leaderboard", "result", "documentation"])
def test_who_wants_less_motion_gets_none(visit: Visit, name: str) -> None:
    page = visit(PAGES[name], reduced_motion="reduce")
    assert moving(page) == []
    page.evaluate("() => scrollTo(0, 400)")
    assert page.evaluate("() => document.getAnimations().length") == 0


@pytest.mark.parametrize("name", ["leaderboard", "result", "figures"])
def test_print_is_dark_on_light_and_without_controls(visit: Visit, name: str) -> None:
    page = visit(PAGES[name], color_scheme="dark")
    page.emulate_media(media="print", color_scheme="light")
    for selector in (
        ".md-header",
        ".md-sidebar",
        ".md-footer-meta",
        "button",
        "select",
        "input[type=search]",
    ):
        for control in page.locator(selector).all():
            expect(control).not_to_be_visible()
    texts = contrasts(page)
    assert len(texts) > 5
    assert [text for text in texts if text["ratio"] < text["needed"]] == []
    for image in page.locator("img[src*='-dark.svg']").all():
        expect(image).not_to_be_visible()
    assert page.pdf().startswith(b"%PDF")
