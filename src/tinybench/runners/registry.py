"""Runners by name: entry points of the group ``tinybench.runners``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tinybench.plugins import Plugins

if TYPE_CHECKING:
    from tinybench.runners.base import Runner

PLUGINS: Final[Plugins[Runner]] = Plugins(
    "runner",
    "tinybench.runners",
    1,
    "tinybench.runners.Runner",
    ("name", "summary", "runs_on", "check", "check_device", "measure"),
)


def runner_names() -> tuple[str, ...]:
    """Names of all runners, in alphabetical order, without importing any."""
    return PLUGINS.names()


def runner(name: str) -> Runner:
    """The runner called ``name``.

    Raises:
        UnknownNameError: there is none; the hint lists those that exist.
        ContentError: its package is installed but broken, or made for another tinybench.
    """
    return PLUGINS.get(name)


def runners() -> dict[str, Runner]:
    """All runners that can be used, by name."""
    return PLUGINS.all()
