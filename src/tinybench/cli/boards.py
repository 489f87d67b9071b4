"""Show the boards that are plugged in, and ask them who they are."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from tinybench.boards.asking import Answer
    from tinybench.boards.ports import Port

_SHOWN: Final = 3
"""Candidates in a cell; the rest is counted."""


@click.command()
@click.argument("port", nargs=-1)
@click.option("--probe", is_flag=True, help="Open each free port and ask what answers; resets some boards.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(port: tuple[str, ...], probe: bool, as_json: bool) -> None:
    """Show serial ports, and which boards may be behind them.

    Only PORT, if given: also one that no system lists, such as that of an emulated board. Boards of one maker
    share the USB id of their debug probe, so that the id gives candidates; --probe asks the board itself.

    Exit code 1 if a PORT was asked and no board answers.
    """
    from tinybench.cli._console import echo_json, plain

    found = _ports(port)
    answers = _ask(found, named=bool(port)) if probe else {}
    if as_json:
        echo_json([_document(one, answers.get(one.path), probe=probe) for one in found])
    elif not found:
        from tinybench.boards.ports import NOTHING

        click.echo("no serial port is plugged in")
        click.echo(f"hint: {plain(NOTHING)}")
    else:
        _table(found, answers, probe=probe)
        _advice(found, answers, probe=probe, named=bool(port))
    if probe and port and not any(answer.identity for answer in answers.values()):
        raise click.exceptions.Exit(1)


def _ports(wanted: tuple[str, ...]) -> tuple[Port, ...]:
    from pathlib import Path

    from tinybench import specs
    from tinybench.boards.ports import Named, comports, ports
    from tinybench.errors import UsageError

    listed = comports()
    if wanted:
        known = {one.device: one for one in listed}
        missing = [path for path in wanted if path not in known and "://" not in path]
        missing = [path for path in missing if not Path(path).exists()]
        if missing:
            raise UsageError(f"there is no port {missing[0]}", hint="'tinybench boards' lists what is there")
        listed = [known.get(path) or Named(path) for path in dict.fromkeys(wanted)]
    return ports(listed, specs.devices().values(), analysers() if listed else {})


def analysers() -> dict[str, str]:
    """Ports of power analysers, and what they are; those whose driver is not installed are not known."""
    from tinybench.errors import TinybenchError
    from tinybench.meters import registry

    found = {}
    for kind in registry.meters().values():
        try:
            found.update({one.address: one.title for one in kind.find()})
        except TinybenchError:
            continue
    return found


def _ask(found: tuple[Port, ...], *, named: bool) -> dict[str, Answer]:
    """Ask the ports that are free; those that the user named in any case."""
    from tinybench.boards.asking import ask
    from tinybench.cli._console import progress

    asked = [one.path for one in found if named or (one.state == "free" and one.analyser is None)]
    answers = {}
    with progress() as report:
        for done, path in enumerate(asked):
            report("asking ports", done, len(asked))
            answers[path] = ask(path)
    return answers


def _document(port: Port, answer: Answer | None, *, probe: bool) -> dict[str, Any]:
    document = asdict(port)
    if probe:
        document["answer"] = None if answer is None or answer.identity is None else asdict(answer.identity)
        document["baud"] = None if answer is None else answer.baud
        document["timestamps"] = None if answer is None else answer.timestamps
        document["silent_because"] = None if answer is None else answer.problem
    return document


def _table(found: tuple[Port, ...], answers: dict[str, Answer], *, probe: bool) -> None:
    from tinybench.cli._console import Column, print_table, stdout

    columns = [Column("port", whole=True), Column("what it is"), Column("may be"), Column("state")]
    rows = [[one.path, _what(one), _may_be(one), _state(one)] for one in found]
    if probe:
        columns.append(Column("answers"))
        rows = [[*row, _answer(answers.get(one.path))] for one, row in zip(found, rows, strict=True)]
    print_table(stdout(), columns, rows)


def _what(port: Port) -> str:
    usb = f" ({port.usb})" if port.usb else ""
    interface = f", {port.interface}" if port.interface and port.siblings else ""
    return f"{port.title}{usb}{interface}"


def _may_be(port: Port) -> str:
    if port.analyser is not None:
        return f"no board: {port.analyser}"
    shown, rest = port.candidates[:_SHOWN], len(port.candidates) - _SHOWN
    if port.usb is None:
        return "whatever is wired to it"
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "") or "any: its USB id is in no profile"


def _state(port: Port) -> str:
    return port.state if port.problem is None else f"{port.state}: {port.problem}"


def _answer(answer: Answer | None) -> str:
    if answer is None:
        return "not asked"
    identity = answer.identity
    if identity is None:
        return answer.problem or "nothing"
    stamps = {"printed": "prints timestamps", "pin": "pulls a pin", None: "timestamps not known"}
    said = [identity.model, identity.name, identity.profile, stamps[answer.timestamps], f"{answer.baud} baud"]
    return ", ".join(filter(None, said))


def _advice(found: tuple[Port, ...], answers: dict[str, Answer], *, probe: bool, named: bool) -> None:
    """What to do, each line once."""
    from tinybench.boards.ports import NOTHING
    from tinybench.cli._console import plain

    lines = [f"{one.path}: {one.fix}" for one in found if one.fix and one.path not in answers]
    lines += [f"{path}: {answer.fix}" for path, answer in answers.items() if answer.fix]
    if not named and not any(one.usb for one in found):
        lines.append(f"nothing is plugged in by USB: {NOTHING}")
    if not probe and any(one.siblings and one.analyser is None for one in found):
        lines.append("of several ports of one USB device, one is the board's serial port: --probe asks all")
    answered = next((one for one in found if one.path in answers and answers[one.path].identity), None)
    if answered is not None:
        lines.append(_next(answered.path, answers[answered.path]))
    for line in dict.fromkeys(lines):
        click.echo(f"hint: {plain(line)}")


def _next(path: str, answer: Answer) -> str:
    """How to measure the board that answered."""
    from tinybench import specs

    model = answer.identity.model if answer.identity else None
    tasks = (task.id for task in specs.tasks().values() if task.serial and task.serial.model == model)
    # What a board says of itself is no word of a command unless it is a name that is known here.
    device = answer.device if answer.device in specs.devices() else "ID"
    return f"tinybench run {next(tasks, 'TASK')} --runner board --device {device} --port {path}"
