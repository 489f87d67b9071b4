"""Wiring diagrams: one style, texts as texts, readable on a phone, and nothing that could run or load."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fakes import REPOSITORY

PAGES = REPOSITORY / "site/docs"
DIAGRAMS = sorted((PAGES / "boards").glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"
PHONE_PX = 350
"""What a screen of 390 pixels leaves beside the margins of a page."""


def style(path: Path) -> str:
    return str(ElementTree.parse(path).getroot().findtext(f"{SVG}style"))


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb``, as WCAG 2.2 defines it."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_there_is_one_for_the_board_each_analyser_and_the_window() -> None:
    assert {path.stem for path in DIAGRAMS} >= {
        "any-board",
        "back-powering",
        "joulescope",
        "lpm01a",
        "nucleo-l4r5zi",
        "otii",
        "ppk2-ampere",
        "ppk2-source",
        "recorded-trace",
        "window",
    }


def test_all_have_the_same_style() -> None:
    assert len({style(path) for path in DIAGRAMS}) == 1


@pytest.mark.parametrize(("name", "scheme"), [("light", 0), ("dark", 1)])
def test_its_colours_stand_out_in_both_schemes(name: str, scheme: int) -> None:
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", style(DIAGRAMS[0]).split("@media")[scheme]))
    for ground in ("ground", "box"):
        for ink in ("text", "warn"):
            assert contrast(colours[ink], colours[ground]) >= 4.5, (name, ink, ground)
        for line in ("line", "power", "signal", "usb"):
            assert contrast(colours[line], colours[ground]) >= 3, (name, line, ground)


@pytest.mark.parametrize("path", DIAGRAMS, ids=lambda path: path.stem)
def test_a_diagram_is_only_a_picture_and_says_what_it_shows(path: Path) -> None:
    root = ElementTree.parse(path).getroot()
    assert root.get("role") == "img"
    assert len(root.findtext(f"{SVG}title") or "") > 10
    assert len(root.findtext(f"{SVG}desc") or "") > 60
    allowed = {"svg", "title", "desc", "style", "rect", "path", "circle", "text", "g"}
    assert {str(element.tag).removeprefix(SVG) for element in root.iter()} <= allowed
    assert not re.search(r"url\(|href|on\w+=|@import", path.read_text())


@pytest.mark.parametrize("path", DIAGRAMS, ids=lambda path: path.stem)
def test_its_texts_are_large_enough_on_a_phone_and_end_before_the_edge(path: Path) -> None:
    root = ElementTree.parse(path).getroot()
    _, _, width, _ = map(float, str(root.get("viewBox")).split())
    assert 12 * PHONE_PX / width >= 11
    for text in root.iter(f"{SVG}text"):
        kinds = (text.get("class") or "").split()
        # Wider than any font that systems have: a text that fits here fits everywhere.
        long = len(text.text or "") * (7.6 if {"title", "warn"} & set(kinds) else 6.8)
        left = float(str(text.get("x"))) - (long / 2 if "middle" in kinds else long if "end" in kinds else 0)
        assert left >= 0, text.text
        assert left + long <= width, text.text


@pytest.mark.parametrize("path", DIAGRAMS, ids=lambda path: path.stem)
def test_a_page_shows_it_with_words_for_whoever_does_not_see_it(path: Path) -> None:
    pages = [*PAGES.glob("*.md"), *(PAGES / "boards").glob("*.md")]
    found = [
        alt for page in pages for alt, target in re.findall(r"!\[([^]]*)\]\(([^)]+)\)", page.read_text())
        if (page.parent / target).resolve() == path
    ]  # fmt: skip
    assert found
    assert all(len(alt) > 40 for alt in found)


def test_what_could_not_be_checked_is_said_on_each_page_of_hardware() -> None:
    pages = ["nucleo-l4r5zi", "lpm01a", "joulescope", "ppk2", "otii"]
    for name in pages:
        text = (PAGES / f"boards/{name}.md").read_text()
        assert "## Sources" in text
        assert "Not checked: " in text
