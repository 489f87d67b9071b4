"""Show tasks, runners, devices or models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

Rows = list[dict[str, Any]]


def _tasks() -> Rows:
    from tinybench import specs

    return [
        {
            "id": task.id,
            "title": task.title,
            "version": task.version,
            "metric": task.metric,
            "target": task.target,
            "input_shape": list(task.input_shape),
            "output_shape": list(task.output_shape),
            "reference_model": task.reference_model,
            "default_device": task.default_device,
        }
        for task in specs.tasks().values()
    ]


def _runners() -> Rows:
    from tinybench.runners.registry import PLUGINS

    return [{"name": name, "summary": runner.summary} for name, runner in PLUGINS.all().items()]


def _devices() -> Rows:
    from tinybench import specs

    return [
        {
            "id": device.id,
            "title": device.title,
            "vendor": device.vendor,
            "chip": device.chip,
            "core": device.core,
            "clock_hz": device.clock_hz.value,
            "flash_bytes": None if device.flash is None else device.flash.bytes,
            "ram_bytes": None if device.ram is None else device.ram.bytes,
            "simulated": "yes" if device.flash_timing else "estimated" if device.npu else "no",
        }
        for device in specs.devices().values()
    ]


def _models() -> Rows:
    from tinybench import specs

    return [
        {
            "id": model.id,
            "title": model.title,
            "task": model.task,
            "macs": model.macs,
            "parameters": model.parameters,
            "license": model.license,
            "state": "present" if model.is_here else "absent",
            "sha256": model.sha256,
        }
        for model in specs.models().values()
    ]


KINDS: dict[str, Callable[[], Rows]] = {
    "tasks": _tasks,
    "runners": _runners,
    "devices": _devices,
    "models": _models,
}

HIDDEN = ("sha256",)
"""Columns that only --json shows."""

WHOLE = ("id", "name", "reference_model", "default_device")
"""What other commands take."""

DROPPED = {"vendor": 1, "version": 2, "title": 3, "license": 4, "chip": 5, "simulated": 6}
"""What a narrow terminal does without, in this order."""


@click.command()
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(kind: str, as_json: bool) -> None:
    """Show what can be measured: tasks, runners, devices or models."""
    show(kind, as_json=as_json)


def show(kind: str, *, as_json: bool) -> None:
    """Print all there is of one kind."""
    from tinybench.cli._console import echo_json

    rows = KINDS[kind]()
    _warn(kind)
    if as_json:
        echo_json(rows)
        return
    if not rows:
        click.echo(f"no {kind}")
        return
    _table(rows)


def _warn(kind: str) -> None:
    """Say which plug-ins bring nothing to the list, as they are broken."""
    from tinybench.cli._console import plain
    from tinybench.content import PLUGINS as CONTENT
    from tinybench.runners.registry import PLUGINS as RUNNERS

    for error in (RUNNERS if kind == "runners" else CONTENT).broken().values():
        click.echo(f"warning: {plain(error.message)}\nhint: {plain(error.hint or '')}", err=True)


def _table(rows: Rows) -> None:
    from tinybench.cli._console import Column, print_table, stdout

    shown = [key for key in rows[0] if key not in HIDDEN]
    columns = [
        Column(
            _title(key),
            figure=isinstance(
                next((row[key] for row in rows if row[key] is not None), ""), int | float | list
            ),
            whole=key in WHOLE,
            drop=DROPPED.get(key, 0),
        )
        for key in shown
    ]
    print_table(stdout(), columns, [[_cell(key, row) for key in shown] for row in rows])


def _title(key: str) -> str:
    return key.removesuffix("_hz").removesuffix("_bytes").replace("_", " ")


def _cell(key: str, row: dict[str, Any]) -> str:
    from tinybench.quantities import frequency, quantity, size

    value = row[key]
    if value is None:
        return ""
    if key == "target":
        from tinybench.results.schema import ACCURACY, UNITS

        return quantity(value, UNITS[ACCURACY[row["metric"]]])
    if key.endswith("_bytes"):
        return size(value)
    if key.endswith("_hz"):
        return frequency(value)
    if key in ("macs", "parameters"):
        return f"{value:,}"
    return "x".join(map(str, value)) if isinstance(value, list) else str(value)
