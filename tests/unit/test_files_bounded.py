"""Files of strangers: bounded in every direction."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybench.errors import DataError
from tinybench.files.bounded import read_json, read_lines, require_at_most


def test_lines_without_their_breaks() -> None:
    assert list(read_lines(b"a\nb\r\nc\r\r\n\nlast", "x")) == ["a", "b", "c", "", "last"]


def test_bytes_that_are_no_text_survive() -> None:
    assert list(read_lines(b"a\xff\x00b\n", "x")) == ["a\ufffd\x00b"]


def test_a_line_is_as_long_as_allowed_or_refused() -> None:
    assert list(read_lines(b"a\n1234567\nb", "x", max_line_bytes=8)) == ["a", "1234567", "b"]
    with pytest.raises(DataError, match=r"log\.txt: line 2 is longer than 8 B"):
        list(read_lines(b"a\n12345678\nb", "log.txt", max_line_bytes=8))
    with pytest.raises(DataError, match=r"log\.txt: line 1 is longer than 1\.0 MiB"):
        list(read_lines(bytes(2**20 + 1), "log.txt"))


def test_many_lines_end_at_the_bound() -> None:
    with pytest.raises(DataError, match="x: is larger than 100 B"):
        list(read_lines(b"line\n" * 100, "x", max_bytes=100))


def test_what_is_too_large_is_refused() -> None:
    require_at_most(3, b"abc", "x")
    with pytest.raises(DataError, match="x: is larger than 3 B"):
        require_at_most(3, b"abcd", "x")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[1,", "x: is not JSON"),
        (b"[NaN]", "NaN is no number"),
        (b"[-Infinity]", "-Infinity is no number"),
        (b"\xff\xfe\xff", "x: is not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[" + b"9" * 10_000 + b"]", "x: is not JSON"),
        (b"[" + b"[]," * 600_000 + b"1]", "too many parts"),
        (b"[" + b"1," * 4_100_000 + b"1]", "too many parts"),
    ],
)
def test_json_of_a_stranger(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_json(content, "x")


@given(st.binary(max_size=200))
def test_no_bytes_break_the_json_reader(content: bytes) -> None:
    with suppress(DataError):
        read_json(content, "x")
