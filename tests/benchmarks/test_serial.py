"""Speed of the reader of serial lines, so that no board can speak faster than it is read."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from serial_fuzz import session, streams
from tinybench.boards.lines import LineSplitter
from tinybench.boards.messages import Ready, parse

WANTED_BYTES_PER_S = 1_000_000
PIECE_BYTES = 64
"""What a full-speed USB bridge delivers at once."""
MOST = 60
"""Times what Python needs to take the same lines from a file, and to look into each."""


def cpu_seconds(function: Callable[[], object]) -> float:
    """Processor time of one call, the best of three."""
    taken = []
    for _ in range(3):
        before = time.process_time()
        function()
        taken.append(time.process_time() - before)
    return min(taken)


def messages(pieces: list[bytes]) -> int:
    """How often the device was ready."""
    splitter = LineSplitter()
    return sum(parse(line) == Ready() for piece in pieces for line in splitter.feed(piece))


@pytest.mark.parametrize("what", ["sessions", "damaged"])
def test_serial_lines(benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str], what: str) -> None:
    """Beside it, the least that any reader of lines does."""
    whole = session() * 300 if what == "sessions" else b"".join(streams(1_500, 3, [session()]))
    pieces = [whole[start : start + PIECE_BYTES] for start in range(0, len(whole), PIECE_BYTES)]
    least = cpu_seconds(lambda: sum(b"m-ready" in line for line in whole.splitlines()))
    taken = cpu_seconds(lambda: messages(pieces))
    found = benchmark(messages, pieces[:1000])
    bytes_per_s = len(whole) / taken
    benchmark.extra_info.update(bytes_per_s=bytes_per_s, ratio=taken / least)
    with capsys.disabled():
        print(f"\nserial lines, {what}: {bytes_per_s / 1e6:.1f} MB/s, {taken / least:.0f} times the least")
    assert found > 50
    assert bytes_per_s >= WANTED_BYTES_PER_S
    assert taken / least < MOST
