"""The synthetic voices of the keyword spotting clips, and what each of them is used for.

A voice, the speaker it was built from, and an espeak-ng accent or variant belong to the training clips or
to the smoke split, never to both: the smoke split is spoken by voices that no reference model has heard.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["PACKAGES", "SMOKE", "TRAIN", "VOICES", "Engine", "Voice", "voices_of"]

Engine = Literal["espeak-ng", "flite", "festival"]
TRAIN, SMOKE = "train", "smoke"

PACKAGES: dict[str, tuple[str, ...]] = {
    "espeak-ng": ("espeak-ng",),
    "flite": ("flite",),
    "festival": ("festival", "festvox-kallpc16k", "festvox-kdlpc16k", "festvox-us-slt-hts"),
}
"""Debian packages of each engine."""


@dataclass(frozen=True)
class Voice:
    """One synthetic voice."""

    engine: Engine
    name: str
    """espeak-ng: ``<accent>+<variant>``; flite: name for ``-voice``; festival: name after ``voice_``."""
    speaker: str
    """The person or the parameter set behind it; two engines may offer the same one."""
    used_for: str
    """``train`` or ``smoke``."""
    pitch_hz: float | None = None
    """Mean F0 that ``pitch`` 1.0 stands for; None where the voice's own is kept."""


_TRAIN_ACCENTS = ("en-us", "en-gb", "en-gb-x-rp", "en-gb-x-gbclan", "en-029")
_TRAIN_VARIANT_NAMES = """
f1 f2 f4 m1 m2 m3 m4 m5 m6 Alex Andy Annie Denis Lee Mario Henrique adam antonio belinda benjamin boris
caleb david ed grandma klatt klatt2 linda max michel miguel pablo paul quincy rob robert shelby steph travis
victor zac
"""
_TRAIN_VARIANTS = tuple(_TRAIN_VARIANT_NAMES.split())
_SMOKE_ACCENTS = ("en-gb-scotland", "en-us-nyc", "en-gb-x-gbcwmd")
_SMOKE_VARIANTS = ("m7", "f5", "Michael", "f3", "m8", "Alicia", "edward", "norbert", "anika")

VOICES: tuple[Voice, ...] = (
    # flite's kal and kal16 and festival's kal_diphone are one speaker (Kevin Lenzo): training only.
    Voice("flite", "kal16", "kal", TRAIN, 95.0),
    Voice("festival", "kal_diphone", "kal", TRAIN, 105.0),
    Voice("festival", "ked_diphone", "ked", TRAIN, 105.0),
    Voice("flite", "awb", "awb", SMOKE, 120.0),
    Voice("flite", "rms", "rms", SMOKE, 100.0),
    # slt is in flite and in festival: smoke only.
    Voice("flite", "slt", "slt", SMOKE, 170.0),
    Voice("festival", "cmu_us_slt_arctic_hts", "slt", SMOKE),
    *(
        Voice("espeak-ng", f"{accent}+{variant}", f"espeak {variant}", TRAIN)
        for accent in _TRAIN_ACCENTS
        for variant in _TRAIN_VARIANTS
    ),
    *(
        Voice("espeak-ng", f"{_SMOKE_ACCENTS[i % 3]}+{variant}", f"espeak {variant}", SMOKE)
        for i, variant in enumerate(_SMOKE_VARIANTS)
    ),
)


def voices_of(used_for: str) -> tuple[Voice, ...]:
    """The voices of one set, ``train`` or ``smoke``, in the order of the table."""
    return tuple(voice for voice in VOICES if voice.used_for == used_for)
