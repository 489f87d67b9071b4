"""Trust tiers: what stands behind a figure, and so how far a reader may trust it.

A tier is never read from a submission. It follows from what was done here, or from the signed statement of
a reviewer, whose key is in this repository, about the very same files.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, get_args

Tier = Literal["reproduced", "evidence-checked", "published elsewhere", "claimed"]

TIERS: Final[tuple[Tier, ...]] = get_args(Tier)
"""From the most to the least that stands behind a figure."""

MEANING: Final[dict[Tier, str]] = {
    "reproduced": "executed again here, with the same outcome",
    "evidence-checked": "recomputed here from the raw logs that came with it",
    "published elsewhere": "copied from a publication that reviewed it; not recomputed here",
    "claimed": "as the submitter states it; nothing here supports or contradicts it",
}
"""What is shown beside each tier."""


@dataclass(frozen=True)
class Facts:
    """What is known about one result, each by what was done or seen here."""

    reproduced: bool = False
    """It was executed again on this machine and came out equal: bit for bit, where it is simulated."""
    recomputed: bool = False
    """Its figures were recomputed from its evidence, and no rule found an error in that."""
    published_elsewhere: bool = False
    """It has a ``source``: it was taken over from a publication."""


def tier_of(facts: Facts) -> Tier:
    """The highest tier that the facts support."""
    if facts.reproduced:
        return "reproduced"
    if facts.recomputed:
        return "evidence-checked"
    return "published elsewhere" if facts.published_elsewhere else "claimed"


def highest(tiers: Iterable[Tier]) -> Tier:
    """The highest of some tiers; ``claimed`` if there are none."""
    return min(tiers, key=TIERS.index, default="claimed")


def lowest(tiers: Iterable[Tier]) -> Tier:
    """The lowest of some tiers, which is that of all of them together; ``claimed`` if there are none."""
    return max(tiers, key=TIERS.index, default="claimed")
