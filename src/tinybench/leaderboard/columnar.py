"""Rows as a script: a column at a time, each text once, so that ten thousand results are a small download.

A page that was opened from a disk may load scripts and nothing else. Such a script adds its rows to the list
``tinybenchResults``; ``assets/results.js`` reads it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


def script(columns: Mapping[str, Sequence[Any]], figures: Mapping[str, Sequence[Any]]) -> bytes:
    """The script of some rows.

    Args:
        columns: name -> a value for each row: text, number, truth or None; most of them repeat.
        figures: the same of what hardly ever repeats, and is written as it is.
    """
    packed: dict[str, Any] = {name: _dictionary(values) for name, values in columns.items()}
    packed |= {name: list(values) for name, values in figures.items()}
    # ASCII alone: what JSON allows and JavaScript once did not is escaped.
    text = json.dumps(packed, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return f"(globalThis.tinybenchResults??=[]).push({text});\n".encode("ascii")


def _dictionary(values: Sequence[Any]) -> dict[str, list[Any]]:
    """Each value once, in the order in which they come, and for each row which one it is."""
    codes: dict[tuple[type, Any], int] = {}
    rows = [codes.setdefault((type(value), value), len(codes)) for value in values]
    return {"values": [value for _, value in codes], "rows": rows}
