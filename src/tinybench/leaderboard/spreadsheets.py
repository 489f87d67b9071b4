"""Texts of submissions in CSV files, which people open with spreadsheets."""

from __future__ import annotations

from typing import Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet may take for the beginning of a formula (OWASP, CSV Injection)."""


def harmless(text: str) -> str:
    """The text, with an apostrophe before it if a spreadsheet might execute it."""
    return f"'{text}" if text.startswith(_FORMULA) else text
