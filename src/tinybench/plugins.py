"""Finds what is found by name: runners and power analysers, built-in ones and plug-ins alike.

Each is an entry point of a group: its name, and the class that implements a protocol. Nothing is imported
before it is asked for, and there is no list to edit here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any, Generic, TypeVar, cast

from tinybench.errors import ContentError, UnknownNameError

T = TypeVar("T")


class Plugins(Generic[T]):
    """The plug-ins of one kind; ``T`` is the protocol that an instance of each implements."""

    def __init__(self, kind: str, group: str, protocol: str, parts: Sequence[str]) -> None:
        """Find them when they are first asked for.

        Args:
            kind: what errors call one of them.
            group: of the entry points.
            protocol: full name of ``T``, for hints.
            parts: attributes and methods that every one has, ``name`` among them.
        """
        self.kind = kind
        self.group = group
        self._protocol = protocol
        self._parts = tuple(parts)
        self._made: dict[str, T] = {}

    def index(self, found: Iterable[EntryPoint]) -> Mapping[str, EntryPoint]:
        """Entry points by name.

        Raises:
            ContentError: two different ones have the same name.
        """
        by_name: dict[str, EntryPoint] = {}
        for entry in found:
            first = by_name.setdefault(entry.name, entry)
            if first.value != entry.value:
                raise ContentError(
                    f"two {self.kind}s are called '{entry.name}': {_origin(first)} and {_origin(entry)}",
                    hint="uninstall one of the two packages",
                )
        return MappingProxyType(dict(sorted(by_name.items())))

    @cached_property
    def entries(self) -> Mapping[str, EntryPoint]:
        """Entry points of the installed packages."""
        return self.index(entry_points(group=self.group))

    def names(self) -> tuple[str, ...]:
        """All names in alphabetical order, without importing anything."""
        return tuple(self.entries)

    def get(self, name: str) -> T:
        """The one called ``name``; the same object each time.

        Raises:
            UnknownNameError: there is none; the hint lists those that exist.
            ContentError: its package is installed but broken.
        """
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def all(self) -> dict[str, T]:
        """All of them by name. Errors as in ``get``."""
        return {name: self.get(name) for name in self.names()}

    def _make(self, name: str) -> T:
        entry = self.entries.get(name)
        if entry is None:
            raise UnknownNameError(self.kind, name, self.names())
        try:
            made: Any = entry.load()()
        except (ImportError, AttributeError, TypeError) as error:
            raise ContentError(
                f"{self.kind} '{name}' ({_origin(entry)}) cannot be loaded: {error}",
                hint="reinstall the package that provides it",
            ) from error
        lacking = [part for part in self._parts if not hasattr(made, part)]
        if lacking:
            raise ContentError(
                f"{self.kind} '{name}' ({_origin(entry)}) has no {' and no '.join(lacking)}",
                hint=f"see the protocol {self._protocol}",
            )
        if made.name != name:
            raise ContentError(
                f"{self.kind} '{name}' ({_origin(entry)}) calls itself '{made.name}'",
                hint="make the entry point and the attribute 'name' equal",
            )
        return cast(T, made)


def _origin(entry: EntryPoint) -> str:
    distribution = getattr(entry, "dist", None)
    return f"{entry.value} of {distribution.name}" if distribution else entry.value
