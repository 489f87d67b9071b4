"""How the library says how far it is. It never prints: whoever calls it passes a callback."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called as ``progress(step, done, total)``; ``total`` is 0 while it is not known."""


def silent(step: str, done: int, total: int) -> None:
    """The progress callback that says nothing."""
