"""A decoded Thumb instruction, reduced to what timing depends on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

_CONDITIONS = "eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le|al"
_REGISTER = re.compile(r"\b(r\d+|sb|sl|fp|ip|sp|lr|pc)\b")


_NO_RESULT = frozenset("cmp cmn tst teq nop".split())
_BIT_OPERATIONS = frozenset("bic bics bfc bfi".split())
_TWO_RESULTS = frozenset(
    "ldrd smull umull smlal umlal umaal smlald smlaldx smlsld smlsldx smlalbb smlalbt smlaltb smlaltt".split()
)
_UNARY = frozenset(
    "mov movs movw mvn mvns sxtb sxth uxtb uxth sxtb16 uxtb16 rev rev16 revsh rbit clz adr rrx".split()
)
_READ_THEIR_RESULT = frozenset(
    "smlal umlal umaal smlald smlaldx smlsld smlsldx smlalbb smlalbt smlaltb smlaltt bfi bfc movt".split()
)


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

    @cached_property
    def results(self) -> tuple[str, ...]:
        """Registers that it writes, base registers with write-back among them."""
        name = self.name
        if name in _NO_RESULT or (name.startswith(("b", "cb", "it", "tb")) and name not in _BIT_OPERATIONS):
            return ()
        if name.startswith("str"):
            return self.address_registers[:1] if self.writes_back else ()
        if name.startswith(("stm", "push")):
            return self.registers[:1] if name.startswith("stm") else ("sp",)
        if name.startswith("pop"):
            return self.listed
        if name.startswith("ldm"):
            return self.listed + self.registers[:1]
        count = 2 if name in _TWO_RESULTS else 1
        based = self.address_registers[:1] if name.startswith("ldr") and self.writes_back else ()
        return self.registers[:count] + based

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Registers that it reads."""
        if self.name.startswith(("ldm", "pop")):
            return self.registers[:1] if self.name.startswith("ldm") else ("sp",)
        if self.name.startswith("ldr"):
            return self.address_registers
        if not self.results or self.name.startswith(("str", "stm", "push")):
            return self.registers
        # The first operands are results only, but where accumulation or a short form reads them too.
        skipped = len(self.results)
        short = self.operands.count(",") == 1 and self.name not in _UNARY
        if self.name in _READ_THEIR_RESULT or short:
            return self.registers
        return self.registers[skipped:]

    @property
    def words_loaded(self) -> int:
        """Memory accesses that it reads with: one per register, whatever their width."""
        if self.name.startswith(("ldm", "pop")):
            return len(self.listed)
        if self.name in ("tbb", "tbh"):
            return 1
        return 2 if self.name == "ldrd" else int(self.name.startswith("ldr"))

    @property
    def words_stored(self) -> int:
        """Memory accesses that it writes with."""
        if self.name.startswith(("stm", "push")):
            return len(self.listed)
        return 2 if self.name == "strd" else int(self.name.startswith("str"))

    @property
    def writes_back(self) -> bool:
        """Whether the base register of its memory operand changes."""
        return self.operands.endswith("!") or "], " in self.operands

    @property
    def writes_pc(self) -> bool:
        """Whether it loads the program counter from memory."""
        return "pc" in self.listed or (self.name == "ldr" and self.destination == "pc")
