from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from board_evidence import DATASET_SHA256, BoardLog, digest, measured_vww
from tinybench import specs
from tinybench.boards.replay import Subject, read_transcript
from tinybench.boards.transcript import Transcript
from tinybench.errors import DataError

LOG = measured_vww()[1]["log.txt"]
HEAD = LOG.splitlines(keepends=True)[:400]
BEGIN = "00000.000 session: begin tinybench 0.1.0 2026-11-21T12:00:00Z\n"


def small() -> BoardLog:
    log = BoardLog()
    log.begin("a" * 64, "performance")
    return log


def test_it_says_what_the_run_is_about() -> None:
    replay = read_transcript(LOG, "log.txt")
    assert replay.subjects == (
        Subject(
            task="vww",
            model=specs.models()["vww"].sha256,
            device="nucleo-l4r5zi",
            split="official",
            dataset=DATASET_SHA256,
            samples=1000,
        ),
    )
    assert (replay.ports, replay.names, replay.remarks) == (("/dev/ttyACM0",), ("unspecified",), ())
    assert replay.again == ()
    assert not replay.gaps


def test_runs_that_were_not_asked_for_are_none() -> None:
    log = small()
    log.window("performance", 1, "a.jpg", 10_000_000, (1.0, 0.0))
    log.say("session", "end")
    replay = read_transcript(log.encode(), "log.txt")
    assert replay.performance is not None
    assert (replay.energy, replay.accuracy) == (None, None)
    (window,) = replay.performance.windows
    assert (window.index, window.input_file, window.inferences, window.warmups) == (1, "a.jpg", 75, 1)
    assert (window.seconds, window.results) == (10.0, (1.0, 0.0))
    assert window.host_seconds == pytest.approx(10.0, abs=0.01)
    assert replay.loaded["performance"] == (digest("a.jpg"),)
    assert replay.performance.complete


@pytest.mark.parametrize(
    "line",
    [
        "m-lap-us-123",
        "m-infer-start-75",
        "m-infer-done",
        "m-results-[0.0,1.0]",
        "m-results-[0.",
        "m-init-done",
        "m-timestamp-mode-performance",
        "e-[Unknown command: in]",
    ],
)
def test_an_answer_with_anything_twice_broken_or_anew_is_none(line: str) -> None:
    log = small()
    log.window("performance", 1, "a.jpg", 10_000_000, (1.0, 0.0))
    k = next(k for k, text in enumerate(log.lines) if "m-results" in text)
    log.lines.insert(k, f"00001.000 dut: {line}")
    performance = read_transcript(log.encode(), "log.txt").performance
    assert performance is not None
    assert performance.windows == ()
    assert len(performance.errors) == line.startswith("e-[")


def test_debug_output_within_an_answer_is_none_of_it() -> None:
    log = small()
    log.window("performance", 1, "a.jpg", 10_000_000, (1.0, 0.0))
    k = next(k for k, text in enumerate(log.lines) if "m-results" in text)
    log.lines.insert(k, "00001.000 dut: heap: 12 KB free")
    performance = read_transcript(log.encode(), "log.txt").performance
    assert performance is not None
    assert len(performance.windows) == 1


def test_a_number_of_inferences_that_was_not_asked_for_is_no_answer() -> None:
    log = small()
    log.window("performance", 1, "a.jpg", 10_000_000, (1.0, 0.0))
    data = log.encode().replace(b"m-infer-start-75", b"m-infer-start-750")
    performance = read_transcript(data, "log.txt").performance
    assert performance is not None
    assert performance.windows == ()


def test_of_two_answers_the_last_counts_and_the_first_is_listed() -> None:
    log = small()
    log.window("performance", 1, "a.jpg", 10_500_000, (1.0, 0.0))
    log.window("performance", 1, "a.jpg", 10_000_000, (1.0, 0.0))
    replay = read_transcript(log.encode(), "log.txt")
    assert replay.performance is not None
    assert [window.seconds for window in replay.performance.windows] == [10.0]
    assert [(one.run, one.number, one.seconds, one.reason) for one in replay.again] == [
        ("performance", 1, 10.5, None)
    ]


def test_what_was_loaded_before_a_reset_is_gone() -> None:
    log = small()
    log.window("performance", 1, "a.jpg", 10_000_000, (1.0, 0.0))
    k = next(k for k, text in enumerate(log.lines) if "host: infer" in text)
    log.lines.insert(k, "00001.000 dut: m-init-done")
    assert read_transcript(log.encode(), "log.txt").loaded["performance"] == (None,)


def test_a_log_of_the_runner_s_own_writer_is_read(tmp_path: Path) -> None:
    """Times and escapes are those of ``Transcript``, whatever a board says."""
    times = iter([0.0, 0.25, 100_000.5])
    transcript = Transcript(tmp_path / "log.txt", lambda: next(times))
    transcript.say("session", "begin tinybench 0.1.0 2026-11-21T12:00:00Z")
    transcript.say("session", "performance 1 input yes/\N{LATIN SMALL LETTER A WITH DIAERESIS}.wav")
    transcript.close()
    replay = read_transcript((tmp_path / "log.txt").read_bytes(), "log.txt")
    assert replay.performance is not None
    assert replay.performance.windows == ()


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 1000, b"00000.000 session: end\n", b"session: begin tinybench 1\n"]
)
def test_what_is_no_such_log_is_refused(data: bytes) -> None:
    with pytest.raises(DataError, match=r"^log\.txt: is no log of the runner 'board'"):
        read_transcript(data, "log.txt")


def test_more_messages_than_any_run_prints_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinybench.boards.replay.MAX_FACTS", 1000)
    log = small()
    for number in range(1, 60):
        log.say("session", f"accuracy {number % 40 + 1} input a")
        log.infer(1, 0, 43_000, (1.0, 0.0))
    accuracy = read_transcript(log.encode(), "log.txt").accuracy
    assert accuracy is not None
    assert len(accuracy.samples) == 40
    for number in range(41, 60):
        log.say("session", f"accuracy {number} input a")
        log.infer(1, 0, 43_000, (1.0, 0.0))
    with pytest.raises(DataError, match=r"more than 1,000 facts"):
        read_transcript(log.encode(), "log.txt")


def test_an_answer_without_end_takes_no_memory() -> None:
    log = small()
    log.say("session", "performance 1 input a")
    log.say("host", "infer 10 0%")
    log.say("dut", "m-infer-start-10", *["m-lap-us-1"] * 10_000, "m-infer-done", "m-ready")
    performance = read_transcript(log.encode(), "log.txt").performance
    assert performance is not None
    assert performance.windows == ()


@given(st.integers(min_value=0, max_value=2**32))
def test_a_log_that_was_cut_shuffled_or_spoilt_ends_in_an_error_or_in_less(seed: int) -> None:
    rng = random.Random(seed)
    lines = list(HEAD)
    for _ in range(rng.randrange(1, 20)):
        k, other = rng.randrange(len(lines)), rng.randrange(len(lines))
        match rng.randrange(5):
            case 0:
                del lines[k]
            case 1:
                lines.insert(other, lines[k])
            case 2:
                lines[k], lines[other] = lines[other], lines[k]
            case 3:
                cut = rng.randrange(len(lines[k]) + 1)
                lines[k] = lines[k][:cut] + rng.randbytes(3) + lines[k][cut:]
            case 4:
                lines[k] = lines[k][: rng.randrange(len(lines[k]) + 1)]
    try:
        replay = read_transcript(b"".join(lines), "log.txt")
    except DataError:
        return
    windows = () if replay.performance is None else replay.performance.windows
    assert len({window.index for window in windows}) == len(windows)
    assert all(window.closed and len(window.laps_us) in (0, 2) for window in windows)
    assert len(replay.loaded["performance"]) == len(windows)


@given(st.binary(max_size=4000))
def test_any_bytes_end_in_an_error_or_in_a_replay(data: bytes) -> None:
    replay = read_transcript(BEGIN.encode() + data, "log.txt")
    assert replay.performance is None or replay.performance.runner == "board"
