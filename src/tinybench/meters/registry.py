"""Power analysers by name: entry points of the group ``tinybench.meters``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tinybench.plugins import Plugins

if TYPE_CHECKING:
    from tinybench.meters.base import Meter

PLUGINS: Final[Plugins[Meter]] = Plugins(
    "power analyser",
    "tinybench.meters",
    1,
    "tinybench.meters.base.Meter",
    ("name", "summary", "check", "find", "open"),
)


def meter_names() -> tuple[str, ...]:
    """Names of all kinds, in alphabetical order, without importing any."""
    return PLUGINS.names()


def meter(name: str) -> Meter:
    """The kind called ``name``.

    Raises:
        UnknownNameError: there is none; the hint lists those that exist.
        ContentError: its package is installed but broken, or made for another tinybench.
    """
    return PLUGINS.get(name)


def meters() -> dict[str, Meter]:
    """All kinds that can be used, by name."""
    return PLUGINS.all()


def parse(wanted: str) -> tuple[Meter, str | None]:
    """Kind and address of what ``--meter`` is given: ``name``, or ``name:address``.

    Raises:
        UnknownNameError: there is no such kind.
    """
    name, _, address = wanted.partition(":")
    return meter(name), address or None
