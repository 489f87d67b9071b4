"""Guides for boards name no command, option, analyser or device that is not there."""

from __future__ import annotations

import re
import shlex
import tomllib
from itertools import takewhile
from pathlib import Path

import click
import pytest

from fakes import REPOSITORY
from tinybench import specs
from tinybench.boards import ports
from tinybench.cli import main
from tinybench.cli._main import group
from tinybench.meters import registry

DOCS = REPOSITORY / "site/docs"
PAGES = [
    REPOSITORY / "README.md",
    DOCS / "board-runner.md",
    DOCS / "tutorials/board-without-a-board.md",
    *sorted((DOCS / "boards").glob("*.md")),
]
BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")


def commands(page: Path) -> list[list[str]]:
    """Everything on a page that calls tinybench, in words."""
    text = page.read_text()
    blocks = "".join(BLOCK.findall(text)).replace("\\\n", " ").splitlines()
    lines = [*blocks, *INLINE.findall(re.sub(BLOCK, "", text))]
    if page.name == "README.md":
        lines += re.findall(r"^    (tinybench .*?)(?:  +#.*)?$", text, re.MULTILINE)
    return [shlex.split(line, comments=True)[1:] for line in lines if re.match(r"\s*tinybench [a-z-]", line)]


def resolved(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that is called, and what follows it."""
    command: click.Command = group
    rest = list(words)
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), rest[0])
        assert found is not None, f"tinybench {' '.join(words)}: there is no '{rest[0]}'"
        command = found
        rest = rest[1:]
        if not rest:
            break
    return command, rest


def options(command: click.Command) -> set[str]:
    return {name for item in command.params if isinstance(item, click.Option) for name in item.opts}


def value(words: list[str], option: str) -> str | None:
    return words[words.index(option) + 1] if option in words else None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_and_option_is_there(page: Path) -> None:
    for words in commands(page):
        command, rest = resolved(words)
        typed = takewhile(lambda word: word not in {"|", ">", "&"}, rest)
        given = {word.partition("=")[0] for word in typed if word.startswith("--")}
        assert given - {"--help"} <= options(command), f"{page.name}: tinybench {' '.join(words)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_options_that_a_text_names_are_those_of_a_command(page: Path) -> None:
    known = {
        name
        for words in (["run"], ["boards"], ["meters", "energy"], ["firmware", "build"])
        for name in options(resolved(words)[0])
    }
    named = {word for text in INLINE.findall(page.read_text()) if (word := text.split()[0]).startswith("--")}
    if page.name != "README.md":
        assert named <= known, named - known


def test_devices_analysers_and_runs_are_there() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    meters = project["entry-points"]["tinybench.meters"]
    checked = 0
    for page in PAGES:
        for words in commands(page):
            if (device := value(words, "--device")) is not None and device != "ID":
                assert specs.device(device).board is not None or page.name == "README.md"
            if (meter := value(words, "--meter")) is not None:
                assert meter.partition(":")[0] in meters, f"{page.name}: {meter}"
                checked += 1
            for run in (value(words, "--runs") or "performance").split(","):
                assert run in {"performance", "accuracy", "energy"}
    assert checked >= 6


def test_every_analyser_that_can_be_bought_is_in_the_table_of_the_guide() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    guide = (DOCS / "boards/index.md").read_text()
    for name in set(project["entry-points"]["tinybench.meters"]) - {"synthetic", "trace"}:
        assert f"`{name}`" in guide, name


def test_what_the_guide_shows_of_ports_is_what_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stlink = ports.Named(
        "/dev/ttyACM0", 0x0483, 0x374B, "066A", "1-4:1.2", "STMicroelectronics", "STM32 STLink"
    )
    monkeypatch.setattr(ports, "comports", lambda: [stlink])
    monkeypatch.setattr(ports, "_state", lambda path, usb, held_by: ("free", None, None))
    monkeypatch.setattr(registry, "meters", dict)
    assert main(["boards"]) == 0
    printed = {line.rstrip() for line in capsys.readouterr().out.splitlines()}
    shown = re.findall(
        r"^```text\n(.*?)^```$", (DOCS / "boards/index.md").read_text(), re.DOTALL | re.MULTILINE
    )
    assert "/dev/ttyACM0" in shown[0]
    assert set(shown[0].splitlines()) <= printed, printed


def quoted() -> list[tuple[str, str]]:
    """Page and first cell of each row of the tables that are headed *What you read*."""
    found = []
    for page in sorted((DOCS / "boards").glob("*.md")):
        heading = ""
        for line in page.read_text().splitlines():
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            heading = (heading or cells[0]) if line.startswith("|") else ""
            if heading == "What you read" and cells[0] not in (heading, "---"):
                found.append((page.name, cells[0]))
    return found


def test_what_one_reads_is_what_the_program_says() -> None:
    """Between the dots that stand for names and figures, word for word."""
    source = " ".join(path.read_text() for path in sorted((REPOSITORY / "src/tinybench").rglob("*.py")))
    # Long messages are written in pieces, one below the other.
    source = re.sub(r'"\s+f?"', "", source)
    rows = quoted()
    assert len(rows) >= 15
    missing = [
        f"{page}: {fragment}"
        for page, cell in rows
        for fragment in cell.split("…")
        if fragment.strip(" ,:") not in source
    ]
    assert not missing
