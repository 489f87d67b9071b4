"""Nordic's Power Profiler Kit II, with the package ``ppk2-api``.

It samples current and eight digital inputs at 100 kHz. Commands and constants come from the package; its
reading of the stream is replaced here, because it

* does not look at the six bits that count the samples, so that lost ones shift all bytes behind them and
  nobody is told;
* takes calibration values that are not numbers for numbers, where Nordic's own application keeps the
  nominal ones, and reads them without waiting for their end;
* decodes one sample after the other in Python, which at 100 kHz keeps a core busy for a fifth of the time.

The arithmetic is that of Nordic's application (``serialDevice.ts`` of pc-nrfconnect-ppk), with the filter
that smooths three samples whenever the range changes.
"""

from __future__ import annotations

import math
import re
import time
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from tinybench.errors import MeterError, UsageError
from tinybench.meters import usb_serial
from tinybench.meters.averaging import whole_factor
from tinybench.meters.base import Found, Instrument, MeterSession, Settings
from tinybench.meters.streaming import Samples, StreamingSession
from tinybench.meters.trace import Floats

TITLE: Final = "Nordic PPK2"
USB_ID: Final = (0x1915, 0xC00A)
NATIVE_RATE_HZ: Final = 100_000
MIN_SUPPLY_V: Final = 0.8
MAX_SUPPLY_V: Final = 5.0

_COUNTER: Final = 64
_RANGES: Final = 5
_SMOOTHED: Final = 3
"""Samples behind a change of range that the filter replaces."""
_UNSETTLED: Final = 2
"""Of these, those of the highest range that it does not even learn from."""
_LONG_AGO: Final = 1_000_000
_BLOCK: Final = 128
_ANSWER_S: Final = 3.0
_MAX_ANSWER_BYTES: Final = 8192
_MODIFIERS: Final = ("R", "GS", "GI", "O", "S", "I", "UG")

Words = NDArray[np.uint32]
Indices = NDArray[np.int64]


class Ppk2:
    """The kind of analyser called ``ppk2``: it supplies the board."""

    name = "ppk2"
    interface = 1
    summary = "Nordic PPK2 as source meter: supplies 0.8 to 5 V, 200 nA to 1 A, edges at D0"
    _mode: Literal["source", "ampere"] = "source"

    def check(self) -> None:
        """It needs ppk2-api. Errors as in ``Meter``."""
        usb_serial.require("ppk2_api.ppk2_api", TITLE)

    def find(self) -> tuple[Found, ...]:
        """Those on USB. Errors as in ``check``."""
        ports = usb_serial.plugged_in(
            TITLE, lambda port: (port.vid, port.pid) == USB_ID and _for_data(port.location)
        )
        # Where ports do not tell their interface (macOS), the first one of a device is that for data.
        return tuple({found.title: found for found in reversed(ports)}.values())

    def open(self, address: str | None, settings: Settings) -> MeterSession:
        """Read its calibration, supply the board and begin to measure. Errors as in ``Meter``."""
        millivolts, factor = _supply(settings, self._mode), _factor(settings)
        package = usb_serial.require("ppk2_api.ppk2_api", TITLE)
        address = address or usb_serial.choose(self.find(), TITLE, self.name)
        try:
            device = package.PPK2_API(address, timeout=usb_serial.READ_S, write_timeout=2.0, exclusive=True)
        except (OSError, ValueError) as error:
            raise usb_serial.cannot_open(address, error, TITLE) from error
        try:
            return self._begin(device, package.PPK2_Command, address, millivolts, factor)
        except OSError as error:
            device.ser.close()
            raise MeterError(f"{TITLE} on {address} is gone: was its cable pulled?") from error
        except BaseException:
            device.ser.close()
            raise

    def _begin(self, device: Any, command: Any, address: str, millivolts: int, factor: int) -> MeterSession:
        """The dialogue from the calibration to the first sample."""
        port = device.ser
        port.write(bytes([command.AVERAGE_STOP]))
        end = time.monotonic() + _ANSWER_S
        while port.read(65536) and time.monotonic() < end:
            pass
        said = _facts(_metadata(port, command.GET_META_DATA, address))
        modifiers = _modifiers(said, device.modifiers)
        supplies = self._mode == "source"
        if supplies:
            device.use_source_meter()
        else:
            device.use_ampere_meter()
        device.set_source_voltage(millivolts)
        device.toggle_DUT_power("ON")
        serial = next((one.title for one in self.find() if one.address == address), "")
        instrument = Instrument(
            kind=self.name,
            title=f"{TITLE}, {'source' if supplies else 'ampere'} meter",
            serial=serial.partition("serial number ")[2] or None,
            firmware=None,
            calibration="modifiers of the device: "
            + "; ".join(f"{name} {' '.join(f'{v:.9g}' for v in modifiers[name])}" for name in _MODIFIERS),
            rate_hz=NATIVE_RATE_HZ / factor,
            native_rate_hz=float(NATIVE_RATE_HZ),
            range="automatic, five ranges from 200 nA to 1 A",
            voltage_v=millivolts / 1000,
            voltage="set" if supplies else "stated",
            power_cycles=True,
            edges="D0",
        )
        decode = Decoder(modifiers, millivolts / 1000, factor, device)
        device.start_measuring()

        def finish() -> None:
            device.ser.write(
                bytes([command.AVERAGE_STOP])
            )  # not port: the device closes it when it is forgotten

        return StreamingSession(instrument, port, decode, finish)


class Ppk2Ampere(Ppk2):
    """The kind of analyser called ``ppk2-ampere``: something else supplies the board, through it."""

    name = "ppk2-ampere"
    summary = "Nordic PPK2 as ampere meter: in the supply line of the board, whose voltage --supply says"
    _mode = "ampere"


def _for_data(location: str | None) -> bool:
    """Newer firmware has two ports: data on interface 1, a shell on another."""
    return location is None or ":" not in location or location.endswith(".1")


def _supply(settings: Settings, mode: Literal["source", "ampere"]) -> int:
    volts = settings.supply_v
    if volts is None:
        raise UsageError(
            f"{TITLE} supplies the board: with which voltage?"
            if mode == "source"
            else f"{TITLE} does not measure the voltage: with which one is the board supplied?",
            hint=f"say --supply with {MIN_SUPPLY_V} to {MAX_SUPPLY_V} V, and no more than the chip takes",
        )
    if not MIN_SUPPLY_V <= volts <= MAX_SUPPLY_V:
        raise UsageError(f"{TITLE} works at {MIN_SUPPLY_V} to {MAX_SUPPLY_V} V, not at {volts:g} V")
    return round(volts * 1000)


def _factor(settings: Settings) -> int:
    factor = whole_factor(NATIVE_RATE_HZ, settings.rate_hz, TITLE)
    if NATIVE_RATE_HZ % factor:
        raise UsageError(
            f"a trace of {settings.rate_hz:g} Hz is none of a whole number of hertz",
            hint="choose 1000, 2000, 5000, 10000, 20000, 50000 or 100000 Hz",
        )
    return factor


def _metadata(port: Any, command: int, address: str) -> str:
    """Its calibration as it sends it: lines of names and values up to ``END``."""
    port.write(bytes([command]))
    said = b""
    end = time.monotonic() + _ANSWER_S
    while b"END" not in said and len(said) < _MAX_ANSWER_BYTES and time.monotonic() < end:
        said += port.read(max(1, port.in_waiting))
    while port.read(4096) and time.monotonic() < end:
        pass  # what ends the text, so that the first byte of the stream is that of a sample
    if not said:
        raise MeterError(
            f"{TITLE} on {address} does not answer",
            hint="is it another device? unplug it, plug it in again and look with 'tinybench meters'",
        )
    text = said.partition(b"END")[0].decode("ascii", "replace")
    if b"END" not in said or not re.search(r"^R0: ", text, re.MULTILINE):
        heard = "".join(c if c.isprintable() else " " for c in text[:60]).strip()
        raise MeterError(
            f"what is on {address} is no {TITLE}: it says '{heard}'",
            hint="'tinybench meters' shows where one is plugged in",
        )
    return text


def _facts(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _modifiers(said: dict[str, str], nominal: Any) -> dict[str, Floats]:
    """For each kind its values for the five ranges; nominal where it says 0 or no number, as Nordic does."""
    modifiers = {}
    for name in _MODIFIERS:
        values = np.array([float(nominal[name][str(k)]) for k in range(_RANGES)])
        for k in range(_RANGES):
            try:
                value = float(said.get(f"{name}{k}", ""))
            except ValueError:
                continue
            if math.isfinite(value) and value != 0:
                values[k] = value
        modifiers[name] = values
    return modifiers


class Decoder:
    """Makes power and edges of four bytes a sample: 14 bits of the converter, 3 of the range, 6 that count
    the samples, one without meaning, and the eight inputs.
    """

    def __init__(self, modifiers: dict[str, Floats], volts: float, factor: int, constants: Any) -> None:
        """Decode from the first byte of a sample.

        Args:
            modifiers: for each kind, its values for the five ranges.
            volts: at which the board works.
            factor: samples that make one of the trace.
            constants: has ``adc_mult`` and ``spike_filter_alpha``, ``spike_filter_alpha5`` of the package.
        """
        self._modifiers = modifiers
        self._volts = volts
        self._factor = factor
        self._scale = constants.adc_mult / modifiers["R"]
        self._offset = modifiers["S"] * volts + modifiers["I"]
        self._smooth = _Smoother(constants.spike_filter_alpha)
        self._smooth_highest = _Smoother(constants.spike_filter_alpha5)
        self._data = b""
        self._count: int | None = None
        self._level = 0
        self._range: int | None = None
        self._since = _LONG_AGO

    def __call__(self, data: bytes) -> Samples:
        """Power and edges in these bytes, as far as they make whole samples of the trace.

        Raises:
            MeterError: samples were lost.
        """
        self._data += data
        take = len(self._data) // (4 * self._factor) * self._factor
        if not take:
            return Samples(np.zeros(0))
        words = np.frombuffer(self._data[: 4 * take], "<u4")
        self._data = self._data[4 * take :]
        self._require_all(words)
        power_w = self._current(words) * self._volts
        return Samples(power_w.reshape(-1, self._factor).mean(axis=1), self._edges(words))

    def _require_all(self, words: Words) -> None:
        counts = (words >> 18 & (_COUNTER - 1)).astype(np.int64)
        first = counts[0] if self._count is None else self._count
        wrong = np.flatnonzero(counts != (first + np.arange(len(counts))) % _COUNTER)
        if len(wrong):
            k = int(wrong[0])
            missing = int(counts[k] - (first + k)) % _COUNTER
            raise MeterError(
                f"{TITLE} lost {missing} samples, or {_COUNTER}, {2 * _COUNTER}... more of them: "
                "use a USB port of its own, without a hub"
            )
        self._count = int(counts[-1] + 1) % _COUNTER

    def _edges(self, words: Words) -> list[float]:
        """Falling edges at D0: before the first sample that is low."""
        levels = np.concatenate([[self._level], words >> 24 & 1])
        self._level = int(levels[-1])
        falls = np.flatnonzero((levels[:-1] == 1) & (levels[1:] == 0))
        return [(k - 0.5) / self._factor for k in falls.tolist()]

    def _current(self, words: Words) -> Floats:
        """In ampere, shape (n,)."""
        ranges = np.minimum(words >> 14 & 7, _RANGES - 1).astype(np.int64)
        modifiers = {name: values[ranges] for name, values in self._modifiers.items()}
        plain = ((words & 0x3FFF) * 4.0 - modifiers["O"]) * self._scale[ranges]
        current = modifiers["UG"] * (
            plain * (modifiers["GS"] * plain + modifiers["GI"]) + self._offset[ranges]
        )
        return self._filtered(current, ranges)

    def _filtered(self, current: Floats, ranges: Indices) -> Floats:
        """Samples behind a change of range are replaced by a mean that runs over those before."""
        since = self._since_change(ranges)
        replaced = since < _SMOOTHED
        highest = ranges == _RANGES - 1
        learns = ~(highest & (since < _UNSETTLED))
        smooth = self._smooth(current, learns)
        smooth_highest = self._smooth_highest(current, learns)
        current[replaced] = np.where(highest, smooth_highest, smooth)[replaced]
        return current

    def _since_change(self, ranges: Indices) -> Indices:
        """Samples since the last change of range; 0 for the first one in another range."""
        before = np.concatenate([[ranges[0] if self._range is None else self._range], ranges[:-1]])
        index = np.arange(len(ranges))
        last = np.maximum.accumulate(np.where(ranges != before, index, -self._since - 1))
        since = index - last
        self._range = int(ranges[-1])
        self._since = int(min(since[-1], _LONG_AGO))
        return since


class _Smoother:
    """A mean that forgets: each new one is ``alpha`` of the sample and the rest of the mean before."""

    def __init__(self, alpha: float) -> None:
        self._alpha = alpha
        self._mean: float | None = None
        powers = (1 - alpha) ** np.arange(_BLOCK + 1)
        distance = np.subtract.outer(np.arange(_BLOCK), np.arange(_BLOCK))
        self._weights = np.where(distance >= 0, alpha * powers[np.abs(distance)], 0.0).T
        self._fade = powers[1:]

    def __call__(self, values: Floats, learns: NDArray[np.bool_]) -> Floats:
        """The mean behind each value, shape (n,); values that do not count leave it as it is."""
        counted = values[learns]
        if self._mean is None:
            self._mean = float(values[0])
        means = np.concatenate([[self._mean], self._run(counted, self._mean)])
        behind: Floats = means[np.cumsum(learns)]
        self._mean = float(means[-1])
        return behind

    def _run(self, values: Floats, mean: float) -> Floats:
        blocks = np.zeros((-(-len(values) // _BLOCK), _BLOCK))
        blocks.ravel()[: len(values)] = values
        blocks = blocks @ self._weights
        for block in blocks:  # one after the other: each begins with the mean of the one before
            block += self._fade * mean
            mean = float(block[-1])
        return blocks.ravel()[: len(values)]
