"""Headers and aligned columns of Markdown tables."""

from __future__ import annotations

import pytest

markdown = pytest.importorskip("markdown")


def test_alignment_is_a_class_and_headers_are_of_columns() -> None:
    html = markdown.markdown(
        "| a | b | c | d |\n|---|--:|:-:|:--|\n| 1 | 2 | 3 | 4 |\n",
        extensions=["tables", "tinybench.leaderboard.markdown_tables"],
        extension_configs={"tables": {"use_align_attribute": True}},
    )
    assert "style=" not in html
    assert "align=" not in html
    for cell in (
        '<th class="tb-right" scope="col">b',
        '<td class="tb-right">2',
        '<td class="tb-center">3',
        '<td class="tb-left">4',
    ):
        assert cell in html
    assert "<td>1</td>" in html
    assert html.count('scope="col"') == 4
