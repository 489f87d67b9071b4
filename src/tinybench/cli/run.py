"""Measure a model on a device and write the result."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

    from tinybench.results.schema import Metric, Result

LABELS = {
    "accuracy.top1": "accuracy (top-1)",
    "accuracy.auc": "accuracy (AUC)",
    "latency.per_inference": "latency",
    "throughput": "throughput",
    "energy.per_inference": "energy per inference",
    "power.active": "power while active",
    "memory.arena": "tensor arena",
    "memory.ram": "RAM",
    "memory.flash": "flash",
    "cycles.per_inference": "cycles",
    "instructions.per_inference": "instructions",
}


@click.command(context_settings={"show_default": True})
@click.argument("task")
@click.option("--runner", default="tflm-sim", help="How to execute and measure.")
@click.option("--device", help="What to run on.  [default: the task's device]")
@click.option("--model", help="Reference model, or path of a .tflite.  [default: the task's reference model]")
@click.option("--split", help="official or smoke.  [default: official if its data is here, else smoke]")
@click.option("--limit", type=click.IntRange(min=1), help="Classify only N samples; never publishable.")
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=8,
    help="Inputs that the simulated core executes and compares bit for bit.",
)
@click.option("--toolchain", default="zig", help="What compiles the firmware: zig or gcc.")
@click.option("--output", default="results", metavar="PATH", help="Folder, or a name that ends in .json.")
@click.option("--layers", is_flag=True, help="Show what each operator costs.")
@click.option("--json", "as_json", is_flag=True, help="Print the result file instead of tables.")
@click.option("--offline", is_flag=True, help="Promise that no network is used.")
def command(
    task: str,
    runner: str,
    device: str | None,
    model: str | None,
    split: str | None,
    limit: int | None,
    samples: int,
    toolchain: str,
    output: str,
    layers: bool,
    as_json: bool,
    offline: bool,
) -> None:
    """Measure a model on a device and write the result.

    TASK is a benchmark task such as kws; 'tinybench list tasks' shows them all.
    """
    from tinybench.api import run
    from tinybench.cli._console import progress

    with progress() as report:
        result = run(
            task,
            runner,
            device=device,
            model=model,
            split=split,
            limit=limit,
            samples=samples,
            toolchain=toolchain,
            output=output,
            offline=offline,
            progress=report,
        )
    if as_json:
        click.echo(result.to_json(), nl=False)
        sys.stdout.flush()
    else:
        show(result, layers=layers)


def show(result: Result, *, layers: bool) -> None:
    """Print a result for people."""
    from rich.markup import escape

    from tinybench.cli._console import stdout

    console = stdout()
    console.print(_heading(result))
    console.print(_metrics(result))
    if layers:
        console.print(_layers(result))
    for missing in result.unavailable:
        console.print(f"[dim]no {LABELS[missing.name]}: {escape(missing.reason)}[/dim]", soft_wrap=True)
    for note in result.notes:
        console.print(f"note: {escape(note)}", soft_wrap=True)
    if result.path is not None:
        console.print(f"result: {escape(str(result.path))}", soft_wrap=True)


def _heading(result: Result) -> Table:
    from rich.markup import escape
    from rich.table import Table

    device, engine, data, model = result.device, result.engine, result.data, result.model
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    flags = f", {' '.join(engine.flags)}" if engine.flags else ""
    rows = {
        "task": f"{result.task.id} {result.task.version}",
        "model": f"{model.name} ({model.macs / 1e6:.2f} M MACs, {model.parameters:,} parameters)",
        "device": f"{device.id} ({device.chip}, {device.core}, {device.clock_hz / 1e6:g} MHz)",
        "runner": result.runner,
        "engine": f"{engine.name} {engine.version}, {engine.kernels} {engine.kernels_version}",
        "compiler": f"{engine.compiler}{flags}",
        "split": f"{data.split}: {data.samples} samples of {data.dataset}",
    }
    for name, text in rows.items():
        table.add_row(name, escape(text))
    return table


def _metrics(result: Result) -> Table:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from tinybench.cli._console import quantity

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("metric")
    table.add_column("value", justify="right")
    table.add_column("mode")
    table.add_column("remark", overflow="fold")
    for metric in result.metrics:
        table.add_row(
            LABELS[metric.name],
            quantity(metric.value, metric.unit),
            metric.mode,
            escape(_remark(result, metric)),
        )
    return table


def _remark(result: Result, metric: Metric) -> str:
    from tinybench.cli._console import quantity

    parts = []
    if metric.ci95 is not None:
        low, high = (quantity(bound, metric.unit) for bound in metric.ci95)
        parts.append(f"95 % CI {low} to {high}")
    if metric.name.startswith("accuracy."):
        target = quantity(result.target, metric.unit)
        if result.data.split == "official":
            parts.append(f"target {target} {'met' if result.target_met else 'not met'}")
        else:
            parts.append(f"the target of {target} is for the official split")
    if metric.note:
        parts.append(metric.note)
    return "; ".join(parts)


def _layers(result: Result) -> Table:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for column in ("#", "operator", "name"):
        table.add_column(column, overflow="fold")
    for column in ("cycles", "instructions", "MACs", "cycles/MAC", "share"):
        table.add_column(column, justify="right", no_wrap=True)
    for layer in result.layers:
        table.add_row(
            str(layer.index),
            escape(layer.operator),
            escape(layer.name.partition(";")[0]),  # converters join the names of fused operators
            f"{layer.cycles:,}",
            f"{layer.instructions:,}",
            f"{layer.macs:,}",
            f"{layer.cycles / layer.macs:.2f}" if layer.macs else "",
            f"{layer.share * 100:.1f} %",
        )
    return table
