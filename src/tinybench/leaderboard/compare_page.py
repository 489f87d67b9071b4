"""The page that shows results side by side; which ones, its address says."""

from __future__ import annotations

from tinybench.leaderboard import addresses, tables
from tinybench.leaderboard.build import Context
from tinybench.leaderboard.catalogue import elsewhere


def write(context: Context) -> None:
    """Write it."""
    context.pages.add(
        addresses.COMPARE,
        "Compare results",
        "compare",
        description="Results side by side; figures of different modes are not compared.",
        search=False,
        board=tables.comparison(context, addresses.COMPARE),
        **elsewhere(context.board.rows),
    )
