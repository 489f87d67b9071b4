"""Checks of a power analyser: what it says it is, what it finds, and what it records."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from pydantic import ValidationError

from tinybench.errors import MeterError, TinybenchError
from tinybench.meters.base import Found, Instrument, Recording, Settings
from tinybench.meters.registry import PLUGINS
from tinybench.meters.trace import PowerTrace
from tinybench.results.schema import Analyser
from tinybench.specs.base import first_error
from tinybench.testing import checks
from tinybench.testing.checks import NotMadeError, Seen, described, observed, require

NOWHERE: Final = "no-such-address-of-tinybench"
_SLACK: Final = 0.2
"""Samples that may be missing or too many: a part of them, and so many seconds, as chunks take."""
_PATIENCE_S: Final = 5.0


@dataclass
class Recorded:
    """What one recording gave."""

    instrument: Instrument
    trace: PowerTrace
    seconds: float
    """How long it was waited for, from the first samples on."""
    count: int
    """Samples that came meanwhile."""


class Trials:
    """A power analyser, and what it does when it is asked to."""

    def __init__(
        self, meter: Any, *, address: str | None, supply_v: float | None, seconds: float, quick_s: float
    ) -> None:
        self.meter = meter
        self.address = address
        self.settings = Settings(supply_v=supply_v)
        self.seconds = seconds
        self.quick_s = quick_s
        self.seen: list[Seen] = []

    @cached_property
    def listed(self) -> tuple[Found, ...]:
        """What it finds."""
        with observed() as seen:
            self.seen.append(seen)
            found: tuple[Found, ...] = self.meter.find()
        return found

    @cached_property
    def recorded(self) -> Recorded:
        """What it records in a while; closed twice, and stopped without a recording."""
        if self.address is None:
            raise NotMadeError("no address was given")
        with observed() as seen:
            self.seen.append(seen)
            session = self.meter.open(self.address, self.settings)
            try:
                recording = session.start()
                before = _first_samples(recording)
                began = time.monotonic()
                time.sleep(self.seconds)
                trace, seconds = recording.trace(), time.monotonic() - began
                session.stop()
            finally:
                session.close()
        return Recorded(session.instrument, trace, seconds, len(trace.power_w) - before)


def _first_samples(recording: Recording) -> int:
    """Wait for the first samples; how many there are."""
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        with suppress(MeterError):  # there are none yet
            return len(recording.trace().power_w)
        time.sleep(0.01)
    raise AssertionError(f"no sample came within {_PATIENCE_S:g} s of start()")


def has_all_parts(trials: Trials) -> None:
    """It has what the protocol has."""
    checks.require_parts(PLUGINS, trials.meter)


def has_a_name(trials: Trials) -> None:
    """Its name can be typed."""
    checks.require_name(trials.meter)


def has_a_summary(trials: Trials) -> None:
    """Its summary is one line for people."""
    checks.require_summary(trials.meter)


def states_its_interface(trials: Trials) -> None:
    """It states the interface that is spoken here."""
    checks.require_interface(PLUGINS, trials.meter)


def checks_quickly(trials: Trials) -> None:
    """check() and find() take no time to speak of."""
    for name in ("check", "find"):
        checks.require_quick(getattr(trials.meter, name), f"{name}()", trials.quick_s)


def finds_what_it_needs(trials: Trials) -> None:
    """check() raises nothing: what it needs is installed."""
    with observed() as seen:
        trials.seen.append(seen)
        trials.meter.check()


def lists_what_is_plugged_in(trials: Trials) -> None:
    """find() gives a tuple of Found, each with an address of its own and a title."""
    found = trials.listed
    kinds = isinstance(found, tuple) and all(isinstance(one, Found) for one in found)
    require(kinds, f"find() gives {found!r}, and no tuple of Found")
    addresses = [one.address for one in found]
    require(all(addresses) and len(set(addresses)) == len(addresses), f"addresses are {addresses}")
    titles = [one.title for one in found]
    require(all(title and title.isprintable() for title in titles), f"titles are {titles}")


def refuses_other_addresses(trials: Trials) -> None:
    """An address that there is not ends in a TinybenchError."""
    try:
        with observed() as seen:
            trials.seen.append(seen)
            trials.meter.open(NOWHERE, trials.settings).close()
    except TinybenchError:
        return
    except Exception as error:
        raise AssertionError(f"{NOWHERE} ends in {described(error)}, which is no TinybenchError") from None
    raise AssertionError(f"{NOWHERE} is opened")


def says_what_it_is(trials: Trials) -> None:
    """What it says of itself can stand in a result, under its own name."""
    instrument = trials.recorded.instrument
    try:
        Analyser.model_validate(asdict(instrument))
    except ValidationError as error:
        raise AssertionError(f"the instrument cannot stand in a result: {first_error(error)}") from None
    kind = instrument.kind
    require(kind == trials.meter.name, f"the instrument's kind is '{kind}', and not '{trials.meter.name}'")


def records_in_time(trials: Trials) -> None:
    """As many samples come as its rate says, and all are numbers."""
    recorded = trials.recorded
    rate_hz = recorded.instrument.rate_hz
    require(
        recorded.trace.rate_hz == rate_hz, f"the trace has {recorded.trace.rate_hz:g} Hz, not {rate_hz:g}"
    )
    wanted = recorded.seconds * rate_hz
    slack = _SLACK * (wanted + rate_hz)
    require(
        abs(recorded.count - wanted) <= slack,
        f"{recorded.count} samples came in {recorded.seconds:.2f} s, at {rate_hz:g} Hz",
    )
    require(bool(np.isfinite(recorded.trace.power_w).all()), "some samples are no numbers")


def ends_more_than_once(trials: Trials) -> None:
    """stop() without a recording and close() a second time do nothing."""
    if trials.address is None:
        raise NotMadeError("no address was given")
    with observed() as seen:
        trials.seen.append(seen)
        session = trials.meter.open(trials.address, trials.settings)
        try:
            session.stop()
        finally:
            session.close()
            session.close()


def prints_nothing(trials: Trials) -> None:
    """Nothing is written to standard output or error: the command line does that."""
    checks.require_quiet(trials.seen)


def leaves_no_files(trials: Trials) -> None:
    """Nothing is left in the working folder, which is the user's."""
    checks.require_tidy(trials.seen)


CHECKS: Final[tuple[Callable[[Trials], None], ...]] = (
    has_all_parts,
    has_a_name,
    has_a_summary,
    states_its_interface,
    checks_quickly,
    finds_what_it_needs,
    lists_what_is_plugged_in,
    refuses_other_addresses,
    says_what_it_is,
    records_in_time,
    ends_more_than_once,
    prints_nothing,
    leaves_no_files,
)
