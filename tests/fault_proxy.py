"""What goes wrong between a board and a host: seeded faults on the line of a fake board.

Each kind is a ``Fault``, made from a seed that decides when it strikes, how often and with which bytes. The
same seed against the same run does the same. ``KINDS`` names them all and says what a run may make of each:
``recovers`` (the result is that of a run without the fault), ``fails`` (one clear error), or ``either``.

A fault that strikes once does so within the first ``SPAN`` lines that the board says: a run with five windows
and eight inputs of keyword spotting is 770 lines long, 380 of them before the last window is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Literal

from fake_board import Firmware, Line, Reset, Silence, Unplug

SPAN: Final = 700
Outcome = Literal["recovers", "fails", "either"]


class Fault(Line):
    """A line that does something wrong, at moments that its seed decides."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.said = 0
        """Lines of the board so far."""
        self.at = random.randrange(SPAN)
        """The line at which a fault strikes that strikes once."""
        self.struck = 0
        """How often it did: a run in which it never did proves nothing."""

    def to_host(self, data: bytes) -> Iterator[bytes]:
        self.said += 1
        yield from self.line(data, self.said - 1)

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        """What reaches the host of line ``number``."""
        yield data

    def cut(self, data: bytes) -> bytes:
        """The first part of a line: at least a byte is missing."""
        return data[: self.random.randrange(max(len(data) - 1, 1))]


class Unplugged(Fault):
    """The cable is pulled in the middle of a line, and stays out."""

    again_s: float | None = None
    name: str | None = None

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        if number == self.at:
            self.struck += 1
            yield self.cut(data)
            raise Unplug(self.again_s, self.name)
        yield data


class Replugged(Unplugged):
    """The cable is pulled, and plugged in again at once."""

    again_s = 0.02


class Renamed(Unplugged):
    """The cable is pulled and plugged in again, but the port gets another name."""

    again_s = 0.02
    name = "ttyACM1"


class WrongBaud(Fault):
    """The board speaks at a speed that no host would try."""

    speeds: tuple[int, ...] = (1200, 19200, 57600, 230400)

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.baud = random.choice(self.speeds)
        self.differs = False

    def heard(self, baud: int | None) -> None:
        self.differs = baud != self.baud

    def to_board(self, data: bytes) -> bytes:
        return self._garble(data)

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        yield self._garble(data)

    def _garble(self, data: bytes) -> bytes:
        """What a receiver makes of bytes at another speed: bits of neighbours, and fewer or more of them."""
        if not self.differs:
            return data
        self.struck += 1
        return bytes(self.random.choice((0, 0x80, 0xE0, 0xFE, byte ^ 0xA5)) for byte in data)


class UnexpectedBaud(WrongBaud):
    """The board speaks at another speed than its profile says, but at a usual one."""

    speeds = (9600, 921600)


class ResetOnce(Fault):
    """The board starts again in the middle of a line: its boot messages follow half of it."""

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        if number == self.at:
            self.struck += 1
            yield self.cut(data)
            raise Reset
        yield data


class ResetInWindow(Fault):
    """The board starts again within the timed part of a window."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.left = random.randrange(1, 8)
        """The window in which it does."""

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        if data.startswith(b"m-infer-start"):
            self.left -= 1
            if self.left == 0:
                self.struck += 1
                yield data
                raise Reset
        yield data


class ResetAlways(Fault):
    """The board starts again whenever it computes: its supply is too weak."""

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        if data.startswith(b"m-infer-start"):
            self.struck += 1
            yield data
            raise Reset
        yield data


class Noise(Fault):
    """Lines that mean nothing between those of the board, of any bytes."""

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        if self.random.random() < 0.1:
            self.struck += 1
            yield self._some() + b"\n"
        yield data

    def _some(self) -> bytes:
        return bytes(self.random.choices(range(256), k=self.random.randrange(1, 60))).replace(b"m-", b"..")


class NoiseInLine(Noise):
    """Bytes that mean nothing before or in a few lines of the board."""

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        if number in (self.at, self.at + 40):
            self.struck += 1
            place = self.random.randrange(len(data))
            data = data[:place] + self._some() + data[place:]
        yield data


class DebugOutput(Fault):
    """Debug output of the firmware between its messages, some of it much like a message."""

    TEXTS = (
        b"got ack from dsp\r\n",
        b"[00:00:01.234,000] <inf> app: tick\r\n",
        b"m-unknown-7\r\n",
        b"m-[temperature 31 C]\r\n",
        b"\r\n",
        b"lap-us-5\r\n",
        b"\x1b[32mOK\x1b[0m\r\n",
    )

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        if self.random.random() < 0.2:
            self.struck += 1
            yield self.random.choice(self.TEXTS)
        yield data


class InPieces(Fault):
    """Lines arrive in pieces, as a line buffer or a USB bridge cuts them; nothing is lost."""

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        self.struck += 1
        while data:
            length = self.random.randrange(1, len(data) + 1)
            yield data[:length]
            data = data[length:]


class HalfLine(Fault):
    """The end of a line is lost, and its line end with it: the next line stands behind it."""

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        if number == self.at:
            self.struck += 1
            data = self.cut(data)
        yield data


class LostLine(Fault):
    """A line is lost as a whole."""

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        if number == self.at:
            self.struck += 1
        else:
            yield data


class LostBytes(Fault):
    """A few bytes are lost on the way to the host."""

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        if number in (self.at, self.at + 40, self.at + 110):
            self.struck += 1
            place = self.random.randrange(len(data))
            data = data[:place] + data[place + self.random.randrange(1, 4) :]
        yield data


class DoubledBytes(Fault):
    """A few bytes arrive twice."""

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        if number in (self.at, self.at + 40, self.at + 110):
            self.struck += 1
            place = self.random.randrange(len(data))
            data = data[:place] + data[place : place + 2] + data[place:]
        yield data


class ToBoard(Fault):
    """One transfer to the board is changed; which one is counted in commands' ends."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.byte = random.randrange(14_000)
        """Of 15,000 that such a run writes."""

    def to_board(self, data: bytes) -> bytes:
        begin, self.byte = self.byte, self.byte - len(data)
        if not 0 <= begin < len(data):
            return data
        self.struck += 1
        return data[:begin] + self.changed(data[begin : begin + 1]) + data[begin + 1 :]

    def changed(self, byte: bytes) -> bytes:
        """What reaches the board of one byte."""
        raise NotImplementedError


class LostToBoard(ToBoard):
    """A byte on the way to the board is lost: in a command, in data, or the end of a command."""

    def changed(self, byte: bytes) -> bytes:
        return b""


class DoubledToBoard(ToBoard):
    """A byte on the way to the board arrives twice."""

    def changed(self, byte: bytes) -> bytes:
        return byte * 2


class NoiseToBoard(ToBoard):
    """Something else arrives at the board in place of a byte, and shows: it is no hexadecimal digit."""

    def changed(self, byte: bytes) -> bytes:
        return bytes([self.random.choice([0x00, 0x7F, 0xFF, 0x80 | byte[0], ord("?"), ord("\n")])])


class FlippedToBoard(ToBoard):
    """A digit of the data becomes another digit: the board cannot know."""

    def changed(self, byte: bytes) -> bytes:
        digits = b"0123456789abcdef"
        return bytes([self.random.choice([digit for digit in digits if digit != byte[0]])])


class Rewritten(Fault):
    """The board says something else than the lines that begin with ``instead``; ``times`` says how often."""

    times: int = 2**30
    instead: bytes

    def other(self, data: bytes) -> bytes:
        """What it says instead of such a line."""
        raise NotImplementedError

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        if data.startswith(self.instead) and self.struck < self.times:
            self.struck += 1
            data = self.other(data)
        yield data


class Answers(Rewritten):
    """It says the same each time: without more, that a command ended in an error."""

    text: bytes = b"e-[Tensor arena too small]"
    instead = b"m-infer-done"

    def other(self, data: bytes) -> bytes:
        return self.text + b"\r\n"


class RefusesOnce(Answers):
    """One inference ends in an error of the device."""

    times = 1


class Refuses(Answers):
    """Every inference ends in an error of the device."""


class RefusesInput(Answers):
    """The device takes no input."""

    text = b"e-[Buffer is busy]"
    instead = b"m-load-done"


class LostLap(Fault):
    """A timestamp at the edge of one window does not arrive."""

    times = 1

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.skip = random.randrange(1, 12)

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        if data.startswith(b"m-lap-us"):
            self.skip -= 1
            if self.skip <= 0 and self.struck < self.times:
                self.struck += 1
                return
        yield data


class NoLaps(LostLap):
    """No timestamp ever arrives."""

    times = 2**30

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.skip = 0


class ExtraLap(LostLap):
    """One timestamp comes twice."""

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        for line in super().line(data, number):
            yield line
            return
        yield data * 2


class LostDigit(LostLap):
    """A timestamp arrives with a digit less: still a number."""

    keyword = b"m-lap-us"

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        if data.startswith(self.keyword):
            self.skip -= 1
            if self.skip <= 0 and self.struck < self.times:
                self.struck += 1
                digits = [place for place, byte in enumerate(data) if chr(byte).isdecimal()]
                place = self.random.choice(digits)
                data = data[:place] + data[place + 1 :]
        yield data


class LostDigitOfResult(LostDigit):
    """A result arrives with a digit less: still a number."""

    keyword = b"m-results"


class WrongUnit(Rewritten):
    """The counter of the board does not count microseconds, but ticks of a tenth of that."""

    instead = b"m-lap-us-"

    def other(self, data: bytes) -> bytes:
        us = int(data[len(self.instead) :]) * 10 % 2**32
        return b"m-lap-us-%d\r\n" % us


class StoppedClock(Answers):
    """The counter of the board stands still."""

    instead, text = b"m-lap-us", b"m-lap-us-1000000"


class Hung(Fault):
    """The board says nothing more."""

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        if number == self.at:
            self.struck += 1
            yield self.cut(data)
            raise Silence
        yield data


class Slow(Fault):
    """Each line takes a few milliseconds more."""

    def wait_s(self) -> float:
        self.struck += 1
        return 0.001


class Late(Fault):
    """One line comes after all patience is over, and those behind it with it."""

    late_s = 0.7

    def wait_s(self) -> float:
        if self.said != self.at:
            return 0.0
        self.struck += 1
        self.at = -1
        return self.late_s


class Endless(Fault):
    """The board sends bytes without any line end, and never stops."""

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        if number < self.at:
            yield data
            return
        self.struck += 1
        while True:
            yield b"U" * 1024


class Babbling(Fault):
    """The board sends lines that mean nothing, and never stops."""

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        if number < self.at:
            yield data
            return
        self.struck += 1
        while True:
            yield b"panic: stack overflow\r\n" * 40


class BootLoop(Fault):
    """The board starts, and starts, and starts again."""

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        if number >= self.at and data.startswith(b"m-ready"):
            self.struck += 1
            raise Reset
        yield data


class BrokenResults(Rewritten):
    """All vectors of results are cut by debug output."""

    instead = b"m-results"

    def other(self, data: bytes) -> bytes:
        return data[: len(data) // 2] + b"heap ok\r\n" + data[len(data) // 2 :]


class ShortResults(Rewritten):
    """The vectors of results have one value too few."""

    instead = b"m-results"

    def other(self, data: bytes) -> bytes:
        return data[: data.rindex(b",")] + b"]\r\n" if b"," in data else b"m-results-[]\r\n"


class NoNumbers(Rewritten):
    """The results are no numbers."""

    instead = b"m-results"

    def other(self, data: bytes) -> bytes:
        return b"m-results-[" + b",".join([b"nan"] * (data.count(b",") + 1)) + b"]\r\n"


class OtherModel(Answers):
    """Firmware for another task is on the board."""

    instead, text = b"m-model", b"m-model-[sww01]"


class OtherProgram(Fault):
    """What runs on the board speaks no such protocol: a shell that answers each command."""

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        self.struck += 1
        yield b"uart:~$ command not found\r\n"


class Prefixed(Fault):
    """A host in between puts its name for the device before each line, once or twice."""

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        self.struck += 1
        yield self.random.choice((b"dut: ", b"dut: dut: ", b"[dut]: ")) + data


class Echoing(Fault):
    """The board echoes each command, without a line end."""

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        self.struck += not data.endswith((b"\n", b"\r"))
        yield data


class LineEnds(Fault):
    """The board ends its lines as no other does."""

    def line(self, data: bytes, number: int) -> Iterator[bytes]:
        self.struck += not data.endswith(b"\r\n")
        yield data


@dataclass(frozen=True)
class Kind:
    """One kind of fault: what makes it, what may come of it, and what is unusual in the firmware."""

    name: str
    make: Callable[[Random], Fault]
    outcome: Outcome
    firmware: dict[str, Any]


def _kind(name: str, make: type[Fault], outcome: Outcome, **firmware: Any) -> Kind:
    return Kind(name, make, outcome, firmware)


KINDS: Final = (
    _kind("unplugged", Unplugged, "fails"),
    _kind("replugged", Replugged, "either"),
    _kind("renamed", Renamed, "fails"),
    _kind("wrong baud", WrongBaud, "fails"),
    _kind("unexpected baud", UnexpectedBaud, "recovers"),
    _kind("reset", ResetOnce, "recovers"),
    _kind("reset in a window", ResetInWindow, "recovers"),
    _kind("reset in every window", ResetAlways, "fails"),
    _kind("boot loop", BootLoop, "fails"),
    _kind("noise between lines", Noise, "recovers"),
    _kind("noise in lines", NoiseInLine, "recovers"),
    _kind("debug output", DebugOutput, "recovers"),
    _kind("lines in pieces", InPieces, "recovers"),
    _kind("half a line", HalfLine, "recovers"),
    _kind("lost line", LostLine, "recovers"),
    _kind("lost bytes", LostBytes, "recovers"),
    _kind("doubled bytes", DoubledBytes, "recovers"),
    _kind("byte lost to the board", LostToBoard, "recovers"),
    _kind("byte doubled to the board", DoubledToBoard, "recovers"),
    _kind("noise to the board", NoiseToBoard, "recovers"),
    _kind("digit flipped to the board", FlippedToBoard, "recovers"),
    _kind("an error of the device, once", RefusesOnce, "either"),
    _kind("errors of the device", Refuses, "fails"),
    _kind("no input taken", RefusesInput, "fails"),
    _kind("lost timestamp", LostLap, "recovers"),
    _kind("no timestamps", NoLaps, "fails"),
    _kind("extra timestamp", ExtraLap, "recovers"),
    _kind("lost digit of a timestamp", LostDigit, "recovers"),
    _kind("lost digit of a result", LostDigitOfResult, "recovers"),
    _kind("stopped clock", StoppedClock, "fails"),
    _kind("hung", Hung, "fails"),
    _kind("slow", Slow, "recovers"),
    _kind("late", Late, "recovers"),
    _kind("endless line", Endless, "fails"),
    _kind("babbling", Babbling, "fails"),
    _kind("broken results", BrokenResults, "fails"),
    _kind("short results", ShortResults, "fails"),
    _kind("results that are no numbers", NoNumbers, "fails"),
    _kind("another model", OtherModel, "fails"),
    _kind("another program", OtherProgram, "fails"),
    _kind("prefixed", Prefixed, "recovers"),
    _kind("echo", Echoing, "recovers", echoes=True),
    _kind("line ends CR", LineEnds, "recovers", line_end=b"\r"),
    _kind("line ends LF", LineEnds, "recovers", line_end=b"\n"),
)
"""Every kind, in the order of the tests."""


def kind(name: str) -> Kind:
    """The kind of that name."""
    return next(each for each in KINDS if each.name == name)


def faulty(chosen: Kind, seed: int, firmware: Callable[..., Firmware]) -> tuple[Firmware, Fault]:
    """A board and a line with a fault."""
    return firmware(**chosen.firmware), chosen.make(Random(f"{chosen.name} {seed}"))
