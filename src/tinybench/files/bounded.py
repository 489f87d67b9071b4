"""Lines and JSON that a stranger wrote, without ever holding more of it than was agreed on.

Whoever opens a file bounds its bytes. What they turn into is bounded here: a line, a nesting, a number of
parts that takes many times the memory of its bytes end in a ``DataError``.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from functools import partial
from typing import Any, Final, NoReturn

from tinybench.errors import DataError
from tinybench.quantities import size

MAX_LINE_BYTES: Final = 2**20
MAX_TEXT_BYTES: Final = 256 * 2**20
MAX_JSON_BYTES: Final = 64 * 2**20

# What parsed JSON costs is decided by the number of its values, not by its bytes: about 250 bytes for each
# list or object and 40 for a number. With these bounds a document stays well below a gigabyte.
_MAX_CONTAINERS: Final = 500_000
_MAX_COMMAS: Final = 4_000_000


def require_at_most(max_bytes: int, data: bytes, name: str) -> None:
    """Refuse what is too large.

    Raises:
        DataError: it has more than ``max_bytes``.
    """
    if len(data) > max_bytes:
        raise DataError(f"{name}: is larger than {size(max_bytes)}")


def read_lines(
    data: bytes,
    name: str,
    *,
    max_line_bytes: int = MAX_LINE_BYTES,
    max_bytes: int = MAX_TEXT_BYTES,
) -> Iterator[str]:
    """The lines one by one, without line breaks; bytes that are no UTF-8 become U+FFFD.

    Raises:
        DataError: a line or the whole is too long.
    """
    require_at_most(max_bytes, data, name)
    # Of a line without end, no more is copied than shows that it is too long.
    take = partial(io.BytesIO(data).readline, max_line_bytes + 1)
    for number, line in enumerate(iter(take, b""), 1):
        if len(line) > max_line_bytes:
            raise DataError(f"{name}: line {number} is longer than {size(max_line_bytes)}")
        yield line.decode("utf-8", "replace").rstrip("\r\n")


def read_json(data: bytes, name: str, *, max_bytes: int = MAX_JSON_BYTES) -> Any:
    """The parsed document; NaN and Infinity, which are no JSON, are refused.

    Raises:
        DataError: it is no JSON, or too large, too deep or made of too many parts.
    """
    require_at_most(max_bytes, data, name)
    if data.count(b"[") + data.count(b"{") > _MAX_CONTAINERS or data.count(b",") > _MAX_COMMAS:
        raise DataError(f"{name}: is made of too many parts")
    try:
        return json.loads(data, parse_constant=_no_constant)
    except RecursionError:
        raise DataError(f"{name}: is nested too deeply") from None
    except ValueError as error:
        raise DataError(f"{name}: is not JSON: {_one_line(error)}") from None


def _no_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
