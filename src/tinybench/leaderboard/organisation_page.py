"""``/organisations/<organisation>/``: everything that one organisation submitted."""

from __future__ import annotations

from tinybench.leaderboard import addresses, tables
from tinybench.leaderboard.build import Context
from tinybench.leaderboard.catalogue import Group, Item, by_title, counted, elsewhere, groups, write_list
from tinybench.submissions.layout import Place


def write(context: Context) -> None:
    """A page for each organisation, and the list of all."""
    found = groups(context.board, lambda row: row.place.organisation)
    age = context.board.ages
    items = []
    for part in sorted(found):
        group = found[part]
        latest = min(group.rows, key=lambda row: (age[row.place.round], row.id))
        systems = sorted(
            {row.place: row for row in group.rows}.items(),
            key=lambda item: (age[item[0].round], item[0].path),
        )
        _write(context, part, latest.organisation, group, {place: row.title for place, row in systems})
        rounds = list(dict.fromkeys(place.round for place, _ in systems))
        cells = (f"{len(systems):,}", ", ".join(rounds), counted(group.rows))
        items.append(Item(addresses.organisation(part), latest.organisation, cells))
    write_list(
        context,
        addresses.ORGANISATIONS,
        "Organisations",
        "Who submitted results, or published them elsewhere.",
        ("Organisation", "Systems", "Rounds", "Results"),
        by_title(items),
        context.board.rows,
    )


def _write(context: Context, part: str, name: str, group: Group, systems: dict[Place, str]) -> None:
    address = addresses.organisation(part)
    context.pages.add(
        address,
        f"{name}: systems and results",
        "organisation",
        description=f"Benchmark results of {name}: {counted(group.rows)}.",
        name=name,
        others=[other for other in group.values(lambda row: row.organisation) if other != name],
        systems=systems,
        counted=counted(group.rows),
        table=tables.table(
            context,
            address,
            group.frame(context),
            caption="Results",
            hide=("organisation",),
        ),
        addresses=addresses,
        **elsewhere(group.rows),
    )
