"""What all specs share: frozen models, constants with a source, and reading TOML with errors that help."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tinybench.errors import ContentError

T = TypeVar("T")
S = TypeVar("S", bound="Spec")

Identifier = Annotated[str, Field(pattern=r"^[a-z0-9]+(?:[-_.][a-z0-9]+)*$")]
Source = Annotated[str, Field(min_length=8)]
"""The document, with table, figure or section, that a constant was read from."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Frozen(BaseModel):
    """Read once, never changed; a key that nobody reads is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Spec(Frozen):
    """What one content file says; ``id`` equals the name of the file or folder."""

    id: Identifier
    """Equals the name of the file or folder."""
    title: str
    """Name for people."""


class Sourced(Frozen, Generic[T]):
    """A constant and the document (with table, figure or section) that it was read from."""

    value: T
    source: Source


def read_toml(path: Path) -> dict[str, Any]:
    """Parse one content file.

    Raises:
        ContentError: the file is missing, not UTF-8, or not TOML; the message names it.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ContentError(f"{path} is missing", hint="restore it or remove its folder") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ContentError(f"{path}: {error}", hint="correct the file") from None


def first_error(error: ValidationError) -> str:
    """The first thing that is wrong, as ``key: reason``."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"]) or "(the whole file)"
    return f"{key}: {first['msg'].lower()}"


def validate(kind: type[S], document: Mapping[str, Any], path: Path, expected_id: str) -> S:
    """Check a document against its spec; the file or folder name must equal ``id``."""
    try:
        spec = kind.model_validate(document)
    except ValidationError as error:
        raise ContentError(f"{path}: {first_error(error)}", hint="correct the file") from None
    if spec.id != expected_id:
        raise ContentError(
            f"{path}: id: is '{spec.id}' but the name says '{expected_id}'", hint="make them equal"
        )
    return spec
