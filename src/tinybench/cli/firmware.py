"""Build firmware for a board, or run it in an emulator."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tinybench.firmware.configuration import Timestamps
    from tinybench.models import Model
    from tinybench.specs import TaskSpec


@click.group()
def command() -> None:
    """Build firmware for a board, or run it in an emulator.

    The firmware runs one model and speaks the serial protocol of MLPerf Tiny, so that 'tinybench run --runner
    board' and other runners of that protocol measure it.
    """


def _what_is_built(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what is built in, and how."""
    options = (
        click.option(
            "--model", metavar="NAME|PATH", help="Reference model or .tflite file.  [default: the task's]"
        ),
        click.option(
            "--timestamps",
            default="uart",
            show_default=True,
            help="Where timestamps go: uart (performance), pin (energy) or both.",
        ),
        click.option(
            "--toolchain", default="zig", show_default=True, help="What compiles the firmware: zig or gcc."
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


@command.command()
@click.option("--task", required=True, metavar="TASK", help="What the model does: kws, vww, ic or ad.")
@click.option(
    "--target",
    required=True,
    metavar="TARGET",
    help="mps2-an386 (QEMU) or generic (sources for your own board).",
)
@_what_is_built
@click.option(
    "--output",
    metavar="FOLDER",
    help="Folder to make.  [default: firmware-TASK-TARGET]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the manifest.")
def build(
    task: str,
    target: str,
    model: str | None,
    timestamps: str,
    toolchain: str,
    output: str | None,
    as_json: bool,
) -> None:
    """Make a folder with firmware: sources with CMake, a manifest, and for mps2-an386 an ELF.

    The sources of target generic lack five functions, which you write for your board: README.md in the folder
    says how.
    """
    from tinybench.cli._console import echo_json
    from tinybench.firmware.build import target as find_target
    from tinybench.firmware.folder import write
    from tinybench.firmware.manifest import ELF, SOURCES
    from tinybench.mcusim.compilers import compiler
    from tinybench.paths import expand

    where = find_target(target)
    spec, loaded, kind = _wanted(task, model, timestamps)
    folder = expand(output or f"firmware-{task}-{target}", "--output")
    made = write(folder, loaded, spec, where, kind, compiler(toolchain))
    if as_json:
        echo_json(made.model_dump(mode="json"))
        return
    click.echo(f"{folder / SOURCES}: {len(made.sources)} files; README.md says how to build them")
    if made.elf is None:
        click.echo("to do: five functions in harness/ports/generic/port.c, for your board")
        return
    click.echo(
        f"{folder / ELF}: {made.elf.flash_bytes:,} bytes of flash, {made.elf.ram_bytes:,} of RAM, "
        f"SHA-256 {made.elf.sha256}"
    )
    click.echo(f"next: tinybench firmware emulate {folder / ELF}")


@command.command()
@click.argument("elf", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--task", metavar="TASK", help="Build the firmware of this task first, instead of an ELF.")
@_what_is_built
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")
def emulate(
    elf: Path | None,
    task: str | None,
    model: str | None,
    timestamps: str,
    toolchain: str,
    as_json: bool,
) -> None:
    """Run firmware for mps2-an386 in QEMU until Ctrl-C; its serial lines are pseudo-terminals.

    The first one carries the protocol: give it to --port. The second one carries a line for each falling edge
    of the pin. The clock counts instructions: no figure of it is one of any hardware.
    """
    from tinybench.cli._console import echo_json
    from tinybench.errors import UsageError
    from tinybench.firmware.emulate import emulated
    from tinybench.mcusim.witness import qemu_version

    if (elf is None) == (task is None):
        raise UsageError("give either an ELF or --task", hint="tinybench firmware emulate --task kws")
    with _elf(elf, task, model, timestamps, toolchain) as path, emulated(path) as machine:
        if as_json:
            ports = {"serial": machine.serial, "pin": machine.pin, "pid": machine.process.pid}
            echo_json({"emulator": qemu_version(), **ports})
        else:
            click.echo(f"serial line: {machine.serial}")
            click.echo(f"pin:         {machine.pin}")
            click.echo(f"{qemu_version()} runs until Ctrl-C", err=True)
        machine.wait()


@contextmanager
def _elf(
    elf: Path | None, task: str | None, model: str | None, timestamps: str, toolchain: str
) -> Iterator[Path]:
    """The ELF that was given, or one that is built for as long as it is needed."""
    from tinybench.firmware.build import build, target
    from tinybench.mcusim.compilers import compiler

    if elf is not None or task is None:
        assert elf is not None
        yield elf
        return
    spec, loaded, kind = _wanted(task, model, timestamps)
    built = build(loaded, spec, target("mps2-an386"), kind, compiler(toolchain))
    with tempfile.TemporaryDirectory(prefix="tinybench-") as scratch:
        path = Path(scratch) / "firmware.elf"
        path.write_bytes(built.firmware.elf)
        yield path


def _wanted(task: str, model: str | None, timestamps: str) -> tuple[TaskSpec, Model, Timestamps]:
    from tinybench import specs
    from tinybench.firmware.configuration import parse_timestamps
    from tinybench.models.reference import load_named

    spec = specs.task(task)
    kind = parse_timestamps(timestamps)
    return spec, load_named(model or spec.reference_model), kind
