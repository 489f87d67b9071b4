"""The page of operators says what the code does; ``python tests/unit/test_operators_page.py`` writes it."""

from __future__ import annotations

from pathlib import Path

from tinybench.mcusim.operators import emit
from tinybench.mcusim.operators.registry import markdown_table

PAGE = Path(__file__).parents[2] / "site/docs/operators.md"
START, END = "<!-- operators: generated -->\n", "<!-- operators: end -->\n"


def test_the_page_lists_the_operators_as_registered() -> None:
    assert callable(emit)  # importing it registers all families
    page = PAGE.read_text()
    assert page[page.index(START) + len(START) : page.index(END)] == f"\n{markdown_table()}\n"


if __name__ == "__main__":
    before, _, rest = PAGE.read_text().partition(START)
    PAGE.write_text(f"{before}{START}\n{markdown_table()}\n{END}{rest.partition(END)[2]}")
