"""Names and numbers in figures. Names come from submissions: they may hold anything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from tinybench.leaderboard.rounds import numbers
from tinybench.results.schema import Mode

_COMMIT: Final = re.compile(r"\b([0-9a-f]{7})[0-9a-f]{33}\b")


def plain(text: str) -> str:
    """A name on one line, with commits at seven digits; what cannot be printed is a question mark."""
    line = " ".join(text.split())
    return _COMMIT.sub(r"\1", "".join(letter if letter.isprintable() else "?" for letter in line))


def count(number: int, one: str, many: str | None = None) -> str:
    """A number and what is counted, such as ``1 result`` and ``2 results``."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def by_mode(counts: Mapping[Mode, int]) -> str:
    """How many results of each mode, such as ``1 measured and 3 simulated results``."""
    parts = [f"{number:,} {mode}" for mode, number in counts.items() if number]
    return f"{listed(parts)} {'result' if sum(counts.values()) == 1 else 'results'}"


def listed(parts: Sequence[str]) -> str:
    """Parts of a sentence: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def rounds(names: Iterable[str]) -> str:
    """Rounds of a publication by their numbers, such as ``MLPerf Tiny v0.5, v0.7 and v1.3``."""
    ordered = sorted({name.removeprefix("mlperf-") for name in names}, key=numbers)
    return f"MLPerf Tiny {listed(ordered)}"


def published(names: Iterable[str], results: int) -> str:
    """A sentence of a caption: whose results these are."""
    return (
        f"{count(results, 'result')} {'was' if results == 1 else 'were'} measured by others and published in "
        f"{rounds(names)}; this is no official comparison of them."
    )
