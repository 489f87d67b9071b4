"""Finds runners by name, built-in ones and plug-ins alike.

A runner is an entry point of the group ``tinybench.runners``: its name, and the class that implements
``Runner``. Nothing is imported before it is asked for, and there is no list to edit here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast

from tinybench.errors import ContentError, UnknownNameError

if TYPE_CHECKING:
    from tinybench.runners.base import Runner

GROUP: Final = "tinybench.runners"
_PARTS: Final = ("name", "summary", "on_host", "check", "measure")


def index(found: Iterable[EntryPoint]) -> Mapping[str, EntryPoint]:
    """Entry points by name.

    Raises:
        ContentError: two different runners have the same name.
    """
    by_name: dict[str, EntryPoint] = {}
    for entry in found:
        first = by_name.setdefault(entry.name, entry)
        if first.value != entry.value:
            raise ContentError(
                f"two runners are called '{entry.name}': {_origin(first)} and {_origin(entry)}",
                hint="uninstall one of the two packages",
            )
    return MappingProxyType(dict(sorted(by_name.items())))


@cache
def _entries() -> Mapping[str, EntryPoint]:
    return index(entry_points(group=GROUP))


def runner_names() -> tuple[str, ...]:
    """Names of all runners, in alphabetical order, without importing any."""
    return tuple(_entries())


@cache
def runner(name: str) -> Runner:
    """The runner called ``name``.

    Raises:
        UnknownNameError: there is none; the hint lists those that exist.
        ContentError: its package is installed but broken.
    """
    entry = _entries().get(name)
    if entry is None:
        raise UnknownNameError("runner", name, runner_names())
    try:
        loaded = entry.load()
        made = cast("Runner", loaded())
    except (ImportError, AttributeError, TypeError) as error:
        raise ContentError(
            f"runner '{name}' ({_origin(entry)}) cannot be loaded: {error}",
            hint="reinstall the package that provides it",
        ) from error
    lacking = [attribute for attribute in _PARTS if not hasattr(made, attribute)]
    if lacking:
        raise ContentError(
            f"runner '{name}' ({_origin(entry)}) has no {' and no '.join(lacking)}",
            hint="see the protocol tinybench.runners.Runner",
        )
    if made.name != name:
        raise ContentError(
            f"runner '{name}' ({_origin(entry)}) calls itself '{made.name}'",
            hint="make the entry point and the attribute 'name' equal",
        )
    return made


def runners() -> dict[str, Runner]:
    """All runners by name."""
    return {name: runner(name) for name in runner_names()}


def _origin(entry: EntryPoint) -> str:
    distribution = getattr(entry, "dist", None)
    return f"{entry.value} of {distribution.name}" if distribution else entry.value
