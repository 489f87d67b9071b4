"""``/models/<model>/``: a model, what is known of it, and every result with it."""

from __future__ import annotations

from tinybench import specs
from tinybench.leaderboard import addresses, tables, titles
from tinybench.leaderboard.build import Context
from tinybench.leaderboard.catalogue import EMPTY, Group, Item, counted, elsewhere, groups, write_list
from tinybench.specs import ModelSpec

Key = tuple[str, str | None]
"""Name and SHA-256, None where whoever published a result does not say which file it was."""


def write(context: Context) -> None:
    """A page for each model that has results, and for each reference model; and the list of all."""
    found: dict[Key, Group] = groups(
        context.board, lambda row: (row.result.model.name, row.result.model.sha256)
    )
    by_hash = {spec.sha256: spec for spec in specs.models().values()}
    reference = {(spec.id, spec.sha256) for spec in by_hash.values()}
    items = []
    for key in sorted(found.keys() | reference, key=lambda key: (key[0], key[1] or "")):
        group, spec = found.get(key, EMPTY), by_hash.get(key[1] or "")
        _write(context, key, group, spec)
        tasks = [titles.task(spec.task)] if spec else [titles.task(task) for task in _tasks(group)]
        file = "shipped" if spec and spec.file else "fetched" if spec else "not here"
        cells = (", ".join(tasks), (key[1] or "not stated")[:16], file, counted(group.rows))
        items.append(Item(addresses.model(*key), key[0], cells))
    write_list(
        context,
        addresses.MODELS,
        "Models",
        "Models with results, and the reference models. Of many that were published elsewhere it is not "
        "known which file they were.",
        ("Model", "Task", "SHA-256", "File", "Results"),
        items,
        context.board.rows,
    )


def _tasks(group: Group) -> list[str]:
    return group.values(lambda row: row.task)


def _write(context: Context, key: Key, group: Group, spec: ModelSpec | None) -> None:
    (name, sha256), address = key, addresses.model(*key)
    first = group.rows[0].result.model if group.rows else None
    context.pages.add(
        address,
        f"{name}: results",
        "model",
        description=f"Benchmark results with the model {name}: {counted(group.rows)}.",
        name=name,
        sha256=sha256,
        spec=spec,
        macs=spec.macs if spec else first.macs if first else None,
        parameters=spec.parameters if spec else first.parameters if first else None,
        tasks=[spec.task] if spec else _tasks(group),
        titles=titles,
        counted=counted(group.rows),
        table=tables.table(context, address, group.frame(context), caption="Results") if group.rows else None,
        addresses=addresses,
        **elsewhere(group.rows),
    )
