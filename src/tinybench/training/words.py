"""The words of the synthetic clips beside the keywords."""

from __future__ import annotations

__all__ = ["COMMANDS_WORDS", "OTHER_WORDS", "SMOKE_UNKNOWN_WORDS"]

_COMMANDS_WORDS = """
backward bed bird cat dog eight five follow forward four happy house learn marvin nine one seven sheila six
three tree two visual wow zero
"""
COMMANDS_WORDS = tuple(_COMMANDS_WORDS.split())
"""What Speech Commands has beside the keywords (Warden, 2018)."""

_OTHER_WORDS = """
about above after again apple away baby back ball banana before begin black blue book bottle bread brother
cold come computer could cup dance dawn dinner door early every father finger fish flower friend garden give
glass goat gone good green hello hand horse hot lamp laugh let lift light listen little long look lunch many
money morning mother music never new next night number office often open orange other oven paper people play
please purple question rain ready red ride river road run school sister sleep snow something stack start
station step stock story street sugar summer table talk thank today tomorrow top town turn under upper
volume wait walk water week white window winter work yellow yesterday yet you
"""
OTHER_WORDS = tuple(_OTHER_WORDS.split())
"""Everyday words for the training clips, some of them close to a keyword; none sounds the same as one."""

_SMOKE_UNKNOWN_WORDS = """
bed bird cat dog eight five four happy house marvin nine one seven sheila six three tree two wow zero
backward forward
"""
SMOKE_UNKNOWN_WORDS = tuple(_SMOKE_UNKNOWN_WORDS.split())
"""Those of the smoke split."""
