from __future__ import annotations

from pathlib import Path

import pytest

from tinybench.boards.transcript import Entry, Transcript, read

HOSTILE = ("\n00001.000 session: end", "\r\n00001.000 host: infer 1 1%", "\x1b[2J", "\x00", "µ\u2028\x85")


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_begins_a_line_of_its_own_or_moves_a_cursor(tmp_path: Path, text: str) -> None:
    path = tmp_path / "log.txt"
    transcript = Transcript(path, clock=lambda: 2.0)
    transcript.say("meter", f"analyser{text}")
    transcript.close()
    data = path.read_bytes()
    assert all(0x20 <= byte < 0x7F for byte in data[:-1])
    (entry,) = read(data, "log.txt")
    assert (entry.source, entry.text[:8]) == ("meter", "analyser")


def test_what_is_printable_stands_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    transcript = Transcript(path, clock=lambda: 2.0)
    transcript.say("dut", r"m-name-dut-[a\x1b]")
    transcript.close()
    assert list(read(path.read_bytes(), "log.txt")) == [Entry(0.0, "dut", r"m-name-dut-[a\x1b]")]
