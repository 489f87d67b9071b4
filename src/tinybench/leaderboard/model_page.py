"""``/models/<model>/``: a model, what is known of it, and every result with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tinybench import specs
from tinybench.leaderboard import addresses, facts, tables, titles
from tinybench.leaderboard.build import Context
from tinybench.leaderboard.catalogue import (
    EMPTY,
    Group,
    Item,
    by_title,
    counted,
    elsewhere,
    groups,
    write_list,
)
from tinybench.leaderboard.facts import Fact
from tinybench.quantities import size
from tinybench.specs import ModelSpec

Key = tuple[str, str | None]
"""Name and SHA-256, None where whoever published a result does not say which file it was."""


_SEEN: Final[dict[bool | None, str]] = {
    None: "not known",
    True: "yes: its accuracy on the official split is not one to publish",
    False: "no",
}


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
        by_title(items),
        context.board.rows,
    )


def _tasks(group: Group) -> list[str]:
    return group.values(lambda row: row.task)


def _write(context: Context, key: Key, group: Group, spec: ModelSpec | None) -> None:
    name, address = key[0], addresses.model(*key)
    context.pages.add(
        address,
        f"{name}: results",
        "model",
        description=f"Benchmark results with the model {name}: {counted(group.rows)}.",
        search=spec is not None,  # of the others there may be hundreds: the leaderboard finds them
        name=name,
        spec=spec,
        known=list(_known(key, group, spec)),
        reference=list(_reference(spec)) if spec else [],
        counted=counted(group.rows),
        table=tables.table(context, address, group.frame(context), caption="Results") if group.rows else None,
        addresses=addresses,
        **elsewhere(group.rows),
    )


def _known(key: Key, group: Group, spec: ModelSpec | None) -> Iterator[Fact]:
    for task in [spec.task] if spec else _tasks(group):
        yield Fact("Task", titles.task(task), addresses.task(task))
    yield Fact("SHA-256", key[1] or "not stated: which file it was is not known", code=key[1] is not None)
    # Of a file that is not here, what its results say.
    model = spec or group.rows[0].result.model
    yield Fact("Multiply-accumulates", facts.whole(model.macs))
    yield Fact("Parameters", facts.whole(model.parameters))


def _reference(spec: ModelSpec) -> Iterator[Fact]:
    made = spec.provenance
    yield Fact("Licence", spec.license)
    yield Fact("File", size(spec.flash_bytes))
    yield Fact("Tensor arena", size(spec.arena_bytes))
    yield Fact("Operators", f"{len(spec.operators)}: {', '.join(spec.operators)}")
    yield Fact("Recipe", made.recipe)
    yield Fact("Trained on", made.data)
    yield Fact("Calibrated with", made.calibration)
    yield Fact("Has seen test data", _SEEN[made.seen_official_test])
