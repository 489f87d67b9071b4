"""Rows of a CSV file that is part of tinybench: each checked, errors with file and line."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from tinybench.errors import ContentError
from tinybench.specs import first_error


class CsvRow(BaseModel):
    """One row; a cell that holds nothing is None."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return None if value == "" else value


R = TypeVar("R", bound=CsvRow)


def read_rows(kind: type[R], path: Path, *, unreadable: str, broken: str) -> tuple[R, ...]:
    """Read all rows.

    Args:
        kind: what a row is; its fields are the columns.
        path: of the file.
        unreadable: what to do if it cannot be read.
        broken: what to do about a row that is broken.

    Raises:
        ContentError: the file is missing or a row is broken; the message names file, line and column.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, restkey="(more columns)")
            return tuple(_row(kind, path, reader.line_num, row, broken) for row in reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ContentError(f"{path}: {error}", hint=unreadable) from None


def _row(kind: type[R], path: Path, line: int, row: dict[str | Any, Any], hint: str) -> R:
    try:
        return kind.model_validate(row)
    except ValidationError as error:
        raise ContentError(f"{path}: line {line}: {first_error(error)}", hint=hint) from None
