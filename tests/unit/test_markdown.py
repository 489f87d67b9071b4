"""Text on pages that are written from the code stays text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybench import markdown

python_markdown = pytest.importorskip("markdown")
html = pytest.importorskip("lxml.html")

EXTENSIONS = ["tables", "attr_list", "footnotes", "def_list", "pymdownx.superfences"]
"""Those of the site that give a meaning to characters."""
ALPHABET = st.one_of(
    st.sampled_from("<>&|*_\\[](){}#!~^:'\"-+.=1a ` "),
    st.characters(min_codepoint=0x21, max_codepoint=0x24F, categories=["L", "N", "P", "S"]),
)


def rendered(source: str) -> object:
    return html.fragment_fromstring(
        python_markdown.markdown(source, extensions=EXTENSIONS), create_parent=True
    )


@given(st.text(ALPHABET.filter(lambda character: character != "`"), min_size=1))
def test_a_cell_shows_what_it_was_given(told: str) -> None:
    root = rendered(markdown.table(("head",), [(f"x {markdown.text(told)} x",)]))
    (cell,) = root.findall(".//td")
    assert len(cell) == 0
    assert cell.text_content().split() == ["x", *told.split(), "x"]


@given(st.text(ALPHABET))
def test_no_text_makes_an_element_but_code(told: str) -> None:
    root = rendered(markdown.table(("head",), [(f"x {markdown.text(told)} x",)]))
    assert {element.tag for element in root.iterfind(".//td//*")} <= {"code"}


@pytest.mark.parametrize(
    ("told", "codes"),
    [
        ("run `tinybench run kws` now", ["tinybench run kws"]),
        ("``a | b`` and `<round>`", ["a | b", "<round>"]),
        ("one ` alone", []),
    ],
)
def test_code_between_backticks_is_code(told: str, codes: list[str]) -> None:
    root = rendered(markdown.text(told))
    assert [element.text_content() for element in root.iterfind(".//code")] == codes
    assert re.sub(r"\s+", " ", root.text_content()).strip() == (told.replace("`", "") if codes else told)
