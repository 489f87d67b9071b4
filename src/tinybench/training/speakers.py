"""On which side of the official partition of Speech Commands a speaker is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Literal

Side = Literal["training", "validation", "testing"]

_SPEAKER = re.compile(r"([0-9a-f]{8})_nohash_")
_MAX_CLIPS_PER_CLASS = 2**27 - 1  # "~134M", of the function that defines the partition


def official_side(speaker: str) -> Side:
    """The side that the data set's own rule gives a speaker (eight hexadecimal digits).

    Source: ``which_set`` in the README of Speech Commands (Warden 2018): 10 % validation, 10 % testing.
    """
    number = int(hashlib.sha1(speaker.encode()).hexdigest(), 16)
    percentage = number % (_MAX_CLIPS_PER_CLASS + 1) * (100.0 / _MAX_CLIPS_PER_CLASS)
    if percentage < 10:
        return "validation"
    return "testing" if percentage < 20 else "training"


def has_test_speakers(names: Iterable[str]) -> bool:
    """Whether any of these clip names is of a speaker of the official test side."""
    speakers = {found.group(1) for name in names if (found := _SPEAKER.search(name))}
    return any(official_side(speaker) == "testing" for speaker in speakers)
