"""What the simulator needs of an ELF file: segments, functions and which bytes of the code are data."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from tinybench.errors import SimulationError


@dataclass(frozen=True)
class Image:
    """A statically linked firmware image."""

    segments: tuple[tuple[int, bytes], ...]
    """(load address, content) of everything that is programmed into flash."""
    text_base: int
    text: bytes
    symbols: Mapping[str, tuple[int, int]]
    """Function or object name -> (address without the Thumb bit, size in bytes)."""
    code_marks: tuple[tuple[int, bool], ...]
    """Sorted (address, is code): where Thumb code ($t) and data ($d) begin inside ``text``."""
    bss_bytes: int
    data_bytes: int
    """What the start-up code copies to RAM: initialised variables, and code or constants placed there."""
    functions: tuple[tuple[int, str], ...] = ()
    """Sorted (address, name) of the functions in ``text``; one name for each address."""

    @cached_property
    def flash_bytes(self) -> int:
        """Bytes of flash that the image occupies: code, constants and initial values."""
        return sum(len(content) for _, content in self.segments)

    @property
    def static_ram_bytes(self) -> int:
        """Bytes of RAM before the stack: arena and variables."""
        return self.bss_bytes + self.data_bytes

    def address(self, symbol: str) -> int:
        """Address of a function or object."""
        return self.symbols[symbol][0]

    def code_ranges(self) -> list[tuple[int, int]]:
        """(start, end) addresses of the stretches of ``text`` that are instructions."""
        end_of_text = self.text_base + len(self.text)
        ends = [address for address, _ in self.code_marks[1:]] + [end_of_text]
        pairs = zip(self.code_marks, ends, strict=True)
        return [(start, end) for (start, code), end in pairs if code and end > start]


def read_image(elf: bytes) -> Image:
    """Parse a firmware ELF made by this project's linker script."""
    file = ELFFile(io.BytesIO(elf))
    segments = tuple(
        (segment["p_paddr"], segment.data())
        for segment in file.iter_segments("PT_LOAD")
        if segment["p_filesz"]
    )
    text, table = file.get_section_by_name(".text"), file.get_section_by_name(".symtab")
    if text is None or not isinstance(table, SymbolTableSection):
        raise SimulationError("the firmware has no code or no symbols", hint="run 'tinybench doctor'")
    symbols: dict[str, tuple[int, int]] = {}
    functions: dict[int, str] = {}
    marks: dict[int, bool] = {}
    text_end = text["sh_addr"] + text["sh_size"]
    for symbol in table.iter_symbols():
        kind, value = symbol["st_info"]["type"], symbol["st_value"]
        if symbol.name.startswith(("$t", "$d")):
            if text["sh_addr"] <= value < text_end:
                marks[value] = symbol.name.startswith("$t")
        elif kind in ("STT_FUNC", "STT_OBJECT"):
            address = value & ~1 if kind == "STT_FUNC" else value
            symbols[symbol.name] = (address, symbol["st_size"])
            if kind == "STT_FUNC" and text["sh_addr"] <= address < text_end:
                functions[address] = min(functions.get(address, symbol.name), symbol.name, key=_rank)
        elif kind == "STT_NOTYPE" and symbol.name.startswith("_"):
            symbols.setdefault(symbol.name, (value, 0))
    return Image(
        segments=segments,
        text_base=text["sh_addr"],
        text=text.data(),
        symbols=symbols,
        code_marks=tuple(sorted(marks.items())),
        bss_bytes=_size(file, ".bss"),
        data_bytes=sum(
            segment["p_filesz"]
            for segment in file.iter_segments("PT_LOAD")
            if segment["p_vaddr"] != segment["p_paddr"]
        ),
        functions=tuple(sorted(functions.items())),
    )


def _rank(name: str) -> tuple[bool, str]:
    return name.startswith("_"), name


def _size(file: ELFFile, name: str) -> int:
    section = file.get_section_by_name(name)
    return 0 if section is None else int(section["sh_size"])
