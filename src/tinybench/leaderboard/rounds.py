"""What is settled: rounds that are closed, and results that were retired: ``submissions/rounds.toml``.

A closed round is frozen by a digest over the manifests of its submissions, and a manifest has the SHA-256 of
every file: whoever changes a figure of a closed round has to change this file too, for everybody to see.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, ValidationError

from tinybench.errors import ContentError, MismatchError
from tinybench.specs.base import Frozen, Identifier, Sha256, first_error, read_toml
from tinybench.submissions.layout import Place

ResultId = Annotated[str, Field(pattern=r"^r-[0-9a-f]{16}$")]
Text = Annotated[str, Field(min_length=1, max_length=1000)]

_NUMBERS: Final = re.compile(r"\d+")


class Closed(Frozen):
    """A ``[[closed]]`` table: a round that does not change any more."""

    round: Identifier
    title: Text
    date: date
    """When it was closed here."""
    sha256: Sha256
    """See :func:`digest`."""
    errata: tuple[Text, ...] = ()
    """What was changed after it was closed, and why."""


class Retired(Frozen):
    """A ``[[retired]]`` table: a result that was published here and is not any more."""

    id: ResultId
    date: date
    reason: Text
    successor: ResultId | None = None
    """The result that corrects it."""


class Settled(Frozen):
    """The file."""

    closed: tuple[Closed, ...] = ()
    retired: tuple[Retired, ...] = ()


@dataclass(frozen=True)
class Round:
    """A round of submissions."""

    id: str
    title: str
    closed: Closed | None
    """None while it is open."""
    sha256: str
    """Digest of its submissions as they are now."""


def read_settled(path: Path) -> Settled:
    """Read ``rounds.toml``; a missing file settles nothing.

    Raises:
        ContentError: it is not TOML, or a table is wrong or there twice; names the file and the key.
    """
    if not path.exists():
        return Settled()
    try:
        settled = Settled.model_validate(read_toml(path))
    except ValidationError as error:
        raise ContentError(f"{path}: {first_error(error)}", hint="correct the file") from None
    for kind, names in (
        ("closed", [closed.round for closed in settled.closed]),
        ("retired", [retired.id for retired in settled.retired]),
    ):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ContentError(f"{path}: {kind}: {twice[0]} is there twice", hint="remove one of them")
    return settled


def digest(manifests: Mapping[Place, str]) -> str:
    """SHA-256 over a line ``<sha256 of the manifest>  <path>`` for each submission of a round, by path."""
    lines = sorted((place.path, sha256) for place, sha256 in manifests.items())
    return hashlib.sha256("".join(f"{sha256}  {path}\n" for path, sha256 in lines).encode()).hexdigest()


def rounds(manifests: Mapping[Place, str], settled: Settled, path: Path) -> tuple[Round, ...]:
    """All rounds, newest first.

    Args:
        manifests: of all submissions: SHA-256 of the manifest.
        settled: what may not have changed.
        path: of the file that says so, for messages.

    Raises:
        MismatchError: a closed round is not what it was.
        ContentError: a round is closed that is not there.
    """
    closed = {one.round: one for one in settled.closed}
    found = []
    for name in sorted({place.round for place in manifests} | closed.keys()):
        own = {place: sha256 for place, sha256 in manifests.items() if place.round == name}
        if not own:
            raise ContentError(f"{path}: closed: {name}: there is no such round", hint="remove the table")
        actual, frozen = digest(own), closed.get(name)
        if frozen is not None and frozen.sha256 != actual:
            raise MismatchError(
                f"round {name} was closed on {frozen.date}, and its submissions have changed since",
                hint=f"restore them; or, for a correction, set sha256 to {actual} in {path} and add a line "
                "to errata that says what was wrong",
            )
        found.append(Round(name, frozen.title if frozen else name, frozen, actual))
    return tuple(in_order(found))


def in_order(found: Iterable[Round]) -> list[Round]:
    """Newest first: ours before those that are published elsewhere, each by the numbers in their names."""
    return sorted(found, key=lambda one: (_is_ours(one.id), numbers(one.id), one.id), reverse=True)


def _is_ours(name: str) -> bool:
    return name[0].isdigit()


def numbers(name: str) -> tuple[int, ...]:
    """The numbers in the name of a round, by which rounds follow each other: v1.10 comes after v1.9."""
    return tuple(map(int, _NUMBERS.findall(name)))
