"""Every kind of page, by what the browser says about it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from browsing import Site, Visitor


@pytest.mark.parametrize("address", ["", "docs.html", "methodology.html"])
def test_a_page_from_a_server(visitors: Callable[..., Visitor], served: Site, address: str) -> None:
    page = visitors(served).open(address)
    assert page.locator("h1").count() == 1
