"""A power shield X-NUCLEO-LPM01A in Python on a pseudo-terminal: the bytes of its commands and its samples.

``Shield`` is its firmware: lines in, bytes out, arguments refused as the real one refuses them.
``FakeShield`` serves one on a pseudo-terminal. Samples are sent when a test says so, not in real time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from fake_port import FakePort

PROMPT = b"PowerShield > "
FREQUENCIES = {
    "100k",
    "50k",
    "20k",
    "10k",
    "5k",
    "2k",
    "1k",
    "500",
    "200",
    "100",
    "50",
    "20",
    "10",
    "5",
    "2",
    "1",
}
TEXT_FREQUENCIES = FREQUENCIES - {"100k", "50k", "20k", "10k"}
CHOICES = {
    "acqmode": {"dyn", "stat"},
    "output": {"current", "energy"},
    "format": {"ascii_dec", "bin_hexa"},
    "freq": FREQUENCIES,
    "trigsrc": {"sw", "d7"},
    "pwrend": {"on", "off"},
}


class Shield:
    """The firmware. Attributes that a test sets make it an older or a broken one."""

    def __init__(self) -> None:
        self.version = "1.0.6"
        self.knows_events = True
        self.refuses_first_htc = False
        self.settings = {"acqmode": "dyn", "output": "current", "format": "ascii_dec", "freq": "100"}
        self.millivolts = 3300
        self.powered = False
        self.power_log: list[bool] = []
        """Each change of the board's supply."""
        self.controlled = False
        self.running = False
        self.commands: list[str] = []
        self.sent = 0
        """Samples since the start."""

    def take(self, line: bytes) -> bytes:
        """Answer one command."""
        command = line.strip().decode()
        self.commands.append(command)
        word, *arguments = command.split() or [""]
        answer = self._obey(word, arguments)
        if answer is None:
            return PROMPT + f"error {command}\r\nError detail: parameter or state\r\n".encode()
        return PROMPT + f"ack {command}{answer}\r\n".encode() + (self._first() if word == "start" else b"")

    def _obey(self, word: str, arguments: Sequence[str]) -> str | None:
        known: dict[str, Callable[[Sequence[str]], str | None]] = {
            "powershield": lambda _: "\r\nPowerShield present: 0033004A 33365110 32383932",
            "version": lambda _: f": {self.version}",
            "htc": self._htc,
            "hrc": self._hrc,
            "volt": self._volt,
            "pwr": self._pwr,
            "start": self._start,
            "stop": self._stop,
        }
        if word in known:
            return known[word](arguments)
        if word in CHOICES and self.controlled and arguments and arguments[0] in CHOICES[word]:
            self.settings[word] = arguments[0]
            return ""
        if word == "acqtime" and arguments == ["inf"]:
            text = self.settings["format"] == "ascii_dec"
            return None if text and self.settings["freq"] not in TEXT_FREQUENCIES else ""
        if word == "trigdelay" or (word == "eventsrc" and self.knows_events and arguments == ["d7", "fal"]):
            return ""
        return None

    def _htc(self, _: Sequence[str]) -> str | None:
        if self.refuses_first_htc:
            self.refuses_first_htc = False
            return None
        self.controlled = True
        return ""

    def _hrc(self, _: Sequence[str]) -> str:
        self.controlled = False
        return ""

    def _volt(self, arguments: Sequence[str]) -> str | None:
        if arguments == ["get"]:
            return f" {self.millivolts:04d}-03\r\ncalibration request handled"
        millivolts = int(arguments[0].removesuffix("m"))
        if not 1800 <= millivolts <= 3300:
            return None
        self.millivolts = millivolts
        return ""

    def _pwr(self, arguments: Sequence[str]) -> str | None:
        if self.version < "1.0.6":
            return None
        self._power(arguments[0] == "on")
        return ""

    def _start(self, _: Sequence[str]) -> str | None:
        if self.running or not self.controlled:
            return None
        self._power(True)
        self.running, self.sent = True, 0
        return ""

    def _stop(self, _: Sequence[str]) -> str:
        self.running = False
        return "" if self.settings.get("pwrend", "on") == "on" else self._power(False)

    def _power(self, on: bool) -> str:
        if on != self.powered:
            self.powered = on
            self.power_log.append(on)
        return ""

    @property
    def rate_hz(self) -> int:
        return int(self.settings["freq"].replace("k", "000"))

    def _first(self) -> bytes:
        return self.stamp()

    def stamp(self) -> bytes:
        """The time as it is after the samples that were sent."""
        milliseconds = self.sent * 1000 // self.rate_hz
        if self.settings["format"] == "bin_hexa":
            return b"\xf0\xf3" + milliseconds.to_bytes(4, "big") + b"\x05\xff\xff"
        seconds, milliseconds = divmod(milliseconds, 1000)
        return f"TimeStamp: {seconds % 1000:03d}s {milliseconds:03d}ms, buff 00%\r\n".encode()

    def sample(self, power_w: float) -> bytes:
        """One sample, and a time stamp behind the last one of a second."""
        self.sent += 1
        volts = self.millivolts / 1000
        value = power_w / self.rate_hz if self.settings["output"] == "energy" else power_w / volts
        text = self.settings["format"] == "ascii_dec"
        every = self.rate_hz if text else max(1, self.rate_hz // 100)
        stamp = self.stamp() if self.sent % every == 0 else b""
        return (decimal(value) if text else hexadecimal(value)) + stamp


def decimal(value: float) -> bytes:
    """Four digits and an exponent of ten: 6409-07."""
    if value < 1e-12:  # below what it resolves
        return b"0000-10\r\n"
    exponent = math.floor(math.log10(value)) - 3
    mantissa = round(value / 10.0**exponent)
    if mantissa == 10_000:
        mantissa, exponent = 1000, exponent + 1
    return f"{mantissa:04d}{exponent:+03d}\r\n".encode()


def hexadecimal(value: float) -> bytes:
    """Three hexadecimal digits behind a negative exponent of sixteen: 0x52A0."""
    exponent = 14
    while exponent and round(value * 16**exponent) > 0xFFF:
        exponent -= 1
    return (exponent << 12 | min(round(value * 16**exponent), 0xFFF)).to_bytes(2, "big")


class FakeShield(FakePort):
    """A shield on a pseudo-terminal; ``port`` is its name."""

    def __init__(self, shield: Shield | None = None) -> None:
        super().__init__()
        self.shield = shield or Shield()
        self._received = b""

    def take(self, data: bytes) -> bytes:
        *lines, self._received = (self._received + data).split(b"\n")
        return b"".join(map(self.shield.take, lines))

    def send(self, power_w: Sequence[float], edges: Sequence[int] = ()) -> None:
        """Send samples; a falling edge at D7 comes before the samples whose numbers are ``edges``."""
        out = bytearray()
        for k, power in enumerate(power_w):
            for number, edge in enumerate(edges):
                if edge == k:
                    out += f"event {number:03d} ris\r\n".encode()
            out += self.shield.sample(power)
        self.write(bytes(out))
