from __future__ import annotations

import threading
from importlib.metadata import EntryPoint

import numpy as np
import pytest

from tinybench.errors import MeterError, UnknownNameError
from tinybench.meters import registry
from tinybench.meters.base import STALL_S, Recording


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_samples_and_edges_become_a_trace() -> None:
    recording = Recording(1000.0)
    recording.feed(np.full(100, 0.5))
    recording.feed(np.zeros(0))
    recording.edge(0.05)
    recording.feed(np.full(50, 1.0))
    trace = recording.trace()
    assert len(trace.power_w) == 150
    assert trace.energy_j(0.0, 0.15) == pytest.approx(0.1)
    assert recording.edges == (0.05,)


def test_the_host_clock_is_that_of_the_chunk_that_was_delayed_least() -> None:
    clock = Clock()
    recording = Recording(1000.0, clock)
    for delay in (0.030, 0.004, 0.020):
        clock.now = 100.0 + len(recording._arrivals) * 0.1 + 0.1 + delay
        recording.feed(np.ones(100))
    assert recording.time_of(100.204) == pytest.approx(0.2)


def test_waiting_ends_with_the_samples_behind_the_last_edge() -> None:
    recording = Recording(1000.0)
    recording.edge(0.01)
    recording.edge(0.02)
    recording.feed(np.ones(25))
    threading.Timer(0.05, recording.feed, [np.ones(10)]).start()
    recording.wait_for_edges(2, beyond_s=0.01, timeout_s=30)
    assert len(recording.trace().power_w) == 35


def test_a_lost_edge_is_told() -> None:
    recording = Recording(1000.0)
    recording.edge(0.01)
    recording.feed(np.ones(25))
    with pytest.raises(MeterError, match="saw 1 of 2 edges"):
        recording.wait_for_edges(2, beyond_s=0.0, timeout_s=0.1)


def test_silence_is_told_as_soon_as_it_is_one() -> None:
    clock = Clock()
    recording = Recording(1000.0, clock)
    recording.feed(np.ones(10))
    clock.now += STALL_S + 0.1
    with pytest.raises(MeterError, match="sent nothing for 2 s"):
        recording.wait_until(clock.now, timeout_s=60)


def test_a_failure_ends_the_waiting_and_the_trace() -> None:
    recording = Recording(1000.0)
    recording.feed(np.ones(10))
    recording.fail("12 samples were lost")
    recording.fail("and more")
    with pytest.raises(MeterError, match="12 samples were lost"):
        recording.wait_for_edges(1, beyond_s=0.0, timeout_s=60)
    with pytest.raises(MeterError, match="12 samples were lost"):
        recording.trace()


def test_an_empty_recording_is_no_trace() -> None:
    with pytest.raises(MeterError, match="has sent nothing"):
        Recording(1000.0).trace()
    with pytest.raises(MeterError, match="has sent nothing"):
        Recording(1000.0).time_of(0.0)


class Wattmeter:
    name = "wattmeter"
    interface = 1
    summary = "for tests"

    def check(self) -> None: ...

    def find(self) -> tuple[()]:
        return ()

    def open(self, address: str | None, settings: object) -> None: ...


def test_an_analyser_is_found_by_name_with_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("wattmeter", f"{__name__}:Wattmeter", registry.PLUGINS.group)
    monkeypatch.setattr(registry.PLUGINS, "entries", {"wattmeter": entry})
    monkeypatch.setattr(registry.PLUGINS, "_made", {})
    assert [registry.parse(wanted)[1] for wanted in ("wattmeter", "wattmeter:", "wattmeter:/dev/ttyX:1")] == [
        None,
        None,
        "/dev/ttyX:1",
    ]
    assert list(registry.meters()) == ["wattmeter"]
    with pytest.raises(UnknownNameError, match="unknown power analyser 'watmeter'"):
        registry.parse("watmeter:/dev/ttyX")
