"""A Nordic PPK2 in Python on a pseudo-terminal: commands, calibration text and samples of four bytes.

Samples are sent when a test says so, not in real time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from fake_port import FakePort

ARGUMENTS: Final = {0x06: 0, 0x07: 0, 0x0C: 1, 0x0D: 2, 0x11: 1, 0x19: 0}
"""Bytes behind each command."""
CALIBRATION: Final = {
    "R": (1003.3, 101.6, 10.3, 0.9636, 0.0564),
    "GS": (0.0, 112.8, 18.0, 2.42, 0.073),
    "GI": (1.0, 0.9695, 0.9609, 0.9519, 0.9582),
    "O": (112.9, 75.5, 64.6, 50.5, 89.6),
    "S": (4.8e-8, 5.96e-7, 5.281e-6, 6.2577e-5, 0.002940743),
    "I": (-1.04e-7, -1.443e-6, 3.6439e-5, -3.74119e-4, -0.009388455),
    "UG": (1.0, 1.0, 1.0, 1.0, 1.0),
}
"""Of the kind and size that such a device has."""
UPPER_A: Final = (50e-6, 500e-6, 5e-3, 60e-3)
"""Where it changes to the next range."""
COUNTS_TO_VOLT: Final = 1.8 / 163840


class FakePpk2(FakePort):
    """A device on a pseudo-terminal. Attributes that a test sets make it another one."""

    def __init__(self) -> None:
        super().__init__()
        self.calibration = {name: list(values) for name, values in CALIBRATION.items()}
        self.metadata: bytes | None = None
        """Instead of what it would say."""
        self.mode = 2
        self.millivolts = 3700
        self.powered = False
        self.power_log: list[tuple[bool, int, int]] = []
        """Each change of the board's supply: on, mode, millivolts."""
        self.running = False
        self.counter = 61
        self._received = b""

    def take(self, data: bytes) -> bytes:
        self._received += data
        answer = b""
        while self._received and len(self._received) > ARGUMENTS.get(self._received[0], 0):
            command, length = self._received[0], 1 + ARGUMENTS.get(self._received[0], 0)
            answer += self._obey(command, self._received[1:length])
            self._received = self._received[length:]
        return answer

    def _obey(self, command: int, arguments: bytes) -> bytes:
        if command == 0x19:
            return self._metadata() if self.metadata is None else self.metadata
        if command == 0x11:
            self.mode = arguments[0]
        elif command == 0x0D:
            self.millivolts = (arguments[0] - 3) * 256 + arguments[1] - 32 + 800
        elif command == 0x0C and bool(arguments[0]) != self.powered:
            self.powered = bool(arguments[0])
            self.power_log.append((self.powered, self.mode, self.millivolts))
        elif command in (0x06, 0x07):
            self.running = command == 0x06
        return b""

    def _metadata(self) -> bytes:
        lines = ["Calibrated: 0"]
        for name in ("R", "GS", "GI", "O"):
            lines += [f"{name}{k}: {value:.4f}" for k, value in enumerate(self.calibration[name])]
        lines += ["VDD: 3700", "HW: 9173", f"mode: {self.mode}"]
        for name in ("S", "I"):
            lines += [f"{name}{k}: {value:.9f}" for k, value in enumerate(self.calibration[name])]
        lines += [f"UG{k}: {value:.2f}" for k, value in enumerate(self.calibration["UG"])]
        return "\n".join([*lines, "IA: 56", "END\n"]).encode().replace(b"nan", b"-nan")

    def sample(self, current_a: float, bits: int) -> bytes:
        """One sample as the device makes it, in the range that this current needs."""
        number = sum(current_a > upper for upper in UPPER_A)
        code = self.code(current_a, number)
        word = code | number << 14 | self.counter << 18 | bits << 24
        self.counter = (self.counter + 1) % 64
        return word.to_bytes(4, "little")

    def code(self, current_a: float, number: int) -> int:
        """The converter's 14 bits: the arithmetic of the calibration, backwards."""
        r, gs, gi, o, s, i, ug = (self.calibration[name][number] for name in CALIBRATION)
        wanted = current_a / ug - s * self.millivolts / 1000 - i
        plain = wanted / gi if gs == 0 else (math.sqrt(gi * gi + 4 * gs * wanted) - gi) / (2 * gs)
        return min(max(round((plain * r / COUNTS_TO_VOLT + o) / 4), 0), 0x3FFF)

    def resolution_a(self, number: int) -> float:
        """What one step of the converter is in a range."""
        return 4 * COUNTS_TO_VOLT / self.calibration["R"][number]

    def send(self, current_a: Sequence[float], bits: Sequence[int] | None = None) -> None:
        """Send samples with the levels of the eight inputs; all high without."""
        assert self.running
        levels = bits or [0xFF] * len(current_a)
        self.write(b"".join(map(self.sample, current_a, levels)))
