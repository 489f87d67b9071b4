"""Rows as scripts: a column at a time, each text once, so that ten thousand results are a small download.

A page that was opened from a disk may load scripts and nothing else. One of them has the values that repeat,
of all results (``tinybenchValues``); each of the others adds some rows to the list ``tinybenchResults``, with
a number in base 64 in place of each such value. ``assets/results.js`` reads both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"


class Dictionary:
    """The values of some columns, each once, in the order in which they come."""

    def __init__(self, columns: Mapping[str, Sequence[Any]]) -> None:
        """Columns: name -> a value for each row: text, number, truth or None."""
        self._codes: dict[str, dict[tuple[type, Any], int]] = {}
        for name, values in columns.items():
            codes: dict[tuple[type, Any], int] = {}
            for value in values:
                codes.setdefault((type(value), value), len(codes))
            self._codes[name] = codes

    def script(self) -> bytes:
        """The script with the values."""
        values = {name: [value for _, value in codes] for name, codes in self._codes.items()}
        return f"globalThis.tinybenchValues={_json(values)};\n".encode("ascii")

    def rows(self, columns: Mapping[str, Sequence[Any]], figures: Mapping[str, Sequence[Any]]) -> bytes:
        """A script with some rows.

        Args:
            columns: name -> values that the dictionary has.
            figures: name -> values that hardly ever repeat, and are written as they are.
        """
        packed = {"codes": {name: self._packed(name, values) for name, values in columns.items()}}
        text = _json(packed | {"figures": {name: list(values) for name, values in figures.items()}})
        return f"(globalThis.tinybenchResults??=[]).push({text});\n".encode("ascii")

    def _packed(self, name: str, values: Sequence[Any]) -> str:
        codes = self._codes[name]
        width = 0
        while len(_DIGITS) ** width < len(codes):
            width += 1
        places = [len(_DIGITS) ** place for place in reversed(range(width))]
        numbers = (codes[type(value), value] for value in values)
        return "".join(_DIGITS[number // place % len(_DIGITS)] for number in numbers for place in places)


def _json(value: object) -> str:
    # ASCII alone: what JSON allows and JavaScript once did not is escaped.
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
