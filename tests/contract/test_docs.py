"""The page on the command line names every verb and every option, and every link leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tinybench.cli._main import group, verbs

CHECKOUT = Path(__file__).parents[2]
PAGE = CHECKOUT / "site/docs/cli.md"


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """All commands below one that do something themselves."""
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from commands(child, f"{path} {name}")
    else:
        yield path, command


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_and_option_is_on_the_page(verb: str) -> None:
    text = PAGE.read_text()
    section = next((s for s in text.split("\n## ") if s.startswith(f"tinybench {verb}")), "")
    context = click.Context(group)
    found = group.get_command(context, verb)
    assert found is not None
    for path, command in commands(found, f"tinybench {verb}"):
        assert path in section
        for option in command.params:
            if isinstance(option, click.Option):
                assert f"`{option.opts[0]}" in section, f"{path} {option.opts[0]}"


def prose(page: Path) -> str:
    """A page without its blocks of code, which hold no links and no headings."""
    return re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What headings are called in links."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_between_pages_leads_somewhere() -> None:
    pages = [*CHECKOUT.glob("*.md"), CHECKOUT / "submissions/README.md", *CHECKOUT.glob("site/docs/**/*.md")]
    broken = []
    for page in pages:
        for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            if link.startswith("https://"):
                continue
            if not target.exists() or (anchor and anchor not in anchors(target)):
                broken.append(f"{page.relative_to(CHECKOUT)}: {link}")
    assert not broken
    assert len(pages) > 20
