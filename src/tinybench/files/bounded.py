"""Reading what a stranger wrote without ever holding more of it than was agreed on.

Everything works on bytes or a binary stream, and the stream may decompress: a line of 2 GB, a gzip bomb and
a broken stream all end in a ``DataError`` after a bounded number of bytes.
"""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final, NoReturn

from tinybench.errors import DataError
from tinybench.quantities import size

MAX_LINE_BYTES: Final = 2**20
MAX_TEXT_BYTES: Final = 256 * 2**20
MAX_JSON_BYTES: Final = 64 * 2**20

# What parsed JSON costs is decided by the number of its values, not by its bytes: about 250 bytes for each
# list or object and 40 for a number. With these bounds a document stays well below a gigabyte.
_MAX_CONTAINERS: Final = 500_000
_MAX_COMMAS: Final = 4_000_000


def read_bounded(data: bytes | BinaryIO, name: str, max_bytes: int) -> bytes:
    """The whole content.

    Raises:
        DataError: it has more than ``max_bytes``, or the stream is broken.
    """
    with _stream_errors(name):
        content = data if isinstance(data, bytes) else data.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise DataError(f"{name}: is larger than {size(max_bytes)}")
    return content


def read_lines(
    data: bytes | BinaryIO,
    name: str,
    *,
    max_line_bytes: int = MAX_LINE_BYTES,
    max_bytes: int = MAX_TEXT_BYTES,
) -> Iterator[str]:
    """The lines one by one, without line breaks; bytes that are no UTF-8 become U+FFFD.

    Raises:
        DataError: a line or the whole is too long, or the stream is broken.
    """
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    total, number = 0, 0
    with _stream_errors(name):
        while line := stream.readline(max_line_bytes + 1):
            number, total = number + 1, total + len(line)
            if len(line) > max_line_bytes:
                raise DataError(f"{name}: line {number} is longer than {size(max_line_bytes)}")
            if total > max_bytes:
                raise DataError(f"{name}: is larger than {size(max_bytes)}")
            yield line.decode("utf-8", "replace").rstrip("\r\n")


def read_json(data: bytes | BinaryIO, name: str, *, max_bytes: int = MAX_JSON_BYTES) -> Any:
    """The parsed document; NaN and Infinity, which are no JSON, are refused.

    Raises:
        DataError: it is no JSON, or too large, too deep or made of too many parts.
    """
    content = read_bounded(data, name, max_bytes)
    if content.count(b"[") + content.count(b"{") > _MAX_CONTAINERS or content.count(b",") > _MAX_COMMAS:
        raise DataError(f"{name}: is made of too many parts")
    try:
        return json.loads(content, parse_constant=_no_constant)
    except RecursionError:
        raise DataError(f"{name}: is nested too deeply") from None
    except ValueError as error:
        raise DataError(f"{name}: is not JSON: {_one_line(error)}") from None


def _no_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


@contextmanager
def _stream_errors(name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{name}: cannot be read: {_one_line(error)}") from error


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
