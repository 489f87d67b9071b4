"""Unpacking a gzip file that nobody here has packed, block by block."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from tinybench.errors import DataError
from tinybench.quantities import size

_BLOCK: Final = 256 * 1024
_GZIP: Final = 16 + zlib.MAX_WBITS
"""Header and trailer of RFC 1952, with its checksum, and no other format."""
_FREE: Final = 1024 * 1024
"""However well something is packed, so little is no bomb."""


def gunzip(packed: Iterable[bytes], source: str, *, max_bytes: int, max_ratio: int) -> Iterator[bytes]:
    """Unpack one gzip member, in blocks of at most 256 KiB.

    Args:
        packed: the file, in blocks of any size.
        source: named in errors.
        max_bytes: what it may unpack to.
        max_ratio: how many bytes may come out of one, once more than 1 MiB came out. Deflate reaches 1030.

    Raises:
        DataError: it is not gzip, damaged, cut short, unpacks to more than allowed, or something follows it
            (a second member would hide behind the first, and thousands of empty ones only cost time).
    """
    member = zlib.decompressobj(_GZIP)
    read = written = 0
    for given in packed:
        read += len(given)
        rest = given
        # A full block can leave more behind even when all of the input was taken.
        full = True
        while (rest or full) and not member.eof:
            try:
                block = member.decompress(rest, _BLOCK)
            except zlib.error as error:
                raise DataError(f"{source}: not a gzip file, or damaged ({error})") from None
            rest, full = member.unconsumed_tail, len(block) == _BLOCK
            written += len(block)
            if written > max_bytes:
                raise DataError(f"{source}: unpacks to more than {size(max_bytes)}")
            if written > _FREE and written > max_ratio * read:
                raise DataError(f"{source}: unpacks to more than {max_ratio} times its size")
            if block:
                yield block
        if member.eof and (member.unused_data or rest):
            raise DataError(f"{source}: something follows the end of the gzip file")
    if not member.eof:
        raise DataError(f"{source}: a gzip file that is cut short")
