"""Damaged bytes of a serial line are read as what they are: no error, no hang, no wrong number."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serial_fuzz import complaint, device_lines, read, session, streams
from tinybench.boards.lines import MAX_LINE_BYTES, LineSplitter
from tinybench.boards.messages import Lap, Message, Ready, Results, parse

STREAMS = 8_000
"""Pieces of about ten lines; ``make fuzzlines`` reads 100,000 of them."""


@pytest.fixture(scope="module")
def sessions() -> list[bytes]:
    return [session()]


def test_damaged_lines(sessions: list[bytes]) -> None:
    seen, wrong = read(streams(STREAMS, 1, sessions))
    assert wrong == []
    assert seen.total() > 100_000
    # They are damaged, but not beyond recognition.
    assert min(seen[kind] for kind in ("Garbled", "Text", "Lap", "Results", "Buffer", "DeviceError")) > 500


def test_damaged_lines_of_published_runs(shared_data: Path) -> None:
    logs = sorted((shared_data / "golden_logs").glob("*/*/log.txt"))
    assert logs
    seen, wrong = read(streams(2_000, 2, [device_lines(logs)]))
    assert wrong == []
    assert seen["Results"] > 500


KNOWN = (
    "m-ready",
    "m-lap-us-52544608",
    "m-results-[0.004,0.996]",
    "e-[Unknown command: foo]",
    "m-model-[kws01]",
)


def lines_of(pieces: Iterable[bytes]) -> list[str]:
    """What a splitter makes of pieces."""
    splitter = LineSplitter()
    return [line for piece in pieces for line in splitter.feed(piece)]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300)))
def test_where_bytes_are_cut_makes_no_difference(data: bytes, places: list[int]) -> None:
    bounds = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    assert lines_of(data[begin:end] for begin, end in pairwise(bounds)) == lines_of([data])


@given(st.lists(st.sampled_from([b"\r", b"\n", b"m-ready", b"\x00", b"x"])).map(b"".join))
def test_lines_are_what_stands_between_line_ends(data: bytes) -> None:
    whole = data[: max(data.rfind(b"\r"), data.rfind(b"\n")) + 1]
    expected = [line for line in whole.replace(b"\r", b"\n").split(b"\n") if line]
    assert lines_of([data]) == [line.decode("ascii").replace("\x00", "\\x00") for line in expected]


@given(st.binary(max_size=200), st.sampled_from(KNOWN), st.sampled_from([b"\r\n", b"\n", b"\r"]))
def test_a_message_survives_any_line_before_it(garbage: bytes, known: str, end: bytes) -> None:
    found = [parse(line) for line in lines_of([garbage + end + known.encode() + end])]
    assert found[-1] == parse(known)


@given(st.binary(max_size=100), st.sampled_from(KNOWN))
def test_every_line_can_be_printed(garbage: bytes, known: str) -> None:
    for line in lines_of([garbage, known.encode(), garbage, b"\n"]):
        assert line.isprintable()
        assert line.isascii()


def test_a_line_without_an_end_takes_no_memory() -> None:
    splitter, piece = LineSplitter(), b"U" * 4096
    tracemalloc.start()
    try:
        for _ in range(5_000):  # 20 MB
            assert splitter.feed(piece) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * MAX_LINE_BYTES
    (cut, ready) = splitter.feed(b"\nm-ready\r\n")
    assert cut == "U" * MAX_LINE_BYTES
    assert parse(ready) == Ready()


@pytest.mark.parametrize(
    ("line", "misread"),
    [
        ("m-lap-us-5254460 ms", Lap(5254460)),
        ("m-lap-us-525446 ", Lap(525446)),
        ("m-lap-us-٣", Lap(3)),
        ("m-results-[0.1,0.2", Results((0.1,))),
        ("m-results-[0.1,nan]", Results((0.1, float("nan")))),
        ("m-ready?", Ready()),
    ],
)
def test_what_the_fuzzer_would_complain_of(line: str, misread: Message) -> None:
    """A fuzzer that never complains proves nothing."""
    assert parse(line) != misread
    assert complaint(line, misread) is not None
