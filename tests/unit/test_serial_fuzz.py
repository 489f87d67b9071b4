"""A hundred thousand damaged lines are read as what they are: no error, no hang, no wrong number."""

from __future__ import annotations

from pathlib import Path

import pytest

from serial_fuzz import complaint, device_lines, read, session, streams
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
