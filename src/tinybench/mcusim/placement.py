"""Where code and constants are during an inference: in flash, or in RAM, copied there by the start-up code.

The C of a model is the same wherever it runs: a linker script gives what is copied an address in RAM and a
load address in flash, and the loop of the start-up code that copies initialised variables copies it along,
before the first inference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, cast, get_args

from tinybench.errors import UnknownNameError, UsageError
from tinybench.mcusim.cores import core

if TYPE_CHECKING:
    from tinybench.specs import DeviceSpec

Memory = Literal["flash", "ram"]
Part = Literal["code", "weights"]

SYSTEM_BUS: Final = 0x2000_0000
"""Where the code region of Arm's memory map ends: above, code and data come over one bus, the system bus."""


@dataclass(frozen=True)
class Placement:
    """Where the code of an inference is, and the weights with all other constants."""

    code: Memory = "flash"
    weights: Memory = "flash"

    @classmethod
    def parse(cls, *, code: str, weights: str) -> Placement:
        """From the names of memories.

        Raises:
            UnknownNameError: one is neither ``"flash"`` nor ``"ram"``.
        """
        memories = get_args(Memory)
        for part, name in (("code", code), ("weights", weights)):
            if name not in memories:
                raise UnknownNameError(f"memory for {part}", name, memories)
        return cls(cast(Memory, code), cast(Memory, weights))

    @property
    def in_ram(self) -> tuple[Part, ...]:
        """What is copied to RAM."""
        parts: tuple[tuple[Part, Memory], ...] = (("code", self.code), ("weights", self.weights))
        return tuple(part for part, memory in parts if memory == "ram")

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the figures must know; nothing if all is in flash."""
        if not self.in_ram:
            return ()
        return (
            f"{' and '.join(self.in_ram)} in RAM, copied from flash at start: the copy is in no figure; no "
            "published result is placed so, hence no prediction interval",
        )

    @property
    def smaller(self) -> str:
        """What to do if the device is too small."""
        kept = " and ".join(f"--{part} flash" for part in self.in_ram)
        return (f"use {kept}, " if kept else "use ") + "a smaller model or a larger device"

    def check(self, device: DeviceSpec) -> None:
        """See that a device can run from there.

        Raises:
            UsageError: the device is not simulated, or nothing says how it runs code from its RAM.
        """
        if self.code == "ram":
            device.check_simulated()
        if self.code == "ram" and core(device.core).system_fetch_cycles is None:
            raise UsageError(
                f"code in the RAM of {device.id} is not simulated: it is memory for data, and nothing "
                "published says how its core fetches instructions from it",
                hint="leave the code in flash; the weights can be in RAM",
            )


FLASH: Final = Placement()


def fetch_cycles(device: DeviceSpec) -> int:
    """Cycles for which a word of code, fetched from the device's RAM, takes the bus that data takes too.

    0 if it is fetched as fast as the core executes.
    """
    cycles = core(device.core).system_fetch_cycles
    if not cycles or device.memories[1].base < SYSTEM_BUS:
        return 0
    return cycles + device.ram_wait_cycles
