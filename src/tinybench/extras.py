"""Packages that only some commands need: the extras of the distribution."""

from __future__ import annotations

from typing import Final, Literal

DISTRIBUTION: Final = "tinybench-suite"
"""What tinybench is called where packages are."""

Extra = Literal["boards", "figures", "litert", "npu", "sign", "site", "train"]


def installing(extra: Extra) -> str:
    """The command that installs an extra, for the hint of an error."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"
