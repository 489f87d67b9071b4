"""One static arena for all activations and scratch buffers of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ALIGNMENT = 16
"""Bytes; TFLite Micro aligns its arena the same way."""


@dataclass(frozen=True)
class Buffer:
    """A range of bytes that is live from operator ``first`` to operator ``last``, both included."""

    bytes: int
    first: int
    last: int

    def overlaps(self, other: Buffer) -> bool:
        """Whether both are live at some operator."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class ArenaPlan:
    """Offset of each buffer, and the size of the arena that holds them."""

    offsets: Mapping[str, int]
    bytes: int


def plan_arena(buffers: Mapping[str, Buffer]) -> ArenaPlan:
    """Place buffers greedily, largest first, each at the lowest offset that is free while it lives.

    The same strategy as TFLite Micro's GreedyMemoryPlanner; ties are broken by lifetime and name, so that
    the same model always gets the same plan.
    """
    placed: list[tuple[int, Buffer]] = []
    offsets: dict[str, int] = {}
    for name, buffer in sorted(buffers.items(), key=lambda item: (-item[1].bytes, item[1].first, item[0])):
        offset = 0
        for start, other in sorted(placed, key=lambda item: item[0]):
            if buffer.overlaps(other) and offset < start + other.bytes and start < offset + buffer.bytes:
                offset = _align(start + other.bytes)
        offsets[name] = offset
        placed.append((offset, buffer))
    return ArenaPlan(offsets, _align(max((start + b.bytes for start, b in placed), default=0)))


def _align(value: int) -> int:
    return -(-value // ALIGNMENT) * ALIGNMENT
