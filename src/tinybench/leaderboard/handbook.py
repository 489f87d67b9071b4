"""Pages from what stands in the checkout for other readers, too: the changelog, the list of decisions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

UNSEARCHED: Final = "---\nsearch:\n  exclude: true\n---\n\n"
"""In front of a decision: a tenth of the words of the search, which every visitor loads, and few look for.
The list of decisions is searched, with their titles."""
_TITLE: Final = re.compile(r"^# (\d{4}): (.+)$", re.MULTILINE)
_DECISIONS: Final = """# Decisions

What several parts of tinybench lean on, with the reason. A decision is changed by changing its page.

"""


def pages(root: Path) -> dict[str, str]:
    """File name below the folder of the pages -> Markdown.

    Args:
        root: the checkout.
    """
    return {"changelog.md": changelog(root), "decisions/index.md": decisions(root)}


def changelog(root: Path) -> str:
    """The changelog of the repository, its links for the site."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    return text.replace("](site/docs/", "](")


def decisions(root: Path) -> str:
    """All decisions by number, by what their pages are called."""
    lines = []
    for path in decision_pages(root / "site" / "docs"):
        title = _TITLE.search(path.read_text(encoding="utf-8"))
        if title is not None:
            lines.append(f"- {title[1]}: [{title[2]}]({path.name})\n")
    return _DECISIONS + "".join(lines)


def decision_pages(docs: Path) -> list[Path]:
    """The pages of the decisions by number, below the folder of the pages."""
    return sorted((docs / "decisions").glob("[0-9]*.md"))
