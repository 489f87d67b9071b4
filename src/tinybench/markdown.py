"""Markdown of pages that are written from the code: text that stays text, and tables.

What is written reads the same to Python-Markdown, which builds the site, and to CommonMark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

_CODE: Final = re.compile(r"(`+)(.+?)\1", re.DOTALL)
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]#|])")


def text(plain: str) -> str:
    """Text in which only code between backticks is markup.

    Angle brackets become entities: Python-Markdown knows no backslash before them, and sees HTML.
    """
    parts = []
    end = 0
    for found in _CODE.finditer(plain):
        parts += [_escaped(plain[end : found.start()]), f"`{found[2].strip('`')}`"]
        end = found.end()
    return "".join([*parts, _escaped(plain[end:])])


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already, each on one line."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(' '.join(cell.split()) for cell in line)} |\n" for line in lines)


def _escaped(plain: str) -> str:
    return _SPECIAL.sub(r"\\\1", plain).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
