"""Show where the cycles of one inference go, by layer and by function."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinybench import defaults
from tinybench.cli._console import Column
from tinybench.cli._duty import duty_lines, duty_options
from tinybench.cli.run import hertz
from tinybench.mcusim.compilers import DEFAULT as DEFAULT_TOOLCHAIN
from tinybench.mcusim.placement import FLASH

if TYPE_CHECKING:
    from rich.table import Table

    from tinybench.profiling.schema import Costs, FunctionCosts, Profile

_LAYER = (Column("#", figure=True), Column("operator"))
LAYER_COLUMNS = (
    *_LAYER,
    Column("cycles", figure=True),
    Column("share", figure=True),
    Column("instructions", figure=True),
    Column("fetch stalls", figure=True),
    Column("data stalls", figure=True),
    Column("energy", figure=True),
)
MEMORY_COLUMNS = (
    *_LAYER,
    Column("flash reads", figure=True),
    Column("RAM loads", figure=True),
    Column("RAM stores", figure=True),
    Column("RAM stalls", figure=True),
)
FUNCTION_COLUMNS = (
    Column("function"),
    Column("calls", figure=True),
    Column("cycles", figure=True),
    Column("share", figure=True),
    Column("instructions", figure=True),
    Column("stalls", figure=True),
)

_HOT = 0.001
"""Share of the cycles from which a function is shown."""


@click.command(context_settings={"show_default": True})
@click.argument("subject", metavar="MODEL|TASK")
@click.option("--device", help="What to run on.  [default: the task's device]")
@click.option("--clock", callback=hertz, metavar="HZ", help="Core clock: 80MHz.  [default: the device's]")
@click.option("--model", help="Instead of the task's reference model: another one, or path of a .tflite.")
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=defaults.CHECKED_INPUTS,
    help="Random inputs that are executed and compared bit for bit; at least 8.",
)
@click.option("--toolchain", default=DEFAULT_TOOLCHAIN, help="What compiles the firmware: zig or gcc.")
@click.option("--code", default=FLASH.code, help="Where the firmware runs: flash or ram.")
@click.option("--weights", default=FLASH.weights, help="Where weights and other constants are: flash or ram.")
@duty_options
@click.option("--function", "functions", is_flag=True, help="Show the costliest functions too.")
@click.option("--csv", "csv_file", metavar="FILE", help="Write the layers (with --function: functions).")
@click.option("--figure", metavar="FILE.svg", help="Draw layers and functions; needs the extra 'figures'.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole profile as JSON instead of tables.")
@click.option("--offline", is_flag=True, help="Refuse every use of the network.")
def command(
    subject: str,
    device: str | None,
    clock: int | None,
    model: str | None,
    samples: int,
    toolchain: str,
    code: str,
    weights: str,
    duty: str | None,
    battery: str | None,
    functions: bool,
    csv_file: str | None,
    figure: str | None,
    as_json: bool,
    offline: bool,
) -> None:
    """Show where the cycles of one inference go, by layer and by function.

    MODEL is a reference model or a .tflite file, which needs no task and no data; TASK stands for its
    reference model.
    """
    from tinybench.atomic import write_atomically
    from tinybench.cli._console import progress
    from tinybench.profiling.measure import profile

    table_path = None if csv_file is None else _file(csv_file, "--csv")
    figure_path = None if figure is None else _file(figure, "--figure", suffix=".svg")
    if figure_path is not None:
        from tinybench.profiling.figures import require_matplotlib

        require_matplotlib()
    with progress() as report:
        made = profile(
            subject,
            device=device,
            clock_hz=clock,
            model=model,
            samples=samples,
            toolchain=toolchain,
            code=code,
            weights=weights,
            duty_cycle=duty,
            battery=battery,
            offline=offline,
            progress=report,
        )
    if table_path is not None:
        write_atomically(table_path, made.to_csv(functions=functions))
    if figure_path is not None:
        from tinybench.profiling.figures import svg

        write_atomically(figure_path, svg(made))
    if as_json:
        click.echo(made.to_json(), nl=False)
        sys.stdout.flush()
        return
    show(made, functions=functions)
    for path in (table_path, figure_path):
        if path is not None:
            click.echo(f"written: {path}")


def show(profile: Profile, *, functions: bool) -> None:
    """Print a profile for people."""
    from tinybench.cli._console import cell, print_table, stdout

    console = stdout()
    console.print(_heading(profile))
    parts: list[tuple[str, str, Costs]] = [(str(c.index), c.operator, c) for c in profile.layers]
    parts.append(("", "total", profile.total))
    print_table(console, LAYER_COLUMNS, [(index, what, *_time(costs)) for index, what, costs in parts])
    print_table(console, MEMORY_COLUMNS, [(index, what, *_memory(costs)) for index, what, costs in parts])
    if functions:
        hot = [function for function in profile.functions if function.share >= _HOT]
        print_table(console, FUNCTION_COLUMNS, map(_function, hot))
        left = len(profile.functions) - len(hot)
        console.print(f"{left} more functions below {_HOT * 100:g} % each; --csv and --json have them all")
    if profile.duty is not None:
        for line in duty_lines(profile.duty):
            console.print(cell(line), soft_wrap=True)
    for note in profile.notes:
        console.print(f"note: {cell(note)}", soft_wrap=True)


def _heading(profile: Profile) -> Table:
    from tinybench.cli._console import heading, subject
    from tinybench.quantities import quantity

    total = profile.total
    energy = "" if total.energy_j is None else f"; {quantity(total.energy_j, 'J')}, predicted"
    return heading(
        subject(profile)
        | {
            "inference": f"{quantity(profile.latency_s, 's')}, simulated{energy}",
            "checked": f"{profile.checked_inputs} random inputs, bit for bit against TFLite Micro",
        }
    )


def _time(costs: Costs) -> tuple[str, ...]:
    from tinybench.quantities import quantity

    return (
        f"{costs.cycles:,}",
        f"{costs.share * 100:.1f} %",
        f"{costs.instructions:,}",
        f"{costs.stalls_fetch:,}",
        f"{costs.stalls_data:,}",
        "" if costs.energy_j is None else quantity(costs.energy_j, "J"),
    )


def _memory(costs: Costs) -> tuple[str, ...]:
    counts = (costs.flash_reads, costs.ram_loads, costs.ram_stores, costs.stalls_ram)
    return tuple(f"{count:,}" for count in counts)


def _function(function: FunctionCosts) -> tuple[str, ...]:
    return (
        function.name,
        f"{function.calls:,}",
        f"{function.cycles:,}",
        f"{function.share * 100:.1f} %",
        f"{function.instructions:,}",
        f"{function.stalls_fetch + function.stalls_data + function.stalls_ram:,}",
    )


def _file(text: str, option: str, *, suffix: str | None = None) -> Path:
    """A file that can be written; said before the long part begins."""
    from tinybench.errors import OutputError, UsageError
    from tinybench.paths import expand

    path = expand(text, option)
    if suffix is not None and path.suffix != suffix:
        raise UsageError(f"{option}: {path} does not end in {suffix}", hint=f"give a name such as x{suffix}")
    if path.is_dir():
        raise OutputError(f"{path} is a folder", hint=f"give {option} a file name")
    if not path.parent.is_dir():
        raise OutputError(f"{path.parent} is not a folder", hint="make it first")
    return path
