"""Joulescope JS110 and JS220, through their own driver (package ``pyjoulescope_driver``).

The analyser measures what a supply of its own gives to the board: current and voltage at one or two million
samples a second, and the board's pin at general purpose input 0, with the same numbers. What is lost shows:
as a gap in these numbers, as samples that are no numbers, or as a warning of the driver.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from typing import Any, Final

import numpy as np

from tinybench.errors import MeterError, TinybenchError, UsageError
from tinybench.extras import installing
from tinybench.meters.averaging import Averager, whole_factor
from tinybench.meters.base import Found, Instrument, Recording, Settings
from tinybench.meters.trace import Floats

MIN_VOLTAGE_V: Final = 0.5
"""Below it there is no supply."""
MAX_DEVIATION: Final = 0.1
"""Of the measured voltage from the one that was stated; with more, a wire is in the wrong place."""
SETTLING_S: Final = 0.1
"""Samples at the start that are no numbers: the JS110 has none before its filter is filled."""

_RANGE: Final = {"js110": "s/i/range/select", "js220": "s/i/range/mode"}
_NATIVE_HZ: Final = {"js110": 2_000_000.0, "js220": 1_000_000.0}
_STREAMED: Final = {"js110": ("gpi/0", "p"), "js220": ("gpi/0", "i", "v", "p")}
"""At full rate the JS220 sends no power: its driver computes it where these are streamed, too."""
_FULL_HZ: Final = 2_000_000
_IO_MV: Final = (1800, 2100, 2500, 2700, 3000, 3300)
"""Levels of the JS110's inputs that suit a microcontroller."""
_ANSWER_S: Final = 5.0
"""For a command, which waits behind the samples that are on their way."""
_EXPLAINED_S: Final = 2.0
"""For the reason of a failure: the driver's messages come from a thread of their own, after its error."""
_LOG: Final = logging.getLogger("jsdrv")
"""Where the driver's own messages go."""
_AGAIN: Final = "plug the Joulescope in again, and close the Joulescope UI and whatever else uses it"
_PERMISSION: Final = (
    "Linux needs a rule of udev: see 99-joulescope.rules at https://github.com/jetperch/joulescope_driver"
)


class Joulescope:
    """The kind of analyser called ``joulescope``."""

    name = "joulescope"
    interface = 1
    summary = "Joulescope JS110 or JS220 over USB, between a supply and the board"

    def check(self) -> None:
        """Find out whether the driver is installed. Errors as in ``Meter``."""
        if find_spec("pyjoulescope_driver") is None:
            raise UsageError(
                "the power analyser 'joulescope' needs the package pyjoulescope-driver",
                hint=installing("boards"),
            )

    def find(self) -> tuple[Found, ...]:
        """Those that are plugged in."""
        self.check()
        with _Driver() as driver:
            return tuple(
                Found(address=_address(path), title=f"Joulescope {_address(path)}", problem=_problem(path))
                for path in driver.paths()
            )

    def open(self, address: str | None, settings: Settings) -> JoulescopeSession:
        """Open one, such as ``JS220-001234``, and close its current path. Errors as in ``Meter``."""
        self.check()
        with ExitStack() as undo:
            driver = undo.enter_context(_Driver())
            path = _choose(driver.paths(), address)
            factor = whole_factor(_NATIVE_HZ[_model(path)], settings.rate_hz, f"Joulescope {_address(path)}")
            session = JoulescopeSession(driver, path, factor, settings)
            undo.pop_all()
            return session


class JoulescopeSession:
    """An open Joulescope; the board has its power."""

    def __init__(self, driver: _Driver, path: str, factor: int, settings: Settings) -> None:
        self._driver, self._path, self._factor = driver, path, factor
        self._lock = threading.Lock()
        self._aligner: _Aligner | None = None
        self._closed = False
        driver.open(path)
        driver.on_trouble = self._trouble
        self._publish("h/fs", _FULL_HZ)  # the pin has its full resolution, and the means are made here
        power_cycles = self._connect()
        voltage_v = self._voltage()
        _require_supply(voltage_v, settings.supply_v)
        self._set_input(voltage_v)
        # The driver tells callbacks apart by identity: bound methods are made anew each time.
        self._on_power, self._on_pin = self._hear_power, self._hear_pin
        driver.subscribe(f"{path}/s/p/!data", self._on_power)
        driver.subscribe(f"{path}/s/gpi/0/!data", self._on_pin)
        self.instrument = Instrument(
            kind=Joulescope.name,
            title=f"Joulescope {_model(path).upper()}",
            serial=path.rpartition("/")[2],
            firmware=self._firmware(),
            calibration=None,
            rate_hz=settings.rate_hz,
            native_rate_hz=_NATIVE_HZ[_model(path)],
            range="automatic, 18 uA to 10 A",
            voltage_v=voltage_v,
            voltage="measured",
            power_cycles=power_cycles,
            edges="GPI 0",
        )

    def start(self) -> Recording:
        """Begin to record. Errors as in ``MeterSession``."""
        recording = Recording(self.instrument.rate_hz)
        with self._lock:
            self._aligner = _Aligner(recording, Averager(self._factor))
        self._stream(1)
        return recording

    def stop(self) -> None:
        """End the recording."""
        with self._lock:
            if self._aligner is None:
                return
            self._aligner = None
        with suppress(MeterError):  # the recording says what went wrong before
            self._stream(0)

    def close(self) -> None:
        """Let go of it; the current path stays closed."""
        if self._closed:
            return
        self._closed = True
        self.stop()
        self._driver.close()

    def _connect(self) -> bool:
        """Close the current path with automatic ranges; whether it may have been open or changed."""
        topic = _RANGE[_model(self._path)]
        before = self._driver.query(f"{self._path}/{topic}")
        self._publish(topic, "auto")
        return bool(self._driver.query(f"{self._path}/{topic}") != before)

    def _voltage(self) -> float:
        """Mean over a moment, after the supply has had time to come up."""
        heard: list[Floats] = []
        enough = threading.Event()

        def hear(topic: str, value: dict[str, Any]) -> None:
            heard.append(np.array(value["data"], np.float64))
            if len(heard) >= 4:
                enough.set()

        self._driver.subscribe(f"{self._path}/s/v/!data", hear)
        self._publish("s/v/ctrl", 1)
        if not enough.wait(_ANSWER_S):
            raise MeterError(f"Joulescope {_address(self._path)} sends no samples", hint=_AGAIN)
        self._publish("s/v/ctrl", 0)
        self._driver.unsubscribe(f"{self._path}/s/v/!data", hear)
        return float(np.nanmean(heard[-1]))

    def _set_input(self, voltage_v: float) -> None:
        """Make input 0 see the levels of the board's pin."""
        if _model(self._path) == "js220":
            self._publish("c/gpio/vref", 0)  # those of the wire Vref
            return
        # A board that gets more than 3.3 V regulates it down for its pins.
        self._publish("s/extio/voltage", min(_IO_MV, key=lambda level: abs(level - voltage_v * 1000)))
        # The JS110 sends its input in place of the lowest bit of the current.
        self._publish("s/i/lsb_src", "gpi0")

    def _firmware(self) -> str | None:
        if _model(self._path) == "js110":
            return None  # its driver does not ask for it
        version = int(self._driver.query(f"{self._path}/c/fw/version"))
        return f"{version >> 24}.{version >> 16 & 255}.{version & 65535}"

    def _stream(self, on: int) -> None:
        for signal in _STREAMED[_model(self._path)]:
            self._publish(f"s/{signal}/ctrl", on)

    def _publish(self, topic: str, value: int | str) -> None:
        self._driver.publish(f"{self._path}/{topic}", value)

    def _hear_power(self, topic: str, value: dict[str, Any]) -> None:
        with self._lock:
            if self._aligner is not None:
                self._aligner.power(value)

    def _hear_pin(self, topic: str, value: dict[str, Any]) -> None:
        with self._lock:
            if self._aligner is not None:
                self._aligner.pin(value)

    def _trouble(self, reason: str) -> None:
        with self._lock:
            if self._aligner is not None:
                self._aligner.fail(reason)


class _Aligner:
    """Makes one recording of power and pin, by the numbers that the analyser gives to its samples."""

    def __init__(self, recording: Recording, averager: Averager) -> None:
        self.recording = recording
        self._averager = averager
        self._power: deque[tuple[int, int, Floats]] = deque()
        """Pieces that wait for the pin: number of the first sample, distance of numbers, samples."""
        self._falls: deque[int] = deque()
        self._level = 0
        self._first: dict[str, int] = {}
        self._next: dict[str, int] = {}
        self._rate_hz = 0.0
        """Of the numbers."""
        self._origin: int | None = None
        """Number of the first sample of the trace."""

    def power(self, value: dict[str, Any]) -> None:
        """More power, from a message of the driver."""
        samples = np.array(value["data"], np.float64)
        if self._follow("power", value, len(samples)):
            self._power.append((int(value["sample_id"]), int(value["decimate_factor"]), samples))
            self._feed()

    def pin(self, value: dict[str, Any]) -> None:
        """More of the pin, from a message of the driver: eight samples in a byte."""
        bits = np.unpackbits(np.asarray(value["data"], np.uint8), bitorder="little")
        if self._follow("pin", value, len(bits)) and len(bits):
            falls = np.flatnonzero((np.concatenate([[self._level], bits[:-1]]) == 1) & (bits == 0))
            first, step = int(value["sample_id"]), int(value["decimate_factor"])
            self._falls.extend(first + int(fall) * step for fall in falls)
            self._level = int(bits[-1])
            self._feed()

    def fail(self, reason: str) -> None:
        """Nothing after this counts; before the first sample there is nothing to lose."""
        if self._origin is not None:
            self.recording.fail(reason)

    def _follow(self, signal: str, value: dict[str, Any], count: int) -> bool:
        """Whether a message continues the one before."""
        first = int(value["sample_id"])
        self._rate_hz = float(value["sample_rate"])
        self._first.setdefault(signal, first)
        expected = self._next.get(signal, first)
        self._next[signal] = first + count * int(value["decimate_factor"])
        if first != expected:
            self.recording.fail(f"the Joulescope lost {first - expected} samples")
        return first == expected

    def _feed(self) -> None:
        """Feed what the pin is known for."""
        while self._power and "pin" in self._next:
            first, step, samples = self._power[0]
            if first + len(samples) * step > self._next["pin"]:
                return
            self._power.popleft()
            if self._origin is None:
                skipped = self._settle(first, step, samples)
                first, samples = first + skipped * step, samples[skipped:]
                if not len(samples):
                    continue
                self._origin = first
            if not np.isfinite(samples).all():
                self.recording.fail("the Joulescope lost samples")
                return
            end = first + len(samples) * step
            while self._falls and self._falls[0] < end:
                fall = self._falls.popleft()
                if fall >= self._origin:
                    self.recording.edge((fall - self._origin) / self._rate_hz)
            self.recording.feed(self._averager.push(samples))

    def _settle(self, first: int, step: int, samples: Floats) -> int:
        """How many samples to leave out: those before the pin is known, and those that are no numbers yet."""
        early = max(0, math.ceil((self._first["pin"] - first) / step))
        valid = np.flatnonzero(np.isfinite(samples[early:]))
        skipped = min(len(samples), early) + (int(valid[0]) if len(valid) else len(samples[early:]))
        if (first + skipped * step - self._first["power"]) / self._rate_hz > SETTLING_S:
            self.recording.fail("the Joulescope sends no samples that are numbers")
        return skipped


class _Driver:
    """The native driver, with one clear line for each of the ways in which it fails."""

    def __init__(self) -> None:
        from pyjoulescope_driver import Driver

        self._denied = threading.Event()
        self.on_trouble = self._ignore
        self._handler = _Handler(self._heard)
        _LOG.addHandler(self._handler)
        self._opened: str | None = None
        with self._asking("start"):
            self._native = Driver()
            self._native.log_level = "warning"

    def __enter__(self) -> _Driver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what is open, and end its threads."""
        with suppress(MeterError), self._asking("close"):
            if self._opened is not None:
                # Not ``close``: with it the binding (2.2.12) sends what happens to be on its stack, and the
                # driver takes pointers from that to free them. One process in a hundred crashed.
                self._native.publish(f"{self._opened}/@/!close", 0, timeout=_ANSWER_S)
        with suppress(MeterError), self._asking("end"):
            self._native.finalize()
        _LOG.removeHandler(self._handler)

    def paths(self) -> list[str]:
        """Such as ``u/js220/001234``; those in their bootloader too."""
        with self._asking("list devices"):
            found = [str(path) for path in self._native.device_paths()]
        return sorted(path for path in found if path.split("/")[1].lstrip("&").startswith("js"))

    def open(self, path: str) -> None:
        """Take the device as it is."""
        with self._asking("open"):
            try:
                self._native.open(path, "restore", timeout=_ANSWER_S)
            except RuntimeError as error:
                if not self._denied.wait(_EXPLAINED_S):
                    raise
                raise MeterError(
                    "the Joulescope was asked to open and cannot: no permission", hint=_PERMISSION
                ) from error
        self._opened = path
        self.subscribe("@/!remove", self._removed)

    def publish(self, topic: str, value: int | str) -> None:
        """Set something."""
        with self._asking(f"set {topic}"):
            self._native.publish(topic, value, timeout=_ANSWER_S)

    def query(self, topic: str) -> Any:
        """What is set."""
        with self._asking(f"tell {topic}"):
            return self._native.query(topic, timeout=_ANSWER_S)

    def subscribe(self, topic: str, call: Any) -> None:
        """Have a function called with topic and value, in a thread of the driver."""
        with self._asking(f"send {topic}"):
            self._native.subscribe(topic, "pub", call, timeout=_ANSWER_S)

    def unsubscribe(self, topic: str, call: Any) -> None:
        """No more."""
        with self._asking(f"end {topic}"):
            self._native.unsubscribe(topic, call, timeout=_ANSWER_S)

    def _removed(self, topic: str, path: str) -> None:
        if path == self._opened:
            self.on_trouble("the Joulescope is gone: was it unplugged?")

    def _heard(self, text: str) -> None:
        if "permission" in text:
            self._denied.set()
        # Of a gap of more than 32 ms the JS110's driver does not number the samples: only this tells of it.
        if "skip" in text:
            self.on_trouble(f"the Joulescope lost samples: {text}")

    def _ignore(self, reason: str) -> None:
        """Nobody records."""

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        try:
            yield
        except TinybenchError:
            raise
        except TimeoutError as error:
            raise MeterError(
                f"the Joulescope was asked to {what} and does not answer", hint=_AGAIN
            ) from error
        except Exception as error:  # whatever the binding raises
            reason = " ".join(str(error).split())[:200]
            raise MeterError(
                f"the Joulescope was asked to {what} and cannot: {reason}", hint=_AGAIN
            ) from error


class _Handler(logging.Handler):
    """Gives on what the driver says."""

    def __init__(self, call: Any) -> None:
        super().__init__(logging.WARNING)
        self._call = call

    def emit(self, record: logging.LogRecord) -> None:
        """Called by ``logging``."""
        self._call(record.getMessage())


def _require_supply(voltage_v: float, stated_v: float | None) -> None:
    if not voltage_v >= MIN_VOLTAGE_V:
        raise MeterError(
            f"the Joulescope measures {voltage_v:.2f} V: the board has no supply",
            hint="it supplies nothing itself: connect a supply to IN, and the board to OUT",
        )
    if stated_v is not None and abs(voltage_v - stated_v) > MAX_DEVIATION * stated_v:
        raise UsageError(
            f"the Joulescope measures {voltage_v:.2f} V where {stated_v:g} V was stated",
            hint="check the supply and the wires, or state the voltage at the Joulescope",
        )


def _choose(paths: list[str], address: str | None) -> str:
    if not paths:
        raise MeterError(
            "no Joulescope is plugged in", hint="plug it in; 'tinybench meters' shows what is there"
        )
    listed = ", ".join(f"{Joulescope.name}:{_address(path)}" for path in paths)
    fitting = [path for path in paths if address is None or _fits(path, address)]
    if not fitting:
        raise UsageError(f"no Joulescope '{address}' is plugged in", hint=f"there is {listed}")
    if len(fitting) > 1:
        raise UsageError(
            f"{len(fitting)} Joulescopes are plugged in", hint=f"say --meter with one of {listed}"
        )
    problem = _problem(fitting[0])
    if problem is not None:
        raise MeterError(f"Joulescope {_address(fitting[0])} cannot be used", hint=problem)
    return fitting[0]


def _fits(path: str, address: str) -> bool:
    return address.upper() == _address(path) or address == path.rpartition("/")[2]


def _model(path: str) -> str:
    return path.split("/")[1]


def _address(path: str) -> str:
    """As the Joulescope UI calls it: ``JS220-001234``."""
    _, model, serial = path.split("/")
    return f"{model.upper()}-{serial}"


def _problem(path: str) -> str | None:
    model = _model(path)
    if model.startswith("&"):
        return "it is in its bootloader: let the Joulescope UI update its firmware"
    return None if model in _RANGE else "tinybench knows JS110 and JS220"
