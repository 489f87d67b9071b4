"""What is written from the code names all of it, and its examples run."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from pydantic import BaseModel

import tinybench
from tinybench import errors
from tinybench.cli import _reference
from tinybench.cli._main import group, verbs
from tinybench.reference import documents, sources


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return _reference.pages()


def every_command() -> list[tuple[click.Command, click.Context]]:
    root = click.Context(group, info_name="tinybench")
    found = []
    for verb in verbs():
        command = group.get_command(root, verb)
        assert command is not None
        found += [(item, context) for item, context, _ in _reference.commands(command, verb, root)]
    return found


def section(page: str, title: str) -> str:
    """What stands below a heading, up to the next one of any level."""
    return re.split(r"^#", page.split(f"# {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize(
    ("command", "context"), every_command(), ids=lambda value: getattr(value, "command_path", "")
)
def test_a_command_is_there_with_all_that_it_takes(
    pages: dict[str, str], command: click.Command, context: click.Context
) -> None:
    text = section(pages["reference/cli.md"], context.command_path)
    assert context.command_path in text
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            assert parameter.make_metavar(context).strip("[].") in text
            continue
        assert isinstance(parameter, click.Option)
        assert parameter.help, f"{context.command_path} {parameter.opts[0]} says nothing about itself"
        (row,) = re.findall(rf"^\| `{parameter.opts[0]}`.*$", text, re.MULTILINE)
        if isinstance(parameter.type, click.Choice):
            assert all(f"`{choice}`" in row for choice in parameter.type.choices)
        if parameter.required:
            assert "required" in row
        elif not parameter.is_flag and isinstance(parameter.default, str | int | float):
            assert f"`{parameter.default}`" in row


def test_help_shows_the_commands_that_the_page_has(pages: dict[str, str]) -> None:
    """By what a user types, not by the objects that the page is made from."""
    headings = re.findall(r"^##+ (tinybench .*)$", pages["reference/cli.md"], re.MULTILINE)
    for heading in headings:
        if heading.count(" ") == 1:
            _, verb = heading.split()
            done = subprocess.run(
                [sys.executable, "-m", "tinybench", verb, "--help"],
                capture_output=True,
                text=True,
                check=True,
            )
            below = re.search(r"^Commands:\n(.*)", done.stdout, re.DOTALL | re.MULTILINE)
            names = re.findall(r"^  ([a-z-]+)", below[1], re.MULTILINE) if below else []
            assert [f"{heading} {name}" for name in names] == [
                h for h in headings if h.startswith(f"{heading} ")
            ]


@pytest.mark.parametrize("name", tinybench.__all__)
def test_a_public_name_is_there_with_its_signature(pages: dict[str, str], name: str) -> None:
    page = pages["reference/api.md"]
    value = getattr(tinybench, name)
    if value is errors.TinybenchError:
        text = section(page, "Errors")
        kinds = [kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, value)]
        for kind in kinds:
            assert re.search(rf"^\| `{kind.__name__}` \|.*\| {kind.exit_code} \|", text, re.MULTILINE), kind
        return
    text = section(page, name.replace("_", "\\_"))
    if inspect.isfunction(value):
        assert f"tinybench.{name}(" in text
        for parameter in inspect.signature(value).parameters.values():
            assert f"{parameter.name}: {parameter.annotation}" in text
    elif inspect.isclass(value):
        methods = [
            key
            for key, member in vars(value).items()
            if not key.startswith(("_", "model_"))  # pydantic's own
            and (inspect.isfunction(member) or isinstance(member, classmethod))
        ]
        for key in methods:
            title = f"{name}.{key}".replace("_", "\\_")
            assert f"### {title}\n" in page


def test_nothing_public_lacks_a_meaning(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        if name != "reference/cli.md":
            assert not re.findall(r"^\|.*\|\s+\|$", page, re.MULTILINE), name


@pytest.mark.parametrize("document", documents.DOCUMENTS, ids=lambda document: document.page)
def test_a_field_is_there_with_its_type_and_meaning(
    pages: dict[str, str], document: documents.Document
) -> None:
    page = pages[f"reference/{document.page}.md"]
    for kind in documents.models(document.model):
        text = section(page, "Fields" if kind is document.model else kind.__name__)
        for name, field in own_fields(kind).items():
            assert sources.meaning(kind, name), f"{kind.__name__}.{name} says nothing about itself"
            assert re.search(rf"^\| `{field.alias or name}` \| \S", text, re.MULTILINE), name


def own_fields(kind: type[BaseModel]) -> dict[str, Any]:
    parent = kind.__mro__[1]
    inherited = getattr(parent, "model_fields", {}) if parent.__name__.endswith("Costs") else {}
    return {name: field for name, field in kind.model_fields.items() if name not in inherited}


def test_the_page_of_results_has_every_key_of_a_result_file(
    pages: dict[str, str], document: dict[str, Any]
) -> None:
    """By what a file holds, not by the models that the page is made from."""

    def keys(value: object) -> set[str]:
        match value:
            case dict():
                free = {"packages", "original"}  # tables whose keys are data
                return set(value) | {key for name in set(value) - free for key in keys(value[name])}
            case list():
                return {key for item in value for key in keys(item)}
        return set()

    assert len(keys(document)) > 40
    for key in keys(document):
        assert f"| `{key}` |" in pages["reference/result.md"], key


def test_the_example_of_the_api_runs(pages: dict[str, str], tmp_path: Path) -> None:
    (example,) = re.findall(
        r"^```python\n(import tinybench\n.*?)^```", pages["reference/api.md"], re.DOTALL | re.MULTILINE
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    value, unit, mode = done.stdout.split()
    assert (float(value) > 0, unit, mode) == (True, "s", "simulated")


def test_the_same_program_writes_the_same_pages(pages: dict[str, str]) -> None:
    code = "import json, sys; from tinybench.cli import _reference; json.dump(_reference.pages(), sys.stdout)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert json.loads(done.stdout) == pages
