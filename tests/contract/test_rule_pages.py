"""Every rule has its page (``make rules`` writes it), as the code declares it, and a test that names it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tinybench.submissions import rulebook
from tinybench.submissions.findings import RULES, Rule

TESTS = Path(__file__).parents[1]
PAGES = Path(__file__).parents[2] / "site/docs/rules"


def test_the_pages_are_those_of_the_code() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in PAGES.glob("*.md")}
    assert written == rulebook.pages()


@pytest.mark.parametrize("rule", rulebook.all_rules(), ids=lambda rule: rule.code)
def test_a_test_names_the_rule(rule: Rule) -> None:
    """By its code, or by the constant that it is."""
    names = {rule.code, *constants(rule)}
    pattern = re.compile(rf"\b({'|'.join(names)})\b")
    assert any(pattern.search(path.read_text(encoding="utf-8")) for path in files_of_tests()), names


def constants(rule: Rule) -> set[str]:
    """Qualified names of a rule: ``physics.TOO_FAST``."""
    modules = [module for name, module in sys.modules.items() if name.startswith("tinybench.submissions")]
    return {
        rf"{module.__name__.rpartition('.')[2]}\.{name}"
        for module in modules
        for name, value in vars(module).items()
        if value is rule
    }


def files_of_tests() -> list[Path]:
    return [path for path in TESTS.rglob("test_*.py") if path != Path(__file__)]


def test_a_page_shows_text_as_text() -> None:
    rule = Rule("TB999", "a", "note", "A <b> | `title`", "why *not*", "`hint`")
    assert rulebook.page(rule) == (
        "# TB999: A &lt;b&gt; \\| `title`\n\n`a`, note: worth knowing.\n\nwhy \\*not\\*\n\n"
        "**What to do:** `hint`\n\n[All rules](index.md)\n"
    )


def test_writing_removes_the_pages_of_rules_that_are_gone(tmp_path: Path) -> None:
    (tmp_path / "TB998.md").write_text("gone")
    (tmp_path / "other.md").write_text("kept")
    rulebook.write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"index.md", "other.md", *(f"{c}.md" for c in RULES)}
