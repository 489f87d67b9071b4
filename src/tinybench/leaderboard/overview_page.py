"""The leaderboard of all tasks, and what the scripts of all leaderboards need."""

from __future__ import annotations

from typing import Final

from tinybench.leaderboard import addresses, datatables, tables
from tinybench.leaderboard.board import MODES
from tinybench.leaderboard.build import Context
from tinybench.leaderboard.catalogue import elsewhere
from tinybench.results.schema import Mode
from tinybench.submissions.tiers import MEANING, TIERS

_MODES: Final[dict[Mode, str]] = {
    "measured": "an instrument on hardware",
    "simulated": "every instruction was executed by a simulator",
    "predicted": "a model computed it, such as energy from a current of the data sheet",
}


def write(context: Context) -> None:
    """Write the page, the data of each task, and the library with its licences."""
    context.pages.file(datatables.SCRIPT, datatables.classic_script().encode())
    context.pages.file(datatables.LICENCES, datatables.licences().encode())
    for path, data in tables.data_files(context.board.rows).items():
        context.pages.file(path, data)
    context.pages.add(
        addresses.LEADERBOARD,
        "Leaderboard",
        "leaderboard",
        description="All results: accuracy, latency, energy and memory, each with how it came to be.",
        modes=[(tables.badge_mode(mode), _MODES[mode]) for mode in MODES],
        tiers=[(tables.badge_tier(tier), MEANING[tier]) for tier in TIERS],
        table=tables.leaderboard(context, addresses.LEADERBOARD, context.frame),
        **elsewhere(context.board.rows),
    )
