"""Rows as a script."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tinybench.leaderboard.columnar import Dictionary

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"

values = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
figures = st.none() | st.floats(allow_nan=False, allow_infinity=False)


def argument(script: bytes, start: str, end: str) -> Any:
    text = script.decode("ascii")
    assert text.startswith(start)
    assert text.endswith(end)
    return json.loads(text[len(start) : -len(end)])


def read(dictionary: bytes, rows: bytes) -> dict[str, list[Any]]:
    """As assets/results.js reads them."""
    known = argument(dictionary, "globalThis.tinybenchValues=", ";\n")
    packed = argument(rows, "(globalThis.tinybenchResults??=[]).push(", ");\n")
    found: dict[str, list[Any]] = dict(packed["figures"])
    count = len(next(iter(found.values())))
    for name, text in packed["codes"].items():
        width = len(text) // count if count else 0
        assert (64**width >= len(known[name])) or not count
        codes = [text[row * width : (row + 1) * width] for row in range(count)]
        found[name] = [
            known[name][sum(DIGITS.index(c) * 64**i for i, c in enumerate(code[::-1]))] for code in codes
        ]
    return found


@given(st.lists(st.tuples(values, values, figures)), st.lists(values))
def test_what_is_packed_is_what_is_read(rows: list[tuple[Any, Any, float | None]], more: list[Any]) -> None:
    columns = {"a": [row[0] for row in rows], "b": [row[1] for row in rows]}
    numbers = {"c": [row[2] for row in rows]}
    dictionary = Dictionary({"a": more + columns["a"], "b": columns["b"]})
    found = read(dictionary.script(), dictionary.rows(columns, numbers))
    # repr: 1 and True are equal, and are not the same.
    assert repr(sorted(found.items())) == repr(sorted({**columns, **numbers}.items()))


def test_more_values_than_one_digit_has() -> None:
    columns = {"a": [f"board {number}" for number in range(5000)]}
    dictionary = Dictionary(columns)
    assert read(dictionary.script(), dictionary.rows(columns, {"b": [None] * 5000}))["a"] == columns["a"]


def test_a_text_is_there_once_however_many_rows_have_it() -> None:
    columns = {"board": ["NUCLEO-L4R5ZI"] * 1000, "core": ["cortex-m4", "cortex-m7"] * 500}
    dictionary = Dictionary(columns)
    assert dictionary.script().count(b"NUCLEO") == 1
    assert len(dictionary.rows(columns, {})) < 1100  # a byte for each core, none for what is always the same


@given(st.text())
def test_no_text_ends_the_script_or_leaves_ascii(text: str) -> None:
    dictionary = Dictionary({"a": [text]})
    for script in (dictionary.script(), dictionary.rows({}, {"b": [text]})):
        assert script.isascii()
        assert script.count(b"\n") == 1
