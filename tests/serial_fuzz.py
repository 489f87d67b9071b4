"""Mutates what boards say on their serial line, and checks that every line is read as what it is.

As a script (``make fuzzlines``), ``python tests/serial_fuzz.py COUNT [SEED [LOG ...]]`` prints how many lines
were read as what, and exits with 1 if any raised an error, took too long or was read as something that it
does not say. What is mutated are sessions with the fake board, and what devices say in logs that are given.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import Random

from fake_board import Firmware, network
from tinybench.boards import messages
from tinybench.boards.lines import LineSplitter
from tinybench.boards.messages import Message, parse

STREAM_BYTES = 400
"""Length of a mutated piece of a session: about ten lines."""
LINE_S = 0.5
"""More than ten thousand times what a line of that length takes."""

_TOKENS = (
    *(b"m-lap-us-", b"m-results-[", b"m-ready", b"e-[", b"m-[Expecting ", b"m-buffer-", b"m-infer-start-"),
    *(b"\r", b"\n", b"\r\n", b"\x00", b"\xff", b"[", b"]", b",", b"-", b"%", b".", b"e", b" ", b"dut: "),
    *(b"9" * 20, b"9" * 400, b"0" * 30, b"1e308", b"1e999", b"-0", b"nan", b"inf", b"+", b"_", b"0x10"),
    *("٣²①９".encode(), "٣".encode("utf-16"), "\u2028\x85\xa0\x1c".encode(), b"\xd9", b"1_000", b"," * 300),
)
"""What readers of numbers and lines stumble over."""


def session() -> bytes:
    """All that a board says, whole and right: both kinds of timestamps, refusals, a buffer."""
    said = bytearray()
    for options in ({}, {"mode": "energy", "echoes": True}, {"line_end": b"\n", "clock_us": 0}):
        firmware = Firmware(network("kws"), **options)  # type: ignore[arg-type]
        said += b"".join(firmware.boot())
        commands = ("name", "profile", "timestamp", "foo", "db", "db load 16", "db 0g", "db " + "5a" * 16)
        for command in (*commands, "db print", "infer 300 1", "infer 0 1", "infer 1 0", "results"):
            said += b"".join(firmware.receive(f"{command}%".encode()))
    return bytes(said)


def device_lines(logs: Iterable[Path]) -> bytes:
    """What the device says in logs of published runs, as it came over the line."""
    pattern = re.compile(rb"^\S+ (?:dut|io): (.*)$", re.MULTILINE)
    return b"\r\n".join(line.strip() for log in logs for line in pattern.findall(log.read_bytes()))


def streams(count: int, seed: int, sessions: Sequence[bytes]) -> Iterator[bytes]:
    """Pieces of sessions, each with one to six mutations; one in fifty is nothing but noise."""
    random = Random(seed)
    for _ in range(count):
        if random.random() < 0.02:
            yield random.randbytes(random.randrange(STREAM_BYTES))
            continue
        whole = random.choice(sessions)
        begin = random.randrange(max(len(whole) - STREAM_BYTES, 1))
        piece = bytearray(whole[begin : begin + STREAM_BYTES])
        for _ in range(random.randrange(1, 7)):
            _mutate(piece, random, whole)
        yield bytes(piece)


def _mutate(piece: bytearray, random: Random, whole: bytes) -> None:
    at = random.randrange(len(piece) + 1)
    to = min(at + random.randrange(1, 12), len(piece))
    match random.randrange(6):
        case 0 if at < len(piece):
            piece[at] ^= 1 << random.randrange(8)
        case 1:
            del piece[at:to]
        case 2:
            piece[at:at] = piece[at:to] * random.choice((1, 2, 30))
        case 3:
            piece[at:at] = random.choice(_TOKENS)
        case 4:
            piece[at:at] = random.randbytes(random.randrange(1, 8))
        case _:
            begin = random.randrange(len(whole))
            piece[at:to] = whole[begin : begin + random.randrange(1, 60)]


def complaint(line: str, message: Message) -> str | None:
    """What is wrong with a line that was read so; None if nothing. Knows nothing of the reader's grammar."""
    said = line.rstrip("\r\n")
    match message:
        case messages.Lap(number) | messages.WarmupStart(number) | messages.InferStart(number):
            keyword = {
                messages.Lap: "m-lap-us-",
                messages.WarmupStart: "m-warmup-start-",
                messages.InferStart: "m-infer-start-",
            }[type(message)]
            digits = said.rpartition(keyword)[2]
            right = digits.isascii() and digits.isdecimal() and digits.lstrip("0") == str(number or "")
        case messages.Results(values):
            inside = said.rpartition("m-results-[")[2].strip().removesuffix("]").rstrip(" ").removesuffix(",")
            right = set(inside) <= set("0123456789+-.eE, ")
            right = right and [float(field) for field in inside.split(",")] == list(values)
            right &= all(abs(value) < float("inf") for value in values)
        case messages.Buffer(data):
            right = said.rpartition("m-buffer-")[2].strip().lower().replace("-", "") == data.hex()
        case messages.Expecting(count):
            right = f"Expecting {count} bytes]" in re.sub(r"Expecting 0+(?=\d)", "Expecting ", said)
        case messages.Ready():
            right = said.rstrip().endswith("m-ready")
        case messages.InferDone():
            right = said.rstrip().endswith("m-infer-done")
        case messages.Garbled(text):
            right = text in line
        case _:
            right = True
    return None if right else f"{line!r} was read as {message}"


def read(streamed: Iterable[bytes]) -> tuple[Counter[str], list[str]]:
    """How often a line was read as what, and what is wrong.

    Each piece arrives in two parts, at one splitter for all: what one piece leaves without an end stands
    before the next.
    """
    seen: Counter[str] = Counter()
    wrong = []
    splitter, random = LineSplitter(), Random(0)
    for stream in streamed:
        place = random.randrange(len(stream) + 1)
        for line in splitter.feed(stream[:place]) + splitter.feed(stream[place:]):
            began = time.thread_time()
            try:
                message = parse(line)
            except Exception as error:
                wrong.append(f"{line!r} raised {error!r}")
                continue
            if time.thread_time() - began > LINE_S:
                wrong.append(f"{line!r} took more than {LINE_S} s")
            seen[type(message).__name__] += 1
            if (said := complaint(line, message)) is not None:
                wrong.append(said)
    return seen, wrong


def _main(count: int, seed: int, logs: Sequence[Path]) -> int:
    sessions = [session()] + ([device_lines(logs)] if logs else [])
    seen, wrong = read(streams(count, seed, sessions))
    for kind, number in seen.most_common():
        print(f"{number:9} {kind}")
    for said in wrong:
        print(said)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(
        _main(
            int(sys.argv[1]),
            int(sys.argv[2]) if len(sys.argv) > 2 else 0,
            [Path(name) for name in sys.argv[3:]],
        )
    )
