"""All of it with the keyboard alone: in order, visibly, and without a trap."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Page, expect

from browsing import Visit
from main_pages import main_pages, result_ids

STOPS = 25


def focused(page: Page) -> str:
    """What has the focus, in words."""
    return page.evaluate(
        """() => {
            const e = document.activeElement;
            return (e.innerText || e.ariaLabel || e.name || e.id).trim();
        }"""
    )


def looks_focused(page: Page) -> bool:
    """Whether the focus can be seen where it is."""
    box = page.evaluate(
        """() => {
            const e = document.activeElement;
            const {x, y, width, height} = (e.type == 'checkbox' && e.labels[0] || e).getBoundingClientRect();
            return {x, y, width, height};
        }"""
    )
    clip = {
        "x": max(0, box["x"] - 6),
        "y": max(0, box["y"] - 6),
        "width": min(1200, box["width"] + 12),
        "height": min(800, box["height"] + 12),
    }
    with_focus = page.screenshot(clip=clip)
    page.evaluate("() => { window.tbFocused = document.activeElement; tbFocused.blur(); }")
    without = page.screenshot(clip=clip)
    page.evaluate("() => tbFocused.focus({focusVisible: true, preventScroll: true})")
    one, other = (Image.open(io.BytesIO(shot)).convert("L") for shot in (with_focus, without))
    return int((np.asarray(ImageChops.difference(one, other)) > 20).sum()) >= 20


@pytest.mark.parametrize("name", ["home", "leaderboard", "result", "documentation"])
def test_the_focus_moves_on_and_is_seen(visit: Visit, name: str) -> None:
    page = visit(main_pages()[name], reduced_motion="reduce")
    seen: list[str] = []
    positions: set[tuple[int, int]] = set()
    for _ in range(STOPS):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement === document.body"):
            break  # past the last one
        seen.append(focused(page))
        assert looks_focused(page), f"the focus on '{seen[-1]}' cannot be seen"
        box = page.evaluate(
            """() => {
                const {x, y} = document.activeElement.getBoundingClientRect();
                return [x, y + scrollY];
            }"""
        )
        positions.add(tuple(map(round, box)))
    assert len(positions) >= min(STOPS, 8), f"a trap: {seen}"


@pytest.mark.parametrize("name", ["home", "leaderboard", "result", "documentation"])
def test_the_first_stop_leads_past_the_header(visit: Visit, name: str) -> None:
    page = visit(main_pages()[name])
    page.keyboard.press("Tab")
    assert "skip" in focused(page).lower()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.querySelector('main').contains(document.activeElement)")


def test_sorting_and_filtering(visit: Visit) -> None:
    page = visit("leaderboard/")
    board = page.locator(".tb-board[data-tb-ready]")
    task = board.get_by_role("combobox", name="Task", exact=True)
    task.focus()
    page.keyboard.type("kws")
    expect(task).to_have_value("kws")
    expect(board.get_by_role("status")).to_contain_text(" of ")
    header = board.get_by_role("columnheader", name="Clock")
    for _ in range(60):
        page.keyboard.press("Tab")
        if header.evaluate("e => e.contains(document.activeElement)"):
            break
    page.keyboard.press("Enter")
    expect(header).to_have_attribute("aria-sort", "ascending")
    page.keyboard.press("Enter")
    expect(header).to_have_attribute("aria-sort", "descending")


def test_changing_the_colours(visit: Visit) -> None:
    page = visit("", color_scheme="light")
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.name == '__palette'"):
            break
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.body.dataset.mdColorScheme == 'slate'")


def test_copying_the_bibtex(visit: Visit) -> None:
    page = visit(f"results/{result_ids()[0]}/", permissions=["clipboard-read", "clipboard-write"])
    page.locator("button[data-copy-from=bibtex]").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("() => navigator.clipboard.readText()").startswith("@misc")
