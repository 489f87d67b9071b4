"""``/systems/<round>/<organisation>/<system>/``: one submission, as it stands in its round."""

from __future__ import annotations

from collections.abc import Iterator

from tinybench.leaderboard import addresses, facts, tables, titles
from tinybench.leaderboard.board import Row
from tinybench.leaderboard.build import Context
from tinybench.leaderboard.catalogue import Group, Item, counted, elsewhere, groups, write_list
from tinybench.leaderboard.facts import Fact
from tinybench.leaderboard.result_page import signature
from tinybench.quantities import size
from tinybench.submissions.layout import Place


def write(context: Context) -> None:
    """A page for each submission, and the list of all."""
    systems = groups(context.board, lambda row: row.place)
    age = context.board.ages
    ordered = sorted(systems, key=lambda place: (age[place.round], place.path))
    of_name: dict[tuple[str, str], list[Place]] = {}
    for place in ordered:
        of_name.setdefault((place.organisation, place.system), []).append(place)
    for place in ordered:
        others = [one for one in of_name[place.organisation, place.system] if one != place]
        _write(context, place, systems[place], others)
    write_list(
        context,
        addresses.SYSTEMS,
        "Systems",
        "Boards with an engine, as they were submitted to a round; the newest rounds first.",
        ("System", "Organisation", "Round", "Division", "Device", "Engine", "Results"),
        (_item(place, systems[place]) for place in ordered),
        context.board.rows,
    )


def _item(place: Place, group: Group) -> Item:
    first = group.rows[0]
    engine = first.system.engine
    return Item(
        addresses.system(place),
        first.title,
        (
            first.organisation,
            place.round,
            first.division,
            first.system.board or ", ".join(group.values(_board)),
            titles.joined(engine.name, engine.version),
            counted(group.rows),
        ),
    )


def described(first: Row, group: Group) -> Iterator[Fact]:
    """What ``system.toml`` says, and which devices the results name."""
    place, system = first.place, first.system
    yield Fact("Organisation", first.organisation, addresses.organisation(place.organisation))
    yield Fact("Round", place.round, addresses.round_(place.round))
    yield Fact("Division", first.division)
    yield Fact("Availability", system.availability)
    yield Fact("Board", system.board)
    for device in group.values(lambda row: row.device.id if row.device else None):
        yield Fact("Device", device, addresses.device(device))
    yield Fact("Chip", system.chip)
    yield Fact("Core", system.core)
    yield Fact("Number of cores", facts.whole(system.cores))
    yield Fact("Clock", facts.clock(system.clock_hz))
    yield Fact("Supply", facts.supply(system.supply_v))
    for memory in system.memories:
        yield Fact("Memory", f"{memory.kind}, {size(memory.bytes)}")
    yield Fact("Accelerator", facts.of_accelerator(system.accelerator))
    yield from facts.of_engine(system.engine)
    yield Fact("Contact", system.contact)
    yield Fact("Licence of the data", system.licence)
    yield Fact("Notes", system.notes)


def _board(row: Row) -> str | None:
    return (row.device.board or row.device.id) if row.device else None


def _write(context: Context, place: Place, group: Group, others: list[Place]) -> None:
    first, address = group.rows[0], addresses.system(place)
    context.pages.add(
        address,
        f"{first.title}, {first.organisation}, {place.round}",
        "system",
        description=f"{first.title} by {first.organisation}, round {place.round}: {counted(group.rows)}.",
        search=False,  # thousands, and every visitor would load them: the leaderboard finds systems
        place=place,
        first=first,
        described=list(described(first, group)),
        others=others,
        table=tables.table(
            context,
            address,
            group.frame(context),
            caption="Results",
            hide=("organisation", "round", "division", "core", "clock"),
        ),
        signatures=[signature(judged) for judged in first.attestations],
        addresses=addresses,
        **elsewhere(group.rows),
    )
