"""Pictures of the main pages, for people to look at: in build/screenshots, and an artefact of CI."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from browsing import DESKTOP, PHONE, Site, Visitor
from fakes import REPOSITORY
from main_pages import main_pages

FOLDER = REPOSITORY / "build" / "screenshots"
MAX_HEIGHT = 3000
"""Of what is kept of a page, in pixels."""

LOOKS = {
    "light": {"viewport": DESKTOP, "color_scheme": "light"},
    "dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "color_scheme": "light", "has_touch": True},
}


@pytest.mark.parametrize("look", LOOKS)
def test_pictures(served: Site, visitors: Callable[..., Visitor], look: str) -> None:
    visitor = visitors(served, reduced_motion="reduce", **LOOKS[look])
    page = visitor.open()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, address in main_pages().items():
        visitor.go(page, address)
        page.wait_for_load_state("networkidle")
        height = min(MAX_HEIGHT, page.evaluate("document.documentElement.scrollHeight"))
        width = LOOKS[look]["viewport"]["width"]
        shot = page.screenshot(
            path=FOLDER / f"{name}-{look}.png",
            full_page=True,
            clip={"x": 0, "y": 0, "width": width, "height": height},
        )
        pixels = np.asarray(Image.open(io.BytesIO(shot)).convert("L"))
        # Most of a page is its background.
        assert (np.median(pixels) < 80) == (look == "dark"), name
        assert len(np.unique(pixels)) > 20, f"{name} is blank"
