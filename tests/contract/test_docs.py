"""Every link between pages leads somewhere, also to pages that are written from the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tinybench.cli import _reference
from tinybench.leaderboard import handbook

CHECKOUT = Path(__file__).parents[2]
DOCS = CHECKOUT / "site/docs"


@pytest.fixture(scope="module")
def generated() -> dict[Path, str]:
    """Pages that are there only once the site is built."""
    pages = _reference.pages() | handbook.pages(CHECKOUT)
    return {DOCS / name: text for name, text in pages.items()}


def prose(text: str) -> str:
    """A page without its blocks of code, which hold no links and no headings."""
    return re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(text: str) -> set[str]:
    """What headings are called in links."""
    headings = re.findall(r"^#+ (.*)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_between_pages_leads_somewhere(generated: dict[Path, str]) -> None:
    written = [
        *CHECKOUT.glob("*.md"),
        CHECKOUT / "submissions/README.md",
        *CHECKOUT.glob("site/docs/**/*.md"),
    ]
    texts = {page: page.read_text() for page in written} | generated
    broken = []
    for page, text in texts.items():
        for link in re.findall(r"\]\(([^)\s]+)\)", prose(text)):
            if link.startswith("https://"):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            there = target in texts or target.exists()
            if not there or (anchor and anchor not in anchors(texts.get(target) or target.read_text())):
                broken.append(f"{page.relative_to(CHECKOUT)}: {link}")
    assert not broken
    assert len(texts) > 200


def test_pages_of_the_repository_do_not_link_to_what_is_only_on_the_site(generated: dict[Path, str]) -> None:
    """README and the like are read where there are no generated pages."""
    pages = [*CHECKOUT.glob("*.md"), CHECKOUT / "submissions/README.md"]
    for page in pages:
        links = re.findall(r"\]\(([^)\s#]+)", prose(page.read_text()))
        assert not [link for link in links if (page.parent / link).resolve() in generated], page


def test_the_list_of_decisions_has_every_one(generated: dict[Path, str]) -> None:
    index = generated[DOCS / "decisions/index.md"]
    pages = sorted((DOCS / "decisions").glob("*.md"))
    assert re.findall(r"\]\((.*?)\)", index) == [page.name for page in pages]
