"""Measure a model on a device and write the result."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from tinybench import defaults
from tinybench.cli._bench import bench_options
from tinybench.cli._console import Column
from tinybench.cli._duty import duty_lines, duty_options
from tinybench.mcusim.compilers import DEFAULT as DEFAULT_TOOLCHAIN
from tinybench.mcusim.placement import FLASH

if TYPE_CHECKING:
    from rich.table import Table

    from tinybench.results.schema import Metric, Result
    from tinybench.runners.base import Bench

LABELS = {
    "accuracy.top1": "accuracy (top-1)",
    "accuracy.auc": "accuracy (AUC)",
    "latency.per_inference": "latency",
    "throughput": "throughput",
    "energy.per_inference": "energy per inference",
    "energy.above_baseline": "energy per inference above idle",
    "power.active": "power while active",
    "memory.arena": "tensor arena",
    "memory.ram": "RAM",
    "memory.flash": "flash",
    "cycles.per_inference": "cycles",
    "instructions.per_inference": "instructions",
}


METRIC_COLUMNS = (Column("metric"), Column("value", figure=True), Column("mode"), Column("remark"))

LAYER_COLUMNS = (
    Column("#", figure=True),
    Column("operator"),
    Column("name", drop=1),
    Column("cycles", figure=True),
    Column("instructions", figure=True),
    Column("MACs", figure=True),
    Column("cycles/MAC", figure=True),
    Column("share", figure=True),
)


def hertz(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Callback of ``--clock``."""
    from tinybench.quantities import parse_frequency

    return None if value is None else parse_frequency(value)


@click.command(context_settings={"show_default": True})
@click.argument("task")
@click.option("--runner", default=defaults.RUNNER, help="How to execute and measure.")
@click.option("--device", help="What to run on.  [default: the task's device]")
@click.option("--clock", callback=hertz, metavar="HZ", help="Core clock: 80MHz.  [default: the device's]")
@click.option("--model", help="Reference model, or path of a .tflite.  [default: the task's reference model]")
@click.option(
    "--split",
    help="official, smoke, golden, or another of the task.  [default: official if its data is here, else "
    "smoke where the task has it, else golden]",
)
@click.option("--data", metavar="DIR", help="Labelled data of your own: the split custom, never publishable.")
@click.option("--limit", type=click.IntRange(min=1), help="Classify only N samples; never publishable.")
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=defaults.CHECKED_INPUTS,
    help="Inputs that the simulated core executes and compares bit for bit: at least 8 (random ones fill up "
    "a smaller split), at most the split.",
)
@click.option("--toolchain", default=DEFAULT_TOOLCHAIN, help="What compiles the firmware: zig or gcc.")
@click.option("--code", default=FLASH.code, help="Where the firmware runs: flash or ram.")
@click.option("--weights", default=FLASH.weights, help="Where weights and other constants are: flash or ram.")
@click.option(
    "--output", default=defaults.RESULTS_FOLDER, metavar="PATH", help="Folder, or a name that ends in .json."
)
@bench_options
@duty_options
@click.option("--layers", is_flag=True, help="Show what each operator costs.")
@click.option("--json", "as_json", is_flag=True, help="Print the result file instead of tables.")
@click.option("--offline", is_flag=True, help="Refuse every use of the network.")
def command(
    task: str,
    runner: str,
    device: str | None,
    clock: int | None,
    model: str | None,
    split: str | None,
    data: str | None,
    limit: int | None,
    samples: int,
    toolchain: str,
    code: str,
    weights: str,
    output: str,
    bench: Bench | None,
    duty: str | None,
    battery: str | None,
    layers: bool,
    as_json: bool,
    offline: bool,
) -> None:
    """Measure a model on a device and write the result.

    TASK is a benchmark task such as kws; 'tinybench list tasks' shows them all.
    """
    from tinybench.api import run
    from tinybench.cli._console import cell, progress, stdout

    _check_duty(duty, battery, as_json)
    with progress() as report:
        result = run(
            task,
            runner,
            device=device,
            clock_hz=clock,
            model=model,
            split=split,
            data=data,
            limit=limit,
            samples=samples,
            toolchain=toolchain,
            code=code,
            weights=weights,
            bench=bench,
            output=output,
            offline=offline,
            progress=report,
        )
    if as_json:
        click.echo(result.to_json(), nl=False)
        sys.stdout.flush()
    else:
        show(result, layers=layers)
        if duty is not None:
            for line in _duty(result, duty, battery):
                stdout().print(cell(line), soft_wrap=True)
        fetch = f"tinybench data fetch {result.task.id}"
        if result.data.split == "golden":
            click.echo(f"advice: accuracy needs data: '{fetch}', or --data DIR for data of your own")
        elif split is None and result.data.split == "smoke":
            click.echo(f"advice: the official data is not here; fetch it with '{fetch}'")


def _check_duty(duty: str | None, battery: str | None, as_json: bool) -> None:
    """Find what is wrong with the duty options before the run."""
    from tinybench import specs
    from tinybench.errors import UsageError
    from tinybench.mcusim.duty import parse_rate

    if battery is not None:
        specs.battery(battery)
        if duty is None:
            raise UsageError("a battery's life needs a duty", hint="add --duty 1/s, or what your device does")
    if duty is not None:
        parse_rate(duty)
        if as_json:
            raise UsageError(
                "a result file has no duty", hint="leave --json away, or use 'tinybench profile --json'"
            )


def _duty(result: Result, rate: str, battery: str | None) -> list[str]:
    from tinybench import specs
    from tinybench.mcusim import duty

    latency, energy = (result.metric(name) for name in ("latency.per_inference", "energy.per_inference"))
    if latency is None:
        return ["duty: no average power: the runner does not report the latency"]
    planned = duty.plan(
        specs.device(result.device.id),
        duty.parse_rate(rate),
        latency.value,
        None if energy is None else energy.value,
        None if battery is None else specs.battery(battery),
    )
    return duty_lines(planned)


def show(result: Result, *, layers: bool) -> None:
    """Print a result for people."""
    from tinybench.cli._console import cell, print_table, stdout

    console = stdout()
    console.print(_heading(result))
    print_table(console, METRIC_COLUMNS, _metrics(result))
    if layers:
        print_table(console, LAYER_COLUMNS, _layers(result))
    for missing in result.unavailable:
        console.print(f"[dim]no {LABELS[missing.name]}: {cell(missing.reason)}[/dim]", soft_wrap=True)
    for note in result.notes:
        console.print(f"note: {cell(note)}", soft_wrap=True)
    if result.path is not None:
        console.print(f"result: {cell(str(result.path))}", soft_wrap=True)


def _heading(result: Result) -> Table:
    from tinybench.cli._console import heading, subject

    data, lines = result.data, subject(result)
    return heading(
        {
            "task": f"{result.task.id} {result.task.version}",
            "model": lines["model"],
            "device": lines["device"],
            "runner": result.runner,
            "engine": lines["engine"],
            "compiler": lines["compiler"],
            **_analyser(result),
            "split": f"{data.split}: {data.samples} samples of {data.dataset}",
        }
    )


def _analyser(result: Result) -> dict[str, str]:
    """What measured the energy, as a line of the heading; none where nothing did."""
    used = result.instrument
    if used is None:
        return {}
    supply = "" if used.voltage_v is None else f", {used.voltage_v:g} V {used.voltage}"
    return {"analyser": f"{used.title}, {used.rate_hz:g} samples/s{supply}, windows by {used.gate}"}


def _metrics(result: Result) -> list[tuple[str, ...]]:
    from tinybench.quantities import quantity

    return [
        (
            LABELS[metric.name],
            quantity(metric.value, metric.unit),
            metric.mode,
            _remark(result, metric),
        )
        for metric in result.metrics
    ]


def _remark(result: Result, metric: Metric) -> str:
    from tinybench.quantities import quantity

    parts = []
    if metric.ci95 is not None:
        low, high = (quantity(bound, metric.unit) for bound in metric.ci95)
        parts.append(f"95 % CI {low} to {high}")
    if metric.interval95 is not None:
        low, high = (quantity(bound, metric.unit) for bound in metric.interval95)
        parts.append(f"hardware 95 % {low} to {high}")
    if metric.name.startswith("accuracy.") and result.target is not None:
        target = quantity(result.target, metric.unit)
        if result.target_met is not None:
            parts.append(f"target {target} {'met' if result.target_met else 'not met'}")
        elif metric.mode == "predicted":
            parts.append(f"decides nothing about the target of {target}")
        else:
            parts.append(f"the target of {target} is for the whole official split")
    if metric.note:
        parts.append(metric.note)
    return "; ".join(parts)


def _layers(result: Result) -> list[tuple[str, ...]]:
    return [
        (
            str(layer.index),
            layer.operator,
            layer.name.partition(";")[0],  # converters join the names of fused operators
            f"{layer.cycles:,}",
            f"{layer.instructions:,}",
            f"{layer.macs:,}",
            f"{layer.cycles / layer.macs:.2f}" if layer.macs else "",
            f"{layer.share * 100:.1f} %",
        )
        for layer in result.layers
    ]
