"""A decoded Thumb instruction, reduced to what timing depends on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

_CONDITIONS = "eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le|al"
_REGISTER = re.compile(r"\b(r\d+|sb|sl|fp|ip|sp|lr|pc)\b")


@dataclass(frozen=True)
class Instruction:
    """Address, size in bytes, mnemonic and operands as capstone prints them."""

    address: int
    size: int
    mnemonic: str
    operands: str

    @cached_property
    def name(self) -> str:
        """Mnemonic without width qualifier and, for branches, without its condition: ``b``, ``ldr``."""
        base = self.mnemonic.removesuffix(".w").removesuffix(".n")
        return "b" if re.fullmatch(rf"b({_CONDITIONS})", base) else base

    @cached_property
    def registers(self) -> tuple[str, ...]:
        """All registers named, in order."""
        return tuple(_REGISTER.findall(self.operands))

    @property
    def destination(self) -> str | None:
        """The first register: what a data processing instruction or a single load writes."""
        return self.registers[0] if self.registers else None

    @cached_property
    def address_registers(self) -> tuple[str, ...]:
        """Registers inside the brackets of a memory operand."""
        inside = re.search(r"\[([^\]]*)\]", self.operands)
        return tuple(_REGISTER.findall(inside.group(1))) if inside else ()

    @property
    def register_offset(self) -> bool:
        """Whether the memory operand adds a register."""
        return len(self.address_registers) > 1

    @cached_property
    def listed(self) -> tuple[str, ...]:
        """Registers of the list in braces, ranges expanded."""
        inside = re.search(r"\{([^}]*)\}", self.operands)
        return tuple(_REGISTER.findall(inside.group(1))) if inside else ()

    @property
    def writes_pc(self) -> bool:
        """Whether it loads the program counter from memory."""
        return "pc" in self.listed or (self.name == "ldr" and self.destination == "pc")
