"""What the first bytes of a file say that it is."""

from __future__ import annotations

import math
import re
import struct
from typing import Final

from tinybench.submissions.layout import Kind

_MACH_O: Final = tuple(bytes.fromhex(x) for x in ("feedface", "feedfacf", "cefaedfe", "cffaedfe"))
_PROGRAMS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\x7fELF", "an ELF file"),
    *((magic, "a Mach-O file") for magic in _MACH_O),
    (b"\xca\xfe\xba\xbe", "a Java class or Mach-O file"),
    (b"\0asm", "WebAssembly"),
    (b"dex\n", "a Dalvik file"),
    (b"!<arch>\n", "a static library"),
    (b"BC\xc0\xde", "LLVM bitcode"),
    (b"#!", "a script"),
    (b"UF2\n", "a UF2 firmware image"),
)
_FIRMWARE: Final = re.compile(rb":[0-9A-Fa-f]{6}0[0-5][0-9A-Fa-f]{2,}\r?\n|S0[0-9A-Fa-f]{8,}\r?\n")
"""First line of Intel HEX, or of Motorola S-records."""
GZIP: Final = b"\x1f\x8b"
_ARCHIVES: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"PK\3\4", "a .zip"),
    (0, b"PK\5\6", "a .zip"),
    (0, GZIP, "a .gz"),
    (0, b"BZh", "a .bz2"),
    (0, b"\xfd7zXZ\0", "a .xz"),
    (0, b"\x28\xb5\x2f\xfd", "a .zst"),
    (0, b"7z\xbc\xaf\x27\x1c", "a .7z"),
    (0, b"Rar!\x1a\x07", "a .rar"),
    (257, b"ustar", "a .tar"),
)
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_NPY: Final = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '[<>|][biufc]\d{1,2}', 'fortran_order': (?:True|False), "
    rb"'shape': \([0-9, ]*\), \} *\n",
    re.DOTALL,
)
"""Version 1.0 of the format, with a header as NumPy writes it and numbers for elements."""
_TRACE: Final = 0xF1
_MAX_RATE_HZ: Final = 10e6
"""The fastest power analysers sample at 2 MHz."""


def program(head: bytes) -> str | None:
    """Which program a file that begins like this is; None if none that is known."""
    for magic, name in _PROGRAMS:
        if head.startswith(magic):
            return name
    if head.startswith(b"MZ") and b"\0" in head[:64]:
        return "a Windows program"
    if _FIRMWARE.match(head):
        return "a firmware image in text"
    return None


def other_content(kind: Kind, head: bytes, file_bytes: int) -> str | None:
    """What a file is instead of what its name says, in words; None if it is that."""
    match kind.content:
        case "png":
            return None if head.startswith(_PNG) else "does not begin like a .png"
        case "npy":
            return None if _NPY.match(head) else "is not a NumPy array of plain numbers"
        case "trace":
            return None if _is_trace(head, file_bytes) else "does not begin like a power trace"
        case _:  # text of some kind, or what a .gz holds
            for offset, magic, name in _ARCHIVES:
                if head.startswith(magic, offset):
                    return f"begins like {name}" if kind.content != "gzip" else f"holds {name}"
            return "is not text: it holds NUL bytes" if b"\0" in head else None


def _is_trace(head: bytes, file_bytes: int) -> bool:
    """Byte F1, the sample rate in Hz, and one sample after the other, as float32 of little endian."""
    if len(head) < 5 or head[0] != _TRACE or (file_bytes - 5) % 4:
        return False
    rate_hz: float = struct.unpack_from("<f", head, 1)[0]
    return math.isfinite(rate_hz) and 0 < rate_hz <= _MAX_RATE_HZ
