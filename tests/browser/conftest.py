"""A browser, and visitors whose every complaint fails the test: see ``browsing.Visitor``."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from browsing import FLAGS, Site, Visit, Visitor, serving_site


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The browser of the system; Playwright's own is not downloaded."""
    found = filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    executable = next(found, None)
    if executable is None:
        pytest.skip("chromium is not here (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def served(chromium: Browser, built_site: Path) -> Iterator[Site]:
    """The site of this repository on a server of this machine."""
    with serving_site(built_site) as site:
        yield site


@pytest.fixture(scope="package")
def on_disk(chromium: Browser, built_site: Path) -> Site:
    """The same, opened from a folder."""
    return Site(built_site, f"{built_site.as_uri()}/")


@pytest.fixture
def visitors(chromium: Browser) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors of a site; none of their pages may have a fault."""
    made: list[Visitor] = []

    def make(site: Site, **options: Any) -> Visitor:
        made.append(Visitor(chromium, site, **options))
        return made[-1]

    yield make
    for visitor in made:
        visitor.close()
    assert [fault for visitor in made for fault in visitor.faults] == []


@pytest.fixture
def visit(visitors: Callable[..., Visitor], served: Site) -> Visit:
    """Opens an address of this repository's site in a context of its own: ``visit(address, **options)``."""

    def open_page(address: str = "", **options: Any) -> Page:
        return visitors(served, **options).open(address)

    return open_page
