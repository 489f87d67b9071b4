"""ST's power shield X-NUCLEO-LPM01A, over its serial port.

Commands and formats are those of its user manuals UM2243 and UM2269 (the command ``help`` prints most of
them), and what MLCommons' runner of MLPerf Tiny relies on. It supplies the board, measures the energy of each
interval up to 10 kHz and the current at up to 100 kHz, and keeps going from opening to closing: between
acquisitions its output is too weak for larger boards.

In its text format it also tells falling edges at D7 of its Arduino connector, between the samples. That
needs firmware which knows ``eventsrc``; without it there are no edges.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import numpy as np

from tinybench.errors import MeterError, UsageError
from tinybench.meters import usb_serial
from tinybench.meters.base import Found, Instrument, MeterSession, Settings
from tinybench.meters.streaming import Decoder, Samples, StreamingSession
from tinybench.meters.trace import Floats

if TYPE_CHECKING:
    from serial import Serial

TITLE: Final = "X-NUCLEO-LPM01A"
USB_ID: Final = (0x0483, 0x5740)
"""Shared by all virtual serial ports of ST; the product's name decides."""
BAUD: Final = 3_686_400
"""On its UART connector; through its USB connector the baud has no meaning."""
MIN_SUPPLY_V: Final = 1.8
MAX_SUPPLY_V: Final = 3.3
RATES_HZ: Final = (100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)
MAX_TEXT_HZ: Final = 5_000
"""Above this the text format is limited to a second or less."""
MAX_ENERGY_HZ: Final = 10_000
"""Above this it gives the current at an instant and not the energy of an interval."""

STAMP_S: Final = 1.0
"""From one time stamp of its text format to the next: only these show that no sample is missing."""

_PROMPT: Final = b"PowerShield >"
_ANSWER_S: Final = 3.0
_CALIBRATION_S: Final = 10.0
"""Setting the voltage starts its self-calibration."""
_VOLTAGE_SLACK_V: Final = 0.1
"""What it answers was read back on some: 3.266 V where 3.3 V were set."""
_TRIES: Final = 3
"""What is left of an earlier session may make it refuse the first command."""
_MAX_LINE_BYTES: Final = 200
_TIMER_MS: Final = 1_000_000
"""Its text has three digits for the seconds."""

_SAMPLE: Final = re.compile(rb"(\d{4}[+-]\d{2})")
_TIMESTAMP: Final = re.compile(rb"TimeStamp:[ ><](\d{3})s (\d{3})ms, buff (\d{2,3})%")
_EVENT: Final = re.compile(rb"event \d+ (?:ris|fal)")
_WORDS: Final = re.compile(rb"[A-Za-z][ -~]*")
_NUMBER: Final = re.compile(r"\b\d{1,4}[+-]\d{1,2}\b")


class Lpm01a:
    """The kind of analyser called ``lpm01a``."""

    name = "lpm01a"
    interface = 1
    summary = "STM32 power shield X-NUCLEO-LPM01A: supplies 1.8 to 3.3 V, 100 nA to 50 mA"

    def check(self) -> None:
        """It needs pyserial. Errors as in ``Meter``."""
        usb_serial.require("serial", TITLE)

    def find(self) -> tuple[Found, ...]:
        """Those on USB. Errors as in ``check``."""
        return usb_serial.plugged_in(
            TITLE, lambda port: (port.vid, port.pid) == USB_ID and _is_shield(port.product)
        )

    def open(self, address: str | None, settings: Settings) -> MeterSession:
        """Take control, supply the board and begin to measure. Errors as in ``Meter``."""
        volts, rate_hz = _supply(settings), _rate(settings)
        address = address or usb_serial.choose(self.find(), TITLE, self.name)
        port = usb_serial.open_port(address, BAUD, TITLE)
        try:
            return _begin(_Shell(port, address), volts, rate_hz)
        except OSError as error:
            port.close()
            raise MeterError(f"{TITLE} on {address} is gone: was its cable pulled?") from error
        except BaseException:
            port.close()
            raise


def _is_shield(product: str | None) -> bool:
    """Windows does not tell the product; others do."""
    return product is None or "powershield" in product.lower()


def _supply(settings: Settings) -> float:
    volts = settings.supply_v
    if volts is None:
        raise UsageError(
            f"{TITLE} supplies the board: with which voltage?",
            hint=f"say --supply with {MIN_SUPPLY_V} to {MAX_SUPPLY_V} V, and no more than the chip takes",
        )
    if not MIN_SUPPLY_V <= volts <= MAX_SUPPLY_V:
        raise UsageError(f"{TITLE} supplies {MIN_SUPPLY_V} to {MAX_SUPPLY_V} V, not {volts:g} V")
    return volts


def _rate(settings: Settings) -> int:
    if settings.rate_hz not in RATES_HZ:
        raise UsageError(
            f"{TITLE} does not sample at {settings.rate_hz:g} Hz",
            hint=f"choose one of {', '.join(map(str, RATES_HZ))}",
        )
    return int(settings.rate_hz)


def _begin(shell: _Shell, volts: float, rate_hz: int) -> MeterSession:
    """The dialogue from taking control to the first sample."""
    shell.quieten()
    shell.take_control()
    identity = shell.query("powershield")
    version = re.search(r"\d+\.\d+\.\d+", shell.query("version"))
    text = rate_hz <= MAX_TEXT_HZ
    energy = rate_hz <= MAX_ENERGY_HZ
    for command in (
        "acqmode dyn",
        f"output {'energy' if energy else 'current'}",
        f"format {'ascii_dec' if text else 'bin_hexa'}",
        f"freq {rate_hz // 1000}k" if rate_hz >= 1000 else f"freq {rate_hz}",
        "acqtime inf",
        "trigsrc sw",
        "trigdelay 0",
        "pwrend on",
    ):
        shell.command(command)
    shell.command(f"volt {round(volts * 1000)}m", _CALIBRATION_S)
    edges = text and shell.knows("eventsrc d7 fal")
    supplied_v = _number(shell.query("volt get"))
    if supplied_v is None or abs(supplied_v - volts) > _VOLTAGE_SLACK_V:
        raise MeterError(
            f"{TITLE} says that it supplies {supplied_v or 'an unknown number of'} V, not {volts:g} V",
            hint="unplug it, plug it in again and run the same command",
        )
    try:
        shell.command("pwr on nostatus")
    except _RefusedError as error:
        raise MeterError(
            error.message, hint="its firmware is older than 1.0.6: bring it up to date with ST's STSW-LPM01"
        ) from error
    instrument = Instrument(
        kind=Lpm01a.name,
        title=TITLE,
        serial=_serial_number(identity),
        firmware=version[0] if version else None,
        calibration="by itself, when the voltage was set",
        rate_hz=float(rate_hz),
        native_rate_hz=float(rate_hz),
        range="dynamic, 100 nA to 50 mA",
        voltage_v=volts,
        voltage="set",
        power_cycles=True,
        edges="D7" if edges else None,
    )
    factor = float(rate_hz) if energy else volts
    decode: Decoder = (TextDecoder if text else BinaryDecoder)(rate_hz, factor)
    shell.command("start")
    decode(shell.rest())
    proven_s = STAMP_S if text else 0.0  # in the binary format there are many in a second
    return StreamingSession(instrument, shell.port, decode, shell.end, proven_s=proven_s)


def _number(answer: str) -> float | None:
    """The last number as it writes them: 3300-03 is 3.3."""
    found = _NUMBER.findall(answer)
    return _value(found[-1]) if found else None


def _value(number: str) -> float:
    return float(re.sub(r"([+-])", r"e\1", number))


def _serial_number(answer: str) -> str | None:
    """The unique number of its chip: the longest run of hexadecimal digits, which may be in parts."""
    found = re.search(r"\b[0-9A-Fa-f]{4,}(?:[ -][0-9A-Fa-f]{4,})*\b", answer)
    return found[0].replace(" ", "-") if found else None


class _RefusedError(MeterError):
    """It knows the command or its argument not, or will not follow."""


class _Shell:
    """The commands before the first sample, and after the last one."""

    def __init__(self, port: Serial, address: str) -> None:
        self.port = port
        self._address = address
        self._received = b""

    def quieten(self) -> None:
        """End what an earlier session left running, and forget what it said."""
        self.port.write(b"stop\n")
        end = time.monotonic() + _ANSWER_S
        while self.port.read(4096) and time.monotonic() < end:
            pass

    def take_control(self) -> None:
        for tries_left in reversed(range(_TRIES)):
            try:
                self.command("htc")
            except _RefusedError:
                if not tries_left:
                    raise
            else:
                return

    def knows(self, command: str) -> bool:
        """Give a command that older firmware refuses."""
        try:
            self.command(command)
        except _RefusedError:
            return False
        return True

    def query(self, command: str) -> str:
        """All that it answers, up to its next silence."""
        answer = self._answer(command)
        while data := self.port.read(4096):
            self._received += data
        rest, self._received = self._received, b""
        return f"{answer} {_plain(rest)}"

    def command(self, command: str, timeout_s: float | None = None) -> None:
        """Give a command and wait until it is acknowledged.

        Raises:
            MeterError: there is no answer, or a refusal.
        """
        self._answer(command, timeout_s)

    def rest(self) -> bytes:
        """What came behind the last answer."""
        rest, self._received = self._received, b""
        return rest

    def end(self) -> None:
        """Stop, and give the control back to its buttons."""
        self.port.write(b"stop\n")
        deadline = time.monotonic() + 1.0
        while self.port.read(65536) and time.monotonic() < deadline:
            pass
        self.port.write(b"hrc\n")

    def _answer(self, command: str, timeout_s: float | None = None) -> str:
        word = command.partition(" ")[0]
        self.port.write(f"{command}\n".encode())
        end = time.monotonic() + (timeout_s or _ANSWER_S)
        said = b""
        while time.monotonic() < end:
            while b"\n" in self._received:
                line, _, self._received = self._received.partition(b"\n")
                said = _bare(line) or said
                if said.startswith(b"ack") and word.encode() in said:
                    return _plain(said)
                if said.startswith(b"err"):
                    raise self._refused(command, _plain(said))
            data = self.port.read(max(1, self.port.in_waiting))
            self._received = (self._received + data)[-65536:]
        if not said and not self._received:
            raise MeterError(
                f"{TITLE} on {self._address} does not answer",
                hint="is it another device? unplug it, plug it in again and look with 'tinybench meters'",
            )
        heard = _plain(said or self._received)[:60]
        raise MeterError(
            f"what is on {self._address} is no {TITLE}: it says '{heard}'",
            hint="'tinybench meters' shows where one is plugged in",
        )

    def _refused(self, command: str, said: str) -> _RefusedError:
        with suppress(OSError):
            self._received += self.port.read(4096)  # "Error detail: ..."
        detail = re.search(rb"Error detail:\s*([ -~]+)", self._received)
        why = _plain(detail[1]) if detail else said
        return _RefusedError(
            f"{TITLE} refuses '{command}': {why}", hint="unplug it, plug it in again, run again"
        )


def _bare(line: bytes) -> bytes:
    """A line without its prompt, and the zeros that it sends now and then."""
    return line.replace(b"\0", b"").strip().removeprefix(_PROMPT).strip()


def _plain(text: bytes) -> str:
    return "".join(c if c.isprintable() else " " for c in text.decode("ascii", "replace")).strip()


class _Timer:
    """Holds the samples against the analyser's own time stamps: what is lost in between shows."""

    def __init__(self, rate_hz: int, wraps_ms: int) -> None:
        self._rate_hz = rate_hz
        self._wraps_ms = wraps_ms
        self._before_ms: int | None = None
        self._samples = 0

    def add(self, samples: int) -> None:
        self._samples += samples

    def stamp(self, time_ms: int) -> None:
        if self._before_ms is not None:
            passed_ms = (time_ms - self._before_ms) % self._wraps_ms
            expected = passed_ms * self._rate_hz / 1000
            if expected != self._samples:
                raise MeterError(
                    f"{TITLE} lost samples: {self._samples} came in {passed_ms} ms, {expected:g} were due"
                )
        self._before_ms = time_ms
        self._samples = 0


class TextDecoder:
    """``format ascii_dec``: a line for each sample, ``6409-07`` for 6409e-7, and words between them."""

    def __init__(self, rate_hz: int, factor: float) -> None:
        """Decode from the beginning of a line.

        Args:
            rate_hz: of the samples.
            factor: that makes watt of a sample: the rate for joule, the voltage for ampere.
        """
        self._factor = factor
        self._timer = _Timer(rate_hz, _TIMER_MS)
        self._line = b""

    def __call__(self, data: bytes) -> Samples:
        """Power and edges in these bytes.

        Raises:
            MeterError: samples were lost or damaged, or it stopped.
        """
        *lines, self._line = (self._line + data).split(b"\n")
        if len(self._line) > _MAX_LINE_BYTES:
            raise MeterError(f"{TITLE} sends what is no line of text")
        values: list[float] = []
        edges: list[float] = []
        for line in map(_bare, lines):
            if _SAMPLE.fullmatch(line):
                values.append(_value(line.decode()))
                self._timer.add(1)
            elif _EVENT.fullmatch(line):
                edges.append(len(values) - 0.5)  # between the sample before and the one behind it
            elif stamp := _TIMESTAMP.fullmatch(line):
                self._timer.stamp(int(stamp[1]) * 1000 + int(stamp[2]))
            elif line:
                _other(line)
        return Samples(np.array(values) * self._factor, edges)


def _other(line: bytes) -> None:
    """Lines that are neither samples nor times: some end the acquisition, most say nothing of it."""
    said = _plain(line)[:80]
    if not _WORDS.fullmatch(line):
        raise MeterError(f"{TITLE} sent a damaged sample: '{said}'")
    low = said.lower()
    if "overcurrent" in low:
        raise _overcurrent()
    if low.startswith("err"):
        raise MeterError(f"{TITLE} says '{said}'")
    if low == "end" or low.startswith("acquisition completed"):
        raise MeterError(f"{TITLE} ended the acquisition by itself")


def _overcurrent() -> MeterError:
    return MeterError(f"{TITLE}: the board draws more than the 50 mA that it measures, and was cut off")


class BinaryDecoder:
    """``format bin_hexa``: 16 bits for each sample, 0x52A0 for 0x2A0 / 16^5, and records between them.

    A record begins with 0xF0, which no sample does: an exponent of 15 does not occur.
    """

    _FIXED: Final[dict[int, int]] = {0xF3: 9, 0xF4: 4, 0xF5: 4, 0xF6: 4, 0xF7: 6}
    """Bytes of each record by its kind; errors (0xF1) and notes (0xF2) are text up to 0xFFFF."""

    def __init__(self, rate_hz: int, factor: float) -> None:
        """Decode from the first time stamp on. Arguments as of ``TextDecoder``."""
        self._factor = factor
        self._timer = _Timer(rate_hz, 2**31)
        self._data = b""
        self._synchronised = False

    def __call__(self, data: bytes) -> Samples:
        """Power in these bytes. Errors as of ``TextDecoder``."""
        self._data += data
        parts: list[Floats] = []
        if not self._synchronised:
            self._data = self._data[max(self._data.find(b"\xf0\xf3"), 0) :]
            self._synchronised = self._data.startswith(b"\xf0\xf3")
            if not self._synchronised:
                self._data = self._data[-1:]
        while self._synchronised and len(self._data) >= 2:
            words = np.frombuffer(self._data[: len(self._data) & ~1], ">u2")
            records = np.flatnonzero(words >= 0xF000)
            count = int(records[0]) if len(records) else len(words)
            if count:
                exponents = (words[:count] >> 12).astype(np.float64)
                parts.append((words[:count] & 0xFFF) * 16.0**-exponents * self._factor)
                self._timer.add(count)
                self._data = self._data[2 * count :]
            elif not (used := self._record()):
                break
            else:
                self._data = self._data[used:]
        return Samples(np.concatenate(parts) if parts else np.zeros(0))

    def _record(self) -> int:
        """Length of the record at the beginning; 0 if it is not complete."""
        kind = self._data[1]
        if self._data[0] != 0xF0 or not 0xF1 <= kind <= 0xF7:
            raise MeterError(f"{TITLE} sent damaged samples")
        if kind in self._FIXED:
            length = self._FIXED[kind]
        else:
            length = self._data.find(b"\xff\xff", 2, _MAX_LINE_BYTES) + 2
            if length == 1 and len(self._data) < _MAX_LINE_BYTES:
                return 0
        record = self._data[:length]
        if len(record) < length:
            return 0
        if not record.endswith(b"\xff\xff"):
            raise MeterError(f"{TITLE} sent damaged samples")
        self._act(kind, record[2:-2])
        return length

    def _act(self, kind: int, content: bytes) -> None:
        if kind == 0xF1:
            raise MeterError(f"{TITLE} says '{_plain(content)[:80]}'")
        if kind == 0xF3:
            self._timer.stamp(int.from_bytes(content[:4], "big") & 0x7FFF_FFFF)
        elif kind == 0xF4:
            raise MeterError(f"{TITLE} ended the acquisition by itself")
        elif kind == 0xF5:
            raise _overcurrent()
        elif kind == 0xF6:
            raise MeterError(f"{TITLE} has taken the board's power away")
