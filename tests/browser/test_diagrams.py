"""Wiring diagrams on their pages: one file for both schemes, on a phone, on paper."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page

from browsing import PHONE, Visit

GUIDE = "boards/wiring.html"


def is_dark(page: Page) -> bool:
    """Whether the ground of the first diagram is: a point between its edge and its first box."""
    picture = Image.open(io.BytesIO(page.locator("article img").first.screenshot())).convert("L")
    value = picture.getpixel((6, 100))
    assert isinstance(value, int)
    assert value < 60 or value > 230
    return value < 60


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_takes_the_scheme_of_its_page_and_is_light_on_paper(visit: Visit, scheme: Any) -> None:
    page = visit(GUIDE, color_scheme=scheme)
    assert is_dark(page) == (scheme == "dark")
    page.locator("[data-md-component=palette] label:visible").click()
    assert is_dark(page) == (scheme == "light")
    page.emulate_media(media="print")
    assert not is_dark(page)


def test_it_fits_a_phone_and_its_texts_can_be_read(visit: Visit) -> None:
    page = visit(GUIDE, viewport=PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    box = page.locator("article img").first.bounding_box()
    assert box is not None
    assert 330 <= box["width"] <= PHONE["width"]
