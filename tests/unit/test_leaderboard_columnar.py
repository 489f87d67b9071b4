"""Rows as a script."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tinybench.leaderboard.columnar import script

START, END = b"(globalThis.tinybenchResults??=[]).push(", b");\n"

values = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
figures = st.none() | st.floats(allow_nan=False, allow_infinity=False)


def read(data: bytes) -> dict[str, list[Any]]:
    """As assets/results.js reads it."""
    assert data.startswith(START)
    assert data.endswith(END)
    packed = json.loads(data[len(START) : -len(END)])
    return {
        name: column if isinstance(column, list) else [column["values"][code] for code in column["rows"]]
        for name, column in packed.items()
    }


@given(st.lists(st.tuples(values, values, figures)))
def test_what_is_packed_is_what_is_read(rows: list[tuple[Any, Any, float | None]]) -> None:
    columns = {"a": [row[0] for row in rows], "b": [row[1] for row in rows]}
    found = read(script(columns, {"c": [row[2] for row in rows]}))
    # repr: 1, 1.0 and True are equal, and are not the same.
    assert repr(found) == repr({**columns, "c": [row[2] for row in rows]})


def test_a_text_is_there_once_however_many_rows_have_it() -> None:
    data = script({"board": ["NUCLEO-L4R5ZI"] * 1000}, {})
    assert data.count(b"NUCLEO") == 1
    assert len(data) < 2200


@given(st.text())
def test_no_text_ends_the_script_or_leaves_ascii(text: str) -> None:
    data = script({"a": [text]}, {})
    assert data.isascii()
    assert data.count(b"\n") == 1
