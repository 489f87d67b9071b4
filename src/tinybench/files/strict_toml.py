"""TOML that somebody else wrote: read with bounds, and with numbers that can be computed with."""

from __future__ import annotations

import re
import tomllib
from typing import Any, Final

from tinybench.errors import DataError
from tinybench.files.strict_json import MAX_MAGNITUDE
from tinybench.quantities import size

_MAX_BYTES: Final = 256 * 1024
_MAX_DEPTH: Final = 16
_PART: Final = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')"""
_DEEP_KEY: Final = re.compile(rf"(?<![A-Za-z0-9_-]){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{_MAX_DEPTH}}}")
"""A key of too many parts, seen before ``tomllib`` needs memory for the square of their number: gigabytes
for a line of 64 KB."""


def loads(data: bytes, source: str) -> dict[str, Any]:
    """Parse a whole document.

    Args:
        data: what the file holds.
        source: named in errors, usually the path of the file.

    Raises:
        DataError: it has more than 256 KiB, is not UTF-8, not TOML (which has no duplicate keys), nested more
            than 16 deep, or has nan, inf, a number beyond 1e30 or an integer beyond 64 bits.
    """
    if len(data) > _MAX_BYTES:
        raise DataError(f"{source}: has {size(len(data))}, more than {size(_MAX_BYTES)}")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{source}: byte {error.start + 1} is not UTF-8", hint="save it as UTF-8") from None
    if _DEEP_KEY.search(text):
        raise DataError(f"{source}: nested more than {_MAX_DEPTH} deep")
    try:
        document = tomllib.loads(text)
    except ValueError as error:  # also of int(), for thousands of digits
        raise DataError(f"{source}: {error}", hint="correct the file") from None
    except RecursionError:
        raise DataError(f"{source}: nested more than {_MAX_DEPTH} deep") from None
    _check_values(document, source)
    return document


def _check_values(document: dict[str, Any], source: str) -> None:
    # A stack and no recursion: tables in tables nest deeper than one key can.
    waiting: list[tuple[int, str, Any]] = [(0, "", document)]
    while waiting:
        depth, key, value = waiting.pop()
        if depth > _MAX_DEPTH:
            raise DataError(f"{source}: nested more than {_MAX_DEPTH} deep")
        match value:
            case dict():
                waiting += [(depth + 1, name, item) for name, item in value.items()]
            case list():
                waiting += [(depth + 1, key, item) for item in value]
            case bool():
                pass
            case int() if not -(2**63) <= value < 2**63:
                raise DataError(f"{source}: {key[:60]!a} has more than 64 bits")
            case float() if not abs(value) <= MAX_MAGNITUDE:
                raise DataError(f"{source}: {key[:60]!a} is {value}, no number up to {MAX_MAGNITUDE:g}")
