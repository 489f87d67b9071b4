"""Finds what is found by name: runners, power analysers, front ends and content, built-in ones and plug-ins.

Each is an entry point of a group. Nothing is imported before it is asked for, and there is no list to edit
here. A plug-in is code of others: whatever is wrong with one is an error that names it, and no more than it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any, Generic, TypeVar, cast

from tinybench._version import __version__
from tinybench.errors import ContentError, UnknownNameError
from tinybench.extras import DISTRIBUTION

T = TypeVar("T")


class Plugins(Generic[T]):
    """The plug-ins of one kind; ``T`` is the protocol that each implements."""

    def __init__(
        self,
        kind: str,
        group: str,
        interface: int,
        protocol: str,
        parts: Sequence[str],
        *,
        classes: bool = True,
        problem: Callable[[str, Any], str | None] = lambda name, made: None,
    ) -> None:
        """Find them when they are first asked for.

        Args:
            kind: what errors call one of them.
            group: of the entry points.
            interface: version of the protocol; a plug-in that states another one is refused.
            protocol: full name of ``T``, for hints.
            parts: attributes and methods that every one has beside ``interface``.
            classes: whether entry points lead to classes, of which one object is made; else to objects.
            problem: what else is wrong with the one of a name, or None.
        """
        self.kind = kind
        self.group = group
        self.interface = interface
        self.parts = tuple(parts)
        self._protocol = protocol
        self._classes = classes
        self._problem = problem
        self._made: dict[str, T | ContentError] = {}

    @cached_property
    def _found(self) -> tuple[EntryPoint, ...]:
        return tuple(entry_points(group=self.group))

    @cached_property
    def entries(self) -> Mapping[str, EntryPoint]:
        """Entry points of the installed packages by name; of a name that two have, one."""
        return self.index(self._found)

    @cached_property
    def _rivals(self) -> Mapping[str, str]:
        return self.rivals(self._found)

    @staticmethod
    def index(found: Iterable[EntryPoint]) -> Mapping[str, EntryPoint]:
        """Entry points by name, in alphabetical order."""
        return MappingProxyType({entry.name: entry for entry in sorted(found, key=lambda entry: entry.name)})

    @staticmethod
    def rivals(found: Iterable[EntryPoint]) -> Mapping[str, str]:
        """Names that different entry points have, and which those are."""
        by_name: dict[str, dict[str, EntryPoint]] = {}
        for entry in found:
            by_name.setdefault(entry.name, {}).setdefault(entry.value, entry)
        return {
            name: " and ".join(_origin(entry) for entry in entries.values())
            for name, entries in by_name.items()
            if len(entries) > 1
        }

    def names(self) -> tuple[str, ...]:
        """All names in alphabetical order, without importing anything."""
        return tuple(self.entries)

    def get(self, name: str) -> T:
        """The one called ``name``; the same object each time.

        Raises:
            UnknownNameError: there is none; the hint lists those that exist.
            ContentError: it is broken, or made for another tinybench.
        """
        if name not in self._made:
            if name not in self.entries:
                raise UnknownNameError(self.kind, name, self.names())
            try:
                self._made[name] = self._make(name, self.entries[name])
            except ContentError as error:
                self._made[name] = error
        made = self._made[name]
        if isinstance(made, ContentError):
            raise made
        return made

    def all(self) -> dict[str, T]:
        """Those that can be used, by name."""
        broken = self.broken()
        return {name: self.get(name) for name in self.names() if name not in broken}

    def broken(self) -> dict[str, ContentError]:
        """Those that cannot, by name, and why."""
        found = {}
        for name in self.names():
            try:
                self.get(name)
            except ContentError as error:
                found[name] = error
        return found

    @contextmanager
    def offered(self, name: str, made: T) -> Iterator[None]:
        """For a while ``get`` gives ``made`` for a name, installed or not."""
        before = self._made.get(name)
        self._made[name] = made
        try:
            yield
        finally:
            if before is None:
                del self._made[name]
            else:
                self._made[name] = before

    def package(self, name: str) -> tuple[str, str] | None:
        """Name and version of the package that brings a plug-in; None if it is built in or of no package."""
        entry = self.entries.get(name)
        distribution = None if entry is None else entry.dist
        if distribution is None or distribution.name == DISTRIBUTION:
            return None
        return distribution.name, distribution.version

    def unfit(self, stated: object) -> str | None:
        """What is wrong with the interface that a plug-in states; None if it is the one spoken here."""
        if stated is None:
            return f"states no interface; this is tinybench {__version__}, interface {self.interface}"
        if type(stated) is not int:
            return f"states an interface that is no whole number: {stated!r}"
        if stated != self.interface:
            return (
                f"was made for interface {stated} of {self.group}; "
                f"tinybench {__version__} speaks interface {self.interface}"
            )
        return None

    def _make(self, name: str, entry: EntryPoint) -> T:
        if name in self._rivals:
            raise ContentError(
                f"two {self.kind}s are called '{name}': {self._rivals[name]}",
                hint="uninstall one of the two packages",
            )
        who = f"{self.kind} '{name}' ({_origin(entry)})"
        try:
            loaded = entry.load()
            made = loaded() if self._classes else loaded
            stated = getattr(made, "interface", None)
            lacking = [part for part in self.parts if not hasattr(made, part)]
        except (Exception, SystemExit) as error:
            raise ContentError(
                f"{who} cannot be loaded: {_one_line(error)}",
                hint=f"reinstall {_package(entry)}, in a version for this tinybench, or uninstall it",
            ) from error
        unfit = self.unfit(stated)
        if unfit is not None:
            raise ContentError(f"{who} {unfit}", hint=self._advice(stated, _package(entry)))
        if lacking:
            raise ContentError(
                f"{who} has no {' and no '.join(lacking)}", hint=f"see the protocol {self._protocol}"
            )
        if "name" in self.parts and made.name != name:
            raise ContentError(
                f"{who} calls itself '{made.name}'",
                hint="make the entry point and the attribute 'name' equal",
            )
        try:
            problem = self._problem(name, made)
        except (OSError, ValueError) as error:  # of a folder that cannot be looked at
            problem = f"cannot be looked at: {_one_line(error)}"
        if problem is not None:
            raise ContentError(f"{who} {problem}", hint=f"see the protocol {self._protocol}")
        return cast(T, made)

    def _advice(self, stated: object, package: str) -> str:
        if type(stated) is not int:
            return (
                f"its author adds 'interface = {self.interface}' once it is checked; or uninstall {package}"
            )
        older = stated < self.interface
        upgrade, other = (package, "an older tinybench") if older else (DISTRIBUTION, f"an older {package}")
        return f"upgrade {upgrade}, or install {other}"


def _origin(entry: EntryPoint) -> str:
    distribution = entry.dist
    return f"{entry.value} of {distribution.name} {distribution.version}" if distribution else entry.value


def _package(entry: EntryPoint) -> str:
    return "the package that provides it" if entry.dist is None else entry.dist.name


def _one_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    said = lines[0] if lines else ""
    return said if isinstance(error, ImportError) and said else f"{type(error).__name__}: {said}".rstrip(": ")
