"""Files of strangers: bounded in every direction."""

from __future__ import annotations

import gzip
import io
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybench.errors import DataError
from tinybench.files.bounded import read_bounded, read_json, read_lines


class Endless(io.RawIOBase):
    """A stream of one endless line."""

    def __init__(self) -> None:
        self.given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        buffer[:] = b"0" * len(buffer)
        self.given += len(buffer)
        return len(buffer)


def test_lines_without_their_breaks() -> None:
    assert list(read_lines(b"a\nb\r\nc\r\r\n\nlast", "x")) == ["a", "b", "c", "", "last"]


def test_bytes_that_are_no_text_survive() -> None:
    assert list(read_lines(b"a\xff\x00b\n", "x")) == ["a\ufffd\x00b"]


def test_an_endless_line_is_read_up_to_the_bound_only() -> None:
    endless = Endless()
    with pytest.raises(DataError, match=r"log\.txt: line 1 is longer than 1\.0 MiB"):
        list(read_lines(io.BufferedReader(endless), "log.txt"))
    assert endless.given < 2**21


def test_a_gzip_bomb_is_read_up_to_the_bound_only() -> None:
    bomb = io.BytesIO()
    with gzip.open(bomb, "wb") as file:
        for _ in range(64):
            file.write(bytes(2**20))
    bomb.seek(0)
    tracemalloc.start()
    with gzip.open(bomb) as stream, pytest.raises(DataError, match="line 1 is longer"):
        list(read_lines(stream, "log.txt.gz"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * 2**20


def test_many_lines_end_at_the_bound() -> None:
    with pytest.raises(DataError, match="x: is larger than 100 B"):
        list(read_lines(b"line\n" * 100, "x", max_bytes=100))


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(b"line\n" * 100)[:-20]])
def test_a_broken_stream(content: bytes) -> None:
    with gzip.open(io.BytesIO(content)) as stream, pytest.raises(DataError, match="x: cannot be read"):
        list(read_lines(stream, "x"))


def test_read_bounded() -> None:
    assert read_bounded(b"abc", "x", 3) == b"abc"
    assert read_bounded(io.BytesIO(b"abc"), "x", 3) == b"abc"
    for data in (b"abcd", io.BytesIO(b"abcd")):
        with pytest.raises(DataError, match="x: is larger than 3 B"):
            read_bounded(data, "x", 3)


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
