"""``/tasks/<task>/``: what a task is, its leaderboard, and its figures."""

from __future__ import annotations

from tinybench import specs
from tinybench.leaderboard import addresses, figures, tables, titles
from tinybench.leaderboard.build import Context
from tinybench.leaderboard.catalogue import EMPTY, Group, Item, counted, elsewhere, groups, write_list
from tinybench.results.schema import ACCURACY
from tinybench.specs import TaskSpec


def write(context: Context) -> None:
    """A page for each task that is defined here or has results, and the list of all."""
    found = groups(context.board, lambda row: row.task)
    defined = specs.tasks()
    ordered = sorted(found.keys() | defined.keys(), key=titles.task_order)
    items = []
    for task_id in ordered:
        group, spec = found.get(task_id, EMPTY), defined.get(task_id)
        _write(context, task_id, group, spec)
        cells = (task_id, target(spec), spec.dataset.title if spec else "", counted(group.rows))
        items.append(Item(addresses.task(task_id), titles.task(task_id), cells))
    write_list(
        context,
        addresses.TASKS,
        "Tasks",
        "What is measured: a problem with data, a metric and a quality target.",
        ("Task", "Id", "Quality target", "Data set", "Results"),
        items,
        context.board.rows,
    )


def target(spec: TaskSpec | None) -> str:
    """The quality target of a task, if it is defined here."""
    if spec is None:
        return "not defined here"
    return titles.target(ACCURACY[spec.metric], spec.target)


def _write(context: Context, task_id: str, group: Group, spec: TaskSpec | None) -> None:
    address = addresses.task(task_id)
    context.pages.add(
        address,
        f"{titles.task(task_id)}: leaderboard",
        "task",
        description=f"{spec.summary if spec else titles.task(task_id)} Leaderboard: {counted(group.rows)}.",
        task_id=task_id,
        heading=titles.task(task_id),
        spec=spec,
        target=target(spec),
        reference=addresses.model(spec.reference_model, specs.model(spec.reference_model).sha256)
        if spec
        else None,
        counted=counted(group.rows),
        figures=figures.gallery(context).of_task(task_id),
        table=tables.leaderboard(context, address, group.frame(context), task=task_id)
        if group.rows
        else None,
        addresses=addresses,
        **elsewhere(group.rows),
    )
