"""The reference pages of the site, written from the code: commands, Python API, documents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import click

from tinybench import markdown
from tinybench.cli._main import group, verbs

EXIT_CODES: Final = {
    0: "success",
    1: "a check failed, a step could not be completed, or standard output could not be written",
    2: "the input is wrong: an option, a name, a model, a content file, data, or an output folder",
    130: "interrupted with Ctrl-C",
    141: "the reader of the output went away",
    143: "stopped with SIGTERM",
}
_STATED_DEFAULT: Final = re.compile(r"\s*\[default: (.*?)\]\s*$", re.DOTALL)
"""What the help of an option says in words, because it depends on the task or the device."""
_CODE: Final = re.compile(r"'((?:tinybench|submit|python|pip) [^']+)'|(?<![\w`-])(--[a-z][a-z-]*)")


def pages() -> dict[str, str]:
    """File name below the folder of the pages -> Markdown."""
    from tinybench.reference import api, documents

    return {
        "reference/cli.md": command_line(),
        "reference/api.md": api.page(),
        "reference/testing.md": api.testing_page(),
        **documents.pages(),
    }


def command_line() -> str:
    """Every command with its arguments, options, values and defaults."""
    context = click.Context(group, info_name="tinybench")
    parts = [
        "# Command reference\n\n"
        "Written from the program. [The command line](../cli.md) says what goes beyond single options.\n\n"
        "`tinybench --help` lists the verbs, and every command takes `-h` and `--help`. "
        "`python -m tinybench` is the same program.\n\n## Exit codes\n",
        markdown.table(("Code", "Meaning"), [(str(code), meaning) for code, meaning in EXIT_CODES.items()]),
        "An error is one line `error: ...` and mostly one line `hint: ...` on standard error. "
        "[The errors of the Python API](api.md#errors) have the same codes.\n",
    ]
    for verb in verbs():
        command = group.get_command(context, verb)
        assert command is not None  # it is in the list
        parts += [_section(found, below, depth) for found, below, depth in commands(command, verb, context)]
    return "\n".join(parts)


def commands(
    command: click.Command, name: str, parent: click.Context, depth: int = 2
) -> Iterator[tuple[click.Command, click.Context, int]]:
    """A command and those below it, each with its context and the level of its heading."""
    context = click.Context(command, info_name=name, parent=parent)
    yield command, context, depth
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None  # it is in the list
            yield from commands(found, child, context, depth + 1)


def _section(command: click.Command, context: click.Context, depth: int) -> str:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    paragraphs = (command.help or "").split("\n\n")
    parts = [
        f"{'#' * depth} {context.command_path}\n",
        f"```text\n{usage}\n```\n",
        *(f"{_prose(' '.join(paragraph.split()))}\n" for paragraph in paragraphs),
    ]
    arguments = [item for item in command.params if isinstance(item, click.Argument)]
    if arguments:
        rows = [(f"`{item.make_metavar(context).strip('[].')}`", _number(item)) for item in arguments]
        parts.append(markdown.table(("Argument", "How many"), rows))
    options = [_option(item, context) for item in command.params if isinstance(item, click.Option)]
    if options:
        parts.append(_without_empty_columns(("Option", "Value", "Default", "Meaning"), options))
    return "\n".join(parts)


def _without_empty_columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    kept = [number for number in range(len(header)) if any(row[number] for row in rows)]
    cells = [[row[number] for number in kept] for row in (header, *rows)]
    return markdown.table(cells[0], cells[1:])


def _number(argument: click.Argument) -> str:
    if argument.nargs == 1:
        return "one" if argument.required else "one, or none"
    return "one or more" if argument.required else "any number"


def _option(option: click.Option, context: click.Context) -> tuple[str, str, str, str]:
    info: dict[str, Any] = option.to_info_dict()
    meaning = option.help or ""
    default = ""
    stated = _STATED_DEFAULT.search(meaning)
    if stated is not None:
        meaning, default = meaning[: stated.start()], _prose(stated[1])
    elif option.required:
        default = "required"
    elif not option.is_flag and info["default"] is not None:
        default = f"`{info['default']}`"
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    return names, _value(option, context), default, _prose(meaning)


def _value(option: click.Option, context: click.Context) -> str:
    """What an option takes."""
    if option.is_flag:
        return ""
    kind = option.type
    if isinstance(kind, click.Choice):
        return ", ".join(f"`{choice}`" for choice in kind.choices)
    if isinstance(kind, click.IntRange):
        bounds = {"at least": kind.min, "at most": kind.max}
        told = [f"{words} {value}" for words, value in bounds.items() if value is not None]
        return ", ".join(["whole number", *told])
    return f"`{option.make_metavar(context)}`"


def _prose(text: str) -> str:
    """Text of a help with its commands and options as code."""
    return markdown.text(_CODE.sub(lambda found: f"`{found[1] or found[2]}`", text))
