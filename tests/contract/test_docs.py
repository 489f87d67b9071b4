"""The page on the command line names every verb and every option."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tinybench.cli._main import group, verbs

PAGE = Path(__file__).parents[2] / "site/docs/cli.md"


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
