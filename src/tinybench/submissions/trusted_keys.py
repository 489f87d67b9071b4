"""Whose signatures count: ``submissions/trusted-keys.toml``.

The file says who may sign what, and for how long. A key that leaked is revoked: the time in a statement is
what the signer says it is, so that nothing signed with that key counts any more, whatever its date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, ValidationError, model_validator

from tinybench.errors import ContentError
from tinybench.specs.base import Frozen, Identifier, read_toml
from tinybench.submissions.keys import PublicKey, available

Role = Literal["reviewer", "submitter"]
"""A ``reviewer`` states outcomes of checks; a ``submitter`` vouches for the files of one organisation."""


def _parse(value: object) -> PublicKey:
    if not isinstance(value, str):
        raise ValueError("must be a text")
    return PublicKey.parse(value)


class TrustedKey(Frozen):
    """One ``[[keys]]`` table."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    """Of the person or team that holds the key."""
    role: Role
    organisation: Identifier | None = None
    """Whose submissions a submitter may sign, as in the path."""
    public_key: Annotated[PublicKey, PlainValidator(_parse)]
    valid_from: date
    valid_until: date | None = None
    """The last day, in UTC."""
    revoked: date | None = None
    """Since when the key is known to be out of its owner's hands; no signature of it counts, older ones
    neither."""

    @model_validator(mode="after")
    def _check(self) -> TrustedKey:
        if (self.role == "submitter") != (self.organisation is not None):
            raise ValueError("a submitter has an organisation, and a reviewer has none")
        if self.valid_until is not None and self.valid_until < self.valid_from:
            raise ValueError("valid_until is before valid_from")
        return self

    def invalid_at(self, time: datetime) -> str | None:
        """Why a signature of this time does not count; None if it does.

        Args:
            time: when the statement says that it was signed, in UTC.
        """
        if self.revoked is not None:
            return f"revoked on {self.revoked}"
        if time.date() < self.valid_from:
            return f"not valid before {self.valid_from}"
        if self.valid_until is not None and time.date() > self.valid_until:
            return f"not valid after {self.valid_until}"
        return None


@dataclass(frozen=True)
class TrustedKeys:
    """All keys whose signatures count."""

    keys: tuple[TrustedKey, ...] = ()

    def get(self, keyid: str) -> TrustedKey | None:
        """The key of that key id."""
        return next((key for key in self.keys if key.public_key.keyid == keyid), None)


def read_trusted_keys(path: Path) -> TrustedKeys:
    """Read the file. Without the extra ``sign`` nobody is trusted: no signature can be verified then.

    Raises:
        ContentError: it is missing or not TOML, or a key is incomplete or there twice; names file and key.
    """
    if not path.exists():
        raise ContentError(
            f"{path} is missing", hint="give a file with a table [[keys]] for each trusted key"
        )
    document = read_toml(path)
    unknown = sorted(set(document) - {"keys"})
    if unknown:
        raise ContentError(f"{path}: {unknown[0]}: nothing reads this key", hint="remove it")
    tables = document.get("keys", [])
    if not isinstance(tables, list):
        raise ContentError(f"{path}: keys: is no list of tables", hint="write [[keys]] above each key")
    if not available():
        return TrustedKeys()
    keys: dict[str, TrustedKey] = {}
    for number, table in enumerate(tables, start=1):
        key = _read_one(table, f"{path}: key {number}")
        if (first := keys.get(key.public_key.keyid)) is not None:
            raise ContentError(
                f"{path}: key {number} ({key.name}): public_key: is that of {first.name} too",
                hint="one key, one role: make another key",
            )
        keys[key.public_key.keyid] = key
    return TrustedKeys(tuple(keys.values()))


def _read_one(table: Any, where: str) -> TrustedKey:
    name = table.get("name") if isinstance(table, dict) else None
    if isinstance(name, str):
        where = f"{where} ({name})"
    try:
        return TrustedKey.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        place = "".join(f"{part}: " for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise ContentError(f"{where}: {place}{reason}", hint="correct the file") from None
