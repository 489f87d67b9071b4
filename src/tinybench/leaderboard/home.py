"""The first page."""

from __future__ import annotations

from tinybench.leaderboard import addresses
from tinybench.leaderboard.build import Context


def write(context: Context) -> None:
    """Write it."""
    context.pages.add(addresses.HOME, "tinybench", "home", board=context.board)
