"""The conformance kit finds each fault of a power analyser by the one check that is about it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinybench.errors import MeterError, UsageError
from tinybench.meters.base import Found, Instrument, Recording, Settings
from tinybench.meters.registry import meter as registered
from tinybench.meters.registry import meter_names
from tinybench.testing import check_meter
from tinybench.testing.checks import outcomes
from tinybench.testing.meter import CHECKS, Trials

CHUNK = 50


class Session:
    """Feeds 50 samples every 50 ms."""

    rate_hz = 1000.0
    power_w = 0.01

    def __init__(self, kind: str) -> None:
        self.instrument = Instrument(
            kind=kind,
            title="Wattmeter 7",
            serial="7",
            firmware=None,
            calibration=None,
            rate_hz=self.rate_hz,
            native_rate_hz=self.rate_hz,
            range="one, 1 A",
            voltage_v=3.3,
            voltage="stated",
            power_cycles=False,
            edges=None,
        )
        self._ended = threading.Event()
        self._feeder: threading.Thread | None = None

    def start(self) -> Recording:
        recording = Recording(self.rate_hz)
        self._feeder = threading.Thread(target=self._feed, args=(recording,), daemon=True)
        self._feeder.start()
        return recording

    def _feed(self, recording: Recording) -> None:
        began, fed = time.monotonic(), 0
        while not self._ended.wait(CHUNK / 1000):
            due = int((time.monotonic() - began) * 1000)
            recording.feed(np.full(due - fed, self.power_w))
            fed = due

    def stop(self) -> None:
        if self._feeder is not None:
            self._ended.set()
            self._feeder.join()

    def close(self) -> None:
        self.stop()


class Wattmeter:
    """One is plugged in, at ``usb0``."""

    name = "wattmeter"
    interface = 1
    summary = "a power analyser, for tests"
    session: type[Session] = Session

    def check(self) -> None: ...

    def find(self) -> Any:
        return (Found(address="usb0", title="Wattmeter 7"),)

    def open(self, address: str | None, settings: Settings) -> Session:
        if address != "usb0":
            raise MeterError(f"there is no wattmeter at {address}")
        return self.session(self.name)


class WithoutFind(Wattmeter):
    find = property()  # type: ignore[assignment]


class Shouting(Wattmeter):
    name = "WATT"


class Wordy(Wattmeter):
    summary = ""


class OfYesterday(Wattmeter):
    interface = 0


class Slow(Wattmeter):
    def check(self) -> None:
        time.sleep(0.4)


class Incomplete(Wattmeter):
    def check(self) -> None:
        raise UsageError("its driver is missing")


class Listing(Wattmeter):
    def find(self) -> Any:
        return ["usb0"]


class Twins(Wattmeter):
    def find(self) -> Any:
        return super().find() * 2


class Nameless(Wattmeter):
    def find(self) -> Any:
        return (Found(address="usb0", title=""),)


class Trusting(Wattmeter):
    def open(self, address: str | None, settings: Settings) -> Session:
        return self.session(self.name)


class Clumsy(Wattmeter):
    def open(self, address: str | None, settings: Settings) -> Session:
        return {"usb0": self.session}[address or ""](self.name)


class Other(Session):
    def __init__(self, kind: str) -> None:
        super().__init__("ammeter")


class OfOtherKind(Wattmeter):
    session = Other


class Charged(Session):
    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.instrument = replace(self.instrument, voltage_v=-3.3)


class OfOddVoltage(Wattmeter):
    session = Charged


class Fast(Session):
    rate_hz = 4000.0


class OutOfStep(Wattmeter):
    session = Fast


class Broken(Session):
    power_w = float("nan")


class OfNoNumbers(Wattmeter):
    session = Broken


class Once(Session):
    def close(self) -> None:
        super().close()
        self._ended = None  # type: ignore[assignment]

    def stop(self) -> None:
        if self._ended is None:
            raise AttributeError("closed already")
        super().stop()


class ClosedOnce(Wattmeter):
    session = Once


class Talking(Wattmeter):
    def check(self) -> None:
        print("all is well")


class Littering(Wattmeter):
    def find(self) -> Any:
        Path("found.txt").touch()
        return super().find()


def failed(meter: object) -> dict[str, str]:
    trials = Trials(meter, address="usb0", supply_v=None, seconds=0.5, quick_s=0.3)
    return {found.check: found.said for found in outcomes(CHECKS, trials) if found.verdict == "failed"}


def test_a_good_one_conforms() -> None:
    check_meter(Wattmeter(), address="usb0", seconds=0.5)


@pytest.mark.parametrize("name", meter_names())
def test_those_that_are_built_in_conform(name: str) -> None:
    check_meter(registered(name), supply_v=3.3)


def test_without_an_address_nothing_is_recorded() -> None:
    trials = Trials(OutOfStep(), address=None, supply_v=None, seconds=0.5, quick_s=5.0)
    verdicts = {found.check: found.verdict for found in outcomes(CHECKS, trials)}
    left_out = {check for check, verdict in verdicts.items() if verdict == "not made"}
    assert left_out == {"says-what-it-is", "records-in-time", "ends-more-than-once"}
    assert set(verdicts.values()) == {"passed", "not made"}


@pytest.mark.parametrize(
    ("meter", "check", "says"),
    [
        (WithoutFind, "has-all-parts", "it has no find"),
        (Shouting, "has-a-name", "'WATT'"),
        (Wordy, "has-a-summary", "not one line"),
        (OfYesterday, "states-its-interface", "it was made for interface 0"),
        (Slow, "checks-quickly", "check() took"),
        (Incomplete, "finds-what-it-needs", "its driver is missing"),
        (Listing, "lists-what-is-plugged-in", "no tuple of Found"),
        (Twins, "lists-what-is-plugged-in", "['usb0', 'usb0']"),
        (Nameless, "lists-what-is-plugged-in", "titles are ['']"),
        (Trusting, "refuses-other-addresses", "is opened"),
        (Clumsy, "refuses-other-addresses", "ends in KeyError"),
        (OfOtherKind, "says-what-it-is", "kind is 'ammeter'"),
        (OfOddVoltage, "says-what-it-is", "voltage_v"),
        (OutOfStep, "records-in-time", "at 4000 Hz"),
        (OfNoNumbers, "records-in-time", "no numbers"),
        (ClosedOnce, "ends-more-than-once", "closed already"),
        (Talking, "prints-nothing", "all is well"),
        (Littering, "leaves-no-files", "found.txt"),
    ],
)
def test_a_fault_is_found_by_its_own_check(meter: type[Wattmeter], check: str, says: str) -> None:
    found = failed(meter())
    assert list(found) == [check]
    assert says in found[check]


def test_every_check_has_a_fault_that_it_finds() -> None:
    (mark,) = test_a_fault_is_found_by_its_own_check.pytestmark  # type: ignore[attr-defined]
    assert {case[1] for case in mark.args[1]} == {check.__name__.replace("_", "-") for check in CHECKS}
