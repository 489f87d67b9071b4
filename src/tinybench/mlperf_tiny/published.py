"""Reads a table of published MLPerf Tiny results: one row for each task of each system, all as text."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from tinybench.errors import DataError

COLUMNS: Final = (
    "round",
    "division",
    "organization",
    "system",
    "model_variant",
    "board",
    "processor",
    "isa_core",
    "frequency_mhz",
    "frequency_text",
    "accelerator",
    "accelerator_frequency_mhz",
    "engine",
    "engine_norm",
    "compiler",
    "model_compiler",
    "quantization",
    "task",
    "median_throughput_ips",
    "latency_ms",
    "energy_uj_per_inference",
    "energy_mode_throughput_ips",
    "accuracy_top1",
    "auc",
    "emon_measured_voltage_mv",
    "supply_voltage_note",
    "hardware_notes",
    "software_notes",
    "software_libraries",
    "os",
    "status",
    "sww_tp",
    "sww_fn",
    "sww_fp",
    "sww_duty_cycle",
    "sww_period_s",
    "sww_power_mw",
    "source_path",
)
"""In this order. An empty cell is a fact not stated; names of columns end in the unit of their numbers."""

NUMBERS: Final = frozenset(
    {
        "frequency_mhz",
        "accelerator_frequency_mhz",
        "median_throughput_ips",
        "latency_ms",
        "energy_uj_per_inference",
        "energy_mode_throughput_ips",
        "accuracy_top1",
        "auc",
        "emon_measured_voltage_mv",
        "sww_tp",
        "sww_fn",
        "sww_fp",
        "sww_duty_cycle",
        "sww_period_s",
        "sww_power_mw",
    }
)
REQUIRED: Final = ("round", "division", "organization", "system", "task", "board", "engine", "source_path")

ROUND: Final = re.compile(r"v\d{1,3}\.\d{1,3}")
"""What rounds are called."""

_FRACTIONS: Final = ("accuracy_top1", "auc", "sww_duty_cycle")
_FORMS: Final = {
    "round": ROUND,
    "division": re.compile(r"closed|open"),
    "task": re.compile(r"ad|ic|kws|vww|sww"),
    "source_path": re.compile(r"(?!/)(?!.*(?:^|/)\.\.?(?:/|$)).+"),
    **{name: re.compile(r"(?:0(?:\.\d{1,12})?|1(?:\.0{1,12})?)?") for name in _FRACTIONS},
}
_MAX_BYTES: Final = 32 * 1024 * 1024
_MAX_CELL: Final = 1000
"""Characters; a result's text has no more."""
_NUMBER: Final = re.compile(r"\d{1,12}(?:\.\d{1,12})?")


@dataclass(frozen=True)
class PublishedRow:
    """One published result, as the table has it."""

    line: int
    """Line of the file on which the row ends."""
    columns: Mapping[str, str]
    """Every column, as it stands there."""

    def text(self, column: str) -> str | None:
        """What a cell says, without blanks around it; None if it is empty."""
        return self[column] or None

    def __getitem__(self, column: str) -> str:
        """What a cell says, without blanks around it; empty only where the column is not in ``REQUIRED``."""
        return self.columns[column].strip()

    def number(self, column: str) -> Decimal | None:
        """The number in a cell of ``NUMBERS``, exactly; None if it is empty."""
        text = self.text(column)
        return None if text is None else Decimal(text)

    @property
    def label(self) -> str:
        """Short name for messages: round and folder, which no two rows share."""
        return f"{self.columns['round']} {self.columns['source_path']}"


def read_table(path: Path) -> tuple[PublishedRow, ...]:
    """Read a table of published results.

    Args:
        path: CSV in UTF-8 with the columns ``COLUMNS``.

    Raises:
        DataError: it cannot be read, has other columns, or a row is broken; the message names file, line and
            column.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(f"{path}: is larger than {_MAX_BYTES:,} bytes", hint="give the table itself")
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, restkey="(more cells)", restval="(missing)", strict=True)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise DataError(
                    f"{path}: line 1: other columns than a table of published results",
                    hint=f"expected: {','.join(COLUMNS[:5])}, ... (all are in site/docs/published.md)",
                )
            rows = tuple(_row(path, reader.line_num, cells) for cells in reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise DataError(f"{path}: {reason}", hint="give a CSV file in UTF-8") from None
    lines: dict[str, int] = {}
    for row in rows:
        if row.label in lines:
            raise DataError(
                f"{path}: line {row.line}: {row.label} is on line {lines[row.label]} already",
                hint="remove one of them",
            )
        lines[row.label] = row.line
    if not rows:
        raise DataError(f"{path}: has no rows", hint="give the whole table")
    return rows


def _row(path: Path, line: int, cells: Mapping[str, str]) -> PublishedRow:
    def refuse(column: str, reason: str) -> DataError:
        return DataError(f"{path}: line {line}: {column}: {reason}", hint="correct the row")

    if set(cells) != set(COLUMNS) or "(missing)" in cells.values():
        raise refuse("the row", f"has not {len(COLUMNS)} cells")
    for column, text in cells.items():
        if len(text) > _MAX_CELL or not text.isprintable():
            raise refuse(column, f"is longer than {_MAX_CELL} characters or cannot be printed")
        stripped = text.strip()
        if not stripped and column in REQUIRED:
            raise refuse(column, "is empty")
        form = _FORMS.get(column)
        if form is not None and not form.fullmatch(stripped):
            raise refuse(column, f"'{stripped}' is not a {column.replace('_', ' ')}")
        if column in NUMBERS and stripped and not _NUMBER.fullmatch(stripped):
            raise refuse(column, f"'{stripped}' is not a number of this table")
    return PublishedRow(line, dict(cells))
