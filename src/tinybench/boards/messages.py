"""The serial messages of a device under test: one line -> one typed message.

The grammar is that of MLPerf Tiny's firmware (``internally_implemented.cpp`` of the reference submissions,
derived from EEMBC's): ``m-...`` is a message, ``e-[...]`` an error, everything else is debug output. The line
may come from a serial port or from a log; a log's own columns are not part of it.

Real lines are not always clean. A host may have put its name for the device before the message, once or
twice (``dut: dut: m-ready``), and a device may echo the command without a line break
(``infer 1 0m-warmup-start-0``): what stands before a message is skipped. What follows a message has to be
right: a known message with anything else behind it is ``Garbled``, never half a number. Not even a space may
stand behind a number: it is a ``0`` with one bit lost.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

MAX_VALUES: Final = 4096
"""Longest results vector that is read; the largest of MLPerf Tiny has 12 values."""


@dataclass(frozen=True, slots=True)
class Lap:
    """``m-lap-us-N``: a timestamp of the device's free-running clock."""

    us: int


@dataclass(frozen=True, slots=True)
class WarmupStart:
    """``m-warmup-start-N``: N inferences that do not count follow."""

    count: int


@dataclass(frozen=True, slots=True)
class WarmupDone:
    """``m-warmup-done``."""


@dataclass(frozen=True, slots=True)
class InferStart:
    """``m-infer-start-N``: timestamp, N inferences, timestamp follow."""

    count: int


@dataclass(frozen=True, slots=True)
class InferDone:
    """``m-infer-done``: both timestamps of the window were taken."""


@dataclass(frozen=True, slots=True)
class Results:
    """``m-results-[...]``: the output of the last inference."""

    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Ready:
    """``m-ready``: the device waits for a command."""


@dataclass(frozen=True, slots=True)
class DeviceError:
    """``e-[...]``: the device refused or failed."""

    text: str


@dataclass(frozen=True, slots=True)
class Name:
    """``m-name-dut-[...]``: who made the device."""

    text: str


@dataclass(frozen=True, slots=True)
class Profile:
    """``m-profile-[...]``: which firmware API it speaks."""

    text: str


@dataclass(frozen=True, slots=True)
class Model:
    """``m-model-[...]``: which benchmark is built in, such as ``kws01``."""

    text: str


@dataclass(frozen=True, slots=True)
class TimestampMode:
    """``m-timestamp-mode-...``: timestamps are printed (performance) or are edges of a pin (energy)."""

    mode: Literal["performance", "energy"]


@dataclass(frozen=True, slots=True)
class InitDone:
    """``m-init-done``: the device has booted."""


@dataclass(frozen=True, slots=True)
class LoadDone:
    """``m-load-done``: the last byte of an input arrived."""


@dataclass(frozen=True, slots=True)
class Expecting:
    """``m-[Expecting N bytes]``: the answer to ``db load N``."""

    bytes: int


@dataclass(frozen=True, slots=True)
class Buffer:
    """``m-buffer-xx-xx-...``: bytes of the input buffer."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Info:
    """``m-[...]``: a remark of the device."""

    text: str


@dataclass(frozen=True, slots=True)
class Garbled:
    """A message that is cut, or has something else in or behind it."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """No message: debug output."""

    text: str


Message = (
    Lap
    | WarmupStart
    | WarmupDone
    | InferStart
    | InferDone
    | Results
    | Ready
    | DeviceError
    | Name
    | Profile
    | Model
    | TimestampMode
    | InitDone
    | LoadDone
    | Expecting
    | Buffer
    | Info
    | Garbled
    | Text
)

# Where a message begins. "e-[" also ends "m-profile-[" and the like, so it must not follow a letter.
_BEGINNING: Final = re.compile(
    r"m-(?:lap-us-|warmup-(?:start-|done)|infer-(?:start-|done)|results-|ready|name-dut-|profile-|model-"
    r"|timestamp-mode-|init-done|load-done|buffer-|\[)|(?<![A-Za-z_-])e-\["
)
_PREFIX: Final = re.compile(r"(?:\[?dut\]?:\s*)+")

_COUNTED: Final[dict[str, Callable[[int], Message]]] = {
    "m-lap-us-": Lap,
    "m-warmup-start-": WarmupStart,
    "m-infer-start-": InferStart,
}
_BARE: Final[dict[str, Message]] = {
    "m-warmup-done": WarmupDone(),
    "m-infer-done": InferDone(),
    "m-ready": Ready(),
    "m-init-done": InitDone(),
    "m-load-done": LoadDone(),
}
_NAMED: Final[dict[str, Callable[[str], Message]]] = {
    "m-name-dut-": Name,
    "m-profile-": Profile,
    "m-model-": Model,
    "m-": Info,
}
_MODES: Final[dict[str, Message]] = {
    "performance": TimestampMode("performance"),
    "energy": TimestampMode("energy"),
}
_EXPECTING: Final = re.compile(r"Expecting ([0-9]{1,9}) bytes")
_COUNT: Final = re.compile(r"[0-9]{1,20}")
_NUMBER: Final = re.compile(r"[-+]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][-+]?[0-9]{1,3})?")
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2}-?)*")


def parse(line: str) -> Message:
    """The message in a line, without its line break. Never fails: what is no message is ``Text``."""
    found = _BEGINNING.search(line)
    if found is None:
        line = line.strip()
        prefix = _PREFIX.match(line)
        return Text(line[prefix.end() :] if prefix else line)
    keyword, rest = found.group(), line[found.end() :].rstrip("\r\n")
    message = _message(keyword, rest)
    return Garbled(keyword + rest) if message is None else message


def _message(keyword: str, rest: str) -> Message | None:
    counted = _COUNTED.get(keyword)
    if counted is not None:
        return counted(int(rest)) if _COUNT.fullmatch(rest) else None
    rest = rest.rstrip()
    if keyword in _BARE:
        return None if rest else _BARE[keyword]
    if keyword == "m-results-":
        values = _values(rest)
        return None if values is None else Results(values)
    if keyword == "e-[":
        return DeviceError(rest.removesuffix("]"))
    if keyword == "m-timestamp-mode-":
        return _MODES.get(rest)
    if keyword == "m-buffer-":
        return Buffer(bytes.fromhex(rest.replace("-", ""))) if _HEX.fullmatch(rest) else None
    if keyword == "m-[":
        keyword, rest = "m-", "[" + rest
    if not (rest.startswith("[") and rest.endswith("]")):
        return None
    text = rest[1:-1]
    expecting = _EXPECTING.fullmatch(text) if keyword == "m-" else None
    return Expecting(int(expecting.group(1))) if expecting else _NAMED[keyword](text)


def _values(rest: str) -> tuple[float, ...] | None:
    """The numbers of ``[a,b,...]``; a comma may stand behind the last. None if something else is in there."""
    if not (rest.startswith("[") and rest.endswith("]")) or rest.count(",") > MAX_VALUES:
        return None
    fields = rest[1:-1].split(",")
    if len(fields) > 1 and not fields[-1].strip(" "):
        fields.pop()
    values = []
    for field in fields:
        field = field.strip(" ")
        if not _NUMBER.fullmatch(field):
            return None
        values.append(float(field))
    return tuple(values) if all(map(math.isfinite, values)) else None
