"""``/rounds/<round>/``: a round, frozen if it is closed."""

from __future__ import annotations

from tinybench.leaderboard import addresses, tables
from tinybench.leaderboard.build import Context
from tinybench.leaderboard.catalogue import Group, Item, counted, elsewhere, groups, write_list
from tinybench.leaderboard.rounds import Round


def write(context: Context) -> None:
    """A page for each round, and the list of all."""
    found = groups(context.board, lambda row: row.place.round)
    items = []
    for one in context.board.rounds:
        group = found[one.id]
        systems = {row.place for row in group.rows}
        _write(context, one, group, len(systems))
        state = f"closed here on {one.closed.date}" if one.closed else "open"
        cells = (one.title, state, f"{len(systems):,}", counted(group.rows))
        items.append(Item(addresses.round_(one.id), one.id, cells))
    write_list(
        context,
        addresses.ROUNDS,
        "Rounds",
        "A closed round does not change any more: its submissions are held to a digest whenever this site is "
        "built. The newest are first.",
        ("Round", "Title", "State", "Systems", "Results"),
        items,
        context.board.rows,
    )


def _write(context: Context, one: Round, group: Group, systems: int) -> None:
    address = addresses.round_(one.id)
    context.pages.add(
        address,
        f"Round {one.id}",
        "round",
        description=f"Round {one.id} of the leaderboard: {counted(group.rows)}.",
        round=one,
        systems=systems,
        counted=counted(group.rows),
        table=tables.table(
            context,
            address,
            group.frame(context),
            caption="Results",
            hide=("round",),
            more=f"round={one.id}&mode=all",
        ),
        addresses=addresses,
        **elsewhere(group.rows),
    )
