"""JSON that somebody else wrote: read with bounds, and with nothing that two programs read in two ways.

RFC 8259 leaves open what duplicate keys, huge numbers and lone surrogates mean, and Python also takes NaN
and Infinity. Here all of them are errors, so that whoever reads the file sees what was checked.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from tinybench.errors import DataError
from tinybench.quantities import size


@dataclass(frozen=True)
class JsonLimits:
    """How large a document may be. The defaults keep it under 500 MB in memory."""

    bytes: int = 32 * 1024 * 1024
    """A power trace of 20 minutes at 1 kHz, written as decimal numbers, has 25 MB."""
    depth: int = 32
    containers: int = 1_000_000
    """Lists and objects, counted by their opening brackets."""
    values: int = 5_000_000
    """Counted by commas and opening brackets, those in strings included."""


MAX_MAGNITUDE: Final = 1e30
"""No quantity of a benchmark comes near, and products of a few of them stay finite."""
_MAX_DIGITS: Final = 64
_STRING: Final = r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)'
"""Possessive, and it also takes a string that never ends: linear in time whatever the document is."""
_STRUCTURE: Final = re.compile(rf"{_STRING}|[\[\]{{}}]", re.DOTALL)
_TOKEN: Final = re.compile(rf"{_STRING}|[\[\]{{}}]|-?\d[\d.eE+-]*|-?Infinity|NaN", re.DOTALL)
_COLON: Final = re.compile(r"\s*:")
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


def loads(data: bytes, source: str, limits: JsonLimits = JsonLimits()) -> Any:
    """Parse a whole document; integers stay ``int``, other numbers become ``float``.

    Args:
        data: what the file holds.
        source: named in errors, usually the path of the file.
        limits: how large it may be.

    Raises:
        DataError: it is larger than the limits, not UTF-8, not JSON, or has a key twice, NaN, Infinity, a
            number beyond 1e30, an integer beyond 64 bits, or half of a surrogate pair. The message names the
            source, and line and column where there is one place to point at.
    """
    if len(data) > limits.bytes:
        raise DataError(f"{source}: has {size(len(data))}, more than {size(limits.bytes)}")
    containers = data.count(b"[") + data.count(b"{")
    if containers > limits.containers:
        raise DataError(f"{source}: has more than {limits.containers} lists and objects")
    if containers + data.count(b",") > limits.values:
        raise DataError(f"{source}: has more than {limits.values} values")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{source}: byte {error.start + 1} is not UTF-8", hint="save it as UTF-8") from None
    if text.startswith("\ufeff"):
        raise DataError(f"{source}: begins with a byte order mark", hint="save it as UTF-8 without BOM")
    if containers > limits.depth:
        _check_depth(text, source, limits.depth)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as error:
        reason = error.msg[:1].lower() + error.msg[1:]
        raise DataError(f"{source}: line {error.lineno} column {error.colno}: {reason}") from None
    except _RefusedError as refused:
        raise DataError(f"{source}: {_place_of_refusal(text)}{refused}") from None
    if _SURROGATE.search(text):
        _check_surrogates(value, source)
    return value


class _RefusedError(Exception):
    """JSON that is well formed and not taken; the parser does not tell where."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _RefusedError(f"key {_shown(key)} is there twice")
            seen.add(key)
    return made


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS or not -(2**63) <= (value := int(text)) < 2**63:
        raise _RefusedError(f"{_cut(text)} has more than 64 bits")
    return value


def _float(text: str) -> float:
    if len(text) > _MAX_DIGITS:
        raise _RefusedError(f"number {_cut(text)} has more than {_MAX_DIGITS} characters")
    value = float(text)
    if not abs(value) <= MAX_MAGNITUDE:
        raise _RefusedError(f"number {text} is beyond {MAX_MAGNITUDE:g}")
    return value


def _constant(text: str) -> NoReturn:
    raise _RefusedError(f"{text} is not a number")


def _cut(text: str) -> str:
    return text if len(text) <= 24 else f"{text[:24]}..."


def _shown(text: str) -> str:
    return ascii(_cut(text))


def _check_depth(text: str, source: str, limit: int) -> None:
    depth = 0
    for token in _STRUCTURE.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth > limit:
                place = _line_and_column(text, token.start())
                raise DataError(f"{source}: {place}nested more than {limit} deep")
        elif token[0] in "]}":
            depth -= 1


def _place_of_refusal(text: str) -> str:
    """Where the first token is that the hooks refuse.

    A second pass, so that only broken documents pay for it. It may find an earlier place than the one that
    the parser stopped at (a key is only known to be there twice at the end of its object): both are wrong.
    """
    keys: list[set[str]] = []
    for token in _TOKEN.finditer(text):
        found = token[0]
        if found in "[{":
            keys.append(set())
        elif found in "]}":
            keys.pop()
        elif found.startswith('"'):
            if keys and _COLON.match(text, token.end()):
                key = json.loads(found)
                if key in keys[-1]:
                    return _line_and_column(text, token.start())
                keys[-1].add(key)
        else:
            try:
                json.loads(found, parse_int=_integer, parse_float=_float, parse_constant=_constant)
            except _RefusedError:
                return _line_and_column(text, token.start())
    return ""


def _line_and_column(text: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    return f"line {line} column {position - text.rfind(chr(10), 0, position)}: "


def _check_surrogates(value: Any, source: str) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise DataError(f"{source}: a text holds half of a surrogate pair") from None
